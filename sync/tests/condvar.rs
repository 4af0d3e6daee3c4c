//! Condition variables: nobody wakes without a notification, and no notification is lost.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
#[path = "../../chan/tests/tasks/mod.rs"]
mod tasks;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use settings::{LONG, Setting, join_all, until};
use sward_sched::yield_now;
use sward_sync::{Condvar, Mutex, MutexAsync};
use tasks::{Wakes, run};

in_every_setting! {
    a_notification_wakes_one,
    all_are_woken_and_run_one_at_a_time,
    ping_pong,
    each_of_many_tokens_is_taken,
    tokens_are_taken_though_others_give_up,
    it_serves_two_mutexes_at_once,
    a_condition_is_waited_for,
    a_deadline_that_has_passed_still_unlocks_for_a_moment,
    the_mutex_is_locked_again_after_each_end,
    threads_and_tasks_stand_in_one_line,
}

/// A counter with a condition variable.
#[derive(Default)]
struct Shared {
    value: Mutex<usize>,
    changed: Condvar,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Until so many wait.
    fn until(&self, value: usize) {
        until(|| *self.value.lock() == value);
    }
}

fn a_notification_wakes_one(setting: &Setting) {
    const WAITING: usize = 5;
    let shared = Shared::new();
    let woken = Arc::new(AtomicUsize::new(0));
    let waiting = setting.spawn_many(WAITING, {
        let (shared, woken) = (shared.clone(), woken.clone());
        move |_| {
            let mut value = shared.value.lock();
            *value += 1;
            shared.changed.wait(&mut value);
            woken.fetch_add(1, Ordering::SeqCst);
        }
    });
    shared.until(WAITING);
    for count in 1..=WAITING {
        assert!(shared.changed.notify_one());
        until(|| woken.load(Ordering::SeqCst) == count);
    }
    join_all(waiting);
    assert!(!shared.changed.notify_one());
    assert_eq!(shared.changed.notify_all(), 0);
}

fn all_are_woken_and_run_one_at_a_time(setting: &Setting) {
    const WAITING: usize = 20;
    let shared = Shared::new();
    let inside = Arc::new(AtomicUsize::new(0));
    let waiting = setting.spawn_many(WAITING, {
        let (shared, inside) = (shared.clone(), inside.clone());
        move |_| {
            let mut value = shared.value.lock();
            *value += 1;
            shared.changed.wait(&mut value);
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
            *value -= 1;
        }
    });
    shared.until(WAITING);
    {
        let _value = shared.value.lock();
        assert_eq!(shared.changed.notify_all(), WAITING);
        assert_eq!(shared.changed.notify_all(), 0);
    }
    join_all(waiting);
    assert_eq!(*shared.value.lock(), 0);
}

fn ping_pong(setting: &Setting) {
    const ROUNDS: usize = 500;
    let shared = Shared::new();
    let players = setting.spawn_many(2, {
        let shared = shared.clone();
        move |own| {
            let mut value = shared.value.lock();
            for _ in 0..ROUNDS {
                shared.changed.wait_while(&mut value, |value| *value % 2 != own);
                *value += 1;
                shared.changed.notify_one();
            }
        }
    });
    join_all(players);
    assert_eq!(*shared.value.lock(), 2 * ROUNDS);
}

fn each_of_many_tokens_is_taken(setting: &Setting) {
    let shared = Shared::new();
    let taking = setting.spawn_many(10, {
        let shared = shared.clone();
        move |_| {
            for _ in 0..50 {
                let mut value = shared.value.lock();
                while *value == 0 {
                    shared.changed.wait(&mut value);
                }
                *value -= 1;
            }
        }
    });
    let putting = setting.spawn_many(5, {
        let shared = shared.clone();
        move |i| {
            for round in 0..100 {
                // Under the mutex, and after it.
                let mut value = shared.value.lock();
                *value += 1;
                if (i + round) % 2 == 0 {
                    drop(value);
                }
                shared.changed.notify_one();
            }
        }
    });
    join_all(putting.into_iter().chain(taking));
    assert_eq!(*shared.value.lock(), 0);
}

/// A notification is for one that really waits: were it lost on one that is leaving, others would
/// wait for ever.
fn tokens_are_taken_though_others_give_up(setting: &Setting) {
    let shared = Shared::new();
    let stop = Arc::new(AtomicUsize::new(0));
    let leaving = setting.spawn_many(3, {
        let (shared, stop) = (shared.clone(), stop.clone());
        move |i| {
            while stop.load(Ordering::Relaxed) == 0 {
                let mut value = shared.value.lock();
                let timeout = Duration::from_micros(20 * i as u64);
                if !shared.changed.wait_for(&mut value, timeout).timed_out() {
                    // One that was told passes it on: it does not take the token.
                    shared.changed.notify_one();
                    drop(value);
                    yield_now();
                }
            }
        }
    });
    let taking = setting.spawn_many(2, {
        let shared = shared.clone();
        move |_| {
            for _ in 0..50 {
                let mut value = shared.value.lock();
                while *value == 0 {
                    shared.changed.wait(&mut value);
                }
                *value -= 1;
            }
        }
    });
    for _ in 0..100 {
        *shared.value.lock() += 1;
        shared.changed.notify_one();
        yield_now();
    }
    join_all(taking);
    stop.store(1, Ordering::Relaxed);
    join_all(leaving);
}

fn it_serves_two_mutexes_at_once(setting: &Setting) {
    let shared = Arc::new(([Mutex::new(0), Mutex::new(0)], Condvar::new()));
    let waiting = setting.spawn_many(10, {
        let shared = shared.clone();
        move |i| {
            let mut value = shared.0[i % 2].lock();
            *value += 1;
            shared.1.wait(&mut value);
            *value += 1;
        }
    });
    until(|| shared.0.iter().all(|value| *value.lock() == 5));
    let held = shared.0[0].lock();
    assert_eq!(shared.1.notify_all(), 10);
    drop(held);
    join_all(waiting);
    assert!(shared.0.iter().all(|value| *value.lock() == 10));
}

fn a_condition_is_waited_for(setting: &Setting) {
    let shared = Shared::new();
    let waiting = setting.spawn({
        let shared = shared.clone();
        move || {
            let mut value = shared.value.lock();
            shared.changed.wait_while(&mut value, |value| *value < 3);
            let until = Instant::now() + LONG;
            let result = shared.changed.wait_while_until(&mut value, |value| *value < 6, until);
            assert!(!result.timed_out());
            let result = shared.changed.wait_while_for(&mut value, |value| *value < 9, LONG);
            assert!(!result.timed_out());
            assert_eq!(*value, 9);
            let short = Duration::from_millis(1);
            assert!(
                shared.changed.wait_while_for(&mut value, |value| *value < 10, short).timed_out()
            );
            assert!(!shared.changed.wait_while_for(&mut value, |_| false, short).timed_out());
        }
    });
    for _ in 0..9 {
        *shared.value.lock() += 1;
        shared.changed.notify_one();
        yield_now();
    }
    waiting.join();
}

fn a_deadline_that_has_passed_still_unlocks_for_a_moment(_: &Setting) {
    let shared = Shared::new();
    let mut value = shared.value.lock();
    for _ in 0..10 {
        assert!(shared.changed.wait_until(&mut value, Instant::now()).timed_out());
        assert!(shared.changed.wait_for(&mut value, Duration::ZERO).timed_out());
    }
    assert!(!shared.changed.notify_one());
}

fn the_mutex_is_locked_again_after_each_end(setting: &Setting) {
    let shared = Shared::new();
    let hold = setting.spawn({
        let shared = shared.clone();
        move || {
            for _ in 0..200 {
                let mut value = shared.value.lock();
                *value += 1;
                yield_now();
                *value -= 1;
                shared.changed.notify_all();
            }
        }
    });
    for i in 0..200 {
        let mut value = shared.value.lock();
        let _ = shared.changed.wait_for(&mut value, Duration::from_micros(i));
        assert_eq!(*value, 0);
        assert!(shared.value.is_locked());
    }
    hold.join();
}

#[expect(clippy::await_holding_lock, reason = "whoever waits for this one leaves its OS thread")]
fn threads_and_tasks_stand_in_one_line(setting: &Setting) {
    let shared = Shared::new();
    let waiting = setting.spawn_many(10, {
        let shared = shared.clone();
        move |i| {
            if i % 2 == 0 {
                let mut value = shared.value.lock();
                *value += 1;
                shared.changed.wait(&mut value);
                *value -= 1;
                return;
            }
            run(async {
                let mut value = shared.value.lock_async().await;
                *value += 1;
                let mut value = shared.changed.wait_async(value).await;
                *value -= 1;
            });
        }
    });
    shared.until(10);
    for _ in 0..5 {
        assert!(shared.changed.notify_one());
    }
    assert_eq!(shared.changed.notify_all(), 5);
    join_all(waiting);
    assert_eq!(*shared.value.lock(), 0);
}

#[test]
fn a_dropped_future_passes_its_notification_on() {
    let shared = Shared::new();
    let (first_wakes, first_waker) = Wakes::new();
    let (second_wakes, second_waker) = Wakes::new();
    let mut first = Box::pin(shared.changed.wait_async(shared.value.lock()));
    assert!(first.as_mut().poll(&mut Context::from_waker(&first_waker)).is_pending());
    let mut second = pin!(shared.changed.wait_async(shared.value.lock()));
    assert!(second.as_mut().poll(&mut Context::from_waker(&second_waker)).is_pending());
    assert!(!shared.value.is_locked());
    assert!(shared.changed.notify_one());
    assert_eq!((first_wakes.count(), second_wakes.count()), (1, 0));
    drop(first);
    assert_eq!(second_wakes.count(), 1);
    let Poll::Ready(guard) = second.poll(&mut Context::from_waker(&second_waker)) else {
        panic!("it was notified")
    };
    drop(guard);
    assert!(!shared.changed.notify_one());
}

#[test]
fn a_dropped_future_that_was_not_polled_unlocks() {
    let shared = Shared::new();
    let waiting = shared.changed.wait_async(shared.value.lock());
    assert!(shared.value.is_locked());
    drop(waiting);
    assert!(!shared.value.is_locked());
}

#[test]
fn it_is_a_word_and_made_at_compile_time() {
    static CHANGED: Condvar = Condvar::new();
    assert_eq!(size_of::<Condvar>(), size_of::<usize>());
    assert_eq!(size_of::<Mutex<()>>(), 3 * size_of::<usize>());
    assert_eq!(format!("{CHANGED:?}"), "Condvar { .. }");
}
