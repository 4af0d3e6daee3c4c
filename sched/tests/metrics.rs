//! What the counts of a runtime say about simple programs.

mod settings;

use settings::{Count, LONG, hog_until, limited, migrating, runtime, until};
use sward_sched::{Metrics, WorkerMetrics, metrics, park, spawn, spawn_local, yield_now};

fn sum(metrics: &Metrics, of: fn(&WorkerMetrics) -> u64) -> u64 {
    metrics.workers.iter().map(of).sum()
}

fn unfinished(metrics: &Metrics) -> usize {
    metrics.workers.iter().map(|worker| worker.unfinished).sum()
}

#[test]
fn there_is_one_for_each_worker() {
    for workers in [1, 2, 4] {
        let rt = runtime(workers);
        assert_eq!(rt.metrics().workers.len(), workers);
        // From inside, those of the runtime that one is in.
        assert_eq!(rt.run(|| metrics().workers.len()), workers);
    }
}

#[test]
fn what_is_spawned_is_counted_where_it_comes_from() {
    limited(|| {
        for workers in [1, 2] {
            let rt = runtime(workers);
            rt.run(|| {
                for _ in 0..100 {
                    spawn(|| ()).join().unwrap();
                    spawn_local(|| ()).join().unwrap();
                }
            });
            for _ in 0..10 {
                rt.spawn(|| ()).join().unwrap();
            }
            let metrics = rt.metrics();
            assert_eq!(sum(&metrics, |worker| worker.spawned), 200);
            // One of them is `run`'s.
            assert_eq!(sum(&metrics, |worker| worker.injected), 11);
            assert!(sum(&metrics, |worker| worker.turns) >= 211);
            assert_eq!(sum(&metrics, |worker| worker.overflowed), 0);
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn what_others_wake_is_counted_where_it_arrives() {
    limited(|| {
        let rt = runtime(1);
        let parked = rt.spawn(|| (0..100).for_each(|_| park()));
        // A wake that comes too early is no arrival, but a token; each count is for one wake.
        let thread = parked.thread();
        until(|| {
            thread.unpark();
            parked.is_finished()
        });
        parked.join().unwrap();
        let inbox = sum(&rt.metrics(), |worker| worker.inbox);
        assert!((1..=100).contains(&inbox), "{inbox}");
        // Inside one worker nothing arrives.
        rt.run(|| spawn(|| ()).join().unwrap());
        let parked = rt.metrics();
        rt.run(|| {
            let partner = spawn(park);
            yield_now();
            partner.thread().unpark();
            partner.join().unwrap();
        });
        assert_eq!(sum(&rt.metrics(), |worker| worker.inbox), sum(&parked, |it| it.inbox));
    });
}

#[test]
fn what_others_take_over_is_counted_as_stolen() {
    limited(|| {
        let rt = runtime(2);
        rt.run(|| {
            let ran = Count::default();
            for _ in 0..100 {
                let ran = ran.clone();
                drop(spawn(move || ran.add()));
            }
            hog_until(|| ran.get() == 100);
        });
        let metrics = rt.metrics();
        assert!(sum(&metrics, |worker| worker.stolen) >= 100, "{metrics:?}");
        assert!(sum(&metrics, |worker| worker.searched) >= 1, "{metrics:?}");
        let one = runtime(1);
        one.run(|| (0..100).for_each(|_| spawn(yield_now).join().unwrap()));
        assert_eq!(sum(&one.metrics(), |worker| worker.stolen), 0);
    });
}

#[test]
fn the_unfinished_are_those_that_have_started() {
    limited(|| {
        for workers in [1, 2] {
            let rt = runtime(workers);
            let begun = Count::default();
            let parked: Vec<_> = (0..100)
                .map(|_| {
                    let begun = begun.clone();
                    rt.spawn(move || {
                        begun.add();
                        park();
                    })
                })
                .collect();
            until(|| begun.get() == 100);
            // The last may be counted a moment after it has begun.
            until(|| unfinished(&rt.metrics()) == 100);
            parked.iter().for_each(|thread| thread.thread().unpark());
            parked.into_iter().for_each(|thread| thread.join().unwrap());
            until(|| unfinished(&rt.metrics()) == 0);
            // Those that move are nobody's.
            let rt = migrating(workers);
            let moving = rt.spawn(park);
            assert_eq!(unfinished(&rt.metrics()), 0);
            moving.thread().unpark();
            moving.join().unwrap();
        }
    });
}

#[test]
fn idle_workers_are_counted_as_asleep() {
    limited(|| {
        let rt = runtime(2);
        until(|| rt.metrics().workers.iter().all(|worker| worker.slept > 0));
        // Stacks that are too many for a worker are handed on.
        let begun = Count::default();
        let parked: Vec<_> = (0..500)
            .map(|_| {
                let begun = begun.clone();
                rt.spawn(move || {
                    begun.add();
                    park();
                })
            })
            .collect();
        until(|| begun.get() == 500);
        parked.iter().for_each(|thread| thread.thread().unpark());
        parked.into_iter().for_each(|thread| thread.join().unwrap());
        until(|| sum(&rt.metrics(), |worker| worker.overflowed) > 0);
    });
}
