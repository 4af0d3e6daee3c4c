//! What a switch costs on this machine, and what a stack costs: for coroutines, green threads, tasks of
//! tokio's and OS threads.
//!
//! ```text
//! cargo run --release --example costs
//! cargo run --example costs -- --quick    # only to see that it works
//! ```
//!
//! It prints two tables. Times are of one such step, there and not back: when two threads wake each other
//! in turn, that of a round is halved. They are the best of five runs, on one core: green threads have one
//! worker, tasks a current-thread runtime, and OS threads are pinned.
//!
//! Bytes are those by which the anonymous memory of the process has grown (resident less shared, in
//! `/proc/self/statm`), for each of many that are there at the same time. Each row is measured in a
//! process of its own, so that none finds memory that another has left. What the kernel keeps is not in
//! it: page tables (about 0.5 KiB for a stack in use), and all that an OS thread is to the kernel, with a
//! stack of 16 KiB there.

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::fs;
use std::future::pending;
use std::hint::black_box;
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use sward::coroutine::{Coroutine, Yielder, generator};
use sward::runtime::Builder;
use sward::sync::WaitGroup;
use sward::{Runtime, current, go, join, park, yield_now};
use tokio::task;

/// What is measured, how often it is done, and how long all of that takes.
type Time = (&'static str, u32, fn(u32) -> Duration);

const TIMES: [Time; 9] = [
    ("a function is called, and returns", 20_000_000, call),
    ("a coroutine is resumed, and suspends", 5_000_000, resume),
    ("a green thread yields to another", 5_000_000, yield_green),
    ("a task of tokio's yields to another", 5_000_000, yield_task),
    ("a green thread wakes another, and parks", 2_000_000, park_green),
    ("an OS thread wakes another, and parks", 100_000, park_os),
    ("a coroutine is made, runs and returns", 2_000_000, make_coroutine),
    ("a green thread is spawned and joined", 1_000_000, spawn_green),
    ("an OS thread is spawned and joined", 10_000, spawn_os),
];

/// What is measured, how many there are, and what makes so many, and then says so.
type Memory = (&'static str, usize, fn(usize, AllThere));
type AllThere<'a> = &'a (dyn Fn() + Sync);

const MEMORY: [Memory; 7] = [
    ("a green thread that has not begun", 100_000, fresh_green),
    ("a green thread, parked", 100_000, |n, then| begun_green(n, then, park)),
    ("a green thread, parked 16 KiB deep", 20_000, |n, then| begun_green(n, then, || deep(16))),
    ("a green thread, running (by turns)", 100_000, |n, then| begun_green(n, then, take_turns)),
    ("a generator, suspended", 100_000, suspended_generators),
    ("a task of tokio's, waiting", 100_000, waiting_tasks),
    ("an OS thread, parked", 2_000, parked_os),
];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => report(1),
        ["--quick"] => report(100),
        ["--memory", row, count] => {
            let (_, _, hold) = MEMORY[row.parse::<usize>()?];
            print_growth(count.parse()?, hold);
            Ok(())
        }
        _ => Err("costs [--quick]".into()),
    }
}

/// Prints both tables, with so many times less effort.
fn report(less: u32) -> Result<(), Box<dyn Error>> {
    println!("{:40} {:>10}", "time", "ns");
    for (what, times, run) in TIMES {
        let times = times / less;
        let best = (0..5).map(|_| run(times)).min().unwrap_or_default();
        println!("{what:40} {:10.1}", best.as_nanos() as f64 / f64::from(times));
    }

    println!("\n{:40} {:>10}", "memory of each", "bytes");
    for (row, (what, count, _)) in MEMORY.iter().enumerate() {
        let count = count / less as usize;
        let args = ["--memory".to_owned(), row.to_string(), count.to_string()];
        let measured = Command::new(env::current_exe()?).args(args).output()?;
        let bytes: usize = String::from_utf8(measured.stdout)?.trim().parse()?;
        println!("{what:40} {bytes:10}");
    }
    Ok(())
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn one_worker() -> Runtime {
    Builder::new().workers(1).build().unwrap()
}

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn call(times: u32) -> Duration {
    #[inline(never)]
    fn callee(n: u32) -> u32 {
        black_box(n)
    }
    timed(|| (0..times).for_each(|n| _ = callee(n)))
}

fn resume(times: u32) -> Duration {
    let echo = Coroutine::<u32, u32, ()>::new(|y, mut n| {
        loop {
            n = y.suspend(n);
        }
    });
    timed(|| (0..times).for_each(|n| _ = black_box(echo.resume(n))))
}

fn make_coroutine(times: u32) -> Duration {
    let made = |n| Coroutine::new(|_: &Yielder<_, (), _>, n: u32| n).resume(n);
    timed(|| (0..times).for_each(|n| _ = black_box(made(n))))
}

fn yield_green(times: u32) -> Duration {
    let yields = || (0..times / 2).for_each(|_| yield_now());
    one_worker().run(|| timed(|| _ = join!(yields(), yields())))
}

fn yield_task(times: u32) -> Duration {
    async fn yields(times: u32) {
        for _ in 0..times {
            task::yield_now().await;
        }
    }
    tokio_runtime().block_on(async {
        let start = Instant::now();
        let other = task::spawn(yields(times / 2));
        task::spawn(yields(times / 2)).await.unwrap();
        other.await.unwrap();
        start.elapsed()
    })
}

fn park_green(times: u32) -> Duration {
    one_worker().run(|| {
        let this = current();
        let other = go!(move || {
            for _ in 0..times / 2 {
                park();
                this.unpark();
            }
        });
        timed(|| {
            for _ in 0..times / 2 {
                other.thread().unpark();
                park();
            }
        })
    })
}

fn park_os(times: u32) -> Duration {
    on_one_core(move || {
        let this = thread::current();
        let other = thread::spawn(move || {
            for _ in 0..times / 2 {
                thread::park();
                this.unpark();
            }
        });
        timed(|| {
            for _ in 0..times / 2 {
                other.thread().unpark();
                thread::park();
            }
        })
    })
}

fn spawn_green(times: u32) -> Duration {
    one_worker().run(|| timed(|| (0..times).for_each(|n| _ = go!(move || n).join())))
}

fn spawn_os(times: u32) -> Duration {
    on_one_core(move || timed(|| (0..times).for_each(|n| _ = thread::spawn(move || n).join())))
}

/// Measures in an OS thread that stays on one core, as do those that it starts.
fn on_one_core(measure: impl FnOnce() -> Duration + Send + 'static) -> Duration {
    let pinned = thread::spawn(|| {
        let allowed = sched_getaffinity(None).unwrap();
        let mut one = CpuSet::new();
        one.set((0..CpuSet::MAX_CPU).find(|&core| allowed.is_set(core)).unwrap());
        sched_setaffinity(None, &one).unwrap();
        measure()
    });
    pinned.join().unwrap()
}

/// Prints by how much memory grows for each of so many, and ends the process with all of them.
fn print_growth(count: usize, hold: fn(usize, AllThere)) {
    let before = anonymous_bytes();
    hold(count, &|| {
        println!("{}", (anonymous_bytes() - before) / count);
        process::exit(0);
    });
}

fn anonymous_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: Vec<usize> = statm.split(' ').flat_map(str::parse).collect();
    let [_, resident, shared, ..] = pages[..] else { panic!("what is {statm}?") };
    (resident - shared) * 4096
}

fn fresh_green(count: usize, all_there: AllThere) {
    one_worker().run(|| {
        for _ in 0..count {
            go!(park);
        }
        // Its only worker has not come to them.
        all_there();
    });
}

fn begun_green(count: usize, all_there: AllThere, go_on: fn()) {
    one_worker().run(|| {
        let begun = WaitGroup::new();
        for _ in 0..count {
            let begun = begun.clone();
            go!(move || {
                drop(begun);
                go_on();
            });
        }
        begun.wait();
        all_there();
    });
}

/// Parks below so many frames of 1 KiB.
fn deep(frames: u32) {
    let mut frame = [0u8; 960];
    black_box(&mut frame);
    if frames == 0 {
        park()
    } else {
        deep(frames - 1)
    }
    black_box(&mut frame);
}

fn take_turns() {
    loop {
        yield_now();
    }
}

fn suspended_generators(count: usize, all_there: AllThere) {
    let begun = || {
        let mut generator = generator(|y| y.suspend(()));
        generator.next();
        generator
    };
    let _suspended: Vec<_> = (0..count).map(|_| begun()).collect();
    all_there();
}

fn waiting_tasks(count: usize, all_there: AllThere) {
    tokio_runtime().block_on(async {
        for _ in 0..count {
            task::spawn(pending::<()>());
        }
        // It comes after all of them.
        task::spawn(async {}).await.unwrap();
        all_there();
    });
}

fn parked_os(count: usize, all_there: AllThere) {
    let begun = WaitGroup::new();
    for _ in 0..count {
        let begun = begun.clone();
        thread::spawn(|| {
            drop(begun);
            thread::park();
        });
    }
    begun.wait();
    all_there();
}
