//! What comes to a worker from other workers and from the monitor, while it goes to sleep and
//! while the runtime goes down. One real worker; the other, and the monitor, are played by the
//! model through the functions that they would call.
#![cfg(sward_loom)]

use loom::sync::mpsc::channel;
use loom::thread;
use sward_loom_tests::{check, check_up_to};
use sward_sched::internal::Waiter;
use sward_sched::internal::model::Stage;
use sward_sched::primitive::Mutant;
use sward_sched::{JoinHandle, park};

/// Whether it has run; otherwise it must have been cancelled.
fn has_run(handle: JoinHandle<()>) -> bool {
    match handle.join() {
        Ok(()) => true,
        Err(error) => {
            assert!(error.is_cancelled());
            false
        }
    }
}

/// A thread is dealt to a worker that goes to sleep.
#[test]
fn dealing_against_sleep() {
    let mutants =
        [Mutant::IdleTargetedSkipped, Mutant::InboxPushSilent, Mutant::IdleSleepNoRecheck];
    check("dealing_against_sleep", &mutants, || {
        let stage = Stage::new(false);
        let (handle, ready) = stage.thread(|| ());
        stage.deal(ready);
        handle.join().unwrap();
        stage.close();
        stage.wait();
    });
}

/// A thread is dealt to a worker that returns.
#[test]
fn dealing_against_shutdown() {
    let mutants = [Mutant::DealtUnexpected, Mutant::DealtWithdrawnSilently];
    check("dealing_against_shutdown", &mutants, || {
        let stage = Stage::new(false);
        let (handle, ready) = stage.thread(|| ());
        let dealing = {
            let stage = stage.clone();
            thread::spawn(move || stage.deal(ready))
        };
        stage.close();
        dealing.join().unwrap();
        stage.wait();
        has_run(handle);
    });
}

/// The monitor takes a dealt thread out of the inbox of a worker that seems to be stuck, while
/// the runtime goes down.
#[test]
fn helping_against_shutdown() {
    let mutants =
        [Mutant::HelpCountsTooEarly, Mutant::HelpNotRefused, Mutant::DealtWithdrawnSilently];
    // Three threads beside the model's own: hundreds of thousands at bound 2.
    check_up_to(1, "helping_against_shutdown", &mutants, || {
        let stage = Stage::new(false);
        let (handle, ready) = stage.thread(|| ());
        stage.deal(ready);
        let helping = {
            let stage = stage.clone();
            thread::spawn(move || stage.help())
        };
        stage.close();
        helping.join().unwrap();
        stage.wait();
        has_run(handle);
    });
}

/// A worker spawns a thread and does not come to it: another must.
#[test]
fn a_lone_thread_of_a_stuck_worker() {
    let mutants = [Mutant::IdleNotifyNoFence, Mutant::IdleSleepNoFence, Mutant::IdleSleepNoRecheck];
    check("a_lone_thread_of_a_stuck_worker", &mutants, || {
        let stage = Stage::new(false);
        let (handle, ready) = stage.thread(|| ());
        stage.leave_lone(ready);
        handle.join().unwrap();
        stage.close();
        stage.wait();
    });
}

/// A parked thread that migrates is looked at by another worker, which is to cancel it, while
/// somebody wakes it.
#[test]
fn holding_against_a_wake() {
    let mutants = [Mutant::HoldSkipped, Mutant::ReleaseIgnoresWake, Mutant::ParkOverwritesWake];
    // Three threads beside the model's own: hundreds of thousands at bound 2.
    check_up_to(1, "holding_against_a_wake", &mutants, || {
        let stage = Stage::new(true);
        let (about_to, is_about_to) = channel();
        let (handle, ready) = stage.thread(move || {
            about_to.send(()).unwrap();
            park();
            // It waits anew, for what it does itself: whoever still looked at how it waited
            // before would be in its way.
            let waiter = Waiter::new();
            // SAFETY: it stays here until `wait` has returned.
            let claim = unsafe { Waiter::claim((&waiter).into()) }.unwrap();
            claim.done(0).wake();
            waiter.wait(None);
        });
        stage.inject(ready);
        let waking = {
            let thread = handle.thread();
            thread::spawn(move || thread.unpark())
        };
        is_about_to.recv().unwrap();
        stage.cancel_moving();
        waking.join().unwrap();
        has_run(handle);
        stage.close();
        stage.wait();
    });
}

/// The last two threads that migrate end at the same time on two workers, while the runtime
/// goes down: both workers return.
#[test]
fn the_last_two_that_migrate_end() {
    check("the_last_two_that_migrate_end", &[Mutant::MovingEndNoFence], || {
        let stage = Stage::new(true);
        stage.moving_starts();
        let (handle, ready) = stage.thread(park);
        stage.inject(ready);
        stage.close();
        stage.moving_ends();
        stage.wait();
        has_run(handle);
    });
}
