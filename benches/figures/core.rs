//! Switching and spawning.

use std::time::Duration;

use sward::chan::{self, Sender};
use sward::sync::WaitGroup;
use sward::{TaskGroup, metrics, park, runtime, scope, spawn, yield_now};

use crate::measure::{Figure::Best, timed};
use crate::{Workload, all_at_once};

pub(crate) const ALL: &[Workload] = &[
    ("yield_1", 1_000_000, Best(|times| yields(1, times))),
    ("yield_100", 2_000_000, Best(|times| yields(100, times))),
    ("spawn", 1_000_000, Best(spawn_all)),
    ("spawn_join", 200_000, Best(spawn_join)),
    ("scope_1", 200_000, Best(|threads| scopes(1, threads))),
    ("scope_100", 1_000_000, Best(|threads| scopes(100, threads))),
    ("scope_1m", 1_000_000, Best(|threads| scopes(threads, threads))),
    ("group_1", 200_000, Best(|threads| groups(1, threads))),
    ("group_100", 1_000_000, Best(|threads| groups(100, threads))),
    ("group_1m", 1_000_000, Best(|threads| groups(threads, threads))),
    ("fib_22", 28_656, Best(fib_22)),
    ("skynet", 1_111_111, Best(skynet)),
    ("shutdown_100k", 100_000, Best(shutdown)),
];

/// `threads` yield `times` in all.
fn yields(threads: usize, times: u64) -> Duration {
    let each = times / threads as u64;
    all_at_once((0..threads).map(|_| move || (0..each).for_each(|_| yield_now())))
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

/// Scopes of so many threads each, one after the other, and in all so many threads.
fn scopes(each: u64, threads: u64) -> Duration {
    timed(|| {
        for _ in 0..threads / each {
            scope(|s| (0..each).for_each(|_| drop(s.spawn(|| ()))));
        }
    })
}

/// The same with groups, whose children may fail.
fn groups(each: u64, threads: u64) -> Duration {
    timed(|| {
        for _ in 0..threads / each {
            let done = TaskGroup::new().run(|group| {
                (0..each).for_each(|_| group.spawn(|| Ok::<(), ()>(())));
            });
            assert!(done.is_ok());
        }
    })
}

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

/// A 10-ary tree of at most so many threads counts its leaves: each thread hears from its
/// children and tells its parent.
fn skynet(threads: u64) -> Duration {
    fn node(parent: &Sender<u64>, leaves: u64) {
        if leaves == 1 {
            return parent.send(1).unwrap();
        }
        let (sender, counts) = chan::bounded(0);
        for _ in 0..10 {
            let sender = sender.clone();
            spawn(move || node(&sender, leaves / 10));
        }
        parent.send(counts.iter().take(10).sum()).unwrap();
    }
    // Trees of 1, 11, 111, .. threads.
    let trees = std::iter::successors(Some(1), |leaves| Some(leaves * 10));
    let leaves = trees.take_while(|leaves| leaves * 10 / 9 <= threads).last().unwrap_or(1);
    let (sender, count) = chan::bounded(0);
    timed(|| {
        spawn(move || node(&sender, leaves));
        assert_eq!(count.recv(), Ok(leaves));
    })
}

/// A further runtime, of as many workers, ends with so many threads parked in it. (They stay on
/// their workers, also where those that measure migrate.)
fn shutdown(threads: u64) -> Duration {
    let runtime = runtime::Builder::new().workers(metrics().workers.len()).build().unwrap();
    runtime.run(|| {
        let (ready, all_ready) = chan::bounded(1024);
        for _ in 0..threads {
            let ready = ready.clone();
            spawn(move || {
                ready.send(()).unwrap();
                park();
            });
        }
        drop(ready);
        all_ready.iter().take(threads as usize).for_each(drop);
    });
    timed(|| assert!(runtime.shutdown(Duration::from_secs(100))))
}
