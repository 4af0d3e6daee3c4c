//! How long coroutines wait for a turn, and what waiting costs. Whoever spawns and wakes
//! here is an OS thread outside the runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use may::coroutine::{JoinHandle, yield_now};
use may::{go, sync::mpsc};

use crate::measure::Figure::{Delays, Load};
use crate::measure::{Work, at_intervals, load};
use crate::{May, Workload, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("latency_idle", 2_000, Delays(latency)),
    ("hog_fresh", 500, Delays(|_, times| hog(times).0)),
    ("hog_started", 500, Delays(|_, times| hog(times).1)),
    ("idle_cpu", 10_000, Load(idle_cpu)),
    ("wakes_8000", 5_000, Load(wakes_8000)),
];

/// From a spawn to the coroutine's first instruction, once a millisecond.
fn latency(_: &May, times: u64) -> Vec<Duration> {
    let mut delays = Vec::new();
    at_intervals(Duration::from_millis(1), times, |_| delays.push(spawn_timer()));
    joined(delays)
}

/// Beside a coroutine that computes for 100 ms at a time, as long as coroutines are
/// spawned and woken: how long so many fresh ones wait from their spawn to their first
/// instruction, and as many started ones from a send to its receipt.
fn hog(times: u64) -> (Vec<Duration>, Vec<Duration>) {
    let (ready, all_ready) = mpsc::channel();
    let start = |_| {
        let (wake, woken) = mpsc::channel::<Instant>();
        let ready = ready.clone();
        let delay = go!(move || {
            ready.send(()).unwrap();
            woken.recv().unwrap().elapsed()
        });
        (wake, delay)
    };
    let (wakes, started): (Vec<_>, Vec<_>) = (0..times).map(start).unzip();
    all_ready.iter().take(wakes.len()).for_each(drop);
    let work = Work::lasting(Duration::from_millis(100));
    let done = Arc::new(AtomicBool::new(false));
    let (hogging, hog_runs) = mpsc::channel();
    let hog_done = done.clone();
    let hog = go!(move || {
        hogging.send(()).unwrap();
        while !hog_done.load(Relaxed) {
            work.run();
            yield_now();
        }
    });
    hog_runs.recv().unwrap();
    let mut fresh = Vec::new();
    at_intervals(Duration::from_millis(2), times, |i| {
        fresh.push(spawn_timer());
        wakes[i as usize].send(Instant::now()).unwrap();
    });
    done.store(true, Relaxed);
    hog.join().unwrap();
    (joined(fresh), joined(started))
}

/// CPU time of ten thousand coroutines that wait for what never comes.
fn idle_cpu(_: &May, time: Duration) -> f64 {
    const COROUTINES: usize = 10_000;
    let (ready, all_ready) = mpsc::channel();
    let start = |_| {
        let ready = ready.clone();
        let (end, ended) = mpsc::channel::<()>();
        let handle = go!(move || {
            ready.send(()).unwrap();
            ended.recv().unwrap_err();
        });
        (end, handle)
    };
    let (end, handles): (Vec<_>, Vec<_>) = (0..COROUTINES).map(start).unzip();
    all_ready.iter().take(COROUTINES).for_each(drop);
    let load = load(|| std::thread::sleep(time));
    drop(end);
    join_all(handles);
    load
}

/// CPU time of one coroutine that is woken 8000 times a second, and of whoever wakes it.
fn wakes_8000(_: &May, time: Duration) -> f64 {
    const PERIOD: Duration = Duration::from_micros(125);
    let (wake, woken) = mpsc::channel();
    let sleeper = go!(move || woken.iter().for_each(drop));
    let times = time.as_micros() / PERIOD.as_micros();
    let load = load(|| at_intervals(PERIOD, times as u64, |_| wake.send(()).unwrap()));
    drop(wake);
    sleeper.join().unwrap();
    load
}

/// A coroutine that returns how long it waited for its first turn.
fn spawn_timer() -> JoinHandle<Duration> {
    let spawned = Instant::now();
    go!(move || spawned.elapsed())
}

fn joined(delays: Vec<JoinHandle<Duration>>) -> Vec<Duration> {
    delays.into_iter().map(|delay| delay.join().unwrap()).collect()
}
