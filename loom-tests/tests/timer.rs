//! Deadlines: fired by their worker or by another, against whatever else ends the wait, and
//! against a thread that goes on and uses the same place on its stack for the next wait.
#![cfg(sward_loom)]

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use sward_loom_tests::{check, check_up_to};
use sward_sched::internal::model::{ModelTimer, ModelTimers, Stage};
use sward_sched::internal::{Node, Outcome, WaitList, Waiter};
use sward_sched::primitive::{Mutant, Mutex};
use sward_sched::time::sleep;

/// What a wait with a deadline has on the stack.
struct Place {
    waiter: Waiter,
    node: Node,
    timer: Option<ModelTimer>,
}

/// A list in which it waits for something to be handed over.
type Gate = Mutex<WaitList>;

fn hand_over(gate: &Gate) -> bool {
    let waiting = gate.lock();
    let Some((_, claim)) = waiting.claim_front() else { return false };
    let wake = claim.done(0);
    drop(waiting);
    wake.wake();
    true
}

impl Place {
    /// Gets in line, here.
    fn begin(place: &mut Self, gate: &Gate) {
        *place = Self::new();
        place.node.bind(&place.waiter, std::ptr::null_mut());
        // SAFETY: it stays here, and is removed in `end`.
        unsafe { gate.lock().push_back(&place.node) };
    }

    fn new() -> Self {
        Self { waiter: Waiter::new(), node: Node::unbound(), timer: None }
    }

    fn end(&self, gate: &Gate) -> Outcome {
        let outcome = self.waiter.wait(None);
        // SAFETY: it is in this list, or in none.
        unsafe { gate.lock().remove(&self.node) };
        outcome
    }
}

/// So many workers find that a deadline has passed while somebody hands over what was waited
/// for. The wait ends once; and the next one, in the same place and without a deadline, ends
/// only when it is handed something.
fn fire_against_claim(workers: usize) {
    let (gate, timers) = (Arc::new(Gate::new(WaitList::new())), Arc::new(ModelTimers::new()));
    // In a box, so that a mutant that comes too late still finds a waiter there.
    let mut place = Box::new(Place::new());
    Place::begin(&mut place, &gate);
    let timer = place.timer.insert(ModelTimer::new(&place.waiter));
    timers.set(timer);
    let firing: Vec<_> = (0..workers)
        .map(|_| {
            let timers = timers.clone();
            thread::spawn(move || timers.fire())
        })
        .collect();
    let handing_over = {
        let gate = gate.clone();
        thread::spawn(move || hand_over(&gate))
    };
    let outcome = place.end(&gate);
    timers.cancel(place.timer.as_ref().unwrap());
    assert!(timers.is_empty());

    Place::begin(&mut place, &gate);
    firing.into_iter().for_each(|thread| thread.join().unwrap());
    let mut handed_over = vec![outcome == Outcome::Done(0)];
    // It may have come to the second wait.
    let by_other = handing_over.join().unwrap();
    handed_over.push(by_other && !handed_over[0]);
    assert!(by_other || outcome == Outcome::TimedOut);
    if !handed_over[1] {
        assert!(hand_over(&gate), "the second wait has timed out");
    }
    assert_eq!(place.end(&gate), Outcome::Done(0));
    assert!(gate.lock().is_empty() && timers.is_empty());
}

const MUTANTS: [Mutant; 3] =
    [Mutant::TimerNotRemoved, Mutant::TimerFiredUnlocked, Mutant::ClaimTwice];

#[test]
fn fire_against_claim_against_reuse() {
    check("fire_against_claim_against_reuse", &MUTANTS, || fire_against_claim(1));
}

/// The same with two that fire: the worker itself, and one that helps.
#[test]
fn two_fire_against_claim_against_reuse() {
    check_up_to(2, "two_fire_against_claim_against_reuse", &MUTANTS, || fire_against_claim(2));
}

/// The whole scheduler: a migrating thread falls asleep on a real worker while another fires
/// that one's timers and the runtime is shut down. It comes to its end, one way or the other.
#[test]
fn help_against_sleep_against_shutdown() {
    // Three threads and a whole worker.
    check_up_to(1, "help_against_sleep_against_shutdown", &[Mutant::ShutdownNotRechecked], || {
        let stage = Stage::new(true);
        let (asleep, thread) = stage.thread(|| sleep(Duration::from_secs(3600)));
        stage.inject(thread);
        let helping = {
            let stage = stage.clone();
            loom::thread::spawn(move || stage.fire_timers())
        };
        stage.close();
        assert!(asleep.join().map_or_else(|error| error.is_cancelled(), |()| true));
        helping.join().unwrap();
        stage.wait();
    });
}

/// A thread whose timer was fired by another worker runs, though its own sleeps.
#[test]
fn help_wakes_a_sleeper() {
    let mutants = [Mutant::IdleNotifyNoFence, Mutant::IdleSleepNoFence];
    check_up_to(2, "help_wakes_a_sleeper", &mutants, || {
        let stage = Stage::new(true);
        let (asleep, thread) = stage.thread(|| sleep(Duration::from_secs(3600)));
        stage.inject(thread);
        while !asleep.is_finished() {
            stage.fire_timers();
            loom::thread::yield_now();
        }
        asleep.join().unwrap();
        stage.close();
        stage.wait();
    });
}
