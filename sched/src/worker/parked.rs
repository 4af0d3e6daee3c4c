//! The unfinished threads that have parked at least once, in lists through
//! [`Header::parked_links`](crate::thread::Header), so that a shutdown finds them.
//!
//! And so that whoever cancels one of them can: `RawTask::cancel` says how the two sides meet.
//!
//! 1. Sticky threads are in a list of their worker's own, which nobody else touches.
//! 2. Migrating ones are in a list under a lock, at the worker on which they first parked,
//!    wherever they go after that.

use std::cell::Cell;
use std::fmt;
use std::ptr::{self, NonNull};

use super::{Remote, Shared, Worker};
use crate::current;
use crate::primitive::{Mutant, broken};
use crate::thread::{Header, RawTask, Runnable};
use crate::waiter::{Waiter, Wake};

/// A thread's place in a list.
pub(crate) struct ParkedLinks {
    prev: Cell<*const Header>,
    next: Cell<*const Header>,
    /// Where it is listed. Null: it is not.
    at: Cell<*const Remote>,
}

impl ParkedLinks {
    /// Whether it is in no list. The thread is not on its stack.
    pub(super) fn are_free(&self) -> bool {
        self.at.get().is_null()
    }

    pub(crate) fn new() -> Self {
        Self {
            prev: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            at: Cell::new(ptr::null()),
        }
    }
}

/// Unfinished threads.
pub(crate) struct ParkedList {
    first: Cell<*const Header>,
    /// The next of somebody's who looks at them, some at a time.
    cursor: Cell<*const Header>,
}

// SAFETY: whoever holds the list (1, 2) may touch the links of the threads in it.
unsafe impl Send for ParkedList {}

impl ParkedList {
    pub(crate) fn new() -> Self {
        Self { first: Cell::new(ptr::null()), cursor: Cell::new(ptr::null()) }
    }

    fn push(&self, thread: &Runnable) {
        let (thread, links) = (thread.as_ptr(), &thread.header().parked_links);
        let first = self.first.replace(thread);
        links.prev.set(ptr::null());
        links.next.set(first);
        // SAFETY: threads in the list are unfinished.
        if let Some(first) = unsafe { first.as_ref() } {
            first.parked_links.prev.set(thread);
        }
    }

    fn remove(&self, header: &Header) {
        let (prev, next) = (header.parked_links.prev.get(), header.parked_links.next.get());
        if ptr::eq(self.cursor.get(), header) {
            self.cursor.set(next);
        }
        // SAFETY: as in `push`.
        unsafe {
            match prev.as_ref() {
                Some(prev) => prev.parked_links.next.set(next),
                None => self.first.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.parked_links.prev.set(prev);
            }
        }
    }

    /// From here on [`walk`](Self::walk) goes through those that are in the list now.
    pub(super) fn start_walk(&self) {
        self.cursor.set(self.first.get());
    }

    /// The next `count` of them. `true`: those were the last. Between two calls the list may change.
    pub(super) fn walk(&self, count: usize, mut f: impl FnMut(*const Header)) -> bool {
        for _ in 0..count {
            let thread = self.cursor.get();
            if thread.is_null() {
                return true;
            }
            // SAFETY: as in `push`; one that leaves the list does not stay under the cursor.
            self.cursor.set(unsafe { (*thread).parked_links.next.get() });
            f(thread);
        }
        self.cursor.get().is_null()
    }

    /// Each of them; they stay unfinished while the list is held.
    pub(super) fn for_each(&self, mut f: impl FnMut(*const Header)) {
        let mut thread = self.first.get();
        while !thread.is_null() {
            // SAFETY: as in `push`.
            let next = unsafe { (*thread).parked_links.next.get() };
            f(thread);
            thread = next;
        }
    }
}

impl fmt::Debug for ParkedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParkedList").finish_non_exhaustive()
    }
}

impl Worker {
    /// `thread` has left its stack to wait, and nobody else may resume it yet.
    #[inline]
    pub(super) fn list_parked(&self, thread: &Runnable) {
        let header = thread.header();
        if header.parked_links.at.get().is_null() {
            header.parked_links.at.set(self.remote());
            if header.migrates {
                self.remote().parked.lock().push(thread);
            } else {
                self.parked.push(thread);
                self.count_child(header);
                self.expect_cancel(header);
            }
        }
    }

    /// `header`, on this worker, is about to finish.
    #[inline]
    pub(super) fn unlist_parked(header: &Header) {
        // SAFETY: null, or a worker of the same runtime, which is not over.
        let Some(at) = (unsafe { header.parked_links.at.replace(ptr::null()).as_ref() }) else {
            return;
        };
        if header.migrates {
            at.parked.lock().remove(header);
        } else {
            header.waiting.lock().cancel_at = ptr::null();
            // SAFETY: a green thread runs on a worker; a sticky one on its own (1).
            unsafe { &*current::worker() }.parked.remove(header);
        }
    }

    /// The runtime closes: every parked thread is to unwind. Once for each worker: a thread
    /// that parks on it later has seen that the runtime closes, and one that had not was
    /// parked by this worker before it comes here, wherever it is listed.
    pub(super) fn cancel_parked(&self) {
        // They are all off their stacks, and only this worker resumes them; those that are
        // queued already have left their wait.
        // SAFETY: so their waiters stay in place.
        self.parked.for_each(|thread| unsafe { cancel(thread) });
        self.shared.cancel_moving();
    }
}

impl Shared {
    pub(super) fn cancel_moving(&self) {
        for remote in &self.remotes {
            // SAFETY: threads in the list are unfinished.
            remote.parked.lock().for_each(|thread| unsafe { cancel_if_parked(thread) });
        }
    }
}

impl Worker {
    /// `header`, a sticky thread, has left its stack to wait for the first time: from now on
    /// this worker is told when it is cancelled.
    fn expect_cancel(&self, header: &Header) {
        let mut waiting = header.waiting.lock();
        waiting.cancel_at = self.remote();
        // Whoever cancelled it before has seen no worker to tell, under the same lock.
        let asked = header.is_cancel_asked() && !broken(Mutant::CancelUnseenWhenListing);
        drop(waiting);
        if asked {
            // SAFETY: it has just left its stack, and only this worker resumes it.
            unsafe { cancel(header) };
        }
    }

    /// `task` has been cancelled by somebody else: ends its wait.
    pub(super) fn cancel_asked(&self, task: &RawTask) {
        let header = task.header();
        // It has left its stack, as all threads have here between two turns, or it has finished, and
        // is no longer listed.
        if !header.parked_links.at.get().is_null() {
            // SAFETY: that is so, and only this worker resumes it.
            unsafe { cancel(header) };
        }
    }
}

/// `thread` migrates, and has been cancelled: ends its wait if it is parked.
///
/// # Safety
///
/// The caller keeps it alive.
pub(crate) unsafe fn cancel_if_parked(thread: *const Header) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*thread).run_state.hold() {
            cancel_held(thread);
        }
    }
}

/// Calls `look` while `thread`, which migrates, is parked and not resumed. `false`: it is not parked.
///
/// # Safety
///
/// The caller keeps it alive.
pub(super) unsafe fn while_held(thread: *const Header, look: impl FnOnce()) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let is_held = (*thread).run_state.hold();
        if is_held {
            look();
            if (*thread).run_state.release() {
                // The waker has left the right to run to whoever held the thread.
                Worker::schedule(Runnable::from_raw(thread));
            }
        }
        is_held
    }
}

/// # Safety
///
/// The thread is off its stack, and is not resumed meanwhile.
pub(super) unsafe fn cancel(thread: *const Header) {
    // SAFETY: the caller's promise.
    if let Some(wake) = unsafe { end_wait(thread) } {
        wake.wake();
    }
}

/// # Safety
///
/// As for `cancel`.
unsafe fn end_wait(thread: *const Header) -> Option<Wake> {
    // SAFETY: the caller's promise: so the waiter that it left there stays in place.
    unsafe {
        let waiter = (*thread).waiter.with(|place| *place);
        NonNull::new(waiter.cast_mut()).and_then(|waiter| Waiter::cancel(waiter))
    }
}

/// # Safety
///
/// The thread migrates, and is held.
unsafe fn cancel_held(thread: *const Header) {
    // SAFETY: while it is held it is not resumed.
    let (wake, woken) = unsafe { (end_wait(thread), (*thread).run_state.release()) };
    match wake {
        // Nobody else owed it a wake, so it was not woken.
        Some(wake) => wake.wake(),
        // SAFETY: the waker has left the right to run to whoever held the thread.
        None if woken => Worker::schedule(unsafe { Runnable::from_raw(thread) }),
        None => {}
    }
}
