//! Deadlines: what they cost, met or not, and how late they are met.

use std::time::{Duration, Instant};

use sward::time::sleep;
use sward::{chan, spawn};

use crate::latency::beside;
use crate::measure::Figure::{Best, Delays};
use crate::measure::cpu_time;
use crate::{Sward, Workload, all_at_once, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("sleepers_100k", 100_000, Best(sleepers)),
    ("timers_1m", 1_000_000, Best(|times| set_and_cancelled(0, times))),
    ("timers_1m_deep", 1_000_000, Best(|times| set_and_cancelled(100_000, times))),
    ("timer_lateness_idle", 2_000, Delays(lateness)),
    ("timer_lateness_busy", 2_000, Delays(lateness_busy)),
];

/// So many threads that sleep for 1 to 100 ms at the same time: CPU time, since the time on
/// the clock is mostly what they were told to sleep.
fn sleepers(threads: u64) -> Duration {
    let before = cpu_time();
    let sleeper = |i| spawn(move || sleep(Duration::from_millis(1 + i % 100)));
    join_all((0..threads).map(sleeper).collect::<Vec<_>>());
    cpu_time() - before
}

/// 1000 pairs share the times: one waits for an hour at most, and the other answers soon.
/// Meanwhile so many threads wait for as long in vain.
fn set_and_cancelled(beside: u64, times: u64) -> Duration {
    const PAIRS: u64 = 1000;
    const HOUR: Duration = Duration::from_secs(3600);
    let (end, ended) = chan::bounded::<()>(0);
    let (ready, all_ready) = chan::bounded(1000);
    let wait = |_| {
        let (ended, ready) = (ended.clone(), ready.clone());
        spawn(move || {
            ready.send(()).unwrap();
            assert!(!ended.recv_timeout(HOUR).unwrap_err().is_timeout());
        })
    };
    let waiting: Vec<_> = (0..beside).map(wait).collect();
    all_ready.iter().take(waiting.len()).for_each(drop);
    let pair = |_| {
        let (answer, answers) = chan::bounded(0);
        move || {
            let answering = spawn(move || (0..times / PAIRS).for_each(|i| answer.send(i).unwrap()));
            for i in 0..times / PAIRS {
                assert_eq!(answers.recv_timeout(HOUR), Ok(i));
            }
            answering.join().unwrap();
        }
    };
    let time = all_at_once((0..PAIRS as usize).map(pair));
    drop(end);
    join_all(waiting);
    time
}

/// How much longer than a millisecond a sleep of one takes, one after the other.
fn lateness(sward: &Sward, times: u64) -> Vec<Duration> {
    const TIME: Duration = Duration::from_millis(1);
    let late = |_| {
        let start = Instant::now();
        sleep(TIME);
        start.elapsed() - TIME
    };
    sward.runtime.run(|| (0..times).map(late).collect())
}

/// The same while every worker has threads that compute for 20 µs between yields.
fn lateness_busy(sward: &Sward, times: u64) -> Vec<Duration> {
    beside(sward, 4 * sward.workers, Duration::from_micros(20), || lateness(sward, times))
}
