//! In line for a select: the same lists as for a send or a receive, but the waiter stands in
//! several at once, and whatever else could pair with it may be itself.
//!
//! 1. A node that was enlisted leaves before its waiter goes away.
//! 2. Whether an operation need not wait is answered here as `offer`, `reserve` and `take` do. By
//!    the time they are called it may have changed; then the select gets in line again.

use std::time::Instant;

use sward_sched::internal::{Node, Waiter};
use sward_sched::primitive::{Mutant, broken};

use super::{Buffer, Channel, State, unlock_and_tell};

/// What came of getting in line.
#[derive(Debug)]
pub enum Enlisted {
    /// It waits; it need not wait from this moment on, whatever others do.
    Until(Option<Instant>),
    /// It need not wait.
    No,
}

/// Who does not count when `waiter` looks whom it would meet: itself.
#[inline]
fn others_than(waiter: &Waiter) -> Option<&Waiter> {
    (!broken(Mutant::EnlistFindsItself)).then_some(waiter)
}

impl<B> State<B> {
    /// Whether a send by somebody else than `except` need not wait.
    fn can_send<T>(&self, except: Option<&Waiter>) -> bool
    where
        B: Buffer<T>,
    {
        if self.closed {
            return true;
        }
        let is_received = self.receivers.has_other(except);
        is_received || !self.buffer.is_full(self.promised)
    }

    /// Whether a receive by somebody else than `except` need not wait.
    fn can_recv<T>(&self, except: Option<&Waiter>) -> bool
    where
        B: Buffer<T>,
    {
        self.closed || self.buffer.len() > 0 || self.senders.has_other(except)
    }
}

impl<B> Channel<B> {
    /// Gets in line to send what is in `node`'s slot.
    ///
    /// # Safety
    ///
    /// `node` is one of `waiter`, and both stay in place until [`leave_send`](Self::leave_send)
    /// (1). Its slot is full and of the channel's type, or a grant if the waiter gives later.
    pub(crate) unsafe fn enlist_send<T>(&self, node: &Node, waiter: &Waiter) -> Enlisted
    where
        B: Buffer<T>,
    {
        let state = self.state.lock();
        if !broken(Mutant::EnlistNotRechecked) && state.can_send::<T>(others_than(waiter)) {
            return Enlisted::No;
        }
        // SAFETY: the caller's promise.
        unsafe { state.senders.push_back(node) };
        unlock_and_tell(state, |state| &state.value_watchers);
        Enlisted::Until(None)
    }

    /// Gets in line to receive into `node`'s slot.
    ///
    /// # Safety
    ///
    /// As for [`enlist_send`](Self::enlist_send), until [`leave_recv`](Self::leave_recv); the slot
    /// is empty and of the channel's type.
    pub(crate) unsafe fn enlist_recv<T>(&self, node: &Node, waiter: &Waiter) -> Enlisted
    where
        B: Buffer<T>,
    {
        let state = self.state.lock();
        if !broken(Mutant::EnlistNotRechecked) && state.can_recv::<T>(others_than(waiter)) {
            return Enlisted::No;
        }
        let ready_at = state.buffer.ready_at();
        // SAFETY: the caller's promise.
        unsafe { state.receivers.push_back(node) };
        unlock_and_tell(state, |state| &state.room_watchers);
        Enlisted::Until(ready_at)
    }

    /// Gets out of the line. `true`: somebody had claimed the waiter there.
    ///
    /// # Safety
    ///
    /// `node` was enlisted to send here.
    pub(crate) unsafe fn leave_send(&self, node: &Node) -> bool {
        let state = self.state.lock();
        // SAFETY: the caller's promise.
        !unsafe { state.senders.remove(node) } && node.is_claimed()
    }

    /// As [`leave_send`](Self::leave_send).
    ///
    /// # Safety
    ///
    /// `node` was enlisted to receive here.
    pub(crate) unsafe fn leave_recv(&self, node: &Node) -> bool {
        let state = self.state.lock();
        // SAFETY: the caller's promise.
        !unsafe { state.receivers.remove(node) } && node.is_claimed()
    }

    /// Whether a send, by somebody who is in no line, need not wait.
    pub(crate) fn can_send_now<T>(&self) -> bool
    where
        B: Buffer<T>,
    {
        self.state.lock().can_send::<T>(None)
    }

    /// Whether a receive, by somebody who is in no line, need not wait.
    pub(crate) fn can_recv_now<T>(&self) -> bool
    where
        B: Buffer<T>,
    {
        self.state.lock().can_recv::<T>(None)
    }

    /// The waiter of `node` is told when a send may not need to wait any more.
    ///
    /// # Safety
    ///
    /// As for [`enlist_send`](Self::enlist_send), until [`unwatch`](Self::unwatch); no slot.
    pub(crate) unsafe fn watch_send<T>(&self, node: &Node, waiter: &Waiter) -> Enlisted
    where
        B: Buffer<T>,
    {
        let state = self.state.lock();
        if !broken(Mutant::EnlistNotRechecked) && state.can_send::<T>(others_than(waiter)) {
            return Enlisted::No;
        }
        // SAFETY: the caller's promise.
        unsafe { state.room_watchers.push_back(node) };
        Enlisted::Until(None)
    }

    /// The waiter of `node` is told when a receive may not need to wait any more.
    ///
    /// # Safety
    ///
    /// As for [`watch_send`](Self::watch_send).
    pub(crate) unsafe fn watch_recv<T>(&self, node: &Node, waiter: &Waiter) -> Enlisted
    where
        B: Buffer<T>,
    {
        let state = self.state.lock();
        if !broken(Mutant::EnlistNotRechecked) && state.can_recv::<T>(others_than(waiter)) {
            return Enlisted::No;
        }
        // SAFETY: the caller's promise.
        unsafe { state.value_watchers.push_back(node) };
        Enlisted::Until(state.buffer.ready_at())
    }

    /// The waiter of `node` is not told any more.
    ///
    /// # Safety
    ///
    /// `node` has watched for room here (`sends`), or for a value.
    pub(crate) unsafe fn unwatch(&self, node: &Node, sends: bool) {
        let state = self.state.lock();
        let watchers = if sends { &state.room_watchers } else { &state.value_watchers };
        // SAFETY: the caller's promise.
        unsafe { watchers.remove(node) };
    }
}
