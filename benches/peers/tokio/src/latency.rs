//! How long tasks wait for a turn, and what waiting costs. Whoever spawns and wakes here
//! is an OS thread outside the runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};

use crate::measure::Figure::{Delays, Load};
use crate::measure::{Work, at_intervals, load};
use crate::{Tokio, Workload, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("latency_idle", 2_000, Delays(latency)),
    ("latency_busy", 2_000, Delays(latency_busy)),
    ("hog_fresh", 500, Delays(|tokio, times| hog(tokio, times).0)),
    ("hog_started", 500, Delays(|tokio, times| hog(tokio, times).1)),
    ("idle_cpu", 10_000, Load(idle_cpu)),
    ("wakes_8000", 5_000, Load(wakes_8000)),
];

/// From a spawn to the task's first instruction, once a millisecond.
fn latency(tokio: &Tokio, times: u64) -> Vec<Duration> {
    let mut delays = Vec::new();
    at_intervals(Duration::from_millis(1), times, |_| delays.push(spawn_timer(tokio)));
    joined(tokio, delays)
}

/// The same while every worker has tasks that compute for 20 µs between yields.
fn latency_busy(tokio: &Tokio, times: u64) -> Vec<Duration> {
    beside(tokio, 4 * tokio.workers, Duration::from_micros(20), || latency(tokio, times))
}

/// Beside a task that computes for 100 ms at a time, as long as tasks are spawned and
/// woken: how long so many fresh ones wait from their spawn to their first instruction,
/// and as many started ones from a send to its receipt.
fn hog(tokio: &Tokio, times: u64) -> (Vec<Duration>, Vec<Duration>) {
    let (ready, mut all_ready) = mpsc::channel(times as usize);
    let start = |_| {
        let (wake, woken) = oneshot::channel::<Instant>();
        let ready = ready.clone();
        let delay = tokio.runtime.spawn(async move {
            ready.send(()).await.unwrap();
            woken.await.unwrap().elapsed()
        });
        (wake, delay)
    };
    let (wakes, started): (Vec<_>, Vec<_>) = (0..times).map(start).unzip();
    wakes.iter().for_each(|_| all_ready.blocking_recv().unwrap());
    let mut wakes = wakes.into_iter();
    let mut fresh = Vec::new();
    beside(tokio, 1, Duration::from_millis(100), || {
        at_intervals(Duration::from_millis(2), times, |_| {
            fresh.push(spawn_timer(tokio));
            wakes.next().unwrap().send(Instant::now()).unwrap();
        });
    });
    (joined(tokio, fresh), joined(tokio, started))
}

/// CPU time of ten thousand tasks that wait for what never comes.
fn idle_cpu(tokio: &Tokio, time: Duration) -> f64 {
    const TASKS: usize = 10_000;
    let (ready, mut all_ready) = mpsc::channel(TASKS);
    let end = Arc::new(Notify::new());
    let start = |_| {
        let (ready, end) = (ready.clone(), end.clone());
        tokio.runtime.spawn(async move {
            let ended = end.notified();
            ready.send(()).await.unwrap();
            ended.await;
        })
    };
    let handles: Vec<_> = (0..TASKS).map(start).collect();
    handles.iter().for_each(|_| all_ready.blocking_recv().unwrap());
    let load = load(|| std::thread::sleep(time));
    end.notify_waiters();
    tokio.runtime.block_on(join_all(handles));
    load
}

/// CPU time of one task that is woken 8000 times a second, and of whoever wakes it.
fn wakes_8000(tokio: &Tokio, time: Duration) -> f64 {
    const PERIOD: Duration = Duration::from_micros(125);
    let (wake, mut woken) = mpsc::channel(1);
    let sleeper = tokio.runtime.spawn(async move { while woken.recv().await.is_some() {} });
    let times = time.as_micros() / PERIOD.as_micros();
    let load = load(|| at_intervals(PERIOD, times as u64, |_| wake.blocking_send(()).unwrap()));
    drop(wake);
    tokio.runtime.block_on(sleeper).unwrap();
    load
}

/// A task that returns how long it waited for its first turn.
fn spawn_timer(tokio: &Tokio) -> JoinHandle<Duration> {
    let spawned = Instant::now();
    tokio.runtime.spawn(async move { spawned.elapsed() })
}

fn joined(tokio: &Tokio, delays: Vec<JoinHandle<Duration>>) -> Vec<Duration> {
    delays.into_iter().map(|delay| tokio.runtime.block_on(delay).unwrap()).collect()
}

/// Does `it` beside so many tasks that compute for one `turn` between yields.
pub(crate) fn beside<T>(tokio: &Tokio, tasks: usize, turn: Duration, it: impl FnOnce() -> T) -> T {
    let work = Work::lasting(turn);
    let done = Arc::new(AtomicBool::new(false));
    let (ready, mut all_ready) = mpsc::channel(tasks);
    let start = |_| {
        let (ready, done) = (ready.clone(), done.clone());
        tokio.runtime.spawn(async move {
            ready.send(()).await.unwrap();
            while !done.load(Relaxed) {
                work.run();
                yield_now().await;
            }
        })
    };
    let handles: Vec<_> = (0..tasks).map(start).collect();
    handles.iter().for_each(|_| all_ready.blocking_recv().unwrap());
    let result = it();
    done.store(true, Relaxed);
    tokio.runtime.block_on(join_all(handles));
    result
}
