//! A value that is set once: by whoever comes first, whatever it waits for meanwhile.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
#[path = "../../chan/tests/tasks/mod.rs"]
mod tasks;

use std::cell::Cell;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use settings::{Setting, join_all, on_every_runtime, settle, until};
use sward_sched::time::sleep;
use sward_sched::{park, yield_now};
use sward_sync::OnceLock;
use tasks::{forget, poll, run};

in_every_setting!(
    all_get_the_value_of_one,
    one_of_many_sets_it,
    those_that_wait_get_the_value,
    one_that_fails_leaves_it_to_the_next,
    threads_and_tasks_make_it_together,
    a_future_that_goes_away_half_way_leaves_no_value,
);

fn all_get_the_value_of_one(setting: &Setting) {
    let lock = Arc::new(OnceLock::new());
    let makes = Arc::new(AtomicUsize::new(0));
    let getting = setting.spawn_many(20, {
        let (lock, makes) = (lock.clone(), makes.clone());
        move |i| {
            *lock
                .get_or_init(|| {
                    makes.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_micros(100));
                    Box::new(i)
                })
                .clone()
        }
    });
    let got = join_all(getting);
    assert_eq!(makes.load(Ordering::Relaxed), 1);
    assert!(got.iter().all(|value| Some(value) == lock.get().map(|made| &**made)));
}

fn one_of_many_sets_it(setting: &Setting) {
    let lock = Arc::new(OnceLock::new());
    let setting_it = setting.spawn_many(10, {
        let lock = lock.clone();
        move |i| lock.set(Box::new(i)).map_err(|back| *back)
    });
    let refused: Vec<_> = join_all(setting_it).into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 9);
    assert!(!refused.contains(lock.get().expect("one has set it")));
}

fn those_that_wait_get_the_value(setting: &Setting) {
    let lock = Arc::new(OnceLock::new());
    let waiting = setting.spawn_many(10, {
        let lock = lock.clone();
        move |i| match i % 2 {
            0 => *lock.wait(),
            _ => *run(lock.wait_async()),
        }
    });
    settle();
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    lock.set(7).unwrap();
    assert_eq!(join_all(waiting), [7; 10]);
}

fn one_that_fails_leaves_it_to_the_next(setting: &Setting) {
    let lock = Arc::new(OnceLock::new());
    let tries = Arc::new(AtomicUsize::new(0));
    let getting = setting.spawn_many(9, {
        let (lock, tries) = (lock.clone(), tries.clone());
        move |_| {
            let tried = lock.get_or_try_init(|| {
                yield_now();
                match tries.fetch_add(1, Ordering::Relaxed) {
                    6 => Ok(7),
                    // Without the hook's message.
                    number if number % 2 == 0 => resume_unwind(Box::new("on purpose")),
                    number => Err(number),
                }
            });
            tried.copied()
        }
    });
    let (mut values, mut errors, mut panics) = (0, 0, 0);
    for handle in getting {
        match handle.outcome() {
            Ok(Ok(value)) => values += value,
            Ok(Err(number)) => errors += number,
            Err(_) => panics += 1,
        }
    }
    assert_eq!((values, errors, panics), (3 * 7, 1 + 3 + 5, 3));
}

fn threads_and_tasks_make_it_together(setting: &Setting) {
    let lock = Arc::new(OnceLock::new());
    let getting = setting.spawn_many(20, {
        let lock = lock.clone();
        move |i| match i % 3 {
            0 => *lock.get_or_init(|| {
                yield_now();
                i
            }),
            1 => *run(lock.get_or_init_async(async || ready(i).await)),
            _ => *run(lock.wait_async()),
        }
    });
    let got = join_all(getting);
    assert!(got.iter().all(|value| Some(value) == lock.get()));
}

fn a_future_that_goes_away_half_way_leaves_no_value(setting: &Setting) {
    let lock = Arc::new(OnceLock::new());
    let mut first = Box::pin(lock.get_or_init_async(async || pending().await));
    assert!(poll(first.as_mut(), Waker::noop()).is_pending());
    assert_eq!(lock.get(), None);
    let getting = setting.spawn_many(4, {
        let lock = lock.clone();
        move |i| *lock.get_or_init(|| i)
    });
    settle();
    drop(first);
    let got = join_all(getting);
    assert!(got.iter().all(|value| Some(value) == lock.get()));
}

#[test]
fn a_cancelled_initialiser_leaves_no_value() {
    on_every_runtime(|rt| {
        let lock = Arc::new(OnceLock::new());
        let has_begun = Arc::new(AtomicBool::new(false));
        let (inner, begin) = (lock.clone(), has_begun.clone());
        let making = rt.spawn(move || {
            inner.get_or_init(|| {
                begin.store(true, Ordering::Relaxed);
                park();
                1
            });
        });
        until(|| has_begun.load(Ordering::Relaxed));
        let inner = lock.clone();
        let next = rt.spawn(move || *inner.get_or_init(|| 2));
        let inner = lock.clone();
        let setting = rt.spawn(move || inner.set(3));
        settle();
        assert_eq!(lock.get(), None);
        setting.cancel();
        assert!(setting.join().unwrap_err().is_cancelled());
        making.cancel();
        assert!(making.join().unwrap_err().is_cancelled());
        assert_eq!(next.join().unwrap(), 2);
    });
}

#[test]
fn to_use_the_lock_in_its_own_initialiser_panics() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let lock = OnceLock::new();
            let uses: [&dyn Fn() -> i32; 3] =
                [&|| *lock.get_or_init(|| 1), &|| *lock.wait(), &|| lock.set(1).map_or(2, |()| 3)];
            for again in uses {
                assert!(catch_unwind(AssertUnwindSafe(|| lock.get_or_init(again))).is_err());
                assert_eq!(lock.get(), None);
            }
            assert_eq!(*lock.get_or_init(|| lock.get().map_or(4, |_| 5)), 4);
        });
    });
}

/// Counts how often it was dropped.
struct Counts<'a>(&'a Cell<usize>);

impl Drop for Counts<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_value_is_dropped_once() {
    let drops = Cell::new(0);
    let lock = OnceLock::new();
    assert!(lock.set(Counts(&drops)).is_ok());
    assert!(lock.set(Counts(&drops)).is_err());
    assert_eq!(drops.get(), 1);
    drop(lock);
    assert_eq!(drops.get(), 2);
    let mut lock = OnceLock::from(Counts(&drops));
    let taken = lock.take();
    assert!(lock.get().is_none() && lock.get_mut().is_none());
    assert_eq!(drops.get(), 2);
    drop((taken, lock));
    assert_eq!(drops.get(), 3);
    drop(OnceLock::from(Counts(&drops)).into_inner());
    assert_eq!(drops.get(), 4);
}

/// As std's: what it refers to may go first, if dropping the lock does not look at it.
#[test]
fn a_reference_may_end_before_the_lock() {
    let lock = OnceLock::new();
    let value = String::from("gone first");
    lock.set(&value).unwrap();
    assert_eq!(lock.get().map(|text| text.len()), Some(10));
    drop(value);
}

#[test]
fn a_value_may_be_put_there_anew() {
    let mut lock = OnceLock::from(1);
    assert_eq!(lock.take(), Some(1));
    assert_eq!(lock.take(), None);
    assert_eq!(lock.get_or_init(|| 2), &2);
    *lock.get_mut().unwrap() += 1;
    assert_eq!(lock.wait(), &3);
    // Also if a future was forgotten half-way.
    let mut lock = OnceLock::new();
    let mut half_way = Box::pin(lock.get_or_init_async(async || pending().await));
    assert!(poll(half_way.as_mut(), Waker::noop()).is_pending());
    forget(half_way);
    assert_eq!(lock.take(), None);
    assert_eq!(lock.set(4), Ok(()));
}

#[test]
fn the_traits_are_those_of_std() {
    fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe>() {}
    shared::<OnceLock<String>>();
    fn sent<T: Send>(_: T) {}
    sent(OnceLock::<Cell<i32>>::new());
    let lock = OnceLock::new();
    sent(lock.get_or_init_async(async || ready(7).await));
    sent(lock.wait_async());
    assert_eq!(format!("{lock:?}"), "OnceLock(<uninit>)");
    assert_ne!(lock, OnceLock::from(7));
    assert_eq!(lock, OnceLock::default());
    lock.set(7).unwrap();
    assert_eq!(format!("{lock:?}"), "OnceLock(7)");
    assert_eq!(lock.clone(), lock);
    assert_eq!(OnceLock::<i32>::new().clone().get(), None);
}

#[test]
fn a_static_serves_several_runtimes() {
    static LOCK: OnceLock<usize> = OnceLock::new();
    on_every_runtime(|rt| {
        let getting: Vec<_> = (0..4)
            .map(|_| {
                rt.spawn(|| {
                    *LOCK.get_or_init(|| {
                        sleep(Duration::from_millis(1));
                        7
                    })
                })
            })
            .collect();
        getting.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 7));
    });
}

#[test]
fn async_errors_come_back() {
    let lock = OnceLock::new();
    assert_eq!(run(lock.get_or_try_init_async(async || ready(Err("no")).await)), Err("no"));
    assert_eq!(run(lock.get_or_init_async(async || 7)), &7);
}
