//! A shutdown finds threads that migrate, wherever they are at that moment.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

mod settings;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use settings::{Count, LONG, limited, migrating, until};
use sward_sched::{JoinHandle, park, spawn, time, yield_now};

const WORKERS: [usize; 3] = [1, 2, 4];

#[test]
fn a_shutdown_unwinds_thousands_that_are_parked() {
    limited(|| {
        for workers in WORKERS {
            let rt = migrating(workers);
            let (begun, dropped) = (Count::default(), Count::default());
            let handles: Vec<_> = (0..2000)
                .map(|i| {
                    let (begun, counted) = (begun.clone(), dropped.on_drop());
                    rt.spawn(move || {
                        let _counted = counted;
                        begun.add();
                        match i % 3 {
                            0 => time::sleep(Duration::from_secs(10_000)),
                            1 => {
                                // Ended by the shutdown, perhaps before this one waits for it.
                                drop(spawn(park).join());
                                park();
                            }
                            _ => park(),
                        }
                    })
                })
                .collect();
            until(|| begun.get() == 2000);
            assert!(rt.shutdown(LONG));
            assert_eq!(dropped.get(), 2000);
            assert!(handles.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
        }
    });
}

#[test]
fn a_shutdown_finds_threads_that_others_wake_at_that_moment() {
    limited(|| {
        for round in 0..9 {
            let rt = migrating(WORKERS[round % 3]);
            let (begun, dropped) = (Count::default(), Count::default());
            let handles: Vec<_> = (0..300)
                .map(|_| {
                    let (begun, counted) = (begun.clone(), dropped.on_drop());
                    rt.spawn(move || {
                        let _counted = counted;
                        begun.add();
                        loop {
                            park();
                        }
                    })
                })
                .collect::<Vec<JoinHandle<()>>>();
            let threads: Vec<_> = handles.iter().map(JoinHandle::thread).collect();
            let over = Arc::new(AtomicBool::new(false));
            let wakers = [0, 1].map(|_| {
                let (threads, over) = (threads.clone(), over.clone());
                std::thread::spawn(move || {
                    while !over.load(Ordering::Relaxed) {
                        threads.iter().for_each(|thread| thread.unpark());
                    }
                })
            });
            until(|| begun.get() == 300);
            let in_time = rt.shutdown(LONG);
            over.store(true, Ordering::Relaxed);
            wakers.into_iter().for_each(|waker| waker.join().unwrap());
            assert!(in_time);
            assert_eq!(dropped.get(), 300);
            assert!(handles.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
        }
    });
}

#[test]
fn a_shutdown_comes_through_a_chain_of_wakes() {
    limited(|| {
        for round in 0..9 {
            let rt = migrating(WORKERS[round % 3]);
            let (turns, dropped) = (Count::default(), Count::default());
            let next: Arc<Mutex<Vec<sward_sched::Thread>>> = Arc::default();
            let handles: Vec<_> = (0..500)
                .map(|i| {
                    let (turns, counted) = (turns.clone(), dropped.on_drop());
                    let next = next.clone();
                    rt.spawn(move || {
                        let _counted = counted;
                        loop {
                            park();
                            turns.add();
                            let thread = next.lock().unwrap()[(i + 1) % 500].clone();
                            thread.unpark();
                            if turns.get() % 7 == 0 {
                                yield_now();
                            }
                        }
                    })
                })
                .collect::<Vec<JoinHandle<()>>>();
            *next.lock().unwrap() = handles.iter().map(JoinHandle::thread).collect();
            // Some chains at the same time.
            handles.iter().step_by(50).for_each(|handle| handle.thread().unpark());
            until(|| turns.get() > 1000 + 50 * round);
            assert!(rt.shutdown(LONG));
            assert_eq!(dropped.get(), 500);
            assert!(handles.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
        }
    });
}

#[test]
fn a_shutdown_waits_for_destructors_that_block_and_move() {
    struct Lingers(Count);
    impl Drop for Lingers {
        fn drop(&mut self) {
            time::sleep(Duration::from_micros(50));
            yield_now();
            spawn(|| ()).join().unwrap_err();
            time::sleep(Duration::from_micros(50));
            self.0.add();
        }
    }
    limited(|| {
        for workers in WORKERS {
            let rt = migrating(workers);
            let (begun, dropped) = (Count::default(), Count::default());
            let handles: Vec<_> = (0..200)
                .map(|_| {
                    let (begun, lingers) = (begun.clone(), Lingers(dropped.clone()));
                    rt.spawn(move || {
                        let _lingers = lingers;
                        begun.add();
                        park();
                    })
                })
                .collect();
            until(|| begun.get() == 200);
            assert!(rt.shutdown(LONG));
            assert_eq!(dropped.get(), 200);
            assert!(handles.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
        }
    });
}
