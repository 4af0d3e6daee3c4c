//! The lock of critical sections of a few nanoseconds that are entered with every operation.
//!
//! To take it is one exchange, and to release it a plain store: half of what a lock costs
//! that knows who waits for it. So nobody is woken. While it is free its word counts the sections
//! that there were, by which whoever finds it taken knows whom it has met:
//!
//! - a *partner*, who does a section or two and then waits for an answer. It takes the lock as soon
//!   as it is free;
//! - somebody who works through a queue, section after section. It stays away for some
//!   microseconds, in which the other does a hundred and more, and the line with what the lock
//!   guards stays where it is. (A hundred senders and receivers on two cores: 62 ns a message when
//!   all came back at once, 26 so, where 22 is what one core needs);
//! - nobody that runs: its owner was interrupted by the system. It leaves the processor to others,
//!   and in the end it sleeps.
//!
//! Who hopes that others change what is inside may watch the count, too ([`Lock::version`]), and
//! takes the line from nobody meanwhile.
//!
//! Models take `Mutex` instead, of which loom knows who waits; this one has a model of its own.
//!
//! 1. The value is touched between `lock` and the drop of the guard only.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::{Mutant, NAPS, StoreAlone, UnsafeCell, broken, spin};
use crate::current;
use crate::primitive::atomic::{AtomicU32, Ordering};

/// Rounds of spinning, some 100 ns, in which a partner does `FEW` sections at most, and whoever
/// works through a queue does more.
const GAP: u32 = if NAPS { 2 } else { 1 };
const FEW: u32 = 3;
const GAPS: u32 = 4;
/// Rounds for which whoever meets one of those stays away, or up to twice as many: so that a crowd
/// does not come back at once. They take two to six microseconds.
const AWAY: u32 = 64;
const AWAYS: u32 = 2;
/// How often the processor is given up before it sleeps.
const YIELDS: u32 = 8;
const AWAYS_AND_YIELDS: u32 = AWAYS + YIELDS;
const NAP: Duration = Duration::from_micros(50);

/// A lock for very short critical sections, in which nothing blocks, or panics, or is users' code.
/// What is touched first lies beside it.
#[repr(C)]
pub struct Lock<T> {
    /// How many sections there were, or [`TAKEN`].
    word: AtomicU32,
    value: UnsafeCell<T>,
}

const TAKEN: u32 = u32::MAX;

// SAFETY: the value goes from thread to thread (1).
unsafe impl<T: Send> Send for Lock<T> {}
// SAFETY: one thread at a time has access to it (1).
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// A lock around `value`.
    #[inline]
    pub fn new(value: T) -> Self {
        Self { word: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Locks.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_, T> {
        let sections = self.try_take().unwrap_or_else(|| self.wait());
        LockGuard { lock: self, sections, local: PhantomData }
    }

    /// Another number than before: somebody has it, or has had it. Orders nothing.
    #[inline]
    pub fn version(&self) -> u32 {
        self.word.load(Ordering::Relaxed)
    }

    /// How many sections there were.
    #[inline]
    fn try_take(&self) -> Option<u32> {
        // Acquire: pairs with the Release in the guard's drop. To put `TAKEN` where it is already
        // changes nothing.
        Some(self.word.swap(TAKEN, Ordering::Acquire)).filter(|sections| *sections != TAKEN)
    }

    #[cold]
    fn wait(&self) -> u32 {
        if let Some(sections) = self.wait_for_partner() {
            return sections;
        }
        for round in 0.. {
            stay_away(round);
            if let Some(sections) = self.version_when_free().and_then(|_| self.try_take()) {
                return sections;
            }
        }
        unreachable!("it is looked at for ever")
    }

    /// Takes it from somebody who does no more than a few sections at a time.
    fn wait_for_partner(&self) -> Option<u32> {
        let mut last = None;
        for _ in 0..GAPS {
            match (last, self.version_when_free()) {
                (Some(last), Some(now)) if now.wrapping_sub(last) > FEW => return None,
                (Some(_), Some(_)) => {
                    if let Some(sections) = self.try_take() {
                        return Some(sections);
                    }
                }
                (None, now) => last = now,
                (_, None) => {}
            }
            spin_for(GAP);
        }
        None
    }

    /// Looks for the time of a section or two whether it is free.
    fn version_when_free(&self) -> Option<u32> {
        const LOOKS: u32 = if NAPS { 16 } else { 1 };
        (0..LOOKS).map(|_| self.version()).find(|version| *version != TAKEN)
    }
}

/// What to do before the next look at a lock that somebody else keeps, for some time.
pub(super) fn stay_away(round: u32) {
    match round {
        _ if !NAPS => spin(),
        0..AWAYS => spin_for(AWAY + current::random() as u32 % AWAY),
        AWAYS..AWAYS_AND_YIELDS => std::thread::yield_now(),
        _ => std::thread::sleep(NAP),
    }
}

fn spin_for(rounds: u32) {
    (0..rounds).for_each(|_| spin());
}

impl<T: fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lock").field(&*self.lock()).finish()
    }
}

/// The guard of [`Lock`].
#[derive(Debug)]
pub struct LockGuard<'a, T> {
    lock: &'a Lock<T>,
    sections: u32,
    /// It stays with its thread.
    local: PhantomData<*const ()>,
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: (1).
        unsafe { self.lock.value.with(|value| &*value) }
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: (1).
        unsafe { self.lock.value.with_mut(|value| &mut *value) }
    }
}

impl<T> Drop for LockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let order =
            if broken(Mutant::LockLeftRelaxed) { Ordering::Relaxed } else { Ordering::Release };
        // Release: pairs with the Acquire in `try_take`.
        self.lock.word.store_alone((self.sections + 1) % TAKEN, order);
    }
}
