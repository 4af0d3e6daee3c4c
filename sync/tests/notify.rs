//! A notify: who is told, in which order, and what is kept for those that come.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
mod polling;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use polling::{Count, block_on, poll_once};
use settings::{LONG, Setting, join_all, on_every_runtime, settle, until};
use sward_sched::time::timeout;
use sward_sched::{park, yield_now};
use sward_sync::{NotifiedFuture, Notify};

in_every_setting!(
    one_notification_is_kept,
    one_is_told_at_a_time,
    all_are_told,
    a_queue_with_a_notify_loses_nothing,
    a_flag_with_a_notify_is_seen,
    timeouts_end_in_time_and_take_nothing_along,
    timed_waits_are_told,
    a_dropped_task_passes_it_on,
);

fn line(notify: &Notify, length: usize) -> Vec<Pin<Box<NotifiedFuture<'_>>>> {
    let mut line: Vec<_> = (0..length).map(|_| Box::pin(notify.notified_async())).collect();
    line.iter_mut().for_each(|task| assert!(poll_once(task.as_mut()).is_pending()));
    line
}

/// Which of them have been told.
fn told(line: &mut [Pin<Box<NotifiedFuture<'_>>>]) -> Vec<usize> {
    let mut told = Vec::new();
    for (number, task) in line.iter_mut().enumerate() {
        if poll_once(task.as_mut()).is_ready() {
            told.push(number);
        }
    }
    told
}

fn one_notification_is_kept(setting: &Setting) {
    let notify = Arc::new(Notify::new());
    notify.notify_one();
    notify.notify_last();
    let own = notify.clone();
    setting.spawn(move || own.notified()).join();
    let own = notify.clone();
    let second = setting.spawn(move || own.notified());
    settle();
    assert!(!second.is_finished());
    notify.notify_one();
    second.join();
    // To tell all leaves nothing.
    notify.notify_waiters();
    assert!(!notify.notified_timeout(Duration::from_micros(10)));
}

fn one_is_told_at_a_time(setting: &Setting) {
    let notify = Arc::new(Notify::new());
    let gone_on = Arc::new(AtomicUsize::new(0));
    let waiting = setting.spawn_many(5, {
        let (notify, gone_on) = (notify.clone(), gone_on.clone());
        move |_| {
            notify.notified();
            gone_on.fetch_add(1, Ordering::Relaxed);
        }
    });
    for so_far in 0..5 {
        settle();
        assert_eq!(gone_on.load(Ordering::Relaxed), so_far);
        if so_far % 2 == 0 {
            notify.notify_one()
        } else {
            notify.notify_last()
        }
        until(|| gone_on.load(Ordering::Relaxed) > so_far);
    }
    join_all(waiting);
}

fn all_are_told(setting: &Setting) {
    let notify = Arc::new(Notify::new());
    let waiting = setting.spawn_many(6, {
        let notify = notify.clone();
        move |i| if i % 2 == 0 { notify.notified() } else { block_on(notify.notified_async()) }
    });
    until(|| {
        notify.notify_waiters();
        yield_now();
        waiting.iter().all(|handle| handle.is_finished())
    });
    join_all(waiting);
    assert!(!notify.notified_timeout(Duration::ZERO));
}

fn a_queue_with_a_notify_loses_nothing(setting: &Setting) {
    const EACH: usize = 200;
    let notify = Arc::new(Notify::new());
    let (made, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let taking = setting.spawn_many(1, {
        let (notify, made, taken) = (notify.clone(), made.clone(), taken.clone());
        move |_| {
            while taken.load(Ordering::Relaxed) < 3 * EACH {
                notify.notified();
                taken.fetch_add(made.swap(0, Ordering::Relaxed), Ordering::Relaxed);
            }
        }
    });
    let making = setting.spawn_many(3, move |i| {
        for round in 0..EACH {
            made.fetch_add(1, Ordering::Relaxed);
            notify.notify_one();
            if (i + round) % 5 == 0 {
                yield_now();
            }
        }
    });
    join_all(making);
    join_all(taking);
    assert_eq!(taken.load(Ordering::Relaxed), 3 * EACH);
}

fn a_flag_with_a_notify_is_seen(setting: &Setting) {
    for round in 0..50 {
        let (notify, flag) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let waiting = setting.spawn_many(4, {
            let (notify, flag) = (notify.clone(), flag.clone());
            move |i| loop {
                let mut notified = Box::pin(notify.notified_async());
                if i % 2 == 0 {
                    notified.as_mut().enable();
                }
                if flag.load(Ordering::Relaxed) != 0 {
                    return;
                }
                block_on(notified);
            }
        });
        (0..round % 4).for_each(|_| yield_now());
        flag.store(1, Ordering::Relaxed);
        notify.notify_waiters();
        join_all(waiting);
    }
}

fn timeouts_end_in_time_and_take_nothing_along(setting: &Setting) {
    let notify = Arc::new(Notify::new());
    let trying = setting.spawn_many(4, {
        let notify = notify.clone();
        move |i| {
            for round in 0..100 {
                let timeout = Duration::from_micros(((i + round) % 4 * 10) as u64);
                let start = Instant::now();
                assert!(!notify.notified_timeout(timeout));
                assert!(start.elapsed() >= timeout);
            }
        }
    });
    join_all(trying);
    notify.notify_one();
    assert!(notify.notified_timeout(Duration::ZERO));
}

fn timed_waits_are_told(setting: &Setting) {
    let notify = Arc::new(Notify::new());
    let waiting = setting.spawn_many(2, {
        let notify = notify.clone();
        move |i| notify.notified_timeout(if i == 0 { LONG } else { Duration::MAX })
    });
    until(|| {
        notify.notify_waiters();
        waiting.iter().all(|handle| handle.is_finished())
    });
    assert_eq!(join_all(waiting), [true, true]);
}

fn a_dropped_task_passes_it_on(setting: &Setting) {
    let notify = Arc::new(Notify::new());
    let mut line = line(&notify, 3);
    notify.notify_one();
    let own = notify.clone();
    let behind = setting.spawn(move || own.notified());
    // From the first to the second, and on.
    drop(line.remove(0));
    drop(line.remove(0));
    assert_eq!(told(&mut line), [0]);
    notify.notify_one();
    behind.join();
    // With nobody in line it is kept.
    let mut last = Box::pin(notify.notified_async());
    assert!(!last.as_mut().enable());
    notify.notify_last();
    drop(last);
    assert!(notify.notified_timeout(Duration::ZERO));
}

#[test]
fn the_first_or_the_last_is_told() {
    let notify = Notify::new();
    let mut line = line(&notify, 4);
    notify.notify_one();
    assert_eq!(told(&mut line), [0]);
    drop(line.remove(0));
    notify.notify_last();
    assert_eq!(told(&mut line), [2]);
    drop(line.remove(2));
    notify.notify_last();
    notify.notify_one();
    assert_eq!(told(&mut line), [0, 1]);
    // Those that are done are so for ever.
    assert_eq!(told(&mut line), [0, 1]);
}

#[test]
fn a_future_hears_of_calls_for_all_since_it_was_made() {
    let notify = Notify::new();
    let (before, mut enabled) = (notify.notified_async(), Box::pin(notify.notified_async()));
    assert!(!enabled.as_mut().enable());
    assert!(!enabled.as_mut().enable());
    notify.notify_waiters();
    notify.notify_one();
    let mut after = Box::pin(notify.notified_async());
    // What is kept is not for those that were told anyhow.
    assert!(poll_once(Box::pin(before).as_mut()).is_ready());
    assert!(enabled.as_mut().enable());
    assert!(after.as_mut().enable());
    assert!(!notify.notified_timeout(Duration::ZERO));
}

#[test]
fn a_dropped_task_that_was_told_with_all_passes_nothing_on() {
    let notify = Notify::new();
    let line = line(&notify, 2);
    notify.notify_waiters();
    drop(line);
    assert!(!notify.notified_timeout(Duration::ZERO));
}

#[test]
fn the_last_waker_is_woken_once() {
    let notify = Notify::new();
    let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut notified = Box::pin(notify.notified_async());
    notified.as_mut().enable();
    for count in [&first, &second] {
        let waker = Waker::from(count.clone());
        assert!(notified.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    notify.notify_one();
    notify.notify_waiters();
    assert_eq!((first.get(), second.get()), (0, 1));
}

#[test]
fn who_is_cancelled_takes_nothing_along() {
    on_every_runtime(|rt| {
        for round in 0..100 {
            let notify = Arc::new(Notify::new());
            let own = notify.clone();
            let waiting = rt.spawn(move || own.notified());
            (0..round % 5).for_each(|_| yield_now());
            let own = notify.clone();
            let notifying = std::thread::spawn(move || own.notify_one());
            waiting.cancel();
            let is_told = waiting.join().is_ok();
            notifying.join().unwrap();
            assert_eq!(notify.notified_timeout(Duration::ZERO), !is_told);
        }
    });
}

#[test]
fn who_is_cancelled_leaves_the_line() {
    on_every_runtime(|rt| {
        let notify = Arc::new(Notify::new());
        let own = notify.clone();
        let waiting = rt.spawn(move || {
            assert!(timeout(Duration::from_micros(100), || own.notified()).is_err());
            own.notified();
            park();
        });
        settle();
        waiting.cancel();
        assert!(waiting.join().unwrap_err().is_cancelled());
        notify.notify_waiters();
        notify.notify_one();
        assert!(notify.notified_timeout(Duration::ZERO));
    });
}
