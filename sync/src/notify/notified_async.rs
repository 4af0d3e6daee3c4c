//! [`NotifiedFuture`]: to wait for a notification in async code.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::raw::RawNotify;
use crate::acquire::Acquiring;

/// A notification to come: see [`Notify::notified_async`](super::Notify::notified_async).
///
/// When it was ready once it is ready for ever.
///
/// ```
/// # use sward_sync as sync;
/// # use std::{future::Future, pin::pin, task::{Context, Waker}};
/// let notify = sync::Notify::new();
/// notify.notify_one();
/// let mut context = Context::from_waker(Waker::noop());
/// let mut notified = pin!(notify.notified_async());
/// assert!(notified.as_mut().poll(&mut context).is_ready());
/// assert!(notified.poll(&mut context).is_ready());
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct NotifiedFuture<'a> {
    turn: Acquiring<'a, RawNotify>,
    is_done: bool,
}

impl<'a> NotifiedFuture<'a> {
    pub(super) fn new(notify: &'a RawNotify) -> Self {
        Self { turn: Acquiring::new(notify, notify.generation()), is_done: false }
    }

    /// Gets in line now, without being polled; says whether it has been notified.
    ///
    /// Who looks at something else between this and the first poll misses nothing:
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, sync::atomic::{AtomicBool, Ordering}};
    /// async fn until(flag: &AtomicBool, changed: &sync::Notify) {
    ///     loop {
    ///         let mut notified = pin!(changed.notified_async());
    ///         notified.as_mut().enable();
    ///         if flag.load(Ordering::Relaxed) {
    ///             return;
    ///         }
    ///         notified.await;
    ///     }
    /// }
    /// # let (flag, changed) = (AtomicBool::new(false), sync::Notify::new());
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # let mut waiting = pin!(until(&flag, &changed));
    /// # assert!(waiting.as_mut().poll(&mut context).is_pending());
    /// # flag.store(true, Ordering::Relaxed);
    /// # changed.notify_one();
    /// # assert!(waiting.poll(&mut context).is_ready());
    /// ```
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }
}

impl Future for NotifiedFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the turn is pinned with the future.
        let (turn, is_done) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.turn), &mut this.is_done)
        };
        // An error: by `notify_waiters`.
        *is_done = *is_done || turn.poll(context).is_ready();
        if *is_done { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl fmt::Debug for NotifiedFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotifiedFuture")
            .field("is_done", &self.is_done)
            .field("turn", &self.turn)
            .finish()
    }
}
