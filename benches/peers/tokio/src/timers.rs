//! Deadlines: what they cost, met or not, and how late they are met.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::latency::beside;
use crate::measure::Figure::{Best, Delays};
use crate::measure::cpu_time;
use crate::{Tokio, Workload, all_at_once, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("sleepers_100k", 100_000, Best(|tasks| Box::pin(sleepers(tasks)))),
    ("timers_1m", 1_000_000, Best(|times| Box::pin(set_and_cancelled(0, times)))),
    ("timers_1m_deep", 1_000_000, Best(|times| Box::pin(set_and_cancelled(100_000, times)))),
    ("timer_lateness_idle", 2_000, Delays(lateness)),
    ("timer_lateness_busy", 2_000, Delays(lateness_busy)),
];

/// So many tasks that sleep for 1 to 100 ms at the same time: CPU time, since the time on
/// the clock is mostly what they were told to sleep.
async fn sleepers(tasks: u64) -> Duration {
    let before = cpu_time();
    let sleeper = |i| tokio::spawn(sleep(Duration::from_millis(1 + i % 100)));
    join_all((0..tasks).map(sleeper).collect::<Vec<_>>()).await;
    cpu_time() - before
}

/// 1000 pairs share the times: one waits for an hour at most, and the other answers soon.
/// Meanwhile so many tasks wait for as long in vain.
async fn set_and_cancelled(beside: u64, times: u64) -> Duration {
    const PAIRS: u64 = 1000;
    const HOUR: Duration = Duration::from_secs(3600);
    let (end, ended) = watch::channel(());
    let (ready, mut all_ready) = mpsc::channel(1000);
    let wait = |_| {
        let (mut ended, ready) = (ended.clone(), ready.clone());
        tokio::spawn(async move {
            ready.send(()).await.unwrap();
            timeout(HOUR, ended.changed()).await.unwrap().unwrap_err();
        })
    };
    let waiting: Vec<_> = (0..beside).map(wait).collect();
    for _ in &waiting {
        all_ready.recv().await.unwrap();
    }
    let pair = |_| {
        let (answer, mut answers) = mpsc::channel(1);
        async move {
            let answering = tokio::spawn(async move {
                for i in 0..times / PAIRS {
                    answer.send(i).await.unwrap();
                }
            });
            for i in 0..times / PAIRS {
                assert_eq!(timeout(HOUR, answers.recv()).await, Ok(Some(i)));
            }
            answering.await.unwrap();
        }
    };
    let time = all_at_once((0..PAIRS as usize).map(pair)).await;
    drop(end);
    join_all(waiting).await;
    time
}

/// How much longer than a millisecond a sleep of one takes, one after the other.
fn lateness(tokio: &Tokio, times: u64) -> Vec<Duration> {
    const TIME: Duration = Duration::from_millis(1);
    let sleeping = tokio.runtime.spawn(async move {
        let mut late = Vec::new();
        for _ in 0..times {
            let start = Instant::now();
            sleep(TIME).await;
            late.push(start.elapsed() - TIME);
        }
        late
    });
    tokio.runtime.block_on(sleeping).unwrap()
}

/// The same while every worker has tasks that compute for 20 µs between yields.
fn lateness_busy(tokio: &Tokio, times: u64) -> Vec<Duration> {
    beside(tokio, 4 * tokio.workers, Duration::from_micros(20), || lateness(tokio, times))
}
