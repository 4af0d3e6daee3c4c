//! Nothing is allocated for what is done with a lock, whoever waits.

#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
#[path = "../../chan/tests/tasks/mod.rs"]
mod tasks;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use settings::{limited, runtime};
use sward_sched::{spawn_local, yield_now};
use sward_sync::{Condvar, Mutex, MutexAsync, Notify, RwLock, RwLockAsync, Semaphore};
use tasks::{Wakes, poll};

const ROUNDS: usize = 100;

/// Counts what is allocated on each OS thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: it is the system's, which does all.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

/// Does it often, and says how often something was allocated on this OS thread meanwhile.
fn allocations(mut f: impl FnMut()) -> usize {
    // What is made once.
    (0..3).for_each(|_| f());
    let before = ALLOCATIONS.get();
    (0..ROUNDS).for_each(|_| f());
    ALLOCATIONS.get() - before
}

#[derive(Default)]
struct Locks {
    mutex: Mutex<usize>,
    condvar: Condvar,
    rwlock: RwLock<usize>,
    notify: Notify,
    is_over: Cell<bool>,
}

#[test]
fn what_does_not_wait() {
    let (locks, semaphore) = (Locks::default(), Semaphore::new(2));
    let made = allocations(|| {
        *locks.mutex.lock() += 1;
        *locks.rwlock.write() += 1;
        drop(locks.rwlock.read());
        drop(semaphore.acquire_many(2));
        locks.notify.notify_one();
        locks.notify.notified();
        locks.condvar.notify_all();
        let timeout = Duration::from_nanos(1);
        assert!(locks.condvar.wait_for(&mut locks.mutex.lock(), timeout).timed_out());
    });
    assert_eq!(made, 0);
}

#[test]
fn threads_that_wait() {
    limited(|| {
        runtime(1).run(|| {
            let (locks, semaphore) = (Rc::new(Locks::default()), Rc::new(Semaphore::new(1)));
            let other = spawn_local({
                let (locks, semaphore) = (locks.clone(), semaphore.clone());
                move || {
                    while !locks.is_over.get() {
                        let permit = semaphore.acquire().unwrap();
                        let mut value = locks.mutex.lock();
                        yield_now();
                        *value += 1;
                        locks.condvar.notify_all();
                        drop((value, permit));
                        let value = locks.rwlock.write();
                        yield_now();
                        drop(value);
                        yield_now();
                    }
                }
            });
            let made = allocations(|| {
                let mut value = locks.mutex.lock();
                let before = *value;
                locks.condvar.wait_while(&mut value, |value| *value == before);
                drop(value);
                drop(locks.rwlock.read());
                drop(semaphore.acquire().unwrap());
            });
            assert_eq!(made, 0);
            locks.is_over.set(true);
            other.join().unwrap();
        });
    });
}

#[test]
fn a_task_that_waits() {
    let (locks, semaphore) = (Locks::default(), Semaphore::new(1));
    let (_, waker) = Wakes::new();
    let made = allocations(|| {
        let (held, permit) = (locks.mutex.lock(), semaphore.acquire().unwrap());
        let (read, mut locking) = (locks.rwlock.read(), pin!(locks.mutex.lock_async()));
        let (mut writing, mut acquiring) =
            (pin!(locks.rwlock.write_async()), pin!(semaphore.acquire_async()));
        let mut notified = pin!(locks.notify.notified_async());
        assert!(poll(locking.as_mut(), &waker).is_pending());
        assert!(poll(writing.as_mut(), &waker).is_pending());
        assert!(poll(acquiring.as_mut(), &waker).is_pending());
        assert!(poll(notified.as_mut(), &waker).is_pending());
        drop((held, permit, read));
        locks.notify.notify_waiters();
        assert!(poll(locking, &waker).is_ready());
        assert!(poll(writing, &waker).is_ready());
        assert!(poll(acquiring, &waker).is_ready());
        assert!(poll(notified, &waker).is_ready());
    });
    assert_eq!(made, 0);
}
