//! Locks of OS threads: wanted by nobody else, and by many at a time.

use std::hint::black_box;
use std::iter;
use std::ops::{Deref, DerefMut};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::measure::Figure::{Best, Middle, Share};
use crate::measure::{Work, least_share, timed};
use crate::{OsThreads, Workload};

/// Around a number, where they are around something.
pub(crate) trait Locks {
    type Mutex: Default + Sync;
    type Guard<'a>: DerefMut<Target = u64>;
    type Condvar: Default + Sync;
    type RwLock: Default + Sync;

    fn lock(mutex: &Self::Mutex) -> Self::Guard<'_>;
    fn wait<'a>(condvar: &Self::Condvar, guard: Self::Guard<'a>) -> Self::Guard<'a>;
    fn notify_one(condvar: &Self::Condvar);
    fn read(lock: &Self::RwLock) -> impl Deref<Target = u64>;
    fn write(lock: &Self::RwLock) -> impl DerefMut<Target = u64>;
}

pub(crate) trait Contended: Locks + Sized {
    const ALL: &[Workload] = &[
        ("mutex", 10_000_000, Best(mutex::<Self>)),
        ("mutex_8_short", 4_000_000, Middle(|times| contended::<Self>(8, short, times))),
        ("mutex_1000_short", 4_000_000, Middle(|times| contended::<Self>(1000, short, times))),
        ("mutex_8_long", 200_000, Middle(|times| contended::<Self>(8, long, times))),
        ("mutex_1000_long", 200_000, Middle(|times| contended::<Self>(1000, long, times))),
        ("mutex_fairness", 1_000, Share(fairness::<Self>)),
        ("rwlock_1_100", 2_000_000, Middle(rwlock::<Self>)),
        // Some microseconds each, and tens across cores.
        ("condvar_ping_pong", 50_000, Best(ping_pong::<Self>)),
    ];
}

impl<L: Locks> Contended for L {}

fn mutex<L: Locks>(times: u64) -> Duration {
    let mutex = L::Mutex::default();
    timed(|| {
        for _ in 0..times {
            *L::lock(black_box(&mutex)) += 1;
        }
    })
}

/// What is done under the lock: next to nothing, or a microsecond's work.
fn short(count: &mut u64) {
    *count += 1;
}

fn long(count: &mut u64) {
    Work::MICROSECOND.run();
    *count += 1;
}

/// So many threads on one lock, with nothing else to do.
fn contended<L: Locks>(threads: u64, section: impl Fn(&mut u64) + Sync, times: u64) -> Duration {
    let each = times.div_ceil(threads);
    let mutex = L::Mutex::default();
    let body = |_| (0..each).for_each(|_| section(&mut L::lock(&mutex)));
    let time = all_at_once(threads, body);
    assert_eq!(*L::lock(&mutex), threads * each);
    time
}

/// 8 threads on one lock, each for a microsecond at a time: how often the one that gets it
/// least gets it.
fn fairness<L: Locks>(_: &OsThreads, time: Duration) -> f64 {
    let mutex = L::Mutex::default();
    let done = AtomicBool::new(false);
    let turns = || {
        let turns = iter::repeat_with(|| long(&mut L::lock(&mutex)));
        turns.take_while(|()| !done.load(Relaxed)).count() as u64
    };
    thread::scope(|scope| {
        let handles = [(); 8].map(|()| scope.spawn(turns));
        thread::sleep(time);
        done.store(true, Relaxed);
        least_share(handles.map(|handle| handle.join().unwrap()))
    })
}

/// 8 threads that read a hundred times for each time that they write.
fn rwlock<L: Locks>(times: u64) -> Duration {
    const THREADS: u64 = 8;
    let each = times.div_ceil(THREADS);
    let lock = L::RwLock::default();
    all_at_once(THREADS, |thread| {
        for i in 0..each {
            // Not all of them at the same time.
            if i % 101 == 13 * thread {
                *L::write(&lock) += 1;
            } else {
                black_box(*L::read(&lock));
            }
        }
    })
}

/// Two take turns.
fn ping_pong<L: Locks>(trips: u64) -> Duration {
    let (turn, changed) = (L::Mutex::default(), L::Condvar::default());
    all_at_once(2, |player| {
        for _ in 0..trips {
            let mut turn = L::lock(&turn);
            while *turn % 2 != player {
                turn = L::wait(&changed, turn);
            }
            *turn += 1;
            drop(turn);
            L::notify_one(&changed);
        }
    })
}

/// Runs `body` in so many threads, each with its number; the clock starts when all of them run.
fn all_at_once(threads: u64, body: impl Fn(u64) + Sync) -> Duration {
    let (body, barrier) = (&body, &Barrier::new(threads as usize + 1));
    thread::scope(|scope| {
        let start = |thread| {
            scope.spawn(move || {
                // All are ready.
                barrier.wait();
                // All go.
                barrier.wait();
                body(thread);
            })
        };
        let handles: Vec<_> = (0..threads).map(start).collect();
        barrier.wait();
        timed(|| {
            barrier.wait();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        })
    })
}

pub(crate) struct Std;

impl Locks for Std {
    type Mutex = std::sync::Mutex<u64>;
    type Guard<'a> = std::sync::MutexGuard<'a, u64>;
    type Condvar = std::sync::Condvar;
    type RwLock = std::sync::RwLock<u64>;

    fn lock(mutex: &Self::Mutex) -> Self::Guard<'_> {
        mutex.lock().unwrap()
    }

    fn wait<'a>(condvar: &Self::Condvar, guard: Self::Guard<'a>) -> Self::Guard<'a> {
        condvar.wait(guard).unwrap()
    }

    fn notify_one(condvar: &Self::Condvar) {
        condvar.notify_one();
    }

    fn read(lock: &Self::RwLock) -> impl Deref<Target = u64> {
        lock.read().unwrap()
    }

    fn write(lock: &Self::RwLock) -> impl DerefMut<Target = u64> {
        lock.write().unwrap()
    }
}

pub(crate) struct ParkingLot;

impl Locks for ParkingLot {
    type Mutex = parking_lot::Mutex<u64>;
    type Guard<'a> = parking_lot::MutexGuard<'a, u64>;
    type Condvar = parking_lot::Condvar;
    type RwLock = parking_lot::RwLock<u64>;

    fn lock(mutex: &Self::Mutex) -> Self::Guard<'_> {
        mutex.lock()
    }

    fn wait<'a>(condvar: &Self::Condvar, mut guard: Self::Guard<'a>) -> Self::Guard<'a> {
        condvar.wait(&mut guard);
        guard
    }

    fn notify_one(condvar: &Self::Condvar) {
        condvar.notify_one();
    }

    fn read(lock: &Self::RwLock) -> impl Deref<Target = u64> {
        lock.read()
    }

    fn write(lock: &Self::RwLock) -> impl DerefMut<Target = u64> {
        lock.write()
    }
}
