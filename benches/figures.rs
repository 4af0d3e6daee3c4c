//! One figure a line, for `cargo xtask bench` to set beside other runtimes':
//! `figures [--workers N] [WORKLOAD]…` prints `workload<TAB>nanoseconds`, the best of
//! five, for the workloads named or for all.
//!
//! `benches/peers/go` holds the same workloads as a Go programmer would write them.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sward::sync::{Mutex, WaitGroup};
use sward::{JoinHandle, Runtime, chan, spawn, yield_now};

/// A workload: how many operations it has done, in which time.
type Workload = fn() -> (u64, Duration);

const WORKLOADS: &[(&str, Workload)] = &[
    ("yield_1", || yields(1, 1_000_000)),
    ("yield_100", || yields(100, 20_000)),
    ("spawn", spawn_all),
    ("spawn_join", spawn_join),
    ("rendezvous", rendezvous),
    ("chan_0", || one_to_one(0)),
    ("chan_1", || one_to_one(1)),
    ("chan_128", || one_to_one(128)),
    ("ring_1000", ring),
    ("fib_22", fib_22),
    ("mutex", mutex),
];

fn main() -> ExitCode {
    let mut workers = None;
    let mut names = Vec::new();
    // `cargo bench` adds `--bench`.
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // So that `cargo test --benches` only checks that everything runs.
            "--test" => return ExitCode::SUCCESS,
            "--workers" => match args.next().map(|n| n.parse()) {
                Some(Ok(n)) => workers = Some(n),
                _ => return usage("--workers needs a number"),
            },
            name => match WORKLOADS.iter().find(|(known, _)| *known == name) {
                Some(workload) => names.push(*workload),
                None => return usage(&format!("no workload '{name}'")),
            },
        }
    }
    let chosen = if names.is_empty() { WORKLOADS } else { &names };
    let mut builder = sward::runtime::Builder::new();
    if let Some(workers) = workers {
        builder = builder.workers(workers);
    }
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => return usage(&error.to_string()),
    };
    for (name, workload) in chosen {
        println!("{name}\t{:.1}", best_of_five(&runtime, *workload));
    }
    ExitCode::SUCCESS
}

fn usage(problem: &str) -> ExitCode {
    let names: Vec<_> = WORKLOADS.iter().map(|(name, _)| *name).collect();
    eprintln!("figures: {problem}\nusage: figures [--workers N] [{}]…", names.join("|"));
    ExitCode::from(2)
}

fn best_of_five(runtime: &Runtime, workload: Workload) -> f64 {
    (0..5)
        .map(|_| {
            let (operations, time) = runtime.run(workload);
            time.as_nanos() as f64 / operations as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn timed(operations: u64, work: impl FnOnce()) -> (u64, Duration) {
    let start = Instant::now();
    work();
    (operations, start.elapsed())
}

/// Each of `threads` yields `times`; the clock starts when all of them run.
fn yields(threads: u64, times: u64) -> (u64, Duration) {
    let (ready, all_ready) = chan::bounded(threads as usize);
    let (go, going) = chan::bounded::<()>(0);
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let (ready, going) = (ready.clone(), going.clone());
            spawn(move || {
                ready.send(()).unwrap();
                // Closed when all are to go.
                going.recv().unwrap_err();
                (0..times).for_each(|_| yield_now());
            })
        })
        .collect();
    all_ready.iter().take(threads as usize).for_each(drop);
    timed(threads * times, || {
        drop(go);
        join_all(handles);
    })
}

fn spawn_all() -> (u64, Duration) {
    const THREADS: u64 = 1_000_000;
    timed(THREADS, || {
        let group = WaitGroup::new();
        for _ in 0..THREADS {
            let member = group.clone();
            spawn(move || drop(member));
        }
        group.wait();
    })
}

fn spawn_join() -> (u64, Duration) {
    const TIMES: u64 = 200_000;
    timed(TIMES, || {
        for i in 0..TIMES {
            assert_eq!(spawn(move || i).join().unwrap(), i);
        }
    })
}

fn rendezvous() -> (u64, Duration) {
    const TRIPS: u64 = 500_000;
    let (there, arriving) = chan::bounded(0);
    let (back, returning) = chan::bounded(0);
    let echo = spawn(move || arriving.iter().for_each(|i: u64| back.send(i).unwrap()));
    there.send(0).unwrap();
    returning.recv().unwrap();
    let result = timed(TRIPS, || {
        for i in 0..TRIPS {
            there.send(i).unwrap();
            assert_eq!(returning.recv(), Ok(i));
        }
    });
    drop(there);
    echo.join().unwrap();
    result
}

fn one_to_one(capacity: usize) -> (u64, Duration) {
    const MESSAGES: u64 = 1_000_000;
    let (sender, receiver) = chan::bounded(capacity);
    timed(MESSAGES, || {
        let sending = spawn(move || (0..MESSAGES).for_each(|i| sender.send(i).unwrap()));
        assert_eq!(receiver.iter().count() as u64, MESSAGES);
        sending.join().unwrap();
    })
}

fn ring() -> (u64, Duration) {
    const THREADS: u64 = 1000;
    const ROUNDS: u64 = 500;
    let (first, mut receiver) = chan::bounded::<u64>(0);
    let handles: Vec<_> = (0..THREADS)
        .map(|_| {
            let (sender, next) = chan::bounded(0);
            let from = std::mem::replace(&mut receiver, next);
            spawn(move || from.iter().for_each(|token| sender.send(token).unwrap()))
        })
        .collect();
    let result = timed(THREADS * ROUNDS, || {
        for round in 0..ROUNDS {
            first.send(round).unwrap();
            assert_eq!(receiver.recv(), Ok(round));
        }
    });
    drop(first);
    join_all(handles);
    result
}

fn fib_22() -> (u64, Duration) {
    fn fib(n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        let other = spawn(move || fib(n - 2));
        fib(n - 1) + other.join().unwrap()
    }
    // 28 656 spawns.
    timed(28_656, || assert_eq!(fib(22), 17_711))
}

fn mutex() -> (u64, Duration) {
    const TIMES: u64 = 10_000_000;
    let mutex = Arc::new(Mutex::new(0u64));
    timed(TIMES, || {
        for _ in 0..TIMES {
            *black_box(&mutex).lock() += 1;
        }
    })
}

fn join_all(handles: Vec<JoinHandle<()>>) {
    handles.into_iter().for_each(|handle| handle.join().unwrap());
}
