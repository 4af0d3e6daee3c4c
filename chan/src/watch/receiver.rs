//! [`Receiver`]: the end that looks at the value.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::{Ref, Shared, State};
use crate::deadline::Deadline;
use crate::error::{RecvError, RecvTimeoutError};
use sward_sched::internal::Reason;

/// Looks at the value, and waits for it to change. A clone has seen what the original has.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, mut receiver) = chan::watch::channel(1);
/// sender.send(2).unwrap();
/// let other = receiver.clone();
/// receiver.changed().unwrap();
/// assert_eq!((receiver.has_changed(), other.has_changed()), (Ok(false), Ok(true)));
/// ```
pub struct Receiver<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// The version that it has seen.
    pub(super) seen: u64,
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    pub(super) fn first(shared: Arc<Shared<T>>) -> Self {
        Self::at(shared, 0)
    }

    pub(super) fn at(shared: Arc<Shared<T>>, seen: u64) -> Self {
        Self { shared, seen }
    }

    /// The value as it is now. Whether the receiver has seen it does not change by that.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks, and nobody waits for what it returns.
    pub fn borrow(&self) -> Ref<T> {
        self.shared.0.lock().snapshot(self.seen)
    }

    /// The value as it is now, which the receiver has then seen.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow_and_update(), 2);
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks, and nobody waits for what it returns.
    pub fn borrow_and_update(&mut self) -> Ref<T> {
        let state = self.shared.0.lock();
        let value = state.snapshot(self.seen);
        self.seen = state.version;
        value
    }

    /// Whether there is a value that this receiver has not seen.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::watch::channel(1);
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// When there is no sender left, be the value seen or not.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        let state = self.shared.0.lock();
        if state.is_closed() { Err(RecvError) } else { Ok(state.version != self.seen) }
    }

    /// Waits for a value that this receiver has not seen, and marks it as seen.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::watch::channel(1);
    /// sward_sched::spawn(move || sender.send(2));
    /// receiver.changed().unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// assert!(receiver.changed().is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does; what has changed is not seen yet.
    ///
    /// # Errors
    ///
    /// When there is no sender left, and the receiver has seen the last value.
    pub fn changed(&mut self) -> Result<(), RecvError> {
        self.wait(Deadline::Never).map_err(|_| RecvError)
    }

    /// As [`changed`](Self::changed), waiting for `timeout` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Duration;
    ///
    /// let (_sender, mut receiver) = chan::watch::channel(1);
    /// assert!(receiver.changed_timeout(Duration::from_millis(1)).unwrap_err().is_timeout());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`changed`](Self::changed), until the time is up. A timeout too long for the clock
    /// is for ever.
    ///
    /// # Cancellation
    ///
    /// As [`changed`](Self::changed).
    ///
    /// # Errors
    ///
    /// As [`changed`](Self::changed), and when the time is up.
    pub fn changed_timeout(&mut self, timeout: Duration) -> Result<(), RecvTimeoutError> {
        self.wait(Deadline::In(timeout))
    }

    /// As [`changed`](Self::changed), waiting until `deadline` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::time::Instant;
    ///
    /// let (_sender, mut receiver) = chan::watch::channel(1);
    /// assert!(receiver.changed_deadline(Instant::now()).unwrap_err().is_timeout());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`changed`](Self::changed), until the deadline.
    ///
    /// # Cancellation
    ///
    /// As [`changed`](Self::changed).
    ///
    /// # Errors
    ///
    /// As [`changed_timeout`](Self::changed_timeout).
    pub fn changed_deadline(&mut self, deadline: Instant) -> Result<(), RecvTimeoutError> {
        self.wait(Deadline::At(deadline))
    }

    /// Waits for a value that `is_it`, beginning with the one that is there. Values that are there
    /// for a short time only may be missed.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::watch::channel(1);
    /// sward_sched::spawn(move || (2..=5).for_each(|i| sender.send(i).unwrap()));
    /// assert_eq!(*receiver.wait_for(|value| *value >= 5).unwrap(), 5);
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`changed`](Self::changed).
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does. The values that `is_it` was asked
    /// about are seen then.
    ///
    /// # Errors
    ///
    /// When there is no sender left, and the last value is not the one.
    ///
    /// # Panics
    ///
    /// With the panic of `is_it`. That value counts as seen.
    pub fn wait_for(&mut self, mut is_it: impl FnMut(&T) -> bool) -> Result<Ref<T>, RecvError> {
        loop {
            let value = self.borrow_and_update();
            if is_it(&value) {
                return Ok(value);
            }
            // Not kept while it waits.
            drop(value);
            self.changed()?;
        }
    }

    /// Whether both are of the same channel.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (_, a) = chan::watch::channel(1);
    /// assert!(a.same_channel(&a.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    fn wait(&mut self, deadline: Deadline) -> Result<(), RecvTimeoutError> {
        let Self { shared, seen } = self;
        static WATCH: Reason = Reason::new("watch");
        match shared.0.find(&WATCH, deadline, |state| see(state, seen)) {
            Ok(result) => result.map_err(RecvTimeoutError::from),
            Err(_) => Err(RecvTimeoutError::Timeout),
        }
    }
}

/// What there is to see, if one need not wait for it.
pub(super) fn see<T>(state: &State<T>, seen: &mut u64) -> Option<Result<(), RecvError>> {
    if state.version != *seen {
        *seen = state.version;
        return Some(Ok(()));
    }
    state.is_closed().then_some(Err(RecvError))
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.0.lock().receivers += 1;
        Self::at(self.shared.clone(), self.seen)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.0.lock().receivers -= 1;
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("value", &self.borrow()).finish_non_exhaustive()
    }
}
