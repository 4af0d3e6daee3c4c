//! A wait group: who waits goes on when the last has left, and the last to have anything to do
//! with it frees it.
#![cfg(sward_loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use sward_loom_tests::task::{block_on, poll_once};
use sward_loom_tests::{Mode, check, check_up_to, runtime};
use sward_sched::primitive::{Mutant, UnsafeCell};
use sward_sync::WaitGroup;

/// What a member does before it leaves.
struct Work(UnsafeCell<u32>);

// SAFETY: loom checks it.
unsafe impl Send for Work {}
// SAFETY: as above.
unsafe impl Sync for Work {}

impl Work {
    fn new() -> Arc<Self> {
        Arc::new(Self(UnsafeCell::new(0)))
    }

    fn work(&self) {
        // SAFETY: loom checks it.
        self.0.with_mut(|work| unsafe { *work = 7 });
    }

    fn check(&self) {
        // SAFETY: loom checks it.
        assert_eq!(self.0.with(|work| unsafe { *work }), 7);
    }
}

/// A member that works and leaves.
fn working(group: &WaitGroup) -> (Arc<Work>, thread::JoinHandle<()>) {
    let (member, work) = (group.clone(), Work::new());
    let own = work.clone();
    let working = thread::spawn(move || {
        own.work();
        drop(member);
    });
    (work, working)
}

#[test]
fn last_drop_against_wait() {
    let mutants = [
        Mutant::MembersLeftRelaxed,
        Mutant::GroupReleasedRelaxed,
        Mutant::WaitedForUnsaid,
        Mutant::MembersReferenceGivenUpEarly,
        Mutant::LastMemberSilent,
        Mutant::EnlistNotRechecked,
    ];
    check("last_drop_against_wait", &mutants, || {
        let group = WaitGroup::new();
        let (work, working) = working(&group);
        group.wait();
        work.check();
        working.join().unwrap();
    });
}

/// Two leave, and one waits for both.
#[test]
fn two_leave() {
    check("two_leave", &[Mutant::MembersLeftRelaxed, Mutant::LastMemberSilent], || {
        let group = WaitGroup::new();
        let members = [working(&group), working(&group)];
        group.wait();
        for (work, working) in members {
            work.check();
            working.join().unwrap();
        }
    });
}

/// Two wait, for each other, too.
#[test]
fn two_wait() {
    let mutants = [Mutant::LastMemberSilent, Mutant::MembersReferenceGivenUpEarly];
    check("two_wait", &mutants, || {
        let group = WaitGroup::new();
        let (work, working) = working(&group);
        let (own, member) = (work.clone(), group.clone());
        let other = thread::spawn(move || {
            member.wait();
            own.check();
        });
        group.wait();
        work.check();
        other.join().unwrap();
        working.join().unwrap();
    });
}

/// A member makes another, and leaves before it.
#[test]
fn clone_against_wait() {
    check("clone_against_wait", &[Mutant::MembersLeftRelaxed], || {
        let group = WaitGroup::new();
        let (member, work) = (group.clone(), Work::new());
        let own = work.clone();
        let first = thread::spawn(move || {
            let second = member.clone();
            drop(member);
            own.work();
            drop(second);
        });
        group.wait();
        work.check();
        first.join().unwrap();
    });
}

/// Nobody waits: whoever leaves last frees it.
#[test]
fn nobody_waits() {
    check("nobody_waits", &[Mutant::GroupFreedBlindly], || {
        let group = WaitGroup::new();
        let (_work, working) = working(&group);
        drop(group);
        working.join().unwrap();
    });
}

#[test]
fn last_drop_against_a_task() {
    let mutants = [Mutant::LastMemberSilent, Mutant::EnlistNotRechecked];
    check("last_drop_against_a_task", &mutants, || {
        let group = WaitGroup::new();
        let (work, working) = working(&group);
        block_on(group.wait_async());
        work.check();
        working.join().unwrap();
    });
}

/// A future goes away while the last member leaves.
#[test]
fn last_drop_against_a_dropped_task() {
    let mutants = [Mutant::GroupReleasedRelaxed, Mutant::MembersReferenceGivenUpEarly];
    check("last_drop_against_a_dropped_task", &mutants, || {
        let group = WaitGroup::new();
        let (work, working) = working(&group);
        let mut waiting = Box::pin(group.wait_async());
        if poll_once(waiting.as_mut()).is_ready() {
            work.check();
        }
        drop(waiting);
        working.join().unwrap();
    });
}

/// A thread that waits is cancelled while the last member leaves.
#[test]
fn last_drop_against_cancel() {
    let mutants = [Mutant::GroupReleasedRelaxed, Mutant::MembersReferenceGivenUpEarly];
    check_up_to(2, "last_drop_against_cancel", &mutants, || {
        let group = WaitGroup::new();
        let (work, working) = working(&group);
        let runtime = runtime(Mode::Sticky);
        let waiting = runtime.spawn(move || group.wait());
        assert!(runtime.shutdown(Duration::MAX));
        match waiting.join() {
            Ok(()) => work.check(),
            Err(error) => assert!(error.is_cancelled()),
        }
        working.join().unwrap();
    });
}
