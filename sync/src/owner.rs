//! Who has a lock, for dumps.
//!
//! 1. It is a note that nothing goes by: whoever takes the lock writes it after that, and whoever
//!    looks may find the one before. So it is read only while the lock is held.

// not modelled: (1)
use std::sync::atomic::{AtomicU64, Ordering};

use sward_sched::internal::runs_as;

/// The thread that has taken a lock last, by its number.
#[derive(Debug)]
pub(crate) struct Owner(AtomicU64);

impl Owner {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The caller has taken the lock.
    #[inline]
    pub(crate) fn is_caller(&self) {
        self.0.store(runs_as(), Ordering::Relaxed);
    }

    /// An async task has, of which nothing is known.
    pub(crate) fn is_unknown(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Who it was.
    pub(crate) fn get(&self) -> Option<u64> {
        let owner = self.0.load(Ordering::Relaxed);
        (owner != 0).then_some(owner)
    }
}
