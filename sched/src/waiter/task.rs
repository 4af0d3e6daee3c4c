//! The wait of an async task: nobody waits, a future is polled.

use std::cell::Cell;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr;
use std::task::Waker;

use super::{DONE, Outcome, WAITING, Waiter, Waiting};
use crate::cancel::uncancellable;
use crate::primitive::atomic::Ordering;
use crate::primitive::{Mutant, broken};
use crate::thread::drop_quietly_with;

/// A waker of our own. Its destructor is users' code that runs in the middle of an operation, maybe
/// with something in hand that was just had: one that panics has been reported by the panic hook,
/// and ends nothing else.
#[derive(Debug)]
pub struct OwnWaker(ManuallyDrop<Waker>);

impl OwnWaker {
    /// Another of it. Not under a lock: to clone one is users' code, too.
    pub fn of(waker: &Waker) -> Self {
        Self(ManuallyDrop::new(waker.clone()))
    }

    /// Wakes the task.
    pub(super) fn wake(self) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: it is not touched again.
        wake(unsafe { ManuallyDrop::take(&mut this.0) });
    }
}

impl Drop for OwnWaker {
    fn drop(&mut self) {
        // SAFETY: it is not touched again.
        let waker = unsafe { ManuallyDrop::take(&mut self.0) };
        drop_quietly_with(|| uncancellable(|| drop(waker)));
    }
}

/// One wait of an async task, in a future that is polled: a waiter that never waits (5).
pub struct TaskWaiter {
    waker: Cell<Option<OwnWaker>>,
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
    pub fn begin(&mut self, waker: OwnWaker) -> Option<OwnWaker> {
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

    /// Whether the claim that was made has ended. For those that are claimed without a lock.
    pub(crate) fn has_ended(&self) -> bool {
        // Acquire: pairs with the Release at the end of a claim.
        self.waiter.state.load(Ordering::Acquire) >= DONE
    }

    /// Looks whether the wait has ended, and how; if not, `waker` is the one to be woken, and
    /// comes back as the one that was before. Under the lock of the list: so no waker is cloned or
    /// dropped here, which is users' code.
    pub fn poll(&self, waker: &mut OwnWaker) -> Option<Outcome> {
        if let Some(outcome) = self.outcome() {
            return Some(outcome);
        }
        let known = self.waker.take();
        let is_kept = broken(Mutant::WakerNotReplaced);
        self.waker.set(known.map(|known| match is_kept || known.0.will_wake(&waker.0) {
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
/// that panics has been reported by the panic hook, and ends nothing else. Nor is it cut short
/// because that one is cancelled: the task would not be woken.
pub fn wake(waker: Waker) {
    drop_quietly_with(|| uncancellable(|| waker.wake()));
}
