//! Nobody is starved: neither by threads that are always ready, nor by one that keeps its
//! worker, as far as others can take over.

mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use settings::{Count, LONG, hog_until, limited, migrates, os_thread, runtime, until};
use sward_sched::{
    Builder, JoinHandle, Placement, Runtime, checkpoint, current, metrics, park, spawn, time,
    yield_now,
};

/// Threads that are always ready, until they are told to stop.
struct Busy {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Busy {
    fn start(spawn_them: impl FnOnce(Arc<AtomicBool>) -> Vec<JoinHandle<()>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        Self { threads: spawn_them(stop.clone()), stop }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Release);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

fn is_over(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Acquire)
}

/// Everything that can become ready does, beside `busy` threads on each number of workers.
fn nothing_starves_beside(busy: fn(&Runtime, Arc<AtomicBool>) -> Vec<JoinHandle<()>>) {
    limited(move || {
        for workers in [1, 2] {
            let rt = runtime(workers);
            let busy = Busy::start(|stop| busy(&rt, stop));
            for _ in 0..5 {
                // Through the injector.
                assert_eq!(rt.spawn(|| 7).join().unwrap(), 7);
                rt.run(|| {
                    // Fresh ones, one and many.
                    assert_eq!(spawn(|| 7).join().unwrap(), 7);
                    let many: Vec<_> = (0..20).map(|i| spawn(move || i)).collect();
                    let sum: i32 = many.into_iter().map(|thread| thread.join().unwrap()).sum();
                    assert_eq!(sum, 190);
                    // Timers.
                    time::sleep(Duration::from_micros(100));
                    // Started ones.
                    let started = [Builder::new(), migrates()]
                        .map(|builder| builder.spawn(|| (0..20).for_each(|_| yield_now())));
                    started.into_iter().for_each(|thread| thread.join().unwrap());
                });
                // Those woken from outside.
                for parked in [rt.spawn(park), rt.run(|| migrates().spawn(park))] {
                    parked.thread().unpark();
                    parked.join().unwrap();
                }
            }
            busy.end();
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn a_yield_loop_starves_nobody() {
    nothing_starves_beside(|rt, stop| vec![rt.spawn(move || until(|| is_over(&stop)))]);
}

#[test]
fn yield_loops_of_threads_that_migrate_starve_nobody() {
    nothing_starves_beside(|rt, stop| {
        let busy = move || migrates().spawn(move || until(|| is_over(&stop)));
        rt.run(|| (0..3).map(|_| busy.clone()()).collect())
    });
}

#[test]
fn a_loop_of_checkpoints_starves_nobody() {
    nothing_starves_beside(|rt, stop| {
        let busy = move || {
            while !is_over(&stop) {
                checkpoint();
            }
        };
        (0..2).map(|_| rt.spawn(busy.clone())).collect()
    });
}

#[test]
fn two_that_wake_each_other_starve_nobody() {
    nothing_starves_beside(|rt, stop| {
        let ping = {
            let stop = stop.clone();
            rt.spawn(move || {
                while !is_over(&stop) {
                    park();
                }
            })
        };
        let partner = ping.thread();
        let pong = rt.spawn(move || {
            let me = current();
            while !is_over(&stop) {
                // It wakes the other, which runs next, and goes on after it.
                partner.unpark();
                let me = me.clone();
                drop(spawn(move || me.unpark()));
                park();
            }
            partner.unpark();
        });
        vec![ping, pong]
    });
}

#[test]
fn a_pair_that_parks_in_turn_starves_nobody() {
    nothing_starves_beside(|rt, stop| {
        let turn = Count::default();
        let (tell, told) = std::sync::mpsc::channel::<sward_sched::Thread>();
        let play = move |me: usize, turn: Count, stop: Arc<AtomicBool>| {
            move |partner: sward_sched::Thread| {
                while !is_over(&stop) {
                    while turn.get() % 2 != me && !is_over(&stop) {
                        park();
                    }
                    turn.add();
                    partner.unpark();
                }
                partner.unpark();
            }
        };
        let (first, second) = (play(0, turn.clone(), stop.clone()), play(1, turn, stop));
        let second = rt.spawn(move || second(told.recv().unwrap()));
        let partner = second.thread();
        let first = rt.spawn(move || first(partner));
        tell.send(first.thread()).unwrap();
        vec![first, second]
    });
}

#[test]
fn a_stream_of_fresh_threads_starves_nobody() {
    nothing_starves_beside(|rt, stop| {
        vec![rt.spawn(move || {
            while !is_over(&stop) {
                let threads: Vec<_> = (0..10).map(|_| spawn(|| ())).collect();
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            }
        })]
    });
}

/// How often a loop of `checkpoint` goes round until a neighbour on its worker has run.
fn checkpoints_until_it_runs(neighbour: impl FnOnce(Count) + Send + 'static) -> usize {
    let rt = runtime(1);
    rt.run(move || {
        let ran = Count::default();
        neighbour(ran.clone());
        let mut calls = 0;
        while ran.get() == 0 {
            checkpoint();
            calls += 1;
        }
        calls
    })
}

#[test]
fn a_loop_of_checkpoints_lets_a_neighbour_run_after_some_hundred() {
    limited(|| {
        let fresh = checkpoints_until_it_runs(|ran| drop(spawn(move || ran.add())));
        let started = checkpoints_until_it_runs(|ran| {
            let begun = Count::default();
            let flag = begun.clone();
            let parked = spawn(move || {
                flag.add();
                park();
                ran.add();
            });
            until(|| begun.get() == 1);
            parked.thread().unpark();
        });
        assert!(fresh < 10_000 && started < 10_000, "{fresh}, {started}");
    });
}

#[test]
fn threads_behind_one_that_keeps_its_worker_begin_on_another() {
    limited(|| {
        for count in [1, 2, 50] {
            let rt = runtime(2);
            rt.run(|| {
                let ran = Count::default();
                for _ in 0..count {
                    let ran = ran.clone();
                    drop(spawn(move || ran.add()));
                }
                let hog = {
                    let ran = ran.clone();
                    // The newest: it begins first, here or elsewhere, and ends last.
                    spawn(move || {
                        let children = ran.clone();
                        drop(spawn(move || children.add()));
                        hog_until(|| ran.get() == count + 1);
                    })
                };
                hog.join().unwrap();
            });
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn threads_from_outside_begin_on_the_worker_that_is_not_kept() {
    limited(|| {
        let rt = runtime(2);
        let ran = Count::default();
        let all = ran.clone();
        let hog = rt.spawn(move || hog_until(|| all.get() == 100));
        for _ in 0..100 {
            let ran = ran.clone();
            drop(rt.spawn(move || ran.add()));
        }
        hog.join().unwrap();
        assert!(rt.shutdown(LONG));
    });
}

#[test]
fn threads_dealt_out_to_a_worker_that_is_kept_begin_all_the_same() {
    limited(|| {
        let rt = runtime(2);
        rt.run(|| {
            let here = os_thread();
            let begun = Count::default();
            // A hog on the other worker.
            // A hog on the other worker: this one is kept until it has begun.
            let hog = {
                let all = begun.clone();
                let started = Count::default();
                let flag = started.clone();
                let hog = spawn(move || {
                    flag.add();
                    hog_until(|| all.get() == 8);
                    os_thread()
                });
                hog_until(|| started.get() == 1);
                hog
            };
            let parked: Vec<_> = (0..8)
                .map(|_| {
                    let begun = begun.clone();
                    spawn(move || {
                        begun.add();
                        park();
                    })
                })
                .collect();
            until(|| begun.get() == 8);
            assert_ne!(hog.join().unwrap(), here);
            for parked in parked {
                parked.thread().unpark();
                parked.join().unwrap();
            }
        });
        assert!(rt.shutdown(LONG));
    });
}

#[test]
fn a_turn_that_takes_too_long_is_counted() {
    limited(|| {
        for workers in [1, 2] {
            let rt = runtime(workers);
            let overran = || metrics().workers.iter().map(|worker| worker.overran).sum::<u64>();
            rt.run(|| {
                let before = overran();
                hog_until(|| overran() > before);
                // One turn, one count, however long it goes on.
                let after = overran();
                let clock = std::time::Instant::now();
                hog_until(|| clock.elapsed() > Duration::from_millis(50));
                assert_eq!(overran(), after);
            });
            assert!(rt.metrics().workers.iter().any(|worker| worker.overran > 0));
        }
    });
}

#[test]
fn children_placed_with_a_parent_that_goes_on_wait_for_it() {
    limited(|| {
        let rt = runtime(2);
        rt.run(|| {
            let ran = Count::default();
            let counted = ran.clone();
            let child =
                Builder::new().placement(Placement::WithParent).spawn(move || counted.add());
            // Others are free to run, this one is not to be taken away.
            let other = spawn(|| ());
            hog_until(|| other.is_finished());
            assert_eq!(ran.get(), 0);
            child.join().unwrap();
        });
    });
}
