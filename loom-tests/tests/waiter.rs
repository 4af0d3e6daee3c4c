//! The waiter and the wait list: a wait ends once, by one side, and what was promised
//! is there; a wait that was given up leaves nothing behind.
#![cfg(sward_loom)]

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use sward_loom_tests::check;
use sward_sched::internal::{Node, Outcome, WaitList, Waiter};
use sward_sched::primitive::{Mutant, Mutex, UnsafeCell};
use sward_sched::runtime::Builder;

/// Something that may be handed over once, or closed.
struct Gate {
    waiting: Mutex<WaitList>,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::new(WaitList::new()) })
    }

    /// Waits for a number; `None` when the gate was closed.
    fn wait(&self) -> Option<u32> {
        let slot = UnsafeCell::new(0);
        let waiter = Waiter::new();
        let node = Node::new(&waiter, std::ptr::from_ref(&slot).cast_mut().cast());
        // SAFETY: it stays here and is removed below.
        unsafe { self.waiting.lock().push_back(&node) };
        match waiter.wait(None) {
            // SAFETY: `hand_over` has written it.
            Outcome::Done(_) => Some(slot.with(|slot| unsafe { *slot })),
            outcome => {
                assert_eq!(outcome, Outcome::Closed);
                // SAFETY: it is in this list, or in none.
                unsafe { self.waiting.lock().remove(&node) };
                None
            }
        }
    }

    /// Whether somebody took `number`.
    fn hand_over(&self, number: u32) -> bool {
        let waiting = self.waiting.lock();
        let Some((node, claim)) = waiting.claim_front() else {
            return false;
        };
        // SAFETY: a claimed node's slot is the one that `wait` made.
        let slot = unsafe { &*node.slot().cast::<UnsafeCell<u32>>() };
        // SAFETY: claimed: it is ours.
        slot.with_mut(|slot| unsafe { *slot = number });
        let wake = claim.done(0);
        drop(waiting);
        wake.wake();
        true
    }

    fn close(&self) {
        let closed = self.waiting.lock().close();
        closed.wake_all();
    }
}

/// Two hand over and one closes, again and again, until the one that waits is gone:
/// exactly one of them ends the wait.
#[test]
fn claim_against_claim_against_close() {
    let mutants = [Mutant::WaiterNotUnlinked, Mutant::WatchEndsUnseen];
    check("claim_against_claim_against_close", &mutants, || {
        let gate = Gate::new();
        let handing_over: Vec<_> = (1..=2)
            .map(|number| {
                let gate = gate.clone();
                thread::spawn(move || gate.hand_over(number).then_some(number))
            })
            .collect();
        let closing = {
            let gate = gate.clone();
            thread::spawn(move || {
                // The last to look finds whoever is still there.
                let taken: Vec<_> =
                    handing_over.into_iter().filter_map(|h| h.join().unwrap()).collect();
                while taken.is_empty() && gate.waiting.lock().is_empty() {
                    thread::yield_now();
                }
                gate.close();
                taken
            })
        };
        let got = gate.wait();
        let taken = closing.join().unwrap();
        assert_eq!(taken.len(), usize::from(got.is_some()));
        assert_eq!(taken.first().copied(), got);
    });
}

/// A green thread's wait is given up by a shutdown while somebody hands a number over:
/// the number is taken or refused, and the list is left clean.
#[test]
fn claim_against_cancel() {
    let mutants = [Mutant::ClaimTwice, Mutant::WaiterNotUnlinked];
    check("claim_against_cancel", &mutants, || {
        let gate = Gate::new();
        let runtime = Builder::new().workers(1).build().unwrap();
        let inner = gate.clone();
        let waiting = runtime.spawn(move || {
            let slot = UnsafeCell::new(0);
            let waiter = Waiter::new();
            let node = Node::new(&waiter, std::ptr::from_ref(&slot).cast_mut().cast());
            // SAFETY: it stays here and is removed below.
            unsafe { inner.waiting.lock().push_back(&node) };
            let outcome = waiter.wait(None);
            // SAFETY: it is in this list, or in none.
            unsafe { inner.waiting.lock().remove(&node) };
            // SAFETY: after `Done` it is ours again, and otherwise it always was.
            (outcome, slot.with(|slot| unsafe { *slot }))
        });
        let handing_over = {
            let gate = gate.clone();
            thread::spawn(move || gate.hand_over(7))
        };
        assert!(runtime.shutdown(Duration::MAX));
        let taken = handing_over.join().unwrap();
        match waiting.join() {
            Ok((Outcome::Done(_), number)) => assert!(taken && number == 7),
            Ok((outcome, number)) => {
                assert_eq!(outcome, Outcome::Cancelled);
                assert!(!taken && number == 0);
            }
            // It never started.
            Err(error) => assert!(error.is_cancelled() && !taken),
        }
        assert!(gate.waiting.lock().is_empty());
    });
}
