//! The parker, in the whole scheduler: real green threads on real stacks, parked,
//! woken from outside, joined, and shut down, by the source that ships.
#![cfg(sward_loom)]

use std::time::Duration;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use sward_loom_tests::{check, check_up_to};
use sward_sched::primitive::Mutant;
use sward_sched::runtime::Builder;
use sward_sched::{Runtime, park};

fn runtime() -> Runtime {
    Builder::new().workers(1).build().unwrap()
}

/// An outside thread wakes a green thread at every point of its way off the stack.
#[test]
fn unpark_against_park() {
    let mutants = [
        Mutant::ParkOverwritesWake,
        Mutant::UnparkDropsToken,
        Mutant::InboxPushSilent,
        Mutant::IdleTargetedSkipped,
        Mutant::FinishSkipsJoiner,
    ];
    check("unpark_against_park", &mutants, || {
        let runtime = runtime();
        let parked = runtime.spawn(park);
        parked.thread().unpark();
        parked.join().unwrap();
    });
}

/// Two outside threads wake one that parks again in between.
#[test]
fn two_wakers_and_a_repark() {
    let mutants = [Mutant::ParkOverwritesWake, Mutant::UnparkDropsToken, Mutant::InboxPushSilent];
    check("two_wakers_and_a_repark", &mutants, || {
        let runtime = runtime();
        let flags = Arc::new((AtomicBool::new(false), AtomicBool::new(false)));
        let seen = flags.clone();
        let parked = runtime.spawn(move || {
            while !(seen.0.load(Ordering::Relaxed) && seen.1.load(Ordering::Relaxed)) {
                park();
            }
        });
        let thread = parked.thread();
        let other = flags.clone();
        let waker = loom::thread::spawn(move || {
            other.0.store(true, Ordering::Relaxed);
            thread.unpark();
        });
        flags.1.store(true, Ordering::Relaxed);
        parked.thread().unpark();
        parked.join().unwrap();
        waker.join().unwrap();
    });
}

/// A green thread waits, without leaving its worker, for one that it has spawned: the
/// other worker must come and take it.
#[test]
fn a_fresh_thread_is_stolen_from_a_stuck_worker() {
    let mutants = [Mutant::IdleNotifyNoFence, Mutant::IdleSleepNoRecheck];
    // Two workers and everything that they look at: 23 520 executions at bound 0.
    check_up_to(0, "a_fresh_thread_is_stolen_from_a_stuck_worker", &mutants, || {
        let runtime = Builder::new().workers(2).build().unwrap();
        let stuck = runtime.spawn(|| {
            let met = Arc::new((Mutex::new(false), Condvar::new()));
            let other = met.clone();
            drop(sward_sched::spawn(move || {
                *other.0.lock().unwrap() = true;
                other.1.notify_one();
            }));
            let mut there = met.0.lock().unwrap();
            while !*there {
                there = met.1.wait(there).unwrap();
            }
        });
        stuck.join().unwrap();
    });
}

/// The runtime is shut down while a thread is on its way to park, or parked: it unwinds,
/// its handle resolves, and the worker ends.
#[test]
fn shutdown_against_park() {
    let mutants = [Mutant::IdleTargetedSkipped, Mutant::ShutdownNotRechecked];
    check("shutdown_against_park", &mutants, || {
        let runtime = runtime();
        let parked = runtime.spawn(park);
        assert!(runtime.shutdown(Duration::MAX));
        assert!(parked.join().unwrap_err().is_cancelled());
    });
}

/// A thread spawns another while the runtime goes down: whether they have run or not,
/// both handles resolve. (From outside nobody can spawn by then: it takes the `Runtime`.)
#[test]
fn shutdown_against_spawn() {
    let mutants = [Mutant::FinishSkipsJoiner, Mutant::ShutdownNotRechecked];
    check("shutdown_against_spawn", &mutants, || {
        let runtime = runtime();
        let spawning = runtime.spawn(|| sward_sched::spawn(|| ()));
        let joining = loom::thread::spawn(move || match spawning.join() {
            Ok(child) => child.join().map_or_else(|error| error.is_cancelled(), |()| true),
            Err(error) => error.is_cancelled(),
        });
        assert!(runtime.shutdown(Duration::MAX));
        assert!(joining.join().unwrap());
    });
}
