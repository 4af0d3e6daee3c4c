//! The parker, in the whole scheduler: real green threads on real stacks, parked,
//! woken from outside, joined, and shut down, by the source that ships.
#![cfg(sward_loom)]

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::mpsc::channel;
use sward_loom_tests::Mode::{self, Migrating, Sticky};
use sward_loom_tests::{check, check_up_to, runtime};
use sward_sched::park;
use sward_sched::primitive::Mutant;

fn unpark_against_park(mode: Mode) {
    let runtime = runtime(mode);
    let parked = runtime.spawn(park);
    parked.thread().unpark();
    parked.join().unwrap();
}

/// An outside thread wakes a green thread at every point of its way off the stack.
#[test]
fn unpark_against_park_sticky() {
    let mutants = [
        Mutant::UnparkDropsToken,
        Mutant::InboxPushSilent,
        Mutant::IdleTargetedSkipped,
        Mutant::FinishSkipsJoiner,
    ];
    check("unpark_against_park_sticky", &mutants, || unpark_against_park(Sticky));
}

/// The same, where the run state settles who queues it.
#[test]
fn unpark_against_park_migrating() {
    let mutants = [
        Mutant::ParkOverwritesWake,
        Mutant::UnparkDropsToken,
        Mutant::IdleNotifyNoFence,
        Mutant::IdleSleepNoFence,
        Mutant::IdleSleepNoRecheck,
        Mutant::FinishSkipsJoiner,
    ];
    check("unpark_against_park_migrating", &mutants, || unpark_against_park(Migrating));
}

fn two_wakers_and_a_repark(mode: Mode) {
    let runtime = runtime(mode);
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
}

/// Two outside threads wake one that parks again in between.
#[test]
fn two_wakers_and_a_repark_sticky() {
    let mutants = [Mutant::UnparkDropsToken, Mutant::InboxPushSilent];
    // Three threads, of which two come from outside: hundreds of thousands at bound 2.
    check_up_to(1, "two_wakers_and_a_repark_sticky", &mutants, || two_wakers_and_a_repark(Sticky));
}

/// The same, where the run state settles who queues it.
#[test]
fn two_wakers_and_a_repark_migrating() {
    let mutants = [Mutant::ParkOverwritesWake, Mutant::UnparkDropsToken];
    // Three threads, of which two come from outside: hundreds of thousands at bound 2.
    check_up_to(1, "two_wakers_and_a_repark_migrating", &mutants, || {
        two_wakers_and_a_repark(Migrating)
    });
}

fn shutdown_against_park(mode: Mode) {
    let runtime = runtime(mode);
    let parked = runtime.spawn(park);
    assert!(runtime.shutdown(Duration::MAX));
    assert!(parked.join().unwrap_err().is_cancelled());
}

/// The runtime is shut down while a thread is on its way to park, or parked: it unwinds,
/// its handle resolves, and the worker ends.
#[test]
fn shutdown_against_park_sticky() {
    let mutants = [Mutant::IdleTargetedSkipped, Mutant::ShutdownNotRechecked];
    check("shutdown_against_park_sticky", &mutants, || shutdown_against_park(Sticky));
}

/// The same, where the one that cancels must hold it.
#[test]
fn shutdown_against_park_migrating() {
    let mutants = [Mutant::IdleTargetedSkipped, Mutant::ShutdownNotRechecked];
    check("shutdown_against_park_migrating", &mutants, || shutdown_against_park(Migrating));
}

fn shutdown_against_unpark(mode: Mode) {
    let runtime = runtime(mode);
    let (about_to, is_about_to) = channel();
    let parked = runtime.spawn(move || {
        about_to.send(()).unwrap();
        park();
    });
    let thread = parked.thread();
    let waker = loom::thread::spawn(move || thread.unpark());
    // (`shutdown_against_park` has those that come earlier.)
    is_about_to.recv().unwrap();
    assert!(runtime.shutdown(Duration::MAX));
    assert!(parked.join().map_or_else(|error| error.is_cancelled(), |()| true));
    waker.join().unwrap();
}

/// A parked thread is woken while the runtime goes down: it comes to its end, one way or the
/// other.
#[test]
fn shutdown_against_unpark_sticky() {
    let mutants = [Mutant::ShutdownNotRechecked];
    // Three threads, of which two come from outside: hundreds of thousands at bound 2.
    check_up_to(1, "shutdown_against_unpark_sticky", &mutants, || shutdown_against_unpark(Sticky));
}

/// The same, where the woken thread lies in the injector beside those that have not started.
#[test]
fn shutdown_against_unpark_migrating() {
    let mutants = [Mutant::RefusesStarted, Mutant::ShutdownNotRechecked];
    // Three threads, of which two come from outside: hundreds of thousands at bound 2.
    check_up_to(1, "shutdown_against_unpark_migrating", &mutants, || {
        shutdown_against_unpark(Migrating)
    });
}

/// A thread spawns another while the runtime goes down: whether they have run or not,
/// both handles resolve. (From outside nobody can spawn by then: it takes the `Runtime`.)
#[test]
fn shutdown_against_spawn() {
    let mutants = [Mutant::FinishSkipsJoiner, Mutant::ShutdownNotRechecked];
    // Three threads, of which two come from outside: hundreds of thousands at bound 2.
    check_up_to(1, "shutdown_against_spawn", &mutants, || {
        let runtime = runtime(Sticky);
        let spawning = runtime.spawn(|| sward_sched::spawn(|| ()));
        let joining = loom::thread::spawn(move || match spawning.join() {
            Ok(child) => child.join().map_or_else(|error| error.is_cancelled(), |()| true),
            Err(error) => error.is_cancelled(),
        });
        assert!(runtime.shutdown(Duration::MAX));
        assert!(joining.join().unwrap());
    });
}
