//! [`Select`]: operations that are only known at run time.

use std::fmt;
use std::ptr;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::operation::{Operation, OperationCase, ReadyCase};
use super::selected::{Added, SelectedOperation};
use super::{Case, Order, Wait, run};
use crate::error::{ReadyTimeoutError, SelectTimeoutError, TryReadyError, TrySelectError};
use crate::{Receiver, Sender};

/// Selects from a set of operations that grows and shrinks at run time. Where the set is fixed,
/// [`select!`](crate::select) is easier, and faster.
///
/// ```
/// # use sward_chan as chan;
/// # use sward_sched::spawn;
/// let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| chan::bounded(0)).unzip();
/// for (i, sender) in senders.into_iter().enumerate() {
///     spawn(move || sender.send(i));
/// }
/// let mut select = chan::Select::new();
/// for receiver in &receivers {
///     select.recv(receiver);
/// }
/// let operation = select.select();
/// let index = operation.index();
/// assert_eq!(operation.recv(&receivers[index]), Ok(index));
/// ```
///
/// Adding an operation gives it an index; [`select`](Self::select) and its relatives choose one,
/// at random among those that need not wait, and it is completed by
/// [`SelectedOperation::send`] or [`SelectedOperation::recv`]. [`ready`](Self::ready) and its
/// relatives only wait until one need not wait.
///
/// Up to eight operations, on values of up to 32 bytes, need no memory but that of the set itself.
///
/// An operation on a closed channel need not wait, and fails. [`remove`](Self::remove) it, or it
/// is chosen again.
#[derive(Clone)]
pub struct Select<'a> {
    operations: Vec<Added<'a>>,
    next_index: usize,
    order: Order,
}

// SAFETY: as in crossbeam. Values may be of a type that must not be sent, but what a select on
// another thread takes out of a channel can only go back into it: to get at it one needs the
// receiver, and that is not sent then. No value is dropped: the receiver lives, and nothing unwinds
// between the channel and the store (a waker that panics does not).
unsafe impl Send for Select<'_> {}
// SAFETY: a shared one can be cloned: as above.
unsafe impl Sync for Select<'_> {}

impl<'a> Select<'a> {
    /// No operations yet.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// assert!(chan::Select::new().try_select().is_err());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self { operations: Vec::with_capacity(4), next_index: 0, order: Order::Random }
    }

    /// No operations yet; those that need not wait are chosen in the order in which they
    /// were added.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::unbounded();
    /// sender.send(1).unwrap();
    /// let mut select = chan::Select::new_biased();
    /// let first = select.recv(&receiver);
    /// select.recv(&receiver);
    /// let operation = select.select();
    /// assert_eq!(operation.index(), first);
    /// assert_eq!(operation.recv(&receiver), Ok(1));
    /// ```
    #[must_use]
    pub fn new_biased() -> Self {
        Self { order: Order::AsGiven, ..Self::new() }
    }

    /// Adds a send, and returns its index.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// let mut select = chan::Select::new();
    /// assert_eq!(select.send(&sender), 0);
    /// select.select().send(&sender, "hello").unwrap();
    /// assert_eq!(receiver.recv(), Ok("hello"));
    /// ```
    pub fn send<T>(&mut self, sender: &'a Sender<T>) -> usize {
        self.add(sender, ptr::from_ref(sender).cast())
    }

    /// Adds a receive, and returns its index.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// let mut select = chan::Select::new();
    /// assert_eq!(select.recv(&receiver), 0);
    /// sender.send("hello").unwrap();
    /// assert_eq!(select.select().recv(&receiver), Ok("hello"));
    /// ```
    pub fn recv<T>(&mut self, receiver: &'a Receiver<T>) -> usize {
        self.add(receiver, ptr::from_ref(receiver).cast())
    }

    fn add(&mut self, operation: &'a dyn Operation, end: *const ()) -> usize {
        let index = self.next_index;
        self.next_index += 1;
        self.operations.push(Added { index, operation, end });
        index
    }

    /// Removes an operation. Its index is not given to another.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(1);
    /// drop(sender);
    /// let mut select = chan::Select::new();
    /// let index = select.recv(&receiver);
    /// assert!(select.select().recv(&receiver).is_err());
    /// select.remove(index);
    /// assert!(select.try_select().is_err());
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no operation of this index, or no longer.
    pub fn remove(&mut self, index: usize) {
        let next = self.next_index;
        assert!(index < next, "index out of bounds; {index} >= {next}");
        let at = self.operations.iter().position(|added| added.index == index);
        self.operations.remove(at.expect("no operation with this index"));
    }

    /// Chooses an operation that need not wait.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// let mut select = chan::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.try_select().is_err());
    /// sender.send(7).unwrap();
    /// assert_eq!(select.try_select().unwrap().recv(&receiver), Ok(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks, unless the other side is itself a selected operation that is yet to be
    /// completed.
    ///
    /// # Errors
    ///
    /// When all would have to wait.
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.run(Wait::Never).ok_or(TrySelectError)
    }

    /// Chooses an operation, waiting until one need not wait.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(0);
    /// sward_sched::spawn(move || sender.send(7));
    /// let mut select = chan::Select::new();
    /// select.recv(&receiver);
    /// assert_eq!(select.select().recv(&receiver), Ok(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does; nothing has been sent or received.
    ///
    /// # Panics
    ///
    /// When there are no operations.
    pub fn select(&mut self) -> SelectedOperation<'a> {
        self.must_have_operations();
        self.run(Wait::Forever).expect("it waits until there is one")
    }

    /// Chooses an operation, waiting for `timeout` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::time::Duration;
    /// let (_sender, receiver) = chan::bounded::<i32>(0);
    /// let mut select = chan::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.select_timeout(Duration::from_millis(1)).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`select`](Self::select), until the time is up.
    ///
    /// # Cancellation
    ///
    /// As [`select`](Self::select).
    ///
    /// # Errors
    ///
    /// When the time is up.
    pub fn select_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.run(Wait::For(timeout)).ok_or(SelectTimeoutError)
    }

    /// Chooses an operation, waiting until `deadline` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::time::Instant;
    /// let (_sender, receiver) = chan::bounded::<i32>(0);
    /// let mut select = chan::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.select_deadline(Instant::now()).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`select`](Self::select), until the deadline.
    ///
    /// # Cancellation
    ///
    /// As [`select`](Self::select).
    ///
    /// # Errors
    ///
    /// When the time is up.
    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.run(Wait::Until(deadline)).ok_or(SelectTimeoutError)
    }

    /// The index of an operation that need not wait just now.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// let mut select = chan::Select::new();
    /// let index = select.recv(&receiver);
    /// assert!(select.try_ready().is_err());
    /// sender.send(7).unwrap();
    /// assert_eq!(select.try_ready(), Ok(index));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// When all would have to wait.
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.run_ready(Wait::Never).ok_or(TryReadyError)
    }

    /// Waits until an operation need not wait, and returns its index. Another thread may be
    /// faster than what the caller does next: use the `try_` methods.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(0);
    /// sward_sched::spawn(move || sender.send(7));
    /// let mut select = chan::Select::new();
    /// let index = select.recv(&receiver);
    /// assert_eq!(select.ready(), index);
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`select`](Self::select).
    ///
    /// # Cancellation
    ///
    /// As [`select`](Self::select).
    ///
    /// # Panics
    ///
    /// When there are no operations.
    pub fn ready(&mut self) -> usize {
        self.must_have_operations();
        self.run_ready(Wait::Forever).expect("it waits until there is one")
    }

    /// As [`ready`](Self::ready), for `timeout` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::time::Duration;
    /// let (_sender, receiver) = chan::bounded::<i32>(0);
    /// let mut select = chan::Select::new();
    /// select.recv(&receiver);
    /// assert!(select.ready_timeout(Duration::from_millis(1)).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`select_timeout`](Self::select_timeout).
    ///
    /// # Cancellation
    ///
    /// As [`select`](Self::select).
    ///
    /// # Errors
    ///
    /// When the time is up.
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        self.run_ready(Wait::For(timeout)).ok_or(ReadyTimeoutError)
    }

    /// As [`ready`](Self::ready), until `deadline` at most.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::time::Instant;
    /// let (sender, _receiver) = chan::bounded::<i32>(1);
    /// let mut select = chan::Select::new();
    /// let index = select.send(&sender);
    /// assert_eq!(select.ready_deadline(Instant::now()), Ok(index));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`select_deadline`](Self::select_deadline).
    ///
    /// # Cancellation
    ///
    /// As [`select`](Self::select).
    ///
    /// # Errors
    ///
    /// When the time is up.
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        self.run_ready(Wait::Until(deadline)).ok_or(ReadyTimeoutError)
    }

    fn must_have_operations(&self) {
        assert!(!self.operations.is_empty(), "no operations have been added to `Select`");
    }

    fn run(&self, wait: Wait) -> Option<SelectedOperation<'a>> {
        let cases = self.operations.iter().map(|added| OperationCase::new(added.operation));
        let mut cases: SmallVec<[_; 8]> = cases.collect();
        let at = self.run_cases(&mut cases, wait, true)?;
        let chosen = cases.swap_remove(at);
        let added = self.operations[at];
        Some(SelectedOperation {
            added,
            chosen: chosen.chosen.expect("the chosen case is done"),
            store: chosen.store,
        })
    }

    fn run_ready(&self, wait: Wait) -> Option<usize> {
        let cases = self.operations.iter().map(|added| ReadyCase::new(added.operation));
        let mut cases: SmallVec<[_; 8]> = cases.collect();
        Some(self.operations[self.run_cases(&mut cases, wait, false)?].index)
    }

    fn run_cases<C: Case>(&self, cases: &mut [C], wait: Wait, gives_later: bool) -> Option<usize> {
        let mut cases: SmallVec<[&mut dyn Case; 8]> =
            cases.iter_mut().map(|case| case as &mut dyn Case).collect();
        run(&mut cases, wait, self.order, gives_later)
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Select { .. }")
    }
}
