//! The worker's own queue of started threads: a list through [`Header::next`] that
//! nobody else touches, so it needs no atomic operation and no memory.

use std::cell::Cell;
use std::ptr;

use crate::thread::{Header, Runnable};

/// First in, first out.
#[derive(Debug)]
pub(crate) struct LocalQueue {
    head: Cell<*const Header>,
    tail: Cell<*const Header>,
}

impl LocalQueue {
    pub(crate) fn new() -> Self {
        Self { head: Cell::new(ptr::null()), tail: Cell::new(ptr::null()) }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    #[inline]
    pub(crate) fn push_back(&self, thread: Runnable) {
        let thread = thread.into_raw();
        // SAFETY: the right to run it is ours, so its link is; and the tail is in
        // this queue, so it is alive and its link ours, too.
        unsafe {
            (*thread).next.set(ptr::null());
            match self.tail.get().as_ref() {
                Some(tail) => tail.next.set(thread),
                None => self.head.set(thread),
            }
        }
        self.tail.set(thread);
    }

    /// Each of them, in order.
    pub(super) fn for_each(&self, mut f: impl FnMut(&Header)) {
        let mut next = self.head.get();
        // SAFETY: as in `push_back`.
        while let Some(thread) = unsafe { next.as_ref() } {
            next = thread.next.get();
            f(thread);
        }
    }

    #[inline]
    pub(crate) fn pop_front(&self) -> Option<Runnable> {
        let head = self.head.get();
        // SAFETY: as in `push_back`.
        let next = unsafe { head.as_ref()? }.next.get();
        self.head.set(next);
        if next.is_null() {
            self.tail.set(ptr::null());
        }
        // SAFETY: `push_back` took it by `into_raw`; it leaves once.
        Some(unsafe { Runnable::from_raw(head) })
    }
}
