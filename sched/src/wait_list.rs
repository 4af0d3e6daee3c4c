//! FIFO lists of threads that wait for the same thing, threaded through nodes on
//! their own stacks: no allocation, O(1) to join, to leave and to take the first.
//!
//! A list is one word, circular and doubly linked, and has no lock of its own: it
//! lives inside the lock of the thing waited for.
//!
//! 1. List and nodes are touched only under that lock.
//! 2. A node is in at most one list, and is out of it before it goes away. Who ends a wait by
//!    `claim` or `close` takes the node out *before*; after a wait that ended otherwise the owner
//!    locks and calls [`WaitList::remove`].

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomPinned;
use std::ptr::{self, NonNull};

use smallvec::SmallVec;

use crate::primitive::{Mutant, broken};
use crate::waiter::{Claim, Waiter, Wake};

/// In `prev` of a node in no list: through it its waiter was claimed.
const CLAIMED: *const Node = ptr::without_provenance(1);

/// One place in one list, of a waiter that may stand in several.
pub struct Node {
    prev: Cell<*const Node>,
    next: Cell<*const Node>,
    waiter: Cell<NonNull<Waiter>>,
    slot: Cell<*mut ()>,
    _pinned: PhantomPinned,
}

impl Node {
    /// A node, in no list, of `waiter`. `slot` is where a value is handed over; what
    /// it points to is between the two sides.
    #[inline]
    pub fn new(waiter: &Waiter, slot: *mut ()) -> Self {
        let node = Self::unbound();
        node.bind(waiter, slot);
        node
    }

    /// A node of no waiter yet: for one that lies in the same place as its waiter.
    #[inline]
    pub fn unbound() -> Self {
        Self {
            prev: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            waiter: Cell::new(NonNull::dangling()),
            slot: Cell::new(ptr::null_mut()),
            _pinned: PhantomPinned,
        }
    }

    /// Makes it a node of `waiter`, as [`new`](Self::new) does. Before it is put into a list.
    #[inline]
    pub fn bind(&self, waiter: &Waiter, slot: *mut ()) {
        self.waiter.set(NonNull::from(waiter));
        self.slot.set(slot);
    }

    /// Where the value is handed over.
    #[inline]
    pub fn slot(&self) -> *mut () {
        self.slot.get()
    }

    /// Whether it was through this node, which is in no list any more, that its waiter was
    /// claimed. For the waiting thread, when the wait has ended.
    #[inline]
    pub fn is_claimed(&self) -> bool {
        self.prev.get() == CLAIMED
    }

    /// Whether its waiter gives something away that is not in its slot yet.
    #[inline]
    pub fn gives_later(&self) -> bool {
        // SAFETY: a node that is in a list, or whose claim is not done, has a live waiter.
        unsafe { self.waiter.get().as_ref() }.gives_later()
    }

    /// Whether its waiter is a task's.
    #[inline]
    pub fn is_task(&self) -> bool {
        // SAFETY: as above.
        unsafe { self.waiter.get().as_ref() }.is_task()
    }

    /// Whether it is in a list. Only under the list's lock.
    #[inline]
    pub fn is_linked(&self) -> bool {
        !self.next.get().is_null()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("waiter", &self.waiter.get()).finish_non_exhaustive()
    }
}

/// First come, first served.
pub struct WaitList {
    head: Cell<*const Node>,
}

// SAFETY: (1): the lock around the list orders all access to it and its nodes, and
// what a node's slot holds is `Send` where the two sides say so.
unsafe impl Send for WaitList {}

impl WaitList {
    /// An empty list.
    #[inline]
    pub const fn new() -> Self {
        Self { head: Cell::new(ptr::null()) }
    }

    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    /// Adds `node` at the end.
    ///
    /// # Safety
    ///
    /// `node` is in no list, stays in place while it is in this one, and (2) is kept.
    #[inline]
    pub unsafe fn push_back(&self, node: &Node) {
        debug_assert!(!node.is_linked());
        let head = self.head.get();
        if head.is_null() {
            node.prev.set(node);
            node.next.set(node);
            self.head.set(node);
            return;
        }
        // SAFETY: (2): all nodes in the list are live.
        unsafe {
            let tail = (*head).prev.get();
            node.prev.set(tail);
            node.next.set(head);
            (*tail).next.set(node);
            (*head).prev.set(node);
        }
    }

    /// Takes `node` out if it is still in. `false`: somebody else had taken it out.
    ///
    /// # Safety
    ///
    /// If `node` is in a list, it is this one.
    #[inline]
    pub unsafe fn remove(&self, node: &Node) -> bool {
        if !node.is_linked() || broken(Mutant::WaiterNotUnlinked) {
            return false;
        }
        let (prev, next) = (node.prev.get(), node.next.get());
        if ptr::eq(next, node) {
            self.head.set(ptr::null());
        } else {
            // SAFETY: (2): its neighbours are live.
            unsafe {
                (*prev).next.set(next);
                (*next).prev.set(prev);
            }
            if ptr::eq(self.head.get(), node) {
                self.head.set(next);
            }
        }
        node.next.set(ptr::null());
        node.prev.set(ptr::null());
        true
    }

    /// The first that still waits, claimed and taken out. Those in front of it whose
    /// wait has ended otherwise are taken out, too.
    #[inline]
    pub fn claim_front(&self) -> Option<(&Node, Claim)> {
        while !self.is_empty() {
            if let Some(claimed) = self.claim_first() {
                return Some(claimed);
            }
        }
        None
    }

    /// The first, taken out; claimed, if it still waits.
    #[inline]
    pub fn claim_first(&self) -> Option<(&Node, Claim)> {
        // SAFETY: (2): a node in the list is live, and so is its waiter; a
        // claimed one stays so until the claim is `done`.
        unsafe {
            let node = self.head.get().as_ref()?;
            Some((node, self.claim(node)?))
        }
    }

    /// The one behind `node`.
    ///
    /// # Safety
    ///
    /// `node` is in this list.
    #[inline]
    pub unsafe fn behind(&self, node: &Node) -> Option<&Node> {
        let next = node.next.get();
        // SAFETY: (2): all nodes in the list are live.
        (next != self.head.get()).then(|| unsafe { &*next })
    }

    /// Claims `node`, which is taken out. `None`: its wait has ended otherwise.
    ///
    /// # Safety
    ///
    /// `node` is in this list.
    #[inline]
    pub unsafe fn claim(&self, node: &Node) -> Option<Claim> {
        // SAFETY: as in `claim_first`.
        unsafe {
            self.remove(node);
            let claim = Waiter::claim(node.waiter.get())?;
            node.prev.set(CLAIMED);
            Some(claim)
        }
    }

    /// The last that still waits, claimed and taken out. Those behind it whose wait has ended
    /// otherwise are taken out, too.
    pub fn claim_back(&self) -> Option<(&Node, Claim)> {
        while let Some(first) = self.first() {
            // SAFETY: as in `claim_first`; the last stands before the first (it is a ring).
            unsafe {
                let node = &*first.prev.get();
                self.remove(node);
                if let Some(claim) = Waiter::claim(node.waiter.get()) {
                    node.prev.set(CLAIMED);
                    return Some((node, claim));
                }
            }
        }
        None
    }

    /// The first, taken out.
    pub fn pop_front(&self) -> Option<&Node> {
        let first = self.first()?;
        // SAFETY: it is in this list.
        unsafe { self.remove(first) };
        Some(first)
    }

    /// Claims the first, which is taken out, also if it came into the list as one that was claimed
    /// already ([`Claim::put_aside`]).
    #[inline]
    pub fn claim_first_or_resume(&self) -> Option<(&Node, Claim)> {
        // SAFETY: as in `claim_first`; whoever ends a wait otherwise has no claim.
        unsafe {
            let node = self.head.get().as_ref()?;
            self.remove(node);
            let claim = Waiter::claim_or_resume(node.waiter.get())?;
            node.prev.set(CLAIMED);
            Some((node, claim))
        }
    }

    /// The first that still waits and that `fits`, claimed and taken out. Those that fit and whose
    /// wait has ended otherwise are taken out, too.
    pub fn claim_first_that(&self, fits: impl Fn(&Node) -> bool) -> Option<(&Node, Claim)> {
        let mut at = self.first();
        while let Some(node) = at {
            // SAFETY: it is in this list.
            at = unsafe { self.behind(node) };
            if !fits(node) {
                continue;
            }
            // SAFETY: as above.
            if let Some(claim) = unsafe { self.claim(node) } {
                return Some((node, claim));
            }
        }
        None
    }

    /// Whether somebody waits here whose waiter is not `except`, which may stand in the list
    /// itself, perhaps more than once.
    #[inline]
    pub fn has_other(&self, except: Option<&Waiter>) -> bool {
        let except = except.map_or(ptr::null(), ptr::from_ref);
        let head = self.head.get();
        let mut at = head;
        while !at.is_null() {
            // SAFETY: (2): all nodes in the list are live, and so are their waiters.
            let (node, waiter) = unsafe { (&*at, (*at).waiter.get().as_ref()) };
            if !ptr::eq(waiter, except) && waiter.is_waiting() {
                return true;
            }
            at = node.next.get();
            if at == head {
                break;
            }
        }
        false
    }

    /// Whether a task waits here.
    pub fn has_task(&self) -> bool {
        let mut at = self.first();
        while let Some(node) = at {
            if node.is_task() {
                return true;
            }
            // SAFETY: it is in this list.
            at = unsafe { self.behind(node) };
        }
        false
    }

    /// The first, which may have ended its wait.
    #[inline]
    pub fn first(&self) -> Option<&Node> {
        // SAFETY: (2): all nodes in the list are live.
        unsafe { self.head.get().as_ref() }
    }

    /// Adds `node` at the front, before all others.
    ///
    /// # Safety
    ///
    /// As for [`push_back`](Self::push_back).
    pub unsafe fn push_front(&self, node: &Node) {
        // SAFETY: the caller's promise.
        unsafe { self.push_back(node) };
        // The list is a ring: the last before the first becomes the first.
        self.head.set(node);
    }

    /// Ends the wait of all in the list because what they wait for is closed. Wake
    /// the batch after unlocking.
    pub fn close(&self) -> Wakes {
        let mut wakes = Wakes::none();
        self.close_into(&mut wakes);
        wakes
    }

    /// As [`close`](Self::close), of one of several lists.
    pub(crate) fn close_into(&self, wakes: &mut Wakes) {
        // SAFETY: (2), as in `claim_first`; threads to which `Waiter::close` owes a wake stay
        // until then, and the nodes of the others are not touched after it.
        unsafe {
            while let Some(node) = self.head.get().as_ref() {
                self.remove(node);
                let waiter = node.waiter.get();
                match Waiter::close(waiter) {
                    // It may go away when the lock is released (waiter.rs, 5).
                    true if node.is_task() => wakes.tasks.push(Waiter::wake_handle(waiter)),
                    true => wakes.threads.push_back(node),
                    false => {}
                }
            }
        }
    }

    /// The word that it is.
    #[inline]
    pub(crate) fn head(&self) -> *const Node {
        self.head.get()
    }

    /// The list that such a word was.
    #[inline]
    pub(crate) fn from_head(head: *const Node) -> Self {
        Self { head: Cell::new(head) }
    }
}

impl Default for WaitList {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitList").field("is_empty", &self.is_empty()).finish()
    }
}

/// Those whose wait has ended, under a lock, and who are to be woken after it is released.
#[derive(Debug)]
#[must_use = "the threads sleep until `wake_all` is called"]
pub struct Wakes {
    threads: WaitList,
    /// One needs no memory.
    tasks: SmallVec<[Wake; 1]>,
}

impl Wakes {
    /// Nobody.
    #[inline]
    pub fn none() -> Self {
        Self { threads: WaitList::new(), tasks: SmallVec::new() }
    }

    /// Ends a wait that was claimed through `node`, which is in no list, with `case`.
    ///
    /// # Safety
    ///
    /// The claim is of the node's waiter. A task's list is still locked.
    pub unsafe fn add(&mut self, node: &Node, claim: Claim, case: u32) {
        if node.is_task() {
            self.tasks.push(claim.done(case));
        } else if claim.done(case).is_owed() {
            // SAFETY: it sleeps until then, so its node stays.
            unsafe { self.threads.push_back(node) };
        }
    }

    /// Wakes them all. Call it with no lock held.
    #[inline]
    pub fn wake_all(self) {
        // SAFETY: each node is live until its waiter is woken, which is done last.
        unsafe {
            while let Some(node) = self.threads.head.get().as_ref() {
                self.threads.remove(node);
                Waiter::wake_handle(node.waiter.get()).wake();
            }
        }
        self.tasks.into_iter().for_each(Wake::wake);
    }
}
