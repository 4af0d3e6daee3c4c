//! What is watched, and how it is changed.
//!
//! 1. The value is in an `Arc`, which is exchanged under the lock, and cloned there for those who
//!    look. Users' code (`Clone`, `Drop`, closures) runs on what is in it, and never under the lock.
//! 2. `version` counts the changes that receivers are to hear of.
//! 3. Those whose change depends on what was there before have *turns*, first come, first served:
//!    one of them at a time, while it runs users' code or not. To overwrite the value takes no turn,
//!    so `send` never waits.
//! 4. Who finds at the end of its turn that the value was overwritten meanwhile has changed what is
//!    no more: its change came first, nobody has seen it, and it is dropped.
//! 5. Of users' code only `Clone` and the closure run in a turn. Wakers and destructors may want one
//!    themselves: they run when it has been handed on, after a panic, too.
//!
//! Rejected: to try again in (4) (a closure would be called more than once), and a turn for `send`
//! (it would wait for closures).

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use sward_sched::internal::{Node, Outcome, Reason, WaitList, Waiter, Wakes, raise_cancel};
use sward_sched::primitive::{Mutant, broken};

use crate::announced::{Announced, Guard};

/// The value, and who has to do with it.
pub(super) struct State<T> {
    value: Arc<T>,
    /// (2)
    pub(super) version: u64,
    pub(super) senders: usize,
    pub(super) receivers: usize,
    /// Somebody has its turn.
    is_taken: bool,
    /// Those that wait for theirs.
    turns: WaitList,
}

pub(super) struct Shared<T>(pub(super) Announced<State<T>>);

impl<T> State<T> {
    /// The value as it is.
    pub(super) fn snapshot(&self, seen: u64) -> Ref<T> {
        Ref { value: self.value.clone(), has_changed: self.version != seen }
    }

    /// Nobody is left who could change it.
    pub(super) fn is_closed(&self) -> bool {
        self.senders == 0
    }
}

impl<T> Shared<T> {
    pub(super) fn new(initial: T) -> Self {
        Self(Announced::new(State {
            value: Arc::new(initial),
            version: 0,
            senders: 1,
            receivers: 1,
            is_taken: false,
            turns: WaitList::new(),
        }))
    }

    /// Puts `value` in the place of what is there, which is returned to be dropped, and the
    /// receivers that are to be woken.
    pub(super) fn overwrite(
        &self,
        mut state: Guard<'_, State<T>>,
        value: Arc<T>,
    ) -> (Arc<T>, Wakes) {
        let before = std::mem::replace(&mut state.value, value);
        state.version += 1;
        (before, state.announce())
    }

    /// Waits for a turn.
    pub(super) fn turn(&self) -> Turn<'_, T> {
        let mut state = self.0.lock();
        if !state.is_taken || broken(Mutant::WatchTurnless) {
            state.is_taken = true;
            return Turn(self);
        }
        static TURN: Reason = Reason::new("watch");
        let waiter = Waiter::new().about(&TURN, self);
        let node = Node::new(&waiter, std::ptr::null_mut());
        // SAFETY: it stays here, and is removed below unless it was claimed.
        unsafe { state.turns.push_back(&node) };
        drop(state);
        if waiter.wait(None) == Outcome::Cancelled {
            // SAFETY: it is in this list, or in none.
            unsafe { self.0.lock().turns.remove(&node) };
            raise_cancel();
        }
        Turn(self)
    }
}

/// The right to change the value to something that depends on what it was (3).
pub(super) struct Turn<'a, T>(&'a Shared<T>);

impl<T> Turn<'_, T> {
    /// Puts `value` in the place of what is there, which is returned.
    pub(super) fn replace(self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        let (before, told) = self.0.overwrite(self.0.0.lock(), value);
        // (5)
        drop(self);
        told.wake_all();
        before
    }

    /// Changes the value; receivers hear of it if `modify` says so.
    pub(super) fn modify(self, modify: impl FnOnce(&mut T) -> bool) -> bool
    where
        T: Clone,
    {
        let state = self.0.0.lock();
        let (before, version) = (state.value.clone(), state.version);
        drop(state);
        let mut changed;
        // (5): below all values, so that it goes before them if there is a panic.
        let turn = self;
        changed = T::clone(&before);
        let is_modified = modify(&mut changed);
        let changed = Arc::new(changed);
        let mut state = turn.0.0.lock();
        let (gone, told) = if state.version != version && !broken(Mutant::WatchChangedBlindly) {
            // (4)
            drop(state);
            (changed, None)
        } else if is_modified {
            let (gone, told) = turn.0.overwrite(state, changed);
            (gone, Some(told))
        } else {
            let gone = std::mem::replace(&mut state.value, changed);
            drop(state);
            (gone, None)
        };
        drop(turn);
        if let Some(told) = told {
            told.wake_all();
        }
        drop((before, gone));
        is_modified
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        let next = state.turns.claim_front().map(|(_, claim)| claim.done(0));
        state.is_taken = next.is_some();
        drop(state);
        if let Some(next) = next {
            next.wake();
        }
    }
}

/// The value as it was when somebody looked.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::watch::channel(vec![1]);
/// let before = receiver.borrow();
/// sender.send(vec![2]).unwrap();
/// assert_eq!((&before[..], &receiver.borrow()[..]), (&[1][..], &[2][..]));
/// ```
///
/// It may be kept: nobody waits for it, and it is not tied to the channel.
pub struct Ref<T> {
    value: Arc<T>,
    has_changed: bool,
}

impl<T> Ref<T> {
    /// Whether the receiver that looked had not seen this value before. `false` if it was a sender
    /// that looked.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert!(receiver.borrow_and_update().has_changed());
    /// assert!(!receiver.borrow_and_update().has_changed());
    /// ```
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), has_changed: self.has_changed }
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: fmt::Display> fmt::Display for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}
