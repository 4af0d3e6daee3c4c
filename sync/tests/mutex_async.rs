//! A mutex in async code, beside threads.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
#[path = "../../chan/tests/tasks/mod.rs"]
mod tasks;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use settings::{Setting, join_all};
use sward_sched::yield_now;
use sward_sync::{Mutex, MutexAsync};
use tasks::{Wakes, poll, run};

in_every_setting! {
    threads_and_tasks_exclude_one_another,
    dropped_futures_lose_nothing,
}

fn threads_and_tasks_exclude_one_another(setting: &Setting) {
    let pair = Arc::new(Mutex::new((0, 0)));
    let threads = setting.spawn_many(8, {
        let pair = pair.clone();
        move |i| {
            for _ in 0..30 {
                let mut pair = match i % 2 {
                    0 => pair.lock(),
                    _ => run(pair.lock_async()),
                };
                pair.0 += 1;
                yield_now();
                pair.1 += 1;
                assert_eq!(pair.0, pair.1);
            }
        }
    });
    join_all(threads);
    assert_eq!(*pair.lock(), (240, 240));
}

fn dropped_futures_lose_nothing(setting: &Setting) {
    let count = Arc::new(Mutex::new(0));
    let threads = setting.spawn_many(6, {
        let count = count.clone();
        move |i| {
            for round in 0..200 {
                if i % 3 == 0 {
                    // Polled once, in line or not, and dropped whatever has become of it.
                    let mut locking = Box::pin(count.lock_async());
                    let (_, waker) = Wakes::new();
                    if let Poll::Ready(mut count) = poll(locking.as_mut(), &waker) {
                        *count += 1;
                        *count -= 1;
                    }
                    if round % 2 == 0 {
                        yield_now();
                    }
                } else {
                    *count.lock() += 1;
                }
            }
        }
    });
    join_all(threads);
    assert_eq!(*count.lock(), 800);
}

#[test]
fn those_in_line_are_served_in_order() {
    let mutex = Mutex::new(());
    let held = mutex.lock();
    let wakes: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
    let mut futures: Vec<_> = (0..3).map(|_| Box::pin(mutex.lock_async())).collect();
    for (future, (_, waker)) in futures.iter_mut().zip(&wakes) {
        assert!(poll(future.as_mut(), waker).is_pending());
    }
    drop(held);
    for i in 0..3 {
        assert_eq!(wakes[i].0.count(), 1);
        assert!(wakes[i + 1..].iter().all(|(wakes, _)| wakes.count() == 0));
        assert!(poll(futures[i].as_mut(), &wakes[i].1).is_ready());
    }
    assert!(!mutex.is_locked());
}

#[test]
fn whoever_is_dropped_after_it_was_woken_wakes_the_next() {
    let mutex = Mutex::new(());
    for fair in [false, true] {
        let held = mutex.lock();
        let ((_, first_waker), (second_wakes, second_waker)) = (Wakes::new(), Wakes::new());
        let mut first = Box::pin(mutex.lock_async());
        let mut second = pin!(mutex.lock_async());
        assert!(poll(first.as_mut(), &first_waker).is_pending());
        assert!(second.as_mut().poll(&mut Context::from_waker(&second_waker)).is_pending());
        match fair {
            true => lock_api::MutexGuard::unlock_fair(held),
            false => drop(held),
        }
        assert_eq!(mutex.is_locked(), fair);
        assert_eq!(second_wakes.count(), 0);
        drop(first);
        assert_eq!(second_wakes.count(), 1);
        assert!(second.poll(&mut Context::from_waker(&second_waker)).is_ready());
        assert!(!mutex.is_locked());
    }
}

#[test]
#[expect(clippy::await_holding_lock, reason = "whoever waits for this one leaves its OS thread")]
fn a_guard_may_be_held_across_await_points_of_tasks_that_move() {
    fn may_be_sent<T: Send>(value: T) -> T {
        value
    }
    let mutex = Arc::new(Mutex::new(0));
    let inner = mutex.clone();
    run(may_be_sent(async move {
        let mut value = inner.lock_async().await;
        std::future::ready(()).await;
        *value += 1;
    }));
    assert_eq!(*mutex.lock(), 1);
}
