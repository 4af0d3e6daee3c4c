//! [`Receiver::stream`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};

use crate::receiver::Receiver;
use crate::recv_async::RecvFuture;

impl<T> Receiver<T> {
    /// The values as they come, in async code of any runtime, until the channel is closed or
    /// without a sender.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::{pin::pin, task::{Context, Poll, Waker}};
    /// use futures_core::Stream;
    ///
    /// let (sender, receiver) = chan::unbounded();
    /// sender.send(7).unwrap();
    /// drop(sender);
    /// let mut values = pin!(receiver.stream());
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert_eq!(values.as_mut().poll_next(&mut context), Poll::Ready(Some(7)));
    /// assert_eq!(values.poll_next(&mut context), Poll::Ready(None));
    /// ```
    ///
    /// # Cancellation
    ///
    /// As [`recv_async`](Self::recv_async).
    pub fn stream(&self) -> RecvStream<'_, T> {
        RecvStream { receiver: self, next: self.recv_async(), is_over: false }
    }
}

/// The values of a channel as they come: see [`Receiver::stream`].
///
/// ```
/// # use sward_chan as chan;
/// # use std::{pin::pin, task::{Context, Waker}};
/// use futures_core::Stream;
///
/// let (_sender, receiver) = chan::bounded::<i32>(1);
/// let mut context = Context::from_waker(Waker::noop());
/// assert!(pin!(receiver.stream()).poll_next(&mut context).is_pending());
/// ```
#[must_use = "streams do nothing unless they are polled"]
pub struct RecvStream<'a, T> {
    receiver: &'a Receiver<T>,
    next: RecvFuture<'a, T>,
    is_over: bool,
}

impl<T> Stream for RecvStream<'_, T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        // SAFETY: the future is pinned with the stream.
        let this = unsafe { self.get_unchecked_mut() };
        if this.is_over {
            return Poll::Ready(None);
        }
        // SAFETY: as above. A future that has returned gets in line anew.
        let value = ready!(unsafe { Pin::new_unchecked(&mut this.next) }.poll(context));
        this.is_over = value.is_err();
        Poll::Ready(value.ok())
    }
}

impl<T> FusedStream for RecvStream<'_, T> {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

impl<T> fmt::Debug for RecvStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvStream").field("receiver", self.receiver).finish_non_exhaustive()
    }
}
