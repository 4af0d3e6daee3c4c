//! The lock of critical sections of a few nanoseconds that are entered with every operation.
//!
//! To take it is one exchange, and to release it a plain store: half of what a lock costs
//! that knows who waits for it. So nobody is woken. Whoever finds it taken looks again after a
//! while, longer each time; and when it has not become free in the time of a hundred such
//! sections, its owner was interrupted by the system, and it leaves the processor to others.
//!
//! Models take `Mutex` instead, of which loom knows who waits; this one has a model of its own.
//!
//! 1. The value is touched between `lock` and the drop of the guard only.
//!
//! Backing off is what makes it fast when it is fought for, too: meanwhile the owner does
//! several operations in a row, and the line with the channel in it stays where it is.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::{Mutant, NAPS, UnsafeCell, broken, spin};
use crate::primitive::atomic::{AtomicBool, Ordering};

/// Rounds of spinning before the processor is given up: the last takes a microsecond or so.
const ROUNDS: u32 = 7;
/// How often it is given up before it sleeps.
const YIELDS: u32 = 8;
const NAP: Duration = Duration::from_micros(50);

/// A lock for very short critical sections, in which nothing blocks, or panics, or is users' code.
pub struct Lock<T> {
    is_taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value goes from thread to thread (1).
unsafe impl<T: Send> Send for Lock<T> {}
// SAFETY: one thread at a time has access to it (1).
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// A lock around `value`.
    #[inline]
    pub fn new(value: T) -> Self {
        Self { is_taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Locks.
    #[inline]
    pub fn lock(&self) -> LockGuard<'_, T> {
        if !self.try_take() {
            self.wait();
        }
        LockGuard { lock: self, local: PhantomData }
    }

    #[inline]
    fn try_take(&self) -> bool {
        // Acquire: pairs with the Release in the guard's drop.
        self.is_taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn wait(&self) {
        let mut round = 0;
        loop {
            match round {
                _ if !NAPS => spin(),
                0..ROUNDS => (0..1 << round).for_each(|_| spin()),
                ROUNDS..ROUNDS_AND_YIELDS => std::thread::yield_now(),
                _ => std::thread::sleep(NAP),
            }
            round += 1;
            // Relaxed: `try_take` decides.
            if !self.is_taken.load(Ordering::Relaxed) && self.try_take() {
                return;
            }
        }
    }
}

const ROUNDS_AND_YIELDS: u32 = ROUNDS + YIELDS;

impl<T: fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lock").field(&*self.lock()).finish()
    }
}

/// The guard of [`Lock`].
#[derive(Debug)]
pub struct LockGuard<'a, T> {
    lock: &'a Lock<T>,
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
        self.lock.is_taken.store(false, order);
    }
}
