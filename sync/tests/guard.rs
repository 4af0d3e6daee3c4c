//! Guards: held across blocking calls, of a part, of an `Arc`, and handed over.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use settings::{Handle, Setting, join_all, limited, runtime, settle, until};
use sward_sched::{park, time::sleep, unblock, yield_now};
use sward_sync::mutex::{ArcMutexGuard, MappedMutexGuard};
use sward_sync::{Mutex, MutexGuard};

in_every_setting!(
    a_guard_is_held_across_blocking_calls,
    neighbours_run_while_a_guard_is_held,
    arc_guards_exclude_and_keep_the_mutex_alive,
    mapped_guards_exclude_until_they_go,
    unlocked_gives_others_a_turn,
    unlock_fair_and_bump_let_others_have_it,
);

fn a_guard_is_held_across_blocking_calls(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let adding = setting.spawn_many(6, {
        let mutex = mutex.clone();
        move |i| {
            for round in 0..4 {
                let mut value = mutex.lock();
                let before = *value;
                match (i + round) % 3 {
                    0 => yield_now(),
                    1 => sleep(Duration::from_micros(50)),
                    _ => assert_eq!(unblock(move || before), before),
                }
                *value = before + 1;
            }
        }
    });
    join_all(adding);
    assert_eq!(*mutex.lock(), 24);
}

fn neighbours_run_while_a_guard_is_held(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(()));
    let go_on = Arc::new(AtomicBool::new(false));
    let ran = Arc::new(AtomicUsize::new(0));
    let holding = setting.spawn({
        let (mutex, go_on) = (mutex.clone(), go_on.clone());
        move || {
            let _guard = mutex.lock();
            until(|| go_on.load(Ordering::Relaxed));
        }
    });
    until(|| mutex.is_locked());
    let waiting = setting.spawn_many(3, {
        let mutex = mutex.clone();
        move |_| drop(mutex.lock())
    });
    let neighbours = setting.spawn_many(10, {
        let ran = ran.clone();
        move |_| ran.fetch_add(1, Ordering::Relaxed)
    });
    join_all(neighbours);
    assert_eq!(ran.load(Ordering::Relaxed), 10);
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    go_on.store(true, Ordering::Relaxed);
    holding.join();
    join_all(waiting);
}

fn arc_guards_exclude_and_keep_the_mutex_alive(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let adding = setting.spawn_many(4, {
        let mutex = mutex.clone();
        move |_| {
            for _ in 0..20 {
                let mut value = mutex.lock_arc();
                let before = *value;
                yield_now();
                *value = before + 1;
            }
        }
    });
    join_all(adding);
    let weak = Arc::downgrade(&mutex);
    let guard: ArcMutexGuard<i32> = mutex.try_lock_arc().expect("all have left");
    assert!(mutex.try_lock_arc().is_none());
    assert!(mutex.try_lock_arc_for(Duration::from_micros(20)).is_none());
    drop(mutex);
    assert_eq!(*guard, 80);
    assert!(weak.upgrade().is_some_and(|mutex| mutex.is_locked()));
    drop(guard);
    assert!(weak.upgrade().is_none());
}

fn mapped_guards_exclude_until_they_go(setting: &Setting) {
    let mutex = Arc::new(Mutex::new((1, Some(2))));
    let guard = MutexGuard::map(mutex.lock(), |pair| &mut pair.1);
    let mut part: MappedMutexGuard<'_, i32> =
        MappedMutexGuard::try_map(guard, Option::as_mut).expect("it is there");
    let waiting = setting.spawn({
        let mutex = mutex.clone();
        move || *mutex.lock()
    });
    settle();
    assert!(!waiting.is_finished());
    *part = 7;
    drop(part);
    assert_eq!(waiting.join(), (1, Some(7)));
    // One that cannot be mapped comes back, still locked.
    let guard = MutexGuard::try_map(mutex.lock(), |_| None::<&mut i32>).unwrap_err();
    assert!(mutex.try_lock().is_none());
    drop(guard);
    assert!(!mutex.is_locked());
}

fn unlocked_gives_others_a_turn(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let mut value = mutex.lock();
    let waiting = setting.spawn({
        let mutex = mutex.clone();
        move || *mutex.lock() += 1
    });
    let told = MutexGuard::unlocked(&mut value, || {
        waiting.join();
        "free meanwhile"
    });
    assert_eq!((told, *value), ("free meanwhile", 1));
    assert!(mutex.try_lock().is_none());
}

fn unlock_fair_and_bump_let_others_have_it(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let mut value = mutex.lock();
    let waiting = setting.spawn_many(3, {
        let mutex = mutex.clone();
        move |_| *mutex.lock() += 1
    });
    // Never free for longer than those that wait are in line.
    until(|| {
        MutexGuard::bump(&mut value);
        *value >= 2
    });
    MutexGuard::unlock_fair(value);
    join_all(waiting);
    assert_eq!(*mutex.lock(), 3);
}

/// Starts a thread that adds 1 and is in line for the mutex when this returns. Only on
/// one worker: there it cannot be interrupted between saying so and waiting.
fn in_line(setting: &Setting, mutex: &Arc<Mutex<i32>>) -> Handle<()> {
    let ready = Arc::new(AtomicBool::new(false));
    let waiting = setting.spawn({
        let (mutex, ready) = (mutex.clone(), ready.clone());
        move || {
            ready.store(true, Ordering::Relaxed);
            *mutex.lock() += 1;
        }
    });
    until(|| ready.load(Ordering::Relaxed));
    waiting
}

#[test]
fn unlock_fair_hands_the_mutex_to_the_first_in_line() {
    settings::one_worker(|setting| {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        let waiting = in_line(setting, &mutex);
        MutexGuard::unlock_fair(held);
        assert!(mutex.try_lock().is_none());
        waiting.join();
        assert_eq!(*mutex.lock(), 1);
    });
}

#[test]
fn bump_comes_back_after_the_first_in_line() {
    settings::one_worker(|setting| {
        let mutex = Arc::new(Mutex::new(0));
        let mut held = mutex.lock();
        MutexGuard::bump(&mut held);
        assert_eq!(*held, 0);
        let waiting = in_line(setting, &mutex);
        MutexGuard::bump(&mut held);
        assert_eq!(*held, 1);
        waiting.join();
    });
}

#[test]
fn guards_may_be_shared_and_sent_and_unlock_wherever_they_end() {
    fn shared_and_sent<T: Send + Sync>() {}
    shared_and_sent::<MutexGuard<'_, i32>>();
    shared_and_sent::<MappedMutexGuard<'_, i32>>();
    shared_and_sent::<Mutex<std::cell::Cell<i32>>>();
    limited(|| {
        let mutex = Arc::new(Mutex::new(1));
        let guard = mutex.lock_arc();
        let sent = std::thread::spawn(move || drop(guard));
        *mutex.lock() += 1;
        sent.join().unwrap();
        assert_eq!(*mutex.lock(), 2);
    });
}

#[test]
fn a_parked_holder_keeps_the_mutex_until_it_is_unparked() {
    limited(|| {
        let rt = runtime(1);
        let mutex = Arc::new(Mutex::new(0));
        let other = mutex.clone();
        let holding = rt.spawn(move || {
            let mut value = other.lock();
            park();
            *value = 7;
        });
        until(|| mutex.is_locked());
        let other = mutex.clone();
        let waiting = rt.spawn(move || *other.lock());
        settle();
        assert!(!waiting.is_finished() && mutex.is_locked());
        holding.thread().unpark();
        assert_eq!(waiting.join().unwrap(), 7);
        holding.join().unwrap();
    });
}
