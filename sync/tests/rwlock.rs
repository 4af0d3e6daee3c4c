//! What a lock for readers and writers excludes, how long one waits for it, and who gets it next.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use settings::{Handle, LONG, Setting, join_all, limited, settle, until};
use sward_sched::yield_now;
use sward_sync::rwlock::{
    ArcRwLockReadGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard, RecursiveRwLockReadGuard,
};
use sward_sync::{RecursiveRwLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

in_every_setting!(
    readers_go_together_and_a_writer_alone,
    tries_get_what_is_free_only,
    timed_tries_give_up_in_time,
    timed_tries_get_the_lock_when_it_is_unlocked,
    timeouts_leave_no_trace,
    timeouts_that_race_with_unlocks_lose_no_wake,
    a_panic_unlocks,
    a_reader_waits_behind_a_writer_that_waits,
    a_writer_that_gives_up_lets_readers_in,
    readers_do_not_starve_a_writer,
    writers_do_not_starve_a_reader,
    a_recursive_reader_passes_a_writer_that_waits,
    mapped_and_arc_guards_exclude_until_they_go,
    unlocked_gives_others_a_turn,
    unlock_fair_and_bump_let_others_have_it,
);

fn readers_go_together_and_a_writer_alone(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    // So many readers, or one writer less than nobody.
    let inside = Arc::new(AtomicIsize::new(0));
    let going = setting.spawn_many(8, {
        let (lock, inside) = (lock.clone(), inside.clone());
        move |i| {
            for round in 0..40 {
                if (i + round) % 4 == 0 {
                    let mut value = lock.write();
                    assert_eq!(inside.fetch_sub(1, Ordering::Relaxed), 0);
                    let before = *value;
                    yield_now();
                    *value = before + 1;
                    assert_eq!(inside.fetch_add(1, Ordering::Relaxed), -1);
                } else {
                    let value = lock.read();
                    assert!(inside.fetch_add(1, Ordering::Relaxed) >= 0);
                    let before = *value;
                    if round % 3 == 0 {
                        yield_now();
                    }
                    assert_eq!(*value, before);
                    assert!(inside.fetch_sub(1, Ordering::Relaxed) > 0);
                }
            }
        }
    });
    join_all(going);
    assert_eq!(*lock.read(), 8 * 10);
    assert!(!lock.is_locked());
    // All readers are inside at once.
    let reading = lock.read();
    let others = setting.spawn_many(5, {
        let (lock, inside) = (lock.clone(), inside.clone());
        move |_| {
            let _reading = lock.read();
            inside.fetch_add(1, Ordering::Relaxed);
            until(|| inside.load(Ordering::Relaxed) == 5);
        }
    });
    join_all(others);
    drop(reading);
}

fn tries_get_what_is_free_only(setting: &Setting) {
    let lock = Arc::new(RwLock::new(7));
    let look = || {
        let lock = lock.clone();
        let tries = move || {
            let reads = lock.try_read().is_some();
            (reads, lock.try_write().is_some())
        };
        setting.spawn(tries).join()
    };
    assert_eq!(look(), (true, true));
    let writing = lock.write();
    assert!(lock.is_locked() && lock.is_locked_exclusive());
    assert_eq!(look(), (false, false));
    drop(writing);
    let reading = lock.try_read().expect("it is free");
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
    assert_eq!(look(), (true, false));
    drop(reading);
    assert_eq!(look(), (true, true));
    assert!(!lock.is_locked() && !lock.is_locked_exclusive());
}

fn timed_tries_give_up_in_time(setting: &Setting) {
    let lock = Arc::new(RwLock::new(()));
    let held = lock.write();
    let other = lock.clone();
    let trying = setting.spawn(move || {
        for micros in [0, 1, 100, 999, 3000] {
            let timeout = Duration::from_micros(micros);
            let tries: [&dyn Fn() -> bool; 3] = [
                &|| other.try_read_for(timeout).is_none(),
                &|| other.try_write_for(timeout).is_none(),
                &|| other.try_upgradable_read_for(timeout).is_none(),
            ];
            for gives_up in tries {
                let start = Instant::now();
                assert!(gives_up());
                assert!(start.elapsed() >= timeout);
            }
            let deadline = Instant::now() + timeout;
            assert!(other.try_read_until(deadline).is_none());
            assert!(other.try_write_until(deadline).is_none());
            assert!(other.try_upgradable_read_until(deadline).is_none());
            assert!(Instant::now() >= deadline);
        }
    });
    trying.join();
    drop(held);
    // What is free needs no time.
    assert!(lock.try_read_for(Duration::ZERO).is_some());
    assert!(lock.try_write_until(Instant::now()).is_some());
    assert!(lock.try_upgradable_read_for(Duration::ZERO).is_some());
}

fn timed_tries_get_the_lock_when_it_is_unlocked(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let mut held = lock.write();
    let waiting = setting.spawn_many(4, {
        let lock = lock.clone();
        move |i| match i {
            0 => *lock.try_write_for(LONG).unwrap() += 1,
            1 => *lock.try_write_for(Duration::MAX).unwrap() += 1,
            2 => assert!(*lock.try_read_until(Instant::now() + LONG).unwrap() >= 10),
            _ => assert!(*lock.try_upgradable_read_for(LONG).unwrap() >= 10),
        }
    });
    settle();
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    *held = 10;
    drop(held);
    join_all(waiting);
    assert_eq!(*lock.read(), 12);
}

fn timeouts_leave_no_trace(setting: &Setting) {
    let lock = Arc::new(RwLock::new(()));
    let held = lock.read();
    let trying = setting.spawn_many(4, {
        let lock = lock.clone();
        move |i| {
            for round in 0..50 {
                let timeout = Duration::from_micros(((i + round) % 4 * 10) as u64);
                match i {
                    0 => drop(lock.try_read_for(timeout)),
                    1 => drop(lock.try_upgradable_read_for(timeout)),
                    _ => assert!(lock.try_write_for(timeout).is_none()),
                }
            }
        }
    });
    join_all(trying);
    // Nobody is held back by those that have given up.
    drop(lock.try_read().expect("no writer waits"));
    let other = lock.clone();
    let waiting = setting.spawn(move || drop(other.write()));
    drop(held);
    waiting.join();
    assert!(!lock.is_locked());
}

fn timeouts_that_race_with_unlocks_lose_no_wake(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let racing = setting.spawn_many(6, {
        let lock = lock.clone();
        move |i| {
            let mut wrote = 0;
            for round in 0..60 {
                let timeout = Duration::from_micros(((i * 7 + round) % 5 * 8) as u64);
                // Every second one cannot give up: a wake that is lost would strand it.
                match i % 4 {
                    0 => drop(lock.read()),
                    1 => drop(lock.try_read_for(timeout)),
                    kind => {
                        let writing = if kind == 2 {
                            Some(lock.write())
                        } else {
                            lock.try_write_for(timeout)
                        };
                        if let Some(mut value) = writing {
                            yield_now();
                            *value += 1;
                            wrote += 1;
                        }
                    }
                }
            }
            wrote
        }
    });
    let wrote: i32 = join_all(racing).into_iter().sum();
    assert_eq!(*lock.try_write().expect("all have left"), wrote);
}

fn a_panic_unlocks(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let held = lock.write();
    let panicking: Vec<Handle<()>> = setting.spawn_many(4, {
        let lock = lock.clone();
        move |i| {
            let _reading = (i % 2 == 0).then(|| lock.read());
            let _writing = (i % 2 != 0).then(|| lock.write());
            // Without the hook's message.
            resume_unwind(Box::new("on purpose"));
        }
    });
    let other = lock.clone();
    let waiting = setting.spawn(move || *other.write() += 1);
    settle();
    drop(held);
    panicking.into_iter().for_each(|handle| assert!(handle.outcome().is_err()));
    waiting.join();
    // And there is no poison.
    assert_eq!(lock.try_write().map(|value| *value), Some(1));
}

/// Starts a writer that adds 1, and is in line when this returns: for a lock that is read.
fn waiting_writer(setting: &Setting, lock: &Arc<RwLock<i32>>) -> Handle<()> {
    let inner = lock.clone();
    let writer = setting.spawn(move || *inner.write() += 1);
    until(|| lock.try_read().is_none());
    writer
}

fn a_reader_waits_behind_a_writer_that_waits(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let reading = lock.read();
    let writer = waiting_writer(setting, &lock);
    assert!(lock.try_upgradable_read().is_none());
    assert!(lock.try_read_for(Duration::from_micros(50)).is_none());
    let readers = setting.spawn_many(3, {
        let lock = lock.clone();
        move |_| *lock.read()
    });
    settle();
    assert!(readers.iter().all(|reader| !reader.is_finished()));
    drop(reading);
    writer.join();
    assert_eq!(join_all(readers), [1; 3]);
}

fn a_writer_that_gives_up_lets_readers_in(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let reading = lock.read();
    let inner = lock.clone();
    let gave_up = Arc::new(AtomicBool::new(false));
    let giving_up = gave_up.clone();
    let writer = setting.spawn(move || {
        assert!(inner.try_write_for(Duration::from_millis(3)).is_none());
        giving_up.store(true, Ordering::Relaxed);
    });
    until(|| lock.try_read().is_none() || gave_up.load(Ordering::Relaxed));
    let readers = setting.spawn_many(3, {
        let lock = lock.clone();
        move |_| *lock.read()
    });
    assert_eq!(join_all(readers), [0; 3]);
    writer.join();
    drop(reading);
}

fn readers_do_not_starve_a_writer(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let served = Arc::new(AtomicBool::new(false));
    let inside = Arc::new(AtomicUsize::new(0));
    let readers = setting.spawn_many(3, {
        let (lock, served, inside) = (lock.clone(), served.clone(), inside.clone());
        move |_| {
            while !served.load(Ordering::Relaxed) {
                let _reading = lock.read();
                inside.fetch_add(1, Ordering::Relaxed);
                // Some reader is inside nearly always.
                yield_now();
            }
        }
    });
    until(|| inside.load(Ordering::Relaxed) > 3);
    let writer = setting.spawn(move || {
        (0..3).for_each(|_| *lock.write() += 1);
        served.store(true, Ordering::Relaxed);
    });
    writer.join();
    join_all(readers);
}

fn writers_do_not_starve_a_reader(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let served = Arc::new(AtomicUsize::new(0));
    let hogs = setting.spawn_many(2, {
        let (lock, served) = (lock.clone(), served.clone());
        move |_| {
            while served.load(Ordering::Relaxed) < 6 {
                let _alone = lock.write();
                yield_now();
            }
        }
    });
    until(|| lock.is_locked_exclusive());
    let modest = setting.spawn_many(3, move |i| {
        for _ in 0..2 {
            if i == 0 {
                drop(lock.upgradable_read())
            } else {
                drop(lock.read())
            }
            served.fetch_add(1, Ordering::Relaxed);
        }
    });
    join_all(modest);
    join_all(hogs);
}

fn a_recursive_reader_passes_a_writer_that_waits(setting: &Setting) {
    let lock = Arc::new(RecursiveRwLock::new(0));
    let first = lock.read();
    let writers = setting.spawn_many(2, {
        let lock = lock.clone();
        move |_| *lock.write() += 1
    });
    settle();
    let mut second = lock.read();
    let third = lock.upgradable_read();
    assert_eq!((*second, *third), (0, 0));
    RecursiveRwLockReadGuard::bump(&mut second);
    assert!(writers.iter().all(|writer| !writer.is_finished()));
    let other = lock.clone();
    assert_eq!(setting.spawn(move || *other.read()).join(), 0);
    drop((first, second, third));
    join_all(writers);
    assert_eq!(*lock.read(), 2);
}

fn mapped_and_arc_guards_exclude_until_they_go(setting: &Setting) {
    let lock = Arc::new(RwLock::new((1, Some(2))));
    let guard = RwLockWriteGuard::map(lock.write(), |pair| &mut pair.1);
    let mut part: MappedRwLockWriteGuard<'_, i32> =
        MappedRwLockWriteGuard::try_map(guard, Option::as_mut).expect("it is there");
    let inner = lock.clone();
    let waiting = setting.spawn(move || *inner.read());
    settle();
    assert!(!waiting.is_finished());
    *part = 7;
    drop(part);
    assert_eq!(waiting.join(), (1, Some(7)));
    let part: MappedRwLockReadGuard<'_, i32> = RwLockReadGuard::map(lock.read(), |pair| &pair.0);
    assert!(lock.try_write().is_none() && lock.try_read().is_some());
    assert_eq!(*part, 1);
    drop(part);
    let weak = Arc::downgrade(&lock);
    let guard: ArcRwLockReadGuard<_> = lock.read_arc();
    assert!(lock.try_write_arc().is_none());
    drop(lock);
    assert_eq!(*guard, (1, Some(7)));
    drop(guard);
    assert!(weak.upgrade().is_none());
}

fn unlocked_gives_others_a_turn(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let mut value = lock.read();
    let inner = lock.clone();
    let waiting = setting.spawn(move || *inner.write() += 1);
    RwLockReadGuard::unlocked(&mut value, || waiting.join());
    assert_eq!(*value, 1);
    drop(value);
    let mut value = lock.write();
    let inner = lock.clone();
    let waiting = setting.spawn(move || *inner.read());
    assert_eq!(RwLockWriteGuard::unlocked(&mut value, || waiting.join()), 1);
    assert!(lock.try_read().is_none());
}

fn unlock_fair_and_bump_let_others_have_it(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    let mut value = lock.write();
    let waiting = setting.spawn_many(3, {
        let lock = lock.clone();
        move |_| *lock.write() += 1
    });
    until(|| {
        RwLockWriteGuard::bump(&mut value);
        *value >= 1
    });
    RwLockWriteGuard::unlock_fair(value);
    let mut value = lock.read();
    until(|| {
        RwLockReadGuard::bump(&mut value);
        *value >= 3
    });
    RwLockReadGuard::unlock_fair(value);
    join_all(waiting);
    assert_eq!(*lock.read(), 3);
}

/// On one worker nobody comes between those that are in line and those that leave.
#[test]
fn whoever_leaves_fairly_hands_the_lock_over() {
    settings::one_worker(|setting| {
        let lock = Arc::new(RwLock::new(0));
        let reading = lock.read();
        let writer = waiting_writer(setting, &lock);
        RwLockReadGuard::unlock_fair(reading);
        assert!(lock.is_locked_exclusive());
        writer.join();
        let writing = lock.write();
        let inner = lock.clone();
        let ready = Arc::new(AtomicBool::new(false));
        let coming = ready.clone();
        let reader = setting.spawn(move || {
            coming.store(true, Ordering::Relaxed);
            *inner.read()
        });
        until(|| ready.load(Ordering::Relaxed));
        RwLockWriteGuard::unlock_fair(writing);
        assert!(lock.is_locked() && lock.try_write().is_none());
        assert_eq!(reader.join(), 1);
        assert!(!lock.is_locked());
    });
}

#[test]
fn guards_may_be_shared_and_sent_and_unlock_wherever_they_end() {
    fn shared_and_sent<T: Send + Sync>() {}
    shared_and_sent::<RwLockReadGuard<'_, i32>>();
    shared_and_sent::<RwLockWriteGuard<'_, i32>>();
    shared_and_sent::<sward_sync::RwLockUpgradableReadGuard<'_, i32>>();
    shared_and_sent::<MappedRwLockReadGuard<'_, i32>>();
    shared_and_sent::<MappedRwLockWriteGuard<'_, i32>>();
    limited(|| {
        let lock = Arc::new(RwLock::new(1));
        let (reading, other) = (lock.read_arc(), lock.read_arc());
        let sent = std::thread::spawn(move || drop(reading));
        drop(other);
        *lock.write() += 1;
        sent.join().unwrap();
        assert_eq!(*lock.read(), 2);
    });
}

#[test]
fn it_takes_three_words() {
    assert_eq!(size_of::<RwLock<()>>(), 3 * size_of::<usize>());
    static LOCK: RwLock<u8> = RwLock::new(1);
    assert_eq!(*LOCK.read(), 1);
}
