//! The two state words of a green thread: is it on a stack, and is it over.
//!
//! **Running.** A green thread that waits is woken *exactly once* for each wait:
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
//! ```
//!
//! 1. `PARKED` is set only when the thread is off its stack, and whoever takes it
//!    out of `PARKED` owns the right to run it.
//! 2. Between two `transition_to_parked` of one thread there is at most one
//!    `transition_to_woken`.
//!
//! **Completion.** `Open → Joiner | Detached → Finished`, where `Finished` is set
//! once by the thread itself, after its result is written.

use crate::primitive::atomic::{AtomicU32, Ordering};
use crate::primitive::{Mutant, broken};

const RUNNING: u32 = 0;
const PARKED: u32 = 1;
const NOTIFIED: u32 = 2;

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
        // Relaxed: until the next park nobody else reads or writes it (2), and
        // whatever hands the thread over orders this.
        self.0.store(RUNNING, Ordering::Relaxed);
    }

    /// Whether it waits, off its stack. True at once only for its own worker,
    /// which alone parks it.
    pub(crate) fn is_parked(&self) -> bool {
        self.0.load(Ordering::Relaxed) == PARKED
    }
}

const OPEN: u32 = 0;
const JOINER: u32 = 1;
const DETACHED: u32 = 2;
const FINISHED: u32 = 3;

/// What the thread found when it finished.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OnFinish {
    /// A handle exists; nobody waits.
    Nothing,
    /// Somebody waits in the list of joiners.
    WakeJoiner,
    /// Nobody will ever ask for the result.
    DropResult,
}

/// Whether a green thread is over, and who wants to know.
#[derive(Debug)]
pub(crate) struct Completion(AtomicU32);

impl Completion {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(OPEN))
    }

    /// The result is written.
    pub(crate) fn transition_to_finished(&self) -> OnFinish {
        // Release: pairs with the Acquire in `is_finished` and the other two
        // transitions; the result is seen by whoever sees `FINISHED`. Acquire:
        // pairs with their Release; the joiner's node is seen here.
        match self.0.swap(FINISHED, Ordering::AcqRel) {
            JOINER if !broken(Mutant::FinishSkipsJoiner) => OnFinish::WakeJoiner,
            DETACHED => OnFinish::DropResult,
            _ => OnFinish::Nothing,
        }
    }

    /// The joiner has put itself into the list. `false`: the thread is over already.
    pub(crate) fn transition_to_joiner(&self) -> bool {
        // As in `transition_to_finished`.
        self.0.compare_exchange(OPEN, JOINER, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The handle goes away. `false`: the thread is over already, and the result
    /// is the caller's to drop.
    pub(crate) fn transition_to_detached(&self) -> bool {
        // As in `transition_to_finished`. A handle whose joiner was cancelled finds
        // `JOINER` and overwrites it.
        let mut state = self.0.load(Ordering::Relaxed);
        while state != FINISHED {
            match self.0.compare_exchange(state, DETACHED, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        // Acquire: the caller reads the result.
        self.is_finished();
        false
    }

    /// Whether the result can be read.
    pub(crate) fn is_finished(&self) -> bool {
        // Acquire: pairs with the Release in `transition_to_finished`.
        self.0.load(Ordering::Acquire) == FINISHED
    }
}
