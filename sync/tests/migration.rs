//! Locks and wait groups between threads that migrate: held, waited for and left on
//! whichever worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sward_sched::runtime::Builder;
use sward_sched::{JoinHandle, Runtime, park, time, yield_now};
use sward_sync::{Mutex, WaitGroup};

const LONG: Duration = Duration::from_secs(60);

const WORKERS: [usize; 3] = [1, 2, 4];

/// A runtime whose threads migrate.
fn migrating(workers: usize) -> Runtime {
    // SAFETY: the threads of these tests hold nothing across a blocking call that is tied to
    // an OS thread: sward's own guards are not.
    unsafe { Builder::new().allow_migration() }.workers(workers).build().expect("a runtime starts")
}

#[test]
fn a_lock_may_be_held_across_a_move() {
    for workers in WORKERS {
        let rt = migrating(workers);
        let lock = Arc::new(Mutex::new((0, 0)));
        let threads: Vec<_> = (0..50u64)
            .map(|i| {
                let lock = lock.clone();
                rt.spawn(move || {
                    for round in 0..40 {
                        let mut pair = lock.lock();
                        pair.0 += 1;
                        match (i + round) % 7 {
                            0 => time::sleep(Duration::from_micros(5)),
                            1 | 2 => yield_now(),
                            _ => {}
                        }
                        pair.1 += 1;
                        assert_eq!(pair.0, pair.1);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*lock.lock(), (2000, 2000));
        assert!(rt.shutdown(LONG));
    }
}

#[test]
fn a_wait_for_a_lock_that_ends_by_time_leaves_no_trace_wherever_it_ends() {
    for workers in WORKERS {
        let rt = migrating(workers);
        let (lock, locked) = (Arc::new(Mutex::new(0)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..50u64)
            .map(|i| {
                let (lock, locked) = (lock.clone(), locked.clone());
                rt.spawn(move || {
                    for round in 0..40 {
                        let wait = Duration::from_micros((i + round) * 7 % 60);
                        if let Some(mut count) = lock.try_lock_for(wait) {
                            *count += 1;
                            locked.fetch_add(1, Ordering::Relaxed);
                            if round % 4 == 0 {
                                time::sleep(Duration::from_micros(10));
                            }
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*lock.lock(), locked.load(Ordering::Relaxed));
        assert!(rt.shutdown(LONG));
    }
}

#[test]
fn a_shutdown_unwinds_those_that_hold_and_those_that_wait() {
    for round in 0..15 {
        let rt = migrating(WORKERS[round % 3]);
        let lock = Arc::new(Mutex::new(0usize));
        let group = WaitGroup::new();
        let begun = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..100)
            .map(|i| {
                let (lock, group) = (lock.clone(), group.clone());
                let begun = begun.clone();
                rt.spawn(move || {
                    begun.fetch_add(1, Ordering::Relaxed);
                    if i % 10 == 0 {
                        group.wait();
                        park();
                    }
                    loop {
                        let mut count = lock.lock();
                        *count += 1;
                        time::sleep(Duration::from_micros(i));
                    }
                })
            })
            .collect::<Vec<JoinHandle<()>>>();
        while begun.load(Ordering::Relaxed) < 100 {
            yield_now();
        }
        assert!(rt.shutdown(LONG));
        assert!(threads.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
        // Nobody has kept it, nor a part of the group.
        assert!(lock.try_lock().is_some());
        group.wait();
    }
}

#[test]
fn a_group_is_waited_for_from_everywhere() {
    for workers in WORKERS {
        let rt = migrating(workers);
        for _ in 0..20 {
            let group = WaitGroup::new();
            let done = Arc::new(AtomicUsize::new(0));
            let threads: Vec<_> = (0..50u64)
                .map(|i| {
                    let (group, done) = (group.clone(), done.clone());
                    rt.spawn(move || {
                        time::sleep(Duration::from_micros(i));
                        done.fetch_add(1, Ordering::Relaxed);
                        // Half of them wait for the rest, too.
                        if i % 2 == 0 { group.wait() } else { drop(group) }
                    })
                })
                .collect();
            group.wait();
            assert_eq!(done.load(Ordering::Relaxed), 50);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }
        assert!(rt.shutdown(LONG));
    }
}
