//! The flavours of channel. They differ in their buffer; which one it is, is decided
//! here, once for each operation.

mod bounded;
mod rendezvous;
mod timer;
mod unbounded;

use std::pin::Pin;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use sward_sched::internal::{Node, Waiter};

use self::bounded::Ring;
use self::rendezvous::Received;
use self::timer::Clock;
use self::unbounded::Segments;
use crate::channel::{Channel, Enlisted, Grant, Reserved, Slot, TaskPlace};
use crate::deadline::Deadline;
use crate::ends::About;
use crate::error::{RecvError, RecvTimeoutError, SendError};
use crate::error::{SendTimeoutError, TryRecvError, TrySendError};

/// A channel of some flavour.
#[derive(Debug)]
pub(crate) enum Flavor<T> {
    Bounded(Channel<Ring<T>>),
    Rendezvous(Channel<Received<T>>),
    Unbounded(Channel<Segments<T>>),
    Clock(Channel<Clock<T>>),
}

macro_rules! each {
    ($flavor:expr, $channel:ident => $call:expr) => {
        match $flavor {
            Flavor::Bounded($channel) => $call,
            Flavor::Rendezvous($channel) => $call,
            Flavor::Unbounded($channel) => $call,
            Flavor::Clock($channel) => $call,
        }
    };
}

/// Methods that are those of the channel, whatever its flavour.
macro_rules! delegate {
    ($($(#[$attr:meta])* fn $name:ident(&self $(, $arg:ident: $ty:ty)*) $(-> $out:ty)?;)*) => {
        $(
            $(#[$attr])*
            pub(crate) fn $name(&self $(, $arg: $ty)*) $(-> $out)? {
                each!(self, channel => channel.$name($($arg),*))
            }
        )*
    };
}

/// The same for those with a contract, which is the channel's.
macro_rules! delegate_unsafe {
    ($(fn $name:ident(&self $(, $arg:ident: $ty:ty)*) $(-> $out:ty)?;)*) => {
        $(
            /// # Safety
            ///
            /// As for the method of `Channel`.
            pub(crate) unsafe fn $name(&self $(, $arg: $ty)*) $(-> $out)? {
                // SAFETY: the caller's promise.
                unsafe { each!(self, channel => channel.$name($($arg),*)) }
            }
        )*
    };
}

impl<T> Flavor<T> {
    pub(crate) fn bounded(capacity: usize) -> Self {
        Self::Bounded(Channel::new(Ring::new(capacity)))
    }

    pub(crate) fn rendezvous() -> Self {
        Self::Rendezvous(Channel::new(Received::new()))
    }

    pub(crate) fn unbounded() -> Self {
        Self::Unbounded(Channel::new(Segments::new()))
    }

    delegate! {
        fn try_send(&self, value: T) -> Result<(), TrySendError<T>>;
        #[inline]
        fn send(&self, value: T, deadline: Deadline, about: About) -> Result<(), SendTimeoutError<T>>;
        fn try_recv(&self) -> Result<T, TryRecvError>;
        #[inline]
        fn recv(&self, deadline: Deadline, about: About) -> Result<T, RecvTimeoutError>;
        fn send_granted(&self, grant: Grant, value: T) -> Result<(), SendError<T>>;
        fn is_closed(&self) -> bool;
        fn abandon_send(&self, place: Pin<&mut TaskPlace>) -> bool;
    }

    pub(crate) fn put_back(&self, value: T) {
        each!(self, channel => channel.put_back::<T>(value));
    }

    pub(crate) fn close(&self) -> bool {
        each!(self, channel => channel.close::<T>())
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

    pub(crate) fn reserve(&self) -> Reserved {
        each!(self, channel => channel.reserve::<T>())
    }

    pub(crate) fn give_back(&self, grant: Grant) {
        each!(self, channel => channel.give_back::<T>(grant));
    }

    pub(crate) fn can_send_now(&self) -> bool {
        each!(self, channel => channel.can_send_now::<T>())
    }

    pub(crate) fn can_recv_now(&self) -> bool {
        each!(self, channel => channel.can_recv_now::<T>())
    }

    #[cfg(sward_loom)]
    pub(crate) fn left(&self) -> crate::channel::Left {
        each!(self, channel => channel.left::<T>())
    }

    pub(crate) fn poll_recv(
        &self,
        place: Pin<&mut TaskPlace>,
        waker: &Waker,
    ) -> Poll<Result<T, RecvError>> {
        each!(self, channel => channel.poll_recv(place, waker))
    }

    pub(crate) fn abandon_recv(&self, place: Pin<&mut TaskPlace>) {
        each!(self, channel => channel.abandon_recv::<T>(place));
    }

    delegate_unsafe! {
        fn leave_send(&self, node: &Node) -> bool;
        fn leave_recv(&self, node: &Node) -> bool;
        fn unwatch(&self, node: &Node, sends: bool);
        fn poll_send(
            &self,
            place: Pin<&mut TaskPlace>,
            slot: &Slot<T>,
            is_full: &mut bool,
            waker: &Waker
        ) -> Poll<Result<(), SendError<T>>>;
    }

    /// # Safety
    ///
    /// As for the method of `Channel`.
    pub(crate) unsafe fn enlist_send(&self, node: &Node, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        unsafe { each!(self, channel => channel.enlist_send::<T>(node, waiter)) }
    }

    /// # Safety
    ///
    /// As for the method of `Channel`.
    pub(crate) unsafe fn enlist_recv(&self, node: &Node, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        unsafe { each!(self, channel => channel.enlist_recv::<T>(node, waiter)) }
    }

    /// # Safety
    ///
    /// As for the method of `Channel`.
    pub(crate) unsafe fn watch_send(&self, node: &Node, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        unsafe { each!(self, channel => channel.watch_send::<T>(node, waiter)) }
    }

    /// # Safety
    ///
    /// As for the method of `Channel`.
    pub(crate) unsafe fn watch_recv(&self, node: &Node, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        unsafe { each!(self, channel => channel.watch_recv::<T>(node, waiter)) }
    }
}

impl Flavor<Instant> {
    pub(crate) fn clock(next: Option<Instant>, period: Option<Duration>) -> Self {
        Self::Clock(Channel::new(Clock::new(next, period)))
    }
}
