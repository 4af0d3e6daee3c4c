//! The flavours of channel. They differ in their buffer; which one it is, is decided
//! here, once for each operation.

mod bounded;
mod rendezvous;
mod unbounded;

use self::bounded::Ring;
use self::rendezvous::Nothing;
use self::unbounded::Segments;
use crate::channel::{Channel, Deadline};
use crate::error::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

/// A channel of some flavour.
#[derive(Debug)]
pub(crate) enum Flavor<T> {
    Bounded(Channel<Ring<T>>),
    Rendezvous(Channel<Nothing>),
    Unbounded(Channel<Segments<T>>),
}

macro_rules! each {
    ($flavor:expr, $channel:ident => $call:expr) => {
        match $flavor {
            Flavor::Bounded($channel) => $call,
            Flavor::Rendezvous($channel) => $call,
            Flavor::Unbounded($channel) => $call,
        }
    };
}

impl<T> Flavor<T> {
    pub(crate) fn bounded(capacity: usize) -> Self {
        Self::Bounded(Channel::new(Ring::new(capacity)))
    }

    pub(crate) fn rendezvous() -> Self {
        Self::Rendezvous(Channel::new(Nothing))
    }

    pub(crate) fn unbounded() -> Self {
        Self::Unbounded(Channel::new(Segments::new()))
    }

    pub(crate) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        each!(self, channel => channel.try_send(value))
    }

    #[inline]
    pub(crate) fn send(&self, value: T, deadline: Deadline) -> Result<(), SendTimeoutError<T>> {
        each!(self, channel => channel.send(value, deadline))
    }

    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        each!(self, channel => channel.try_recv())
    }

    #[inline]
    pub(crate) fn recv(&self, deadline: Deadline) -> Result<T, RecvTimeoutError> {
        each!(self, channel => channel.recv(deadline))
    }

    pub(crate) fn close(&self) -> bool {
        each!(self, channel => channel.close())
    }

    pub(crate) fn discard(&self) {
        each!(self, channel => channel.discard::<T>());
    }

    pub(crate) fn len(&self) -> usize {
        each!(self, channel => channel.len::<T>())
    }

    pub(crate) fn is_full(&self) -> bool {
        each!(self, channel => channel.is_full::<T>())
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        each!(self, channel => channel.capacity::<T>())
    }
}
