//! [`JoinFuture`]: a green thread's end for an async task.
//!
//! 1. The waiter stands where the thread that finishes finds it, without a lock (waiter.rs, 5, has one):
//!    so it leaves before it begins again, goes away, or the result is taken. Either nobody has
//!    claimed it, and then [`JoinHandle::forget`] sees to it that nobody will; or its claim is
//!    waited for, which ends at once: no users' code runs in between.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::JoinError;
use crate::fork;
use crate::join::JoinHandle;
use crate::primitive::{Mutant, broken, relax};
use crate::waiter::{OwnWaker, TaskWaiter};

/// Waits for the result of a green thread in async code: what [`JoinHandle`] becomes under `.await`.
/// When it is dropped the thread goes on.
///
/// ```
/// # use sward_sched as sward;
/// let sum = sward::block_on(async {
///     let (a, b) = (sward::spawn(|| 6), sward::spawn(|| 7));
///     a.await.unwrap() * b.await.unwrap()
/// });
/// assert_eq!(sum, 42);
/// ```
///
/// The task's waker is called by the thread that ends, as the last that it does: a waker that blocks
/// keeps that thread, and a shutdown of its runtime, waiting.
///
/// # Panics
///
/// When it is polled after it was ready, or when a `select!` has taken the result of its handle.
#[must_use = "futures do nothing unless they are awaited"]
pub struct JoinFuture<T> {
    /// Until it is ready.
    handle: Option<JoinHandle<T>>,
    task: TaskWaiter,
    /// Whoever finishes the thread may touch the waiter.
    is_known: bool,
    _pinned: PhantomPinned,
}

// SAFETY: the waiter is touched by its owner when nobody else may (1), and by the thread that
// finishes. The result goes from there to the holder.
unsafe impl<T: Send> Send for JoinFuture<T> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T: Send> Sync for JoinFuture<T> {}

impl<T> JoinFuture<T> {
    /// As [`JoinHandle::cancel`].
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let parked = std::pin::pin!(sward::spawn(sward::park).into_future());
    /// parked.cancel();
    /// assert!(sward::block_on(parked).unwrap_err().is_cancelled());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Panics
    ///
    /// As [`JoinHandle::cancel`].
    pub fn cancel(&self) {
        if let Some(handle) = &self.handle {
            handle.cancel();
        }
    }

    /// Nobody will touch the waiter any more (1).
    fn leave(&mut self) {
        let Some(handle) = self.handle.as_ref().filter(|_| std::mem::take(&mut self.is_known))
        else {
            return;
        };
        if self.task.waiter().withdraw() {
            return handle.forget();
        }
        let mut round = 0;
        while !self.task.has_ended() && !broken(Mutant::FutureLeavesClaimed) {
            relax(&mut round);
        }
    }
}

impl<T> Future for JoinFuture<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        fork::check();
        let waker = OwnWaker::of(context.waker());
        // SAFETY: it is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        this.leave();
        let mut handle = this.handle.take().expect("a future that was ready is not polled again");
        if let Some(result) = handle.try_take() {
            return Poll::Ready(result);
        }
        let _last = this.task.begin(waker);
        // SAFETY: it is pinned, and leaves before it goes away.
        if !unsafe { handle.notify(this.task.waiter()) } {
            let result = handle.try_take();
            return Poll::Ready(result.expect("the thread is over"));
        }
        this.handle = Some(handle);
        this.is_known = true;
        Poll::Pending
    }
}

impl<T> Drop for JoinFuture<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T> IntoFuture for JoinHandle<T> {
    type Output = Result<T, JoinError>;
    type IntoFuture = JoinFuture<T>;

    fn into_future(self) -> JoinFuture<T> {
        JoinFuture {
            handle: Some(self),
            task: TaskWaiter::new(),
            is_known: false,
            _pinned: PhantomPinned,
        }
    }
}

impl<T> UnwindSafe for JoinFuture<T> {}
impl<T> RefUnwindSafe for JoinFuture<T> {}

impl<T> fmt::Debug for JoinFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JoinFuture").field(&self.handle).finish()
    }
}
