//! Where a worker waits for the world outside, and how it is woken: the seam between the
//! scheduler and the system.
//!
//! Today it waits on a futex, since nothing but other OS threads and the time wake it. When
//! descriptors are to wake it, too, a poller takes the futex's place: `park` becomes a wait of
//! the poller with the same deadline, and `unpark` interrupts that. What is ready is then to be
//! taken in by [`Worker::look_outside`], as inbox, injector and timers are: before the worker
//! parks, and every 61 turns or 10 µs; and by [`Shared::help`], which the monitor calls for a
//! worker that does not come to it.
//!
//! 1. An `unpark` is never lost: it ends the `park` that is under way, or else the next one.
//!    The protocol of `worker/README.md` builds on this and nothing else.
//!
//! [`Worker::look_outside`]: crate::worker::Worker::look_outside
//! [`Shared::help`]: crate::worker::Shared::help

use std::time::{Duration, Instant};

use crate::os_parker::OsParker;
use crate::primitive::atomic::{AtomicU64, Ordering};

/// Where one worker waits.
#[derive(Debug)]
pub(crate) struct Driver {
    parker: OsParker,
    /// When it was last woken, in nanoseconds since `start`.
    woken_at: AtomicU64,
    start: Instant,
}

impl Driver {
    pub(crate) fn new() -> Self {
        Self { parker: OsParker::new(), woken_at: AtomicU64::new(0), start: Instant::now() }
    }

    /// Waits for an `unpark` (`true`) or the deadline. The worker alone.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> bool {
        self.parker.park(deadline)
    }

    /// Wakes the worker.
    pub(crate) fn unpark(&self) {
        // Relaxed: a measurement.
        self.woken_at.store(self.nanos(), Ordering::Relaxed);
        // SAFETY: the parker lives as long as `self`.
        unsafe { self.parker.unparker().unpark() };
    }

    /// How long the wake took that has just ended a `park`.
    pub(crate) fn took(&self) -> Duration {
        let woken_at = self.woken_at.load(Ordering::Relaxed);
        Duration::from_nanos(self.nanos().saturating_sub(woken_at))
    }

    fn nanos(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}
