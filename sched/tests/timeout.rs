//! A deadline ends the waits inside it, and nothing else.

mod settings;

use std::panic::{catch_unwind, panic_any, resume_unwind};
use std::time::{Duration, Instant};

use settings::{Count, LONG, forever, limited, migrating, panicking, runtime, until};
use sward_sched::time::{TimeoutError, Timer, interval, sleep, sleep_until, timeout};
use sward_sched::{Runtime, checkpoint, current, park, spawn, unblock, uncancellable, yield_now};

const SHORT: Duration = Duration::from_millis(2);

/// In an OS thread, and in green ones of both kinds, on one worker and on several.
fn everywhere(test: fn()) {
    limited(move || {
        test();
        for workers in [1, 2] {
            runtime(workers).run(test);
            migrating(workers).run(test);
        }
    });
}

fn is_late<T>(result: Result<T, TimeoutError>) -> bool {
    result.is_err_and(|error| error.is_elapsed())
}

#[test]
fn every_blocking_call_is_ended() {
    everywhere(|| {
        let calls: [fn(); 9] = [
            forever,
            || sleep(LONG),
            || sleep_until(Instant::now() + LONG),
            || {
                let mut ticks = interval(LONG);
                ticks.tick();
                ticks.tick();
            },
            || Timer::after(LONG).wait(),
            || sleep(Duration::MAX),
            || spawn(|| sleep(LONG)).join().unwrap(),
            || drop(spawn(|| sleep(LONG)).join_timeout(LONG)),
            || loop {
                sleep(Duration::from_micros(10));
            },
        ];
        for call in calls {
            let start = Instant::now();
            assert!(is_late(timeout(SHORT, call)));
            assert!(start.elapsed() >= SHORT, "never early");
        }
    });
}

#[test]
fn a_green_thread_is_stopped_in_unblock_and_at_checkpoints() {
    limited(|| {
        for rt in [runtime(1), runtime(2), migrating(2)] {
            rt.run(|| {
                let (stop, stopped) = (Count::default(), Count::default());
                let (seen, counted) = (stop.clone(), stopped.clone());
                let slow = move || {
                    unblock(move || {
                        while seen.get() == 0 {
                            std::thread::yield_now();
                        }
                        counted.add();
                    });
                };
                assert!(is_late(timeout(SHORT, slow)));
                assert_eq!(stopped.get(), 0);
                stop.add();
                until(|| stopped.get() == 1);
                let computes = || loop {
                    checkpoint();
                };
                assert!(is_late(timeout(SHORT, computes)));
            });
        }
    });
}

#[test]
fn what_is_done_in_time_is_returned() {
    everywhere(|| {
        assert_eq!(timeout(LONG, || 7), Ok(7));
        assert_eq!(timeout(Duration::MAX, || 8), Ok(8));
        // It waits for nothing, so it is never late.
        assert_eq!(timeout(Duration::ZERO, || 9), Ok(9));
        let slept = timeout(LONG, || {
            sleep(Duration::from_micros(100));
            10
        });
        assert_eq!(slept, Ok(10));
        // Late, but it has not waited.
        let computed = timeout(Duration::from_nanos(1), || {
            let start = Instant::now();
            while start.elapsed() < SHORT {}
            11
        });
        assert_eq!(computed, Ok(11));
    });
}

#[test]
fn nothing_is_left_of_it_afterwards() {
    everywhere(|| {
        for _ in 0..20 {
            assert_eq!(timeout(Duration::from_micros(50), || 1), Ok(1));
            assert!(is_late(timeout(Duration::from_micros(50), forever)));
        }
        // Both kinds are over, and no wait is ended any more.
        sleep(SHORT);
        let me = current();
        drop(spawn(move || {
            sleep(SHORT);
            me.unpark();
        }));
        park();
    });
}

#[test]
fn the_first_of_nested_deadlines_counts_and_ends_its_own() {
    everywhere(|| {
        // The inner one.
        let outer = timeout(LONG, || {
            assert!(is_late(timeout(SHORT, forever)));
            sleep(Duration::from_micros(10));
            1
        });
        assert_eq!(outer, Ok(1));
        // The outer one, through the inner.
        let passed = Count::default();
        let outer = timeout(SHORT, || {
            let inner = timeout(LONG, forever);
            passed.add();
            inner
        });
        assert!(is_late(outer));
        assert_eq!(passed.get(), 0);
        // Three, the middle first; then the outermost.
        let outer = timeout(4 * SHORT, || {
            let middle = timeout(SHORT, || timeout(2 * SHORT, forever));
            assert!(is_late(middle));
            forever();
        });
        assert!(is_late(outer));
    });
}

#[test]
fn whoever_swallows_it_is_unwound_again() {
    everywhere(|| {
        let caught = Count::default();
        let counted = caught.clone();
        let result = timeout(SHORT, move || {
            for _ in 0..3 {
                assert!(catch_unwind(|| sleep(LONG)).is_err());
                assert!(!panicking());
                counted.add();
            }
            sleep(LONG);
        });
        assert!(is_late(result));
        assert_eq!(caught.get(), 3);
        let swallowed = timeout(SHORT, || {
            assert!(catch_unwind(|| sleep(LONG)).is_err());
            5
        });
        assert_eq!(swallowed, Ok(5));
    });
}

/// Kept and raised again, it belongs to no deadline any more.
#[test]
fn a_payload_that_outlives_its_deadline_ends_no_other() {
    everywhere(|| {
        let mut kept = None;
        let result = timeout(SHORT, || kept = catch_unwind(|| sleep(LONG)).err());
        assert_eq!(result, Ok(()));
        let kept = kept.unwrap();
        let again = catch_unwind(std::panic::AssertUnwindSafe(|| {
            timeout(LONG, || resume_unwind(kept)).map(|(): ()| ())
        }));
        assert!(again.is_err());
    });
}

#[test]
fn destructors_run_and_may_wait() {
    struct Waits(Count);
    impl Drop for Waits {
        fn drop(&mut self) {
            sleep(Duration::from_micros(100));
            self.0.add();
        }
    }
    everywhere(|| {
        let dropped = Count::default();
        let waits = Waits(dropped.clone());
        let result = timeout(SHORT, move || {
            let _waits = waits;
            forever();
        });
        assert!(is_late(result));
        assert!(!panicking());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_panic_passes_through() {
    everywhere(|| {
        let panic = catch_unwind(|| timeout(LONG, || resume_unwind(Box::new(3))).map(|(): ()| ()));
        assert_eq!(*panic.unwrap_err().downcast::<i32>().unwrap(), 3);
        // And the deadline is gone.
        sleep(Duration::from_micros(10));
    });
}

#[test]
fn uncancellable_shields_from_outer_deadlines_only() {
    everywhere(|| {
        let passed = Count::default();
        let counted = passed.clone();
        let result = timeout(SHORT, move || {
            uncancellable(|| {
                sleep(2 * SHORT);
                counted.add();
                assert!(is_late(timeout(Duration::from_micros(10), forever)));
                assert_eq!(timeout(LONG, || sleep(Duration::from_micros(10))), Ok(()));
            });
            counted.add();
            sleep(Duration::from_micros(1));
            counted.add();
        });
        assert!(is_late(result));
        assert_eq!(passed.get(), 2);
    });
}

#[test]
fn a_cancel_passes_through() {
    limited(|| {
        for rt in [runtime(1), runtime(2), migrating(2)] {
            let begun = Count::default();
            let inner = begun.clone();
            let thread = rt.spawn(move || {
                timeout(LONG, || {
                    inner.add();
                    forever();
                })
            });
            until(|| begun.get() == 1);
            thread.cancel();
            assert!(thread.join().unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn a_joiner_that_gives_up_leaves_the_other_running() {
    everywhere(|| {
        let (go_on, done) = (Count::default(), Count::default());
        let (going, counted) = (go_on.clone(), done.clone());
        let other = spawn(move || {
            until(|| going.get() == 1);
            counted.add();
        });
        assert!(is_late(timeout(SHORT, || other.join().unwrap())));
        assert_eq!(done.get(), 0);
        go_on.add();
        until(|| done.get() == 1);
    });
}

/// Deadlines that come at the same time as what they wait for: one of the two, never both.
#[test]
fn a_deadline_and_a_wake_do_not_lose_each_other() {
    fn race(rt: &Runtime) {
        rt.run(|| {
            for round in 0..400u64 {
                let delay = Duration::from_micros(round % 40);
                let me = current();
                let waker = spawn(move || {
                    sleep(Duration::from_micros(20));
                    me.unpark();
                });
                let woken = timeout(delay, park).is_ok();
                waker.join().unwrap();
                if !woken {
                    // The token has been left, and not been taken.
                    park();
                }
                yield_now();
            }
        });
    }
    limited(|| {
        for workers in [1, 2] {
            race(&runtime(workers));
            race(&migrating(workers));
        }
    });
}

/// An OS thread may get one token too many, as std says, but never one too few.
#[test]
fn a_token_is_not_lost_in_an_os_thread() {
    limited(|| {
        for i in 0..20 {
            let me = current();
            me.unpark();
            let woken = timeout(Duration::from_nanos(i * 100), park).is_ok();
            let start = Instant::now();
            if !woken {
                park();
            }
            assert!(start.elapsed() < LONG);
        }
    });
}

/// Code with stacks of its own may leave what it entered in the wrong order.
#[test]
fn scopes_left_in_the_wrong_order_end_nothing_else() {
    use corosensei::stack::DefaultStack;
    use corosensei::{Coroutine, CoroutineResult};
    fn coroutine() -> Coroutine<(), (), (), DefaultStack> {
        Coroutine::with_stack(DefaultStack::new(256 << 10).unwrap(), |yielder, ()| {
            let _ = timeout(LONG, || yielder.suspend(()));
        })
    }
    everywhere(|| {
        let (mut a, mut b) = (coroutine(), coroutine());
        assert_eq!(a.resume(()), CoroutineResult::Yield(()));
        assert_eq!(b.resume(()), CoroutineResult::Yield(()));
        assert_eq!(a.resume(()), CoroutineResult::Return(()));
        drop(a);
        assert_eq!(b.resume(()), CoroutineResult::Return(()));
        sleep(SHORT);
        // Whatever it is under now is a minute away.
        assert!(is_late(timeout(SHORT, forever)));
    });
}

/// Threads of one worker, each in scopes of its own.
#[test]
fn deadlines_are_their_threads_own() {
    everywhere(|| {
        let threads: Vec<_> = (0..50u64)
            .map(|i| {
                spawn(move || {
                    let own = Duration::from_micros(100 * i);
                    let start = Instant::now();
                    if i % 2 == 0 {
                        assert!(is_late(timeout(own, forever)));
                        assert!(start.elapsed() >= own);
                    } else {
                        sleep(own);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let spawned = timeout(SHORT, || spawn(|| sleep(3 * SHORT))).unwrap();
        // A deadline is not inherited.
        spawned.join().unwrap();
    });
}

#[test]
fn errors_say_what_happened() {
    limited(|| {
        let late = timeout(Duration::ZERO, || sleep(LONG)).unwrap_err();
        assert!(late.is_elapsed());
        assert_eq!(late.to_string(), "the time was up first");
        let panic = catch_unwind(|| timeout(LONG, || panic_any(4)).map(|(): ()| ()));
        assert!(panic.is_err());
    });
}
