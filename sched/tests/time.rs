//! `sleep`: never early, also beside threads that are always ready.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sward_sched::runtime::Builder;
use sward_sched::time::sleep;
use sward_sched::{spawn, yield_now};

#[test]
fn sleeping_is_never_shorter_than_asked_for() {
    for workers in [1, 2] {
        let rt = Builder::new().workers(workers).build().unwrap();
        rt.run(|| {
            let handles: Vec<_> = (0..200)
                .map(|i| {
                    spawn(move || {
                        let duration = Duration::from_micros(i * 37 % 5000);
                        let start = Instant::now();
                        sleep(duration);
                        assert!(start.elapsed() >= duration);
                    })
                })
                .collect();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        });
    }
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    let rt = Builder::new().workers(1).build().unwrap();
    let order = rt.run(|| {
        let woken = Arc::new(std::sync::Mutex::new(Vec::new()));
        let start = Instant::now();
        let handles: Vec<_> = [30, 10, 20]
            .map(|millis| {
                let woken = woken.clone();
                spawn(move || {
                    sleep((start + Duration::from_millis(millis)) - Instant::now());
                    woken.lock().unwrap().push(millis);
                })
            })
            .into();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        Arc::into_inner(woken).unwrap().into_inner().unwrap()
    });
    assert_eq!(order, [10, 20, 30]);
}

#[test]
fn a_yield_loop_does_not_hold_up_a_timer() {
    let rt = Builder::new().workers(1).build().unwrap();
    rt.run(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let busy = spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                yield_now();
            }
        });
        sleep(Duration::from_millis(5));
        stop.store(true, Ordering::Relaxed);
        busy.join().unwrap();
    });
}

#[test]
fn os_threads_sleep_too() {
    let start = Instant::now();
    sleep(Duration::from_millis(3));
    sleep(Duration::ZERO);
    assert!(start.elapsed() >= Duration::from_millis(3));
}

#[test]
fn a_sleep_of_for_ever_is_ended_by_a_shutdown() {
    let rt = Builder::new().workers(1).build().unwrap();
    let asleep = rt.spawn(|| sleep(Duration::MAX));
    assert!(rt.shutdown(Duration::from_secs(20)));
    assert!(asleep.join().unwrap_err().is_cancelled());
}
