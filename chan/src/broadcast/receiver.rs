//! [`Receiver`]: an end that gets everything.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Shared;
use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::queue::Queue;
use crate::deadline::Deadline;
use sward_sched::internal::Reason;

/// Receives everything that is sent while it is there.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, mut receiver) = chan::broadcast::channel(4);
/// let mut other = receiver.resubscribe();
/// sender.send(7).unwrap();
/// assert_eq!((receiver.recv(), other.recv()), (Ok(7), Ok(7)));
/// ```
pub struct Receiver<T> {
    pub(super) shared: Shared<T>,
    /// The number of the value that it gets next.
    pub(super) position: u64,
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    pub(super) fn at(shared: Shared<T>, position: u64) -> Self {
        Self { shared, position }
    }

    /// One more receiver. It gets what is sent from now on.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, early) = chan::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// let mut late = early.resubscribe();
    /// sender.send(2).unwrap();
    /// assert_eq!(late.recv(), Ok(2));
    /// ```
    pub fn resubscribe(&self) -> Self {
        let position = self.shared.lock().add_receiver();
        Self::at(self.shared.clone(), position)
    }

    /// How many values this receiver has still to get. If it is more than the capacity, it has
    /// missed the first of them. (If it is more than a `usize` holds, `usize::MAX`.)
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::broadcast::channel(2);
    /// (1..=3).for_each(|i| assert!(sender.send(i).is_ok()));
    /// assert_eq!(receiver.len(), 3);
    /// ```
    pub fn len(&self) -> usize {
        let left = self.shared.lock().end() - self.position;
        left.try_into().unwrap_or(usize::MAX)
    }

    /// Whether this receiver has got everything.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::broadcast::channel(2);
    /// assert!(receiver.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nothing will be sent any more: the channel is closed, or has no sender left. What is
    /// there can still be received.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::broadcast::channel(2);
    /// sender.send(1).unwrap();
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// assert_eq!(receiver.recv(), Ok(1));
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared.lock().is_closed()
    }

    /// Whether both receive from the same channel.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, a) = chan::broadcast::channel::<i32>(1);
    /// assert!(a.same_channel(&sender.subscribe()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T: Clone> Receiver<T> {
    /// Receives the next value if it is there.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use chan::broadcast::TryRecvError;
    ///
    /// let (sender, mut receiver) = chan::broadcast::channel(2);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// When there is none now; when there will be none; when this receiver has missed some.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        // The lock is given back before a clone is made.
        let value = self.shared.lock().next(&mut self.position);
        value.map(Arc::unwrap_or_clone)
    }

    /// Receives the next value, waiting until it is there.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use chan::broadcast::RecvError;
    ///
    /// let (sender, mut receiver) = chan::broadcast::channel(2);
    /// sward_sched::spawn(move || sender.send("hello"));
    /// assert_eq!(receiver.recv(), Ok("hello"));
    /// assert_eq!(receiver.recv(), Err(RecvError::Closed));
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does; this receiver misses nothing by it.
    ///
    /// # Errors
    ///
    /// When there is none and will be none; when this receiver has missed some.
    ///
    /// # Panics
    ///
    /// With the panic of `T`'s `clone`. The value counts as received.
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.wait(Deadline::Never).map_err(|error| match error {
            RecvTimeoutError::Lagged(missed) => RecvError::Lagged(missed),
            RecvTimeoutError::Closed | RecvTimeoutError::Timeout => RecvError::Closed,
        })
    }

    /// Receives the next value, waiting for `timeout` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use chan::broadcast::RecvTimeoutError;
    /// use std::time::Duration;
    ///
    /// let (_sender, mut receiver) = chan::broadcast::channel::<i32>(2);
    /// let received = receiver.recv_timeout(Duration::from_millis(1));
    /// assert_eq!(received, Err(RecvTimeoutError::Timeout));
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
    /// As [`recv`](Self::recv), and when the time is up.
    ///
    /// # Panics
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.wait(Deadline::In(timeout))
    }

    /// Receives the next value, waiting until `deadline` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Instant;
    ///
    /// let (sender, mut receiver) = chan::broadcast::channel(2);
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.recv_deadline(Instant::now()), Ok(7));
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
    ///
    /// # Panics
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.wait(Deadline::At(deadline))
    }

    fn wait(&mut self, deadline: Deadline) -> Result<T, RecvTimeoutError> {
        let Self { shared, position } = self;
        static BROADCAST: Reason = Reason::new("broadcast");
        match shared.find(&BROADCAST, deadline, |queue| next(queue, position)) {
            Ok(Ok(value)) => Ok(Arc::unwrap_or_clone(value)),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(RecvTimeoutError::Timeout),
        }
    }
}

/// What a receiver gets, if it need not wait.
pub(super) fn next<T>(
    queue: &mut Queue<T>,
    position: &mut u64,
) -> Option<Result<Arc<T>, RecvError>> {
    match queue.next(position) {
        Ok(value) => Some(Ok(value)),
        Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
        Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
        Err(TryRecvError::Empty) => None,
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let unwanted = self.shared.lock().remove_receiver(self.position);
        // After the lock.
        drop(unwanted);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_as("Receiver", &self.shared, f)
    }
}

/// What an end shows of itself.
pub(super) fn fmt_as<T>(end: &str, shared: &Shared<T>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let queue = shared.lock();
    let (len, capacity) = (queue.len(), queue.capacity());
    let (senders, receivers, is_closed) = (queue.senders(), queue.receivers(), queue.is_closed());
    drop(queue);
    f.debug_struct(end)
        .field("len", &len)
        .field("capacity", &capacity)
        .field("senders", &senders)
        .field("receivers", &receivers)
        .field("is_closed", &is_closed)
        .finish()
}
