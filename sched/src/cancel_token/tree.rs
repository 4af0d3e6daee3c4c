//! The tree: its tokens, and the lists that these are in. The numbered invariants are those of
//! `cancel_token.rs`.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use crate::primitive::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::primitive::{Mutant, Mutex, MutexGuard, Presence, broken};
use crate::wait_list::Wakes;
use crate::wait_queue::WaitQueue;

/// One token, on the heap.
pub(super) struct Token {
    /// Handles and children.
    pub(super) references: AtomicUsize,
    pub(super) is_cancelled: AtomicBool,
    /// Who waits for it.
    pub(super) line: WaitQueue,
    pub(super) place: Place,
    pub(super) children: List,
    /// In the list of its parent.
    prev: Cell<*const Self>,
    next: Cell<*const Self>,
    pub(super) presence: Presence,
}

/// Where it is in its tree.
pub(super) enum Place {
    /// With the tree's lock.
    Root(Mutex<()>),
    /// It counts in its parent, and so all the way up to its root.
    Below { parent: NonNull<Token>, root: NonNull<Token> },
}

/// Children. Touched under the lock of the tree (1).
pub(super) struct List(Cell<*const Token>);

impl Token {
    /// Counted once.
    pub(super) fn at(place: Place) -> NonNull<Self> {
        NonNull::from(Box::leak(Box::new(Self {
            references: AtomicUsize::new(1),
            is_cancelled: AtomicBool::new(false),
            line: WaitQueue::new(),
            place,
            children: List(Cell::new(ptr::null())),
            prev: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            presence: Presence::new(),
        })))
    }

    pub(super) fn lock_tree(&self) -> MutexGuard<'_, ()> {
        let root = match &self.place {
            Place::Root(lock) => return lock.lock(),
            Place::Below { root, .. } => root,
        };
        // SAFETY: this one counts in its parent, and so on up to the root.
        match unsafe { &root.as_ref().place } {
            Place::Root(lock) => lock.lock(),
            Place::Below { .. } => unreachable!("a root is below nothing"),
        }
    }

    /// Cancels this one and all below it, which leave their lists.
    ///
    /// # Safety
    ///
    /// The tree's lock is held. It is not cancelled.
    pub(super) unsafe fn cancel_all(&self, wakes: &mut Wakes) {
        if let Place::Below { parent, .. } = &self.place {
            // SAFETY: its parent is there, and it is in its list (2).
            unsafe { parent.as_ref().children.remove(self) };
        }
        let order =
            if broken(Mutant::CancelledRelaxed) { Ordering::Relaxed } else { Ordering::Release };
        // Those that are still to be cancelled.
        let rest = List(Cell::new(ptr::null()));
        // SAFETY: it is in no list; (1) for this and all below.
        unsafe {
            rest.push(self);
            while let Some(token) = rest.pop() {
                token.presence.check();
                let line = token.line.lock();
                // Release: pairs with the Acquire in `is_cancelled`.
                token.is_cancelled.store(true, order);
                line.close_into(wakes);
                drop(line);
                while let Some(child) = token.children.pop() {
                    rest.push(child);
                }
            }
        }
    }

    /// Gives one count up; and those above it, if it was the last.
    ///
    /// # Safety
    ///
    /// The count is the caller's.
    pub(super) unsafe fn release(mut this: NonNull<Self>) {
        loop {
            // SAFETY: the count keeps it.
            let token = unsafe { this.as_ref() };
            // Release: pairs with the Acquire in whoever frees it.
            if token.references.fetch_sub(1, Ordering::Release) > 1 {
                return;
            }
            // Acquire: pairs with the Release of all others. (Not a fence: the thread sanitizer does
            // not see it.)
            token.references.load(Ordering::Acquire);
            let parent = match &token.place {
                Place::Root(_) => None,
                Place::Below { parent, .. } => Some(*parent),
            };
            if let Some(parent) = parent {
                let tree = token.lock_tree();
                // Relaxed: as in `cancel`.
                let in_list = !token.is_cancelled.load(Ordering::Relaxed);
                if in_list && !broken(Mutant::GoneChildStaysListed) {
                    // SAFETY: it counts in its parent still; (2), and the lock is held.
                    unsafe { parent.as_ref().children.remove(token) };
                }
                drop(tree);
            }
            // SAFETY: nobody has it, and nobody finds it any more (1). It has no children, which
            // would count, and nobody waits for it without a handle.
            drop(unsafe { Box::from_raw(this.as_ptr()) });
            match parent {
                None => return,
                Some(parent) => this = parent,
            }
        }
    }
}

impl List {
    /// # Safety
    ///
    /// For this and those below: the lock of the tree is held. `token` is in no list.
    pub(super) unsafe fn push(&self, token: &Token) {
        let first = self.0.replace(token);
        token.next.set(first);
        token.prev.set(ptr::null());
        // SAFETY: (1): all that are in a list are there.
        if let Some(first) = unsafe { first.as_ref() } {
            first.prev.set(token);
        }
    }

    /// # Safety
    ///
    /// `token` is in this list.
    unsafe fn remove(&self, token: &Token) {
        let (prev, next) = (token.prev.get(), token.next.get());
        // SAFETY: as above.
        unsafe {
            match prev.as_ref() {
                Some(prev) => prev.next.set(next),
                None => self.0.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.prev.set(prev);
            }
        }
    }

    unsafe fn pop(&self) -> Option<&Token> {
        // SAFETY: as above.
        unsafe {
            let first = self.0.get().as_ref()?;
            self.remove(first);
            Some(first)
        }
    }
}
