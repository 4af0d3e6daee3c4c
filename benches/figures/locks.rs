//! Locks: wanted by nobody else, and by many at a time.

use std::hint::black_box;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use sward::sync::{Condvar, Mutex, RwLock, Semaphore, WaitGroup};
use sward::{spawn, yield_now};

use crate::measure::Figure::{Best, Middle, Share};
use crate::measure::{Work, least_share, timed};
use crate::{Sward, Workload, all_at_once};

pub(crate) const ALL: &[Workload] = &[
    ("mutex", 10_000_000, Best(mutex)),
    ("mutex_8_short", 4_000_000, Middle(|times| contended(8, short, times))),
    ("mutex_1000_short", 4_000_000, Middle(|times| contended(1000, short, times))),
    ("mutex_8_long", 200_000, Middle(|times| contended(8, long, times))),
    ("mutex_1000_long", 200_000, Middle(|times| contended(1000, long, times))),
    ("mutex_fairness", 1_000, Share(fairness)),
    ("rwlock_1_100", 2_000_000, Middle(rwlock)),
    ("condvar_ping_pong", 200_000, Best(ping_pong)),
    ("semaphore_10_1000", 500_000, Best(semaphore)),
    ("wait_group_1m", 1_000_000, Best(wait_group)),
];

fn mutex(times: u64) -> Duration {
    let mutex = Arc::new(Mutex::new(0u64));
    timed(|| {
        for _ in 0..times {
            *black_box(&mutex).lock() += 1;
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
fn contended(
    threads: u64,
    section: impl Fn(&mut u64) + Copy + Send + 'static,
    times: u64,
) -> Duration {
    let each = times.div_ceil(threads);
    let mutex = Arc::new(Mutex::new(0));
    let time = all_at_once((0..threads as usize).map(|_| {
        let mutex = mutex.clone();
        move || (0..each).for_each(|_| section(&mut mutex.lock()))
    }));
    assert_eq!(*mutex.lock(), threads * each);
    time
}

/// 8 threads on one lock, each for a microsecond at a time: how often the one that gets it
/// least gets it.
fn fairness(sward: &Sward, time: Duration) -> f64 {
    let mutex = Arc::new(Mutex::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let start = |_| {
        let (mutex, done) = (mutex.clone(), done.clone());
        sward.runtime.spawn(move || {
            let turns = iter::repeat_with(|| long(&mut mutex.lock()));
            turns.take_while(|()| !done.load(Relaxed)).count() as u64
        })
    };
    let handles: Vec<_> = (0..8).map(start).collect();
    std::thread::sleep(time);
    done.store(true, Relaxed);
    least_share(handles.into_iter().map(|handle| handle.join().unwrap()))
}

/// 8 threads that read a hundred times for each time that they write.
fn rwlock(times: u64) -> Duration {
    const THREADS: u64 = 8;
    let each = times.div_ceil(THREADS);
    let lock = Arc::new(RwLock::new(0u64));
    all_at_once((0..THREADS as usize).map(|thread| {
        let lock = lock.clone();
        move || {
            for i in 0..each {
                // Not all of them at the same time.
                if i % 101 == 13 * thread as u64 {
                    *lock.write() += 1;
                } else {
                    black_box(*lock.read());
                }
            }
        }
    }))
}

/// Two take turns.
fn ping_pong(trips: u64) -> Duration {
    let game = Arc::new((Mutex::new(0), Condvar::new()));
    all_at_once((0..2).map(|player| {
        let game = game.clone();
        move || {
            let (turn, changed) = &*game;
            for _ in 0..trips {
                let mut turn = turn.lock();
                changed.wait_while(&mut turn, |turn| *turn % 2 != player);
                *turn += 1;
                drop(turn);
                changed.notify_one();
            }
        }
    }))
}

/// 1000 threads share 10 permits; each keeps its own across a yield.
fn semaphore(times: u64) -> Duration {
    const THREADS: u64 = 1000;
    let semaphore = Arc::new(Semaphore::new(10));
    all_at_once((0..THREADS as usize).map(|_| {
        let semaphore = semaphore.clone();
        move || {
            for _ in 0..times.div_ceil(THREADS) {
                let _permit = semaphore.acquire().unwrap();
                yield_now();
            }
        }
    }))
}

/// 8 threads each add so many members between them, and then take them away.
fn wait_group(members: u64) -> Duration {
    const THREADS: u64 = 8;
    let each = members.div_ceil(THREADS) as usize;
    timed(|| {
        let group = WaitGroup::new();
        for _ in 0..THREADS {
            let member = group.clone();
            spawn(move || drop(vec![member; each]));
        }
        group.wait();
    })
}
