//! The upgradable reader, and locks that become weaker.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use settings::{Setting, join_all, settle, until};
use sward_sched::yield_now;
use sward_sync::{RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};

in_every_setting!(
    one_upgradable_reader_reads_beside_others,
    readers_do_not_wait_behind_an_upgradable_one,
    an_upgrade_waits_for_the_readers,
    an_upgrade_holds_readers_back,
    an_upgrade_that_is_given_up_lets_readers_in,
    nobody_comes_between_upgradable_and_writer,
    a_writer_that_steps_down_lets_others_in,
    with_upgraded_comes_back_as_a_reader,
    an_upgradable_reader_that_unlocks_lets_others_have_it,
);

fn one_upgradable_reader_reads_beside_others(setting: &Setting) {
    let lock = Arc::new(RwLock::new(7));
    let upgradable = lock.upgradable_read();
    let other = lock.clone();
    let look = move || {
        let read = other.try_read().map(|value| *value);
        let upgradable = other.try_upgradable_read().is_some();
        (read, upgradable, other.try_write().is_some())
    };
    assert_eq!(setting.spawn(look.clone()).join(), (Some(7), false, false));
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    let other = lock.clone();
    let waiting = setting.spawn(move || *other.upgradable_read());
    settle();
    assert!(!waiting.is_finished());
    drop(upgradable);
    assert_eq!(waiting.join(), 7);
    assert_eq!(setting.spawn(look).join(), (Some(7), true, true));
}

fn readers_do_not_wait_behind_an_upgradable_one(setting: &Setting) {
    let lock = Arc::new(RwLock::new(7));
    let upgradable = lock.upgradable_read();
    let waiting = setting.spawn_many(3, {
        let lock = lock.clone();
        move |_| *lock.upgradable_read()
    });
    settle();
    let readers = setting.spawn_many(3, {
        let lock = lock.clone();
        move |_| *lock.read()
    });
    assert_eq!(join_all(readers), [7; 3]);
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    drop(upgradable);
    assert_eq!(join_all(waiting), [7; 3]);
}

fn an_upgrade_waits_for_the_readers(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let readers: Vec<_> = (0..3).map(|_| lock.read_arc()).collect();
    let upgradable = lock.upgradable_read();
    let upgradable = RwLockUpgradableReadGuard::try_upgrade(upgradable).unwrap_err();
    drop(upgradable);
    let inner = lock.clone();
    let upgrading = setting.spawn(move || {
        let upgradable = inner.upgradable_read();
        *RwLockUpgradableReadGuard::upgrade(upgradable) += 1;
    });
    for reader in readers {
        settle();
        assert!(!upgrading.is_finished());
        assert_eq!(*reader, 0);
        drop(reader);
    }
    upgrading.join();
    assert_eq!(*lock.read(), 1);
    let upgradable = lock.upgradable_read();
    assert!(RwLockUpgradableReadGuard::try_upgrade(upgradable).is_ok());
}

fn an_upgrade_holds_readers_back(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let reading = lock.read();
    let inner = lock.clone();
    let upgrading = setting.spawn(move || {
        let upgradable = inner.upgradable_read();
        *RwLockUpgradableReadGuard::upgrade(upgradable) += 1;
    });
    until(|| lock.try_read().is_none());
    let others = setting.spawn_many(3, {
        let lock = lock.clone();
        move |i| if i == 0 { *lock.upgradable_read() } else { *lock.read() }
    });
    settle();
    assert!(others.iter().all(|other| !other.is_finished()));
    drop(reading);
    upgrading.join();
    assert_eq!(join_all(others), [1; 3]);
}

fn an_upgrade_that_is_given_up_lets_readers_in(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let reading = lock.read();
    let gave_up = Arc::new(AtomicBool::new(false));
    let (inner, giving_up) = (lock.clone(), gave_up.clone());
    let upgrading = setting.spawn(move || {
        let timeout = Duration::from_millis(3);
        let upgradable = inner.upgradable_read();
        let start = Instant::now();
        let upgradable = RwLockUpgradableReadGuard::try_upgrade_for(upgradable, timeout)
            .expect_err("somebody reads");
        assert!(start.elapsed() >= timeout);
        giving_up.store(true, Ordering::Relaxed);
        // It is what it was.
        assert!(inner.try_upgradable_read().is_none() && inner.try_read().is_some());
        let deadline = Instant::now();
        drop(RwLockUpgradableReadGuard::try_upgrade_until(upgradable, deadline));
    });
    until(|| lock.try_read().is_none() || gave_up.load(Ordering::Relaxed));
    let inner = lock.clone();
    assert_eq!(setting.spawn(move || *inner.read()).join(), 0);
    upgrading.join();
    drop(reading);
    assert!(!lock.is_locked());
}

fn nobody_comes_between_upgradable_and_writer(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let going = setting.spawn_many(6, {
        let lock = lock.clone();
        move |i| {
            for _ in 0..30 {
                match i {
                    0 => *lock.write() += 1,
                    1 => _ = *lock.read(),
                    _ => {
                        let upgradable = lock.upgradable_read();
                        let before = *upgradable;
                        yield_now();
                        let mut alone = RwLockUpgradableReadGuard::upgrade(upgradable);
                        assert_eq!(*alone, before);
                        yield_now();
                        *alone = before + 1;
                    }
                }
            }
        }
    });
    join_all(going);
    assert_eq!(*lock.read(), 5 * 30);
    assert!(!lock.is_locked());
}

fn a_writer_that_steps_down_lets_others_in(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let mut writing = lock.write();
    let readers = setting.spawn_many(3, {
        let lock = lock.clone();
        move |_| *lock.read()
    });
    *writing = 1;
    let upgradable = RwLockWriteGuard::downgrade_to_upgradable(writing);
    assert_eq!(join_all(readers), [1; 3]);
    let inner = lock.clone();
    let second = setting.spawn(move || *inner.upgradable_read());
    settle();
    assert!(!second.is_finished());
    let reading = RwLockUpgradableReadGuard::downgrade(upgradable);
    assert_eq!(second.join(), 1);
    assert!(lock.try_write().is_none());
    drop(reading);
    let mut writing = lock.write();
    *writing = 2;
    let inner = lock.clone();
    let reader = setting.spawn(move || *inner.read());
    let reading = RwLockWriteGuard::downgrade(writing);
    assert_eq!(reader.join(), 2);
    // A writer waits for the one that it was.
    assert!(lock.try_write_for(Duration::from_micros(50)).is_none());
    drop(reading);
    assert!(!lock.is_locked());
}

fn with_upgraded_comes_back_as_a_reader(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let mut upgradable = lock.upgradable_read();
    assert_eq!(upgradable.with_upgraded(|value| std::mem::replace(value, 3)), 0);
    let reading = lock.read();
    assert_eq!(upgradable.try_with_upgraded(|_| ()), None);
    let timeout = Duration::from_micros(50);
    assert_eq!(upgradable.try_with_upgraded_for(timeout, |_| ()), None);
    drop(reading);
    let inner = lock.clone();
    assert_eq!(setting.spawn(move || *inner.read()).join(), 3);
    assert_eq!(upgradable.try_with_upgraded(|value| *value), Some(3));
}

fn an_upgradable_reader_that_unlocks_lets_others_have_it(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let mut upgradable = lock.upgradable_read();
    let inner = lock.clone();
    let writer = setting.spawn(move || *inner.write() += 1);
    until(|| {
        RwLockUpgradableReadGuard::bump(&mut upgradable);
        *upgradable == 1
    });
    writer.join();
    let inner = lock.clone();
    let writer = setting.spawn(move || *inner.write() += 1);
    RwLockUpgradableReadGuard::unlocked(&mut upgradable, || writer.join());
    assert_eq!(*upgradable, 2);
    RwLockUpgradableReadGuard::unlock_fair(upgradable);
    assert!(!lock.is_locked());
}
