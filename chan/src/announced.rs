//! State behind a lock, and those who wait for it to change: a change is announced to all of them
//! at once, and each looks for itself. What `broadcast` and `watch` are made of.
//!
//! 1. Whoever does not find what it looks for gets in line under the lock under which it looked.
//! 2. The waiter and the node of a future are touched under the lock alone, by either side, while
//!    the node is in the list. It is there exactly while the future waits.
//! 3. Users' code never runs under the lock: wakers are cloned before it is taken, and woken or
//!    dropped after. What `look` finds is dropped after, too.
//!
//! Nothing is handed over, so a future may be dropped or forgotten: nobody waits for it. The node
//! of a forgotten one stays in the list until the next announcement.
//!
//! Rejected: to give each of those that wait its value under the lock. It saves them a second look,
//! which they make side by side, and costs the one who announces as many times more.

use std::pin::Pin;
use std::ptr;
use std::task::{Poll, Waker};

use sward_sched::checkpoint;
use sward_sched::internal::{
    Node, Outcome, OwnWaker, Reason, TaskWaiter, WaitList, Waiter, Wakes, raise_cancel,
};
use sward_sched::primitive::{Mutant, Mutex, MutexGuard, broken};

use crate::deadline::Deadline;

/// State, and those who wait for it to change.
pub(crate) struct Announced<S> {
    inner: Mutex<Inner<S>>,
}

struct Inner<S> {
    state: S,
    waiting: WaitList,
}

/// The state, locked.
pub(crate) struct Guard<'a, S>(MutexGuard<'a, Inner<S>>);

/// The time was up before it was found.
#[derive(Debug)]
pub(crate) struct TimedOut;

impl<S> Announced<S> {
    pub(crate) fn new(state: S) -> Self {
        Self { inner: Mutex::new(Inner { state, waiting: WaitList::new() }) }
    }

    pub(crate) fn lock(&self) -> Guard<'_, S> {
        Guard(self.inner.lock())
    }

    /// Waits until `look` finds something, or until the deadline.
    pub(crate) fn find<R>(
        &self,
        reason: &'static Reason,
        mut deadline: Deadline,
        mut look: impl FnMut(&mut S) -> Option<R>,
    ) -> Result<R, TimedOut> {
        checkpoint();
        loop {
            let mut inner = self.inner.lock();
            if let Some(found) = look(&mut inner.state) {
                return Ok(found);
            }
            if broken(Mutant::AnnouncedBetween) {
                drop(inner);
                inner = self.inner.lock();
            }
            let waiter = Waiter::new().about(reason, self);
            let node = Node::new(&waiter, ptr::null_mut());
            // SAFETY: both stay here, and the node is removed below unless whoever announces has.
            unsafe { inner.waiting.push_back(&node) };
            drop(inner);
            let outcome = deadline.wait(&waiter, None);
            if outcome != Outcome::Closed {
                // SAFETY: it is in this list, or in none.
                unsafe { self.inner.lock().waiting.remove(&node) };
            }
            match outcome {
                Outcome::TimedOut => return Err(TimedOut),
                Outcome::Cancelled => raise_cancel(),
                _ => {}
            }
        }
    }

    /// Looks, and if nothing is found waits in `place` for the next announcement.
    pub(crate) fn poll_find<R>(
        &self,
        place: Pin<&mut Place>,
        waker: &Waker,
        look: impl FnOnce(&mut S) -> Option<R>,
    ) -> Poll<R> {
        // SAFETY: it is not moved.
        let place = unsafe { place.get_unchecked_mut() };
        // Dropped after the lock, whichever it is by then (3).
        let mut waker = Some(OwnWaker::of(waker));
        let mut inner = self.inner.lock();
        let found = look(&mut inner.state);
        if found.is_some() {
            // It has been told, and is in no list any more.
        } else if place.node.is_linked() {
            let ended = waker.as_mut().and_then(|waker| place.task.poll(waker));
            debug_assert_eq!(ended, None, "(2)");
        } else {
            place.begin(&mut waker);
            // SAFETY: pinned, and removed by `abandon` if need be; in no list now.
            unsafe { inner.waiting.push_back(&place.node) };
        }
        drop(inner);
        found.map_or(Poll::Pending, Poll::Ready)
    }

    /// The future with `place` in it goes away.
    pub(crate) fn abandon(&self, place: Pin<&mut Place>) {
        // SAFETY: it is not moved.
        let place = unsafe { place.get_unchecked_mut() };
        if place.has_begun {
            // SAFETY: it is in this list, or in none.
            unsafe { self.inner.lock().waiting.remove(&place.node) };
        }
    }
}

impl<S> Guard<'_, S> {
    /// Unlocks. All that wait are to look again: they sleep until the caller wakes them, which runs
    /// users' code.
    pub(crate) fn announce(self) -> Wakes {
        match broken(Mutant::AnnouncedSilently) {
            true => WaitList::new().close(),
            false => self.0.waiting.close(),
        }
    }
}

impl<S> std::ops::Deref for Guard<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0.state
    }
}

impl<S> std::ops::DerefMut for Guard<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.0.state
    }
}

/// The place of a task in the line, inside of its future.
#[derive(Debug)]
pub(crate) struct Place {
    task: TaskWaiter,
    node: Node,
    /// The node may be in the list.
    has_begun: bool,
}

// SAFETY: (2).
unsafe impl Send for Place {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for Place {}

impl Place {
    pub(crate) fn new() -> Self {
        Self { task: TaskWaiter::new(), node: Node::unbound(), has_begun: false }
    }

    /// In line from now on, if the caller puts the node there. A waker that was here was taken by
    /// whoever announced (2), or comes back.
    fn begin(&mut self, waker: &mut Option<OwnWaker>) {
        *waker = waker.take().and_then(|waker| self.task.begin(waker));
        self.node.bind(self.task.waiter(), ptr::null_mut());
        self.has_begun = true;
    }
}
