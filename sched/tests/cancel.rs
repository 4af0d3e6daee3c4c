//! A cancelled thread is unwound by its wait, its destructors run, and its handle says so.

mod settings;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use settings::{
    Count, LONG, begun, everywhere, forever, limited, migrating, panicking, runtime, until,
};
use sward_sched::time::{Timer, interval, sleep, sleep_until, timeout};
use sward_sched::{
    Builder, JoinHandle, checkpoint, current, park, spawn, spawn_local, unblock, yield_now,
};

/// The second tick of an interval is to come.
fn late_tick() -> Instant {
    let mut ticks = interval(LONG);
    ticks.tick();
    ticks.tick()
}

#[test]
fn every_blocking_call_is_ended() {
    everywhere(|rt| {
        let calls: [fn(); 11] = [
            park,
            || sleep(LONG),
            || sleep_until(Instant::now() + LONG),
            || _ = late_tick(),
            || Timer::after(LONG).wait(),
            || sleep(Duration::MAX),
            || spawn(forever).join().unwrap(),
            || drop(spawn(forever).join_timeout(LONG)),
            || timeout(LONG, forever).unwrap(),
            || unblock(|| std::thread::sleep(Duration::from_millis(20))),
            || loop {
                checkpoint();
            },
        ];
        let ended = Count::default();
        let threads = calls.map(|call| {
            begun(rt, &ended, move || {
                loop {
                    call()
                }
            })
        });
        threads.iter().for_each(JoinHandle::cancel);
        for thread in threads {
            let error = thread.join().unwrap_err();
            assert!(error.is_cancelled(), "{error}");
            assert!(error.to_string().contains("cancelled"));
        }
        assert_eq!(ended.get(), calls.len());
    });
}

#[test]
fn a_thread_that_never_began_never_does() {
    everywhere(|rt| {
        let dropped = Count::default();
        let counted = dropped.clone();
        let alone = rt.metrics().workers.len() == 1;
        rt.run(move || {
            let threads: Vec<_> = (0..100)
                .map(|_| {
                    let counted = counted.on_drop();
                    spawn(move || {
                        let _counted = counted;
                        // Another worker may have been quicker than the cancel.
                        assert!(!alone);
                        forever();
                    })
                })
                .collect();
            threads.iter().for_each(JoinHandle::cancel);
            for thread in threads {
                assert!(thread.join().unwrap_err().is_cancelled());
            }
        });
        assert_eq!(dropped.get(), 100);
    });
}

#[test]
fn what_a_cancelled_closure_holds_may_block_in_its_destructor() {
    struct Blocks(Count);
    impl Drop for Blocks {
        fn drop(&mut self) {
            sleep(Duration::from_millis(1));
            self.0.add();
        }
    }
    everywhere(|rt| {
        let dropped = Count::default();
        let blocks = Blocks(dropped.clone());
        rt.run(move || {
            let thread = spawn(move || {
                let _blocks = blocks;
                forever();
            });
            thread.cancel();
            assert!(thread.join().unwrap_err().is_cancelled());
        });
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_result_that_is_there_stays() {
    everywhere(|rt| {
        let done = rt.spawn(|| 7);
        until(|| done.is_finished());
        done.cancel();
        done.cancel();
        assert_eq!(done.join().unwrap(), 7);
        // And one that waits for nothing any more has it, too.
        let (begun, go_on) = (Count::default(), Count::default());
        let thread = rt.spawn({
            let (begun, go_on) = (begun.clone(), go_on.clone());
            move || {
                begun.add();
                until(|| go_on.get() == 1);
                8
            }
        });
        until(|| begun.get() == 1);
        thread.cancel();
        go_on.add();
        assert_eq!(thread.join().unwrap(), 8);
    });
}

#[test]
fn destructors_run_and_may_wait() {
    struct Waits(Count);
    impl Drop for Waits {
        fn drop(&mut self) {
            assert!(panicking());
            // Neither is ended: the thread is unwinding already.
            sleep(Duration::from_millis(2));
            let me = current();
            drop(spawn(move || me.unpark()));
            park();
            assert_eq!(timeout(Duration::ZERO, || sleep(Duration::from_millis(1))), Ok(()));
            self.0.add();
        }
    }
    everywhere(|rt| {
        let (ended, waited) = (Count::default(), Count::default());
        let waits = Waits(waited.clone());
        let thread = begun(rt, &ended, move || {
            let _waits = waits;
            forever();
        });
        thread.cancel();
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert_eq!((ended.get(), waited.get()), (1, 1));
    });
}

#[test]
fn whoever_swallows_it_is_unwound_again() {
    everywhere(|rt| {
        let (ended, caught) = (Count::default(), Count::default());
        let counted = caught.clone();
        let thread = begun(rt, &ended, move || {
            for _ in 0..3 {
                assert!(catch_unwind(park).is_err());
                assert!(!panicking());
                counted.add();
            }
            park();
        });
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert_eq!((ended.get(), caught.get()), (1, 3));
        let ended = Count::default();
        let thread = begun(rt, &ended, || drop(catch_unwind(park)));
        thread.cancel();
        assert!(thread.join().is_ok());
    });
}

#[test]
fn a_panic_on_the_way_is_a_panic() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            assert!(catch_unwind(|| resume_unwind(Box::new(1))).is_err());
        }
    }
    everywhere(|rt| {
        let thread = begun(rt, &Count::default(), || {
            let _panics = Panics;
            let cancelled = catch_unwind(park).unwrap_err();
            drop(cancelled);
            resume_unwind(Box::new("something else"));
        });
        thread.cancel();
        let error = thread.join().unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "something else");
    });
}

#[test]
fn a_cancelled_joiner_leaves_the_other_running() {
    everywhere(|rt| {
        let (ended, other) = (Count::default(), Count::default());
        let go_on = Count::default();
        let (counted, going) = (other.clone(), go_on.clone());
        let joiner = begun(rt, &ended, move || {
            let inner = spawn(move || {
                until(|| going.get() == 1);
                counted.add();
            });
            inner.join().unwrap();
        });
        joiner.cancel();
        assert!(joiner.join().unwrap_err().is_cancelled());
        assert_eq!(other.get(), 0);
        go_on.add();
        until(|| other.get() == 1);
    });
}

#[test]
fn local_and_dedicated_threads_are_cancelled_too() {
    everywhere(|rt| {
        rt.run(|| {
            let local = spawn_local(forever);
            yield_now();
            local.cancel();
            assert!(local.join().unwrap_err().is_cancelled());
            let fresh = spawn_local(forever);
            fresh.cancel();
            let fresh = fresh.join_timeout(LONG).unwrap();
            assert!(fresh.unwrap_err().is_cancelled());
            let begun = Count::default();
            let inner = begun.clone();
            let dedicated = Builder::new().dedicated().spawn(move || {
                inner.add();
                forever();
            });
            until(|| begun.get() == 1);
            dedicated.cancel();
            assert!(dedicated.join().unwrap_err().is_cancelled());
        });
    });
}

/// A cancel against a wake, at every distance of the two.
#[test]
fn a_cancel_and_a_wake_do_not_lose_each_other() {
    everywhere(|rt| {
        let woken = Arc::new(AtomicUsize::new(0));
        for round in 0..300 {
            let counted = woken.clone();
            let thread = rt.spawn(move || {
                loop {
                    park();
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
            let waker = rt.spawn({
                let thread = thread.thread();
                move || {
                    (0..round % 7 * 10).for_each(|_| std::hint::spin_loop());
                    (0..10).for_each(|_| thread.unpark());
                }
            });
            (0..round % 5 * 20).for_each(|_| std::hint::spin_loop());
            if round % 3 == 0 {
                yield_now();
            }
            thread.cancel();
            waker.join().unwrap();
            assert!(thread.join().unwrap_err().is_cancelled());
        }
    });
}

/// What std poisons stays poisoned.
#[test]
fn a_lazy_lock_whose_initialiser_is_cancelled_is_poisoned() {
    static LAZY: LazyLock<u32> = LazyLock::new(|| {
        forever();
        7
    });
    limited(|| {
        let rt = runtime(2);
        let thread = begun(&rt, &Count::default(), || assert_eq!(*LAZY, 7));
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert!(catch_unwind(|| *LAZY).is_err());
    });
}

/// It borrows from the thread that waits for it, and so must not be left behind.
#[test]
fn a_run_inside_a_cancelled_thread_is_waited_for() {
    everywhere(|rt| {
        let (inside, ended) = (Count::default(), Count::default());
        let (begun, done) = (inside.clone(), ended.clone());
        let other = runtime(1);
        let thread = rt.spawn(move || {
            let borrowed = [1, 2, 3];
            let sum = other.run(|| {
                begun.add();
                sleep(Duration::from_millis(3));
                borrowed.iter().sum::<i32>()
            });
            assert_eq!(sum, 6);
            let late = timeout(Duration::ZERO, || other.run(|| borrowed.len()));
            assert_eq!(late, Ok(3));
            done.add();
            forever();
        });
        until(|| inside.get() == 1);
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert_eq!(ended.get(), 1);
    });
}

/// The result of a thread without a handle is dropped where its destructor may wait.
#[test]
fn the_result_of_a_cancelled_thread_may_wait_in_its_destructor() {
    struct Waits(Count);
    impl Drop for Waits {
        fn drop(&mut self) {
            sleep(Duration::from_millis(1));
            self.0.add();
        }
    }
    everywhere(|rt| {
        let (begun, waited) = (Count::default(), Count::default());
        let (counted, waits) = (begun.clone(), Waits(waited.clone()));
        let thread = rt.spawn(move || {
            counted.add();
            assert!(catch_unwind(park).is_err());
            waits
        });
        until(|| begun.get() == 1);
        thread.cancel();
        drop(thread);
        until(|| waited.get() == 1);
    });
}

/// From several sides at once, and beside the shutdown.
#[test]
fn many_may_cancel_many_while_the_runtime_ends() {
    limited(|| {
        for round in 0..40 {
            let rt = if round % 2 == 0 { runtime(2) } else { migrating(2) };
            let ended = Count::default();
            let threads: Vec<_> = (0..100)
                .map(|i| {
                    let counted = ended.on_drop();
                    rt.spawn(move || {
                        let _counted = counted;
                        match i % 3 {
                            0 => forever(),
                            1 => sleep(LONG),
                            _ => loop {
                                yield_now();
                                sleep(Duration::from_micros(i));
                            },
                        }
                    })
                })
                .collect();
            let threads = Arc::new(threads);
            let cancelling: Vec<_> = (0..3)
                .map(|_| {
                    let threads = threads.clone();
                    std::thread::spawn(move || threads.iter().for_each(JoinHandle::cancel))
                })
                .collect();
            if round % 4 < 2 {
                assert!(rt.shutdown(LONG));
            }
            cancelling.into_iter().for_each(|it| it.join().unwrap());
            for thread in Arc::into_inner(threads).unwrap() {
                assert!(thread.join().unwrap_err().is_cancelled());
            }
            assert_eq!(ended.get(), 100);
        }
    });
}

#[test]
fn nobody_else_notices() {
    everywhere(|rt| {
        let hook = Count::default();
        let said = hook.clone();
        // Process-wide; the other tests of this program panic by `resume_unwind` only.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |_| _ = said.add()));
        let thread = begun(rt, &Count::default(), || {
            let _ = catch_unwind(AssertUnwindSafe(forever)).map_err(resume_unwind);
        });
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert_eq!(hook.get(), 0);
        assert!(catch_unwind(|| panic_any(1)).is_err());
        assert_eq!(hook.get(), 1);
        std::panic::set_hook(before);
    });
}
