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
//!      │ transition_to_woken                                    │ transition_to_woken
//!      ▼ (waker; does nothing more)                             ▼ (waker; must queue it)
//!   NOTIFIED ── transition_to_parked fails: still running ─▶ NOTIFIED ── resumed ─▶ RUNNING
//!
//!   PARKED ── hold ──▶ HELD ── release ──▶ PARKED
//!                       │ transition_to_woken (waker; does nothing more)
//!                       ▼
//!                    NOTIFIED ── release: whoever held it must queue it
//! ```
//!
//! 1. `PARKED` is set only when the thread is off its stack, and whoever takes it
//!    out of `PARKED` owns the right to run it.
//! 2. A thread that is `HELD` is not resumed, so that somebody else may look at its waiter.
//! 3. Between two `transition_to_parked` of one thread there is at most one
//!    `transition_to_woken`.

use crate::primitive::atomic::{AtomicU32, Ordering};
use crate::primitive::{Mutant, broken};

const RUNNING: u32 = 0;
const PARKED: u32 = 1;
const NOTIFIED: u32 = 2;
const HELD: u32 = 3;

/// Whether a started green thread is on a stack, off it, or about to come back.
#[derive(Debug)]
pub(crate) struct RunState(AtomicU32);

impl RunState {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(RUNNING))
    }

    /// The thread has left its stack to wait. `false`: it was woken in between
    /// and must go on. Only its worker calls this.
    #[inline]
    pub(crate) fn transition_to_parked(&self) -> bool {
        if broken(Mutant::ParkOverwritesWake) {
            self.0.store(PARKED, Ordering::Release);
            return true;
        }
        // Release: pairs with the Acquire in `transition_to_woken`; what the
        // thread left on its stack is seen by the worker that the waker gives it
        // to. Acquire: pairs with the Release there; what the waker wrote is seen
        // by the thread that goes on.
        self.0.compare_exchange(RUNNING, PARKED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The wait is over. `true`: the thread is off its stack, and the caller now
    /// owns it and must queue it. `false`: its worker will see to it, and the
    /// caller must not touch it again.
    #[inline]
    pub(crate) fn transition_to_woken(&self) -> bool {
        // AcqRel: pairs with `transition_to_parked`, both ways.
        let before = self.0.swap(NOTIFIED, Ordering::AcqRel);
        debug_assert_ne!(before, NOTIFIED, "a green thread was woken twice for one wait");
        before == PARKED
    }

    /// The thread is about to be resumed, by the owner of the right to run it.
    #[inline]
    pub(crate) fn transition_to_running(&self) {
        // Relaxed: until the next park nobody else reads or writes it (3), and
        // whatever hands the thread over orders this.
        self.0.store(RUNNING, Ordering::Relaxed);
    }

    /// Keeps a parked thread from being resumed until `release`. `false`: it is not parked.
    pub(crate) fn hold(&self) -> bool {
        if broken(Mutant::HoldSkipped) {
            return self.0.load(Ordering::Acquire) == PARKED;
        }
        // Acquire: pairs with the Release in `transition_to_parked`; the waiter is seen.
        self.0.compare_exchange(PARKED, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Lets it go. `true`: it was woken meanwhile, and the caller must queue it.
    pub(crate) fn release(&self) -> bool {
        if broken(Mutant::ReleaseIgnoresWake) {
            self.0.store(PARKED, Ordering::Release);
            return false;
        }
        // Release: whoever resumes it comes after what the holder did. Acquire: pairs with
        // the Release in `transition_to_woken`.
        self.0.compare_exchange(HELD, PARKED, Ordering::AcqRel, Ordering::Acquire) == Err(NOTIFIED)
    }
}
