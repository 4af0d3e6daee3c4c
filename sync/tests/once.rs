//! What is to be done once is done once, and all wait for it: also if what does it blocks, panics,
//! is cancelled, or is a future that goes away.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
#[path = "../../chan/tests/tasks/mod.rs"]
mod tasks;

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use settings::{
    LONG, Setting, join_all, limited, migrating, on_every_runtime, runtime, settle, until,
};
use sward_sched::time::{sleep, timeout};
use sward_sched::{park, spawn, uncancellable, yield_now};
use sward_sync::{Once, OnceState};
use tasks::{Wakes, forget, poll, run};

in_every_setting!(
    one_of_many_runs_and_what_it_did_is_seen,
    many_wait_for_a_call_that_blocks,
    neighbours_run_while_a_call_blocks,
    who_only_waits_does_not_call,
    after_a_panic_those_that_wait_look_again,
    threads_and_tasks_call_the_same,
    a_future_that_goes_away_half_way_has_not_called,
    one_after_the_other,
);

fn one_of_many_runs_and_what_it_did_is_seen(setting: &Setting) {
    let once = Arc::new((Once::new(), AtomicUsize::new(0)));
    let calling = setting.spawn_many(20, {
        let once = once.clone();
        move |_| {
            once.0.call_once(|| {
                yield_now();
                // Relaxed: nothing but the once makes it seen.
                once.1.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(once.1.load(Ordering::Relaxed), 1);
        }
    });
    join_all(calling);
    once.0.call_once(|| unreachable!());
    once.0.call_once_force(|_| unreachable!());
    once.0.wait();
    assert_eq!(once.0.state(), OnceState::Done);
}

/// A call that blocks until `go_on` is set.
fn call_and_wait(setting: &Setting, once: &Arc<Once>, go_on: &Arc<AtomicBool>) -> impl FnOnce() {
    let (inner, go_on) = (once.clone(), go_on.clone());
    let calling =
        setting.spawn(move || inner.call_once(move || until(|| go_on.load(Ordering::Relaxed))));
    until(|| once.state() == OnceState::InProgress);
    || calling.join()
}

fn many_wait_for_a_call_that_blocks(setting: &Setting) {
    let (once, go_on) = (Arc::new(Once::new()), Arc::new(AtomicBool::new(false)));
    let join = call_and_wait(setting, &once, &go_on);
    let waiting = setting.spawn_many(30, {
        let once = once.clone();
        move |i| match i % 3 {
            0 => once.wait(),
            1 => run(once.wait_async()),
            _ => once.call_once(|| unreachable!()),
        }
    });
    settle();
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    go_on.store(true, Ordering::Relaxed);
    join_all(waiting);
    join();
}

fn neighbours_run_while_a_call_blocks(setting: &Setting) {
    let (once, go_on) = (Arc::new(Once::new()), Arc::new(AtomicBool::new(false)));
    let join = call_and_wait(setting, &once, &go_on);
    let waiting = setting.spawn_many(3, {
        let once = once.clone();
        move |_| once.wait()
    });
    assert_eq!(join_all(setting.spawn_many(10, |i| i)).len(), 10);
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    go_on.store(true, Ordering::Relaxed);
    join_all(waiting);
    join();
}

fn who_only_waits_does_not_call(setting: &Setting) {
    let once = Arc::new(Once::new());
    let waiting = setting.spawn_many(4, {
        let once = once.clone();
        move |_| once.wait()
    });
    settle();
    assert_eq!(once.state(), OnceState::New);
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    // One that comes to nothing does not end their wait.
    let failed = catch_unwind(AssertUnwindSafe(|| once.call_once(|| resume_unwind(Box::new(1)))));
    assert!(failed.is_err());
    settle();
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    once.call_once(|| ());
    join_all(waiting);
}

fn after_a_panic_those_that_wait_look_again(setting: &Setting) {
    let once = Arc::new(Once::new());
    let tries = Arc::new(AtomicUsize::new(0));
    let calling = setting.spawn_many(8, {
        let (once, tries) = (once.clone(), tries.clone());
        move |_| {
            once.call_once_force(|state| {
                assert_eq!(state, OnceState::New);
                yield_now();
                if tries.fetch_add(1, Ordering::Relaxed) < 5 {
                    // Without the hook's message.
                    resume_unwind(Box::new("on purpose"));
                }
            });
        }
    });
    let failed = calling.into_iter().filter_map(|handle| handle.outcome().err()).count();
    assert_eq!((failed, tries.load(Ordering::Relaxed)), (5, 6));
    assert_eq!(once.state(), OnceState::Done);
}

fn threads_and_tasks_call_the_same(setting: &Setting) {
    let once = Arc::new((Once::new(), AtomicUsize::new(0)));
    let calling = setting.spawn_many(20, {
        let once = once.clone();
        move |i| {
            let (once, runs) = &*once;
            let add = || runs.fetch_add(1, Ordering::Relaxed);
            match i % 4 {
                0 => once.call_once(|| {
                    sleep(Duration::from_micros(50));
                    add();
                }),
                1 => run(once.call_once_async(async || {
                    yield_now();
                    add();
                })),
                2 => run(once.wait_async()),
                _ => once.wait(),
            }
            assert_eq!(runs.load(Ordering::Relaxed), 1);
        }
    });
    join_all(calling);
}

fn a_future_that_goes_away_half_way_has_not_called(setting: &Setting) {
    struct Dropped<'a>(&'a AtomicBool);
    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let once = Arc::new(Once::new());
    let dropped = AtomicBool::new(false);
    let mut first = Box::pin(once.call_once_async(async || {
        let _dropped = Dropped(&dropped);
        pending().await
    }));
    assert!(poll(first.as_mut(), Waker::noop()).is_pending());
    assert_eq!(once.state(), OnceState::InProgress);
    let calling = setting.spawn_many(4, {
        let once = once.clone();
        move |i| match i {
            0 => run(once.call_once_async(async || ())),
            _ => once.call_once(|| ()),
        }
    });
    settle();
    assert!(calling.iter().all(|handle| !handle.is_finished()));
    drop(first);
    assert!(dropped.load(Ordering::Relaxed));
    join_all(calling);
}

fn one_after_the_other(setting: &Setting) {
    let all: Arc<Vec<_>> = Arc::new((0..50).map(|_| Once::new()).collect());
    let runs = Arc::new(AtomicUsize::new(0));
    let calling = setting.spawn_many(4, {
        let (all, runs) = (all.clone(), runs.clone());
        move |_| {
            for once in &*all {
                once.call_once(|| _ = runs.fetch_add(1, Ordering::Relaxed));
            }
        }
    });
    join_all(calling);
    assert_eq!(runs.load(Ordering::Relaxed), 50);
}

#[test]
fn a_cancelled_call_leaves_it_to_the_next() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let once = Arc::new(Once::new());
            let inner = once.clone();
            let calling = spawn(move || inner.call_once(park));
            until(|| once.state() == OnceState::InProgress);
            let call = |_| {
                let inner = once.clone();
                spawn(move || inner.call_once(|| ()))
            };
            let others: Vec<_> = (0..4).map(call).collect();
            (0..10).for_each(|_| yield_now());
            assert!(others.iter().all(|thread| !thread.is_finished()));
            calling.cancel();
            assert!(calling.join().unwrap_err().is_cancelled());
            others.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(once.state().done());
        });
    });
}

#[test]
fn one_that_waits_is_cancelled_and_the_call_goes_on() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let once = Arc::new(Once::new());
            let inner = once.clone();
            let calling = spawn(move || inner.call_once(|| uncancellable(park)));
            until(|| once.state() == OnceState::InProgress);
            let wait = |i| {
                let inner = once.clone();
                spawn(move || match i % 2 {
                    0 => inner.wait(),
                    _ => inner.call_once(|| unreachable!()),
                })
            };
            let mut waiting: Vec<_> = (0..6).map(wait).collect();
            (0..10).for_each(|_| yield_now());
            for thread in waiting.drain(1..5) {
                thread.cancel();
                assert!(thread.join().unwrap_err().is_cancelled());
            }
            let late = timeout(Duration::from_micros(50), || once.call_once(|| unreachable!()));
            assert!(late.unwrap_err().is_elapsed());
            assert_eq!(once.state(), OnceState::InProgress);
            calling.thread().unpark();
            calling.join().unwrap();
            waiting.into_iter().for_each(|thread| thread.join().unwrap());
        });
    });
}

#[test]
fn a_call_that_takes_too_long_has_not_been_made() {
    limited(|| {
        let once = Once::new();
        let late = timeout(Duration::from_millis(1), || once.call_once(|| sleep(LONG)));
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!(once.state(), OnceState::New);
        once.call_once(|| ());
    });
}

#[test]
fn a_shutdown_ends_the_call_and_those_that_wait() {
    limited(|| {
        for rt in [runtime(1), runtime(2), migrating(1), migrating(2)] {
            let once = Arc::new(Once::new());
            let call = |_| {
                let inner = once.clone();
                rt.spawn(move || inner.call_once(park))
            };
            let calling: Vec<_> = (0..5).map(call).collect();
            until(|| once.state() == OnceState::InProgress);
            let inner = once.clone();
            let outside = std::thread::spawn(move || inner.call_once(|| ()));
            settle();
            assert!(rt.shutdown(LONG));
            for thread in calling {
                // One that has its turn after the one from outside does not park.
                assert!(thread.join().err().is_none_or(|error| error.is_cancelled()));
            }
            until(|| outside.is_finished());
            outside.join().unwrap();
            assert!(once.state().done());
        }
    });
}

#[test]
fn to_wait_for_oneself_panics() {
    fn check() {
        let once = Once::new();
        let uses: [&dyn Fn(); 3] =
            [&|| once.call_once(|| ()), &|| once.wait(), &|| once.call_once_force(|_| ())];
        for again in uses {
            let panic = catch_unwind(AssertUnwindSafe(|| once.call_once(again))).unwrap_err();
            let message = panic.downcast::<&str>().expect("it is a text");
            assert!(message.contains("waits for its own end"), "{message}");
            assert_eq!(once.state(), OnceState::New);
        }
        // Another one may be called there.
        once.call_once(|| Once::new().call_once(yield_now));
    }
    limited(check);
    on_every_runtime(|rt| rt.run(check));
}

#[test]
fn a_task_that_waits_is_woken_once_and_not_if_it_is_gone() {
    let once = Once::new();
    let (told, waker) = Wakes::new();
    let mut waiting = pin!(once.wait_async());
    assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    let (gone, gone_waker) = Wakes::new();
    let mut dropped = Box::pin(once.wait_async());
    assert!(poll(dropped.as_mut(), &gone_waker).is_pending());
    drop(dropped);
    let mut forgotten = Box::pin(once.wait_async());
    assert!(poll(forgotten.as_mut(), Waker::noop()).is_pending());
    once.call_once(|| ());
    assert_eq!((told.count(), gone.count()), (1, 0));
    assert!(poll(waiting, &waker).is_ready());
    forget(forgotten);
}

#[test]
fn it_is_two_words_which_may_be_shared_and_its_futures_sent() {
    assert_eq!(size_of::<Once>(), 2 * size_of::<usize>());
    fn sent<T: Send>(_: T) {}
    let once = Once::new();
    sent(once.wait_async());
    sent(once.call_once_async(async || pending().await));
    fn shared<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    shared::<Once>();
    assert_eq!(format!("{:?}", Once::default()), "Once { state: New }");
}
