//! Locks: wanted by nobody else, and by many at a time. They are tokio's own: like ours, and
//! unlike std's, they may be held across a wait.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Notify, RwLock, Semaphore, mpsc};
use tokio::task::yield_now;

use crate::measure::Figure::{Best, Middle, Share};
use crate::measure::{Work, least_share};
use crate::{Tokio, Workload, all_at_once};

pub(crate) const ALL: &[Workload] = &[
    ("mutex", 10_000_000, Best(|times| Box::pin(mutex(times)))),
    ("mutex_8_short", 4_000_000, Middle(|times| Box::pin(contended(8, short, times)))),
    ("mutex_1000_short", 4_000_000, Middle(|times| Box::pin(contended(1000, short, times)))),
    ("mutex_8_long", 200_000, Middle(|times| Box::pin(contended(8, long, times)))),
    ("mutex_1000_long", 200_000, Middle(|times| Box::pin(contended(1000, long, times)))),
    ("mutex_fairness", 1_000, Share(fairness)),
    ("rwlock_1_100", 2_000_000, Middle(|times| Box::pin(rwlock(times)))),
    ("condvar_ping_pong", 200_000, Best(|trips| Box::pin(ping_pong(trips)))),
    ("semaphore_10_1000", 500_000, Best(|times| Box::pin(semaphore(times)))),
    ("wait_group_1m", 1_000_000, Best(|members| Box::pin(wait_group(members)))),
];

async fn mutex(times: u64) -> Duration {
    let mutex = Mutex::new(0u64);
    let start = Instant::now();
    for _ in 0..times {
        *black_box(&mutex).lock().await += 1;
    }
    start.elapsed()
}

/// What is done under the lock: next to nothing, or a microsecond's work.
fn short(count: &mut u64) {
    *count += 1;
}

fn long(count: &mut u64) {
    Work::MICROSECOND.run();
    *count += 1;
}

/// So many tasks on one lock, with nothing else to do.
async fn contended(
    tasks: u64,
    section: impl Fn(&mut u64) + Copy + Send + Sync + 'static,
    times: u64,
) -> Duration {
    let each = times.div_ceil(tasks);
    let mutex = Arc::new(Mutex::new(0));
    let body = |_| {
        let mutex = mutex.clone();
        async move {
            for _ in 0..each {
                section(&mut *mutex.lock().await);
            }
        }
    };
    let time = all_at_once((0..tasks as usize).map(body)).await;
    assert_eq!(*mutex.lock().await, tasks * each);
    time
}

/// 8 tasks on one lock, each for a microsecond at a time: how often the one that gets it
/// least gets it.
fn fairness(tokio: &Tokio, time: Duration) -> f64 {
    let mutex = Arc::new(Mutex::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let start = |_| {
        let (mutex, done) = (mutex.clone(), done.clone());
        tokio.runtime.spawn(async move {
            let mut turns = 0;
            while !done.load(Relaxed) {
                long(&mut *mutex.lock().await);
                turns += 1;
            }
            turns
        })
    };
    let handles: Vec<_> = (0..8).map(start).collect();
    std::thread::sleep(time);
    done.store(true, Relaxed);
    least_share(handles.into_iter().map(|handle| tokio.runtime.block_on(handle).unwrap()))
}

/// 8 tasks that read a hundred times for each time that they write.
async fn rwlock(times: u64) -> Duration {
    const TASKS: u64 = 8;
    let each = times.div_ceil(TASKS);
    let lock = Arc::new(RwLock::new(0u64));
    let body = |task| {
        let lock = lock.clone();
        async move {
            for i in 0..each {
                // Not all of them at the same time.
                if i % 101 == 13 * task as u64 {
                    *lock.write().await += 1;
                } else {
                    black_box(*lock.read().await);
                }
            }
        }
    };
    all_at_once((0..TASKS as usize).map(body)).await
}

/// tokio has no condition variable; a `Notify` for each of the two does the same work, and
/// without a lock.
async fn ping_pong(trips: u64) -> Duration {
    let [ping, pong] = [(); 2].map(|()| Arc::new(Notify::new()));
    let body = |player: usize| {
        let mut sides = [ping.clone(), pong.clone()];
        sides.rotate_left(player);
        let [own, other] = sides;
        async move {
            for _ in 0..trips {
                if player == 0 {
                    other.notify_one();
                    own.notified().await;
                } else {
                    own.notified().await;
                    other.notify_one();
                }
            }
        }
    };
    all_at_once((0..2).map(body)).await
}

/// 1000 tasks share 10 permits; each keeps its own across a yield.
async fn semaphore(times: u64) -> Duration {
    const TASKS: u64 = 1000;
    let semaphore = Arc::new(Semaphore::new(10));
    let body = |_| {
        let semaphore = semaphore.clone();
        async move {
            for _ in 0..times.div_ceil(TASKS) {
                let _permit = semaphore.acquire().await.unwrap();
                yield_now().await;
            }
        }
    };
    all_at_once((0..TASKS as usize).map(body)).await
}

/// 8 tasks each add so many members between them, and then take them away. All are gone when
/// the last sender is dropped, as tokio's own guide waits for tasks.
async fn wait_group(members: u64) -> Duration {
    const TASKS: u64 = 8;
    let each = members.div_ceil(TASKS) as usize;
    let start = Instant::now();
    let (member, mut group) = mpsc::channel::<()>(1);
    for _ in 0..TASKS {
        let member = member.clone();
        tokio::spawn(async move { drop(vec![member; each]) });
    }
    drop(member);
    assert!(group.recv().await.is_none());
    start.elapsed()
}
