//! The round trip of a cache line between two OS threads: what the machine is worth at
//! the moment. On shared machines it jumps by a factor of four within minutes, and with
//! it every figure of threads that talk across cores.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use super::median;

const BATCHES: u32 = 25;
const TRIPS: u32 = 1000;

/// Nothing else is on it, whatever the processor fetches along with it.
#[repr(align(128))]
struct Line(AtomicU32);

/// In nanoseconds, the median of some batches; `None` where there is one core.
pub(super) fn round_trip() -> Option<f64> {
    if thread::available_parallelism().map_or(1, usize::from) == 1 {
        return None;
    }
    let line = Line(AtomicU32::new(0));
    // Release and Acquire pair with each other; pausing between the loads would add to
    // the figure.
    let hand_over = |at: u32| {
        while line.0.load(Ordering::Acquire) != at {}
        line.0.store(at + 1, Ordering::Release);
    };
    thread::scope(|scope| {
        scope.spawn(|| (0..BATCHES * TRIPS).for_each(|trip| hand_over(2 * trip + 1)));
        let batch = |batch| {
            let start = Instant::now();
            (batch * TRIPS..(batch + 1) * TRIPS).for_each(|trip| hand_over(2 * trip));
            start.elapsed().as_nanos() as f64 / f64::from(TRIPS)
        };
        median((0..BATCHES).map(batch).collect())
    })
}

/// Whether the machine has become another one in between.
pub(super) fn changed(before: f64, after: f64) -> bool {
    before.max(after) >= 1.5 * before.min(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_as_much_again_is_a_change_either_way() {
        assert!(changed(100.0, 150.0) && changed(150.0, 100.0));
        assert!(!changed(100.0, 149.0));
    }
}
