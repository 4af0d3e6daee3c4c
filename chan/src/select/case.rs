//! The cases of a `select!`, in their places on the stack of whoever selects.

use std::fmt;
use std::mem;

use sward_sched::dump::Wait as Seen;
use sward_sched::internal::{self, Node, Waiter};
use sward_sched::time::Timer;
use sward_sched::{CancelToken, JoinError, JoinHandle, ScopedJoinHandle};

use crate::channel::{Enlisted, Slot};
use crate::error::{RecvError, SendError, TryRecvError, TrySendError};
use crate::{Receiver, Sender};

/// One of several things to wait for. For `select!` alone.
pub trait Case: sealed::Case {}

impl<C: sealed::Case> Case for C {}

pub(crate) mod sealed {
    use super::{Enlisted, Seen, Waiter};

    #[expect(unnameable_types, reason = "it seals `Case`")]
    pub trait Case {
        /// Does it, if that needs no waiting.
        fn attempt(&mut self) -> bool;

        /// Gets in line, unless it need not wait.
        ///
        /// # Safety
        ///
        /// The waiter and the case stay in place until `leave`.
        unsafe fn enlist(&mut self, waiter: &Waiter) -> Enlisted;

        /// Gets out of the line. `true`: this is the case through which the waiter was claimed,
        /// and it is done.
        ///
        /// # Safety
        ///
        /// It is enlisted. `was_claimed` only if the wait ended as `Done`.
        unsafe fn leave(&mut self, was_claimed: bool) -> bool;

        /// Whether it waits to give something away.
        fn sends(&self) -> bool {
            false
        }

        /// What it waits for, for a dump. From another OS thread, perhaps, while the thread waits.
        fn look(&self) -> Seen;

        /// It was not chosen: drops what it would have sent.
        fn discard(&mut self) {}
    }
}

/// Receives.
pub struct RecvCase<'a, T> {
    receiver: &'a Receiver<T>,
    node: Node,
    slot: Slot<T>,
    result: Option<Result<T, RecvError>>,
}

/// What `recv(receiver)` is in a `select!`.
#[inline]
pub fn recv_case<T>(receiver: &Receiver<T>) -> RecvCase<'_, T> {
    RecvCase { receiver, node: Node::unbound(), slot: Slot::empty(), result: None }
}

impl<T> RecvCase<'_, T> {
    /// What came of it, if it was chosen.
    #[inline]
    pub fn finish(self) -> Result<T, RecvError> {
        self.result.expect("the chosen case is done")
    }
}

impl<T> sealed::Case for RecvCase<'_, T> {
    fn look(&self) -> Seen {
        self.receiver.ends().seen("receive")
    }

    #[inline]
    fn attempt(&mut self) -> bool {
        self.result = match self.receiver.try_recv() {
            Ok(value) => Some(Ok(value)),
            Err(TryRecvError::Disconnected) => Some(Err(RecvError)),
            Err(TryRecvError::Empty) => None,
        };
        self.result.is_some()
    }

    unsafe fn enlist(&mut self, waiter: &Waiter) -> Enlisted {
        self.node.bind(waiter, self.slot.lend());
        // SAFETY: the caller's promise; the slot is empty.
        unsafe { self.receiver.channel().enlist_recv(&self.node, waiter) }
    }

    unsafe fn leave(&mut self, was_claimed: bool) -> bool {
        // SAFETY: the caller's promise; if it was claimed through this node the slot is full.
        unsafe {
            let is_done = self.receiver.channel().leave_recv(&self.node) && was_claimed;
            if is_done {
                self.result = Some(Ok(self.slot.take()));
            }
            is_done
        }
    }
}

/// Sends.
pub struct SendCase<'a, T> {
    sender: &'a Sender<T>,
    node: Node,
    slot: Slot<T>,
    /// Whether the value is in the slot, and this case's.
    is_full: bool,
    result: Option<Result<(), SendError<T>>>,
}

/// What `send(sender, value)` is in a `select!`.
#[inline]
pub fn send_case<T>(sender: &Sender<T>, value: T) -> SendCase<'_, T> {
    let slot = Slot::full(value);
    SendCase { sender, node: Node::unbound(), slot, is_full: true, result: None }
}

impl<T> SendCase<'_, T> {
    /// What came of it, if it was chosen.
    #[inline]
    pub fn finish(mut self) -> Result<(), SendError<T>> {
        self.result.take().expect("the chosen case is done")
    }
}

impl<T> sealed::Case for SendCase<'_, T> {
    fn look(&self) -> Seen {
        self.sender.ends().seen("send")
    }

    #[inline]
    fn attempt(&mut self) -> bool {
        assert!(mem::replace(&mut self.is_full, false), "a case is chosen once");
        // SAFETY: it is this case's, and was full.
        let value = unsafe { self.slot.take() };
        self.result = match self.sender.try_send(value) {
            Ok(()) => Some(Ok(())),
            Err(TrySendError::Disconnected(value)) => Some(Err(SendError(value))),
            Err(TrySendError::Full(value)) => {
                self.slot.put(value);
                self.is_full = true;
                return false;
            }
        };
        true
    }

    fn sends(&self) -> bool {
        true
    }

    unsafe fn enlist(&mut self, waiter: &Waiter) -> Enlisted {
        self.node.bind(waiter, self.slot.lend());
        // SAFETY: the caller's promise; the slot is full.
        unsafe { self.sender.channel().enlist_send(&self.node, waiter) }
    }

    unsafe fn leave(&mut self, was_claimed: bool) -> bool {
        // SAFETY: the caller's promise.
        let is_done = unsafe { self.sender.channel().leave_send(&self.node) } && was_claimed;
        if is_done {
            // Whoever claimed it has taken the value.
            self.is_full = false;
            self.result = Some(Ok(()));
        }
        is_done
    }

    fn discard(&mut self) {
        if mem::replace(&mut self.is_full, false) {
            // SAFETY: it is full, and in no line any more.
            drop(unsafe { self.slot.take() });
        }
    }
}

impl<T> Drop for SendCase<'_, T> {
    fn drop(&mut self) {
        sealed::Case::discard(self);
    }
}

/// Joins a thread.
#[derive(Debug)]
pub struct JoinCase<'a, T> {
    arm: internal::JoinArm<'a, T>,
    result: Option<Result<T, JoinError>>,
}

/// What `join(handle)` is in a `select!`.
pub trait JoinArm {
    /// What the thread returns.
    type Output;
    /// The case.
    fn __join_case(&mut self) -> JoinCase<'_, Self::Output>;
}

impl<T> JoinArm for JoinHandle<T> {
    type Output = T;

    fn __join_case(&mut self) -> JoinCase<'_, T> {
        JoinCase { arm: internal::JoinArm::new(self), result: None }
    }
}

impl<T> JoinArm for ScopedJoinHandle<'_, T> {
    type Output = T;

    fn __join_case(&mut self) -> JoinCase<'_, T> {
        JoinCase { arm: internal::JoinArm::scoped(self), result: None }
    }
}

impl<T> JoinCase<'_, T> {
    /// What came of it, if it was chosen.
    pub fn finish(self) -> Result<T, JoinError> {
        self.result.expect("the chosen case is done")
    }
}

impl<T> sealed::Case for JoinCase<'_, T> {
    fn look(&self) -> Seen {
        self.arm.look()
    }

    fn attempt(&mut self) -> bool {
        self.result = self.arm.try_take();
        self.result.is_some()
    }

    unsafe fn enlist(&mut self, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        if unsafe { self.arm.enlist(waiter) } { Enlisted::Until(None) } else { Enlisted::No }
    }

    unsafe fn leave(&mut self, _: bool) -> bool {
        self.arm.leave();
        // It is done when its turn comes: the thread is over, so that is soon.
        false
    }
}

/// Waits for what gives no value.
#[derive(Debug)]
pub struct WaitCase<A> {
    arm: A,
}

/// What `wait(timer)` is in a `select!`. (The name of the method is what an error is about.)
pub trait WaitArm {
    /// The case.
    fn __timer_or_cancel_token(&mut self) -> WaitCase<internal::TimerArm<'_>>;
}

impl WaitArm for Timer {
    fn __timer_or_cancel_token(&mut self) -> WaitCase<internal::TimerArm<'_>> {
        WaitCase { arm: internal::TimerArm::new(self) }
    }
}

/// What `wait(token)` is in a `select!`: the same name, but others may have the token, too.
pub trait TokenArm {
    /// The case.
    fn __timer_or_cancel_token(&self) -> WaitCase<internal::TokenArm<'_>>;
}

impl TokenArm for CancelToken {
    fn __timer_or_cancel_token(&self) -> WaitCase<internal::TokenArm<'_>> {
        WaitCase { arm: internal::TokenArm::new(self) }
    }
}

impl<A> WaitCase<A> {
    /// Nothing comes of it.
    pub fn finish(self) {}
}

impl sealed::Case for WaitCase<internal::TokenArm<'_>> {
    fn look(&self) -> Seen {
        self.arm.look()
    }

    fn attempt(&mut self) -> bool {
        self.arm.is_ready()
    }

    unsafe fn enlist(&mut self, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        if unsafe { self.arm.enlist(waiter) } { Enlisted::Until(None) } else { Enlisted::No }
    }

    unsafe fn leave(&mut self, _: bool) -> bool {
        self.arm.leave();
        false
    }
}

impl sealed::Case for WaitCase<internal::TimerArm<'_>> {
    fn look(&self) -> Seen {
        self.arm.look()
    }

    fn attempt(&mut self) -> bool {
        self.arm.is_ready()
    }

    unsafe fn enlist(&mut self, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        Enlisted::Until(unsafe { self.arm.enlist(waiter) })
    }

    unsafe fn leave(&mut self, _: bool) -> bool {
        self.arm.leave();
        false
    }
}

impl<T> fmt::Debug for RecvCase<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvCase").field(&self.receiver).finish()
    }
}

impl<T> fmt::Debug for SendCase<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendCase").field(&self.sender).finish()
    }
}
