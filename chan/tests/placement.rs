//! Where threads that first wait at a channel begin.

mod settings;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;

use settings::{limited, runtime, until};
use sward_chan::{Receiver, bounded};
use sward_sched::{Builder, Placement, Runtime, spawn};

/// Where the threads of a pool that first wait for jobs have begun.
fn pool(rt: &Runtime, threads: usize, capacity: usize) -> Vec<ThreadId> {
    rt.run(|| {
        let (jobs, todo): (_, Receiver<u64>) = bounded(capacity);
        let begun = Arc::new(AtomicUsize::new(0));
        let pool: Vec<_> = (0..threads)
            .map(|_| {
                let (todo, begun) = (todo.clone(), begun.clone());
                spawn(move || {
                    begun.fetch_add(1, Ordering::Relaxed);
                    let sum: u64 = todo.iter().sum();
                    (std::thread::current().id(), sum)
                })
            })
            .collect();
        drop(todo);
        until(|| begun.load(Ordering::Relaxed) == threads);
        (0..100).for_each(|job| jobs.send(job).unwrap());
        drop(jobs);
        let ends: Vec<_> = pool.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ends.iter().map(|(_, sum)| sum).sum::<u64>(), 99 * 50);
        ends.into_iter().map(|(place, _)| place).collect()
    })
}

// While a worker gets no processor others take its fresh threads, and where those begin they
// stay: so not every time on a machine that does other things, too.
#[test]
fn a_pool_that_waits_for_jobs_uses_both_workers() {
    limited(|| {
        for (threads, capacity) in [(2, 16), (4, 16), (8, 16), (2, 0), (4, 0), (8, 0)] {
            let evenly = |_| {
                let places = pool(&runtime(2), threads, capacity);
                let first = places.iter().filter(|place| **place == places[0]).count();
                places.iter().collect::<HashSet<_>>().len() == 2 && first.abs_diff(threads / 2) <= 1
            };
            assert!((0..100).any(evenly), "{threads} of them");
        }
    });
}

#[test]
fn a_pair_placed_with_its_parent_is_together() {
    limited(|| {
        let rt = runtime(2);
        for _ in 0..50 {
            rt.run(|| {
                let here = std::thread::current().id();
                let (sender, receiver) = bounded(0);
                let with_parent = || Builder::new().placement(Placement::WithParent);
                let taker = with_parent()
                    .spawn(move || (std::thread::current().id(), receiver.iter().sum::<u32>()));
                let giver = with_parent().spawn(move || {
                    (0..10).for_each(|i| sender.send(i).unwrap());
                    std::thread::current().id()
                });
                assert_eq!(giver.join().unwrap(), here);
                assert_eq!(taker.join().unwrap(), (here, 45));
            });
        }
    });
}
