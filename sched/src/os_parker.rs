//! Blocks one OS thread until it is notified: a futex word with a token in it.
//!
//! ```text
//!   EMPTY ──park──▶ PARKED ──unpark──▶ NOTIFIED ──park returns──▶ EMPTY
//!     │    ◀─deadline─┘                 ▲
//!     └───────────────unpark────────────┘
//! ```
//!
//! 1. One OS thread parks at a time. A token is left once and taken once.

use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::primitive::atomic::{AtomicU32, Ordering};
use crate::primitive::{Futex, Mutant, broken};

const EMPTY: u32 = 0;
const PARKED: u32 = 1;
const NOTIFIED: u32 = 2;

/// Blocks one OS thread until it is notified: a futex word with a token.
#[derive(Debug)]
pub(crate) struct OsParker {
    state: AtomicU32,
    futex: Futex,
}

impl OsParker {
    /// A parker with no token in it.
    #[inline]
    pub(crate) fn new() -> Self {
        Self { state: AtomicU32::new(EMPTY), futex: Futex::new() }
    }

    /// Blocks until notified and takes the token (`true`), or until the
    /// deadline (`false`). One OS thread at a time.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> bool {
        if broken(Mutant::ParkOverwritesToken) {
            self.state.store(PARKED, Ordering::Relaxed);
        }
        // Acquire: pairs with the Release swap in `unpark`.
        else if self
            .state
            .compare_exchange(EMPTY, PARKED, Ordering::Acquire, Ordering::Acquire)
            .is_err()
        {
            self.state.store(EMPTY, Ordering::Relaxed);
            return true;
        }
        loop {
            let timeout = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if timeout != Some(Duration::ZERO) {
                self.futex.wait(&self.state, PARKED, timeout);
            } else if self
                .state
                .compare_exchange(PARKED, EMPTY, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
            {
                return false;
            }
            // Acquire: as above.
            if self
                .state
                .compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
            {
                return true;
            }
        }
    }

    /// The way to notify this parker, free of its lifetime.
    #[inline]
    pub(crate) fn unparker(&self) -> OsUnparker {
        OsUnparker { state: NonNull::from(&self.state), futex: self.futex.clone() }
    }
}

/// Notifies an [`OsParker`].
#[derive(Clone, Debug)]
pub(crate) struct OsUnparker {
    state: NonNull<AtomicU32>,
    futex: Futex,
}

// SAFETY: it is a pointer to an atomic; `unpark` says when it may be followed.
unsafe impl Send for OsUnparker {}
// SAFETY: as above.
unsafe impl Sync for OsUnparker {}

impl OsUnparker {
    /// Leaves a token and wakes the OS thread if it sleeps.
    ///
    /// # Safety
    ///
    /// The parker must still exist, and not go away before it has been
    /// notified by this very call. It may be gone as soon as the token is in
    /// it: from there on only its address is used, as the key of the futex
    /// (a stray wake-up that this might cause elsewhere is one that every
    /// user of futexes must expect).
    pub(crate) unsafe fn unpark(self) {
        let state = self.state.as_ptr();
        // Release: pairs with the Acquire in `park`.
        // SAFETY: the caller's promise: the parker exists up to this swap.
        if unsafe { (*state).swap(NOTIFIED, Ordering::Release) } == PARKED {
            self.futex.wake(state);
        }
    }
}
