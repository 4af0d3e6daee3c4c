//! Plain memory behind each kind of lock.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use sward_sched::{JoinHandle, Runtime, spawn, yield_now};
use sward_sync::{
    Barrier, Condvar, LazyLock, Mutex, Notify, OnceLock, ReentrantMutex, RwLock, Semaphore,
    WaitGroup,
};

use crate::join_all;

const THREADS: u64 = 16;
const ROUNDS: u64 = 100;

/// Plain memory that the locks under test keep in order.
struct Plain(Cell<u64>);

// SAFETY: whoever touches it holds what the scenario is about; or the sanitizer says so.
unsafe impl Sync for Plain {}

impl Plain {
    fn new() -> Arc<Self> {
        Arc::new(Self(Cell::new(0)))
    }

    fn add(&self, more: u64) {
        self.0.set(self.0.get() + more);
    }
}

fn spawn_many(f: impl Fn(u64) + Clone + Send + 'static) -> Vec<JoinHandle<()>> {
    let start = |i| {
        let f = f.clone();
        spawn(move || f(i))
    };
    (0..THREADS).map(start).collect()
}

/// Mutexes, held across switches, with timeouts, handed over, and locked again by their holders.
pub(crate) fn mutexes(rt: &Runtime) {
    rt.run(|| {
        let locks = Arc::new((Mutex::new(0), ReentrantMutex::new(Cell::new(0))));
        let inner = locks.clone();
        join_all(spawn_many(move |i| {
            for round in 0..ROUNDS {
                let mut count = match (i + round) % 3 {
                    0 => inner.0.lock(),
                    _ => match inner.0.try_lock_for(Duration::from_millis(1)) {
                        Some(count) => count,
                        None => inner.0.lock(),
                    },
                };
                *count += 1;
                if (i + round) % 16 == 0 {
                    yield_now();
                }
                match round % 2 {
                    0 => lock_api::MutexGuard::unlock_fair(count),
                    _ => drop(count),
                }
                let (outer, again) = (inner.1.lock(), inner.1.lock());
                outer.set(again.get() + 1);
            }
        }));
        assert_eq!(*locks.0.lock(), THREADS * ROUNDS);
        assert_eq!(locks.1.lock().get(), THREADS * ROUNDS);
    });
}

/// Readers, writers, and those that become writers or readers.
pub(crate) fn readers(rt: &Runtime) {
    rt.run(|| {
        let pair = Arc::new(RwLock::new((0, 0)));
        let inner = pair.clone();
        join_all(spawn_many(move |i| {
            for round in 0..ROUNDS {
                match (i + round) % 8 {
                    0 => {
                        let mut pair = inner.write();
                        pair.0 += 1;
                        pair.1 += 1;
                        let pair = lock_api::RwLockWriteGuard::downgrade(pair);
                        assert_eq!(pair.0, pair.1);
                    }
                    1 => {
                        let pair = inner.upgradable_read();
                        let seen = pair.0;
                        let mut pair = lock_api::RwLockUpgradableReadGuard::upgrade(pair);
                        assert_eq!(pair.0, seen);
                        pair.0 += 1;
                        pair.1 += 1;
                    }
                    _ => {
                        let pair = inner.read();
                        if round % 16 == 0 {
                            yield_now();
                        }
                        assert_eq!(pair.0, pair.1);
                    }
                }
            }
        }));
        assert_eq!(pair.read().0, THREADS * ROUNDS / 4);
    });
}

/// Conditions, permits, meetings, groups and notifications.
pub(crate) fn signals(rt: &Runtime) {
    rt.run(|| {
        conditions();
        permits();
        meetings();
        groups();
    });
}

fn conditions() {
    let shared = Arc::new((Mutex::new(0u64), Condvar::new()));
    let inner = shared.clone();
    let taking = spawn_many(move |_| {
        let mut tokens = inner.0.lock();
        for _ in 0..ROUNDS {
            inner.1.wait_while(&mut tokens, |tokens| *tokens == 0);
            *tokens -= 1;
        }
    });
    let inner = shared.clone();
    let putting = spawn_many(move |i| {
        for round in 0..ROUNDS {
            let mut tokens = inner.0.lock();
            *tokens += 1;
            if (i + round) % 4 == 0 {
                inner.1.notify_all();
            }
            drop(tokens);
            inner.1.notify_one();
        }
    });
    join_all(putting);
    join_all(taking);
    assert_eq!(*shared.0.lock(), 0);
}

fn permits() {
    let plain = Plain::new();
    let (semaphore, inner) = (Arc::new(Semaphore::new(1)), plain.clone());
    join_all(spawn_many(move |i| {
        for round in 0..ROUNDS {
            let permit = semaphore.acquire().unwrap();
            inner.add(1);
            if (i + round) % 16 == 0 {
                yield_now();
            }
            drop(permit);
        }
    }));
    assert_eq!(plain.0.get(), THREADS * ROUNDS);
    // And from one to the other.
    let notify = Arc::new(Notify::new());
    let (told, inner) = (notify.clone(), plain.clone());
    let telling = spawn(move || {
        inner.add(1);
        told.notify_one();
    });
    notify.notified();
    plain.add(1);
    telling.join().unwrap();
    assert_eq!(plain.0.get(), THREADS * ROUNDS + 2);
}

/// In each round one writes what all others read.
fn meetings() {
    let (barrier, plain) = (Arc::new(Barrier::new(THREADS as usize)), Plain::new());
    join_all(spawn_many(move |i| {
        for round in 0..ROUNDS {
            if round % THREADS == i {
                plain.add(1);
            }
            barrier.wait();
            assert_eq!(plain.0.get(), round + 1);
            barrier.wait();
        }
    }));
}

fn groups() {
    for _ in 0..ROUNDS {
        let (group, plain) = (WaitGroup::new(), [Plain::new(), Plain::new()]);
        for plain in plain.clone() {
            let member = group.clone();
            spawn(move || {
                plain.add(1);
                drop(member);
            });
        }
        group.wait();
        assert_eq!(plain.map(|plain| plain.0.get()), [1, 1]);
    }
}

/// What is made once, by initialisers that block.
pub(crate) fn onces(rt: &Runtime) {
    rt.run(|| {
        for _ in 0..ROUNDS {
            let lazy = LazyLock::new(|| {
                yield_now();
                Box::new(7)
            });
            // Not the last reference: the thread sanitizer does not see what orders its drop.
            let shared = Arc::new((OnceLock::new(), lazy));
            let inner = shared.clone();
            join_all(spawn_many(move |i| {
                let made = inner.0.get_or_init(|| {
                    yield_now();
                    vec![i; 3]
                });
                assert_eq!(made, &[made[0]; 3]);
                assert_eq!(**inner.1, 7);
            }));
            drop(shared);
        }
    });
}
