//! [`Condvar::wait_async`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use lock_api::GuardSend;
use sward_sched::internal::{Node, Outcome, OwnWaker, TaskWaiter};
use sward_sched::primitive::{Mutant, broken};

use super::{ALL, Condvar};
use crate::acquire::Acquiring;
use crate::mutex::{Mutex, MutexGuard, RawMutex};

impl Condvar {
    /// Unlocks the mutex, waits to be notified, and locks it again, in async code of any runtime.
    /// The guard comes back as the output: a future may be dropped while the mutex is not locked.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let (mutex, condvar) = (sync::Mutex::new(1), sync::Condvar::new());
    /// let mut waiting = pin!(condvar.wait_async(mutex.lock()));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending());
    /// *mutex.lock() += 1;
    /// condvar.notify_one();
    /// let Poll::Ready(guard) = waiting.poll(&mut context) else { panic!("it was notified") };
    /// assert_eq!(*guard, 2);
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time. If `notify_one` was for it, the next in
    /// line is notified instead. One that is not polled after it was notified, or is forgotten, keeps
    /// that to itself.
    pub fn wait_async<'a, T: ?Sized>(&'a self, guard: MutexGuard<'a, T>) -> WaitFuture<'a, T> {
        let mutex = MutexGuard::mutex(&guard);
        let stage = Stage::Holding(guard);
        WaitFuture { condvar: self, mutex, stage, task: TaskWaiter::new(), node: Node::unbound() }
    }
}

/// A guard that comes back after a notification: see [`Condvar::wait_async`].
///
/// ```
/// # use sward_sync as sync;
/// # use std::{future::Future, pin::pin, task::{Context, Waker}};
/// let (mutex, condvar) = (sync::Mutex::new(1), sync::Condvar::new());
/// let mut waiting = pin!(condvar.wait_async(mutex.lock()));
/// assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
/// assert!(!mutex.is_locked());
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct WaitFuture<'a, T: ?Sized> {
    condvar: &'a Condvar,
    mutex: &'a Mutex<T>,
    stage: Stage<'a, T>,
    task: TaskWaiter,
    node: Node,
}

enum Stage<'a, T: ?Sized> {
    Holding(MutexGuard<'a, T>),
    /// The node stands in the line, or did when it was claimed.
    Waiting,
    /// It has been notified.
    Locking(Acquiring<'a, RawMutex>, Notified),
    Over,
}

/// Whether the notification was for this one alone, and is passed on if it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notified {
    Alone,
    WithAll,
}

impl Notified {
    fn by(outcome: Outcome) -> Self {
        if outcome == Outcome::Done(ALL) { Self::WithAll } else { Self::Alone }
    }
}

// SAFETY: waiter and node are touched under the lock of the queue alone, by either side, while the
// node is in the list; guards may be sent.
unsafe impl<T: ?Sized + Send> Send for WaitFuture<'_, T> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T: ?Sized + Send> Sync for WaitFuture<'_, T> {}

impl<'a, T: ?Sized> Future for WaitFuture<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: what is pinned is not moved: waiter, node, and the turn inside of the stage.
        let this = unsafe { self.get_unchecked_mut() };
        if matches!(this.stage, Stage::Holding(_)) {
            this.begin(context);
            return Poll::Pending;
        }
        if matches!(this.stage, Stage::Waiting) {
            let mut waker = OwnWaker::of(context.waker());
            let line = this.condvar.queue.lock();
            let outcome = this.task.poll(&mut waker);
            drop(line);
            let Some(outcome) = outcome else { return Poll::Pending };
            // SAFETY: whoever gets it from here holds it, and unlocks it by its guard.
            let turn = Acquiring::new(unsafe { this.mutex.raw() }, ());
            this.stage = Stage::Locking(turn, Notified::by(outcome));
        }
        let Stage::Locking(turn, _) = &mut this.stage else { panic!("polled after its end") };
        // SAFETY: it is pinned with the future.
        let turn = unsafe { Pin::new_unchecked(turn) };
        turn.poll(context).map(|_| {
            this.stage = Stage::Over;
            // SAFETY: it is locked, and nobody else makes a guard of that.
            unsafe { this.mutex.make_guard_unchecked(GuardSend::new()) }
        })
    }
}

impl<T: ?Sized> WaitFuture<'_, T> {
    /// Gets in line, and unlocks the mutex after that.
    fn begin(&mut self, context: &Context<'_>) {
        let waker = OwnWaker::of(context.waker());
        let line = self.condvar.queue.lock();
        let last = self.task.begin(waker);
        self.node.bind(self.task.waiter(), std::ptr::null_mut());
        // SAFETY: pinned, and removed when it is dropped, if need be; in no list now.
        unsafe { line.push_back(&self.node) };
        drop(line);
        drop(last);
        self.stage = Stage::Waiting;
    }
}

impl<T: ?Sized> Drop for WaitFuture<'_, T> {
    fn drop(&mut self) {
        let notified = match self.stage {
            Stage::Holding(_) | Stage::Over => false,
            Stage::Waiting => {
                let line = self.condvar.queue.lock();
                // SAFETY: it is in this list, or in none.
                unsafe { line.remove(&self.node) };
                self.task.outcome().map(Notified::by) == Some(Notified::Alone)
            }
            Stage::Locking(_, by) => by == Notified::Alone,
        };
        // In its place: the turn may stand in the mutex's line.
        self.stage = Stage::Over;
        if notified && !broken(Mutant::NotifiedKeepsQuiet) {
            self.condvar.notify_one();
        }
    }
}

impl<T: ?Sized> fmt::Debug for WaitFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFuture").finish_non_exhaustive()
    }
}
