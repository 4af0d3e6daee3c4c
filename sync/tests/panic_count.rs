//! A thread that parks while it unwinds must not look like a panic to its neighbours
//! (DESIGN 3: "neighbours must never see `panicking()` ... or a lost cancel").

#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use settings::{limited, runtime, until};
use sward_sched::{JoinHandle, Runtime, park, yield_now};
use sward_sync::Mutex;

/// Starts a thread on the one worker of `rt` that unwinds, and waits for the mutex in a
/// destructor meanwhile.
fn waits_while_unwinding(rt: &Runtime, mutex: &Arc<Mutex<i32>>) -> JoinHandle<()> {
    struct LocksInDrop(Arc<Mutex<i32>>);
    impl Drop for LocksInDrop {
        fn drop(&mut self) {
            *self.0.lock() += 1;
        }
    }
    let in_drop = LocksInDrop(mutex.clone());
    let handle = rt.spawn(move || {
        let _in_drop = in_drop;
        resume_unwind(Box::new("on purpose"));
    });
    // It has had its turns when this has.
    rt.run(|| (0..10).for_each(|_| yield_now()));
    handle
}

#[test]
fn neighbours_do_not_see_the_panic() {
    limited(|| {
        let rt = runtime(1);
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        let unwinding = waits_while_unwinding(&rt, &mutex);
        let seen = rt.run(std::thread::panicking);
        drop(held);
        assert!(unwinding.join().unwrap_err().is_panic());
        assert!(!seen, "a neighbour is said to be panicking");
    });
}

#[test]
fn neighbours_are_cancelled_all_the_same() {
    limited(|| {
        let rt = runtime(1);
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        let unwinding = waits_while_unwinding(&rt, &mutex);
        // Parks while its neighbour unwinds, and so for ever.
        let neighbour = rt.spawn(park);
        rt.run(|| (0..10).for_each(|_| yield_now()));
        drop(held);
        until(|| unwinding.is_finished());
        assert!(rt.shutdown(Duration::from_secs(3)), "the neighbour was not cancelled");
        assert!(neighbour.join().unwrap_err().is_cancelled());
    });
}
