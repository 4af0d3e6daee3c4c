//! How late deadlines are met.

use std::time::{Duration, Instant};

use may::coroutine::sleep;
use may::go;

use crate::measure::Figure::Delays;
use crate::{May, Workload};

pub(crate) const ALL: &[Workload] = &[("timer_lateness_idle", 2_000, Delays(lateness))];

/// How much longer than a millisecond a sleep of one takes, one after the other.
fn lateness(_: &May, times: u64) -> Vec<Duration> {
    const TIME: Duration = Duration::from_millis(1);
    let late = move |_| {
        let start = Instant::now();
        sleep(TIME);
        // Its timers are of a millisecond: it may be early.
        start.elapsed().saturating_sub(TIME)
    };
    go!(move || (0..times).map(late).collect()).join().unwrap()
}
