//! A panic ends its green thread only.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

mod settings;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use settings::{Count, LONG, in_child, is_child, limited, migrating, runtime, until};
use sward_sched::{Builder, Runtime, park, run, spawn, unblock, yield_now};

#[test]
fn join_returns_the_payload() {
    let what = String::from("luck");
    let error = spawn(move || panic!("no {what}")).join().unwrap_err();
    assert!(error.is_panic() && !error.is_cancelled());
    assert_eq!(*error.into_panic().downcast::<String>().unwrap(), "no luck");

    let error = spawn(|| panic_any(7u32)).join().unwrap_err();
    assert_eq!(*error.into_panic().downcast::<u32>().unwrap(), 7);
}

#[test]
fn the_error_names_the_thread_and_its_birthplace() {
    let error = Builder::new().name("scribe").spawn(|| panic!("no ink")).join().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("'scribe'") && text.contains("no ink"), "{text}");
    assert!(text.contains("panic.rs"), "{text}");
}

#[test]
fn errors_are_fit_for_error_handling_crates() {
    fn check<E: std::error::Error + Send + Sync + 'static>() {}
    check::<sward_sched::JoinError>();
}

#[test]
fn run_goes_on_with_the_panic() {
    let payload = catch_unwind(|| run(|| panic!("through"))).unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "through");
}

#[test]
fn unblock_goes_on_with_the_panic() {
    let caught = run(|| catch_unwind(|| unblock(|| -> () { panic!("from outside") })));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "from outside");
}

#[test]
fn destructors_run_and_others_go_on() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    run(|| {
        let handles: Vec<_> = (0..100)
            .map(|i| {
                let counted = Counted(dropped.clone());
                spawn(move || {
                    let _counted = counted;
                    yield_now();
                    assert!(i % 2 == 0, "odd");
                    i
                })
            })
            .collect();
        let good = handles.into_iter().filter_map(|handle| handle.join().ok()).count();
        assert_eq!(good, 50);
    });
    assert_eq!(dropped.load(Ordering::Relaxed), 100);
}

#[test]
fn a_panic_while_a_result_is_dropped_hurts_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("while being dropped");
        }
    }
    run(|| {
        // Detached: dropped by the thread itself, or here if it has finished already.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(spawn(|| Bomb))));
        for _ in 0..10 {
            yield_now();
        }
        // Finished first: dropped by the handle.
        let handle = spawn(|| Bomb);
        while !handle.is_finished() {
            yield_now();
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(handle))).is_err());
        assert_eq!(spawn(|| 7).join().unwrap(), 7);
    });
}

#[test]
fn a_panic_while_a_closure_that_never_ran_is_dropped_hurts_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("while being dropped");
        }
    }
    let rt = Runtime::new().unwrap();
    rt.run(|| {
        let bomb = Bomb;
        let handle = Builder::new().stack_size(1 << 50).spawn(move || {
            let _bomb = bomb;
        });
        assert!(handle.join().unwrap_err().no_stack_reason().is_some());
    });
    assert_eq!(rt.run(|| 7), 7);
}

/// Blocks when it is dropped.
struct Blocks;

impl Drop for Blocks {
    fn drop(&mut self) {
        for _ in 0..3 {
            sward_sched::park();
            assert!(std::thread::panicking());
        }
    }
}

#[test]
fn neighbours_of_a_thread_that_blocks_while_it_panics_see_nothing_of_it() {
    let rt = sward_sched::runtime::Builder::new().workers(1).build().unwrap();
    for _ in 0..20 {
        rt.run(|| {
            let panicking: Vec<_> = (0..5)
                .map(|depth| {
                    spawn(move || {
                        let _outer = Blocks;
                        if depth % 2 == 0 {
                            panic!("once");
                        }
                        // A panic inside a destructor that runs because of a panic: two.
                        struct Nested;
                        impl Drop for Nested {
                            fn drop(&mut self) {
                                let inner = catch_unwind(|| {
                                    let _blocks = Blocks;
                                    panic!("inside");
                                });
                                assert!(inner.is_err() && std::thread::panicking());
                            }
                        }
                        let _nested = Nested;
                        panic!("outside");
                    })
                })
                .collect();
            let lock = std::sync::Mutex::new(());
            while !panicking.iter().all(|thread| thread.is_finished()) {
                assert!(!std::thread::panicking());
                drop(lock.lock().unwrap());
                let neighbour = spawn(|| {
                    assert!(!std::thread::panicking());
                    let caught = catch_unwind(|| panic!("a panic of its own"));
                    assert!(caught.is_err() && !std::thread::panicking());
                });
                neighbour.join().unwrap();
                panicking.iter().for_each(|thread| thread.thread().unpark());
                yield_now();
            }
            assert!(panicking.into_iter().all(|thread| thread.join().unwrap_err().is_panic()));
            assert!(!std::thread::panicking());
        });
    }
    assert!(rt.shutdown(std::time::Duration::from_secs(20)));
}

#[test]
fn a_neighbour_that_panics_does_not_make_others_uncancellable() {
    let rt = sward_sched::runtime::Builder::new().workers(1).build().unwrap();
    let panicking = rt.spawn(|| {
        let _blocks = Blocks;
        panic!("and then it blocks");
    });
    let parked = rt.spawn(sward_sched::park);
    rt.run(|| (0..100).for_each(|_| yield_now()));
    let thread = panicking.thread();
    // What unwinds is not cancelled: it must be woken.
    let waker = std::thread::spawn(move || {
        while !panicking.is_finished() {
            thread.unpark();
            std::thread::yield_now();
        }
        panicking.join().unwrap_err().is_panic()
    });
    assert!(rt.shutdown(std::time::Duration::from_secs(20)));
    assert!(parked.join().unwrap_err().is_cancelled());
    assert!(waker.join().unwrap());
}

#[test]
fn many_may_block_while_they_panic() {
    let rt = sward_sched::runtime::Builder::new().workers(2).build().unwrap();
    for _ in 0..3 {
        let panicking: Vec<_> = (0..300)
            .map(|_| {
                rt.spawn(|| {
                    let _blocks = Blocks;
                    // As the panic of another thread goes on: no hook, no backtrace.
                    std::panic::resume_unwind(Box::new("silent"));
                })
            })
            .collect();
        rt.run(|| {
            while !panicking.iter().all(|thread| thread.is_finished()) {
                panicking.iter().for_each(|thread| thread.thread().unpark());
                assert!(!std::thread::panicking());
                yield_now();
            }
        });
        assert!(panicking.into_iter().all(|thread| thread.join().unwrap_err().is_panic()));
    }
    assert!(rt.shutdown(std::time::Duration::from_secs(20)));
}

/// Whatever it has taken along.
#[test]
fn a_destructor_that_panics_at_the_end_of_a_thread_is_its_panic() {
    struct Bomb(Count);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.add();
            panic!("at the end");
        }
    }
    limited(|| {
        for rt in [runtime(1), migrating(2)] {
            let count = Count::default();
            for parks in [false, true] {
                let (bomb, dropped) = (Bomb(count.clone()), count.on_drop());
                let thread = rt.spawn(move || {
                    let (_dropped, _bomb) = (dropped, bomb);
                    if parks {
                        yield_now();
                    }
                });
                let error = thread.join().unwrap_err();
                assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "at the end");
            }
            assert_eq!(count.get(), 4);
            assert!(rt.shutdown(LONG));
        }
    });
}

/// Each in the middle of its own, whichever ends first; and what they do after it is no panic.
#[test]
fn two_panics_of_one_worker_end_in_any_order() {
    struct Parks;
    impl Drop for Parks {
        fn drop(&mut self) {
            assert!(std::thread::panicking());
            park();
            assert!(std::thread::panicking());
        }
    }
    limited(|| {
        for workers in [1, 2] {
            let rt = runtime(workers);
            for order in [[0, 1], [1, 0]] {
                let begun = Count::default();
                let threads = [(); 2].map(|()| {
                    let begun = begun.clone();
                    rt.spawn(move || {
                        let caught = catch_unwind(|| {
                            let _parks = Parks;
                            begun.add();
                            std::panic::resume_unwind(Box::new("on purpose"));
                        });
                        assert!(caught.is_err() && !std::thread::panicking());
                        // Not what the other one does, either.
                        yield_now();
                        assert!(!std::thread::panicking());
                        // And a std mutex is not poisoned by a panic that is another's.
                        let mutex = std::sync::Mutex::new(());
                        drop(mutex.lock().unwrap());
                        assert!(mutex.lock().is_ok());
                    })
                });
                until(|| begun.get() == 2);
                for i in order {
                    until(|| {
                        threads[i].thread().unpark();
                        threads[i].is_finished()
                    });
                }
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            }
            assert!(rt.shutdown(LONG));
        }
    });
}

/// The pool's OS threads outlive it, and its jobs go on.
#[test]
fn a_panic_in_unblock_is_its_callers_alone() {
    limited(|| {
        let rt = runtime(2);
        let jobs: Vec<_> = (0..200)
            .map(|i| {
                rt.spawn(move || {
                    let job = move || {
                        if i % 2 == 0 {
                            std::panic::resume_unwind(Box::new(i));
                        }
                        assert!(!std::thread::panicking());
                        i
                    };
                    unblock(job)
                })
            })
            .collect();
        for (i, job) in jobs.into_iter().enumerate() {
            match job.join() {
                Ok(value) => assert_eq!((value, i % 2), (i, 1)),
                Err(error) => {
                    assert_eq!(*error.into_panic().downcast::<usize>().unwrap(), i);
                    assert_eq!(i % 2, 0);
                }
            }
        }
        assert!(rt.shutdown(LONG));
    });
}

/// Of a thread that was cancelled before it began, or never began at all.
#[test]
fn closures_that_panic_while_they_are_dropped_unrun_hold_nobody_up() {
    struct Bomb(Count);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.add();
            std::panic::resume_unwind(Box::new("while being dropped"));
        }
    }
    limited(|| {
        for rt in [runtime(1), migrating(1)] {
            let count = Count::default();
            let (hogging, go_on) = (Count::default(), Count::default());
            // The only worker is kept until all have been spawned, and some cancelled.
            let (begins, goes) = (hogging.clone(), go_on.clone());
            let hog = rt.spawn(move || {
                begins.add();
                settings::hog_until(|| goes.get() == 1);
            });
            until(|| hogging.get() == 1);
            let fresh: Vec<_> = (0..100)
                .map(|i| {
                    let bomb = Bomb(count.clone());
                    let thread = rt.spawn(move || drop(bomb));
                    if i % 2 == 0 {
                        thread.cancel();
                    }
                    thread
                })
                .collect();
            let ending = std::thread::spawn(move || rt.shutdown(LONG));
            for thread in fresh {
                let error = thread.join().unwrap_err();
                assert!(error.is_cancelled(), "{error}");
            }
            assert_eq!(count.get(), 100);
            go_on.add();
            assert!(ending.join().unwrap());
            hog.join().unwrap();
        }
    });
}

/// As in any thread that unwinds: cancelled, it does.
#[test]
fn a_destructor_that_panics_while_its_thread_is_cancelled_aborts() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on the way");
        }
    }
    if is_child() {
        let begun = Count::default();
        let begins = begun.clone();
        let cancelled = spawn(move || {
            let _bomb = Bomb;
            begins.add();
            park();
        });
        until(|| begun.get() == 1);
        cancelled.cancel();
        drop(cancelled.join());
        println!("the process goes on");
        return;
    }
    let ended = in_child("a_destructor_that_panics_while_its_thread_is_cancelled_aborts");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && ended.status.code().is_none(), "{}", ended.status);
    assert!(stderr.contains("on the way"), "{stderr}");
}

/// As in any OS thread: std ends the process, and says why.
#[test]
fn a_panic_in_the_destructor_of_a_thread_local_of_stds_aborts() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("at the end of its OS thread");
        }
    }
    thread_local!(static BOMB: Bomb = const { Bomb });
    if is_child() {
        let rt = runtime(1);
        rt.run(|| BOMB.with(|_| ()));
        // It is no green thread's any more when it is dropped: this does not wait for it.
        assert!(rt.shutdown(LONG));
        loop {
            std::thread::park();
        }
    }
    let ended = in_child("a_panic_in_the_destructor_of_a_thread_local_of_stds_aborts");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && ended.status.code().is_none(), "{}", ended.status);
    assert!(stderr.contains("at the end of its OS thread"), "{stderr}");
    assert!(stderr.contains("thread local panicked on drop"), "{stderr}");
}

/// Neighbours may panic meanwhile, and have the hook called, too.
#[test]
fn a_panic_hook_may_block() {
    if is_child() {
        limited(|| {
            let (inside, calls) = (Count::default(), Count::default());
            let (enters, called) = (inside.clone(), calls.clone());
            std::panic::set_hook(Box::new(move |_| {
                called.add();
                // Not before the other one is in here.
                enters.add();
                until(|| enters.get() == 2);
            }));
            let rt = runtime(1);
            let panicking = [(); 2].map(|()| rt.spawn(|| panic!("in a hook")));
            for thread in panicking {
                assert!(thread.join().unwrap_err().is_panic());
            }
            assert!(!rt.run(std::thread::panicking));
            assert!(rt.shutdown(LONG));
            drop(std::panic::take_hook());
            assert_eq!(calls.get(), 2);
        });
        return;
    }
    let ended = in_child("a_panic_hook_may_block");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
