//! What a worker has done so far, for [`metrics`](crate::metrics).

use std::fmt;

// not modelled: plain counters, written by one OS thread and read by others for show
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only its owner changes, and anybody may read.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Owner only: not a read-modify-write.
    #[inline]
    pub(crate) fn add(&self, by: u64) {
        self.0.store(self.get().wrapping_add(by), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// One worker's. What each means is said in [`WorkerMetrics`](crate::WorkerMetrics).
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) spawned: Count,
    pub(crate) stolen: Count,
    pub(crate) injected: Count,
    pub(crate) inbox: Count,
    pub(crate) searched: Count,
    pub(crate) slept: Count,
    pub(crate) overflowed: Count,
}
