//! [`Sender`]: the sending end.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::deadline::Deadline;
use crate::ends::Ends;
use crate::error::{SendError, SendTimeoutError, TrySendError};
use crate::flavor::Flavor;

/// The sending end of a channel. Clone it to send from several places; when the last
/// one is gone the receivers are told.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded(2);
/// let other = sender.clone();
/// sender.send(1).unwrap();
/// other.send(2).unwrap();
/// drop((sender, other));
/// assert_eq!(receiver.iter().collect::<Vec<_>>(), [1, 2]);
/// ```
pub struct Sender<T> {
    ends: Arc<Ends<T>>,
}

impl<T> Sender<T> {
    pub(crate) fn first(ends: Arc<Ends<T>>) -> Self {
        Self { ends }
    }

    pub(crate) fn ends(&self) -> &Ends<T> {
        &self.ends
    }

    #[inline]
    pub(crate) fn channel(&self) -> &Flavor<T> {
        &self.ends.channel
    }

    /// Sends `value` if that needs no waiting.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(chan::TrySendError::Full(2)));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// The value comes back when there is no room or nobody can receive it.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel().try_send(value)
    }

    /// Sends `value`, waiting until there is room (in a rendezvous: until it is
    /// received).
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(0);
    /// let sending = sward_sched::spawn(move || sender.send("hello"));
    /// assert_eq!(receiver.recv(), Ok("hello"));
    /// sending.join().unwrap().unwrap();
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does, and drops `value`.
    ///
    /// # Errors
    ///
    /// The value comes back when the channel is closed or has no receiver left.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.channel()
            .send(value, Deadline::Never, self.ends.sending())
            .map_err(|error| SendError(error.into_inner()))
    }

    /// Sends `value`, waiting for `timeout` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Duration;
    ///
    /// let (sender, receiver) = chan::bounded(0);
    /// assert!(sender.send_timeout(7, Duration::from_millis(1)).unwrap_err().is_timeout());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`send`](Self::send), until the time is up. A timeout too long for the clock
    /// is for ever.
    ///
    /// # Cancellation
    ///
    /// As [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// The value comes back when the time is up, or nobody can receive it.
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.channel().send(value, Deadline::In(timeout), self.ends.sending())
    }

    /// Sends `value`, waiting until `deadline` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Instant;
    ///
    /// let (sender, receiver) = chan::bounded(0);
    /// assert!(sender.send_deadline(7, Instant::now()).unwrap_err().is_timeout());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`send`](Self::send), until the deadline.
    ///
    /// # Cancellation
    ///
    /// As [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout).
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.channel().send(value, Deadline::At(deadline), self.ends.sending())
    }

    /// Closes the channel for all, as Go's `close` does: what is queued can still be
    /// received; then receivers are told that there is no more. Sends, also those that
    /// wait, give their value back. `true` if it was open.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// sender.send(1).unwrap();
    /// assert!(sender.close());
    /// assert!(sender.send(2).is_err());
    /// assert_eq!(receiver.iter().collect::<Vec<_>>(), [1]);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn close(&self) -> bool {
        self.channel().close()
    }

    /// Whether the channel is closed: by [`close`](Self::close), or because one side is gone.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.channel().is_closed()
    }

    /// Whether there is no receiver left.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// receiver.close();
    /// assert!(!sender.is_disconnected());
    /// drop(receiver);
    /// assert!(sender.is_disconnected());
    /// ```
    pub fn is_disconnected(&self) -> bool {
        self.ends.receivers() == 0
    }

    /// How many values are queued.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::unbounded();
    /// sender.send(7).unwrap();
    /// assert_eq!(sender.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.channel().len()
    }

    /// Whether no value is queued. Always true of a rendezvous.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// assert!(sender.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room. Always true of a rendezvous.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// sender.send(7).unwrap();
    /// assert!(sender.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        self.channel().is_full()
    }

    /// How many values can be queued; `None`: as many as memory holds.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// assert_eq!(chan::bounded::<i32>(7).0.capacity(), Some(7));
    /// assert_eq!(chan::unbounded::<i32>().0.capacity(), None);
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.channel().capacity()
    }

    /// Whether both send to the same channel.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (a, _) = chan::unbounded::<i32>();
    /// let (b, _) = chan::unbounded::<i32>();
    /// assert!(a.same_channel(&a.clone()));
    /// assert!(!a.same_channel(&b));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ends, &other.ends)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.ends.add_sender();
        Self { ends: self.ends.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.ends.remove_sender() {
            self.channel().close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ends.fmt_as("Sender", f)
    }
}

impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}
