//! The idle protocol (`sched/src/worker/README.md`): no job is left lying while a
//! worker sleeps. The source that ships, with queues reduced to counters.
#![cfg(sward_loom)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use sward_loom_tests::check;
use sward_sched::internal::Idle;
use sward_sched::primitive::Mutant;

/// Workers that run jobs until `jobs` of them are done.
struct Model {
    idle: Idle,
    workers: usize,
    jobs: usize,
    /// Jobs that any worker may take.
    injected: AtomicUsize,
    /// Jobs for one worker each.
    inboxes: Vec<AtomicUsize>,
    done: AtomicUsize,
}

impl Model {
    fn new(workers: usize, jobs: usize) -> Arc<Self> {
        Arc::new(Self {
            idle: Idle::new(workers),
            workers,
            jobs,
            injected: AtomicUsize::new(0),
            inboxes: (0..workers).map(|_| AtomicUsize::new(0)).collect(),
            done: AtomicUsize::new(0),
        })
    }

    fn take(counter: &AtomicUsize) -> bool {
        let mut count = counter.load(Ordering::Relaxed);
        while count > 0 {
            match counter.compare_exchange(count, count - 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
        false
    }

    fn is_over(&self) -> bool {
        self.done.load(Ordering::Relaxed) == self.jobs
    }

    fn inject(&self) {
        self.injected.fetch_add(1, Ordering::Release);
        self.idle.notify_any();
    }

    fn deliver(&self, worker: usize) {
        self.inboxes[worker].fetch_add(1, Ordering::Release);
        self.idle.notify(worker);
    }

    fn run(&self, worker: usize) {
        let inbox = &self.inboxes[worker];
        let mut searching = false;
        while !self.is_over() {
            searching = searching || self.idle.start_searching();
            if Self::take(inbox) || searching && Self::take(&self.injected) {
                if searching {
                    self.idle.found_work(|| self.injected.load(Ordering::Relaxed) > 0);
                    searching = false;
                }
                if self.done.fetch_add(1, Ordering::Relaxed) + 1 == self.jobs {
                    // The end is news for each worker, as a shutdown is.
                    (0..self.workers).for_each(|worker| self.idle.notify(worker));
                }
                continue;
            }
            self.idle.sleep(worker, searching, None, || {
                self.injected.load(Ordering::Relaxed) > 0
                    || inbox.load(Ordering::Relaxed) > 0
                    || self.is_over()
            });
            searching = true;
        }
    }

    fn start(self: &Arc<Self>) -> Vec<thread::JoinHandle<()>> {
        (0..self.workers)
            .map(|worker| {
                let model = self.clone();
                thread::spawn(move || model.run(worker))
            })
            .collect()
    }
}

fn join(workers: Vec<thread::JoinHandle<()>>) {
    workers.into_iter().for_each(|worker| worker.join().unwrap());
}

/// An outside thread injects two jobs while one worker goes to sleep and wakes.
#[test]
fn injecting_against_one_sleeper() {
    let mutants = [
        Mutant::IdleNotifyNoFence,
        Mutant::IdleSleepNoFence,
        Mutant::IdleSleepNoRecheck,
        Mutant::ParkOverwritesToken,
    ];
    check("injecting_against_one_sleeper", &mutants, || {
        let model = Model::new(1, 2);
        let workers = model.start();
        model.inject();
        model.inject();
        join(workers);
    });
}

/// Two workers, of which one may search at a time: what a searcher covers is not lost
/// when it finds something else.
#[test]
fn injecting_against_a_searcher() {
    check("injecting_against_a_searcher", &[Mutant::IdleSleepNoRecheck], || {
        let model = Model::new(2, 2);
        let workers = model.start();
        model.inject();
        model.inject();
        join(workers);
    });
}

/// A job that blocks until another one is run: both must get a worker.
#[test]
fn two_jobs_need_two_workers() {
    check("two_jobs_need_two_workers", &[Mutant::IdleFoundNoRecheck], || {
        let model = Model::new(2, 2);
        let meeting = Arc::new((loom::sync::Mutex::new(0), loom::sync::Condvar::new()));
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let (model, meeting) = (model.clone(), meeting.clone());
                thread::spawn(move || model.run_meeting(worker, &meeting))
            })
            .collect();
        model.inject();
        model.inject();
        join(workers);
    });
}

impl Model {
    /// As `run`, for one job, which ends only when all have begun.
    fn run_meeting(
        &self,
        worker: usize,
        meeting: &(loom::sync::Mutex<usize>, loom::sync::Condvar),
    ) {
        let mut searching = self.idle.start_searching();
        while !(searching && Self::take(&self.injected)) {
            self.idle.sleep(worker, searching, None, || self.injected.load(Ordering::Relaxed) > 0);
            searching = true;
        }
        self.idle.found_work(|| self.injected.load(Ordering::Relaxed) > 0);
        let mut present = meeting.0.lock().unwrap();
        *present += 1;
        meeting.1.notify_all();
        while *present < self.jobs {
            present = meeting.1.wait(present).unwrap();
        }
    }
}

/// A job for one worker alone, from outside, and one for any.
#[test]
fn delivering_and_injecting() {
    let mutants = [Mutant::IdleTargetedSkipped, Mutant::IdleSleepNoFence];
    check("delivering_and_injecting", &mutants, || {
        let model = Model::new(1, 2);
        let workers = model.start();
        model.inject();
        model.deliver(0);
        join(workers);
    });
}
