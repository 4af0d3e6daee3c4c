//! A semaphore: nobody waits for ever, and no permit is made or lost.
#![cfg(sward_loom)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::thread;
use sward_loom_tests::task::{block_on, poll_once};
use sward_loom_tests::{Mode, check, check_up_to, runtime};
use sward_sched::primitive::{Mutant, UnsafeCell};
use sward_sync::Semaphore;

/// A number that loom watches, for whoever has the only permit.
struct Guarded {
    semaphore: Semaphore,
    number: UnsafeCell<u32>,
}

// SAFETY: the semaphore gives access to one at a time, or loom says so.
unsafe impl Send for Guarded {}
// SAFETY: as above.
unsafe impl Sync for Guarded {}

impl Guarded {
    fn new() -> Arc<Self> {
        Arc::new(Self { semaphore: Semaphore::new(1), number: UnsafeCell::new(0) })
    }

    fn add(&self) {
        // SAFETY: loom checks it.
        self.number.with_mut(|number| unsafe { *number += 1 });
    }

    fn check(&self, expected: u32) {
        let _permit = self.semaphore.try_acquire().expect("all have given theirs back");
        // SAFETY: loom checks it.
        assert_eq!(self.number.with(|number| unsafe { *number }), expected);
        assert_eq!(self.semaphore.available_permits(), 0);
    }
}

fn acquire_and_add(guarded: &Guarded) {
    let _permit = guarded.semaphore.acquire().unwrap();
    guarded.add();
}

fn adding(guarded: &Arc<Guarded>, times: u32) -> thread::JoinHandle<()> {
    let guarded = guarded.clone();
    thread::spawn(move || (0..times).for_each(|_| acquire_and_add(&guarded)))
}

/// A thread that acquires so many, gives them back, and says whether it had them.
fn acquiring(semaphore: &Arc<Semaphore>, permits: u32) -> thread::JoinHandle<bool> {
    let semaphore = semaphore.clone();
    thread::spawn(move || semaphore.acquire_many(permits).is_ok())
}

#[test]
fn release_against_enqueue() {
    let mutants = [Mutant::PermitsSkipWaiters, Mutant::WaitUnannounced, Mutant::PermitsRelaxed];
    check("release_against_enqueue", &mutants, || {
        let guarded = Guarded::new();
        let other = adding(&guarded, 2);
        (0..2).for_each(|_| acquire_and_add(&guarded));
        other.join().unwrap();
        guarded.check(4);
    });
}

/// Two stand in line, or come; what one gives back is enough for both, who keep it.
#[test]
fn release_for_two() {
    let mutants = [Mutant::FirstServedAlone, Mutant::PermitsSkipWaiters];
    check("release_for_two", &mutants, || {
        let semaphore = Arc::new(Semaphore::new(2));
        let permits = semaphore.acquire_many(2).unwrap();
        let keep = |_| {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.acquire().unwrap().forget())
        };
        let others = [0, 1].map(keep);
        drop(permits);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(semaphore.available_permits(), 0);
    });
}

/// A thread that gives up as soon as it would have to wait: in a model, the deadline of an OS
/// thread passes before it sleeps or never.
fn giving_up(guarded: &Arc<Guarded>) -> thread::JoinHandle<u32> {
    let guarded = guarded.clone();
    thread::spawn(move || match guarded.semaphore.acquire_deadline(Instant::now()) {
        Ok(_permit) => {
            guarded.add();
            1
        }
        Err(_) => 0,
    })
}

#[test]
fn release_against_timeout() {
    let mutants = [Mutant::WaiterNotUnlinked, Mutant::PermitsNotPutBack];
    check("release_against_timeout", &mutants, || {
        let guarded = Guarded::new();
        let other = giving_up(&guarded);
        let third = adding(&guarded, 1);
        acquire_and_add(&guarded);
        third.join().unwrap();
        let added = other.join().unwrap();
        guarded.check(2 + added);
    });
}

/// One that asks for more than there are gives up, and lets those behind it be served.
#[test]
fn small_ones_behind_a_big_one_that_gives_up() {
    let mutants = [Mutant::LeftSilently, Mutant::WaiterNotUnlinked];
    check("small_ones_behind_a_big_one_that_gives_up", &mutants, || {
        let semaphore = Arc::new(Semaphore::new(1));
        let small = [acquiring(&semaphore, 1), acquiring(&semaphore, 1)];
        let own = semaphore.clone();
        let big = thread::spawn(move || own.acquire_many_deadline(2, Instant::now()).is_ok());
        small.into_iter().for_each(|small| assert!(small.join().unwrap()));
        assert!(!big.join().unwrap());
        assert!(semaphore.try_acquire().is_ok());
    });
}

/// The big one is a green thread, which is cancelled.
fn big_one_cancelled(mode: Mode) {
    let semaphore = Arc::new(Semaphore::new(1));
    let runtime = runtime(mode);
    let own = semaphore.clone();
    let big = runtime.spawn(move || own.acquire_many(2).is_ok());
    let small = acquiring(&semaphore, 1);
    assert!(runtime.shutdown(Duration::MAX));
    assert!(small.join().unwrap());
    assert!(big.join().unwrap_err().is_cancelled());
    assert!(semaphore.try_acquire().is_ok());
}

#[test]
fn a_big_one_is_cancelled() {
    let mutants = [Mutant::LeftSilently];
    check_up_to(2, "a_big_one_is_cancelled", &mutants, || big_one_cancelled(Mode::Sticky));
}

#[test]
fn a_big_one_that_migrates_is_cancelled() {
    let mutants = [Mutant::LeftSilently];
    check_up_to(1, "a_big_one_that_migrates_is_cancelled", &mutants, || {
        big_one_cancelled(Mode::Migrating);
    });
}

/// A permit comes back while its next owner is cancelled.
#[test]
fn release_against_cancel() {
    let mutants = [Mutant::PermitsNotPutBack];
    check_up_to(2, "release_against_cancel", &mutants, || {
        let semaphore = Arc::new(Semaphore::new(0));
        let runtime = runtime(Mode::Sticky);
        let own = semaphore.clone();
        let waiting = runtime.spawn(move || own.acquire().is_ok());
        let own = semaphore.clone();
        let adding = thread::spawn(move || own.add_permits(1));
        assert!(runtime.shutdown(Duration::MAX));
        adding.join().unwrap();
        if let Err(error) = waiting.join() {
            assert!(error.is_cancelled());
        }
        assert_eq!(semaphore.available_permits(), 1);
        assert!(semaphore.try_acquire().is_ok());
    });
}

#[test]
fn close_against_acquire() {
    let mutants = [Mutant::CloseSkipsLine, Mutant::CloseNotRechecked];
    check("close_against_acquire", &mutants, || {
        let semaphore = Arc::new(Semaphore::new(1));
        let own = semaphore.clone();
        let task = thread::spawn(move || {
            block_on(own.acquire_async()).is_ok_and(|permit| {
                permit.forget();
                true
            })
        });
        let other = semaphore.clone();
        let thread = thread::spawn(move || other.acquire().map(|permit| permit.forget()).is_ok());
        semaphore.close();
        let had = [task, thread].map(|it| usize::from(it.join().unwrap()));
        assert_eq!(had[0] + had[1] + semaphore.available_permits(), 1);
    });
}

#[test]
fn release_against_a_task() {
    let mutants = [Mutant::PermitsSkipWaiters, Mutant::WaitUnannounced];
    check("release_against_a_task", &mutants, || {
        let guarded = Guarded::new();
        let inner = guarded.clone();
        let task = thread::spawn(move || {
            for _ in 0..2 {
                let _permit = block_on(inner.semaphore.acquire_async()).unwrap();
                inner.add();
            }
        });
        (0..2).for_each(|_| acquire_and_add(&guarded));
        task.join().unwrap();
        guarded.check(4);
    });
}

/// A task goes away while it is handed a permit, and a thread waits behind it.
#[test]
fn release_against_a_dropped_task() {
    let mutants = [Mutant::DroppedKeepsTurn];
    check("release_against_a_dropped_task", &mutants, || {
        let guarded = Guarded::new();
        let permit = guarded.semaphore.try_acquire().unwrap();
        let mut first = Box::pin(guarded.semaphore.acquire_async());
        assert!(poll_once(first.as_mut()).is_pending());
        let behind = adding(&guarded, 1);
        permit.forget();
        let own = guarded.clone();
        let releasing = thread::spawn(move || own.semaphore.add_permits(1));
        drop(first);
        releasing.join().unwrap();
        behind.join().unwrap();
        guarded.check(1);
    });
}
