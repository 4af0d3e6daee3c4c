//! [`SelectedOperation`]: what a [`Select`](crate::Select) has chosen, to be completed.

use std::fmt;
use std::ptr;
use std::thread::panicking;

use super::operation::{Chosen, Operation};
use super::store::Store;
use crate::channel::Grant;
use crate::error::{RecvError, SendError};
use crate::{Receiver, Sender};

/// An operation of a set.
#[derive(Clone, Copy)]
pub(super) struct Added<'a> {
    pub(super) index: usize,
    pub(super) operation: &'a dyn Operation,
    /// The end that it is an operation of.
    pub(super) end: *const (),
}

/// An operation that was chosen, and is to be completed by [`send`](Self::send) or
/// [`recv`](Self::recv).
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded(1);
/// let mut select = chan::Select::new();
/// let index = select.send(&sender);
/// let operation = select.select();
/// assert_eq!(operation.index(), index);
/// operation.send(&sender, 7).unwrap();
/// assert_eq!(receiver.recv(), Ok(7));
/// ```
///
/// # Panics
///
/// When it is dropped, unless the thread unwinds already. What it held goes back: a received
/// value to the head of its channel; and whoever stood by for a value looks for another. One that
/// is leaked keeps its value, or room in the channel; a receiver of a channel without room that
/// stood by for it waits for ever. So complete it soon: while a chosen send is not completed, such a
/// receiver does not look at its deadline, nor does it unwind.
#[must_use = "it panics when it is dropped"]
pub struct SelectedOperation<'a> {
    pub(super) added: Added<'a>,
    pub(super) chosen: Chosen,
    pub(super) store: Store,
}

impl SelectedOperation<'_> {
    /// Which one it is.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(1);
    /// sender.send(7).unwrap();
    /// let mut select = chan::Select::new();
    /// let index = select.recv(&receiver);
    /// let operation = select.select();
    /// assert_eq!(operation.index(), index);
    /// assert_eq!(operation.recv(&receiver), Ok(7));
    /// ```
    #[must_use]
    pub fn index(&self) -> usize {
        self.added.index
    }

    /// Completes a send.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded(0);
    /// drop(receiver);
    /// let mut select = chan::Select::new();
    /// select.send(&sender);
    /// assert_eq!(select.select().send(&sender, 7), Err(chan::SendError(7)));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// The value comes back when the channel is closed, or has no receiver left.
    ///
    /// # Panics
    ///
    /// When `sender` is not the one that was added.
    pub fn send<T>(self, sender: &Sender<T>, value: T) -> Result<(), SendError<T>> {
        let end = ptr::from_ref(sender).cast();
        assert!(ptr::eq(self.added.end, end), "passed a sender that wasn't selected");
        let (chosen, store) = self.into_parts();
        match chosen {
            // SAFETY: what a sender holds is a grant.
            Chosen::Holds => sender.channel().send_granted(unsafe { store.take::<Grant>() }, value),
            Chosen::Closed => Err(SendError(value)),
        }
    }

    /// Completes a receive.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::bounded::<i32>(0);
    /// drop(sender);
    /// let mut select = chan::Select::new();
    /// select.recv(&receiver);
    /// assert_eq!(select.select().recv(&receiver), Err(chan::RecvError));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// When the channel is empty, and closed or without a sender.
    ///
    /// # Panics
    ///
    /// When `receiver` is not the one that was added.
    pub fn recv<T>(self, receiver: &Receiver<T>) -> Result<T, RecvError> {
        let end = ptr::from_ref(receiver).cast();
        assert!(ptr::eq(self.added.end, end), "passed a receiver that wasn't selected");
        let (chosen, store) = self.into_parts();
        match chosen {
            // SAFETY: what a receiver holds is a value, and of this type: two receivers cannot be
            // in the same place while the first is borrowed, unless they are one.
            Chosen::Holds => Ok(unsafe { store.take::<T>() }),
            Chosen::Closed => Err(RecvError),
        }
    }

    fn into_parts(self) -> (Chosen, Store) {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is not used again.
        (this.chosen, unsafe { ptr::read(&raw const this.store) })
    }
}

impl Drop for SelectedOperation<'_> {
    fn drop(&mut self) {
        if self.chosen == Chosen::Holds {
            // SAFETY: it is there: nobody has completed it.
            unsafe { self.added.operation.give_back(&self.store) };
        }
        if !panicking() {
            panic!("dropped `SelectedOperation` without completing the operation");
        }
    }
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SelectedOperation { .. }")
    }
}
