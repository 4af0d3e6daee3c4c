//! A panic ends its green thread only.

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
    let caught = run(|| catch_unwind(|| unblock(|| panic!("from outside"))).map(|()| ()));
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
        // Detached: dropped by the thread itself.
        drop(spawn(|| Bomb));
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
