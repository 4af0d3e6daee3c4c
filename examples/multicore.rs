//! The same work on one core and on all, by green threads and by a pool of OS threads.
//!
//! ```text
//! cargo run --release --example multicore            # primes below 5 000 000
//! cargo run --release --example multicore -- 1000000
//! ```
//!
//! The work is to count primes, in a hundred ranges. First a range is computed, and that is all. Then a
//! green thread for each, with a worker for each core, uses all cores, in one process; and a pool of as
//! many OS threads, which take the ranges from a channel, is as good. The second time each range must be
//! asked for first, which takes 20 ms: while it waits for that, an OS thread of the pool does nothing, but
//! a worker runs another green thread. (One that has begun stays on its worker, so the last ones may all
//! be on one.) It prints two tables:
//!
//! ```text
//! ranges that are computed                  seconds   times as fast
//! green threads, workers: 1                   0.992            1.00
//! green threads, workers: 2                   0.502            1.98
//! a pool, OS threads: 2                       0.500            1.98
//!
//! ranges that are asked for, then computed  seconds   times as fast
//! green threads, workers: 1                   1.011            1.00
//! green threads, workers: 2                   0.645            1.57
//! a pool, OS threads: 2                       1.524            0.66
//! ```

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use sward::runtime::Builder;
use sward::{Runtime, scope};

/// What is to be done with a range.
type Job = fn(Range<u32>) -> usize;

fn compute(range: Range<u32>) -> usize {
    let is_composite = |n: u32| (2..).take_while(|d| d * d <= n).any(|d| n.is_multiple_of(d));
    range.filter(|&n| n >= 2 && !is_composite(n)).count()
}

fn ask_and_compute(range: Range<u32>) -> usize {
    // In an OS thread this blocks the OS thread.
    sward::time::sleep(Duration::from_millis(20));
    compute(range)
}

/// One green thread for each range.
fn on_green_threads(runtime: &Runtime, job: Job, ranges: &[Range<u32>]) -> usize {
    runtime.run(|| {
        scope(|s| {
            let start = |range: &Range<u32>| {
                let range = range.clone();
                s.spawn(move || job(range))
            };
            let counts: Vec<_> = ranges.iter().map(start).collect();
            counts.into_iter().map(|count| count.join().unwrap()).sum()
        })
    })
}

/// So many OS threads, each of which does one range after the other.
fn on_a_pool(threads: usize, job: Job, ranges: &[Range<u32>]) -> usize {
    let (sender, receiver) = crossbeam_channel::unbounded();
    ranges.iter().for_each(|range| sender.send(range.clone()).unwrap());
    drop(sender);
    thread::scope(|s| {
        let work = || receiver.iter().map(job).sum::<usize>();
        let threads: Vec<_> = (0..threads).map(|_| s.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let end: u32 = env::args().nth(1).map_or(Ok(5_000_000), |end| end.parse())?;
    let ranges: Vec<_> = (0..100).map(|i| i * (end / 100)..(i + 1) * (end / 100)).collect();
    let cores = thread::available_parallelism()?.get();
    let one_worker = Builder::new().workers(1).build()?;
    let all_workers = Builder::new().workers(cores).build()?;

    let primes = on_a_pool(cores, compute, &ranges);
    println!("primes below {end}, in {} ranges: {primes}", ranges.len());
    let jobs = [("computed", compute as Job), ("asked for, then computed", ask_and_compute)];
    for (what, job) in jobs {
        let seconds = |count: &dyn Fn() -> usize| {
            let start = Instant::now();
            assert_eq!(count(), primes);
            start.elapsed().as_secs_f64()
        };
        let on_one = seconds(&|| on_green_threads(&one_worker, job, &ranges));
        let on_all = seconds(&|| on_green_threads(&all_workers, job, &ranges));
        let in_pool = seconds(&|| on_a_pool(cores, job, &ranges));

        println!("\n{:40}  seconds   times as fast", format!("ranges that are {what}"));
        let rows = [
            ("green threads, workers", 1, on_one),
            ("green threads, workers", cores, on_all),
            ("a pool, OS threads", cores, in_pool),
        ];
        for (how, cores, seconds) in rows {
            println!("{:40} {seconds:8.3} {:15.2}", format!("{how}: {cores}"), on_one / seconds);
        }
    }
    println!();
    println!("A pool is as good where jobs only compute: it needs a thread for each core.");
    println!("Where they also wait, it needs a thread for each job that waits.");
    Ok(())
}
