//! The lock without the data.
//!
//! | `LOCKED` | `WAITERS` | meaning |
//! |---|---|---|
//! | 0 | 0 | free |
//! | 1 | 0 | held; unlocking is one compare-exchange |
//! | 1 | 1 | held; whoever unlocks looks into the line |
//! | 0 | 1 | free; one that stood in line has been told to compete for it |
//!
//! 1. `WAITERS` is set exactly while somebody stands in line, and changes under the queue's lock.
//!    A thread gets in line only after it has seen `LOCKED` with `WAITERS` set by itself, under
//!    that lock: so an unlock that finds it clear has nobody to wake. (Whoever puts others in line,
//!    a condition variable, sets it, and tells the first if the lock is free.)
//! 2. Each unlock that finds `WAITERS` tells one to compete, and one that loses gets in line once
//!    more.
//!
//! Waiting costs a green thread no worker, so the lock hardly spins: it is competed for (a
//! newcomer may take it before the one that was woken, which is what makes locks fast)
//! until the first in line has been passed by for half a millisecond; then it is handed over with
//! `LOCKED` set, as in parking_lot and Go.
//!
//! A wait for the lock is no place to be cancelled at (nor is POSIX's): lock_api locks
//! again in `unlocked` and `bump`, where unwinding would abort the process. A cancelled
//! holder unwinds and unlocks, so nobody waits for long on its account.

use std::time::{Duration, Instant};

use lock_api::GuardSend;
use sward_sched::dump::Wait;
use sward_sched::internal::{Reason, WaitList, WaitQueue, Waiter, Wake, Wakes, give_way};
use sward_sched::primitive::atomic::{AtomicU8, Ordering};
use sward_sched::primitive::{Mutant, Presence, broken};
use sward_sched::{const_fn, unless_model};

use crate::acquire::{Acquire, Attempt, COMPETE, HANDED, Ticket, acquire, spin_for};
use crate::owner::Owner;

const LOCKED: u8 = 1;
const WAITERS: u8 = 2;

/// The lock of a [`Mutex`](super::Mutex): three words.
#[derive(Debug)]
pub struct RawMutex {
    state: AtomicU8,
    queue: WaitQueue,
    owner: Owner,
    presence: Presence,
}

impl RawMutex {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                state: AtomicU8::new(0),
                queue: WaitQueue::new(),
                owner: Owner::new(),
                presence: Presence::new(),
            }
        }
    }

    #[cold]
    fn lock_slow(&self, deadline: Option<Instant>) -> bool {
        spin_for(|| self.try_lock_inline()) || self.lock_in_line(deadline)
    }

    /// The caller has it, who did not ask for it: a condition variable did.
    pub(crate) fn is_handed_over(&self) {
        self.owner.is_caller();
    }

    /// As `lock`, by one who has waited already.
    pub(crate) fn lock_again(&self) {
        if !self.try_lock_inline() {
            self.lock_slow(None);
        }
        self.owner.is_caller();
    }

    fn lock_in_line(&self, deadline: Option<Instant>) -> bool {
        acquire(self, (), deadline, Waiter::uncancellable).is_ok()
    }

    #[cold]
    fn unlock_slow(&self, fair: bool) {
        let line = self.queue.lock();
        let wake = loop {
            if line.is_empty() {
                // All that waited have given up.
                // Release: pairs with the Acquire in `try_lock_inline` and `take_or_announce`.
                self.state.fetch_and(!(LOCKED | WAITERS), Ordering::Release);
                break None;
            }
            let Some((node, claim)) = line.claim_first_or_resume() else { continue };
            // SAFETY: it stood in this line.
            let ticket = unsafe { Ticket::<()>::of(node) };
            let hand_over = fair || ticket.is_starved();
            if hand_over {
                // Until it runs, and says so.
                self.owner.is_unknown();
            }
            let keep = hand_over && !broken(Mutant::HandOverUnlocks);
            let mut clear = if keep { 0 } else { LOCKED };
            if line.is_empty() || broken(Mutant::SecondForgotten) {
                clear |= WAITERS;
            }
            // Release: as above.
            self.state.fetch_and(!clear, Ordering::Release);
            break Some(claim.done(if hand_over { HANDED } else { COMPETE }));
        };
        drop(line);
        wake.into_iter().for_each(Wake::wake);
    }

    /// Tells the first in line to compete for a lock that is free; or, if it is a thread, puts it into
    /// `later`, for the caller to tell when he has let go of the line.
    fn tell_first(&self, line: &WaitList, wakes: &mut Wakes, later: Option<&WaitList>) {
        while !line.is_empty() {
            let Some((node, claim)) = line.claim_first_or_resume() else { continue };
            let later = later.filter(|_| !node.is_task() && !broken(Mutant::AdoptedToldInside));
            // SAFETY: the claim was made through this node, in this line, which is locked; it is in
            // none now.
            unsafe {
                match later {
                    Some(later) => {
                        claim.put_aside();
                        later.push_back(node);
                    }
                    None => wakes.add(node, claim, COMPETE),
                }
            }
            break;
        }
        self.note_if_empty(line);
    }

    fn note_if_empty(&self, line: &WaitList) {
        if line.is_empty() {
            // Relaxed: it says nothing about what the lock protects.
            self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }

    /// Those in `claimed`, whose claims were put aside, and whose tickets are for a mutex, wait for
    /// this one from now on. Who need not is added to `wakes`.
    ///
    /// The caller need not have the mutex: those who are claimed keep it where it is, and the last of
    /// them that hears of it may take it away. So that one is told last of all.
    ///
    /// # Safety
    ///
    /// That is so, and they are threads.
    pub(crate) unsafe fn adopt(&self, claimed: &WaitList, wakes: &mut Wakes) {
        let told = WaitList::new();
        // The first need not wait if it is free.
        if !self.is_held()
            && let Some(first) = claimed.pop_front()
        {
            // SAFETY: it is in no list now.
            unsafe { told.push_back(first) };
        }
        if !claimed.is_empty() {
            let line = self.queue.lock();
            while let Some(node) = claimed.pop_front() {
                // SAFETY: it is in no list now, and stays until it is claimed here.
                unsafe { line.push_back(node) };
            }
            // Relaxed: as in `note_if_empty`.
            let is_free = self.state.fetch_or(WAITERS, Ordering::Relaxed) & LOCKED == 0;
            if is_free && told.is_empty() && !broken(Mutant::AdoptedUntold) {
                self.tell_first(&line, wakes, Some(&told));
            }
            self.presence.check();
        }
        if let Some((node, claim)) = told.claim_first_or_resume() {
            // SAFETY: the claim was made through this node.
            unsafe { wakes.add(node, claim, COMPETE) };
        }
    }

    /// Whether somebody has it, for all that is known.
    pub(crate) fn is_held(&self) -> bool {
        self.state.load(Ordering::Relaxed) & LOCKED != 0
    }

    #[inline]
    fn try_lock_inline(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & LOCKED == 0 {
            // Acquire: pairs with the Release of the unlock.
            match self.state.compare_exchange_weak(
                state,
                state | LOCKED,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    #[inline]
    fn lock_until(&self, deadline: impl FnOnce() -> Option<Instant>) -> bool {
        give_way();
        // Acquire: pairs with the Release of the unlock.
        let locked = self
            .state
            .compare_exchange_weak(0, LOCKED, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            || self.lock_slow(deadline());
        if locked {
            self.owner.is_caller();
        }
        locked
    }

    /// # Safety
    ///
    /// `lock` is a lock, and stays.
    unsafe fn look(lock: *const (), wait: &mut Wait) {
        // SAFETY: the caller's promise.
        let lock = unsafe { &*lock.cast::<Self>() };
        wait.thread = if lock.is_held() { lock.owner.get() } else { None };
    }

    #[inline]
    pub(crate) fn unlock_with(&self, fair: bool) {
        if broken(Mutant::UnlockSkipsWaiters) {
            self.state.fetch_and(!LOCKED, Ordering::Release);
            return;
        }
        // Release: pairs with the Acquire of the lock.
        let free =
            self.state.compare_exchange(LOCKED, 0, Ordering::Release, Ordering::Relaxed).is_ok();
        if !free {
            self.unlock_slow(fair);
        }
    }
}

impl Acquire for RawMutex {
    type Request = ();

    fn reason((): ()) -> &'static Reason {
        // SAFETY: whoever waits for the lock has a reference to it.
        static REASON: Reason = unsafe { Reason::with("mutex", RawMutex::look) };
        &REASON
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&self, (): (), _: bool) -> bool {
        self.try_lock_inline()
    }

    fn take_or_announce(&self, (): (), _: bool, line: &WaitList) -> Attempt {
        let announced = if broken(Mutant::WaitUnannounced) { LOCKED } else { LOCKED | WAITERS };
        // Acquire, when that locks it: pairs with the Release of the unlock.
        let before = self.state.fetch_or(announced, Ordering::Acquire);
        if before & LOCKED != 0 {
            return Attempt::Wait;
        }
        self.note_if_empty(line);
        Attempt::Taken
    }

    fn leave(&self, (): (), line: &WaitList) -> Wakes {
        self.note_if_empty(line);
        Wakes::none()
    }

    fn pass_on(&self, line: &WaitList) -> Wakes {
        let mut wakes = Wakes::none();
        // Otherwise whoever holds it finds `WAITERS` (1).
        if !self.is_held() {
            self.tell_first(line, &mut wakes, None);
        }
        wakes
    }

    fn is_a_tasks(&self, (): ()) {
        self.owner.is_unknown();
    }

    fn release(&self, (): ()) {
        self.unlock_with(false);
    }
}

// SAFETY: `LOCKED` is set by one thread at a time, by a compare-exchange from a state
// without it or by the thread that hands it over, and cleared by the one that holds it.
unsafe impl lock_api::RawMutex for RawMutex {
    const INIT: Self = unless_model!(Self::new());

    type Guard = GuardSend;

    #[inline]
    fn lock(&self) -> GuardSend {
        self.lock_until(|| None);
        GuardSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardSend> {
        let locked = self.try_lock_inline();
        if locked {
            self.owner.is_caller();
        }
        locked.then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _: GuardSend) {
        self.unlock_with(false);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.is_held()
    }
}

// SAFETY: as above; a lock handed over stays locked.
unsafe impl lock_api::RawMutexFair for RawMutex {
    #[inline]
    unsafe fn unlock_fair(&self, _: GuardSend) {
        self.unlock_with(true);
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_for(&self, timeout: Duration) -> Option<GuardSend> {
        self.lock_until(|| Instant::now().checked_add(timeout)).then(GuardSend::new)
    }

    fn try_lock_until(&self, deadline: Instant) -> Option<GuardSend> {
        self.lock_until(|| Some(deadline)).then(GuardSend::new)
    }
}
