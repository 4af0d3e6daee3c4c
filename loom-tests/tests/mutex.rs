//! A mutex: nobody waits for ever, and two never have it.
#![cfg(sward_loom)]

use std::sync::Arc;
use std::time::Instant;

use lock_api::MutexGuard;
use loom::thread;
use sward_loom_tests::check;
use sward_loom_tests::task::{block_on, poll_once};
use sward_sched::primitive::{Mutant, ShippedPointerLock, UnsafeCell};
use sward_sync::internal::mutex;
use sward_sync::mutex::{Mutex, MutexAsync};

/// A number that loom watches: to touch it at the same time is a failure.
struct Watched(UnsafeCell<u32>);

// SAFETY: the mutex around it gives access to one at a time, or loom says so.
unsafe impl Send for Watched {}

type Counter = Arc<Mutex<Watched>>;

fn counter() -> Counter {
    Arc::new(mutex(Watched(UnsafeCell::new(0))))
}

fn add(watched: &Watched) {
    // SAFETY: loom checks it.
    watched.0.with_mut(|value| unsafe { *value += 1 });
}

fn check_count(counter: &Counter, expected: u32) {
    // SAFETY: loom checks it.
    assert_eq!(counter.lock().0.with(|value| unsafe { *value }), expected);
    assert!(!counter.is_locked());
}

fn adding(counter: &Counter, times: u32) -> thread::JoinHandle<()> {
    let counter = counter.clone();
    thread::spawn(move || (0..times).for_each(|_| add(&counter.lock())))
}

#[test]
fn unlock_against_enqueue() {
    let mutants = [Mutant::UnlockSkipsWaiters, Mutant::WaitUnannounced];
    check("unlock_against_enqueue", &mutants, || {
        let counter = counter();
        let other = adding(&counter, 2);
        (0..2).for_each(|_| add(&counter.lock()));
        other.join().unwrap();
        check_count(&counter, 4);
    });
}

#[test]
fn three_for_one_mutex() {
    let mutants = [Mutant::UnlockSkipsWaiters, Mutant::SecondForgotten];
    check("three_for_one_mutex", &mutants, || {
        let counter = counter();
        let others = [adding(&counter, 1), adding(&counter, 1)];
        add(&counter.lock());
        others.into_iter().for_each(|other| other.join().unwrap());
        check_count(&counter, 3);
    });
}

/// Whoever unlocks hands the mutex over.
#[test]
fn hand_over() {
    let mutants = [Mutant::HandOverUnlocks, Mutant::SecondForgotten];
    check("hand_over", &mutants, || {
        let counter = counter();
        let others = [adding(&counter, 1), adding(&counter, 1)];
        let guard = counter.lock();
        add(&guard);
        MutexGuard::unlock_fair(guard);
        others.into_iter().for_each(|other| other.join().unwrap());
        check_count(&counter, 3);
    });
}

/// One that waits gives up.
#[test]
fn unlock_against_timeout() {
    let mutants = [Mutant::WaiterNotUnlinked];
    check("unlock_against_timeout", &mutants, || {
        let counter = counter();
        let other = {
            let counter = counter.clone();
            thread::spawn(move || {
                // In a model, the deadline of an OS thread passes before it sleeps or never.
                if let Some(guard) = counter.try_lock_until(Instant::now()) {
                    add(&guard);
                    return 1;
                }
                0
            })
        };
        let third = adding(&counter, 1);
        add(&counter.lock());
        third.join().unwrap();
        let added = other.join().unwrap();
        check_count(&counter, 2 + added);
    });
}

/// A task locks.
#[test]
fn unlock_against_a_task() {
    let mutants = [Mutant::UnlockSkipsWaiters, Mutant::WaitUnannounced];
    check("unlock_against_a_task", &mutants, || {
        let counter = counter();
        let inner = counter.clone();
        let task = thread::spawn(move || {
            (0..2).for_each(|_| add(&block_on(inner.lock_async())));
        });
        (0..2).for_each(|_| add(&counter.lock()));
        task.join().unwrap();
        check_count(&counter, 4);
    });
}

/// A task goes away while the mutex is unlocked, and another waits behind it.
fn dropped_task(fair: bool) {
    let counter = counter();
    let guard = counter.lock();
    let mut first = Box::pin(counter.lock_async());
    assert!(poll_once(first.as_mut()).is_pending());
    let behind = adding(&counter, 1);
    let inner = counter.clone();
    let unlocking = {
        // The guard goes with whoever unlocks.
        std::mem::forget(guard);
        thread::spawn(move || {
            // SAFETY: it was locked above.
            let guard = unsafe { inner.make_guard_unchecked(lock_api::GuardSend::new()) };
            add(&guard);
            match fair {
                true => MutexGuard::unlock_fair(guard),
                false => drop(guard),
            }
        })
    };
    drop(first);
    unlocking.join().unwrap();
    behind.join().unwrap();
    check_count(&counter, 2);
}

#[test]
fn unlock_against_a_dropped_task() {
    let mutants = [Mutant::DroppedKeepsTurn];
    check("unlock_against_a_dropped_task", &mutants, || dropped_task(false));
}

#[test]
fn hand_over_against_a_dropped_task() {
    let mutants = [Mutant::DroppedKeepsTurn];
    check("hand_over_against_a_dropped_task", &mutants, || dropped_task(true));
}

/// The lock of a queue, as it ships.
#[test]
fn one_at_a_time_has_the_queue() {
    check("one_at_a_time_has_the_queue", &[Mutant::LockLeftRelaxed], || {
        let lock = loom::sync::Arc::new((ShippedPointerLock::<u8>::new(), counter_cell()));
        let other = lock.clone();
        let adding = thread::spawn(move || (0..2).for_each(|_| add_locked(&other)));
        add_locked(&lock);
        adding.join().unwrap();
        add_locked(&lock);
    });
}

fn counter_cell() -> SharedCell {
    SharedCell(UnsafeCell::new(0))
}

struct SharedCell(UnsafeCell<u32>);

// SAFETY: loom checks it.
unsafe impl Sync for SharedCell {}
// SAFETY: as above.
unsafe impl Send for SharedCell {}

fn add_locked(lock: &(ShippedPointerLock<u8>, SharedCell)) {
    let guard = lock.0.lock();
    let value = guard.value();
    // SAFETY: loom checks it.
    lock.1.0.with_mut(|value| unsafe { *value += 1 });
    guard.unlock(value.wrapping_add(2));
}
