//! What is inside `uncancellable` is not ended from outside of it.

mod settings;

use std::panic::{catch_unwind, resume_unwind};
use std::time::Duration;

use settings::{Count, begun, everywhere, forever, until};
use sward_sched::time::{sleep, timeout};
use sward_sched::{park, uncancellable, yield_now};

#[test]
fn nothing_is_ended_inside_uncancellable() {
    everywhere(|rt| {
        let (ended, inside, after) = (Count::default(), Count::default(), Count::default());
        let (counted, passed) = (inside.clone(), after.clone());
        let thread = begun(rt, &ended, move || {
            uncancellable(|| {
                counted.add();
                park();
                uncancellable(|| sleep(Duration::from_millis(1)));
                sleep(Duration::from_millis(1));
                // A deadline of its own still holds.
                assert!(timeout(Duration::from_millis(1), park).unwrap_err().is_elapsed());
                counted.add();
            });
            passed.add();
            park();
            passed.add();
        });
        until(|| inside.get() == 1);
        thread.cancel();
        for _ in 0..100 {
            yield_now();
        }
        assert_eq!((inside.get(), ended.get()), (1, 0));
        thread.thread().unpark();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert_eq!((inside.get(), after.get(), ended.get()), (2, 1, 1));
    });
}

#[test]
fn uncancellable_ends_with_a_panic_inside_it() {
    everywhere(|rt| {
        let thread = begun(rt, &Count::default(), || {
            let panic = catch_unwind(|| uncancellable(|| resume_unwind(Box::new(5))));
            assert_eq!(*panic.unwrap_err().downcast::<i32>().unwrap(), 5);
            forever();
        });
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
    });
}

/// A callback that is called by code which cannot be unwound.
#[test]
fn uncancellable_protects_frames_of_c() {
    extern "C" fn call(f: extern "C" fn()) {
        f();
    }
    extern "C" fn callback() {
        uncancellable(|| sleep(Duration::from_millis(2)));
    }
    everywhere(|rt| {
        let (ended, passed) = (Count::default(), Count::default());
        let counted = passed.clone();
        let thread = begun(rt, &ended, move || {
            call(callback);
            counted.add();
            forever();
        });
        thread.cancel();
        assert!(thread.join().unwrap_err().is_cancelled());
        assert_eq!(passed.get(), 1);
    });
}
