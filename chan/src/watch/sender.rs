//! [`Sender`]: the end that changes the value.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use sward_sched::internal::charge;

use super::receiver::Receiver;
use super::state::{Ref, Shared};
use crate::error::SendError;

/// Changes the value. Clone it to do so from several places. When the last one is gone the
/// receivers are told.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, mut receiver) = chan::watch::channel(1);
/// sender.send(2).unwrap();
/// assert!(receiver.changed().is_ok());
/// drop(sender);
/// assert!(receiver.changed().is_err());
/// ```
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    pub(super) fn first(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// Changes the value to `value`.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// The value comes back when there is no receiver, and nothing is changed. To do so
    /// nevertheless, use [`send_replace`](Self::send_replace).
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        charge();
        let value = Arc::new(value);
        let state = self.shared.0.lock();
        if state.receivers == 0 {
            drop(state);
            return Err(SendError(Arc::into_inner(value).expect("nobody has seen it")));
        }
        let (before, told) = self.shared.overwrite(state, value);
        told.wake_all();
        drop(before);
        Ok(())
    }

    /// Changes the value to `value`, whether there are receivers or not, and returns what it was:
    /// a clone of it only if somebody looks at it just then.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::watch::channel(1);
    /// drop(receiver);
    /// assert_eq!(sender.send_replace(2), 1);
    /// assert_eq!(*sender.subscribe().borrow(), 2);
    /// ```
    ///
    /// # Blocking
    ///
    /// Waits while others modify the value, as [`send_modify`](Self::send_modify) does.
    ///
    /// # Cancellation
    ///
    /// As [`send_modify`](Self::send_modify).
    pub fn send_replace(&self, value: T) -> T
    where
        T: Clone,
    {
        charge();
        Arc::unwrap_or_clone(self.shared.turn().replace(value))
    }

    /// Changes the value by `modify`, which gets a clone of it, and is called once. When it
    /// returns, that is the value.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::watch::channel(vec![1]);
    /// sender.send_modify(|value| value.push(2));
    /// assert_eq!(*receiver.borrow(), [1, 2]);
    /// ```
    ///
    /// A [`send`](Self::send) does not wait for `modify`. If one comes while that runs, the value
    /// is the one that was sent: to all others it looks as if it had been sent afterwards.
    ///
    /// # Blocking
    ///
    /// Waits while others modify the value: parks the green thread, or blocks the OS thread. So
    /// `modify` must not modify the same value; it may do anything else.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does, while it waits; the value is left
    /// as it was.
    ///
    /// # Panics
    ///
    /// With the panic of `modify`, or of `T`'s `clone`; the value is left as it was.
    pub fn send_modify(&self, modify: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// As [`send_modify`](Self::send_modify), and returns what `modify` does: whether receivers
    /// are to hear of it. What it has changed is changed in either case.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::watch::channel(1);
    /// let raise = |to: i32| {
    ///     sender.send_if_modified(|value| {
    ///         let is_higher = to > *value;
    ///         *value = to.max(*value);
    ///         is_higher
    ///     })
    /// };
    /// assert!(!raise(0));
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// assert!(raise(2));
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`send_modify`](Self::send_modify).
    ///
    /// # Cancellation
    ///
    /// As [`send_modify`](Self::send_modify).
    ///
    /// # Panics
    ///
    /// As [`send_modify`](Self::send_modify).
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool
    where
        T: Clone,
    {
        charge();
        self.shared.turn().modify(modify)
    }

    /// The value as it is now.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, _receiver) = chan::watch::channel(1);
    /// assert_eq!(*sender.borrow(), 1);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks, and nobody waits for what it returns.
    pub fn borrow(&self) -> Ref<T> {
        let state = self.shared.0.lock();
        state.snapshot(state.version)
    }

    /// One more receiver, which has seen the value as it is now.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, _) = chan::watch::channel(1);
    /// let receiver = sender.subscribe();
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// sender.send(2).unwrap();
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        let mut state = self.shared.0.lock();
        state.receivers += 1;
        let seen = state.version;
        drop(state);
        Receiver::at(self.shared.clone(), seen)
    }

    /// How many receivers there are; by the time it is looked at there may be others.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::watch::channel(1);
    /// let _other = receiver.clone();
    /// assert_eq!(sender.receiver_count(), 2);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.shared.0.lock().receivers
    }

    /// Whether there is no receiver.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::watch::channel(1);
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Whether both are of the same channel.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (a, _) = chan::watch::channel(1);
    /// assert!(a.same_channel(&a.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.0.lock().senders += 1;
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.shared.0.lock();
        state.senders -= 1;
        if state.is_closed() {
            state.announce().wake_all();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("value", &self.borrow()).finish_non_exhaustive()
    }
}
