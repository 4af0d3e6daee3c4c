//! The inbox and the slot: each thread that goes in comes out once, with all that was done
//! before, and its worker hears of it. The source that ships, without a worker: to run a
//! thread twice, or not after what was put into it, is a failure.
#![cfg(sward_loom)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use sward_loom_tests::check;
use sward_sched::internal::Idle;
use sward_sched::internal::model::{ModelInbox, ModelSlot, Ready};
use sward_sched::primitive::Mutant;

/// Counts what has run.
#[derive(Clone)]
struct Done(loom::sync::Arc<AtomicUsize>);

impl Done {
    fn new() -> Self {
        Self(loom::sync::Arc::new(AtomicUsize::new(0)))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A thread that counts itself.
    fn thread(&self) -> Ready {
        let count = self.0.clone();
        let (handle, ready) = Ready::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        drop(handle);
        ready
    }
}

struct Owned {
    inbox: ModelInbox,
    idle: Idle,
    done: Done,
}

impl Owned {
    fn new() -> Arc<Self> {
        Arc::new(Self { inbox: ModelInbox::new(), idle: Idle::new(1), done: Done::new() })
    }

    fn push(&self, thread: Ready) {
        if self.inbox.push(thread) {
            self.idle.notify(0);
        }
    }

    /// The owner: runs what comes, and sleeps in between, until `count` have run.
    fn serve(&self, count: usize) {
        while self.done.count() < count {
            self.inbox.take_all(Ready::run);
            if self.done.count() < count {
                self.idle.sleep(0, false, None, || !self.inbox.is_empty());
                self.idle.found_work(|| false);
            }
        }
    }
}

/// Two others push; only the first of a batch wakes the owner.
#[test]
fn push_against_push_against_take() {
    let mutants = [
        Mutant::InboxPushSilent,
        Mutant::InboxTakenTwice,
        Mutant::IdleTargetedSkipped,
        Mutant::IdleSleepNoRecheck,
        Mutant::IdleSleepNoFence,
    ];
    check("push_against_push_against_take", &mutants, || {
        let owned = Owned::new();
        let pushing = {
            let owned = owned.clone();
            thread::spawn(move || owned.push(owned.done.thread()))
        };
        let serving = {
            let owned = owned.clone();
            thread::spawn(move || owned.serve(2))
        };
        owned.push(owned.done.thread());
        pushing.join().unwrap();
        serving.join().unwrap();
    });
}

/// The monitor takes what lies in the inbox and gives it back, while the owner comes.
#[test]
fn take_against_take() {
    let mutants = [Mutant::InboxTakenTwice, Mutant::InboxPushSilent, Mutant::IdleSleepNoFence];
    check("take_against_take", &mutants, || {
        let owned = Owned::new();
        let watching = {
            let owned = owned.clone();
            thread::spawn(move || owned.inbox.take_all(|thread| owned.push(thread)))
        };
        let serving = {
            let owned = owned.clone();
            thread::spawn(move || owned.serve(2))
        };
        owned.push(owned.done.thread());
        owned.push(owned.done.thread());
        watching.join().unwrap();
        serving.join().unwrap();
    });
}

/// The owner fills, empties and refills its slot while two thieves come.
#[test]
fn slot_against_thieves() {
    check("slot_against_thieves", &[Mutant::SlotTakenTwice], || {
        let slot = Arc::new(ModelSlot::new());
        let done = Done::new();
        let stealing: Vec<_> = (0..2)
            .map(|_| {
                let slot = slot.clone();
                thread::spawn(move || slot.take().into_iter().for_each(Ready::run))
            })
            .collect();
        assert!(slot.put(done.thread()).is_ok());
        if let Some(displaced) = slot.replace(done.thread()) {
            displaced.run();
        }
        if let Err(refused) = slot.put(done.thread()) {
            refused.run();
        }
        slot.take().into_iter().for_each(Ready::run);
        stealing.into_iter().for_each(|stealing| stealing.join().unwrap());
        slot.take().into_iter().for_each(Ready::run);
        assert_eq!(done.count(), 3);
    });
}
