//! Channel operations whose type is not known: what [`Select`](crate::Select) is made of.

use sward_sched::dump::Wait as Seen;
use sward_sched::internal::{Node, Waiter};

use super::case::sealed;
use super::store::Store;
use crate::channel::{Enlisted, Grant, Reserved};
use crate::error::TryRecvError;
use crate::{Receiver, Sender};

/// What an operation has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// What it needs is in the store: a value, or a grant.
    Holds,
    /// The channel is closed.
    Closed,
}

/// A send or a receive.
pub(super) trait Operation {
    /// As `Case::look`.
    fn look(&self) -> Seen;

    /// Does it, or reserves what it needs, without waiting.
    fn attempt(&self, store: &Store) -> Option<Chosen>;

    /// # Safety
    ///
    /// As for `Case::enlist`: node, store and waiter stay in place.
    unsafe fn enlist(&self, node: &Node, store: &Store, waiter: &Waiter) -> Enlisted;

    /// # Safety
    ///
    /// As for `Case::leave`.
    unsafe fn leave(&self, node: &Node) -> bool;

    /// Whether it is a send.
    fn sends(&self) -> bool;

    /// Whether it need not wait.
    fn is_ready(&self) -> bool;

    /// # Safety
    ///
    /// As for `Channel::watch_send`.
    unsafe fn watch(&self, node: &Node, waiter: &Waiter) -> Enlisted;

    /// # Safety
    ///
    /// As for `Channel::unwatch`.
    unsafe fn unwatch(&self, node: &Node);

    /// Gives back what is in the store.
    ///
    /// # Safety
    ///
    /// The operation has come to `Holds`, and it is still there.
    unsafe fn give_back(&self, store: &Store);
}

impl<T> Operation for Sender<T> {
    fn look(&self) -> Seen {
        self.ends().seen("send")
    }

    fn attempt(&self, store: &Store) -> Option<Chosen> {
        match self.channel().reserve() {
            Reserved::Granted(grant) => {
                store.put(grant);
                Some(Chosen::Holds)
            }
            Reserved::Closed => Some(Chosen::Closed),
            Reserved::Full => None,
        }
    }

    unsafe fn enlist(&self, node: &Node, store: &Store, waiter: &Waiter) -> Enlisted {
        store.put(Grant::none());
        node.bind(waiter, store.place::<Grant>().cast());
        // SAFETY: the caller's promise; the waiter gives later, and this is its grant.
        unsafe { self.channel().enlist_send(node, waiter) }
    }

    unsafe fn leave(&self, node: &Node) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.channel().leave_send(node) }
    }

    fn sends(&self) -> bool {
        true
    }

    fn is_ready(&self) -> bool {
        self.channel().can_send_now()
    }

    unsafe fn watch(&self, node: &Node, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        unsafe { self.channel().watch_send(node, waiter) }
    }

    unsafe fn unwatch(&self, node: &Node) {
        // SAFETY: the caller's promise.
        unsafe { self.channel().unwatch(node, true) };
    }

    unsafe fn give_back(&self, store: &Store) {
        // SAFETY: a sender that holds something holds a grant.
        self.channel().give_back(unsafe { store.take() });
    }
}

impl<T> Operation for Receiver<T> {
    fn look(&self) -> Seen {
        self.ends().seen("receive")
    }

    fn attempt(&self, store: &Store) -> Option<Chosen> {
        match self.channel().try_recv() {
            Ok(value) => {
                store.put(value);
                Some(Chosen::Holds)
            }
            Err(TryRecvError::Disconnected) => Some(Chosen::Closed),
            Err(TryRecvError::Empty) => None,
        }
    }

    unsafe fn enlist(&self, node: &Node, store: &Store, waiter: &Waiter) -> Enlisted {
        node.bind(waiter, store.place::<T>().cast());
        // SAFETY: the caller's promise; the store is empty.
        unsafe { self.channel().enlist_recv(node, waiter) }
    }

    unsafe fn leave(&self, node: &Node) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.channel().leave_recv(node) }
    }

    fn sends(&self) -> bool {
        false
    }

    fn is_ready(&self) -> bool {
        self.channel().can_recv_now()
    }

    unsafe fn watch(&self, node: &Node, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        unsafe { self.channel().watch_recv(node, waiter) }
    }

    unsafe fn unwatch(&self, node: &Node) {
        // SAFETY: the caller's promise.
        unsafe { self.channel().unwatch(node, false) };
    }

    unsafe fn give_back(&self, store: &Store) {
        // SAFETY: a receiver that holds something holds a value.
        self.channel().put_back(unsafe { store.take() });
    }
}

/// An operation in its place in line.
pub(super) struct OperationCase<'a> {
    pub(super) operation: &'a dyn Operation,
    pub(super) store: Store,
    pub(super) chosen: Option<Chosen>,
    node: Node,
}

impl<'a> OperationCase<'a> {
    pub(super) fn new(operation: &'a dyn Operation) -> Self {
        Self { operation, store: Store::new(), chosen: None, node: Node::unbound() }
    }
}

impl sealed::Case for OperationCase<'_> {
    fn look(&self) -> Seen {
        self.operation.look()
    }

    fn sends(&self) -> bool {
        self.operation.sends()
    }

    fn attempt(&mut self) -> bool {
        self.chosen = self.operation.attempt(&self.store);
        self.chosen.is_some()
    }

    unsafe fn enlist(&mut self, waiter: &Waiter) -> Enlisted {
        // SAFETY: the caller's promise.
        unsafe { self.operation.enlist(&self.node, &self.store, waiter) }
    }

    unsafe fn leave(&mut self, was_claimed: bool) -> bool {
        // SAFETY: the caller's promise.
        let is_done = unsafe { self.operation.leave(&self.node) } && was_claimed;
        if is_done {
            self.chosen = Some(Chosen::Holds);
        }
        is_done
    }
}

/// An operation that is watched until it need not wait.
pub(super) struct ReadyCase<'a> {
    operation: &'a dyn Operation,
    node: Node,
}

impl<'a> ReadyCase<'a> {
    pub(super) fn new(operation: &'a dyn Operation) -> Self {
        Self { operation, node: Node::unbound() }
    }
}

impl sealed::Case for ReadyCase<'_> {
    fn look(&self) -> Seen {
        self.operation.look()
    }

    fn attempt(&mut self) -> bool {
        self.operation.is_ready()
    }

    unsafe fn enlist(&mut self, waiter: &Waiter) -> Enlisted {
        self.node.bind(waiter, std::ptr::null_mut());
        // SAFETY: the caller's promise.
        unsafe { self.operation.watch(&self.node, waiter) }
    }

    unsafe fn leave(&mut self, _: bool) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.operation.unwatch(&self.node) };
        false
    }
}
