//! What the workers of a runtime have done: [`metrics`].

use crate::current;
use crate::runtime;
use crate::worker::Shared;

/// Counts of one runtime, from its start.
///
/// They are read while the workers go on, one after the other: a sum over all of them may be
/// off by what happens meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// One for each worker.
    pub workers: Vec<WorkerMetrics>,
}

/// Counts of one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Threads that were spawned by threads on this worker.
    pub spawned: u64,
    /// Turns taken: how often a thread was run until it waited, yielded or finished, and how
    /// often the worker looked for one in vain.
    pub turns: u64,
    /// Threads taken from other workers.
    pub stolen: u64,
    /// How often it went to sleep, naps between looks at busy workers included.
    pub slept: u64,
    /// How often it searched the other workers' queues.
    pub searched: u64,
    /// Threads taken from the runtime's queue of those spawned by OS threads.
    pub injected: u64,
    /// Threads that waited here and were woken by other OS threads.
    pub inbox: u64,
    /// How often it had more idle stacks than it keeps, and handed some on.
    pub overflowed: u64,
    /// Turns that lasted for 20 ms or more: two time slices.
    pub overran: u64,
    /// Threads that have started here, stay here, and are unfinished.
    pub unfinished: usize,
}

impl Metrics {
    pub(crate) fn of(shared: &Shared) -> Self {
        Self { workers: shared.remotes.iter().map(|remote| remote.metrics()).collect() }
    }
}

/// What the workers of the current runtime have done so far, or those of the global one
/// from an OS thread that is no worker.
///
/// ```
/// # use sward_sched as sward;
/// sward::run(|| {
///     sward::spawn(|| ()).join().unwrap();
///     let spawned: u64 = sward::metrics().workers.iter().map(|worker| worker.spawned).sum();
///     assert!(spawned >= 1);
/// });
/// ```
///
/// # Panics
///
/// When the global runtime is needed for the first time and cannot be started.
pub fn metrics() -> Metrics {
    // SAFETY: a worker in the thread-local is alive, and nothing here blocks.
    match unsafe { current::worker().as_ref() } {
        Some(worker) => Metrics::of(worker.runtime()),
        None => Metrics::of(runtime::global()),
    }
}
