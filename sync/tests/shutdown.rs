//! A runtime ends while its threads wait for a mutex whose holder is parked: all their
//! handles resolve, nobody is let in beside another, and the mutex is free afterwards.

#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use settings::{LONG, limited, runtime, settle, until};
use sward_sched::{park, yield_now};
use sward_sync::{Mutex, MutexGuard};

/// How many entered and came to their end, and whether somebody is inside.
#[derive(Default)]
struct Room {
    passed: Mutex<usize>,
    occupied: AtomicBool,
}

/// Somebody is inside.
struct Inside<'a>(&'a AtomicBool);

impl Room {
    /// Call it with the mutex locked.
    fn enter(&self) -> Inside<'_> {
        assert!(!self.occupied.swap(true, Ordering::Relaxed), "two are inside");
        Inside(&self.occupied)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Several threads do as `visit` says, and must wait for a holder that is parked, when
/// the runtime ends.
fn end_with_waiters(workers: usize, visit: fn(&Room)) {
    limited(move || {
        let rt = runtime(workers);
        let room = Arc::new(Room::default());
        let visiting = room.clone();
        let holding = rt.spawn(move || {
            let _guard = visiting.passed.lock();
            let _inside = visiting.enter();
            park();
        });
        until(|| room.passed.is_locked());
        let visiting = |_| {
            let room = room.clone();
            rt.spawn(move || visit(&room))
        };
        let visiting: Vec<_> = (0..8).map(visiting).collect();
        // One from outside, who gets in in the end.
        let visitor = room.clone();
        let outside = std::thread::spawn(move || pass(&visitor));
        settle();
        assert!(rt.shutdown(LONG));
        assert!(holding.join().unwrap_err().is_cancelled());
        let mut passed = 1;
        for handle in visiting {
            match handle.join() {
                Ok(()) => passed += 1,
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
        }
        until(|| outside.is_finished());
        outside.join().unwrap();
        assert_eq!(*room.passed.try_lock().expect("nobody is left"), passed);
    });
}

fn pass(room: &Room) {
    let mut passed = room.passed.lock();
    let _inside = room.enter();
    yield_now();
    *passed += 1;
}

#[test]
fn the_mutex_passes_through_all_that_wait() {
    for workers in [1, 2] {
        end_with_waiters(workers, pass);
    }
}

#[test]
fn those_that_block_with_the_mutex_unlock_it() {
    for workers in [1, 2] {
        end_with_waiters(workers, |room| {
            let mut passed = room.passed.lock();
            let _inside = room.enter();
            park();
            *passed += 1;
        });
    }
}

#[test]
fn those_that_block_without_it_lock_it_again_before_they_unwind() {
    for workers in [1, 2] {
        end_with_waiters(workers, |room| {
            let mut passed = room.passed.lock();
            MutexGuard::unlocked(&mut passed, park);
            *passed += 1;
        });
    }
}

#[test]
fn those_that_bump_it_come_back() {
    for workers in [1, 2] {
        end_with_waiters(workers, |room| {
            let mut passed = room.passed.lock();
            for _ in 0..3 {
                MutexGuard::bump(&mut passed);
                let _inside = room.enter();
                yield_now();
            }
            *passed += 1;
        });
    }
}
