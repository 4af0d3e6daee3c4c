//! The wait of an async task: nobody waits, a future is polled.

use std::cell::Cell;
use std::fmt;
use std::ptr;
use std::task::Waker;

use super::{Outcome, WAITING, Waiter, Waiting};
use crate::primitive::atomic::Ordering;
use crate::primitive::{Mutant, broken};
use crate::thread::drop_quietly_with;

/// One wait of an async task, in a future that is polled: a waiter that never waits (5).
pub struct TaskWaiter {
    waker: Cell<Option<Waker>>,
    waiter: Waiter,
}

impl TaskWaiter {
    /// A waiter whose wait has not begun.
    #[inline]
    pub fn new() -> Self {
        Self { waker: Cell::new(None), waiter: Waiter::of(Waiting::Task(ptr::null())) }
    }

    /// Begins a wait, in the place where it stays until it is in no list any more. Under the lock
    /// of the list, so the waker of the last wait comes back, to be dropped after it.
    #[must_use = "a waker is not dropped under a lock"]
    pub fn begin(&mut self, waker: Waker) -> Option<Waker> {
        self.waiter = Waiter::of(Waiting::Task(&raw const self.waker));
        self.waker.replace(Some(waker))
    }

    /// What stands in the list.
    #[inline]
    pub fn waiter(&self) -> &Waiter {
        &self.waiter
    }

    /// How the wait has ended, if it has. Under the lock of the list.
    pub fn outcome(&self) -> Option<Outcome> {
        // Relaxed: the lock orders it.
        let waits = self.waiter.state.load(Ordering::Relaxed) == WAITING;
        (!waits).then(|| self.waiter.outcome())
    }

    /// Looks whether the wait has ended, and how; if not, `waker` is the one to be woken, and
    /// comes back as the one that was before. Under the lock of the list: so no waker is cloned or
    /// dropped here, which is users' code.
    pub fn poll(&self, waker: &mut Waker) -> Option<Outcome> {
        if let Some(outcome) = self.outcome() {
            return Some(outcome);
        }
        let known = self.waker.take();
        let is_kept = broken(Mutant::WakerNotReplaced);
        self.waker.set(known.map(|known| match is_kept || known.will_wake(waker) {
            true => known,
            false => std::mem::replace(waker, known),
        }));
        None
    }
}

impl Default for TaskWaiter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TaskWaiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.waiter.fmt(f)
    }
}

/// Wakes a task. A waker is users' code, and runs in the middle of somebody else's operation: one
/// that panics has been reported by the panic hook, and ends nothing else.
pub fn wake(waker: Waker) {
    drop_quietly_with(|| waker.wake());
}
