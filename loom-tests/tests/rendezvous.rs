//! A rendezvous: two at one end, one at the other, and how it ends for them.
#![cfg(sward_loom)]

use sward_loom_tests::channel::{self, Capacity};
use sward_loom_tests::check;
use sward_sched::primitive::Mutant;

const C: Capacity = Some(0);

#[test]
fn rendezvous_two_senders_go() {
    let mutants = [Mutant::LastEndUnnoticed, Mutant::CloseSkipsReceivers, Mutant::DoneRelaxed];
    check("rendezvous_two_senders_go", &mutants, || channel::two_senders_go(C));
}

#[test]
fn rendezvous_two_senders_against_close() {
    let mutants = [Mutant::CloseSkipsSenders];
    check("rendezvous_two_senders_against_close", &mutants, || {
        channel::two_senders_against_close(C)
    });
}

#[test]
fn rendezvous_two_senders_against_last_receiver() {
    let mutants = [Mutant::CloseSkipsSenders];
    check("rendezvous_two_senders_against_last_receiver", &mutants, || {
        channel::two_senders_against_last_receiver(C)
    });
}

#[test]
fn rendezvous_two_senders_against_timeout() {
    let mutants = [Mutant::LastEndUnnoticed, Mutant::CloseSkipsReceivers, Mutant::ClaimTwice];
    check("rendezvous_two_senders_against_timeout", &mutants, || {
        channel::two_senders_against_timeout(C)
    });
}

#[test]
fn rendezvous_two_receivers_against_last_sender() {
    let mutants = [Mutant::CloseSkipsReceivers];
    check("rendezvous_two_receivers_against_last_sender", &mutants, || {
        channel::two_receivers_against_last_sender(C, false)
    });
}

#[test]
fn rendezvous_two_receivers_against_close() {
    let mutants = [Mutant::CloseSkipsReceivers, Mutant::DoneRelaxed];
    check("rendezvous_two_receivers_against_close", &mutants, || {
        channel::two_receivers_against_last_sender(C, true)
    });
}

#[test]
fn rendezvous_two_receivers_go() {
    let mutants = [Mutant::LastEndUnnoticed, Mutant::CloseSkipsSenders];
    check("rendezvous_two_receivers_go", &mutants, || channel::two_receivers_go(C));
}

#[test]
fn rendezvous_two_receivers_against_timeout() {
    let mutants = [Mutant::ClaimTwice, Mutant::WaiterNotUnlinked];
    check("rendezvous_two_receivers_against_timeout", &mutants, || {
        channel::two_receivers_against_timeout(C)
    });
}

#[test]
fn rendezvous_recv_against_cancel() {
    check("rendezvous_recv_against_cancel", &[Mutant::ClaimTwice], || {
        channel::recv_against_cancel(C)
    });
}

#[test]
fn rendezvous_send_against_cancel() {
    check("rendezvous_send_against_cancel", &[Mutant::ClaimTwice], || {
        channel::send_against_cancel(C)
    });
}

#[test]
fn rendezvous_one_sender_against_close() {
    let mutants = [Mutant::CloseSkipsSenders];
    check("rendezvous_one_sender_against_close", &mutants, || channel::one_sender_against_close(C));
}
