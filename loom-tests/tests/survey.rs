//! Somebody asks the workers who is there (a dump), while threads wait, are woken and cancelled. In the
//! whole scheduler, on real stacks.
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

fn survey_against_park(mode: Mode) {
    let runtime = runtime(mode);
    let parked = runtime.spawn(park);
    assert!(runtime.count_waiting()() <= 1);
    parked.thread().unpark();
    parked.join().unwrap();
    assert_eq!(runtime.count_waiting()(), 0);
}

/// The worker sleeps, or is about to: it hears of the question, and its answer is heard.
#[test]
fn survey_against_sleep() {
    let mutants = [Mutant::SurveyEndsSilently, Mutant::SurveyNotRechecked];
    check("survey_against_sleep", &mutants, || {
        assert_eq!(runtime(Sticky).count_waiting()(), 0);
    });
}

/// It begins a thread, parks it, and runs it again.
#[test]
fn survey_against_park_sticky() {
    check_up_to(1, "survey_against_park_sticky", &[], || survey_against_park(Sticky));
}

/// The same, where the thread is held while it is looked at.
#[test]
fn survey_against_park_migrating() {
    check_up_to(1, "survey_against_park_migrating", &[], || survey_against_park(Migrating));
}

/// A thread that is held, to be looked at, is woken: whoever holds it sees to it that it goes on.
#[test]
fn survey_against_unpark_migrating() {
    let mutants = [Mutant::ReleaseIgnoresWake];
    check_up_to(1, "survey_against_unpark_migrating", &mutants, || {
        let runtime = runtime(Migrating);
        let parked = runtime.spawn(park);
        let thread = parked.thread();
        let waker = loom::thread::spawn(move || thread.unpark());
        assert!(runtime.count_waiting()() <= 1);
        parked.join().unwrap();
        waker.join().unwrap();
    });
}

/// It is cancelled: whoever does that does not take the one who looks for one who cancels, too.
#[test]
fn survey_against_cancel_migrating() {
    let mutants = [Mutant::AskTakesLookForCancel, Mutant::HoldDoesNotWait];
    check_up_to(1, "survey_against_cancel_migrating", &mutants, || {
        let runtime = runtime(Migrating);
        let parked = runtime.spawn(forever);
        let cancelling = loom::thread::spawn(move || {
            parked.cancel();
            parked
        });
        assert!(runtime.count_waiting()() <= 1);
        assert!(cancelling.join().unwrap().join().unwrap_err().is_cancelled());
    });
}

/// The runtime shuts down: a worker that has returned answers nothing, and is not waited for.
#[test]
fn survey_against_shutdown() {
    let mutants = [Mutant::ReturnedWorkerUnseen];
    check_up_to(2, "survey_against_shutdown", &mutants, || {
        let runtime = runtime(Sticky);
        let count = runtime.count_waiting();
        let asking = loom::thread::spawn(move || assert_eq!(count(), 0));
        assert!(runtime.shutdown(Duration::MAX));
        asking.join().unwrap();
    });
}
