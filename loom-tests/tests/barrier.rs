//! A barrier: nobody goes on before all have come, and nobody waits for more.
#![cfg(sward_loom)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use sward_loom_tests::task::{block_on, poll_once};
use sward_loom_tests::{Mode, check, check_up_to, runtime};
use sward_sched::primitive::{Mutant, UnsafeCell};
use sward_sync::Barrier;

/// What one writes before the barrier and all read after it.
struct Meeting {
    barrier: Barrier,
    parts: [UnsafeCell<u32>; 3],
    leaders: AtomicUsize,
}

// SAFETY: loom checks it.
unsafe impl Send for Meeting {}
// SAFETY: as above.
unsafe impl Sync for Meeting {}

impl Meeting {
    fn new(all: usize) -> Arc<Self> {
        let parts = [0; 3].map(UnsafeCell::new);
        Arc::new(Self { barrier: Barrier::new(all), parts, leaders: AtomicUsize::new(0) })
    }

    /// Takes part as this number of so many, in so many rounds.
    fn join(&self, number: usize, all: usize, rounds: u32, wait: impl Fn(&Barrier) -> bool) {
        for round in 1..=rounds {
            // SAFETY: loom checks it.
            self.parts[number].with_mut(|part| unsafe { *part = round });
            if wait(&self.barrier) {
                self.leaders.fetch_add(1, Ordering::Relaxed);
            }
            for part in &self.parts[..all] {
                // SAFETY: loom checks it.
                assert_eq!(part.with(|part| unsafe { *part }), round);
            }
            if round < rounds && wait(&self.barrier) {
                self.leaders.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn block(barrier: &Barrier) -> bool {
    barrier.wait().is_leader()
}

fn poll(barrier: &Barrier) -> bool {
    block_on(barrier.wait_async()).is_leader()
}

#[test]
fn two_meet_again_and_again() {
    check("two_meet_again_and_again", &[Mutant::RoundNotReset], || {
        let meeting = Meeting::new(2);
        let own = meeting.clone();
        let other = thread::spawn(move || own.join(1, 2, 2, block));
        meeting.join(0, 2, 2, block);
        other.join().unwrap();
        assert_eq!(meeting.leaders.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn three_meet() {
    check("three_meet", &[], || {
        let meeting = Meeting::new(3);
        let others = [1, 2].map(|number| {
            let own = meeting.clone();
            let wait = if number == 1 { block } else { poll };
            thread::spawn(move || own.join(number, 3, 1, wait))
        });
        meeting.join(0, 3, 1, block);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(meeting.leaders.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_task_meets_a_thread() {
    check("a_task_meets_a_thread", &[Mutant::RoundNotReset], || {
        let meeting = Meeting::new(2);
        let own = meeting.clone();
        let task = thread::spawn(move || own.join(1, 2, 2, poll));
        meeting.join(0, 2, 2, block);
        task.join().unwrap();
        assert_eq!(meeting.leaders.load(Ordering::Relaxed), 3);
    });
}

/// Somebody who comes while another is about to leave, and looks once whether that is enough.
struct Comer {
    /// The other had left before.
    is_late: bool,
    /// The other was counted.
    has_met: bool,
    waiting: Pin<Box<dyn Future<Output = bool> + Send>>,
}

fn coming(barrier: &Arc<Barrier>, has_left: &Arc<AtomicBool>) -> thread::JoinHandle<Comer> {
    let (own, has_left) = (barrier.clone(), has_left.clone());
    thread::spawn(move || {
        let is_late = has_left.load(Ordering::Acquire);
        let mut waiting = Box::pin(async move { own.wait_async().await.is_leader() });
        let has_met = poll_once(waiting.as_mut()).is_ready();
        Comer { is_late, has_met, waiting }
    })
}

impl Comer {
    /// If the other was not counted, one more is enough. And then the next two meet.
    fn check(self, barrier: &Barrier) {
        if !self.has_met {
            assert!(barrier.wait().is_leader());
            assert!(!block_on(self.waiting));
        }
        let mut next = Box::pin(barrier.wait_async());
        assert!(poll_once(next.as_mut()).is_pending());
        assert!(barrier.wait().is_leader());
        assert!(poll_once(next.as_mut()).is_ready());
    }
}

#[test]
fn a_dropped_task_is_not_waited_with() {
    let mutants = [Mutant::LeaverStaysCounted, Mutant::LeaverOfLastRoundCounted];
    check("a_dropped_task_is_not_waited_with", &mutants, || {
        let (barrier, has_left) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
        let mut leaving = Box::pin(barrier.wait_async());
        assert!(poll_once(leaving.as_mut()).is_pending());
        let comer = coming(&barrier, &has_left);
        drop(leaving);
        has_left.store(true, Ordering::Release);
        let comer = comer.join().unwrap();
        assert!(!comer.is_late || !comer.has_met);
        comer.check(&barrier);
    });
}

#[test]
fn a_cancelled_thread_is_not_waited_with() {
    let mutants = [Mutant::LeaverStaysCounted, Mutant::LeaverOfLastRoundCounted];
    check_up_to(2, "a_cancelled_thread_is_not_waited_with", &mutants, || {
        let (barrier, has_left) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
        let runtime = runtime(Mode::Sticky);
        let own = barrier.clone();
        let leaving = runtime.spawn(move || own.wait().is_leader());
        let comer = coming(&barrier, &has_left);
        assert!(runtime.shutdown(Duration::MAX));
        has_left.store(true, Ordering::Release);
        let comer = comer.join().unwrap();
        match leaving.join() {
            // It came first, or found the other there, who has not looked again.
            Ok(false) => assert!(comer.has_met),
            Ok(true) => {
                assert!(!comer.has_met && !block_on(comer.waiting));
                return;
            }
            Err(error) => assert!(error.is_cancelled() && !(comer.is_late && comer.has_met)),
        }
        comer.check(&barrier);
    });
}
