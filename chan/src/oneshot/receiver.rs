//! [`Receiver`]: the end that gets the value.

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use sward_sched::checkpoint;
use sward_sched::internal::{Outcome, Reason, Waiter, raise_cancel};

use super::state::{End, Party, Shared};
use super::transfer::Found;
use crate::deadline::Deadline;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};

/// Receives one value. It is also a future: `receiver.await`, or
/// `(&mut receiver).await` to keep it.
///
/// ```
/// # use sward_chan as chan;
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// let (sender, receiver) = chan::oneshot::channel();
/// let mut receiver = pin!(receiver);
/// let mut context = Context::from_waker(Waker::noop());
/// assert!(receiver.as_mut().poll(&mut context).is_pending());
/// sender.send(7).unwrap();
/// assert_eq!(receiver.poll(&mut context), Poll::Ready(Ok(7)));
/// ```
///
/// When it is dropped so is a value that has been sent, and from then on one comes back to its
/// sender.
#[must_use = "without its receiver a value comes back to the sender"]
pub struct Receiver<T> {
    /// Alive, and the receiver has not gone. `None`: it has received the value.
    shared: Option<NonNull<Shared<T>>>,
}

// SAFETY: the protocol is made for ends in two threads; a `T` goes from one to the other.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<T: Send> Sync for Receiver<T> {}
impl<T> Unpin for Receiver<T> {}
impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    pub(super) fn new(shared: NonNull<Shared<T>>) -> Self {
        Self { shared: Some(shared) }
    }

    /// The value, or the end of all hope for it, or what is still shared.
    #[inline]
    fn look(&mut self) -> Result<Result<T, RecvError>, &Shared<T>> {
        // Taken out first: to free what is shared runs users' code, after which the receiver is
        // gone also if that panics.
        let Some(shared) = self.shared.take() else { return Ok(Err(RecvError)) };
        // SAFETY: this is the receiver, and from when it has the value it is gone.
        let result = match unsafe { Shared::take(shared) } {
            Found::Value(value) => return Ok(Ok(value)),
            Found::Nothing => Ok(Err(RecvError)),
            // SAFETY: it has not gone.
            Found::NotYet => Err(unsafe { shared.as_ref() }),
        };
        self.shared = Some(shared);
        result
    }

    /// Receives the value if it is there.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::oneshot::channel();
    /// assert_eq!(receiver.try_recv(), Err(chan::TryRecvError::Empty));
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// assert_eq!(receiver.try_recv(), Err(chan::TryRecvError::Disconnected));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// When it is not there yet; when it will never come, or has been received.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.look() {
            Ok(result) => result.map_err(TryRecvError::from),
            Err(_) => Err(TryRecvError::Empty),
        }
    }

    /// Receives the value, waiting until it is there.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::oneshot::channel();
    /// sward_sched::spawn(move || sender.send(7));
    /// assert_eq!(receiver.recv(), Ok(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does. The receiver is dropped, and with
    /// it a value that came at that moment.
    ///
    /// # Errors
    ///
    /// When the sender is gone without having sent one, or the receiver was closed before.
    pub fn recv(mut self) -> Result<T, RecvError> {
        self.wait(Deadline::Never).map_err(|_| RecvError)
    }

    /// Receives the value, waiting for `timeout` at most. Afterwards one can wait again, which is
    /// why it takes only a reference.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Duration;
    ///
    /// let (sender, mut receiver) = chan::oneshot::channel();
    /// assert!(receiver.recv_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Ok(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`recv`](Self::recv), until the time is up. A timeout too long for the clock
    /// is for ever.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does. A value that came at that moment
    /// can still be received.
    ///
    /// # Errors
    ///
    /// When the time is up; when no value will ever come, or it has been received.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.wait(Deadline::In(timeout))
    }

    /// Receives the value, waiting until `deadline` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Instant;
    ///
    /// let (_sender, mut receiver) = chan::oneshot::channel::<i32>();
    /// assert!(receiver.recv_deadline(Instant::now()).unwrap_err().is_timeout());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`recv`](Self::recv), until the deadline.
    ///
    /// # Cancellation
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.wait(Deadline::At(deadline))
    }

    /// Receives the value, in async code of any runtime, and leaves the receiver for another
    /// attempt if the future is dropped before.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let (sender, mut receiver) = chan::oneshot::channel();
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(receiver.recv_async()).poll(&mut context).is_pending());
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.recv(), Ok(7));
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time: the value is not in it before it
    /// returns it.
    ///
    /// # Errors
    ///
    /// When no value will ever come, or it has been received.
    pub fn recv_async(&mut self) -> impl Future<Output = Result<T, RecvError>> + Send + Unpin
    where
        T: Send,
    {
        self
    }

    /// Takes no value any more: one that is sent from now on comes back to its sender. One that
    /// has been sent can still be received.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::oneshot::channel();
    /// receiver.close();
    /// assert_eq!(sender.send(7).unwrap_err().into_inner(), 7);
    /// assert!(receiver.try_recv().unwrap_err().is_disconnected());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn close(&mut self) {
        if let Some(shared) = self.shared {
            // SAFETY: this is the receiver, which has not gone.
            unsafe { Shared::close(shared) };
        }
    }

    fn wait(&mut self, mut deadline: Deadline) -> Result<T, RecvTimeoutError> {
        checkpoint();
        loop {
            let shared = match self.look() {
                Ok(result) => return result.map_err(RecvTimeoutError::from),
                Err(shared) => shared,
            };
            static VALUE: Reason = Reason::new("oneshot");
            let waiter = Waiter::new().about(&VALUE, shared);
            // SAFETY: this is the receiver; the waiter stays in place until the wait is over and,
            // if it was not claimed, `unlisten` has returned.
            unsafe {
                if !shared.listen(End::Receiver, Party::Thread(NonNull::from(&waiter))) {
                    continue;
                }
                let outcome = deadline.wait(&waiter, None);
                let is_over =
                    matches!(outcome, Outcome::Done(_)) || !shared.unlisten(End::Receiver);
                match outcome {
                    Outcome::Cancelled => raise_cancel(),
                    // What came at the last moment is received.
                    Outcome::TimedOut if !is_over => return Err(RecvTimeoutError::Timeout),
                    _ => {}
                }
            }
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let shared = match self.look() {
                Ok(result) => return Poll::Ready(result),
                Err(shared) => shared,
            };
            let waker = context.waker().clone();
            // SAFETY: this is the receiver.
            if unsafe { shared.listen(End::Receiver, Party::Task(waker)) } {
                return Poll::Pending;
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared {
            // SAFETY: this is the receiver, which has not gone before.
            drop(unsafe { Shared::drop_receiver(shared) });
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("has_received", &self.shared.is_none()).finish()
    }
}
