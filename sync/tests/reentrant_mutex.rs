//! A mutex that its holder may lock again: whose it is, wherever that runs, and that a guard which
//! is forgotten lets nobody else in.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::mem::forget;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use lock_api::GetThreadId;
use settings::{Setting, join_all, limited, migrating, runtime, settle, until};
use sward_sched::{block_in_place, park, spawn, time::sleep, unblock, yield_now};
use sward_sync::reentrant_mutex::{ArcReentrantMutexGuard, MappedReentrantMutexGuard, RawThreadId};
use sward_sync::{ReentrantMutex, ReentrantMutexGuard};

in_every_setting!(
    its_holder_locks_again_and_nobody_else,
    a_guard_is_held_across_blocking_calls,
    a_panic_unlocks_all_its_guards,
    a_forgotten_guard_lets_nobody_else_in,
    unlocked_and_bump_let_others_have_it,
    mapped_and_arc_guards_count,
    no_two_threads_have_the_same_number,
);

fn counter() -> Arc<ReentrantMutex<Cell<i32>>> {
    Arc::new(ReentrantMutex::new(Cell::new(0)))
}

fn its_holder_locks_again_and_nobody_else(setting: &Setting) {
    let mutex = counter();
    let first = mutex.lock();
    let second = mutex.try_lock().expect("it is ours");
    let third = mutex.try_lock_for(Duration::ZERO).expect("it is ours");
    assert!(mutex.is_locked() && mutex.is_owned_by_current_thread());
    let tried = Arc::new(AtomicBool::new(false));
    let waiting = setting.spawn({
        let (mutex, tried) = (mutex.clone(), tried.clone());
        move || {
            assert!(mutex.is_locked() && !mutex.is_owned_by_current_thread());
            assert!(mutex.try_lock().is_none());
            assert!(mutex.try_lock_for(Duration::from_micros(50)).is_none());
            tried.store(true, Ordering::Relaxed);
            let value = mutex.lock();
            assert!(mutex.is_owned_by_current_thread());
            value.get()
        }
    });
    until(|| tried.load(Ordering::Relaxed));
    drop((first, second));
    settle();
    assert!(!waiting.is_finished());
    third.set(7);
    drop(third);
    assert_eq!(waiting.join(), 7);
    assert!(!mutex.is_locked() && !mutex.is_owned_by_current_thread());
}

fn a_guard_is_held_across_blocking_calls(setting: &Setting) {
    let mutex = counter();
    let adding = setting.spawn_many(6, {
        let mutex = mutex.clone();
        move |i| {
            for round in 0..4 {
                let outer = mutex.lock();
                let before = outer.get();
                match (i + round) % 4 {
                    0 => yield_now(),
                    1 => sleep(Duration::from_micros(50)),
                    2 => assert_eq!(unblock(move || before), before),
                    _ => block_in_place(|| assert!(mutex.try_lock().is_some())),
                }
                // On whichever worker it is now.
                let inner = mutex.try_lock().expect("it is ours");
                assert_eq!(inner.get(), before);
                inner.set(before + 1);
            }
        }
    });
    join_all(adding);
    assert_eq!(mutex.lock().get(), 24);
}

fn a_panic_unlocks_all_its_guards(setting: &Setting) {
    let mutex = counter();
    let inner = mutex.clone();
    let panicking = setting.spawn(move || {
        let _guards = (inner.lock(), inner.lock());
        // Without the hook's message.
        resume_unwind(Box::new("on purpose"));
    });
    assert!(panicking.outcome().is_err());
    assert!(mutex.try_lock().is_some());
}

fn a_forgotten_guard_lets_nobody_else_in(setting: &Setting) {
    let mutex = counter();
    let inner = mutex.clone();
    setting.spawn(move || forget(inner.lock())).join();
    assert!(mutex.is_locked() && !mutex.is_owned_by_current_thread());
    // Nor do those that come after it, on the same stack and the same OS thread.
    for _ in 0..20 {
        let inner = mutex.clone();
        assert!(setting.spawn(move || inner.try_lock().is_none()).join());
    }
}

fn unlocked_and_bump_let_others_have_it(setting: &Setting) {
    let mutex = counter();
    let mut guard = mutex.lock();
    let inner = mutex.clone();
    let waiting = setting.spawn(move || inner.lock().set(1));
    ReentrantMutexGuard::unlocked(&mut guard, || waiting.join());
    assert_eq!(guard.get(), 1);
    let inner = mutex.clone();
    let waiting = setting.spawn(move || inner.lock().set(2));
    until(|| {
        ReentrantMutexGuard::bump(&mut guard);
        guard.get() == 2
    });
    waiting.join();
    assert!(mutex.is_owned_by_current_thread());
    ReentrantMutexGuard::unlock_fair(guard);
    assert!(!mutex.is_locked());
}

fn mapped_and_arc_guards_count(setting: &Setting) {
    let mutex = Arc::new(ReentrantMutex::new((RefCell::new(1), 2)));
    let part: MappedReentrantMutexGuard<'_, i32> =
        ReentrantMutexGuard::map(mutex.lock(), |pair| &pair.1);
    let whole: ArcReentrantMutexGuard<_> = mutex.lock_arc();
    let look = || {
        let mutex = mutex.clone();
        setting.spawn(move || mutex.try_lock_arc().is_some()).join()
    };
    *whole.0.borrow_mut() += *part;
    drop(part);
    assert!(!look());
    assert_eq!(*whole.0.borrow(), 3);
    drop(whole);
    assert!(look());
}

fn no_two_threads_have_the_same_number(setting: &Setting) {
    let here = RawThreadId.nonzero_thread_id();
    let threads = setting.spawn_many(200, |i| {
        let before = RawThreadId.nonzero_thread_id();
        if i % 2 == 0 {
            yield_now();
        }
        assert_eq!(RawThreadId.nonzero_thread_id(), before);
        before
    });
    let mut numbers: HashSet<_> = join_all(threads).into_iter().collect();
    assert_eq!(numbers.len(), 200);
    assert!(numbers.insert(here));
    // That of an OS thread on which no green thread runs.
    let pool = unblock(|| RawThreadId.nonzero_thread_id());
    assert!(numbers.insert(pool) || pool == here);
    assert_eq!(RawThreadId.nonzero_thread_id(), here);
}

/// Which OS thread this is: in a function of its own, as its caller migrates.
#[inline(never)]
fn os_thread() -> std::thread::ThreadId {
    std::thread::current().id()
}

#[test]
fn a_thread_that_migrates_keeps_its_locks() {
    limited(|| {
        migrating(2).run(|| {
            let mutex = counter();
            let moved = Arc::new(AtomicUsize::new(0));
            let done = Arc::new(AtomicBool::new(false));
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (moved, done) = (moved.clone(), done.clone());
                    spawn(move || {
                        let mutex = counter();
                        let own = RawThreadId.nonzero_thread_id();
                        let _held = mutex.lock();
                        let mut last = os_thread();
                        while !done.load(Ordering::Relaxed) {
                            // Whoever is woken from outside goes on wherever there is time.
                            unblock(|| ());
                            let now = os_thread();
                            moved.fetch_add(usize::from(now != last), Ordering::Relaxed);
                            last = now;
                            assert_eq!(RawThreadId.nonzero_thread_id(), own);
                            assert!(mutex.try_lock().is_some());
                        }
                    })
                })
                .collect();
            until(|| moved.load(Ordering::Relaxed) > 20);
            done.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(mutex.try_lock().is_some());
        });
    });
}

#[test]
fn who_is_cancelled_unlocks_all() {
    limited(|| {
        runtime(1).run(|| {
            let mutex = counter();
            let inner = mutex.clone();
            let holding = spawn(move || {
                let _guards = (inner.lock(), inner.lock());
                park();
            });
            until(|| mutex.is_locked());
            holding.cancel();
            assert!(holding.join().unwrap_err().is_cancelled());
            assert!(mutex.try_lock().is_some());
        });
    });
}

/// A worker has a number of its own, which its threads do not share.
#[test]
fn a_worker_is_not_its_green_thread() {
    struct Locks(Arc<ReentrantMutex<Cell<i32>>>);
    impl Drop for Locks {
        fn drop(&mut self) {
            assert!(self.0.try_lock().is_none());
        }
    }
    limited(|| {
        runtime(1).run(|| {
            let mutex = counter();
            let held = mutex.lock();
            let locks = Locks(mutex.clone());
            spawn(move || drop(locks)).join().unwrap();
            // Dropped, unstarted, by the worker.
            let locks = Locks(mutex.clone());
            let unstarted = spawn(move || drop(locks));
            unstarted.cancel();
            unstarted.join().unwrap_err();
            drop(held);
        });
    });
}

#[test]
fn guards_stay_with_their_thread() {
    fn shared<T: Sync>() {}
    /// Two of these apply to a type that is `Send`, and then `is_not` does not compile.
    trait Sendable<Marker> {
        fn is_not() {}
    }
    struct Yes;
    impl<T> Sendable<()> for T {}
    impl<T: Send> Sendable<Yes> for T {}

    shared::<ReentrantMutexGuard<'_, i32>>();
    shared::<ReentrantMutex<Cell<i32>>>();
    <ReentrantMutexGuard<'_, i32> as Sendable<_>>::is_not();
    <MappedReentrantMutexGuard<'_, i32> as Sendable<_>>::is_not();
    <ArcReentrantMutexGuard<i32> as Sendable<_>>::is_not();
}
