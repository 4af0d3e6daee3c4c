//! Cancelled and panicking threads and condition variables.

#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::sync::Arc;
use std::time::Duration;

use settings::{LONG, limited, migrating, on_every_runtime, runtime, until};
use sward_sched::time::{sleep, timeout};
use sward_sched::{spawn, uncancellable, yield_now};
use sward_sync::{Condvar, Mutex};

#[derive(Default)]
struct Shared {
    value: Mutex<usize>,
    changed: Condvar,
}

fn everywhere(test: fn(Arc<Shared>)) {
    on_every_runtime(move |runtime| runtime.run(|| test(Arc::default())));
}

#[test]
fn who_is_cancelled_while_waiting_locks_again_and_unwinds() {
    everywhere(|shared| {
        let inner = shared.clone();
        let waiting = spawn(move || {
            let mut value = inner.value.lock();
            *value = 1;
            inner.changed.wait(&mut value);
            unreachable!("it is cancelled");
        });
        until(|| *shared.value.lock() == 1);
        let held = shared.value.lock();
        waiting.cancel();
        (0..10).for_each(|_| yield_now());
        assert!(!waiting.is_finished(), "it waits for the mutex first");
        drop(held);
        assert!(waiting.join().unwrap_err().is_cancelled());
        assert!(!shared.value.is_locked());
        assert!(!shared.changed.notify_one());
    });
}

#[test]
fn a_notification_is_not_lost_on_who_is_cancelled() {
    everywhere(|shared| {
        for round in 0..50 {
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let shared = shared.clone();
                    spawn(move || {
                        let mut value = shared.value.lock();
                        *value += 1;
                        shared.changed.wait(&mut value);
                        *value += 100;
                    })
                })
                .collect();
            until(|| *shared.value.lock() == 2);
            if round % 2 == 0 {
                threads[0].cancel();
                assert!(shared.changed.notify_one());
            } else {
                assert!(shared.changed.notify_one());
                threads[0].cancel();
            }
            // Whoever was notified returned from its wait; the other did, or is notified now.
            until(|| *shared.value.lock() >= 102 || threads.iter().all(|t| t.is_finished()));
            shared.changed.notify_all();
            let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().is_ok()).collect();
            assert!(ends[1], "nobody cancelled it");
            assert_eq!(*shared.value.lock(), 2 + 100 * ends.iter().filter(|ok| **ok).count());
            *shared.value.lock() = 0;
        }
    });
}

#[test]
fn a_timeout_around_a_wait_ends_it() {
    everywhere(|shared| {
        for _ in 0..20 {
            let ended = timeout(Duration::from_micros(300), || {
                shared.changed.wait(&mut shared.value.lock());
            });
            assert!(ended.unwrap_err().is_elapsed());
            assert!(!shared.value.is_locked());
        }
        assert!(!shared.changed.notify_one());
    });
}

#[test]
fn an_uncancellable_wait_goes_on() {
    everywhere(|shared| {
        let inner = shared.clone();
        let waiting = spawn(move || {
            uncancellable(|| {
                let mut value = inner.value.lock();
                *value = 1;
                inner.changed.wait_while(&mut value, |value| *value == 1);
            });
            sleep(Duration::from_secs(60));
        });
        until(|| *shared.value.lock() == 1);
        waiting.cancel();
        (0..10).for_each(|_| yield_now());
        assert!(!waiting.is_finished());
        *shared.value.lock() = 2;
        shared.changed.notify_one();
        assert!(waiting.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_condition_that_panics_unlocks() {
    everywhere(|shared| {
        let inner = shared.clone();
        let waiting = spawn(move || {
            let mut value = inner.value.lock();
            *value = 1;
            let broken = |value: &mut usize| if *value == 1 { true } else { panic!("broken") };
            inner.changed.wait_while(&mut value, broken);
        });
        until(|| *shared.value.lock() == 1);
        *shared.value.lock() = 2;
        shared.changed.notify_one();
        assert!(waiting.join().unwrap_err().is_panic());
        assert!(!shared.value.is_locked());
    });
}

#[test]
fn a_shutdown_ends_those_that_wait() {
    limited(|| {
        for runtime in [runtime(1), runtime(2), migrating(2)] {
            let shared = Arc::<Shared>::default();
            let waiting: Vec<_> = (0..100)
                .map(|_| {
                    let shared = shared.clone();
                    runtime.spawn(move || {
                        let mut value = shared.value.lock();
                        *value += 1;
                        shared.changed.wait(&mut value);
                    })
                })
                .collect();
            until(|| *shared.value.lock() == 100);
            assert!(runtime.shutdown(LONG));
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap_err().is_cancelled()));
            assert!(!shared.value.is_locked());
        }
    });
}
