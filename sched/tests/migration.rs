//! Threads that migrate: they go on wherever there is time, with all that is theirs.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

mod settings;

use std::panic::{catch_unwind, panic_any, resume_unwind};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use settings::{
    Count, LONG, hog_until, limited, migrates, migrating, os_thread, panicking, runtime, until,
};
use sward_sched::{
    JoinHandle, Placement, Runtime, current, park, spawn, spawn_local, time, unblock, yield_now,
};

const WORKERS: [usize; 3] = [1, 2, 4];

/// Runs `hog` on one worker of `rt`, where it stays, and gives it a way to start migrating
/// threads on that same worker.
fn with_hog<T: Send + 'static>(rt: &Runtime, hog: impl FnOnce() -> T + Send + 'static) -> T {
    rt.run(|| spawn_local(hog).join().unwrap())
}

/// A migrating thread that begins on the worker of the one that calls this.
fn begin_here<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    migrates().placement(Placement::WithParent).spawn(f)
}

#[test]
fn started_threads_get_on_elsewhere_while_their_worker_is_kept() {
    limited(|| {
        for rt in [migrating(2), migrating(4), runtime(2), runtime(4)] {
            let moved = with_hog(&rt, || {
                let here = os_thread();
                let (begun, went_on) = (Count::default(), Count::default());
                let threads: Vec<_> = (0..20)
                    .map(|_| {
                        let (begun, went_on) = (begun.clone(), went_on.clone());
                        begin_here(move || {
                            let first = os_thread();
                            begun.add();
                            park();
                            let second = os_thread();
                            went_on.add();
                            (first, second)
                        })
                    })
                    .collect();
                until(|| begun.get() == 20);
                // They are made runnable here, and this worker does not come to them.
                threads.iter().for_each(|thread| thread.thread().unpark());
                hog_until(|| went_on.get() == 20);
                let places: Vec<_> = threads.into_iter().map(|it| it.join().unwrap()).collect();
                places.iter().filter(|place| **place != (here, here)).count()
            });
            assert_eq!(moved, 20);
        }
    });
}

#[test]
fn a_timer_is_fired_although_the_worker_that_set_it_is_kept() {
    limited(|| {
        for rt in [migrating(2), runtime(2)] {
            with_hog(&rt, || {
                let (begun, awake) = (Count::default(), Count::default());
                let threads: Vec<_> = (0..20)
                    .map(|i| {
                        let (begun, awake) = (begun.clone(), awake.clone());
                        begin_here(move || {
                            begun.add();
                            time::sleep(Duration::from_micros(i * 100 + 1));
                            awake.add();
                        })
                    })
                    .collect();
                until(|| begun.get() == 20);
                hog_until(|| awake.get() == 20);
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
        }
    });
}

/// Recurses, and blocks at the bottom and on the way back.
fn walk(depth: u64, seed: u64, block: &mut dyn FnMut()) -> u64 {
    let mut mine: [u64; 16] = std::array::from_fn(|i| seed.wrapping_mul(i as u64 + depth));
    let below = if depth == 0 { 0 } else { walk(depth - 1, seed, block) };
    let first = &raw const mine[0];
    block();
    assert_eq!(first, &raw const mine[0]);
    mine.iter_mut().for_each(|number| *number ^= below);
    block();
    let expected: u64 = (0..16)
        .fold(0, |sum, i| sum ^ (seed.wrapping_mul(i + depth) ^ below).rotate_left(i as u32));
    let found = mine.iter().zip(0..).fold(0, |sum, (number, i)| sum ^ number.rotate_left(i));
    assert_eq!(found, expected);
    found
}

#[test]
fn a_stack_keeps_its_contents_wherever_it_goes() {
    limited(|| {
        for workers in WORKERS {
            let rt = migrating(workers);
            let moves = Count::default();
            let threads: Vec<_> = (0..100u64)
                .map(|seed| {
                    let moves = moves.clone();
                    rt.spawn(move || {
                        let expected = walk(20, seed, &mut || {});
                        let mut turn = seed;
                        let mut place = os_thread();
                        let got = walk(20, seed, &mut || {
                            turn += 1;
                            match turn % 8 {
                                0 => assert_eq!(unblock(move || turn), turn),
                                1 => time::sleep(Duration::from_micros(30)),
                                2 => {
                                    let me = current();
                                    drop(spawn(move || me.unpark()));
                                    park();
                                }
                                3 => assert_eq!(spawn(|| 7).join().unwrap(), 7),
                                _ => yield_now(),
                            }
                            if place != os_thread() {
                                place = os_thread();
                                moves.add();
                            }
                        });
                        assert_eq!(got, expected);
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(workers > 1 || moves.get() == 0);
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn a_panic_after_a_move_has_its_payload_and_runs_destructors() {
    limited(|| {
        let rt = migrating(2);
        let dropped = Count::default();
        let counted = dropped.clone();
        with_hog(&rt, move || {
            let hogged = os_thread();
            let (begun, went_on) = (Count::default(), Count::default());
            let threads: Vec<_> = (0..20)
                .map(|i| {
                    let (begun, went_on) = (begun.clone(), went_on.clone());
                    let counted = counted.on_drop();
                    begin_here(move || {
                        let caught = catch_unwind(|| {
                            begun.add();
                            park();
                            went_on.add();
                            assert_ne!(os_thread(), hogged);
                            resume_unwind(Box::new(i));
                        });
                        let caught: i32 = *caught.unwrap_err().downcast().unwrap();
                        assert!(!panicking());
                        drop(counted);
                        resume_unwind(Box::new(caught))
                    })
                })
                .collect::<Vec<JoinHandle<()>>>();
            until(|| begun.get() == 20);
            threads.iter().for_each(|thread| thread.thread().unpark());
            hog_until(|| went_on.get() == 20);
            for (i, thread) in threads.into_iter().enumerate() {
                let panic = thread.join().unwrap_err().into_panic();
                assert_eq!(*panic.downcast::<i32>().unwrap(), i as i32);
            }
        });
        assert_eq!(dropped.get(), 20);
        let error = rt.spawn(|| panic_any("said aloud")).join().unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "said aloud");
    });
}

/// Parks when it is dropped, and says where it began and went on.
struct Moves {
    begun: Count,
    went_on: Count,
    places: Arc<Mutex<Vec<(ThreadId, ThreadId)>>>,
}

impl Drop for Moves {
    fn drop(&mut self) {
        let first = os_thread();
        assert!(panicking());
        self.begun.add();
        park();
        assert!(panicking());
        self.places.lock().unwrap().push((first, os_thread()));
        self.went_on.add();
    }
}

#[test]
fn a_thread_may_move_while_it_panics() {
    limited(|| {
        for rt in [migrating(2), migrating(4)] {
            let places = Arc::new(Mutex::new(Vec::new()));
            for _ in 0..5 {
                let seen = places.clone();
                with_hog(&rt, move || {
                    let (begun, went_on) = (Count::default(), Count::default());
                    let lock = Arc::new(Mutex::new(()));
                    let threads: Vec<_> = (0..10)
                        .map(|_| {
                            let (begun, went_on) = (begun.clone(), went_on.clone());
                            let places = seen.clone();
                            begin_here(move || {
                                let _moves = Moves { begun, went_on, places };
                                resume_unwind(Box::new("silent"));
                            })
                        })
                        .collect::<Vec<JoinHandle<()>>>();
                    until(|| begun.get() == 10);
                    assert!(!panicking());
                    threads.iter().for_each(|thread| thread.thread().unpark());
                    hog_until(|| went_on.get() == 10);
                    for thread in threads {
                        assert!(thread.join().unwrap_err().is_panic());
                        assert!(!panicking());
                        drop(lock.lock().unwrap());
                    }
                    // Nothing of it is left at either place.
                    let others: Vec<_> = (0..50)
                        .map(|_| {
                            let lock = lock.clone();
                            spawn(move || {
                                for _ in 0..10 {
                                    assert!(!panicking());
                                    drop(lock.lock().unwrap());
                                    yield_now();
                                }
                            })
                        })
                        .collect();
                    others.into_iter().for_each(|other| other.join().unwrap());
                });
            }
            // (The hog may itself have moved before it began.)
            assert!(places.lock().unwrap().iter().any(|(first, second)| first != second));
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn neighbours_of_panicking_threads_that_move_see_nothing_of_it() {
    struct Blocks;
    impl Drop for Blocks {
        fn drop(&mut self) {
            for i in 0..10 {
                match i % 3 {
                    0 => time::sleep(Duration::from_micros(20)),
                    _ => yield_now(),
                }
                assert!(panicking());
            }
        }
    }
    limited(|| {
        for workers in WORKERS {
            let rt = migrating(workers);
            let lock = Arc::new(Mutex::new(0));
            let threads: Vec<_> = (0..100)
                .map(|i| {
                    let lock = lock.clone();
                    rt.spawn(move || {
                        if i % 2 == 0 {
                            let _blocks = Blocks;
                            resume_unwind(Box::new(()));
                        }
                        for _ in 0..50 {
                            assert!(!panicking());
                            *lock.lock().unwrap() += 1;
                            yield_now();
                        }
                    })
                })
                .collect();
            for (i, thread) in threads.into_iter().enumerate() {
                assert_eq!(thread.join().is_err(), i % 2 == 0);
            }
            assert_eq!(*lock.lock().unwrap(), 50 * 50);
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn joiners_may_be_os_threads_and_threads_of_another_runtime() {
    limited(|| {
        let (rt, other) = (migrating(2), migrating(2));
        let waiting = |i: u64| {
            move || {
                time::sleep(Duration::from_micros(i * 7 % 300));
                yield_now();
                i
            }
        };
        let for_os: Vec<_> = (0..200).map(|i| rt.spawn(waiting(i))).collect();
        let for_other: Vec<_> = (0..200).map(|i| rt.spawn(waiting(i))).collect();
        let joiners: Vec<_> = for_other
            .into_iter()
            .map(|handle| {
                other.spawn(move || {
                    yield_now();
                    handle.join().unwrap()
                })
            })
            .collect();
        let os: u64 = std::thread::scope(|scope| {
            let mut halves = for_os.into_iter();
            let first: Vec<_> = halves.by_ref().take(100).collect();
            let second: Vec<_> = halves.collect();
            let halves = [first, second].map(|half| {
                scope.spawn(|| half.into_iter().map(|it| it.join().unwrap()).sum::<u64>())
            });
            halves.into_iter().map(|half| half.join().unwrap()).sum()
        });
        assert_eq!(os, 199 * 100);
        assert_eq!(joiners.into_iter().map(|it| it.join().unwrap()).sum::<u64>(), 199 * 100);
        assert!(rt.shutdown(LONG) && other.shutdown(LONG));
    });
}

#[test]
fn migrating_and_sticky_threads_live_together() {
    limited(|| {
        for workers in WORKERS {
            let rt = runtime(workers);
            let threads: Vec<_> = rt.run(|| {
                (0..200u64)
                    .map(|i| {
                        let f = move || {
                            let home = os_thread();
                            for round in 0..20 {
                                match (i + round) % 4 {
                                    0 => yield_now(),
                                    1 => time::sleep(Duration::from_micros(20)),
                                    2 => {
                                        let me = current();
                                        drop(migrates().spawn(move || me.unpark()));
                                        park();
                                    }
                                    _ => {
                                        let me = current();
                                        drop(spawn(move || me.unpark()));
                                        park();
                                    }
                                }
                                assert!(i % 2 == 0 || os_thread() == home);
                            }
                            i
                        };
                        if i % 2 == 0 { migrates().spawn(f) } else { spawn(f) }
                    })
                    .collect()
            });
            let sum: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            assert_eq!(sum, 199 * 100);
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn no_unpark_of_a_storm_is_lost() {
    const ROUNDS: usize = 300;
    limited(|| {
        for workers in WORKERS {
            let (rt, other) = (migrating(workers), runtime(1));
            // Each must see all that its wakers have counted; a lost wake-up would leave it
            // parked.
            let counts: Vec<_> = (0..20).map(|_| Count::default()).collect();
            let parking: Vec<_> = counts
                .iter()
                .map(|count| {
                    let count = count.clone();
                    rt.spawn(move || {
                        let mut parks = 0;
                        while count.get() < 5 * ROUNDS {
                            park();
                            parks += 1;
                        }
                        assert!(parks <= 5 * ROUNDS + 1);
                    })
                })
                .collect();
            let threads: Vec<_> = parking.iter().map(|it| it.thread()).collect();
            let wake = move || {
                for _ in 0..ROUNDS {
                    for (count, thread) in counts.iter().zip(&threads) {
                        count.add();
                        thread.unpark();
                    }
                    yield_now();
                }
            };
            let os = [wake.clone(), wake.clone()].map(std::thread::spawn);
            let green = [rt.spawn(wake.clone()), rt.spawn(wake.clone()), other.spawn(wake)];
            green.into_iter().for_each(|waker| waker.join().unwrap());
            os.into_iter().for_each(|waker| waker.join().unwrap());
            parking.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(rt.shutdown(LONG));
        }
    });
}
