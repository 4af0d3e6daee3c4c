//! The semaphore without its permits' types.
//!
//! | bits | meaning |
//! |---|---|
//! | `CLOSED` | nobody gets a permit any more |
//! | `WAITERS` | somebody stands in line: newcomers get in line, too |
//! | above | permits that nobody has |
//!
//! 1. `WAITERS` is set exactly while somebody stands in line, and changes under the queue's lock.
//! 2. While it is set permits are taken for the first in line alone, under that lock. (To forget
//!    some is allowed at any time.) So they are handed over in the order of the line, and gather
//!    until there are enough for the first, however few those behind it ask for.
//! 3. Whoever adds permits, or leaves the line, serves it: hands permits over until the line
//!    is empty, or until there are too few for the first. Whoever gets in line has seen too few of
//!    them in the very change that set `WAITERS`, or somebody before it; so who adds to them
//!    later finds it set.
//!
//! Whoever adds permits touches the line *after* they are to be had, when somebody may have taken
//! them and be gone. The semaphore is alive all the same: it is reached by a reference, the
//! caller's or that in the permit, or through the permit's `Arc`, which is dropped after it; and
//! nobody frees a semaphore because of a permit that he got, but because no reference is left.
//!
//! As tokio's, but for the line: there the first takes what permits there are, and
//! gives them back if it leaves. Here they stay in the state until there are enough.

use sward_sched::const_fn;
use sward_sched::internal::{Reason, WaitList, WaitQueue, Wakes};
use sward_sched::primitive::atomic::{AtomicUsize, Ordering};
use sward_sched::primitive::{Mutant, broken};

use super::TryAcquireError;
use crate::acquire::{Acquire, Attempt, HANDED, Ticket};

const CLOSED: usize = 1;
const WAITERS: usize = 2;
const SHIFT: u32 = 2;

/// As tokio's. The word has room for twice as many: a sum is looked at when it is there.
pub(super) const MAX_PERMITS: usize = usize::MAX >> 3;

/// Two words.
pub(super) struct RawSemaphore {
    state: AtomicUsize,
    queue: WaitQueue,
}

impl RawSemaphore {
    const_fn! {
        pub(super) fn new(permits: usize) -> Self {
            assert!(
                permits <= MAX_PERMITS,
                "a semaphore may not have more than `Semaphore::MAX_PERMITS` permits"
            );
            Self { state: AtomicUsize::new(permits << SHIFT), queue: WaitQueue::new() }
        }
    }

    pub(super) fn available(&self) -> usize {
        self.state.load(Ordering::Relaxed) >> SHIFT
    }

    pub(super) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`.
        self.state.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Takes permits, unless there are too few or one of the flags in `refuses` is set: then that
    /// is the state.
    #[inline]
    fn take(&self, permits: usize, refuses: usize) -> Result<(), usize> {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if state & refuses != 0 || state >> SHIFT < permits {
                return Err(state);
            }
            // Acquire: pairs with the Release of those whose permits these were.
            match self.state.compare_exchange_weak(
                state,
                state - (permits << SHIFT),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(()),
                Err(now) => state = now,
            }
        }
    }

    #[inline]
    pub(super) fn try_acquire(&self, permits: usize) -> Result<(), TryAcquireError> {
        // Who asks for none is in nobody's way.
        let refuses = if permits == 0 { CLOSED } else { CLOSED | WAITERS };
        self.take(permits, refuses).map_err(|_| match self.is_closed() {
            true => TryAcquireError::Closed,
            false => TryAcquireError::NoPermits,
        })
    }

    /// Adds permits that there were not.
    pub(super) fn add(&self, permits: usize) {
        // Release: as in `release`.
        let added = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, |state| {
            let sum = (state >> SHIFT).checked_add(permits).filter(|sum| *sum <= MAX_PERMITS);
            sum.map(|_| state + (permits << SHIFT))
        });
        match added {
            Ok(before) => self.serve_if_in_line(before),
            Err(_) => overflow(permits),
        }
    }

    /// Gives back permits that somebody had.
    #[inline]
    pub(super) fn release(&self, permits: usize) {
        let order = match broken(Mutant::PermitsRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Release,
        };
        // Release: pairs with the Acquire in `take` and `take_or_announce`.
        let before = self.state.fetch_add(permits << SHIFT, order);
        if (before >> SHIFT) + permits > MAX_PERMITS {
            // Others may have forgotten some of them by now.
            self.forget(permits);
            overflow(permits);
        }
        self.serve_if_in_line(before);
    }

    #[inline]
    fn serve_if_in_line(&self, before: usize) {
        if before & WAITERS != 0 && !broken(Mutant::PermitsSkipWaiters) {
            self.serve_line();
        }
    }

    #[cold]
    fn serve_line(&self) {
        let line = self.queue.lock();
        let wakes = self.serve(&line);
        drop(line);
        wakes.wake_all();
    }

    /// Takes up to so many permits away for ever; how many there were.
    pub(super) fn forget(&self, permits: usize) -> usize {
        let mut forgotten = 0;
        // Acquire: as in `take`.
        let _ = self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
            forgotten = permits.min(state >> SHIFT);
            Some(state - (forgotten << SHIFT))
        });
        forgotten
    }

    pub(super) fn close(&self) {
        let line = self.queue.lock();
        // Release: pairs with the Acquire in `is_closed`.
        self.state.fetch_or(CLOSED, Ordering::Release);
        let wakes = match broken(Mutant::CloseSkipsLine) {
            true => Wakes::none(),
            false => line.close(),
        };
        // Relaxed: it orders nothing.
        self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        drop(line);
        wakes.wake_all();
    }

    /// Hands permits over to those who are first in line (3).
    fn serve(&self, line: &WaitList) -> Wakes {
        let mut wakes = Wakes::none();
        while let Some(first) = line.first() {
            // SAFETY: it stands in this line.
            let permits = unsafe { Ticket::<usize>::of(first) }.request;
            if self.take(permits, 0).is_err() {
                return wakes;
            }
            match line.claim_first() {
                // SAFETY: the claim was made through this node, in this line, which is locked.
                Some((node, claim)) => unsafe { wakes.add(node, claim, HANDED) },
                // It has given up, and is about to leave.
                None if broken(Mutant::PermitsNotPutBack) => {}
                None => {
                    // Relaxed: who takes them sees what those have released who released them.
                    self.state.fetch_add(permits << SHIFT, Ordering::Relaxed);
                }
            }
            if broken(Mutant::FirstServedAlone) {
                return wakes;
            }
        }
        // Relaxed: it orders nothing.
        self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        wakes
    }
}

impl Acquire for RawSemaphore {
    type Request = usize;

    fn reason(_: usize) -> &'static Reason {
        static REASON: Reason = Reason::new("semaphore");
        &REASON
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&self, permits: usize, _: bool) -> bool {
        self.try_acquire(permits).is_ok()
    }

    fn take_or_announce(&self, permits: usize, _: bool, _: &WaitList) -> Attempt {
        let waiters = if broken(Mutant::WaitUnannounced) { 0 } else { WAITERS };
        let is_free =
            |state: usize| state >> SHIFT >= permits && (state & WAITERS == 0 || permits == 0);
        // Acquire, when that takes them: as in `take`.
        let before = self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
            let is_closed = state & CLOSED != 0 && !broken(Mutant::CloseNotRechecked);
            let next = if is_free(state) { state - (permits << SHIFT) } else { state | waiters };
            (!is_closed).then_some(next)
        });
        match before {
            Ok(before) if is_free(before) => Attempt::Taken,
            Ok(_) => Attempt::Wait,
            Err(_) => Attempt::Closed,
        }
    }

    fn leave(&self, _: usize, line: &WaitList) -> Wakes {
        self.serve(line)
    }

    fn pass_on(&self, _: &WaitList) -> Wakes {
        // Nobody is told to compete.
        Wakes::none()
    }

    fn release(&self, permits: usize) {
        self.release(permits);
    }
}

#[cold]
fn overflow(permits: usize) -> ! {
    panic!("{permits} permits more are more than `Semaphore::MAX_PERMITS`");
}
