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

use crate::primitive::{Mutant, broken};
use crate::waiter::{Claim, Waiter};

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
        true
    }

    /// The first that still waits, claimed and taken out. Those in front of it whose
    /// wait has ended otherwise are taken out, too.
    #[inline]
    pub fn claim_front(&self) -> Option<(&Node, Claim)> {
        loop {
            // SAFETY: (2): a node in the list is live, and so is its waiter; a
            // claimed one stays so until the claim is `done`.
            unsafe {
                let node = self.head.get().as_ref()?;
                self.remove(node);
                if let Some(claim) = Waiter::claim(node.waiter.get()) {
                    return Some((node, claim));
                }
            }
        }
    }

    /// Ends the wait of all in the list because what they wait for is closed. Wake
    /// the batch after unlocking.
    pub fn close(&self) -> Closed {
        let closed = Self::new();
        // SAFETY: (2), as in `claim_front`; those to which `Waiter::close` owes a wake stay
        // until then, and the nodes of the others are not touched after it.
        unsafe {
            while let Some(node) = self.head.get().as_ref() {
                self.remove(node);
                if Waiter::close(node.waiter.get()) {
                    closed.push_back(node);
                }
            }
        }
        Closed(closed)
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

/// Threads whose wait was ended by [`WaitList::close`], still to be woken.
#[derive(Debug)]
#[must_use = "the threads sleep until `wake_all` is called"]
pub struct Closed(WaitList);

impl Closed {
    /// Wakes them all. Call it with no lock held.
    pub fn wake_all(self) {
        // SAFETY: each node is live until its waiter is woken, which is done last.
        unsafe {
            while let Some(node) = self.0.head.get().as_ref() {
                self.0.remove(node);
                Waiter::wake_handle(node.waiter.get()).wake();
            }
        }
    }
}
