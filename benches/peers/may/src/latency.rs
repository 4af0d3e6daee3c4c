//! How long coroutines wait for a turn, and what waiting costs. Whoever spawns and wakes
//! here is an OS thread outside the runtime.

use std::time::{Duration, Instant};

use may::{go, sync::mpsc};

use crate::measure::Figure::{Delays, Load};
use crate::measure::{at_intervals, load};
use crate::{May, Workload, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("latency_idle", 2_000, Delays(latency)),
    ("idle_cpu", 10_000, Load(idle_cpu)),
    ("wakes_8000", 5_000, Load(wakes_8000)),
];

/// From a spawn to the coroutine's first instruction, once a millisecond.
fn latency(_: &May, times: u64) -> Vec<Duration> {
    let mut delays = Vec::new();
    at_intervals(Duration::from_millis(1), times, |_| {
        let spawned = Instant::now();
        delays.push(go!(move || spawned.elapsed()));
    });
    delays.into_iter().map(|delay| delay.join().unwrap()).collect()
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
