//! A queue of one value: two at one end, one at the other, and how it ends for them.
#![cfg(sward_loom)]

use sward_loom_tests::channel::{self, Capacity, check_left, sending};
use sward_loom_tests::{Tally, check};
use sward_sched::primitive::Mutant;

const C: Capacity = Some(1);

#[test]
fn bounded_two_senders_go() {
    let mutants = [Mutant::LastEndUnnoticed, Mutant::CloseSkipsReceivers, Mutant::DoneRelaxed];
    check("bounded_two_senders_go", &mutants, || channel::two_senders_go(C));
}

#[test]
fn bounded_two_senders_against_close() {
    let mutants = [Mutant::DoneRelaxed];
    check("bounded_two_senders_against_close", &mutants, || channel::two_senders_against_close(C));
}

#[test]
fn bounded_two_senders_against_last_receiver() {
    let mutants = [Mutant::DoneRelaxed];
    check("bounded_two_senders_against_last_receiver", &mutants, || {
        channel::two_senders_against_last_receiver(C)
    });
}

#[test]
fn bounded_two_senders_against_timeout() {
    let mutants = [Mutant::LastEndUnnoticed, Mutant::CloseSkipsReceivers];
    check("bounded_two_senders_against_timeout", &mutants, || {
        channel::two_senders_against_timeout(C)
    });
}

#[test]
fn bounded_two_receivers_against_last_sender() {
    let mutants = [Mutant::CloseSkipsReceivers];
    check("bounded_two_receivers_against_last_sender", &mutants, || {
        channel::two_receivers_against_last_sender(C, false)
    });
}

#[test]
fn bounded_two_receivers_against_close() {
    let mutants = [Mutant::CloseSkipsReceivers, Mutant::DoneRelaxed];
    check("bounded_two_receivers_against_close", &mutants, || {
        channel::two_receivers_against_last_sender(C, true)
    });
}

#[test]
fn bounded_two_receivers_go() {
    let mutants = [Mutant::LastEndUnnoticed];
    check("bounded_two_receivers_go", &mutants, || channel::two_receivers_go(C));
}

#[test]
fn bounded_two_receivers_against_timeout() {
    let mutants = [Mutant::ClaimTwice, Mutant::WaiterNotUnlinked];
    check("bounded_two_receivers_against_timeout", &mutants, || {
        channel::two_receivers_against_timeout(C)
    });
}

#[test]
fn bounded_recv_against_cancel() {
    check("bounded_recv_against_cancel", &[Mutant::ClaimTwice], || channel::recv_against_cancel(C));
}

#[test]
fn bounded_send_against_cancel() {
    check("bounded_send_against_cancel", &[Mutant::ClaimTwice], || channel::send_against_cancel(C));
}

#[test]
fn bounded_one_sender_against_close() {
    let mutants = [Mutant::CloseSkipsSenders];
    check("bounded_one_sender_against_close", &mutants, || channel::one_sender_against_close(C));
}

/// Who takes a value leaves its room to the next that sends.
#[test]
fn bounded_room_is_left_to_the_next() {
    check("bounded_room_is_left_to_the_next", &[Mutant::RefillSkipped], || {
        let tally = Tally::new(2);
        let (sender, receiver) = channel::channel(C);
        let sending = [sending(&sender, &tally, 0), sending(&sender, &tally, 1)];
        assert!(receiver.recv().is_ok());
        assert!(sending.into_iter().all(|thread| thread.join().unwrap()));
        check_left(&receiver, 1);
        drop(receiver);
        tally.check();
    });
}
