//! Futures in the lines of locks: forgotten where they stand, or after it was their turn. Then the
//! lock goes elsewhere, is used there, and goes away.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use sward::sync::{
    Barrier, Condvar, LazyLock, Mutex, MutexAsync, Notify, Once, RwLock, RwLockAsync, Semaphore,
};

use crate::SHORT;
use crate::settings::{LONG, Setting, settle, until};
use crate::tasks::{Wakes, forget, poll};

in_every_setting!(
    a_mutex_is_free_for_others_when_the_forgotten_was_told,
    a_lock_for_readers_and_writers_keeps_what_the_forgotten_was_handed,
    a_semaphore_keeps_what_the_forgotten_was_handed,
    a_condition_variable_loses_the_notification_of_the_forgotten,
    a_barrier_counts_the_forgotten,
    a_notify_loses_the_notification_of_the_forgotten,
    a_lazy_lock_is_there_for_others,
);

fn pends<F: Future>(future: F, waker: &Waker) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll(future.as_mut(), waker).is_pending());
    future
}

fn a_mutex_is_free_for_others_when_the_forgotten_was_told(setting: &Setting) {
    let mutex = Arc::new(Mutex::new(0));
    let (wakes, waker) = Wakes::new();
    forget(mutex.lock_async());
    let held = mutex.lock();
    let first = pends(mutex.lock_async(), &waker);
    let second = pends(mutex.lock_async(), &waker);
    drop(held);
    assert_eq!(wakes.count(), 1);
    forget(first);
    // Whoever comes by has it, and tells the next.
    let inner = mutex.clone();
    setting.spawn(move || *inner.lock() += 1).join();
    until(|| wakes.count() == 2);
    forget(second);
    *mutex.lock() += 1;
    // In line, and the mutex moves.
    let held = mutex.lock();
    forget(pends(mutex.lock_async(), &waker));
    drop(held);
    let mutex = Box::new(Arc::try_unwrap(mutex).expect("nobody else has it"));
    for _ in 0..3 {
        *mutex.lock() += 1;
    }
    assert_eq!(mutex.into_inner(), 5);
}

fn a_lock_for_readers_and_writers_keeps_what_the_forgotten_was_handed(setting: &Setting) {
    let lock = Arc::new(RwLock::new(0));
    forget(lock.read_async());
    forget(lock.write_async());
    let held = lock.write();
    forget(pends(lock.read_async(), Waker::noop()));
    forget(pends(lock.upgradable_read_async(), Waker::noop()));
    let inner = lock.clone();
    let reading = setting.spawn(move || inner.try_read_for(LONG).is_some());
    settle();
    drop(held);
    // Behind them in line, or past them.
    assert!(reading.join());
    let inner = lock.clone();
    let writing = setting.spawn(move || inner.try_write_for(SHORT).is_some());
    writing.join();
    let mut lock = Box::new(Arc::try_unwrap(lock).expect("nobody else has it"));
    *lock.get_mut() += 1;
    // A reader in a line that is a writer's, and the lock goes.
    let reading = lock.try_read();
    forget(pends(lock.write_async(), Waker::noop()));
    drop(reading);
    assert_eq!(lock.into_inner(), 1);
}

fn a_semaphore_keeps_what_the_forgotten_was_handed(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(0));
    let (wakes, waker) = Wakes::new();
    forget(semaphore.acquire_async());
    let first = pends(semaphore.acquire_many_async(2), &waker);
    let owned = pends(semaphore.clone().acquire_owned_async(), &waker);
    let inner = semaphore.clone();
    let behind = setting.spawn(move || inner.acquire().unwrap().num_permits());
    settle();
    semaphore.add_permits(3);
    assert_eq!(wakes.count(), 2);
    forget((first, owned));
    semaphore.add_permits(1);
    assert_eq!(behind.join(), 1);
    assert_eq!(semaphore.available_permits(), 1);
    // And one that stands in line when all is over.
    forget(pends(semaphore.acquire_many_async(2), &waker));
    semaphore.close();
    assert_eq!(wakes.count(), 3);
    assert!(semaphore.acquire().is_err());
    drop(semaphore);
    let semaphore = Semaphore::new(0);
    forget(pends(semaphore.acquire_async(), &waker));
    let semaphore = Box::new(semaphore);
    semaphore.add_permits(2);
    assert_eq!((wakes.count(), semaphore.available_permits()), (4, 1));
}

fn a_condition_variable_loses_the_notification_of_the_forgotten(setting: &Setting) {
    let (mutex, condvar) = (Arc::new(Mutex::new(0)), Arc::new(Condvar::new()));
    let (wakes, waker) = Wakes::new();
    let first = pends(condvar.wait_async(mutex.lock()), &waker);
    let second = pends(condvar.wait_async(mutex.lock()), &waker);
    let (inner, told) = (mutex.clone(), condvar.clone());
    let waiting = setting.spawn(move || {
        let mut guard = inner.lock();
        *guard = 1;
        told.wait_while(&mut guard, |value| *value == 1);
        *guard
    });
    until(|| *mutex.lock() == 1);
    assert!(condvar.notify_one());
    assert_eq!(wakes.count(), 1);
    forget(first);
    forget(second);
    *mutex.lock() = 2;
    // The second in line is another that never comes; then it is the thread's turn.
    assert!(condvar.notify_one());
    assert_eq!(wakes.count(), 2);
    condvar.notify_one();
    assert_eq!(waiting.join(), 2);
    // Told, in the mutex's line, and forgotten there.
    let mut third = pends(condvar.wait_async(mutex.lock()), &waker);
    let held = mutex.lock();
    condvar.notify_all();
    assert!(poll(third.as_mut(), &waker).is_pending());
    forget(third);
    drop(held);
    *mutex.lock() += 1;
    // The guard itself, in one that was never polled. The mutex goes before the condition.
    let last = pends(condvar.wait_async(mutex.lock()), &waker);
    forget(condvar.wait_async(mutex.lock()));
    forget(last);
    assert!(mutex.is_locked());
    drop(mutex);
    assert_eq!(condvar.notify_all(), 1);
}

fn a_barrier_counts_the_forgotten(setting: &Setting) {
    let barrier = Arc::new(Barrier::new(3));
    let (wakes, waker) = Wakes::new();
    forget(barrier.wait_async());
    for round in 1..=3 {
        forget(pends(barrier.wait_async(), &waker));
        let waiting = setting.spawn_many(2, {
            let barrier = barrier.clone();
            move |_| barrier.wait().is_leader()
        });
        let leaders = waiting.into_iter().map(|it| it.join());
        assert_eq!(leaders.filter(|is_leader| *is_leader).count(), 1);
        assert_eq!(wakes.count(), round);
    }
    forget(pends(barrier.wait_async(), &waker));
    let barrier = Box::new(Arc::try_unwrap(barrier).expect("nobody else has it"));
    assert!(poll(pin!(barrier.wait_async()), &waker).is_pending());
}

fn a_notify_loses_the_notification_of_the_forgotten(setting: &Setting) {
    let notify = Arc::new(Notify::new());
    let (wakes, waker) = Wakes::new();
    forget(notify.notified_async());
    let first = pends(notify.notified_async(), &waker);
    let mut enabled = Box::pin(notify.notified_async());
    assert!(!enabled.as_mut().enable());
    let inner = notify.clone();
    let waiting = setting.spawn(move || inner.notified_timeout(LONG));
    notify.notify_one();
    assert_eq!(wakes.count(), 1);
    forget((first, enabled));
    // The one that was enabled has the next, the thread that after it.
    until(|| {
        notify.notify_one();
        waiting.is_finished()
    });
    assert!(waiting.join());
    let forgotten = pends_unless_told(&notify);
    forget(forgotten);
    notify.notify_waiters();
    let notify = Box::new(Arc::try_unwrap(notify).expect("nobody else has it"));
    notify.notify_one();
    notify.notified();
}

/// In line: a permit that was left over is used up first.
fn pends_unless_told(notify: &Notify) -> impl Future + use<'_> {
    let mut notified = Box::pin(notify.notified_async());
    while poll(notified.as_mut(), Waker::noop()) == Poll::Ready(()) {
        notified.set(notify.notified_async());
    }
    notified
}

fn a_lazy_lock_is_there_for_others(setting: &Setting) {
    type Init = Box<dyn Fn() -> u32 + Send + Sync>;
    let (open, gate) = sward::chan::bounded::<()>(0);
    let (begins, begun) = sward::chan::unbounded();
    let init: Init = Box::new(move || {
        begins.send(()).unwrap();
        assert!(gate.recv().is_err());
        7
    });
    let (lazy, once) = (Arc::new(LazyLock::new(init)), Once::new());
    forget(LazyLock::force_async(&lazy));
    let inner = lazy.clone();
    let forcing = setting.spawn(move || **inner);
    begun.recv().unwrap();
    let (wakes, waker) = Wakes::new();
    forget(pends(LazyLock::force_async(&lazy), &waker));
    drop(open);
    assert_eq!(forcing.join(), 7);
    until(|| wakes.count() == 1);
    assert_eq!(**lazy, 7);
    // A call that is forgotten half-way is going on for ever; the once itself may go.
    forget(pends(once.call_once_async(async || std::future::pending().await), &waker));
    forget(pends(once.wait_async(), &waker));
    let once = Box::new(once);
    assert!(!once.is_completed());
}
