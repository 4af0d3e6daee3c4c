//! The lock without the data.
//!
//! | `LOCKED` | `WAITERS` | meaning |
//! |---|---|---|
//! | 0 | 0 | free |
//! | 1 | 0 | held; unlocking is one compare-exchange |
//! | 1 | 1 | held; whoever unlocks looks at the list |
//! | 0 | 1 | free; one of those that wait has been woken to compete for it |
//!
//! 1. `WAITERS` is set and cleared under the list's lock, and set while a thread that
//!    waits is in the list. So an unlock that finds it clear has nobody to wake: a
//!    thread gets in line only after it has seen `LOCKED` with `WAITERS` set by itself,
//!    under that lock.
//! 2. Each unlock that finds `WAITERS` wakes one, and one that was woken and finds the
//!    lock taken again gets in line once more.
//!
//! Waiting costs a green thread no worker, so the lock hardly spins: it competes (a
//! newcomer may take it before the one that was woken, which is what makes locks fast)
//! until the first in line has waited for [`STARVED`]; then it is handed over with
//! `LOCKED` set, as in parking_lot and Go.
//!
//! A wait for the lock is no place to be cancelled at (nor is POSIX's): lock_api locks
//! again in `unlocked` and `bump`, where unwinding would abort the process. A cancelled
//! holder unwinds and unlocks, so nobody waits for long on its account.

use std::time::{Duration, Instant};

use lock_api::GuardNoSend;
use sward_sched::internal::{Node, Outcome, WaitList, Waiter, give_way};
use sward_sched::primitive;
use sward_sched::primitive::Mutex as ShortLock;
use sward_sched::primitive::atomic::{AtomicU8, Ordering};

const LOCKED: u8 = 1;
const WAITERS: u8 = 2;

/// Whoever has waited so long gets the lock from the hand of the one that unlocks.
const STARVED: Duration = Duration::from_micros(500);

/// How often a newcomer looks again before it gets in line.
const SPINS: u32 = 8;

/// Cases of [`Outcome::Done`].
const COMPETE: u32 = 0;
const HANDED_OVER: u32 = 1;

/// The lock of a [`Mutex`](super::Mutex): two words.
#[derive(Debug)]
pub struct RawMutex {
    state: AtomicU8,
    waiting: ShortLock<WaitList>,
}

/// What a node's slot points to: when its thread began to wait.
struct Since(Instant);

impl RawMutex {
    #[cold]
    fn lock_slow(&self, deadline: Option<Instant>) -> bool {
        for _ in 0..SPINS {
            if self.try_lock_inline() {
                return true;
            }
            primitive::spin();
        }
        let since = Since(Instant::now());
        loop {
            let waiter = Waiter::uncancellable();
            let node = Node::new(&waiter, std::ptr::from_ref(&since).cast_mut().cast());
            {
                let waiting = self.waiting.lock();
                // Acquire, when that locks it: pairs with the Release of the unlock.
                let before = self.state.fetch_or(LOCKED | WAITERS, Ordering::Acquire);
                if before & LOCKED == 0 {
                    if before & WAITERS == 0 {
                        // Nobody is in line, ourselves included.
                        self.state.fetch_and(!WAITERS, Ordering::Relaxed);
                    }
                    return true;
                }
                // SAFETY: it stays here, and is removed below unless it was claimed.
                unsafe { waiting.push_back(&node) };
            }
            match waiter.wait(deadline) {
                Outcome::Done(HANDED_OVER) => return true,
                Outcome::Done(_) => {
                    if self.try_lock_inline() {
                        return true;
                    }
                }
                _ => {
                    self.leave(&node);
                    return false;
                }
            }
        }
    }

    /// Out of the line, after the deadline.
    fn leave(&self, node: &Node) {
        let waiting = self.waiting.lock();
        // SAFETY: it is in this list, or in none.
        unsafe { waiting.remove(node) };
        if waiting.is_empty() {
            self.state.fetch_and(!WAITERS, Ordering::Relaxed);
        }
    }

    #[cold]
    fn unlock_slow(&self, fair: bool) {
        let waiting = self.waiting.lock();
        let Some((node, claim)) = waiting.claim_front() else {
            // All that waited have given up.
            // Release: pairs with the Acquire in `try_lock_inline` and `lock_slow`.
            self.state.fetch_and(!(LOCKED | WAITERS), Ordering::Release);
            return;
        };
        // SAFETY: it points to the `Since` beside the claimed waiter.
        let since = unsafe { &*node.slot().cast::<Since>() };
        let hand_over = fair || since.0.elapsed() >= STARVED;
        let mut clear = if hand_over { 0 } else { LOCKED };
        if waiting.is_empty() {
            clear |= WAITERS;
        }
        // Release: as above.
        self.state.fetch_and(!clear, Ordering::Release);
        let wake = claim.done(if hand_over { HANDED_OVER } else { COMPETE });
        drop(waiting);
        wake.wake();
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
        self.state.compare_exchange_weak(0, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
            || self.lock_slow(deadline())
    }

    #[inline]
    fn unlock_with(&self, fair: bool) {
        // Release: pairs with the Acquire of the lock.
        let free =
            self.state.compare_exchange(LOCKED, 0, Ordering::Release, Ordering::Relaxed).is_ok();
        if !free {
            self.unlock_slow(fair);
        }
    }
}

// SAFETY: `LOCKED` is set by one thread at a time, by a compare-exchange from a state
// without it or by the thread that hands it over, and cleared by the one that holds it.
unsafe impl lock_api::RawMutex for RawMutex {
    const INIT: Self = Self { state: AtomicU8::new(0), waiting: ShortLock::new(WaitList::new()) };

    type Guard = GuardNoSend;

    #[inline]
    fn lock(&self) -> GuardNoSend {
        self.lock_until(|| None);
        GuardNoSend::new()
    }

    #[inline]
    fn try_lock(&self) -> Option<GuardNoSend> {
        self.try_lock_inline().then(GuardNoSend::new)
    }

    #[inline]
    unsafe fn unlock(&self, _: GuardNoSend) {
        self.unlock_with(false);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) & LOCKED != 0
    }
}

// SAFETY: as above; a lock handed over stays locked.
unsafe impl lock_api::RawMutexFair for RawMutex {
    #[inline]
    unsafe fn unlock_fair(&self, _: GuardNoSend) {
        self.unlock_with(true);
    }
}

// SAFETY: as above.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_for(&self, timeout: Duration) -> Option<GuardNoSend> {
        self.lock_until(|| Instant::now().checked_add(timeout)).then(GuardNoSend::new)
    }

    fn try_lock_until(&self, deadline: Instant) -> Option<GuardNoSend> {
        self.lock_until(|| Some(deadline)).then(GuardNoSend::new)
    }
}
