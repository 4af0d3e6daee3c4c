//! A thread is cancelled at every point of its way: before it begins, before it first waits,
//! while it leaves its stack, while it is woken, while its runtime ends. In the whole
//! scheduler, on real stacks.
#![cfg(sward_loom)]

use std::time::Duration;

use sward_loom_tests::Mode::{self, Migrating, Sticky};
use sward_loom_tests::{check, check_up_to, runtime};
use sward_sched::park;
use sward_sched::primitive::Mutant;

fn forever() {
    loop {
        park();
    }
}

fn cancel_against_park(mode: Mode) {
    let runtime = runtime(mode);
    let parked = runtime.spawn(forever);
    parked.cancel();
    assert!(parked.join().unwrap_err().is_cancelled());
}

#[test]
fn cancel_against_park_sticky() {
    let mutants = [Mutant::CancelUnseenWhenListing, Mutant::CancelMessageSilent];
    check("cancel_against_park_sticky", &mutants, || cancel_against_park(Sticky));
}

#[test]
fn cancel_against_park_migrating() {
    let mutants = [Mutant::CancelUnseenWhenParking];
    check("cancel_against_park_migrating", &mutants, || cancel_against_park(Migrating));
}

fn cancel_against_unpark(mode: Mode) {
    let runtime = runtime(mode);
    let parked = runtime.spawn(forever);
    let thread = parked.thread();
    let waker = loom::thread::spawn(move || thread.unpark());
    parked.cancel();
    assert!(parked.join().unwrap_err().is_cancelled());
    waker.join().unwrap();
}

/// A waker and whoever cancels: the thread is woken once for each wait, and unwinds.
#[test]
fn cancel_against_unpark_sticky() {
    let mutants = [Mutant::ClaimTwice];
    // Three threads, of which two come from outside.
    check_up_to(1, "cancel_against_unpark_sticky", &mutants, || cancel_against_unpark(Sticky));
}

/// The same, where both take the thread out of its state.
#[test]
fn cancel_against_unpark_migrating() {
    let mutants = [Mutant::ClaimTwice];
    // Three threads, of which two come from outside.
    check_up_to(1, "cancel_against_unpark_migrating", &mutants, || {
        cancel_against_unpark(Migrating)
    });
}

fn cancel_against_shutdown(mode: Mode) {
    let runtime = runtime(mode);
    let parked = runtime.spawn(forever);
    let handle = parked.thread();
    let cancelling = loom::thread::spawn(move || {
        parked.cancel();
        parked
    });
    assert!(runtime.shutdown(Duration::MAX));
    assert!(cancelling.join().unwrap().join().unwrap_err().is_cancelled());
    drop(handle);
}

/// The worker, and all that it owns, may go away while somebody still cancels.
#[test]
fn cancel_against_shutdown_sticky() {
    let mutants = [Mutant::ShutdownNotRechecked];
    check_up_to(1, "cancel_against_shutdown_sticky", &mutants, || cancel_against_shutdown(Sticky));
}

/// The same, where both may hold the thread.
#[test]
fn cancel_against_shutdown_migrating() {
    let mutants = [Mutant::ShutdownNotRechecked];
    check_up_to(1, "cancel_against_shutdown_migrating", &mutants, || {
        cancel_against_shutdown(Migrating)
    });
}
