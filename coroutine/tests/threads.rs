//! Coroutines in green threads, and in OS threads.

#[path = "../../sched/tests/settings/mod.rs"]
mod settings;

use std::cell::{Cell, RefCell};
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use settings::{Count, LONG, begun, everywhere, forever, limited, panicking, runtime, until};
use sward_coroutine::{Coroutine, State, Status, generator, is_yieldable, running};
use sward_sched::time::{sleep, timeout};
use sward_sched::{
    Runtime, TaskGroup, block_in_place, block_on, current, park, scope, spawn, spawn_local,
    uncancellable, yield_now,
};
use sward_sync::Mutex;

/// On a runtime that ends with it. (What the global one keeps the leak sanitizer would not find.)
fn run<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let rt = runtime(1);
    let value = rt.run(f);
    assert!(rt.shutdown(LONG));
    value
}

/// A call inside blocks: the whole thread is parked, others run, and it goes on where it was.
fn blocking_parks_the_whole_thread(rt: &Runtime) {
    let (send, receive) = sward_chan::bounded(0);
    let (answer, answers) = sward_chan::bounded(0);
    let thread = rt.spawn(move || {
        let outer = current().id();
        let sums = Coroutine::new(move |y, mut sum: u32| {
            let id = running();
            for value in receive {
                assert_eq!((current().id(), running()), (outer, id));
                sleep(Duration::from_micros(10));
                yield_now();
                sum += value;
                sum += y.suspend(sum);
            }
            sum
        });
        let mut last = 1;
        while let State::Yielded(sum) = sums.resume(last).unwrap() {
            assert!(running().is_none());
            answer.send(sum).unwrap();
            last = 0;
        }
    });
    let mut sum = 1;
    for value in 1..50 {
        send.send(value).unwrap();
        sum += value;
        assert_eq!(answers.recv(), Ok(sum));
    }
    drop(send);
    thread.join().unwrap();
}

#[test]
fn blocking_calls_inside_park_the_whole_thread() {
    // (A coroutine is tied to its OS thread, and is held across blocking calls here: so not in threads
    // that migrate.)
    limited(|| {
        for workers in [1, 2, 4] {
            blocking_parks_the_whole_thread(&runtime(workers));
        }
    });
}

#[test]
fn many_threads_with_coroutines_contend_for_a_lock() {
    limited(|| {
        let rt = runtime(3);
        let total = std::sync::Arc::new(Mutex::new(0));
        let threads: Vec<_> = (0..50)
            .map(|n| {
                let total = total.clone();
                rt.spawn(move || {
                    let adds = generator(move |y| {
                        for _ in 0..20 {
                            let mut total = total.lock();
                            *total += n;
                            yield_now();
                            // The guard stays with the coroutine.
                            y.suspend(());
                            *total += 1;
                        }
                    });
                    adds.for_each(|()| yield_now());
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*total.lock(), (0..50).sum::<u32>() * 20 + 50 * 20);
    });
}

/// A cancel unwinds the coroutine in which its thread waits, and goes on in who has resumed it.
#[test]
fn a_cancel_passes_through() {
    everywhere(|rt| {
        let ends = Count::default();
        let counted = ends.clone();
        let thread = begun(rt, &ends, move || {
            let waits = Coroutine::<(), (), _>::new({
                let counted = counted.clone();
                move |_, ()| {
                    let _counted = counted.on_drop();
                    forever();
                }
            });
            let _counted = counted.on_drop();
            let _ = waits.resume(());
            unreachable!("it goes on here");
        });
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert_eq!(ends.get(), 3);
    });
}

#[test]
fn a_timeout_outside_ends_a_wait_inside() {
    let test = || {
        let parks = Coroutine::new(|y, ()| {
            y.suspend(());
            forever();
        });
        parks.resume(()).unwrap();
        let late = timeout(Duration::from_millis(2), || parks.resume(()));
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!(parks.status(), Status::Done);
        // One inside is its own affair.
        let waits = Coroutine::new(|y, ()| {
            y.suspend(timeout(Duration::from_millis(2), forever).unwrap_err().is_elapsed());
        });
        assert_eq!(timeout(LONG, || waits.resume(())).unwrap().unwrap(), State::Yielded(true));
    };
    limited(move || {
        run(test);
        test();
    });
}

#[test]
fn a_shutdown_unwinds_what_is_suspended_and_what_waits() {
    limited(|| {
        let (rt, ends) = (runtime(2), Count::default());
        let threads: Vec<_> = (0..20)
            .map(|n| {
                let counted = ends.clone();
                begun(&rt, &ends, move || {
                    let inside = counted.on_drop();
                    let one = Coroutine::new(move |y, ()| {
                        let _inside = inside;
                        y.suspend(());
                        forever();
                    });
                    one.resume(()).unwrap();
                    if n % 2 == 0 {
                        let _ = one.resume(());
                    }
                    forever();
                })
            })
            .collect();
        assert!(rt.shutdown(LONG));
        assert_eq!(ends.get(), 40);
        assert!(threads.into_iter().all(|thread| thread.join().is_err()));
    });
}

/// Tries to suspend inside a call, and goes on outside of it.
fn may_not_suspend(enter: impl Fn(&dyn Fn()) + 'static) {
    let enters = Coroutine::new(move |y, ()| {
        let tried = catch_unwind(AssertUnwindSafe(|| {
            enter(&|| {
                assert!(!is_yieldable() && running().is_some());
                // An inner one may, and may enter one itself.
                let mut inner = generator(|y| {
                    y.suspend(timeout(LONG, is_yieldable).unwrap());
                    y.suspend(is_yieldable());
                });
                assert_eq!((inner.next(), inner.next()), (Some(false), Some(true)));
                assert!(!is_yieldable());
                y.suspend("inside");
            });
        }));
        let message = tried.unwrap_err();
        assert!(message.downcast_ref::<&str>().unwrap().contains("cannot suspend inside"));
        assert!(is_yieldable());
        y.suspend("outside");
    });
    assert_eq!(enters.resume(()).unwrap(), State::Yielded("outside"));
    enters.close().unwrap();
}

#[test]
fn it_cannot_suspend_out_of_what_it_has_entered() {
    sward_sched::local! { static X: u32 = 7; }
    let test = || {
        may_not_suspend(|f| scope(|_| f()));
        may_not_suspend(|f| timeout(LONG, f).unwrap());
        may_not_suspend(|f| timeout(Duration::MAX, f).unwrap());
        may_not_suspend(|f| timeout(LONG, || timeout(Duration::MAX, f)).unwrap().unwrap());
        may_not_suspend(|f| uncancellable(f));
        may_not_suspend(|f| X.with(|_| f()));
        may_not_suspend(|f| TaskGroup::new().run::<(), (), _, _>(|_| f()).unwrap());
    };
    limited(move || {
        test();
        run(test);
        run(|| may_not_suspend(|f| block_in_place(f)));
        // What was entered outside does not matter.
        let mut one = generator(|y| y.suspend(is_yieldable()));
        let mut entered = || scope(|_| timeout(LONG, || X.with(|_| one.next())));
        assert_eq!(entered().unwrap(), Some(true));
    });
}

#[test]
fn a_yielder_is_for_its_own_coroutine() {
    let outer = Coroutine::new(|y, ()| {
        let tried = sward_coroutine::scoped(|c| {
            let inner = c.coroutine::<_, (), _, _>(|_, ()| {
                catch_unwind(AssertUnwindSafe(|| y.suspend("by another"))).unwrap_err()
            });
            inner.resume(()).unwrap().complete().unwrap()
        });
        assert!(tried.downcast_ref::<&str>().unwrap().contains("its own coroutine"));
        y.suspend("by itself");
    });
    assert_eq!(outer.resume(()).unwrap(), State::Yielded("by itself"));
    outer.close().unwrap();
}

/// A future that suspends the coroutine which polls it is no different from a function that does.
#[test]
fn a_future_may_suspend_the_coroutine_that_waits_for_it() {
    limited(|| {
        run(|| {
            let waits = Coroutine::new(|y, ()| {
                let suspends = async {
                    y.suspend(1);
                    spawn(|| 2).await.unwrap()
                };
                y.suspend(block_on(suspends));
            });
            assert_eq!(waits.resume(()).unwrap(), State::Yielded(1));
            assert_eq!(waits.resume(()).unwrap(), State::Yielded(2));
        });
    });
}

/// Threads of one worker may share one, in turns; it runs in whoever resumes it.
#[test]
fn threads_of_one_worker_may_pass_one_on() {
    limited(|| {
        run(|| {
            let this = Rc::new(Coroutine::new(|y, ()| {
                for _ in 0..3 {
                    yield_now();
                    y.suspend(current().id());
                    timeout(LONG, yield_now).unwrap();
                }
            }));
            for _ in 0..3 {
                let it = this.clone();
                let here = spawn_local(move || {
                    let id = it.resume(()).unwrap().yielded().unwrap();
                    id == current().id()
                });
                assert!(here.join().unwrap());
            }
            // While one has it running, and waits, it runs for others, too.
            let it = this.clone();
            let busy = Rc::new(Coroutine::<(), (), _>::new(|_, ()| park()));
            let waits = spawn_local({
                let busy = busy.clone();
                move || assert_eq!(busy.resume(()).unwrap(), State::Complete(()))
            });
            until(|| busy.status() == Status::Normal);
            assert!(busy.resume(()).unwrap_err().is_running());
            assert!(busy.close().unwrap_err().is_running());
            waits.thread().unpark();
            waits.join().unwrap();
            assert_eq!(busy.status(), Status::Done);
            drop(it);
        });
    });
}

#[test]
fn one_may_outlive_the_thread_in_which_it_began() {
    limited(|| {
        run(|| {
            let kept = Rc::new(RefCell::new(Vec::new()));
            for n in 0..10 {
                let kept = kept.clone();
                let thread = spawn_local(move || {
                    let it = Coroutine::new(move |y, ()| {
                        y.suspend(n);
                        yield_now();
                        y.suspend(n + 100);
                        forever();
                    });
                    it.resume(()).unwrap();
                    kept.borrow_mut().push(it);
                });
                thread.join().unwrap();
            }
            for (n, it) in kept.borrow().iter().enumerate() {
                assert_eq!(it.resume(()).unwrap(), State::Yielded(n + 100));
            }
            forget(kept.borrow_mut().pop());
        });
    });
}

/// A thread that unwinds resumes one which would wait: nothing is raised there, since that would go
/// on in a destructor.
#[test]
fn in_a_destructor_it_is_not_cancelled() {
    struct Asks(Option<Coroutine<(), u32, ()>>, Rc<Cell<u32>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            assert!(panicking());
            let value = self.0.take().unwrap().resume(()).unwrap().yielded().unwrap();
            self.1.set(value);
            assert!(panicking());
        }
    }
    limited(|| {
        let (rt, ends) = (runtime(1), Count::default());
        let counted = ends.clone();
        let thread = begun(&rt, &ends, move || {
            let seen = Rc::new(Cell::new(0));
            let result = catch_unwind(AssertUnwindSafe(|| {
                let waits = Coroutine::new(|y, ()| {
                    sleep(Duration::from_millis(1));
                    yield_now();
                    y.suspend(7);
                });
                let _asks = Asks(Some(waits), seen.clone());
                forever();
            }));
            assert_eq!(seen.get(), 7);
            counted.add();
            resume_unwind(result.unwrap_err());
        });
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert_eq!(ends.get(), 2);
    });
}

#[test]
fn a_thread_may_wait_in_one_that_unwinds() {
    struct Waits<'a>(&'a sward_coroutine::Yielder<(), &'static str>);
    impl Drop for Waits<'_> {
        fn drop(&mut self) {
            assert!(panicking());
            sleep(Duration::from_millis(1));
            self.0.suspend("unwinds");
            sleep(Duration::from_millis(1));
            assert!(panicking());
        }
    }
    limited(|| {
        let rt = runtime(1);
        let threads: Vec<_> = (0..20)
            .map(|_| {
                rt.spawn(|| {
                    let unwinds = Coroutine::new(|y, ()| {
                        let _waits = Waits(y);
                        resume_unwind(Box::new("inside"))
                    });
                    let _: &Coroutine<_, _, ()> = &unwinds;
                    assert_eq!(unwinds.resume(()).unwrap(), State::Yielded("unwinds"));
                    for _ in 0..10 {
                        assert!(!panicking());
                        yield_now();
                    }
                    let panic = catch_unwind(|| unwinds.resume(())).unwrap_err();
                    assert_eq!(panic.downcast_ref::<&str>(), Some(&"inside"));
                    assert!(!panicking());
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn an_os_thread_ends_with_some_in_its_thread_locals() {
    thread_local! {
        static KEPT: RefCell<Vec<Coroutine<(), u32, ()>>> = const { RefCell::new(Vec::new()) };
    }
    let count = Count::default();
    for early in [false, true] {
        let count = count.clone();
        std::thread::spawn(move || {
            let make = |n| {
                let counted = count.on_drop();
                let it = Coroutine::new(move |y, ()| {
                    let _counted = counted;
                    y.suspend(n);
                    // Called in a destructor of a thread-local.
                    y.suspend(n + 1);
                });
                it.resume(()).unwrap();
                it
            };
            if early {
                // The stacks' own thread-local is made before, and so dropped after.
                drop(make(0));
            }
            KEPT.with_borrow_mut(|kept| kept.extend((0..3).map(make)));
        })
        .join()
        .unwrap();
    }
    assert_eq!(count.get(), 7);
}
