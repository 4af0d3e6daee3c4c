//! How long threads wait for a turn, and what waiting costs. Whoever spawns and wakes
//! here is an OS thread outside the runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use sward::{JoinHandle, chan, yield_now};

use crate::measure::Figure::{Delays, Load};
use crate::measure::{Work, at_intervals, load};
use crate::{Sward, Workload, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("latency_idle", 2_000, Delays(latency)),
    ("latency_busy", 2_000, Delays(latency_busy)),
    ("hog_fresh", 500, Delays(|sward, times| hog(sward, times).0)),
    ("hog_started", 500, Delays(|sward, times| hog(sward, times).1)),
    ("idle_cpu", 10_000, Load(idle_cpu)),
    ("wakes_8000", 5_000, Load(wakes_8000)),
];

/// From a spawn to the thread's first instruction, once a millisecond.
fn latency(sward: &Sward, times: u64) -> Vec<Duration> {
    let mut delays = Vec::new();
    at_intervals(Duration::from_millis(1), times, |_| delays.push(spawn_timer(sward)));
    joined(delays)
}

/// The same while every worker has threads that compute for 20 µs between yields.
fn latency_busy(sward: &Sward, times: u64) -> Vec<Duration> {
    beside(sward, 4 * sward.workers, Duration::from_micros(20), || latency(sward, times))
}

/// Beside a thread that computes for 100 ms at a time, as long as threads are spawned and
/// woken: how long so many fresh ones wait from their spawn to their first instruction,
/// and as many started ones from a send to its receipt.
fn hog(sward: &Sward, times: u64) -> (Vec<Duration>, Vec<Duration>) {
    let (ready, all_ready) = chan::bounded(times as usize);
    let start = |_| {
        let (wake, woken) = chan::bounded::<Instant>(1);
        let ready = ready.clone();
        let delay = sward.runtime.spawn(move || {
            ready.send(()).unwrap();
            woken.recv().unwrap().elapsed()
        });
        (wake, delay)
    };
    let (wakes, started): (Vec<_>, Vec<_>) = (0..times).map(start).unzip();
    all_ready.iter().take(wakes.len()).for_each(drop);
    let mut fresh = Vec::new();
    beside(sward, 1, Duration::from_millis(100), || {
        at_intervals(Duration::from_millis(2), times, |i| {
            fresh.push(spawn_timer(sward));
            wakes[i as usize].send(Instant::now()).unwrap();
        });
    });
    (joined(fresh), joined(started))
}

/// CPU time of ten thousand threads that wait for what never comes.
fn idle_cpu(sward: &Sward, time: Duration) -> f64 {
    const THREADS: usize = 10_000;
    let (ready, all_ready) = chan::bounded(THREADS);
    let (end, ended) = chan::bounded::<()>(0);
    let start = |_| {
        let (ready, ended) = (ready.clone(), ended.clone());
        sward.runtime.spawn(move || {
            ready.send(()).unwrap();
            ended.recv().unwrap_err();
        })
    };
    let handles: Vec<_> = (0..THREADS).map(start).collect();
    all_ready.iter().take(THREADS).for_each(drop);
    let load = load(|| std::thread::sleep(time));
    drop(end);
    join_all(handles);
    load
}

/// CPU time of one thread that is woken 8000 times a second, and of whoever wakes it.
fn wakes_8000(sward: &Sward, time: Duration) -> f64 {
    const PERIOD: Duration = Duration::from_micros(125);
    let (wake, woken) = chan::bounded(1);
    let sleeper = sward.runtime.spawn(move || woken.iter().for_each(drop));
    let times = time.as_micros() / PERIOD.as_micros();
    let load = load(|| at_intervals(PERIOD, times as u64, |_| wake.send(()).unwrap()));
    drop(wake);
    sleeper.join().unwrap();
    load
}

/// A thread that returns how long it waited for its first turn.
fn spawn_timer(sward: &Sward) -> JoinHandle<Duration> {
    let spawned = Instant::now();
    sward.runtime.spawn(move || spawned.elapsed())
}

fn joined(delays: Vec<JoinHandle<Duration>>) -> Vec<Duration> {
    delays.into_iter().map(|delay| delay.join().unwrap()).collect()
}

/// Does `it` beside so many green threads that compute for one `turn` between yields.
pub(crate) fn beside<T>(
    sward: &Sward,
    threads: usize,
    turn: Duration,
    it: impl FnOnce() -> T,
) -> T {
    let work = Work::lasting(turn);
    let done = Arc::new(AtomicBool::new(false));
    let (ready, all_ready) = chan::bounded(threads);
    let start = |_| {
        let (ready, done) = (ready.clone(), done.clone());
        sward.runtime.spawn(move || {
            ready.send(()).unwrap();
            while !done.load(Relaxed) {
                work.run();
                yield_now();
            }
        })
    };
    let handles: Vec<_> = (0..threads).map(start).collect();
    all_ready.iter().take(threads).for_each(drop);
    let result = it();
    done.store(true, Relaxed);
    join_all(handles);
    result
}
