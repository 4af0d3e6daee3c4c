//! Select: of all its cases one is done, by one of two sides, and the others leave no trace.
#![cfg(sward_loom)]

use std::time::Instant;

use loom::thread;
use sward_chan::internal::{Wait, choose, choose_biased, recv_case, send_case};
use sward_chan::{Receiver, Select, Sender};
use sward_loom_tests::channel::{self, Capacity, channel, check_left, select};
use sward_loom_tests::{Tally, Value, check};
use sward_sched::primitive::Mutant;

const RENDEZVOUS: Capacity = Some(0);
const ONE: Capacity = Some(1);

/// Sends on the one or receives from the other. `None`: it has sent.
fn send_or_recv(sender: &Sender<Value>, value: Value, receiver: &Receiver<Value>) -> Option<Value> {
    let mut sends = send_case(sender, value);
    let mut receives = recv_case(receiver);
    if select(&mut [&mut sends, &mut receives]) == 0 {
        sends.finish().expect("it is not closed");
        return None;
    }
    Some(receives.finish().expect("it is not closed"))
}

/// As [`send_or_recv`], with what is only known at run time.
fn send_or_recv_later(
    sender: &Sender<Value>,
    value: Value,
    receiver: &Receiver<Value>,
) -> Option<Value> {
    let mut select = Select::new();
    select.send(sender);
    select.recv(receiver);
    let operation = select.select();
    if operation.index() == 0 {
        operation.send(sender, value).expect("it is not closed");
        return None;
    }
    Some(operation.recv(receiver).expect("it is not closed"))
}

type SendOrRecv = fn(&Sender<Value>, Value, &Receiver<Value>) -> Option<Value>;

/// Two selects, each of which could do with either case of the other: one pair comes of it.
fn face_each_other(one: SendOrRecv, other: SendOrRecv) {
    let tally = Tally::new(2);
    let ((to_there, there), (to_here, here)) = (channel(RENDEZVOUS), channel(RENDEZVOUS));
    let (back, forth, own) = (to_here.clone(), there.clone(), tally.clone());
    let facing = thread::spawn(move || one(&back, own.value(0), &forth));
    let got = other(&to_there, tally.value(1), &here);
    let other_got = facing.join().unwrap();
    match (got, other_got) {
        (Some(value), None) => assert_eq!(value.number, 0),
        (None, Some(value)) => assert_eq!(value.number, 1),
        (got, other_got) => panic!("{got:?} against {other_got:?}"),
    }
    check_left(&there, 0);
    check_left(&here, 0);
    tally.check();
}

#[test]
fn two_selects_face_each_other() {
    let mutants = [Mutant::EnlistNotRechecked, Mutant::LoserStaysInLine];
    check("two_selects_face_each_other", &mutants, || face_each_other(send_or_recv, send_or_recv));
}

#[test]
fn two_dynamic_selects_face_each_other() {
    let mutants = [Mutant::EnlistNotRechecked, Mutant::LoserStaysInLine];
    check("two_dynamic_selects_face_each_other", &mutants, || {
        face_each_other(send_or_recv_later, send_or_recv_later);
    });
}

#[test]
fn a_select_faces_a_dynamic_one() {
    let mutants = [Mutant::EnlistNotRechecked, Mutant::LoserStaysInLine];
    check("a_select_faces_a_dynamic_one", &mutants, || {
        face_each_other(send_or_recv, send_or_recv_later);
    });
}

/// One that sends to and receives from the same channel is no partner for itself, but for
/// another of its kind.
fn mirror(one: SendOrRecv, other: SendOrRecv) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(RENDEZVOUS);
    let (to, from, own) = (sender.clone(), receiver.clone(), tally.clone());
    let mirrored = thread::spawn(move || one(&to, own.value(0), &from));
    let got = other(&sender, tally.value(1), &receiver).map(|value| value.number);
    let other_got = mirrored.join().unwrap().map(|value| value.number);
    assert!(matches!((got, other_got), (Some(0), None) | (None, Some(1))));
    check_left(&receiver, 0);
    tally.check();
}

#[test]
fn send_and_receive_of_the_same_channel() {
    let mutants = [Mutant::EnlistFindsItself, Mutant::LoserStaysInLine];
    check("send_and_receive_of_the_same_channel", &mutants, || mirror(send_or_recv, send_or_recv));
}

#[test]
fn dynamic_send_and_receive_of_the_same_channel() {
    let mutants = [Mutant::EnlistFindsItself, Mutant::LoserStaysInLine];
    check("dynamic_send_and_receive_of_the_same_channel", &mutants, || {
        mirror(send_or_recv_later, send_or_recv_later);
    });
}

/// The same channel twice is one value all the same.
#[test]
fn the_same_channel_twice() {
    check("the_same_channel_twice", &[Mutant::LoserStaysInLine], || {
        let tally = Tally::new(1);
        let (sender, receiver) = channel(RENDEZVOUS);
        let own = tally.clone();
        let sending = thread::spawn(move || {
            sender.send(own.value(0)).expect("there is a receiver");
            // Its end would empty the lines.
            sender
        });
        let (mut one, mut other) = (recv_case(&receiver), recv_case(&receiver));
        let chosen = match select(&mut [&mut one, &mut other]) {
            0 => one,
            _ => other,
        };
        drop(chosen.finish().expect("it was sent"));
        let sender = sending.join().unwrap();
        check_left(&receiver, 0);
        drop(sender);
        tally.check();
    });
}

/// Two senders and a select that has them both for partners, first one, then the other.
fn two_senders(capacity: Capacity) {
    let tally = Tally::new(2);
    let ((to_one, one), (to_other, other)) = (channel(capacity), channel(capacity));
    let sending = [(to_one, 0), (to_other, 1)].map(|(sender, number)| {
        let own = tally.clone();
        thread::spawn(move || {
            sender.send(own.value(number)).expect("there is a receiver");
            // The other case is not to end by itself.
            sender
        })
    });
    let mut missing = [true; 2];
    for _ in 0..2 {
        let (mut from_one, mut from_other) = (recv_case(&one), recv_case(&other));
        let value = match select(&mut [&mut from_one, &mut from_other]) {
            0 => from_one.finish(),
            _ => from_other.finish(),
        };
        missing[value.expect("it was sent").number] = false;
    }
    assert_eq!(missing, [false; 2]);
    let senders = sending.map(|thread| thread.join().unwrap());
    check_left(&one, 0);
    check_left(&other, 0);
    drop(senders);
    tally.check();
}

#[test]
fn two_senders_to_a_select() {
    let mutants =
        [Mutant::EnlistNotRechecked, Mutant::WithdrawOverwrites, Mutant::LoserStaysInLine];
    check("two_senders_to_a_select", &mutants, || two_senders(RENDEZVOUS));
}

#[test]
fn two_senders_to_a_select_of_queues() {
    let mutants = [Mutant::EnlistNotRechecked, Mutant::LoserStaysInLine];
    check("two_senders_to_a_select_of_queues", &mutants, || two_senders(ONE));
}

/// One channel is closed while something is sent on the other.
fn against_close(capacity: Capacity) {
    let tally = Tally::new(1);
    let ((to_one, one), (to_other, other)) = (channel(capacity), channel(capacity));
    let closing = thread::spawn(move || to_one.close());
    let own = tally.clone();
    let sending = thread::spawn(move || {
        let sent = to_other.try_send(own.value(0)).is_ok();
        (sent, to_other)
    });
    let (mut from_one, mut from_other) = (recv_case(&one), recv_case(&other));
    // It may be claimed in the first line when it finds the second channel closed.
    let received = match choose_biased(&mut [&mut from_other, &mut from_one], Wait::Forever) {
        Some(0) => from_other.finish().is_ok(),
        _ => from_one.finish().is_ok(),
    };
    assert!(closing.join().unwrap());
    let (sent, to_other) = sending.join().unwrap();
    check_left(&one, 0);
    check_left(&other, usize::from(sent) - usize::from(received));
    drop((to_other, other));
    tally.check();
}

#[test]
fn select_against_close() {
    let mutants = [
        Mutant::CloseSkipsReceivers,
        Mutant::EnlistNotRechecked,
        Mutant::WithdrawOverwrites,
        Mutant::LoserStaysInLine,
    ];
    check("select_against_close", &mutants, || against_close(RENDEZVOUS));
}

#[test]
fn select_of_queues_against_close() {
    let mutants = [Mutant::EnlistNotRechecked, Mutant::WithdrawOverwrites];
    check("select_of_queues_against_close", &mutants, || against_close(ONE));
}

/// Its time is up while it is claimed.
#[test]
fn claim_against_timeout() {
    check("claim_against_timeout", &[Mutant::ClaimTwice, Mutant::LoserStaysInLine], || {
        let tally = Tally::new(2);
        let ((to_one, one), (to_other, other)) = (channel(RENDEZVOUS), channel(RENDEZVOUS));
        let sending = [(to_one, 0), (to_other, 1)].map(|(sender, number)| {
            let own = tally.clone();
            thread::spawn(move || (sender.try_send(own.value(number)).is_ok(), sender).0)
        });
        let (mut from_one, mut from_other) = (recv_case(&one), recv_case(&other));
        let chosen = choose(&mut [&mut from_one, &mut from_other], Wait::Until(Instant::now()));
        let received = match chosen {
            Some(0) => from_one.finish().is_ok(),
            Some(_) => from_other.finish().is_ok(),
            None => false,
        };
        let sent = sending.map(|thread| thread.join().unwrap());
        let sent = sent.into_iter().filter(|sent| *sent).count();
        assert_eq!(sent, usize::from(received));
        check_left(&one, 0);
        check_left(&other, 0);
        tally.check();
    });
}

/// A green thread that selects is ended by a shutdown while the other side of one case comes.
fn against_cancel(comes: fn(&Sender<Value>, Value, &Receiver<Value>) -> bool) {
    let tally = Tally::new(2);
    let ((to_there, there), (to_here, here)) = (channel(RENDEZVOUS), channel(RENDEZVOUS));
    let (to, from, values) = (to_there.clone(), here.clone(), [0, 1].map(|i| tally.value(i)));
    let [own, other] = values;
    let [selected, came] = channel::against_cancel(
        move || (drop(send_or_recv(&to, own, &from)), true).1,
        || comes(&to_here, other, &there),
    );
    assert_eq!(selected, came);
    check_left(&there, 0);
    check_left(&here, 0);
    tally.check();
    // Its end would have emptied the line.
    drop(to_there);
}

#[test]
fn a_select_that_receives_against_cancel() {
    let mutants = [Mutant::ClaimTwice, Mutant::LoserStaysInLine];
    check("a_select_that_receives_against_cancel", &mutants, || {
        against_cancel(|to, value, _| to.try_send(value).is_ok());
    });
}

#[test]
fn a_select_that_sends_against_cancel() {
    let mutants = [Mutant::ClaimTwice, Mutant::LoserStaysInLine];
    check("a_select_that_sends_against_cancel", &mutants, || {
        against_cancel(|_, value, from| (from.try_recv().is_ok(), drop(value)).0);
    });
}
