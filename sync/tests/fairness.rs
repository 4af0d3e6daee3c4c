//! Who only locks and unlocks, without ever having to wait, leaves others their turns; and
//! what only tries does not give its own away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sward_sched::runtime::Builder;
use sward_sched::{park, spawn, time, yield_now};
use sward_sync::Mutex;

/// Many more operations than a thread may do in one turn.
const MANY: usize = 20_000;

/// How many calls of `operation` it takes until a neighbour on the only worker has run, a
/// fresh one or one that has started; `None`: more than `MANY`.
fn calls_until_it_runs(fresh: bool, mut operation: impl FnMut() + Send) -> Option<usize> {
    Builder::new().workers(1).build().unwrap().run(|| {
        let (begun, ran) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begin, run) = (begun.clone(), ran.clone());
        let neighbour = spawn(move || {
            if !fresh {
                begin.store(true, Ordering::Relaxed);
                park();
            }
            run.store(true, Ordering::Relaxed);
        });
        while !fresh && !begun.load(Ordering::Relaxed) {
            yield_now();
        }
        neighbour.thread().unpark();
        let calls = (0..MANY).find(|_| {
            operation();
            ran.load(Ordering::Relaxed)
        });
        neighbour.join().unwrap();
        calls
    })
}

#[test]
fn who_only_locks_and_unlocks_gives_way() {
    for fresh in [false, true] {
        let lock = Mutex::new(0);
        let calls = calls_until_it_runs(fresh, || *lock.lock() += 1);
        assert!(calls.is_some_and(|calls| calls < MANY / 2), "{calls:?}");
        let wait = Duration::from_secs(10);
        let calls = calls_until_it_runs(fresh, || *lock.try_lock_for(wait).unwrap() += 1);
        assert!(calls.is_some_and(|calls| calls < MANY / 2), "{calls:?}");
    }
}

#[test]
fn who_only_tries_to_lock_keeps_its_turn() {
    for fresh in [false, true] {
        let lock = Mutex::new(0);
        assert_eq!(calls_until_it_runs(fresh, || *lock.try_lock().unwrap() += 1), None);
    }
}

#[test]
fn threads_that_share_a_lock_starve_nobody() {
    for workers in [1, 2] {
        // SAFETY: nothing that is tied to an OS thread is held across a blocking call here.
        let migrating = unsafe { Builder::new().allow_migration() };
        for builder in [Builder::new(), migrating] {
            let rt = builder.workers(workers).build().unwrap();
            let stop = Arc::new(AtomicBool::new(false));
            let lock = Arc::new(Mutex::new(0u64));
            let busy: Vec<_> = (0..4)
                .map(|i| {
                    let (stop, lock) = (stop.clone(), lock.clone());
                    rt.spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            let mut count = lock.lock();
                            *count += 1;
                            if i == 0 && *count % 16 == 0 {
                                // Those that wait for it meanwhile must queue.
                                yield_now();
                            }
                        }
                    })
                })
                .collect();
            for _ in 0..5 {
                assert_eq!(rt.spawn(|| 7).join().unwrap(), 7);
                rt.run(|| {
                    assert_eq!(spawn(|| 7).join().unwrap(), 7);
                    time::sleep(Duration::from_micros(100));
                    *lock.lock() += 1;
                });
                *lock.lock() += 1;
            }
            stop.store(true, Ordering::Relaxed);
            busy.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(rt.shutdown(Duration::from_secs(60)));
        }
    }
}
