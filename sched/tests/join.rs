//! Handles: joined, dropped, or left by a joiner that is cancelled, at any moment and from
//! anywhere; and the memory of what they hold.

mod settings;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};

use settings::{Count, Counted, LONG, limited, migrating, runtime, until};
use sward_sched::{JoinHandle, Runtime, park, spawn, time, yield_now};

fn on_every_runtime(test: fn(&Runtime)) {
    limited(move || {
        for rt in [runtime(1), runtime(2), migrating(2)] {
            test(&rt);
            assert!(rt.shutdown(LONG));
        }
    });
}

/// A thread that finishes in a moment, with a result that counts its end.
fn short(rt: &Runtime, seed: u64, dropped: &Count) -> JoinHandle<Counted> {
    let result = dropped.on_drop();
    rt.spawn(move || {
        match seed % 4 {
            0 => {}
            1 => yield_now(),
            _ => time::sleep(Duration::from_micros(seed * 13 % 200)),
        }
        result
    })
}

#[test]
fn a_joiner_may_be_cancelled_while_the_other_finishes() {
    limited(|| {
        // What is joined is on runtimes that go on.
        let others = [runtime(1), migrating(2)];
        for round in 0..150 {
            let rt = if round % 3 == 0 { migrating(2) } else { runtime(1 + round % 2) };
            let dropped = Count::default();
            let joiners: Vec<_> = (0..20)
                .map(|i| {
                    let seed = (round * 20 + i) as u64;
                    let handle = short(&others[i % 2], seed, &dropped);
                    rt.spawn(move || handle.join().map(drop))
                })
                .collect();
            assert!(rt.shutdown(LONG));
            for joiner in joiners {
                match joiner.join() {
                    Ok(joined) => joined.unwrap(),
                    Err(error) => assert!(error.is_cancelled()),
                }
            }
            // Detached by then, or joined.
            until(|| dropped.get() == 20);
        }
    });
}

#[test]
fn a_joiner_may_be_cancelled_together_with_the_other() {
    limited(|| {
        for round in 0..60 {
            let rt = if round % 3 == 0 { migrating(2) } else { runtime(1 + round % 2) };
            let (begun, dropped) = (Count::default(), Count::default());
            let joiners: Vec<_> = (0..50)
                .map(|i| {
                    let (begun, counted) = (begun.clone(), dropped.on_drop());
                    rt.spawn(move || {
                        begun.add();
                        let other = spawn(move || {
                            let _counted = counted;
                            if i % 2 == 0 { park() } else { time::sleep(LONG) }
                        });
                        let inner = spawn(move || other.join());
                        inner.join()
                    })
                })
                .collect();
            until(|| begun.get() == 50);
            assert!(rt.shutdown(LONG));
            // Cancelled in its own wait, or told of the other's end before it could wait.
            for joiner in joiners {
                assert!(joiner.join().flatten().flatten().unwrap_err().is_cancelled());
            }
            assert_eq!(dropped.get(), 50);
        }
    });
}

#[test]
fn handles_may_be_dropped_before_while_and_after_their_threads_finish() {
    on_every_runtime(|rt| {
        const COUNT: u64 = 1000;
        let dropped = Count::default();
        let (give, take) = mpsc::channel::<JoinHandle<Counted>>();
        let (give_others, take_others) = mpsc::channel::<JoinHandle<Counted>>();
        let droppers = [take, take_others].map(|take| {
            std::thread::spawn(move || {
                for (i, handle) in take.iter().enumerate() {
                    match i % 4 {
                        0 | 1 => drop(handle),
                        2 => drop(handle.join().unwrap()),
                        _ => {
                            until(|| handle.is_finished());
                            drop(handle);
                        }
                    }
                }
            })
        });
        for i in 0..COUNT {
            let give = if i % 2 == 0 { &give } else { &give_others };
            give.send(short(rt, i, &dropped)).unwrap();
        }
        drop((give, give_others));
        droppers.into_iter().for_each(|dropper| dropper.join().unwrap());
        until(|| dropped.get() == COUNT as usize);
    });
}

#[test]
fn the_last_reference_may_go_anywhere() {
    on_every_runtime(|rt| {
        for round in 0..100 {
            let dropped = Count::default();
            let handle = short(rt, round, &dropped);
            let thread = handle.thread();
            let start = Arc::new(Barrier::new(3));
            std::thread::scope(|scope| {
                scope.spawn({
                    let (thread, start) = (thread.clone(), start.clone());
                    move || {
                        start.wait();
                        thread.unpark();
                        thread.clone().id()
                    }
                });
                scope.spawn({
                    let start = start.clone();
                    move || {
                        start.wait();
                        drop(thread);
                    }
                });
                start.wait();
                if round % 2 == 0 { drop(handle) } else { drop(handle.join()) }
            });
            until(|| dropped.get() == 1);
        }
    });
}

#[test]
fn a_result_whose_destructor_blocks_is_dropped_once() {
    struct Blocks(#[expect(dead_code, reason = "it is dropped")] Counted);
    impl Drop for Blocks {
        fn drop(&mut self) {
            time::sleep(Duration::from_micros(20));
            yield_now();
        }
    }
    on_every_runtime(|rt| {
        let dropped = Count::default();
        for i in 0..200 {
            let result = Blocks(dropped.on_drop());
            let handle = rt.spawn(move || {
                if i % 2 == 0 {
                    yield_now();
                }
                result
            });
            match i % 3 {
                0 => drop(handle),
                1 => drop(handle.join().unwrap()),
                _ => {
                    drop(rt.spawn(move || drop(handle.join().unwrap())));
                }
            }
        }
        until(|| dropped.get() == 200);
    });
}

/// Something large, or far aligned, that is checked at every stop.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(align(64))]
struct Line([u8; 64]);

#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(align(128))]
struct TwoLines(u64);

#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(align(1024))]
struct Kilobyte([u8; 1024]);

#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(align(32))]
struct Nothing;

/// Sends `value` through closure and result, with handles and threads on all sides.
fn goes_through<V: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static>(
    rt: &Runtime,
    value: V,
) {
    fn check<V: Copy + PartialEq + std::fmt::Debug>(got: &V, value: &V) {
        assert!((got as *const V).is_aligned());
        assert_eq!(got, value);
    }
    let start = move || {
        let captured = value;
        let extra = 7u8;
        move || {
            check(&captured, &value);
            yield_now();
            check(&captured, &value);
            (extra, captured)
        }
    };
    for _ in 0..10 {
        // Allocated here, freed by its worker, or the other way round, or by a third.
        let (extra, got) = rt.spawn(start()).join().unwrap();
        assert_eq!(extra, 7);
        check(&got, &value);
        drop(rt.spawn(start()));
        let handle = rt.run(|| spawn(start()));
        check(&std::thread::spawn(move || handle.join().unwrap().1).join().unwrap(), &value);
        let handle = rt.spawn(move || spawn(start()).join().unwrap().1);
        check(&handle.join().unwrap(), &value);
        let panics = rt.spawn(move || {
            let captured = value;
            yield_now();
            resume_unwind(Box::new(captured))
        });
        let panic = panics.join().map(|never: std::convert::Infallible| match never {});
        check(panic.unwrap_err().into_panic().downcast_ref::<V>().unwrap(), &value);
    }
}

#[test]
fn closures_and_results_of_every_size_and_alignment_go_through() {
    on_every_runtime(|rt| {
        goes_through(rt, ());
        goes_through(rt, Nothing);
        goes_through(rt, 7u8);
        goes_through(rt, u128::MAX - 7);
        // About a block's size: just below, and just above.
        goes_through(rt, [1u8; 16]);
        goes_through(rt, [2u8; 64]);
        goes_through(rt, [3u8; 100]);
        goes_through(rt, [4u8; 128]);
        goes_through(rt, [5u8; 256]);
        // About the size from which closures are boxed.
        goes_through(rt, [6u8; 1000]);
        goes_through(rt, [7u8; 1023]);
        goes_through(rt, [8u8; 1024]);
        goes_through(rt, [9u8; 3000]);
        goes_through(rt, Line([1; 64]));
        goes_through(rt, [Line([2; 64]); 20]);
        goes_through(rt, TwoLines(7));
        goes_through(rt, Kilobyte([7; 1024]));
    });
}

#[test]
fn memory_wanders_between_os_threads() {
    on_every_runtime(|rt| {
        // Spawned on one side only, finished and freed on the other, many batches of it; then
        // the other way round.
        let spawning = rt.spawn(|| (0..3000).map(|i| spawn(move || i)).collect::<Vec<_>>());
        let handles = spawning.join().unwrap();
        assert_eq!(handles.into_iter().map(|it| it.join().unwrap()).sum::<u32>(), 2999 * 1500);
        let handles: Vec<_> = (0..3000).map(|i| rt.spawn(move || i)).collect();
        let sum: u32 = rt.run(|| handles.into_iter().map(|it| it.join().unwrap()).sum());
        assert_eq!(sum, 2999 * 1500);
    });
}

#[test]
fn a_handle_outlives_its_runtime() {
    limited(|| {
        for _ in 0..20 {
            let rt = runtime(2);
            let dropped = Count::default();
            let handles: Vec<_> = (0..50).map(|i| short(&rt, i, &dropped)).collect();
            let stop = Arc::new(AtomicBool::new(false));
            let flag = stop.clone();
            until(|| handles.iter().all(JoinHandle::is_finished));
            let late = rt.spawn(move || until(|| flag.load(Ordering::Relaxed)));
            stop.store(true, Ordering::Relaxed);
            assert!(rt.shutdown(LONG));
            let thread = late.thread();
            // A thread that had not begun is cancelled.
            let _ = late.join();
            thread.unpark();
            assert_eq!(dropped.get(), 0);
            drop(handles.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>());
            assert_eq!(dropped.get(), 50);
        }
    });
}

#[test]
fn join_timeout_gives_the_handle_back() {
    on_every_runtime(|rt| {
        let thread = rt.spawn(park);
        let start = Instant::now();
        let thread = thread.join_timeout(Duration::from_millis(2)).unwrap_err();
        assert!(start.elapsed() >= Duration::from_millis(2));
        let thread = rt.run(|| thread.join_timeout(Duration::ZERO).unwrap_err());
        let thread = rt.run(|| thread.join_timeout(Duration::from_micros(10)).unwrap_err());
        thread.thread().unpark();
        thread.join_timeout(Duration::MAX).unwrap().unwrap();
        let panics = rt.spawn(|| resume_unwind(Box::new(3)));
        let error = panics.join_timeout(LONG).unwrap().map(|(): ()| ()).unwrap_err();
        assert_eq!(*error.into_panic().downcast::<i32>().unwrap(), 3);
    });
}
