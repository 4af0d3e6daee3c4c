//! One figure a line, for `cargo xtask bench` to set beside other runtimes':
//! `figures [--workers N] [WORKLOAD]…` prints `workload<TAB>nanoseconds`, the best of
//! five, for the workloads named or for all.
//!
//! `benches/peers/go` holds the same workloads as a Go programmer would write them.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sward::sync::{Mutex, WaitGroup};
use sward::{JoinHandle, Runtime, chan, spawn, yield_now};

/// Does so many operations and says how long they took.
type Workload = fn(u64) -> Duration;

/// Name, number of operations, and how to do them.
const WORKLOADS: &[(&str, u64, Workload)] = &[
    ("yield_1", 1_000_000, |times| yields(1, times)),
    ("yield_100", 2_000_000, |times| yields(100, times)),
    ("spawn", 1_000_000, spawn_all),
    ("spawn_join", 200_000, spawn_join),
    ("rendezvous", 500_000, rendezvous),
    ("chan_0", 1_000_000, |messages| one_to_one(0, messages)),
    ("chan_1", 1_000_000, |messages| one_to_one(1, messages)),
    ("chan_128", 1_000_000, |messages| one_to_one(128, messages)),
    ("ring_1000", 500_000, ring),
    ("fib_22", FIB_22_SPAWNS, fib_22),
    ("mutex", 10_000_000, mutex),
];

fn main() -> ExitCode {
    let mut workers = None;
    let mut chosen = Vec::new();
    let mut scale = 1;
    let mut migrate = false;
    // `cargo bench` adds `--bench`.
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // What `cargo test --benches` passes: only see whether everything runs.
            "--test" => scale = 1000,
            "--workers" => match args.next().map(|n| n.parse()) {
                Some(Ok(n)) => workers = Some(n),
                _ => return usage("--workers needs a number"),
            },
            "--migrate" => migrate = true,
            name => match WORKLOADS.iter().find(|(known, ..)| *known == name) {
                Some(workload) => chosen.push(*workload),
                None => return usage(&format!("no workload '{name}'")),
            },
        }
    }
    let chosen = if chosen.is_empty() { WORKLOADS } else { &chosen };
    let mut builder = sward::runtime::Builder::new();
    if let Some(workers) = workers {
        builder = builder.workers(workers);
    }
    if migrate {
        // SAFETY: the workloads hold numbers and handles of sward's across blocking calls.
        builder = unsafe { builder.allow_migration() };
    }
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => return usage(&error.to_string()),
    };
    for &(name, operations, workload) in chosen {
        println!("{name}\t{:.1}", best_of_five(&runtime, operations.div_ceil(scale), workload));
    }
    ExitCode::SUCCESS
}

fn usage(problem: &str) -> ExitCode {
    let names: Vec<_> = WORKLOADS.iter().map(|(name, ..)| *name).collect();
    eprintln!("figures: {problem}\nusage: figures [--workers N] [{}]…", names.join("|"));
    ExitCode::from(2)
}

fn best_of_five(runtime: &Runtime, operations: u64, workload: Workload) -> f64 {
    (0..5)
        .map(|_| runtime.run(|| workload(operations)).as_nanos() as f64 / operations as f64)
        .fold(f64::INFINITY, f64::min)
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// `threads` yield `times` in all; the clock starts when all of them run.
fn yields(threads: u64, times: u64) -> Duration {
    let (ready, all_ready) = chan::bounded(threads as usize);
    let (go, going) = chan::bounded::<()>(0);
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let (ready, going) = (ready.clone(), going.clone());
            spawn(move || {
                ready.send(()).unwrap();
                // Closed when all are to go.
                going.recv().unwrap_err();
                (0..times / threads).for_each(|_| yield_now());
            })
        })
        .collect();
    all_ready.iter().take(threads as usize).for_each(drop);
    timed(|| {
        drop(go);
        join_all(handles);
    })
}

fn spawn_all(threads: u64) -> Duration {
    timed(|| {
        let group = WaitGroup::new();
        for _ in 0..threads {
            let member = group.clone();
            spawn(move || drop(member));
        }
        group.wait();
    })
}

fn spawn_join(times: u64) -> Duration {
    timed(|| {
        for i in 0..times {
            assert_eq!(spawn(move || i).join().unwrap(), i);
        }
    })
}

fn rendezvous(trips: u64) -> Duration {
    let (there, arriving) = chan::bounded(0);
    let (back, returning) = chan::bounded(0);
    let echo = spawn(move || arriving.iter().for_each(|i: u64| back.send(i).unwrap()));
    there.send(0).unwrap();
    returning.recv().unwrap();
    let time = timed(|| {
        for i in 0..trips {
            there.send(i).unwrap();
            assert_eq!(returning.recv(), Ok(i));
        }
    });
    drop(there);
    echo.join().unwrap();
    time
}

fn one_to_one(capacity: usize, messages: u64) -> Duration {
    let (sender, receiver) = chan::bounded(capacity);
    timed(|| {
        let sending = spawn(move || (0..messages).for_each(|i| sender.send(i).unwrap()));
        assert_eq!(receiver.iter().count() as u64, messages);
        sending.join().unwrap();
    })
}

/// A token goes from hand to hand, `hops` times, around 1000 threads.
fn ring(hops: u64) -> Duration {
    const THREADS: u64 = 1000;
    let (first, mut receiver) = chan::bounded::<u64>(0);
    let handles: Vec<_> = (0..THREADS)
        .map(|_| {
            let (sender, next) = chan::bounded(0);
            let from = std::mem::replace(&mut receiver, next);
            spawn(move || from.iter().for_each(|token| sender.send(token).unwrap()))
        })
        .collect();
    let time = timed(|| {
        for round in 0..hops.div_ceil(THREADS) {
            first.send(round).unwrap();
            assert_eq!(receiver.recv(), Ok(round));
        }
    });
    drop(first);
    join_all(handles);
    time
}

const FIB_22_SPAWNS: u64 = 28_656;

/// fib(22), or the first number that takes as many spawns as asked for.
fn fib_22(spawns: u64) -> Duration {
    fn fib(n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        let other = spawn(move || fib(n - 2));
        fib(n - 1) + other.join().unwrap()
    }
    // fib(n) makes one spawn less than fib(n + 1) is.
    let numbers = std::iter::successors(Some((1, 1)), |&(now, next)| Some((next, now + next)));
    let n = numbers.take_while(|&(_, next)| next - 1 < spawns).count() as u64 + 1;
    timed(|| assert!(fib(n) > 0))
}

fn mutex(times: u64) -> Duration {
    let mutex = Arc::new(Mutex::new(0u64));
    timed(|| {
        for _ in 0..times {
            *black_box(&mutex).lock() += 1;
        }
    })
}

fn join_all(handles: Vec<JoinHandle<()>>) {
    handles.into_iter().for_each(|handle| handle.join().unwrap());
}
