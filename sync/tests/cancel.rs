//! Cancelled threads and locks: nothing stays locked, nobody waits for ever.

#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::sync::Arc;
use std::time::Duration;

use settings::limited;
use sward_sched::runtime::Builder;
use sward_sched::time::{sleep, timeout};
use sward_sched::{Runtime, park, spawn, yield_now};
use sward_sync::{Mutex, WaitGroup};

fn everywhere(test: fn()) {
    limited(move || {
        for workers in [1, 2] {
            Builder::new().workers(workers).build().unwrap().run(test);
            // SAFETY: nothing of an OS thread is on these threads' stacks.
            let migrating = unsafe { Builder::new().allow_migration() };
            let migrating: Runtime = migrating.workers(workers).build().unwrap();
            migrating.run(test);
        }
    });
}

#[test]
fn who_is_unwound_unlocks() {
    everywhere(|| {
        let lock = Arc::new(Mutex::new(0));
        for _ in 0..50 {
            let inner = lock.clone();
            let holding = spawn(move || {
                let mut held = inner.lock();
                *held += 1;
                park();
                *held += 1000;
            });
            while !lock.is_locked() {
                yield_now();
            }
            holding.cancel();
            let late = timeout(Duration::from_micros(50), || {
                let mut held = lock.lock();
                *held += 1;
                sleep(Duration::from_secs(60));
            });
            assert!(late.unwrap_err().is_elapsed());
            assert!(holding.join().unwrap_err().is_cancelled());
        }
        assert_eq!(*lock.lock(), 100);
    });
}

#[test]
fn who_waits_for_a_lock_gets_it_first() {
    everywhere(|| {
        let lock = Arc::new(Mutex::new(0));
        let held = lock.lock();
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let lock = lock.clone();
                spawn(move || {
                    *lock.lock() += 1;
                    park();
                })
            })
            .collect();
        (0..20).for_each(|_| yield_now());
        waiting.iter().for_each(|thread| thread.cancel());
        (0..20).for_each(|_| yield_now());
        drop(held);
        for thread in waiting {
            assert!(thread.join().unwrap_err().is_cancelled());
        }
        // Those that had begun to wait had it; the others never began.
        assert!(*lock.lock() <= 10);
    });
}

#[test]
fn a_cancelled_wait_group_wait_leaves_the_group_in_order() {
    everywhere(|| {
        let group = WaitGroup::new();
        let member = group.clone();
        let waiting = spawn(move || group.wait());
        (0..5).for_each(|_| yield_now());
        waiting.cancel();
        assert!(waiting.join().unwrap_err().is_cancelled());
        let other = member.clone();
        assert!(timeout(Duration::from_millis(1), || other.wait()).is_err());
        let other = member.clone();
        let waiting = spawn(move || other.wait());
        (0..5).for_each(|_| yield_now());
        drop(member);
        waiting.join().unwrap();
    });
}
