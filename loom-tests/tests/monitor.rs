//! The monitor's sleep (`sched/src/monitor.rs`): it does not sleep on while a worker is awake.
#![cfg(sward_loom)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use sward_loom_tests::check;
use sward_sched::internal::Idle;
use sward_sched::internal::model::ModelMonitor;
use sward_sched::primitive::Mutant;

struct Model {
    idle: Idle,
    monitor: ModelMonitor,
    injected: AtomicBool,
    in_turn: AtomicBool,
    is_seen: Mutex<bool>,
    seen: Condvar,
}

impl Model {
    /// Sleeps until there is work, and then stays in one turn until the monitor has seen it.
    fn work(&self) {
        let has_work = || self.injected.load(Ordering::Relaxed);
        loop {
            self.idle.sleep(0, false, None, has_work);
            self.idle.found_work(|| false);
            if has_work() {
                break;
            }
        }
        self.monitor.look_up();
        self.in_turn.store(true, Ordering::Relaxed);
        let mut is_seen = self.is_seen.lock().unwrap();
        while !*is_seen {
            is_seen = self.seen.wait(is_seen).unwrap();
        }
    }

    /// Looks at the worker from time to time, unless it sleeps.
    fn watch(&self) {
        loop {
            self.monitor.wait_for_work(&self.idle);
            if self.in_turn.load(Ordering::Relaxed) {
                break;
            }
            thread::yield_now();
        }
        *self.is_seen.lock().unwrap() = true;
        self.seen.notify_one();
    }
}

#[test]
fn sleeping_against_a_worker_that_wakes() {
    let mutants =
        [Mutant::MonitorLookUpNoFence, Mutant::MonitorSleepNoFence, Mutant::MonitorSleepNoRecheck];
    check("sleeping_against_a_worker_that_wakes", &mutants, || {
        let model = Arc::new(Model {
            idle: Idle::new(1),
            monitor: ModelMonitor::new(),
            injected: AtomicBool::new(false),
            in_turn: AtomicBool::new(false),
            is_seen: Mutex::new(false),
            seen: Condvar::new(),
        });
        // So that the worker is not the last to stop, which has a fence of its own there.
        assert!(model.idle.start_searching());
        let working = thread::spawn({
            let model = model.clone();
            move || model.work()
        });
        let watching = thread::spawn({
            let model = model.clone();
            move || model.watch()
        });
        model.injected.store(true, Ordering::Release);
        model.idle.notify(0);
        working.join().unwrap();
        watching.join().unwrap();
    });
}
