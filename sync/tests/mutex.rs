//! What a mutex excludes, how long one waits for it, and who gets it next.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use settings::{Handle, LONG, Setting, join_all, settle, until};
use sward_sched::yield_now;
use sward_sync::Mutex;

in_every_setting!(
    one_at_a_time_is_inside,
    try_lock_gets_a_free_mutex_only,
    timed_locks_of_a_held_mutex_give_up_in_time,
    timed_locks_get_the_mutex_when_it_is_unlocked,
    a_thousand_timeouts_leave_no_trace,
    a_timeout_that_races_with_an_unlock_loses_no_wake,
    a_panic_unlocks,
    one_that_waits_is_not_starved_by_one_that_relocks,
);

fn one_at_a_time_is_inside(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let inside = Arc::new(AtomicBool::new(false));
    let adding = setting.spawn_many(8, {
        let mutex = mutex.clone();
        move |i| {
            for round in 0..40 {
                let mut value = mutex.lock();
                assert!(!inside.swap(true, Ordering::Relaxed));
                let before = *value;
                if (i + round) % 3 == 0 {
                    yield_now();
                }
                *value = before + 1;
                inside.store(false, Ordering::Relaxed);
            }
        }
    });
    join_all(adding);
    assert_eq!(*mutex.lock(), 8 * 40);
    assert!(!mutex.is_locked());
}

fn try_lock_gets_a_free_mutex_only(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(7));
    let held = mutex.lock();
    assert!(mutex.is_locked());
    assert!(mutex.try_lock().is_none());
    let look = || {
        let mutex = mutex.clone();
        setting.spawn(move || mutex.try_lock().map(|value| *value)).join()
    };
    assert_eq!(look(), None);
    drop(held);
    assert!(!mutex.is_locked());
    assert_eq!(look(), Some(7));
    assert!(mutex.try_lock().is_some());
}

fn timed_locks_of_a_held_mutex_give_up_in_time(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(()));
    let held = mutex.lock();
    let other = mutex.clone();
    let trying = setting.spawn(move || {
        for micros in [0, 1, 100, 999, 3000] {
            let timeout = Duration::from_micros(micros);
            let start = Instant::now();
            assert!(other.try_lock_for(timeout).is_none());
            assert!(start.elapsed() >= timeout);
            let deadline = Instant::now() + timeout;
            assert!(other.try_lock_until(deadline).is_none());
            assert!(Instant::now() >= deadline);
        }
        assert!(other.try_lock_until(Instant::now()).is_none());
    });
    trying.join();
    drop(held);
    // A free one needs no time.
    assert!(mutex.try_lock_for(Duration::ZERO).is_some());
    assert!(mutex.try_lock_until(Instant::now()).is_some());
}

fn timed_locks_get_the_mutex_when_it_is_unlocked(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let mut held = mutex.lock();
    let waiting = setting.spawn_many(3, {
        let mutex = mutex.clone();
        move |i| match i {
            0 => *mutex.try_lock_for(LONG).unwrap() += 1,
            1 => *mutex.try_lock_for(Duration::MAX).unwrap() += 1,
            _ => *mutex.try_lock_until(Instant::now() + LONG).unwrap() += 1,
        }
    });
    settle();
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    *held = 10;
    drop(held);
    join_all(waiting);
    assert_eq!(*mutex.lock(), 13);
}

fn a_thousand_timeouts_leave_no_trace(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(()));
    let held = mutex.lock();
    let trying = setting.spawn_many(4, {
        let mutex = mutex.clone();
        move |i| {
            for round in 0..250 {
                let timeout = Duration::from_micros(((i + round) % 4 * 10) as u64);
                assert!(mutex.try_lock_for(timeout).is_none());
            }
        }
    });
    join_all(trying);
    let other = mutex.clone();
    let waiting = setting.spawn(move || drop(other.lock()));
    drop(held);
    waiting.join();
    assert!(!mutex.is_locked());
}

fn a_timeout_that_races_with_an_unlock_loses_no_wake(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let racing = setting.spawn_many(6, {
        let mutex = mutex.clone();
        move |i| {
            let mut locked = 0;
            for round in 0..60 {
                let timeout = Duration::from_micros(((i * 7 + round) % 5 * 8) as u64);
                // Every second one cannot give up: a wake that is lost would strand it.
                let guard =
                    if i % 2 == 0 { Some(mutex.lock()) } else { mutex.try_lock_for(timeout) };
                if let Some(mut value) = guard {
                    yield_now();
                    *value += 1;
                    locked += 1;
                }
            }
            locked
        }
    });
    let locked: i32 = join_all(racing).into_iter().sum();
    assert_eq!(*mutex.try_lock().expect("all have left"), locked);
}

fn a_panic_unlocks(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let held = mutex.lock();
    let panicking: Vec<Handle<()>> = setting.spawn_many(2, {
        let mutex = mutex.clone();
        move |_| {
            *mutex.lock() += 1;
            let _guard = mutex.lock();
            // Without the hook's message.
            resume_unwind(Box::new("on purpose"));
        }
    });
    let other = mutex.clone();
    let waiting = setting.spawn(move || *other.lock() += 1);
    settle();
    drop(held);
    panicking.into_iter().for_each(|handle| assert!(handle.outcome().is_err()));
    waiting.join();
    // And there is no poison.
    assert_eq!(mutex.try_lock().map(|value| *value), Some(3));
}

fn one_that_waits_is_not_starved_by_one_that_relocks(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(()));
    let served = Arc::new(AtomicUsize::new(0));
    let hogs = setting.spawn_many(2, {
        let (mutex, served) = (mutex.clone(), served.clone());
        move |_| {
            while served.load(Ordering::Relaxed) < 6 {
                let _guard = mutex.lock();
                // Held nearly always; free only from here to the next round.
                yield_now();
            }
        }
    });
    // Those that are modest find it taken from the start.
    until(|| mutex.is_locked());
    let modest = setting.spawn_many(3, move |_| {
        for _ in 0..2 {
            drop(mutex.lock());
            served.fetch_add(1, Ordering::Relaxed);
        }
    });
    join_all(modest);
    join_all(hogs);
}
