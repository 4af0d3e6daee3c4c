//! A panic ends its green thread only.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward_sched::{Builder, Runtime, run, spawn, unblock, yield_now};

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
