//! The lock without the data: [`state`](super::state) says who may enter.
//!
//! 1. `WAITERS` is set while somebody stands in line. `WAITING_WRITERS` counts the writers in line,
//!    and `UPGRADING` is set while an upgrader is; whoever gives up leaves the line first and is
//!    counted until it has said so. One gets in line only after it has seen, under the queue's
//!    lock and with the same compare-exchange by which it says so, that it must wait.
//! 2. A reader that comes behind a waiting writer waits, so readers do not starve writers; it does
//!    not wait behind an upgradable reader that waits. So plain readers that leave make room for
//!    writers only, and look into the line only if one waits.
//! 3. What a holder gives up when somebody waits it hands on ([`serve`](super::serve)).
//!
//! Rejected: a second queue for the writer that waits for the readers to leave (parking_lot's); its
//! lock is taken before it is had, and must be given back when the wait is given up.

use std::time::Instant;

use sward_sched::const_fn;
use sward_sched::dump::Wait;
use sward_sched::internal::{Reason, WaitList, WaitQueue, Waiter, Wakes, give_way};
use sward_sched::primitive::atomic::{AtomicUsize, Ordering};
use sward_sched::primitive::{Mutant, broken};

use super::state::{
    HELD, READER, READERS, Request, UPGRADABLE, UPGRADING, WAITERS, WAITING_WRITER,
    WAITING_WRITERS, WRITER,
};
use crate::acquire::{Acquire, Attempt, acquire, spin_for};
use crate::owner::Owner;

/// The lock of an [`RwLock`](super::RwLock), or of a
/// [`RecursiveRwLock`](super::RecursiveRwLock): three words.
#[derive(Debug)]
pub struct RawRwLock<const RECURSIVE: bool = false> {
    pub(super) state: AtomicUsize,
    queue: WaitQueue,
    /// The writer, or the upgradable reader.
    owner: Owner,
}

/// The lock of a [`RecursiveRwLock`](super::RecursiveRwLock).
pub type RawRwLockRecursive = RawRwLock<true>;

impl<const RECURSIVE: bool> RawRwLock<RECURSIVE> {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self { state: AtomicUsize::new(0), queue: WaitQueue::new(), owner: Owner::new() }
        }
    }

    #[inline]
    pub(super) fn state(&self) -> usize {
        self.state.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn try_enter(&self, request: Request, in_turn: bool) -> bool {
        let acquire = match broken(Mutant::UpgradeRelaxed) && request == Request::Upgrade {
            true => Ordering::Relaxed,
            false => Ordering::Acquire,
        };
        // Most often so; to look first would fetch the line twice from another core.
        let mut state = if request == Request::Upgrade { UPGRADABLE } else { 0 };
        let entered = loop {
            let Some(next) = request.grant(state, in_turn, RECURSIVE) else { break Err(state) };
            // Acquire: pairs with the Release of whoever left.
            match self.state.compare_exchange(state, next, acquire, Ordering::Relaxed) {
                Ok(_) => break Ok(()),
                Err(now) => state = now,
            }
        };
        match entered {
            Ok(()) => true,
            Err(state) if request.is_one_too_many(state) => too_many(),
            Err(_) => false,
        }
    }

    #[inline]
    pub(super) fn enter(
        &self,
        request: Request,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> bool {
        give_way();
        let entered = self.try_enter(request, false) || self.enter_slow(request, deadline());
        self.note_owner(request, entered)
    }

    #[inline]
    pub(super) fn enter_at_once(&self, request: Request) -> bool {
        let entered = self.try_enter(request, false);
        self.note_owner(request, entered)
    }

    #[inline]
    fn note_owner(&self, request: Request, entered: bool) -> bool {
        if entered && request != Request::Read {
            self.owner.is_caller();
        }
        entered
    }

    const fn told_as(kind: &'static str) -> Reason {
        // SAFETY: whoever waits for the lock has a reference to it.
        unsafe { Reason::with(kind, Self::look) }
    }

    pub(super) fn forget_owner(&self) {
        self.owner.is_unknown();
    }

    /// # Safety
    ///
    /// `lock` is a lock of this kind, and stays.
    unsafe fn look(lock: *const (), wait: &mut Wait) {
        // SAFETY: the caller's promise.
        let lock = unsafe { &*lock.cast::<Self>() };
        let is_known = lock.state() & (WRITER | UPGRADABLE) != 0;
        wait.thread = if is_known { lock.owner.get() } else { None };
    }

    #[cold]
    fn enter_slow(&self, request: Request, deadline: Option<Instant>) -> bool {
        let may_enter = || request.grant(self.state(), false, RECURSIVE).is_some();
        spin_for(|| may_enter() && self.try_enter(request, false))
            || acquire(self, request, deadline, Waiter::uncancellable).is_ok()
    }

    #[inline]
    pub(super) fn leave_shared(&self) {
        let release = match broken(Mutant::ReaderLeavesRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Release,
        };
        // Release: pairs with the Acquire of the next writer.
        let before = self.state.fetch_sub(READER, release);
        let makes_room = before & READERS == READER && before & (UPGRADING | WAITING_WRITERS) != 0;
        if makes_room && !broken(Mutant::LastReaderSilent) {
            self.hand_on(0, true);
        }
    }

    pub(super) fn leave_shared_fair(&self) {
        // The only reader leaves as a writer does, in one step (serve.rs, 4).
        // Relaxed: what hands it on is Release.
        let alone = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
            (state & HELD == READER && state & WAITERS != 0).then(|| state - READER + WRITER)
        });
        match alone {
            Ok(_) => self.hand_on(WRITER, true),
            Err(_) => self.leave_shared(),
        }
    }

    #[inline]
    pub(super) fn leave_exclusive(&self, fair: bool) {
        if broken(Mutant::UnlockSkipsWaiters) {
            self.state.fetch_and(!WRITER, Ordering::Release);
            return;
        }
        // Release: pairs with the Acquire of whoever enters next.
        let left = self.state.compare_exchange(WRITER, 0, Ordering::Release, Ordering::Relaxed);
        if left.is_err() {
            self.hand_on(WRITER, fair);
        }
    }

    #[inline]
    pub(super) fn leave_upgradable(&self, fair: bool) {
        let skips = broken(Mutant::UnlockSkipsWaiters);
        // Release: as above.
        let left = self.state.fetch_update(Ordering::Release, Ordering::Relaxed, |state| {
            (state & WAITERS == 0 || skips).then(|| state - UPGRADABLE)
        });
        if left.is_err() {
            self.hand_on(UPGRADABLE, fair);
        }
    }

    /// What is held becomes something weaker.
    #[inline]
    pub(super) fn weaken(&self, held: usize, weaker: usize) {
        // Release: as above.
        let before = self.state.fetch_add(weaker.wrapping_sub(held), Ordering::Release);
        if before & WAITERS != 0 && !broken(Mutant::DowngradeSilent) {
            self.hand_on(0, false);
        }
    }

    /// Gives up `held`, which may be nothing, and lets in whoever may enter then.
    #[cold]
    fn hand_on(&self, held: usize, fair: bool) {
        let line = self.queue.lock();
        let wakes = self.serve(&line, held, fair);
        drop(line);
        wakes.wake_all();
    }
}

#[cold]
#[inline(never)]
fn too_many() -> ! {
    panic!("RwLock reader count overflow, or too many writers that wait")
}

/// Whether it stood before those writers that wait.
fn in_turn(again: bool) -> bool {
    again && !broken(Mutant::ToldReaderHeldBack)
}

impl<const RECURSIVE: bool> Acquire for RawRwLock<RECURSIVE> {
    type Request = Request;

    fn reason(request: Request) -> &'static Reason {
        match request {
            Request::Read => const { &Self::told_as("read") },
            Request::Upgradable => const { &Self::told_as("upgradable_read") },
            Request::Write => const { &Self::told_as("write") },
            Request::Upgrade => const { &Self::told_as("upgrade") },
        }
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn goes_first(request: Request) -> bool {
        request == Request::Upgrade
    }

    fn try_take(&self, request: Request, again: bool) -> bool {
        self.try_enter(request, in_turn(again))
    }

    fn take_or_announce(&self, request: Request, again: bool, _: &WaitList) -> Attempt {
        let granted = |state| request.grant(state, in_turn(again), RECURSIVE);
        // Acquire: as in `try_enter`.
        let changed = self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, |state| {
            granted(state).or_else(|| request.announce(state))
        });
        match changed {
            Ok(before) if granted(before).is_some() => Attempt::Taken,
            Ok(_) => Attempt::Wait,
            // Nothing has changed, and it stands in no line.
            Err(_) => too_many(),
        }
    }

    fn leave(&self, request: Request, line: &WaitList) -> Wakes {
        // Relaxed: it says nothing about what the lock protects.
        match request {
            Request::Read | Request::Upgradable => {
                self.give_up(0, line);
                return Wakes::none();
            }
            Request::Write => self.state.fetch_sub(WAITING_WRITER, Ordering::Relaxed),
            Request::Upgrade => self.state.fetch_and(!UPGRADING, Ordering::Relaxed),
        };
        self.serve(line, 0, false)
    }

    fn pass_on(&self, line: &WaitList) -> Wakes {
        self.serve(line, 0, false)
    }

    fn is_a_tasks(&self, request: Request) {
        if request != Request::Read {
            self.forget_owner();
        }
    }

    fn release(&self, request: Request) {
        match request {
            Request::Read => self.leave_shared(),
            Request::Upgradable => self.leave_upgradable(false),
            Request::Write => self.leave_exclusive(false),
            Request::Upgrade => self.weaken(WRITER, UPGRADABLE),
        }
    }
}

#[cfg(all(test, not(sward_loom)))]
mod tests {
    use super::*;
    use crate::rwlock::state::MOST_READERS;

    #[test]
    #[should_panic(expected = "reader count overflow")]
    fn readers_that_cannot_be_counted_are_refused() {
        let lock = RawRwLock::<false>::new();
        lock.state.store(MOST_READERS - READER, Ordering::Relaxed);
        assert!(lock.try_enter(Request::Read, false));
        lock.try_enter(Request::Read, false);
    }
}
