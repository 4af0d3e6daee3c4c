//! How a call begins and ends, and how others wait for that.
//!
//! | `RUNNING` | `DONE` | `WAITERS` | meaning |
//! |---|---|---|---|
//! | 0 | 0 | 0 | new, or as good as new |
//! | 0 | 0 | 1 | the same; some `wait` until it is done |
//! | 1 | 0 | 0 | a call is under way; to end it is one compare-exchange |
//! | 1 | 0 | 1 | a call is under way; whoever ends it looks into the line |
//! | 0 | 1 | 0 | done, for ever |
//!
//! The rest of the word is the identity of the thread whose call is under way; 0: none, or a task's.
//!
//! 1. `RUNNING` is set by a compare-exchange from a state without it and without `DONE`, and the
//!    word is left by the one who set it: so calls come one after the other, and each sees what
//!    those before it did.
//! 2. `WAITERS` is set exactly while somebody stands in line, and changes under the queue's lock. One
//!    gets in line only after it has seen, with `WAITERS` set by itself, that it must wait.
//! 3. Whoever ends a call sends all away that stand in line, and each looks again. Nobody is handed
//!    anything: one that does not look again, because it is cancelled or a future that goes away,
//!    owes nothing to the others.
//!
//! Rejected: to wake only the first of those that would call when a call has come to nothing. The
//! others sleep on then, but one that goes away must pass on what it was told.

use std::fmt;
use std::future::poll_fn;
use std::mem::ManuallyDrop;
use std::pin::pin;

use sward_sched::dump::Wait;
use sward_sched::internal::{Reason, WaitList, WaitQueue, Waiter, Wakes, identity, raise_cancel};
use sward_sched::primitive::atomic::Ordering;
use sward_sched::primitive::{Mutant, broken};

use super::{Once, OnceState};
use crate::acquire::{Acquire, Acquiring, Attempt, Refusal, acquire};

const NEW: u64 = 0;
const RUNNING: u64 = 1;
pub(super) const DONE: u64 = 2;
const WAITERS: u64 = 4;
const OWNER_SHIFT: u32 = 3;
const OWNER: u64 = !0 << OWNER_SHIFT;

/// What one waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    /// To call, unless it is done. With the caller, as the word has it.
    Call(u64),
    /// To see it done.
    Done,
}

/// A call under way. Dropped, it has come to nothing.
pub(crate) struct Call<'a> {
    once: &'a Once,
    owner: u64,
}

impl Call<'_> {
    /// It is done.
    pub(crate) fn complete(self) {
        let this = ManuallyDrop::new(self);
        this.once.end(this.owner, DONE);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.once.end(self.owner, NEW);
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl Once {
    /// Whether it is done; what was done in it is seen.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        // Acquire: pairs with the Release in `end`.
        let order = match broken(Mutant::OnceSeenRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Acquire,
        };
        self.state.load(order) & DONE != 0
    }

    pub(super) fn look(&self) -> OnceState {
        // Acquire: as in `is_done`.
        match self.state.load(Ordering::Acquire) {
            state if state & DONE != 0 => OnceState::Done,
            state if state & RUNNING != 0 => OnceState::InProgress,
            _ => OnceState::New,
        }
    }

    /// Waits for its turn to call. None: it is done.
    #[cold]
    #[track_caller]
    pub(crate) fn begin(&self) -> Option<Call<'_>> {
        let owner = self.caller();
        let begun = self.try_begin(owner) || self.obtain(Wish::Call(owner));
        begun.then(|| Call { once: self, owner })
    }

    /// The same, by a task.
    pub(crate) async fn begin_async(&self) -> Option<Call<'_>> {
        let begun = self.obtain_async(Wish::Call(0)).await;
        begun.then(|| Call { once: self, owner: 0 })
    }

    #[cold]
    #[track_caller]
    pub(super) fn wait_until_done(&self) {
        self.caller();
        self.obtain(Wish::Done);
    }

    pub(super) async fn until_done(&self) {
        self.obtain_async(Wish::Done).await;
    }

    /// Who asks, and does not wait for itself.
    #[track_caller]
    fn caller(&self) -> u64 {
        let owner = identity().get() << OWNER_SHIFT;
        // Relaxed: it is about what this thread wrote itself.
        if self.state.load(Ordering::Relaxed) & OWNER == owner {
            panic!("an initialiser waits for its own end: it uses what it is to initialise");
        }
        owner
    }

    /// # Safety
    ///
    /// `once` is one, and stays.
    unsafe fn tell(once: *const (), wait: &mut Wait) {
        // SAFETY: the caller's promise. Relaxed: nothing goes by it.
        let state = unsafe { &*once.cast::<Self>() }.state.load(Ordering::Relaxed);
        let owner = state >> OWNER_SHIFT;
        wait.thread = (owner != 0).then_some(owner);
    }

    /// `true`: the wish is granted; `false`: it is done.
    fn obtain(&self, wish: Wish) -> bool {
        loop {
            match acquire(self, wish, None, Waiter::new) {
                Ok(()) => return true,
                Err(Refusal::Cancelled) => raise_cancel(),
                Err(_) if self.is_done() => return false,
                // A call has come to nothing.
                Err(_) => {}
            }
        }
    }

    async fn obtain_async(&self, wish: Wish) -> bool {
        while !self.is_done() {
            let mut turn = pin!(Acquiring::new(self, wish));
            if poll_fn(|context| turn.as_mut().poll(context)).await.is_ok() {
                return true;
            }
        }
        false
    }

    fn try_begin(&self, owner: u64) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & (RUNNING | DONE) == 0 {
            let begun = state | RUNNING | owner;
            if broken(Mutant::OnceBegunTwice) {
                self.state.store(begun, Ordering::Relaxed);
                return true;
            }
            // Acquire: pairs with the Release in `end`: what a call did that came to nothing is
            // seen.
            match self.state.compare_exchange_weak(
                state,
                begun,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    fn note_if_empty(&self, line: &WaitList) {
        if line.is_empty() {
            // Relaxed: it says nothing about what was done.
            self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }

    /// Ends the call of `owner`, with `NEW` or `DONE`.
    fn end(&self, owner: u64, state: u64) {
        // Release: pairs with the Acquire in `is_done`, `look` and `try_begin`.
        let order = match broken(Mutant::OnceDoneRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Release,
        };
        if broken(Mutant::OnceEndsSilently) {
            self.state.store(state, order);
            return;
        }
        let running = RUNNING | owner;
        if self.state.compare_exchange(running, state, order, Ordering::Relaxed).is_err() {
            let line = self.queue.lock();
            // Nobody else changes it now (1, 2).
            self.state.swap(state, order);
            let wakes = line.close();
            drop(line);
            wakes.wake_all();
        }
    }
}

impl Acquire for Once {
    type Request = Wish;

    fn reason(_: Wish) -> &'static Reason {
        // SAFETY: whoever waits for a call has a reference to the `Once`.
        static REASON: Reason = unsafe { Reason::with("once", Once::tell) };
        &REASON
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&self, wish: Wish, _: bool) -> bool {
        matches!(wish, Wish::Call(owner) if self.try_begin(owner))
    }

    fn take_or_announce(&self, wish: Wish, _: bool, line: &WaitList) -> Attempt {
        let announced = if broken(Mutant::WaitUnannounced) { 0 } else { WAITERS };
        // Relaxed: `is_done` and `try_begin` look again.
        let before = self.state.fetch_or(announced, Ordering::Relaxed);
        let attempt = if before & DONE != 0 {
            Attempt::Closed
        } else if self.try_take(wish, false) {
            Attempt::Taken
        } else {
            return Attempt::Wait;
        };
        self.note_if_empty(line);
        attempt
    }

    fn leave(&self, _: Wish, line: &WaitList) -> Wakes {
        self.note_if_empty(line);
        Wakes::none()
    }

    fn pass_on(&self, _: &WaitList) -> Wakes {
        unreachable!("nobody is told to compete (3)")
    }

    fn release(&self, _: Wish) {
        unreachable!("nobody is handed a turn (3)")
    }
}
