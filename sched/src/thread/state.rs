//! The state word of a green thread that may move: is it on a stack?
//!
//! A sticky thread needs none: whoever wakes it gives it to its own worker, which cannot
//! come to resume it before it has itself left the thread's stack.
//!
//! A green thread that waits is woken *exactly once* for each wait:
//! by whoever wins the compare-exchange out of `Waiting` in its
//! [`Waiter`](crate::waiter::Waiter). The waker may come while the thread is still
//! on its way off the stack; this word settles who puts it back into a queue.
//!
//! ```text
//!             transition_to_parked (its worker, after the switch)
//!   RUNNING ────────────────────────────────────────────────▶ PARKED
//!    1 │ ▲                                                      │ 2
//!      │ └──────────────────────────────────────────────────────┘
//!      │ transition_to_woken   transition_to_woken (waker; must queue it)
//!      ▼ (waker; does nothing more)
//!   NOTIFIED ── transition_to_parked: is woken already, goes on ──▶ RUNNING
//!     0
//!
//!   PARKED ── hold ──▶ HELD ── release ──▶ PARKED
//!                     4 │ transition_to_woken (waker; does nothing more)
//!                       ▼
//!                       3 ── release: whoever held it must queue it ──▶ RUNNING
//! ```
//!
//! So the word is a count: who parks adds one, who wakes takes one, who holds adds two for a
//! time. Above it is one bit, `ASKED`: the thread is cancelled. Whoever sets it either sees
//! the thread parked, and ends its wait, or its worker, who parks it next, sees the bit.
//!
//! 1. It becomes `PARKED` only when the thread is off its stack, and whoever takes it
//!    out of `PARKED` owns the right to run it.
//! 2. A thread that is `HELD` is not resumed, so that somebody else may look at its waiter.
//! 3. Between two `transition_to_parked` of one thread there is at most one
//!    `transition_to_woken`.

use crate::primitive::atomic::{AtomicU32, Ordering};
use crate::primitive::{Mutant, broken, relax};

const NOTIFIED: u32 = 0;
const RUNNING: u32 = 1;
const PARKED: u32 = 2;
/// What `hold` adds.
const HOLD: u32 = 2;
const HELD: u32 = PARKED + HOLD;
/// The count: 4 at most.
const COUNT: u32 = 7;
const ASKED: u32 = 8;

/// Whether a started green thread is on a stack, off it, or about to come back.
#[derive(Debug)]
pub(crate) struct RunState(AtomicU32);

impl RunState {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(RUNNING))
    }

    /// The thread has left its stack to wait. `false`: it was woken in between
    /// and must go on. Only its worker calls this. `cancel`, called if the thread is cancelled,
    /// ends the wait if it can.
    #[inline]
    pub(crate) fn transition_to_parked(&self, cancel: impl FnOnce()) -> bool {
        // Release: pairs with the Acquire in `transition_to_woken`; what the
        // thread left on its stack is seen by the worker that the waker gives it
        // to. Acquire: pairs with the Release there; what the waker wrote is seen
        // by the thread that goes on. And with the Release in `ask`.
        match self.0.compare_exchange(RUNNING, PARKED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => self.transition_to_parked_slow(state, cancel),
        }
    }

    #[cold]
    fn transition_to_parked_slow(&self, state: u32, cancel: impl FnOnce()) -> bool {
        if broken(Mutant::ParkOverwritesWake) {
            self.0.store(PARKED, Ordering::Release);
            return true;
        }
        if state & ASKED != 0 && !broken(Mutant::CancelUnseenWhenParking) {
            // The thread is still ours: this wakes it as any waker does.
            cancel();
        }
        // AcqRel: as above.
        self.0.fetch_add(1, Ordering::AcqRel) & COUNT != NOTIFIED
    }

    /// The wait is over. `true`: the thread is off its stack, and the caller now
    /// owns it and must queue it. `false`: its worker, or whoever holds it, will see to it,
    /// and the caller must not touch it again.
    #[inline]
    pub(crate) fn transition_to_woken(&self) -> bool {
        // AcqRel: pairs with `transition_to_parked`, both ways.
        let before = self.0.fetch_sub(1, Ordering::AcqRel) & COUNT;
        debug_assert_ne!(before, NOTIFIED, "a green thread was woken twice for one wait");
        before == PARKED
    }

    /// The thread is cancelled: once. `true`: it may be parked, and the caller is to `hold` it
    /// and look; otherwise its worker will when it next parks.
    pub(crate) fn ask(&self) -> bool {
        // AcqRel: pairs with `transition_to_parked`, both ways.
        let count = self.0.fetch_add(ASKED, Ordering::AcqRel) & COUNT;
        // Whoever holds it may be there only to look.
        count == PARKED || count == HELD && !broken(Mutant::AskTakesLookForCancel)
    }

    /// Keeps a parked thread from being resumed until `release`; waits while somebody else does.
    /// `false`: it is not parked.
    pub(crate) fn hold(&self) -> bool {
        if broken(Mutant::HoldSkipped) {
            return self.0.load(Ordering::Acquire) & COUNT == PARKED;
        }
        let mut round = 0;
        loop {
            let state = self.0.load(Ordering::Relaxed);
            match state & COUNT {
                PARKED => {}
                HELD if !broken(Mutant::HoldDoesNotWait) => {
                    relax(&mut round);
                    continue;
                }
                _ => return false,
            }
            // Acquire: pairs with the Release in `transition_to_parked`, the waiter is seen; and with
            // that in `release`.
            let held = self.0.compare_exchange_weak(
                state,
                state + HOLD,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            if held.is_ok() {
                return true;
            }
        }
    }

    /// Lets it go. `true`: it was woken meanwhile, and the caller must queue it.
    pub(crate) fn release(&self) -> bool {
        if broken(Mutant::HoldSkipped) {
            return false;
        }
        if broken(Mutant::ReleaseIgnoresWake) {
            self.0.store(PARKED, Ordering::Release);
            return false;
        }
        // Release: whoever resumes it comes after what the holder did. Acquire: pairs with
        // the Release in `transition_to_woken`.
        self.0.fetch_sub(HOLD, Ordering::AcqRel) & COUNT != HELD
    }
}
