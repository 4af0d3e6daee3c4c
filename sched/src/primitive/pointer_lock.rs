//! A lock around one pointer, in one word.
//!
//! As `lock.rs`: one exchange and a plain store, and nobody is woken. There is no room to count the
//! sections, so whoever finds it taken looks again after a while, longer each time.
//!
//! 1. The word is the pointer, or [`TAKEN`] while somebody has it.

use std::fmt;
use std::marker::PhantomData;
use std::ptr;

use super::lock::stay_away;
use super::{Mutant, StoreAlone, broken, spin};
use crate::primitive::atomic::{AtomicPtr, Ordering};

/// A pointer that one at a time may read and change, in very short critical sections.
pub struct PointerLock<T>(AtomicPtr<T>);

/// No pointer to anything, nor null.
fn taken<T>() -> *mut T {
    ptr::without_provenance_mut(1)
}

impl<T> PointerLock<T> {
    crate::const_fn! {
        /// Around null.
        pub fn new() -> Self {
            Self(AtomicPtr::new(ptr::null_mut()))
        }
    }

    /// Locks.
    #[inline]
    pub fn lock(&self) -> PointerGuard<'_, T> {
        let value = self.try_take().unwrap_or_else(|| self.wait());
        PointerGuard { lock: self, value, local: PhantomData }
    }

    /// Whether it is null, and free. Orders nothing: who did not see it change otherwise learns
    /// nothing from it.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.0.load(Ordering::Relaxed).is_null()
    }

    #[inline]
    fn try_take(&self) -> Option<*mut T> {
        // Acquire: pairs with the Release in `unlock`. To put `TAKEN` where it is already changes
        // nothing.
        Some(self.0.swap(taken(), Ordering::Acquire)).filter(|value| *value != taken())
    }

    #[cold]
    fn wait(&self) -> *mut T {
        const SPINS: u32 = 5;
        for round in 0.. {
            match round {
                0..SPINS => (0..1 << round).for_each(|_| spin()),
                _ => stay_away(round - SPINS),
            }
            // Relaxed: `try_take` decides.
            if self.0.load(Ordering::Relaxed) != taken()
                && let Some(value) = self.try_take()
            {
                return value;
            }
        }
        unreachable!("it is looked at for ever")
    }
}

/// The guard of [`PointerLock`].
#[must_use = "it stays locked until `unlock` is called"]
pub struct PointerGuard<'a, T> {
    lock: &'a PointerLock<T>,
    value: *mut T,
    /// It stays with its thread.
    local: PhantomData<*const ()>,
}

impl<T> PointerGuard<'_, T> {
    /// The pointer.
    #[inline]
    pub fn value(&self) -> *const T {
        self.value
    }

    /// Unlocks, with this as the pointer from now on.
    #[inline]
    pub fn unlock(self, value: *const T) {
        let order =
            if broken(Mutant::LockLeftRelaxed) { Ordering::Relaxed } else { Ordering::Release };
        // Release: pairs with the Acquire in `try_take`.
        self.lock.0.store_alone(value.cast_mut(), order);
    }
}

impl<T> Default for PointerLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for PointerLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PointerLock").field(&self.0).finish()
    }
}

impl<T> fmt::Debug for PointerGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PointerGuard").field(&self.value).finish()
    }
}
