//! [`Sender`]: the end that gives values to all.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use sward_sched::internal::charge;

use super::{Receiver, Shared};
use crate::error::SendError;

/// Sends to all receivers. Clone it to send from several places. When the last one is gone the
/// receivers get what is left, and are told.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, mut receiver) = chan::broadcast::channel(4);
/// let other = sender.clone();
/// sender.send(1).unwrap();
/// other.send(2).unwrap();
/// assert_eq!((receiver.recv(), receiver.recv()), (Ok(1), Ok(2)));
/// ```
pub struct Sender<T> {
    shared: Shared<T>,
}

impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    pub(super) fn first(shared: Shared<T>) -> Self {
        Self { shared }
    }

    /// Sends `value` to all receivers that there are now, and says how many that is.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::broadcast::channel(4);
    /// assert_eq!(sender.send(7), Ok(1));
    /// assert_eq!(receiver.recv(), Ok(7));
    /// ```
    ///
    /// If the channel is full the oldest value goes, and is dropped here, unless a receiver has it
    /// just then.
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// The value comes back when the channel is closed or has no receiver. It may have one again:
    /// see [`subscribe`](Self::subscribe).
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        charge();
        let value = Arc::new(value);
        let mut queue = self.shared.lock();
        match queue.push(value) {
            Ok((receivers, gone)) => {
                queue.announce().wake_all();
                drop(gone);
                Ok(receivers)
            }
            Err(value) => {
                drop(queue);
                Err(SendError(Arc::into_inner(value).expect("nobody has seen it")))
            }
        }
    }

    /// One more receiver. It gets what is sent from now on.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut early) = chan::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// let mut late = sender.subscribe();
    /// sender.send(2).unwrap();
    /// assert_eq!((early.recv(), late.recv()), (Ok(1), Ok(2)));
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        let position = self.shared.lock().add_receiver();
        Receiver::at(self.shared.clone(), position)
    }

    /// How many receivers there are; by the time it is looked at there may be others.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::broadcast::channel::<i32>(4);
    /// drop(receiver);
    /// assert_eq!(sender.receiver_count(), 0);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.shared.lock().receivers()
    }

    /// How many values are held: those that one receiver at least has still to get.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, _receiver) = chan::broadcast::channel(2);
    /// (1..=3).for_each(|i| assert!(sender.send(i).is_ok()));
    /// assert_eq!(sender.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.shared.lock().len()
    }

    /// Whether all receivers have got everything.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::broadcast::channel(2);
    /// sender.send(1).unwrap();
    /// assert!(!sender.is_empty());
    /// receiver.recv().unwrap();
    /// assert!(sender.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes the channel: nothing can be sent any more, and receivers get what is left, and are
    /// told. `false`: it was closed already.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::broadcast::channel(2);
    /// sender.send(1).unwrap();
    /// assert!(sender.close());
    /// assert_eq!(sender.send(2).unwrap_err().into_inner(), 2);
    /// assert_eq!(receiver.recv(), Ok(1));
    /// assert_eq!(receiver.recv(), Err(chan::broadcast::RecvError::Closed));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn close(&self) -> bool {
        let mut queue = self.shared.lock();
        let first = queue.close();
        queue.announce().wake_all();
        first
    }

    /// Whether both send to the same channel.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (a, _) = chan::broadcast::channel::<i32>(1);
    /// assert!(a.same_channel(&a.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.lock().add_sender();
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        if queue.remove_sender() {
            queue.announce().wake_all();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::receiver::fmt_as("Sender", &self.shared, f)
    }
}
