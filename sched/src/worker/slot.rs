//! A place for the one thread that its worker is about to run, which others take only
//! when the worker does not come to it.
//!
//! 1. Only the owner puts something in, so a slot that it sees empty stays empty, and
//!    filling it needs no read-modify-write.
//! 2. Whoever swaps a thread out owns the right to run it.

use std::ptr;

use crate::primitive::atomic::{AtomicPtr, Ordering};
use crate::primitive::{Mutant, StoreAlone, broken};
use crate::thread::{Header, Runnable};

/// Room for one thread.
#[derive(Debug)]
pub(crate) struct Slot(AtomicPtr<Header>);

impl Slot {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Whether there is nothing in it: for thieves a hint.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: a hint, or ordered by the fence in `Idle::sleep`.
        self.0.load(Ordering::Relaxed).is_null()
    }

    /// Puts `thread` in, if there is room. Owner only.
    #[inline]
    pub(crate) fn put(&self, thread: Runnable) -> Result<(), Runnable> {
        if !self.is_empty() {
            return Err(thread);
        }
        // Release: pairs with the Acquire in `take`. Not an exchange: (1).
        self.0.store_alone(thread.into_raw().cast_mut(), Ordering::Release);
        Ok(())
    }

    /// Puts `thread` in and returns what was there. Owner only.
    #[inline]
    pub(crate) fn replace(&self, thread: Runnable) -> Option<Runnable> {
        match self.put(thread) {
            Ok(()) => None,
            Err(thread) => {
                // AcqRel: as in `put` and `take`.
                let before = self.0.swap(thread.into_raw().cast_mut(), Ordering::AcqRel);
                // SAFETY: (2).
                (!before.is_null()).then(|| unsafe { Runnable::from_raw(before) })
            }
        }
    }

    /// Takes the thread out. Anybody.
    #[inline]
    pub(crate) fn take(&self) -> Option<Runnable> {
        let seen = self.0.load(Ordering::Relaxed);
        if seen.is_null() {
            return None;
        }
        let taken = if broken(Mutant::SlotTakenTwice) {
            self.0.store(ptr::null_mut(), Ordering::Relaxed);
            seen
        } else {
            // Acquire: pairs with the Release in `put`.
            self.0.swap(ptr::null_mut(), Ordering::Acquire)
        };
        // SAFETY: (2).
        (!taken.is_null()).then(|| unsafe { Runnable::from_raw(taken) })
    }
}
