//! How an end waits for the other: it says so in its place, and is told. The numbers are those of
//! the invariants in `state.rs`.

use std::ptr::NonNull;

use sward_sched::internal::{Waiter, wake_task};
use sward_sched::primitive::atomic::Ordering;
use sward_sched::primitive::{Mutant, NAPS, broken, spin};

use super::state::{End, Party, RECEIVER_GONE, Shared};

/// How often to look whether the other end is through, before the processor is left to it: it may
/// have lost its own. (Under loom every look does so.)
const LOOKS: u32 = if NAPS { 64 } else { u32::MAX };

impl<T> Shared<T> {
    /// `party` is to be told of the event for `end`. `false`: it is there already.
    ///
    /// # Safety
    ///
    /// By that end. A thread's waiter stays in place until it is claimed, or `unlisten` has
    /// returned.
    pub(super) unsafe fn listen(&self, end: End, party: Party) -> bool {
        // Acquire: pairs with the Release in `tell`, which may be what has cleared the bit, and was
        // in the place before.
        let is_stray = self.state.load(Ordering::Acquire) & end.waits() != 0;
        // SAFETY: this end's.
        if is_stray && !unsafe { self.unlisten(end) } {
            return false;
        }
        // SAFETY: (3): the place is this end's.
        let stray = self.place(end).with_mut(|place| unsafe { (*place).take() });
        // Users' code, which may panic: while nobody knows of the party.
        drop(stray);
        // SAFETY: as above.
        self.place(end).with_mut(|place| unsafe { *place = Some(party) });
        // Release: pairs with the Acquire in `end` and `close`; the party is seen.
        let listens = self.change(end, |state| state | end.waits());
        if !listens {
            // SAFETY: as above.
            self.place(end).with_mut(|place| unsafe { (*place).take() });
        }
        listens
    }

    /// Nobody is to be told any more. `false`: the event is there, and a thread's waiter may go
    /// away nevertheless.
    ///
    /// # Safety
    ///
    /// By that end, which has set its `WAITS`.
    pub(super) unsafe fn unlisten(&self, end: End) -> bool {
        if self.change(end, |state| state & !end.waits()) {
            return true;
        }
        // The other end is between two instructions, and holds no lock.
        // Acquire: pairs with the Release in `tell`.
        let mut looks = 0;
        while self.state.load(Ordering::Acquire) & end.waits() != 0 {
            if looks < LOOKS {
                spin();
                looks += 1;
            } else {
                std::thread::yield_now();
            }
        }
        false
    }

    /// Changes the word, unless the event for `end` is there.
    fn change(&self, end: End, to: impl Fn(u32) -> u32) -> bool {
        let to = |state| (state & end.events() == 0).then(|| to(state));
        // Release: see the callers. Acquire: pairs with the Release in `end` and `close`, for
        // whoever finds the event.
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, to).is_ok()
    }

    /// Tells `end` of its event. `gone` is the other end's `GONE`, if that goes with it, and then
    /// this is its last touch.
    ///
    /// # Safety
    ///
    /// By the other end, which has set the event over `WAITS`, and done so for the first time.
    pub(super) unsafe fn tell(this: NonNull<Self>, end: End, gone: u32) {
        // SAFETY: the other end has not gone (4).
        let shared = unsafe { this.as_ref() };
        // SAFETY: (3): the place is the other end's.
        let party = shared.place(end).with_mut(|place| unsafe { (*place).take() });
        let through = || {
            // Release: pairs with the Acquire in `unlisten`, and in whoever frees. Acquire: for
            // that, if it is this one.
            let order = match broken(Mutant::OneshotGoneRelaxed) {
                true => Ordering::Relaxed,
                false => Ordering::AcqRel,
            };
            let state = shared.state.fetch_xor(end.waits() | gone, order);
            if gone != 0 && state & RECEIVER_GONE != 0 {
                // SAFETY: both are gone (4).
                unsafe { Self::free(this) };
            }
        };
        match party {
            Some(Party::Thread(waiter)) => {
                // SAFETY: (3): it is there until `WAITS` is clear, or, claimed, until it is done.
                let claim = unsafe { Waiter::claim(waiter) };
                if claim.is_some() || !broken(Mutant::OneshotNotLetGo) {
                    through();
                }
                if let Some(claim) = claim {
                    claim.done(0).wake();
                }
            }
            Some(Party::Task(waker)) => {
                through();
                wake_task(waker);
            }
            None => unreachable!("a party is in its place"),
        }
    }
}
