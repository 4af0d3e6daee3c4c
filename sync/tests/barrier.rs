//! A barrier: all go on when all have come, round after round, whoever leaves meanwhile.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
mod polling;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use polling::{block_on, poll_once};
use settings::{LONG, Setting, join_all, limited, migrating, on_every_runtime, runtime, settle};
use sward_sched::time::{sleep, timeout};
use sward_sched::{park, unblock, yield_now};
use sward_sync::Barrier;

in_every_setting!(
    nobody_goes_on_before_all_have_come,
    one_is_the_leader_of_each_round,
    threads_and_tasks_meet,
    a_barrier_for_one_stops_nobody,
    a_dropped_task_is_not_counted,
    what_has_come_outlives_a_panic,
);

fn nobody_goes_on_before_all_have_come(setting: &Setting) {
    let barrier = Arc::new(Barrier::new(5));
    let come = Arc::new(AtomicUsize::new(0));
    let coming = setting.spawn_many(5, {
        let (barrier, come) = (barrier.clone(), come.clone());
        move |i| {
            for round in 1..20 {
                match (i + round) % 6 {
                    0 => sleep(Duration::from_micros(30)),
                    1 => assert_eq!(unblock(move || i), i),
                    2 | 3 => yield_now(),
                    _ => {}
                }
                come.fetch_add(1, Ordering::Relaxed);
                barrier.wait();
                assert_eq!(come.load(Ordering::Relaxed), round * 5);
                barrier.wait();
            }
        }
    });
    join_all(coming);
}

fn one_is_the_leader_of_each_round(setting: &Setting) {
    let barrier = Arc::new(Barrier::new(3));
    let leads = setting.spawn_many(3, {
        let barrier = barrier.clone();
        move |_| (0..50).filter(|_| barrier.wait().is_leader()).count()
    });
    assert_eq!(join_all(leads).into_iter().sum::<usize>(), 50);
}

fn threads_and_tasks_meet(setting: &Setting) {
    let barrier = Arc::new(Barrier::new(4));
    let come = Arc::new(AtomicUsize::new(0));
    let leads = setting.spawn_many(4, {
        let (barrier, come) = (barrier.clone(), come.clone());
        move |i| {
            let wait = || match i % 2 {
                0 => barrier.wait().is_leader(),
                _ => block_on(barrier.wait_async()).is_leader(),
            };
            let mut leads = 0;
            for round in 1..30 {
                come.fetch_add(1, Ordering::Relaxed);
                leads += usize::from(wait());
                assert_eq!(come.load(Ordering::Relaxed), round * 4);
                leads += usize::from(wait());
            }
            leads
        }
    });
    assert_eq!(join_all(leads).into_iter().sum::<usize>(), 2 * 29);
}

fn a_barrier_for_one_stops_nobody(setting: &Setting) {
    for all in [0, 1] {
        let barrier = Arc::new(Barrier::new(all));
        let going = setting.spawn_many(3, move |_| (0..10).all(|_| barrier.wait().is_leader()));
        assert_eq!(join_all(going), [true; 3]);
    }
}

fn a_dropped_task_is_not_counted(setting: &Setting) {
    let barrier = Arc::new(Barrier::new(3));
    let mut leaving = Box::pin(barrier.wait_async());
    assert!(poll_once(leaving.as_mut()).is_pending());
    // One that was never polled has not come.
    drop(barrier.wait_async());
    let own = barrier.clone();
    let first = setting.spawn(move || own.wait().is_leader());
    settle();
    drop(leaving);
    let own = barrier.clone();
    let second = setting.spawn(move || own.wait().is_leader());
    settle();
    assert!(!first.is_finished() && !second.is_finished());
    let leads = [barrier.wait().is_leader(), first.join(), second.join()];
    assert_eq!(leads.into_iter().filter(|leads| *leads).count(), 1);
}

fn what_has_come_outlives_a_panic(setting: &Setting) {
    let barrier = Arc::new(Barrier::new(3));
    let own = barrier.clone();
    let panicking = setting.spawn(move || {
        /// Waits while its thread unwinds.
        struct WaitsLate(Arc<Barrier>);
        impl Drop for WaitsLate {
            fn drop(&mut self) {
                self.0.wait();
            }
        }
        let _late = WaitsLate(own);
        // Without the hook's message.
        resume_unwind(Box::new("on purpose"));
    });
    let waiting = setting.spawn_many(2, move |_| barrier.wait().is_leader());
    join_all(waiting);
    assert!(panicking.outcome().is_err());
}

#[test]
fn who_is_cancelled_is_not_counted() {
    on_every_runtime(|rt| {
        let barrier = Arc::new(Barrier::new(2));
        for _ in 0..20 {
            let own = barrier.clone();
            let leaving = rt.spawn(move || own.wait().is_leader());
            settle();
            leaving.cancel();
            assert!(leaving.join().unwrap_err().is_cancelled());
            let own = barrier.clone();
            let late = rt.spawn(move || timeout(Duration::from_micros(50), || own.wait()).is_err());
            assert!(late.join().unwrap());
        }
        // Nobody is left behind, nor counted.
        let own = barrier.clone();
        let other = rt.spawn(move || own.wait().is_leader());
        assert_ne!(barrier.wait().is_leader(), other.join().unwrap());
    });
}

#[test]
fn a_cancel_that_races_with_the_last_to_come_leaves_the_next_round_in_order() {
    on_every_runtime(|rt| {
        let barrier = Arc::new(Barrier::new(2));
        for round in 0..100 {
            let own = barrier.clone();
            let leaving = rt.spawn(move || {
                own.wait();
                park();
            });
            (0..round % 4).for_each(|_| yield_now());
            let own = barrier.clone();
            let coming = std::thread::spawn(move || {
                let mut waiting = Box::pin(own.wait_async());
                poll_once(waiting.as_mut()).is_ready()
            });
            leaving.cancel();
            assert!(leaving.join().unwrap_err().is_cancelled());
            let _ = coming.join().unwrap();
            // Whether or not they met, both are gone.
            let mut first = Box::pin(barrier.wait_async());
            assert!(poll_once(first.as_mut()).is_pending());
            assert!(barrier.wait().is_leader());
            assert!(!block_on(first).is_leader());
        }
    });
}

#[test]
fn a_shutdown_ends_all_that_wait() {
    limited(|| {
        for workers in [1, 2] {
            for rt in [runtime(workers), migrating(workers)] {
                let barrier = Arc::new(Barrier::new(6));
                let wait = |_| {
                    let own = barrier.clone();
                    rt.spawn(move || own.wait().is_leader())
                };
                let waiting: Vec<_> = (0..5).map(wait).collect();
                settle();
                assert!(rt.shutdown(LONG));
                for thread in waiting {
                    assert!(thread.join().unwrap_err().is_cancelled());
                }
                let mut fresh: Vec<_> = (0..5).map(|_| Box::pin(barrier.wait_async())).collect();
                assert!(fresh.iter_mut().all(|it| poll_once(it.as_mut()).is_pending()));
                assert!(barrier.wait().is_leader());
            }
        }
    });
}

#[test]
fn more_than_can_come_is_allowed() {
    let barrier = Barrier::new(usize::MAX);
    assert!(poll_once(Box::pin(barrier.wait_async()).as_mut()).is_pending());
    assert_eq!(format!("{:?}", Barrier::new(1).wait()), "BarrierWaitResult { is_leader: true }");
}
