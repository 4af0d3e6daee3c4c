//! [`Receiver::recv_async`].

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::channel::TaskPlace;
use crate::error::RecvError;
use crate::receiver::Receiver;

impl<T> Receiver<T> {
    /// Receives the oldest value, in async code of any runtime.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let (sender, receiver) = chan::bounded(1);
    /// let mut receiving = pin!(receiver.recv_async());
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(receiving.as_mut().poll(&mut context).is_pending());
    /// sender.send(7).unwrap();
    /// assert_eq!(receiving.poll(&mut context), Poll::Ready(Ok(7)));
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time: no value is in it before it returns
    /// one. While a value waits for the task to come for it, others may take it; then the task
    /// is the first in line again. Of a future that is forgotten after it has got in line the
    /// others know nothing: a value that was meant for it stays in the channel, and goes to the
    /// next who receives, or to the next in line when another value comes.
    ///
    /// # Errors
    ///
    /// When the channel is empty, and closed or without a sender.
    pub fn recv_async(&self) -> RecvFuture<'_, T> {
        RecvFuture { receiver: self, place: TaskPlace::new(), _pinned: PhantomPinned }
    }
}

/// The next value of a channel: see [`Receiver::recv_async`].
///
/// ```
/// # use sward_chan as chan;
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// let (sender, receiver) = chan::unbounded();
/// sender.send(7).unwrap();
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(pin!(receiver.recv_async()).poll(&mut context), Poll::Ready(Ok(7)));
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct RecvFuture<'a, T> {
    receiver: &'a Receiver<T>,
    place: TaskPlace,
    _pinned: PhantomPinned,
}

impl<'a, T> RecvFuture<'a, T> {
    fn parts(self: Pin<&mut Self>) -> (&'a Receiver<T>, Pin<&mut TaskPlace>) {
        // SAFETY: the place is pinned with the future, and the receiver is only borrowed.
        unsafe {
            let this = self.get_unchecked_mut();
            (this.receiver, Pin::new_unchecked(&mut this.place))
        }
    }
}

impl<T> Future for RecvFuture<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (receiver, place) = self.parts();
        receiver.channel().poll_recv(place, context.waker())
    }
}

impl<T> Drop for RecvFuture<'_, T> {
    fn drop(&mut self) {
        // SAFETY: it is not moved any more.
        let (receiver, place) = unsafe { Pin::new_unchecked(self) }.parts();
        receiver.channel().abandon_recv(place);
    }
}

impl<T> fmt::Debug for RecvFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvFuture").field("receiver", self.receiver).finish_non_exhaustive()
    }
}
