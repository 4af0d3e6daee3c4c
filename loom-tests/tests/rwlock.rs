//! A lock for readers and writers: nobody waits for ever, and a writer is alone.
#![cfg(sward_loom)]

use std::sync::Arc;
use std::time::Instant;

use lock_api::{GuardSend, RwLockUpgradableReadGuard};
use loom::thread;
use sward_loom_tests::check;
use sward_loom_tests::task::{block_on, finish, poll_once};
use sward_sched::primitive::{Mutant, UnsafeCell};
use sward_sync::internal::{recursive_rwlock, rwlock};
use sward_sync::rwlock::{
    RecursiveRwLockWriteGuard, RwLock, RwLockAsync, RwLockReadGuard, RwLockWriteGuard,
};

/// A number that loom watches: to write it while others touch it is a failure.
struct Watched(UnsafeCell<u32>);

// SAFETY: the lock around it gives access to many readers or one writer, or loom says so.
unsafe impl Send for Watched {}
// SAFETY: as above.
unsafe impl Sync for Watched {}

type Counter = Arc<RwLock<Watched>>;

impl Watched {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    fn get(&self) -> u32 {
        // SAFETY: loom checks it.
        self.0.with(|value| unsafe { *value })
    }

    fn add(&self) {
        // SAFETY: loom checks it.
        self.0.with_mut(|value| unsafe { *value += 1 });
    }
}

fn counter() -> Counter {
    Arc::new(rwlock(Watched::new()))
}

fn spawn<T: 'static>(
    counter: &Counter,
    f: impl FnOnce(&RwLock<Watched>) -> T + 'static,
) -> thread::JoinHandle<T> {
    let counter = counter.clone();
    thread::spawn(move || f(&counter))
}

/// In a model, the deadline of an OS thread passes before it sleeps or never.
fn now() -> Instant {
    Instant::now()
}

fn check_count(counter: &Counter, expected: u32) {
    let alone = counter.try_write().expect("all have left");
    assert_eq!(alone.get(), expected);
}

#[test]
fn writer_against_readers() {
    let mutants = [
        Mutant::LastReaderSilent,
        Mutant::WaitUnannounced,
        Mutant::UnlockSkipsWaiters,
        Mutant::ReaderLeavesRelaxed,
    ];
    check("writer_against_readers", &mutants, || {
        let counter = counter();
        let readers = [0, 1].map(|_| spawn(&counter, |counter| counter.read().get()));
        counter.write().add();
        readers.into_iter().for_each(|reader| assert!(reader.join().unwrap() <= 1));
        check_count(&counter, 1);
    });
}

/// The last of two readers hands the lock over, who has not seen what the other did.
#[test]
fn the_last_reader_hands_over() {
    let mutants = [Mutant::LastReaderSilent, Mutant::ReaderLeavesRelaxed, Mutant::GrantRelaxed];
    check("the_last_reader_hands_over", &mutants, || {
        let counter = counter();
        let readers = [counter.read_arc(), counter.read_arc()];
        let readers = readers.map(|reading| {
            thread::spawn(move || {
                assert_eq!(reading.get(), 0);
                drop(reading);
            })
        });
        counter.write().add();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        check_count(&counter, 1);
    });
}

#[test]
fn writer_against_writer_against_reader() {
    let mutants = [Mutant::SecondForgotten, Mutant::UnlockSkipsWaiters];
    check("writer_against_writer_against_reader", &mutants, || {
        let counter = counter();
        let writer = spawn(&counter, |counter| counter.write().add());
        let reader = spawn(&counter, |counter| counter.read().get());
        counter.write().add();
        writer.join().unwrap();
        reader.join().unwrap();
        check_count(&counter, 2);
    });
}

/// Whoever leaves fairly hands the lock over.
#[test]
fn hand_over() {
    let mutants = [Mutant::HandOverUnlocks, Mutant::SecondForgotten];
    check("hand_over", &mutants, || {
        let counter = counter();
        let writers = [0, 1].map(|_| spawn(&counter, |counter| counter.write().add()));
        let guard = counter.write();
        guard.add();
        RwLockWriteGuard::unlock_fair(guard);
        RwLockReadGuard::unlock_fair(counter.read());
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        check_count(&counter, 3);
    });
}

/// A reader that comes while a writer waits sees what that has written.
#[test]
fn a_reader_waits_behind_a_writer() {
    check("a_reader_waits_behind_a_writer", &[Mutant::ReaderOvertakes], || {
        let counter = counter();
        let reading = counter.read();
        let mut writing = Box::pin(counter.write_async());
        assert!(poll_once(writing.as_mut()).is_pending());
        let behind = spawn(&counter, |counter| counter.read().get());
        assert!(counter.try_read().is_none() && counter.try_upgradable_read().is_none());
        drop(reading);
        finish(writing.as_mut()).add();
        assert_eq!(behind.join().unwrap(), 1);
        check_count(&counter, 1);
    });
}

/// A writer that waits gives up: the reader behind it enters beside the one that reads.
#[test]
fn a_writer_gives_up_in_front_of_a_reader() {
    check("a_writer_gives_up_in_front_of_a_reader", &[Mutant::LeftSilently], || {
        let counter = counter();
        let reading = counter.read();
        let writer = spawn(&counter, |counter| assert!(counter.try_write_until(now()).is_none()));
        let reader = spawn(&counter, |counter| counter.read().get());
        assert_eq!(reader.join().unwrap(), 0);
        writer.join().unwrap();
        drop(reading);
        check_count(&counter, 0);
    });
}

/// And what happens if the other leaves at that moment.
#[test]
fn a_writer_gives_up_while_the_reader_leaves() {
    check("a_writer_gives_up_while_the_reader_leaves", &[Mutant::WaiterNotUnlinked], || {
        let counter = counter();
        let reading = counter.read();
        let giving_up = spawn(&counter, |counter| {
            counter.try_write_until(now()).map_or(0, |alone| {
                alone.add();
                1
            })
        });
        let writer = spawn(&counter, |counter| counter.write().add());
        drop(reading);
        let added = giving_up.join().unwrap();
        writer.join().unwrap();
        check_count(&counter, 1 + added);
    });
}

/// A reader that waits gives up while it is let in.
fn gives_up(fair: bool) {
    let counter = counter();
    let writing = counter.write();
    let giving_up = spawn(&counter, |counter| drop(counter.try_read_until(now())));
    let writer = spawn(&counter, |counter| counter.write().add());
    writing.add();
    unlock(writing, fair);
    giving_up.join().unwrap();
    writer.join().unwrap();
    check_count(&counter, 2);
}

fn unlock(writing: RwLockWriteGuard<'_, Watched>, fair: bool) {
    match fair {
        true => RwLockWriteGuard::unlock_fair(writing),
        false => drop(writing),
    }
}

#[test]
fn a_reader_gives_up_while_it_is_told() {
    check("a_reader_gives_up_while_it_is_told", &[Mutant::WaiterNotUnlinked], || gives_up(false));
}

#[test]
fn a_reader_gives_up_while_it_is_handed_the_lock() {
    let mutants = [Mutant::WaiterNotUnlinked, Mutant::GoneReaderCounted];
    check("a_reader_gives_up_while_it_is_handed_the_lock", &mutants, || gives_up(true));
}

/// A reader that was told to compete stood before the writer that waits, and is not held back by it.
#[test]
fn a_told_reader_enters_before_the_writer_in_line() {
    check("a_told_reader_enters_before_the_writer_in_line", &[Mutant::ToldReaderHeldBack], || {
        let counter = counter();
        let writing = counter.write();
        let reader = spawn(&counter, |counter| counter.read().get());
        let writer = spawn(&counter, |counter| counter.write().add());
        writing.add();
        drop(writing);
        assert!((1..=2).contains(&reader.join().unwrap()));
        writer.join().unwrap();
        check_count(&counter, 2);
    });
}

/// The same for one that lost to another writer in between, and for a task.
#[test]
fn a_told_reader_that_loses_has_its_turn_again() {
    check("a_told_reader_that_loses_has_its_turn_again", &[Mutant::ToldReaderHeldBack], || {
        let counter = counter();
        let writing = counter.write();
        let mut reading = Box::pin(counter.read_async());
        assert!(poll_once(reading.as_mut()).is_pending());
        let mut behind = Box::pin(counter.write_async());
        assert!(poll_once(behind.as_mut()).is_pending());
        writing.add();
        drop(writing);
        let other = spawn(&counter, |counter| counter.write().add());
        assert!((1..=2).contains(&finish(reading.as_mut()).get()));
        drop(reading);
        finish(behind.as_mut()).add();
        drop(behind);
        other.join().unwrap();
        check_count(&counter, 3);
    });
}

/// One upgradable reader is told, and the next by that one.
#[test]
fn a_writer_leaves_to_two_upgradable_readers() {
    let mutants = [Mutant::UnlockSkipsWaiters];
    check("a_writer_leaves_to_two_upgradable_readers", &mutants, || {
        let counter = counter();
        let writing = counter.write();
        let readers = [0, 1].map(|_| spawn(&counter, |counter| counter.upgradable_read().get()));
        writing.add();
        drop(writing);
        readers.into_iter().for_each(|reader| assert_eq!(reader.join().unwrap(), 1));
        check_count(&counter, 1);
    });
}

/// All readers in front enter at the same time.
#[test]
fn a_writer_leaves_to_two_readers() {
    check("a_writer_leaves_to_two_readers", &[Mutant::OneReaderServed], || {
        let counter = counter();
        let writing = counter.write();
        let readers = [0, 1].map(|_| spawn(&counter, |counter| counter.read().get()));
        writing.add();
        drop(writing);
        readers.into_iter().for_each(|reader| assert_eq!(reader.join().unwrap(), 1));
        check_count(&counter, 1);
    });
}

/// A writer becomes a reader, and goes on when another has read beside it.
#[test]
fn downgrade_lets_a_reader_in() {
    check("downgrade_lets_a_reader_in", &[Mutant::DowngradeSilent], || {
        let counter = counter();
        let writing = counter.write();
        let reader = spawn(&counter, |counter| counter.read().get());
        writing.add();
        let reading = RwLockWriteGuard::downgrade(writing);
        assert_eq!(reader.join().unwrap(), 1);
        drop(reading);
        check_count(&counter, 1);
    });
}

/// As above, to the upgradable reader, and from there.
#[test]
fn downgrade_by_steps() {
    check("downgrade_by_steps", &[Mutant::DowngradeSilent], || {
        let counter = counter();
        let writing = counter.write();
        let reader = spawn(&counter, |counter| counter.read().get());
        let upgradable = spawn(&counter, |counter| counter.upgradable_read().get());
        writing.add();
        let reading = RwLockWriteGuard::downgrade_to_upgradable(writing);
        assert_eq!(reader.join().unwrap(), 1);
        let reading = RwLockUpgradableReadGuard::downgrade(reading);
        assert_eq!(upgradable.join().unwrap(), 1);
        drop(reading);
        check_count(&counter, 1);
    });
}

#[test]
fn upgrade_against_readers() {
    let mutants = [Mutant::LastReaderSilent, Mutant::WaitUnannounced, Mutant::UpgradeRelaxed];
    check("upgrade_against_readers", &mutants, || {
        let counter = counter();
        let upgradable = counter.upgradable_read();
        let readers = [0, 1].map(|_| spawn(&counter, |counter| counter.read().get()));
        RwLockUpgradableReadGuard::upgrade(upgradable).add();
        readers.into_iter().for_each(|reader| assert!(reader.join().unwrap() <= 1));
        check_count(&counter, 1);
    });
}

/// One that would upgrade gives up, while a reader leaves and another comes.
#[test]
fn an_upgrade_is_given_up() {
    check("an_upgrade_is_given_up", &[Mutant::LeftSilently], || {
        let counter = counter();
        let reading = counter.read();
        let reader = spawn(&counter, |counter| counter.read().get());
        let upgrading = spawn(&counter, |counter| {
            let upgradable = counter.upgradable_read();
            match RwLockUpgradableReadGuard::try_upgrade_until(upgradable, now()) {
                Ok(alone) => alone.add(),
                Err(upgradable) => drop(upgradable),
            }
        });
        drop(reading);
        reader.join().unwrap();
        upgrading.join().unwrap();
        assert!(!counter.is_locked());
    });
}

/// Two upgrade: one after the other, and nobody comes in between.
#[test]
fn two_upgraders() {
    let mutants = [Mutant::UnlockSkipsWaiters, Mutant::WaitUnannounced];
    check("two_upgraders", &mutants, || {
        let counter = counter();
        let upgrade = |counter: &RwLock<Watched>| {
            let upgradable = counter.upgradable_read();
            let before = upgradable.get();
            let alone = RwLockUpgradableReadGuard::upgrade(upgradable);
            assert_eq!(alone.get(), before);
            alone.add();
        };
        let other = spawn(&counter, upgrade);
        let reader = spawn(&counter, |counter| counter.read().get());
        upgrade(&counter);
        other.join().unwrap();
        reader.join().unwrap();
        check_count(&counter, 2);
    });
}

/// A writer was told to compete, lost, and stands in front of the upgrader.
#[test]
fn an_upgrader_is_not_held_back() {
    check("an_upgrader_is_not_held_back", &[Mutant::UpgraderHeldBack], || {
        let counter = counter();
        let alone = counter.write();
        let mut writing = Box::pin(counter.write_async());
        assert!(poll_once(writing.as_mut()).is_pending());
        drop(alone);
        let upgradable = counter.upgradable_read();
        let reading = counter.read();
        let upgrading = {
            std::mem::forget(upgradable);
            spawn(&counter, |counter| {
                // SAFETY: it was locked above.
                let upgradable =
                    unsafe { counter.make_upgradable_guard_unchecked(GuardSend::new()) };
                RwLockUpgradableReadGuard::upgrade(upgradable).add();
            })
        };
        assert!(poll_once(writing.as_mut()).is_pending());
        drop(reading);
        upgrading.join().unwrap();
        finish(writing.as_mut()).add();
        drop(writing);
        check_count(&counter, 2);
    });
}

#[test]
fn tasks_read_and_write() {
    let mutants = [Mutant::UnlockSkipsWaiters, Mutant::WaitUnannounced];
    check("tasks_read_and_write", &mutants, || {
        let counter = counter();
        let reader = spawn(&counter, |counter| block_on(counter.read_async()).get());
        let upgradable = spawn(&counter, |counter| {
            RwLockUpgradableReadGuard::upgrade(block_on(counter.upgradable_read_async())).add();
        });
        block_on(counter.write_async()).add();
        reader.join().unwrap();
        upgradable.join().unwrap();
        check_count(&counter, 2);
    });
}

/// A future goes away while the writer leaves, and a writer waits behind it.
fn dropped<F: Future + 'static>(fair: bool, future: impl FnOnce(&'static RwLock<Watched>) -> F) {
    let counter = counter();
    // SAFETY: the counter outlives the future, which is dropped below.
    let lock: &'static RwLock<Watched> = unsafe { &*Arc::as_ptr(&counter) };
    let writing = counter.write();
    let mut first = Box::pin(future(lock));
    assert!(poll_once(first.as_mut()).is_pending());
    let behind = spawn(&counter, |counter| counter.write().add());
    std::mem::forget(writing);
    let leaving = spawn(&counter, move |counter| {
        // SAFETY: it was locked above.
        let writing = unsafe { counter.make_write_guard_unchecked(GuardSend::new()) };
        writing.add();
        unlock(writing, fair);
    });
    drop(first);
    leaving.join().unwrap();
    behind.join().unwrap();
    check_count(&counter, 2);
}

#[test]
fn a_dropped_reader_that_competes_passes_it_on() {
    check("a_dropped_reader_that_competes_passes_it_on", &[Mutant::DroppedKeepsTurn], || {
        dropped(false, |lock| lock.read_async());
    });
}

#[test]
fn a_dropped_upgradable_reader_that_competes_passes_it_on() {
    check(
        "a_dropped_upgradable_reader_that_competes_passes_it_on",
        &[Mutant::DroppedKeepsTurn],
        || {
            dropped(false, |lock| lock.upgradable_read_async());
        },
    );
}

#[test]
fn a_dropped_writer_that_competes_passes_it_on() {
    check("a_dropped_writer_that_competes_passes_it_on", &[Mutant::DroppedKeepsTurn], || {
        dropped(false, |lock| lock.write_async());
    });
}

#[test]
fn a_dropped_reader_that_was_handed_it_passes_it_on() {
    check("a_dropped_reader_that_was_handed_it_passes_it_on", &[Mutant::DroppedKeepsTurn], || {
        dropped(true, |lock| lock.read_async());
    });
}

#[test]
fn a_dropped_upgradable_reader_that_was_handed_it_passes_it_on() {
    check(
        "a_dropped_upgradable_reader_that_was_handed_it_passes_it_on",
        &[Mutant::DroppedKeepsTurn],
        || {
            dropped(true, |lock| lock.upgradable_read_async());
        },
    );
}

#[test]
fn a_dropped_writer_that_was_handed_it_passes_it_on() {
    check("a_dropped_writer_that_was_handed_it_passes_it_on", &[Mutant::DroppedKeepsTurn], || {
        dropped(true, |lock| lock.write_async());
    });
}

/// A writer in line goes away, and those behind it enter beside the one that reads.
#[test]
fn a_dropped_writer_in_line_lets_readers_in() {
    check("a_dropped_writer_in_line_lets_readers_in", &[], || {
        let counter = counter();
        let reading = counter.read();
        let mut writing = Box::pin(counter.write_async());
        assert!(poll_once(writing.as_mut()).is_pending());
        let readers = [0, 1].map(|_| spawn(&counter, |counter| counter.read().get()));
        drop(writing);
        readers.into_iter().for_each(|reader| assert_eq!(reader.join().unwrap(), 0));
        drop(reading);
        check_count(&counter, 0);
    });
}

/// Who reads may read again, whoever waits.
#[test]
fn recursive_reads_do_not_wait_for_writers_in_line() {
    let mutants = [Mutant::LastReaderSilent];
    check("recursive_reads_do_not_wait_for_writers_in_line", &mutants, || {
        let counter = Arc::new(recursive_rwlock(Watched::new()));
        let others = [0, 1].map(|_| {
            let counter = counter.clone();
            thread::spawn(move || counter.write().add())
        });
        let first = counter.read();
        let second = counter.read();
        assert_eq!(first.get(), second.get());
        drop((first, second));
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(counter.try_read().expect("all have left").get(), 2);
    });
}

/// And may become the upgradable reader, when that has left, in spite of a writer in front.
#[test]
fn recursive_upgradable_reads_pass_writers_in_line() {
    check("recursive_upgradable_reads_pass_writers_in_line", &[], || {
        let counter = Arc::new(recursive_rwlock(Watched::new()));
        let first = counter.read();
        let other = counter.clone();
        let upgradable = thread::spawn(move || other.upgradable_read().get());
        let other = counter.clone();
        let writer = thread::spawn(move || other.write().add());
        let second = counter.upgradable_read();
        drop((first, second));
        upgradable.join().unwrap();
        writer.join().unwrap();
        assert_eq!(counter.try_read().expect("all have left").get(), 1);
    });
}

/// A reader gives up behind a writer that is passed, while it is handed the lock and another
/// reader leaves: the writer is looked at again.
#[test]
fn a_passed_writer_is_not_forgotten() {
    check("a_passed_writer_is_not_forgotten", &[Mutant::PassedNotServedAgain], || {
        let counter = Arc::new(recursive_rwlock(Watched::new()));
        let held = counter.write();
        let other = counter.clone();
        let reader = thread::spawn(move || drop(other.read()));
        // They may get in line now, and no preemption is spent on that.
        thread::yield_now();
        let mut writing = Box::pin(counter.write_async());
        assert!(poll_once(writing.as_mut()).is_pending());
        let other = counter.clone();
        let giving_up = thread::spawn(move || drop(other.try_read_until(now())));
        thread::yield_now();
        RecursiveRwLockWriteGuard::unlock_fair(held);
        finish(writing.as_mut()).add();
        drop(writing);
        reader.join().unwrap();
        giving_up.join().unwrap();
    });
}

/// A recursive reader behind a writer that is told, and loses to another reader, reads beside that.
#[test]
fn a_recursive_reader_waits_for_no_writer_that_waits() {
    let mutants = [Mutant::WriterToldAlone];
    check("a_recursive_reader_waits_for_no_writer_that_waits", &mutants, || {
        let counter = Arc::new(recursive_rwlock(Watched::new()));
        let held = counter.write();
        let mut writing = Box::pin(counter.write_async());
        assert!(poll_once(writing.as_mut()).is_pending());
        let other = counter.clone();
        let reader = thread::spawn(move || other.read().get());
        thread::yield_now();
        drop(held);
        let reading = counter.read();
        assert!(poll_once(writing.as_mut()).is_pending());
        assert_eq!(reader.join().unwrap(), 0);
        drop(reading);
        finish(writing.as_mut()).add();
    });
}
