//! Where threads begin, and how evenly.

mod settings;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::ThreadId;
use std::time::Duration;

use settings::{Count, LONG, limited, migrating, os_thread, runtime, until};
use sward_sched::{Builder, JoinHandle, Placement, Runtime, park, spawn, time, yield_now};

/// Where `count` children of one parent that park at once have begun, by worker.
fn places(rt: &Runtime, count: usize, builder: fn() -> Builder) -> HashMap<ThreadId, usize> {
    let places = rt.run(|| {
        let begun = Count::default();
        let threads: Vec<_> = (0..count)
            .map(|_| {
                let begun = begun.clone();
                builder().spawn(move || {
                    let place = os_thread();
                    begun.add();
                    park();
                    assert_eq!(os_thread(), place);
                    place
                })
            })
            .collect();
        until(|| begun.get() == count);
        let wake = |thread: JoinHandle<ThreadId>| {
            thread.thread().unpark();
            thread.join().unwrap()
        };
        threads.into_iter().map(wake).collect::<Vec<_>>()
    });
    let mut counts = HashMap::new();
    places.into_iter().for_each(|place| *counts.entry(place).or_insert(0) += 1);
    counts
}

// While a worker gets no processor others take its fresh threads, and where those begin they
// stay. So on a machine that does other things, too, only what happens between that counts.

#[test]
fn children_that_wait_at_once_are_shared_out_evenly() {
    limited(|| {
        let evenly = |_| {
            let counts = places(&runtime(2), 1000, Builder::new);
            assert_eq!(counts.values().sum::<usize>(), 1000);
            counts.values().all(|count| (450..=550).contains(count))
        };
        assert!((0..300).any(evenly));
    });
}

#[test]
fn a_few_children_that_wait_use_both_workers() {
    limited(|| {
        for count in [2, 4, 8] {
            // On a runtime that is cold, and on one that is warm.
            let warm = runtime(2);
            let evenly = |i| {
                let cold = runtime(2);
                let rt = if i % 2 == 0 { &cold } else { &warm };
                let counts = places(rt, count, Builder::new);
                counts.len() == 2 && counts.values().all(|it| it.abs_diff(count / 2) <= 1)
            };
            assert!((0..100).any(evenly), "{count}");
        }
    });
}

#[test]
fn children_placed_with_their_parent_begin_there() {
    fn with_parent() -> Builder {
        Builder::new().placement(Placement::WithParent)
    }
    limited(|| {
        for workers in [1, 2, 4] {
            let rt = runtime(workers);
            let parents: Vec<_> = (0..20)
                .map(|_| {
                    rt.spawn(|| {
                        let here = os_thread();
                        let begin = |_| {
                            with_parent().spawn(|| {
                                let place = os_thread();
                                let inner = with_parent().spawn(os_thread).join().unwrap();
                                assert_eq!(inner, place);
                                time::sleep(Duration::from_micros(10));
                                place
                            })
                        };
                        let children: Vec<_> = (0..20).map(begin).collect();
                        for child in children {
                            assert_eq!(child.join().unwrap(), here);
                        }
                    })
                })
                .collect();
            parents.into_iter().for_each(|parent| parent.join().unwrap());
            assert_eq!(places(&rt, 100, with_parent).len(), 1);
        }
    });
}

#[test]
fn with_a_parent_that_is_no_green_thread_they_begin_anywhere() {
    let placed = Builder::new().placement(Placement::WithParent).spawn(|| 7);
    assert_eq!(placed.join().unwrap(), 7);
}

#[test]
fn dealing_out_goes_on_for_many_parents_at_the_same_time() {
    limited(|| {
        for workers in [2, 4] {
            let rt = runtime(workers);
            // More parents than each worker keeps apart.
            let parents: Vec<_> = (0..200u64)
                .map(|parent| {
                    rt.spawn(move || {
                        let children: Vec<_> = (0..8u64)
                            .map(|child| {
                                spawn(move || {
                                    park();
                                    yield_now();
                                    parent * child
                                })
                            })
                            .collect();
                        yield_now();
                        let wake = |child: JoinHandle<u64>| {
                            child.thread().unpark();
                            child.join().unwrap()
                        };
                        assert_eq!(children.into_iter().map(wake).sum::<u64>(), parent * 28);
                    })
                })
                .collect();
            parents.into_iter().for_each(|parent| parent.join().unwrap());
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn no_thread_is_lost_when_a_shutdown_comes_while_they_are_dealt_out() {
    limited(|| {
        for round in 0..40u64 {
            let rt = if round % 4 == 3 { migrating(2) } else { runtime(2 + round as usize % 3) };
            let (give, handles) = mpsc::channel();
            let (dropped, spawned) = (Count::default(), Count::default());
            let over = Arc::new(AtomicBool::new(false));
            for _ in 0..2 {
                let (give, counted, spawned) = (give.clone(), dropped.clone(), spawned.clone());
                let over = over.clone();
                drop(rt.spawn(move || {
                    let mut rounds = 0..40;
                    while !over.load(Ordering::Relaxed) && rounds.next().is_some() {
                        // The first that waits makes the others be dealt out.
                        for _ in 0..20 {
                            spawned.add();
                            let counted = counted.on_drop();
                            let child = spawn(move || {
                                let _counted = counted;
                                park();
                            });
                            give.send(child).unwrap();
                        }
                        yield_now();
                    }
                }));
            }
            until(|| spawned.get() as u64 > round * 20);
            let flag = over.clone();
            let ending = std::thread::spawn(move || {
                let in_time = rt.shutdown(LONG);
                assert!(in_time);
            });
            // Some are spawned after the runtime has begun to close.
            let seen = spawned.get();
            until(|| spawned.get() > seen + 40 || ending.is_finished());
            flag.store(true, Ordering::Relaxed);
            drop(give);
            ending.join().unwrap();
            let handles: Vec<JoinHandle<()>> = handles.try_iter().collect();
            assert_eq!(handles.len(), spawned.get());
            assert!(handles.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
            assert_eq!(dropped.get(), spawned.get());
        }
    });
}
