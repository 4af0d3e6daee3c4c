//! Locks for readers and writers, and threads and tasks that end while they hold one, wait for one
//! or are handed one: nothing stays locked, nobody waits for ever.

#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use settings::{limited, migrating, runtime, until};
use sward_sched::time::{sleep, timeout};
use sward_sched::{JoinHandle, park, spawn, unblock, yield_now};
use sward_sync::rwlock::ArcRwLockUpgradableReadGuard;
use sward_sync::{
    RecursiveRwLock, RwLock, RwLockAsync, RwLockUpgradableReadGuard, RwLockWriteGuard,
};

fn everywhere(test: fn()) {
    limited(move || {
        for workers in [1, 2] {
            runtime(workers).run(test);
            migrating(workers).run(test);
        }
    });
}

/// Locks in one of the ways there are, adds `number` if it may, and does `then` with the guard.
fn visit(lock: &RwLock<u32>, way: u32, number: u32, then: impl FnOnce()) {
    match way % 4 {
        0 => {
            let _reading = lock.read();
            then();
        }
        1 => {
            let _reading = lock.upgradable_read();
            then();
        }
        2 => {
            let mut alone = RwLockUpgradableReadGuard::upgrade(lock.upgradable_read());
            *alone += number;
            then();
        }
        _ => {
            let mut alone = lock.write();
            *alone += number;
            then();
        }
    }
}

fn spawn_visit(lock: &Arc<RwLock<u32>>, way: u32, then: fn()) -> JoinHandle<()> {
    let lock = lock.clone();
    spawn(move || visit(&lock, way, 1, then))
}

#[test]
fn guards_are_held_across_blocking_calls() {
    everywhere(|| {
        let lock = Arc::new(RwLock::new(0));
        let visits: Vec<_> = (0..12)
            .map(|i| {
                let lock = lock.clone();
                spawn(move || {
                    for round in 0..4 {
                        visit(&lock, i, 1, || match (i + round) % 3 {
                            0 => yield_now(),
                            1 => sleep(Duration::from_micros(50)),
                            _ => assert_eq!(unblock(move || i), i),
                        });
                    }
                })
            })
            .collect();
        visits.into_iter().for_each(|visit| visit.join().unwrap());
        assert_eq!(*lock.try_write().expect("all have left"), 6 * 4);
    });
}

#[test]
fn who_is_unwound_unlocks() {
    everywhere(|| {
        let lock = Arc::new(RwLock::new(0));
        for way in 0..40 {
            let holding = spawn_visit(&lock, way, park);
            until(|| lock.is_locked());
            holding.cancel();
            let late = timeout(Duration::from_micros(50), || {
                visit(&lock, way / 4, 1, || sleep(Duration::from_secs(60)));
            });
            assert!(late.unwrap_err().is_elapsed());
            assert!(holding.join().unwrap_err().is_cancelled());
        }
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn who_waits_gets_the_lock_before_it_unwinds() {
    everywhere(|| {
        let lock = Arc::new(RwLock::new(0));
        let held = lock.write();
        let waiting: Vec<_> = (0..12).map(|way| spawn_visit(&lock, way, park)).collect();
        (0..30).for_each(|_| yield_now());
        waiting.iter().for_each(|thread| thread.cancel());
        (0..30).for_each(|_| yield_now());
        drop(held);
        for thread in waiting {
            assert!(thread.join().unwrap_err().is_cancelled());
        }
        // Those that had begun to wait had it; the others never began.
        assert!(*lock.try_write().expect("all have left") <= 6);
    });
}

#[test]
fn a_cancelled_upgrader_upgrades_first() {
    everywhere(|| {
        let lock = Arc::new(RwLock::new(0));
        let reading = lock.read();
        let upgrading = spawn_visit(&lock, 2, park);
        until(|| lock.try_read().is_none());
        upgrading.cancel();
        (0..10).for_each(|_| yield_now());
        drop(reading);
        assert!(upgrading.join().unwrap_err().is_cancelled());
        assert_eq!(lock.try_write().map(|value| *value), Some(1));
    });
}

#[test]
fn a_runtime_ends_with_threads_in_line() {
    limited(|| {
        for workers in [1, 2] {
            for rt in [runtime(workers), migrating(workers)] {
                let lock = Arc::new(RwLock::new(0));
                let begin = |way| {
                    let lock = lock.clone();
                    rt.spawn(move || visit(&lock, way, 1, park))
                };
                let threads: Vec<_> = (0..16).map(begin).collect();
                until(|| lock.is_locked());
                assert!(rt.shutdown(Duration::from_secs(60)));
                for thread in threads {
                    assert!(thread.join().unwrap_err().is_cancelled());
                }
                assert!(lock.try_write().is_some());
            }
        }
    });
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn ready<F: Future>(future: Pin<&mut F>) -> F::Output {
    match poll(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it was to be ready"),
    }
}

#[test]
fn tasks_are_let_in_as_threads_are() {
    let lock = RwLock::new(0);
    let reading = lock.read();
    let mut writing = pin!(lock.write_async());
    assert!(poll(writing.as_mut()).is_pending());
    let (mut first, mut second) = (pin!(lock.read_async()), pin!(lock.read_async()));
    let mut upgradable = pin!(lock.upgradable_read_async());
    assert!(poll(first.as_mut()).is_pending() && poll(upgradable.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending());
    drop(reading);
    // The last reader hands it over.
    assert!(lock.is_locked_exclusive());
    *ready(writing.as_mut()) = 1;
    let (first, second) = (ready(first.as_mut()), ready(second.as_mut()));
    assert_eq!((*first, *second), (1, 1));
    let upgradable = RwLockUpgradableReadGuard::try_upgrade(ready(upgradable)).unwrap_err();
    drop((first, second));
    *RwLockUpgradableReadGuard::upgrade(upgradable) = 2;
    assert_eq!(*lock.read(), 2);
}

#[test]
fn a_dropped_future_passes_its_turn_on() {
    for fair in [false, true] {
        let lock = RwLock::new(0);
        let held = lock.write();
        let mut readers = [Box::pin(lock.read_async()), Box::pin(lock.read_async())];
        let mut upgradables =
            [Box::pin(lock.upgradable_read_async()), Box::pin(lock.upgradable_read_async())];
        let mut writers = [Box::pin(lock.write_async()), Box::pin(lock.write_async())];
        readers.iter_mut().for_each(|it| assert!(poll(it.as_mut()).is_pending()));
        upgradables.iter_mut().for_each(|it| assert!(poll(it.as_mut()).is_pending()));
        writers.iter_mut().for_each(|it| assert!(poll(it.as_mut()).is_pending()));
        match fair {
            true => RwLockWriteGuard::unlock_fair(held),
            false => drop(held),
        }
        // Both readers and the first upgradable one have it, or may; then the second may, and the
        // last reader that has it hands it to the first writer.
        let [first, second] = upgradables;
        drop(first);
        assert_eq!((lock.is_locked(), lock.is_locked_exclusive()), (fair, false));
        drop(readers);
        assert_eq!((lock.is_locked(), lock.is_locked_exclusive()), (fair, fair));
        drop(second);
        let [first, second] = writers;
        drop(first);
        *ready(pin!(second)) += 1;
        assert_eq!(*lock.try_read().expect("all have left"), 1);
    }
}

#[test]
fn a_dropped_writer_in_line_lets_readers_in() {
    let lock = RwLock::new(0);
    let reading = lock.read();
    let mut writing = Box::pin(lock.write_async());
    assert!(poll(writing.as_mut()).is_pending());
    let mut reader = pin!(lock.read_async());
    assert!(poll(reader.as_mut()).is_pending());
    drop(writing);
    drop(ready(reader));
    drop(reading);
    assert!(!lock.is_locked());
}

/// One that was told to compete may lose to a reader, and then stands in front of others that may
/// read beside that.
#[test]
fn a_recursive_reader_waits_for_no_writer_that_waits() {
    let lock = RecursiveRwLock::new(0);
    let writing = lock.write();
    let mut writer = pin!(lock.write_async());
    assert!(poll(writer.as_mut()).is_pending());
    let mut reader = pin!(lock.read_async());
    assert!(poll(reader.as_mut()).is_pending());
    drop(writing);
    let reading = lock.read();
    assert!(poll(writer.as_mut()).is_pending());
    drop(ready(reader));
    drop(reading);
    *ready(writer) += 1;
    assert_eq!(*lock.try_read().expect("all have left"), 1);
}

#[test]
fn an_upgradable_guard_keeps_its_lock_alive_and_moves() {
    everywhere(|| {
        let lock = Arc::new(RwLock::new(0));
        let upgradable: ArcRwLockUpgradableReadGuard<u32> = lock.upgradable_read_arc();
        let upgrading = spawn(move || {
            *ArcRwLockUpgradableReadGuard::upgrade(upgradable) += 1;
        });
        upgrading.join().unwrap();
        assert_eq!(*lock.read(), 1);
    });
}
