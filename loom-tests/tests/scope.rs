//! The end of a scope (`sched/src/scope.rs`): its owner does not leave before the last member has,
//! sees what all of them did, and no member touches what it has left.
#![cfg(sward_loom)]

use std::time::Instant;

use loom::thread;
use sward_loom_tests::check;
use sward_sched::internal::ModelScope;
use sward_sched::primitive::{Mutant, UnsafeCell};

/// A scope and what its two members borrow.
struct Frame {
    scope: ModelScope,
    lent: [UnsafeCell<u32>; 2],
}

/// To it, from a member.
struct Borrowed(*const Frame);

// SAFETY: loom looks who touches it, and when.
unsafe impl Send for Borrowed {}

impl Borrowed {
    fn work(self, member: usize) {
        // SAFETY: the owner has yet to see this member leave.
        unsafe {
            (*self.0).lent[member].with_mut(|lent| *lent += 1);
            ModelScope::leave(&raw const (*self.0).scope);
        }
    }
}

fn run(wait: fn(&ModelScope)) {
    let lent = [0, 0].map(UnsafeCell::new);
    let frame = Box::into_raw(Box::new(Frame { scope: ModelScope::of(2), lent }));
    let members = [0, 1].map(|member| {
        let borrowed = Borrowed(frame);
        thread::spawn(move || borrowed.work(member))
    });
    // SAFETY: from above; and the members have gone.
    let frame = unsafe {
        wait(&(*frame).scope);
        Box::from_raw(frame)
    };
    for lent in &frame.lent {
        // SAFETY: loom checks it.
        lent.with(|lent| assert_eq!(unsafe { *lent }, 1));
    }
    drop(frame);
    members.into_iter().for_each(|member| member.join().unwrap());
}

#[test]
fn exit_against_the_last_member() {
    let mutants = [Mutant::MemberLeavesRelaxed, Mutant::OwnerUnannounced];
    check("exit_against_the_last_member", &mutants, || {
        run(|scope| assert!(scope.wait(None)));
    });
}

/// The owner is told to unwind, or its time is up, while it waits. In a model the deadline of an OS
/// thread passes before it sleeps or never.
#[test]
fn exit_against_the_end_of_a_wait() {
    check("exit_against_the_end_of_a_wait", &[Mutant::OwnerNotServed], || {
        run(|scope| assert!(scope.wait(Some(Instant::now())) || scope.wait(None)));
    });
}
