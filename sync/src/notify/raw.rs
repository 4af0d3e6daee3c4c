//! What a notify knows, and who waits for it.
//!
//! | bits | meaning |
//! |---|---|
//! | `STORED` | `notify_one` found nobody: the next that comes need not wait |
//! | `WAITERS` | somebody stands in line |
//! | above | how often `notify_waiters` was called: the *generation* |
//!
//! 1. `WAITERS` is set exactly while somebody stands in line, and changes under the queue's lock;
//!    and while it is set, so do the others.
//! 2. `STORED` is set only while `WAITERS` is not.
//! 3. One that waits asks for "anything since this generation": a call of `notify_waiters` after
//!    it was made reaches it, whether or not it stands in line by then.
//! 4. Each notification and each look at the state on the way into the line is a change of this
//!    one word, a Release the one, an Acquire the other. So of one who sets a flag and notifies,
//!    and one who gets in line and looks at the flag, at least one sees what the other did.
//! 5. In line one is told by `HANDED`, if by `notify_one`, which it passes on if it goes away; and
//!    by `Closed`, if by `notify_waiters`.

use sward_sched::const_fn;
use sward_sched::internal::{Reason, WaitList, WaitQueue, WaitQueueGuard, Wake, Wakes};
use sward_sched::primitive::atomic::{AtomicUsize, Ordering};
use sward_sched::primitive::{Mutant, broken};

use crate::acquire::{Acquire, Attempt, HANDED};

const STORED: usize = 1;
const WAITERS: usize = 2;
const GENERATION: usize = 4;
const FLAGS: usize = GENERATION - 1;

/// Whom `notify_one` and `notify_last` tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

/// Two words.
pub(super) struct RawNotify {
    state: AtomicUsize,
    queue: WaitQueue,
}

impl RawNotify {
    const_fn! {
        pub(super) fn new() -> Self {
            Self { state: AtomicUsize::new(0), queue: WaitQueue::new() }
        }
    }

    /// What one who begins to wait now asks for.
    pub(super) fn generation(&self) -> usize {
        // Acquire: pairs with the Release in `notify_waiters`, of which this one will not hear.
        self.state.load(Ordering::Acquire) & !FLAGS
    }

    pub(super) fn notify_one(&self, end: End) {
        if !self.change_unless_in_line(|state| state | STORED) {
            self.notify_line(end);
        }
    }

    #[cold]
    fn notify_line(&self, end: End) {
        let line = self.queue.lock();
        let wake = self.tell_one(&line, end);
        drop(line);
        wake.into_iter().for_each(Wake::wake);
    }

    fn tell_one(&self, line: &WaitQueueGuard<'_>, end: End) -> Option<Wake> {
        let claimed = match end {
            End::First => line.claim_front(),
            End::Last => line.claim_back(),
        };
        self.note_if_empty(line);
        match claimed {
            Some((_, claim)) => Some(claim.done(HANDED)),
            None => {
                // All that waited have given up, and nobody gets in line now.
                // Release: as in `change_unless_in_line`.
                if !broken(Mutant::NotificationNotStored) {
                    self.state.fetch_or(STORED, Ordering::Release);
                }
                None
            }
        }
    }

    pub(super) fn notify_waiters(&self) {
        let next = |state: usize| match broken(Mutant::GenerationNotCounted) {
            true => state,
            false => state.wrapping_add(GENERATION),
        };
        if !self.change_unless_in_line(next) {
            self.notify_all_in_line(next);
        }
    }

    #[cold]
    fn notify_all_in_line(&self, next: impl Fn(usize) -> usize) {
        let line = self.queue.lock();
        // Release: as in `change_unless_in_line`.
        let _ = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, |state| {
            Some(next(state) & !WAITERS)
        });
        let wakes = line.close();
        drop(line);
        wakes.wake_all();
    }

    /// `false`: somebody stands in line.
    #[inline]
    fn change_unless_in_line(&self, next: impl Fn(usize) -> usize) -> bool {
        // Release: pairs with the Acquire in `accept`; also when it changes nothing, for whoever
        // takes what is stored is to see what led to this call (4).
        let order = match broken(Mutant::NotifyRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Release,
        };
        let changed = self.state.fetch_update(order, Ordering::Relaxed, |state| {
            let in_line = state & WAITERS != 0 && !broken(Mutant::NotifySkipsWaiters);
            (!in_line).then(|| next(state))
        });
        changed.is_ok()
    }

    /// Ends the wait of one that has not stood in line, if it was told; otherwise sets `or_else`,
    /// if that is anything.
    #[inline]
    fn accept(&self, generation: usize, or_else: usize) -> bool {
        let is_past = |state: usize| state & !FLAGS != generation;
        // Acquire: pairs with the Release of those that notify.
        let change = self.state.fetch_update(Ordering::Acquire, Ordering::Acquire, |state| {
            match state & STORED {
                _ if is_past(state) => None,
                0 if or_else == 0 => None,
                0 => Some(state | or_else),
                _ => Some(state & !STORED),
            }
        });
        change.map_or_else(is_past, |before| before & STORED != 0)
    }

    fn note_if_empty(&self, line: &WaitList) {
        if line.is_empty() {
            // Relaxed: it tells nobody anything.
            self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }
}

impl Acquire for RawNotify {
    /// A generation.
    type Request = usize;

    fn reason(_: usize) -> &'static Reason {
        static REASON: Reason = Reason::new("notify");
        &REASON
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&self, generation: usize, _: bool) -> bool {
        self.accept(generation, 0)
    }

    fn take_or_announce(&self, generation: usize, _: bool, _: &WaitList) -> Attempt {
        let announced = if broken(Mutant::WaitUnannounced) { 0 } else { WAITERS };
        match self.accept(generation, announced) {
            true => Attempt::Taken,
            false => Attempt::Wait,
        }
    }

    fn leave(&self, _: usize, line: &WaitList) -> Wakes {
        self.note_if_empty(line);
        Wakes::none()
    }

    fn pass_on(&self, _: &WaitList) -> Wakes {
        // Nobody is told to compete.
        Wakes::none()
    }

    fn release(&self, _: usize) {
        self.notify_one(End::First);
    }
}
