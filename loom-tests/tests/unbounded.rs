//! An unbounded queue: two at one end, one at the other, and how it ends for them.
#![cfg(sward_loom)]

use sward_loom_tests::channel::{self, Capacity};
use sward_loom_tests::check;
use sward_sched::primitive::Mutant;

const C: Capacity = None;

#[test]
fn unbounded_two_senders_go() {
    let mutants = [Mutant::LastEndUnnoticed, Mutant::CloseSkipsReceivers, Mutant::DoneRelaxed];
    check("unbounded_two_senders_go", &mutants, || channel::two_senders_go(C));
}

#[test]
fn unbounded_two_senders_against_close() {
    let mutants = [Mutant::DoneRelaxed];
    check("unbounded_two_senders_against_close", &mutants, || {
        channel::two_senders_against_close(C)
    });
}

#[test]
fn unbounded_two_senders_against_last_receiver() {
    let mutants = [Mutant::DoneRelaxed];
    check("unbounded_two_senders_against_last_receiver", &mutants, || {
        channel::two_senders_against_last_receiver(C)
    });
}

#[test]
fn unbounded_two_senders_against_timeout() {
    let mutants = [Mutant::LastEndUnnoticed, Mutant::CloseSkipsReceivers];
    check("unbounded_two_senders_against_timeout", &mutants, || {
        channel::two_senders_against_timeout(C)
    });
}

#[test]
fn unbounded_two_receivers_against_last_sender() {
    let mutants = [Mutant::CloseSkipsReceivers];
    check("unbounded_two_receivers_against_last_sender", &mutants, || {
        channel::two_receivers_against_last_sender(C, false)
    });
}

#[test]
fn unbounded_two_receivers_against_close() {
    let mutants = [Mutant::CloseSkipsReceivers, Mutant::DoneRelaxed];
    check("unbounded_two_receivers_against_close", &mutants, || {
        channel::two_receivers_against_last_sender(C, true)
    });
}

#[test]
fn unbounded_two_receivers_go() {
    let mutants = [Mutant::LastEndUnnoticed];
    check("unbounded_two_receivers_go", &mutants, || channel::two_receivers_go(C));
}

#[test]
fn unbounded_two_receivers_against_timeout() {
    let mutants = [Mutant::ClaimTwice, Mutant::WaiterNotUnlinked];
    check("unbounded_two_receivers_against_timeout", &mutants, || {
        channel::two_receivers_against_timeout(C)
    });
}

#[test]
fn unbounded_recv_against_cancel() {
    check("unbounded_recv_against_cancel", &[Mutant::ClaimTwice], || {
        channel::recv_against_cancel(C)
    });
}
