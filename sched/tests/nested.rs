//! Several runtimes: one inside another, and threads of one that wait for threads of the
//! other.

mod settings;

use std::time::Duration;

use settings::{Count, LONG, limited, migrates, migrating, os_thread, runtime, until};
use sward_sched::{
    Builder, JoinHandle, Runtime, current, metrics, park, run, spawn, spawn_local, time, unblock,
    yield_now,
};

/// Each kind of runtime together with each.
fn for_each_pair(test: fn(Runtime, Runtime)) {
    limited(move || {
        let kinds: [fn() -> Runtime; 4] =
            [|| runtime(1), || runtime(2), || migrating(1), || migrating(2)];
        for outer in kinds {
            for inner in kinds {
                test(outer(), inner());
            }
        }
    });
}

#[test]
fn a_runtime_is_built_used_and_dropped_inside_a_thread_of_another() {
    limited(|| {
        for outer in [runtime(1), runtime(2), migrating(2)] {
            let threads: Vec<_> = (0..10u64)
                .map(|i| {
                    outer.spawn(move || {
                        let inner = if i % 2 == 0 { runtime(2) } else { migrating(2) };
                        let parked = inner.spawn(park);
                        let handles: Vec<_> = (0..20)
                            .map(|j| {
                                inner.spawn(move || {
                                    time::sleep(Duration::from_micros(10 * j));
                                    i * j
                                })
                            })
                            .collect();
                        let sum: u64 = inner.run(|| {
                            yield_now();
                            handles.into_iter().map(|handle| handle.join().unwrap()).sum()
                        });
                        if i % 3 == 0 {
                            drop(inner)
                        } else {
                            assert!(inner.shutdown(LONG))
                        }
                        assert!(parked.join().unwrap_err().is_cancelled());
                        // This thread's own is where it was.
                        assert_eq!(spawn(|| 7).join().unwrap(), 7);
                        assert_eq!(sum, i * 190);
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(outer.shutdown(LONG));
        }
    });
}

#[test]
fn threads_of_one_join_threads_of_the_other() {
    for_each_pair(|a, b| {
        let threads: Vec<_> = (0..100u64)
            .map(|i| {
                let inner = b.spawn(move || {
                    match i % 3 {
                        0 => yield_now(),
                        1 => time::sleep(Duration::from_micros(i)),
                        _ => assert_eq!(unblock(move || i), i),
                    }
                    i
                });
                let outer = a.spawn(move || inner.join().unwrap());
                b.spawn(move || outer.join().unwrap())
            })
            .collect();
        let sum: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, 99 * 50);
        assert!(a.shutdown(LONG) && b.shutdown(LONG));
    });
}

#[test]
fn threads_of_two_runtimes_unpark_each_other() {
    const ROUNDS: usize = 200;
    /// Takes turns with `partner`: `me` is 0 or 1.
    fn play(me: usize, turn: &Count, partner: &sward_sched::Thread) {
        for round in 0..ROUNDS {
            while turn.get() != 2 * round + me {
                park();
            }
            turn.add();
            partner.unpark();
        }
    }
    for_each_pair(|a, b| {
        let pairs: Vec<_> = (0..5)
            .map(|_| {
                let turn = Count::default();
                let (tell, told) = std::sync::mpsc::channel();
                let theirs = turn.clone();
                // It is told before it begins to matter: the first turn is the other's.
                let second = b.spawn(move || {
                    let partner = unblock(move || told.recv().unwrap());
                    play(1, &theirs, &partner);
                });
                let partner = second.thread();
                let first = a.spawn(move || play(0, &turn, &partner));
                tell.send(first.thread()).unwrap();
                [first, second]
            })
            .collect();
        pairs.into_iter().flatten().for_each(|thread: JoinHandle<()>| thread.join().unwrap());
        assert!(a.shutdown(LONG) && b.shutdown(LONG));
    });
}

#[test]
fn a_runtime_may_end_while_the_others_threads_wake_its_own() {
    limited(|| {
        for round in 0..30 {
            let a = if round % 2 == 0 { runtime(2) } else { migrating(2) };
            let b = if round % 3 == 0 { migrating(2) } else { runtime(1) };
            let (begun, dropped) = (Count::default(), Count::default());
            let parked: Vec<_> = (0..50)
                .map(|_| {
                    let (begun, counted) = (begun.clone(), dropped.on_drop());
                    b.spawn(move || {
                        let _counted = counted;
                        begun.add();
                        loop {
                            park();
                        }
                    })
                })
                .collect::<Vec<JoinHandle<()>>>();
            let over = Count::default();
            let wakers: Vec<_> = (0..3)
                .map(|_| {
                    let threads: Vec<_> = parked.iter().map(JoinHandle::thread).collect();
                    let over = over.clone();
                    a.spawn(move || {
                        while over.get() == 0 {
                            threads.iter().for_each(|thread| thread.unpark());
                            yield_now();
                        }
                    })
                })
                .collect();
            until(|| begun.get() == 50);
            // By a thread of the first, every other time.
            let in_time = if round % 4 < 2 {
                b.shutdown(LONG)
            } else {
                a.spawn(move || b.shutdown(LONG)).join().unwrap()
            };
            over.add();
            wakers.into_iter().for_each(|waker| waker.join().unwrap());
            assert!(in_time);
            assert_eq!(dropped.get(), 50);
            assert!(parked.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
            assert!(a.shutdown(LONG));
        }
    });
}

#[test]
fn everything_belongs_to_the_runtime_that_it_is_called_on() {
    for_each_pair(|a, b| {
        let (one, two) = (a.metrics().workers.len(), b.metrics().workers.len());
        a.run(|| {
            assert_eq!(metrics().workers.len(), one);
            // Into the other and back again, with borrows of all their stacks.
            let words = ["a", "b"];
            let text = b.run(|| {
                assert_eq!(metrics().workers.len(), two);
                let here = spawn_local(os_thread).join().unwrap();
                let inner = Builder::new().name("inner").spawn(|| current().name().map(str::len));
                assert_eq!(inner.join().unwrap(), Some(5));
                let text = a.run(|| {
                    yield_now();
                    assert_eq!(metrics().workers.len(), one);
                    assert_ne!(os_thread(), here);
                    run(|| words.concat())
                });
                assert_eq!(migrates().spawn(|| 7).join().unwrap(), 7);
                text
            });
            assert_eq!(text, "ab");
            assert_eq!(metrics().workers.len(), one);
        });
        assert!(a.shutdown(LONG) && b.shutdown(LONG));
    });
}
