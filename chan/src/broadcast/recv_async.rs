//! [`Receiver::recv_async`].

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::error::RecvError;
use super::receiver::{Receiver, next};
use crate::announced::Place;

impl<T: Clone> Receiver<T> {
    /// Receives the next value, in async code of any runtime.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let (sender, mut receiver) = chan::broadcast::channel(2);
    /// let mut receiving = pin!(receiver.recv_async());
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(receiving.as_mut().poll(&mut context).is_pending());
    /// sender.send(7).unwrap();
    /// assert_eq!(receiving.poll(&mut context), Poll::Ready(Ok(7)));
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time: the receiver misses nothing by it.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_async(&mut self) -> RecvFuture<'_, T> {
        RecvFuture { receiver: self, place: Place::new(), _pinned: PhantomPinned }
    }
}

/// The next value of a broadcast channel: see [`Receiver::recv_async`].
///
/// ```
/// # use sward_chan as chan;
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// let (sender, mut receiver) = chan::broadcast::channel(2);
/// sender.send(7).unwrap();
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(pin!(receiver.recv_async()).poll(&mut context), Poll::Ready(Ok(7)));
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct RecvFuture<'a, T> {
    receiver: &'a mut Receiver<T>,
    place: Place,
    _pinned: PhantomPinned,
}

impl<T> RecvFuture<'_, T> {
    fn parts(self: Pin<&mut Self>) -> (&mut Receiver<T>, Pin<&mut Place>) {
        // SAFETY: the place is pinned with the future, and the receiver is only borrowed.
        unsafe {
            let this = self.get_unchecked_mut();
            (&mut *this.receiver, Pin::new_unchecked(&mut this.place))
        }
    }
}

impl<T: Clone> Future for RecvFuture<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (Receiver { shared, position }, place) = self.parts();
        let found = shared.poll_find(place, context.waker(), |queue| next(queue, position));
        found.map(|value| value.map(Arc::unwrap_or_clone))
    }
}

impl<T> Drop for RecvFuture<'_, T> {
    fn drop(&mut self) {
        // SAFETY: it is not moved any more.
        let (receiver, place) = unsafe { Pin::new_unchecked(self) }.parts();
        receiver.shared.abandon(place);
    }
}

impl<T> fmt::Debug for RecvFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvFuture").field("receiver", self.receiver).finish_non_exhaustive()
    }
}
