//! [`Receiver`]: the receiving end, and its iterators.

use std::fmt;
use std::iter::FusedIterator;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::deadline::Deadline;
use crate::ends::Ends;
use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::flavor::Flavor;

/// The receiving end of a channel. Clone it to receive in several places: each value
/// goes to one of them. When the last one is gone, what is queued is dropped and
/// senders get their values back.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded(2);
/// let other = receiver.clone();
/// sender.send(1).unwrap();
/// sender.send(2).unwrap();
/// assert_eq!((receiver.recv(), other.recv()), (Ok(1), Ok(2)));
/// ```
pub struct Receiver<T> {
    ends: Arc<Ends<T>>,
}

impl<T> Receiver<T> {
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

    /// Receives a value if one is there.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// assert_eq!(receiver.try_recv(), Err(chan::TryRecvError::Empty));
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks; but if the only sender there is an operation that a [`Select`](crate::Select)
    /// has just chosen, it waits until that is completed.
    ///
    /// # Errors
    ///
    /// When there is none now, or none will ever come.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.channel().try_recv()
    }

    /// Receives the oldest value, waiting until there is one.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(0);
    /// sward_sched::spawn(move || sender.send("hello"));
    /// assert_eq!(receiver.recv(), Ok("hello"));
    /// assert_eq!(receiver.recv(), Err(chan::RecvError));
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does; no value is lost.
    ///
    /// # Errors
    ///
    /// When the channel is empty, and closed or without a sender.
    #[inline]
    pub fn recv(&self) -> Result<T, RecvError> {
        self.channel().recv(Deadline::Never, self.ends.receiving()).map_err(|_| RecvError)
    }

    /// Receives the oldest value, waiting for `timeout` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Duration;
    ///
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// assert!(receiver.recv_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`recv`](Self::recv), until the time is up. A timeout too long for the clock
    /// is for ever.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// When the time is up, or no value will ever come.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.channel().recv(Deadline::In(timeout), self.ends.receiving())
    }

    /// Receives the oldest value, waiting until `deadline` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Instant;
    ///
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// assert!(receiver.recv_deadline(Instant::now()).unwrap_err().is_timeout());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`recv`](Self::recv), until the deadline.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.channel().recv(Deadline::At(deadline), self.ends.receiving())
    }

    /// Whether the channel is closed: by [`close`](Self::close), or because one side is gone. What
    /// is queued can still be received.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// assert!(!receiver.is_closed());
    /// sender.close();
    /// assert!(receiver.is_closed() && !receiver.is_disconnected());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.channel().is_closed()
    }

    /// Whether there is no sender left.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// drop(sender);
    /// assert!(receiver.is_disconnected());
    /// ```
    pub fn is_disconnected(&self) -> bool {
        self.ends.senders() == 0
    }

    /// Closes the channel, as [`Sender::close`](crate::Sender::close) does.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// receiver.close();
    /// assert_eq!(sender.send(7).unwrap_err().into_inner(), 7);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn close(&self) -> bool {
        self.channel().close()
    }

    /// The values as they come, until the channel is closed or without a sender.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::unbounded();
    /// sward_sched::spawn(move || (1..=3).for_each(|i| sender.send(i).unwrap()));
    /// assert_eq!(receiver.iter().sum::<i32>(), 6);
    /// ```
    ///
    /// # Blocking
    ///
    /// `next` is [`recv`](Self::recv).
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// The values that are there now.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::unbounded();
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// How many values are queued.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::unbounded();
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.channel().len()
    }

    /// Whether no value is queued. Always true of a rendezvous.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// assert!(receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room. Always true of a rendezvous.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// assert!(!receiver.is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        self.channel().is_full()
    }

    /// How many values can be queued; `None`: as many as memory holds.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// assert_eq!(chan::bounded::<i32>(7).1.capacity(), Some(7));
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.channel().capacity()
    }

    /// Whether both receive from the same channel.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (_, a) = chan::unbounded::<i32>();
    /// assert!(a.same_channel(&a.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ends, &other.ends)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.ends.add_receiver();
        Self { ends: self.ends.clone() }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.ends.remove_receiver() {
            self.channel().discard();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ends.fmt_as("Receiver", f)
    }
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The values of a channel as they come: see [`Receiver::iter`].
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::unbounded();
/// sender.send(7).unwrap();
/// assert_eq!(receiver.iter().next(), Some(7));
/// ```
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// The values of a channel that are there now: see [`Receiver::try_iter`].
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::unbounded::<i32>();
/// assert_eq!(receiver.try_iter().next(), None);
/// ```
pub struct TryIter<'a, T> {
    receiver: &'a Receiver<T>,
}

/// The values of a channel as they come, with its receiver.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::unbounded();
/// sender.send(7).unwrap();
/// drop(sender);
/// assert_eq!(receiver.into_iter().collect::<Vec<_>>(), [7]);
/// ```
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> FusedIterator for Iter<'_, T> {}
impl<T> FusedIterator for IntoIter<T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iter { .. }")
    }
}

impl<T> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TryIter { .. }")
    }
}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntoIter { .. }")
    }
}
