//! [`Sender::send_async`].

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::channel::{Slot, TaskPlace};
use crate::error::SendError;
use crate::sender::Sender;

impl<T> Sender<T> {
    /// Sends `value`, in async code of any runtime.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let (sender, receiver) = chan::bounded(0);
    /// let mut sending = pin!(sender.send_async(7));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(sending.as_mut().poll(&mut context).is_pending());
    /// assert_eq!(receiver.recv(), Ok(7));
    /// assert_eq!(sending.poll(&mut context), Poll::Ready(Ok(())));
    /// ```
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops the value, unless somebody has received it; then that is all the
    /// same to them. One that is forgotten after it has got in line stays there, and its value is
    /// received in its turn.
    ///
    /// # Errors
    ///
    /// The value comes back when the channel is closed or has no receiver left.
    pub fn send_async(&self, value: T) -> SendFuture<'_, T> {
        let place = TaskPlace::new();
        let slot = Slot::full(value);
        SendFuture { sender: self, place, slot, is_full: true, _pinned: PhantomPinned }
    }
}

/// A value on its way into a channel: see [`Sender::send_async`].
///
/// ```
/// # use sward_chan as chan;
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// let (sender, receiver) = chan::unbounded();
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(pin!(sender.send_async(7)).poll(&mut context), Poll::Ready(Ok(())));
/// assert_eq!(receiver.recv(), Ok(7));
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct SendFuture<'a, T> {
    sender: &'a Sender<T>,
    place: TaskPlace,
    slot: Slot<T>,
    /// The value is in the slot, or, while it is in line, may be.
    is_full: bool,
    _pinned: PhantomPinned,
}

// SAFETY: the place is made to be reached from elsewhere, and through the slot a `T` goes to
// another thread.
unsafe impl<T: Send> Send for SendFuture<'_, T> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T: Send> Sync for SendFuture<'_, T> {}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: nothing is moved out of it, and the place is pinned with it.
        let this = unsafe { self.get_unchecked_mut() };
        assert!(this.is_full, "a future is polled after it has returned");
        // SAFETY: as above; the slot is not touched until this returns `Ready`.
        unsafe {
            let place = Pin::new_unchecked(&mut this.place);
            let (slot, is_full) = (&this.slot, &mut this.is_full);
            this.sender.channel().poll_send(place, slot, is_full, context.waker())
        }
    }
}

impl<T> Drop for SendFuture<'_, T> {
    fn drop(&mut self) {
        if !self.is_full {
            return;
        }
        // SAFETY: it is not moved any more.
        let place = unsafe { Pin::new_unchecked(&mut self.place) };
        let was_in_line = place.is_in_line();
        if self.sender.channel().abandon_send(place) || !was_in_line {
            // SAFETY: nobody has taken it, and nobody will.
            drop(unsafe { self.slot.take() });
        }
    }
}

impl<T> fmt::Debug for SendFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").field("sender", self.sender).finish_non_exhaustive()
    }
}
