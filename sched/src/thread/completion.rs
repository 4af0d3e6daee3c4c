//! Whether a green thread is over, who wants to know, and who still holds its task: one
//! word, so that finishing or detaching is one atomic operation together with giving the
//! reference up.
//!
//! ```text
//!   bit 0  FINISHED   the result is written
//!   bit 1  JOINER     the handle has put its waiter into `Header::joiner`
//!   bit 2  DETACHED   there is no handle, and there will be none
//!   bit 3  SERVED     whoever finished has looked at the joiner and will not again
//!   above  references
//! ```
//!
//! 1. `FINISHED` is set once, by the thread itself; after `DETACHED` only by a member of a scope, and
//!    as the last: nobody asks for its result.
//! 2. The handle alone sets `JOINER` and `DETACHED`, and takes `JOINER` back.
//! 3. Whoever sets `FINISHED` over `JOINER` may touch the joiner's waiter, which therefore
//!    stays in place until it is woken or, when its wait has ended otherwise, `SERVED`.
//! 4. A task is freed when its last reference goes.

use crate::primitive::atomic::{AtomicUsize, Ordering};
use crate::primitive::{Mutant, broken, relax};

const FINISHED: usize = 1;
const JOINER: usize = 2;
const DETACHED: usize = 4;
const SERVED: usize = 8;
const REFERENCE: usize = 16;

/// What the thread found when it was to finish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OnFinish {
    /// A handle exists; nobody waits. The thread's reference is gone.
    Nothing,
    /// The joiner's waiter is to be claimed. The thread's reference is gone; the joiner's
    /// keeps the task until that claim is done, or it is told by `serve`.
    WakeJoiner,
    /// Nobody will ever ask for the result: to be dropped before the reference is.
    DropResult,
}

/// Whether a green thread is over, and its references.
#[derive(Debug)]
pub(crate) struct Completion(AtomicUsize);

impl Completion {
    /// Unfinished, with two references: the handle's and the right to run.
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(2 * REFERENCE))
    }

    /// The result is written. Gives the right to run up, unless the result is to be
    /// dropped first.
    pub(super) fn transition_to_finished(&self) -> OnFinish {
        let mut state = self.0.load(Ordering::Relaxed);
        loop {
            if state & DETACHED != 0 {
                return OnFinish::DropResult;
            }
            // Release: pairs with the Acquire in `is_finished` and in the handle's
            // transitions; the result is seen by whoever sees `FINISHED`. Acquire: pairs
            // with the Release in `transition_to_joiner`; the joiner is seen here.
            match self.0.compare_exchange_weak(
                state,
                (state | FINISHED) - REFERENCE,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) if state & JOINER != 0 && !broken(Mutant::FinishSkipsJoiner) => {
                    return OnFinish::WakeJoiner;
                }
                Ok(_) => return OnFinish::Nothing,
                Err(now) => state = now,
            }
        }
    }

    /// The joiner is in its place. `false`: the thread is over already.
    pub(super) fn transition_to_joiner(&self) -> bool {
        // Release and Acquire as in `transition_to_finished`.
        self.change(|state| (state & FINISHED == 0).then_some(state | JOINER))
    }

    /// The joiner's wait has ended otherwise, and it goes away. Returns when nobody will
    /// touch it any more (3).
    pub(super) fn transition_from_joiner(&self) {
        if self.change(|state| (state & FINISHED == 0).then_some(state & !JOINER)) {
            return;
        }
        // The other side is between two instructions, and holds no lock; unless the system has
        // interrupted it there.
        let mut round = 0;
        // Acquire: pairs with the Release in `serve`.
        while self.0.load(Ordering::Acquire) & SERVED == 0 {
            relax(&mut round);
        }
    }

    /// The joiner was found to have ended its wait otherwise.
    pub(super) fn serve(&self) {
        if !broken(Mutant::JoinerNotServed) {
            // Release: pairs with the Acquire in `transition_from_joiner`.
            self.0.fetch_or(SERVED, Ordering::Release);
        }
    }

    /// The handle goes away, and its reference with it. `false`: the thread is over already,
    /// the result is the caller's to drop, and so is, after that, the reference.
    pub(super) fn transition_to_detached(&self) -> bool {
        self.change(|state| (state & FINISHED == 0).then_some((state | DETACHED) - REFERENCE))
    }

    /// The result has been dropped, and nobody asks for it; but a scope looks who is over.
    pub(super) fn note_end(&self) {
        // Relaxed: a hint.
        self.0.fetch_or(FINISHED, Ordering::Relaxed);
    }

    /// Changes the word, unless `to` refuses.
    fn change(&self, to: impl Fn(usize) -> Option<usize>) -> bool {
        // Acquire: pairs with the Release in `transition_to_finished`, for whoever finds
        // `FINISHED`. Release: what was written before is seen by the thread that finishes.
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, to).is_ok()
    }

    /// Whether the result can be read.
    pub(crate) fn is_finished(&self) -> bool {
        if broken(Mutant::FinishedRelaxed) {
            return self.0.load(Ordering::Relaxed) & FINISHED != 0;
        }
        // Acquire: pairs with the Release in `transition_to_finished`.
        self.0.load(Ordering::Acquire) & FINISHED != 0
    }

    /// One more reference, made from one that exists.
    pub(super) fn retain(&self) {
        // Relaxed: nothing is handed over by it.
        self.0.fetch_add(REFERENCE, Ordering::Relaxed);
    }

    /// Gives a reference up. `true`: it was the last, and the caller frees the task.
    #[inline]
    pub(super) fn release(&self) -> bool {
        if broken(Mutant::ReleasedRelaxed) {
            return self.0.fetch_sub(REFERENCE, Ordering::Relaxed) < 2 * REFERENCE;
        }
        // Acquire: pairs with the Release of all the others, when this is the last: then
        // nobody is left who could make another, and no read-modify-write is needed.
        if self.0.load(Ordering::Acquire) < 2 * REFERENCE {
            return true;
        }
        if broken(Mutant::ReleasedTwice) {
            let state = self.0.load(Ordering::Acquire);
            self.0.store(state - REFERENCE, Ordering::Release);
            return state < 2 * REFERENCE;
        }
        // Release: pairs with the loads, above or below, in whoever frees it.
        if self.0.fetch_sub(REFERENCE, Ordering::Release) >= 2 * REFERENCE {
            return false;
        }
        // Acquire: as above. (Not a fence: the thread sanitizer does not see it.)
        self.0.load(Ordering::Acquire);
        true
    }
}
