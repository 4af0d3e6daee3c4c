//! What else than channels can be an arm of a `select!`: the end of a thread, a timer, and a cancel
//! token. The algorithm is `chan`'s; here is what it needs to know of them.
//!
//! 1. An arm is enlisted with a waiter in its place, and leaves before the waiter goes away.

use std::fmt;
use std::ptr;
use std::time::Instant;

use crate::cancel_token::CancelToken;
use crate::dump::Wait;
use crate::error::JoinError;
use crate::join::{JOIN, JoinHandle};
use crate::scope::ScopedJoinHandle;
use crate::time::Timer;
use crate::wait_list::Node;
use crate::waiter::Waiter;

/// The end of a thread, and its result.
pub struct JoinArm<'a, T>(&'a mut JoinHandle<T>);

impl<'a, T> JoinArm<'a, T> {
    /// An arm of the thread of `handle`.
    pub fn new(handle: &'a mut JoinHandle<T>) -> Self {
        Self(handle)
    }

    /// An arm of the thread of `handle`.
    pub fn scoped(handle: &'a mut ScopedJoinHandle<'_, T>) -> Self {
        Self(handle.inner())
    }

    /// The result, if the thread is over. Once.
    pub fn try_take(&mut self) -> Option<Result<T, JoinError>> {
        self.0.try_take()
    }

    /// Whether the thread is over.
    pub fn is_ready(&self) -> bool {
        self.0.is_finished()
    }

    /// `waiter` hears of the end of the thread. `false`: it is over.
    ///
    /// # Safety
    ///
    /// The waiter stays in place until [`leave`](Self::leave) (1).
    pub unsafe fn enlist(&self, waiter: &Waiter) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.0.notify(waiter) }
    }

    /// What it waits for, for a dump.
    pub fn look(&self) -> Wait {
        let header = std::ptr::from_ref(self.0.task().header()).cast();
        // SAFETY: the handle has a reference to it.
        unsafe { JOIN.look(header) }
    }

    /// It hears no more: its wait has ended.
    pub fn leave(&self) {
        self.0.forget();
    }
}

impl<T> fmt::Debug for JoinArm<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A timer's end.
#[derive(Debug)]
pub struct TimerArm<'a> {
    timer: &'a mut Timer,
    node: Node,
}

impl<'a> TimerArm<'a> {
    /// An arm of `timer`.
    pub fn new(timer: &'a mut Timer) -> Self {
        Self { timer, node: Node::unbound() }
    }

    /// Whether its time has come.
    pub fn is_ready(&self) -> bool {
        self.timer.is_elapsed()
    }

    /// What it waits for, for a dump.
    pub fn look(&self) -> Wait {
        Wait::new("timer", std::ptr::from_ref(&*self.timer).cast())
    }

    /// Until when to wait. `waiter` hears when it is set anew, and has less time left then.
    ///
    /// # Safety
    ///
    /// The arm and the waiter stay in place until [`leave`](Self::leave) (1).
    pub unsafe fn enlist(&self, waiter: &Waiter) -> Option<Instant> {
        self.node.bind(waiter, ptr::null_mut());
        // SAFETY: the caller's promise.
        unsafe { self.timer.0.enlist(&self.node) }
    }

    /// It hears no more.
    pub fn leave(&self) {
        // SAFETY: the node is in no other list.
        unsafe { self.timer.0.leave(&self.node) };
    }
}

/// A token that is cancelled.
#[derive(Debug)]
pub struct TokenArm<'a> {
    token: &'a CancelToken,
    node: Node,
}

impl<'a> TokenArm<'a> {
    /// An arm of `token`.
    pub fn new(token: &'a CancelToken) -> Self {
        Self { token, node: Node::unbound() }
    }

    /// Whether it is cancelled.
    pub fn is_ready(&self) -> bool {
        self.token.is_cancelled()
    }

    /// What it waits for, for a dump.
    pub fn look(&self) -> Wait {
        self.token.look()
    }

    /// `waiter` hears when it is cancelled. `false`: it is.
    ///
    /// # Safety
    ///
    /// The arm and the waiter stay in place until [`leave`](Self::leave) (1).
    pub unsafe fn enlist(&self, waiter: &Waiter) -> bool {
        self.node.bind(waiter, ptr::null_mut());
        // SAFETY: the caller's promise.
        unsafe { self.token.enlist(&self.node) }
    }

    /// It hears no more.
    pub fn leave(&self) {
        // SAFETY: the node is in no other list.
        unsafe { self.token.leave(&self.node) };
    }
}
