//! [`Receiver::changed_async`], and what is made of it.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::receiver::{Receiver, see};
use super::state::Ref;
use crate::announced::Place;
use crate::error::RecvError;

impl<T> Receiver<T> {
    /// As [`changed`](Self::changed), in async code of any runtime.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let (sender, mut receiver) = chan::watch::channel(1);
    /// let mut changed = pin!(receiver.changed_async());
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(changed.as_mut().poll(&mut context).is_pending());
    /// sender.send(2).unwrap();
    /// assert_eq!(changed.poll(&mut context), Poll::Ready(Ok(())));
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time: what has changed is not seen before
    /// it says so.
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed).
    pub fn changed_async(&mut self) -> ChangedFuture<'_, T> {
        ChangedFuture { receiver: self, place: Place::new(), _pinned: PhantomPinned }
    }

    /// As [`wait_for`](Self::wait_for), in async code of any runtime.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let (sender, mut receiver) = chan::watch::channel(1);
    /// let mut waiting = pin!(receiver.wait_for_async(|value| *value > 1));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending());
    /// sender.send(2).unwrap();
    /// assert!(waiting.poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time. The values that `is_it` was asked about
    /// are seen then.
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Self::wait_for).
    pub async fn wait_for_async(
        &mut self,
        mut is_it: impl FnMut(&T) -> bool,
    ) -> Result<Ref<T>, RecvError> {
        loop {
            let value = self.borrow_and_update();
            if is_it(&value) {
                return Ok(value);
            }
            drop(value);
            self.changed_async().await?;
        }
    }
}

/// A change of a value: see [`Receiver::changed_async`].
///
/// ```
/// # use sward_chan as chan;
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// let (sender, mut receiver) = chan::watch::channel(1);
/// sender.send(2).unwrap();
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(pin!(receiver.changed_async()).poll(&mut context), Poll::Ready(Ok(())));
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct ChangedFuture<'a, T> {
    receiver: &'a mut Receiver<T>,
    place: Place,
    _pinned: PhantomPinned,
}

impl<T> ChangedFuture<'_, T> {
    fn parts(self: Pin<&mut Self>) -> (&mut Receiver<T>, Pin<&mut Place>) {
        // SAFETY: the place is pinned with the future, and the receiver is only borrowed.
        unsafe {
            let this = self.get_unchecked_mut();
            (&mut *this.receiver, Pin::new_unchecked(&mut this.place))
        }
    }
}

impl<T> Future for ChangedFuture<'_, T> {
    type Output = Result<(), RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (Receiver { shared, seen }, place) = self.parts();
        shared.0.poll_find(place, context.waker(), |state| see(state, seen))
    }
}

impl<T> Drop for ChangedFuture<'_, T> {
    fn drop(&mut self) {
        // SAFETY: it is not moved any more.
        let (receiver, place) = unsafe { Pin::new_unchecked(self) }.parts();
        receiver.shared.0.abandon(place);
    }
}

impl<T> fmt::Debug for ChangedFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangedFuture").finish_non_exhaustive()
    }
}
