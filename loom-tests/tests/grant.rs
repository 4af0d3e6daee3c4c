//! Selected senders, whose value comes later: what they were granted is used or given back, and
//! whoever was kept waiting for it is not forgotten.
#![cfg(sward_loom)]

use std::pin::Pin;
use std::time::Instant;

use loom::thread;
use sward_chan::{Receiver, RecvFuture, Select, SelectedOperation, Sender};
use sward_loom_tests::channel::{Capacity, abandon, channel, check_left, receiving, sending};
use sward_loom_tests::task::{finish, poll_once};
use sward_loom_tests::{Tally, Value, check};
use sward_sched::primitive::Mutant;

const RENDEZVOUS: Capacity = Some(0);
const ONE: Capacity = Some(1);
const TWO: Capacity = Some(2);

fn in_line(receiver: &Receiver<Value>) -> Pin<Box<RecvFuture<'_, Value>>> {
    let mut future = Box::pin(receiver.recv_async());
    assert!(poll_once(future.as_mut()).is_pending());
    future
}

fn select_send(sender: &Sender<Value>) -> SelectedOperation<'_> {
    let mut select = Select::new();
    select.send(sender);
    select.select()
}

/// A selected sender meets a thread that receives, and another that gives up.
fn used(capacity: Capacity) {
    let tally = Tally::new(1);
    let (sender, receiver) = channel(capacity);
    let own = receiver.clone();
    let fleeting = thread::spawn(move || own.recv_deadline(Instant::now()).is_ok());
    let own = tally.clone();
    let selecting = thread::spawn(move || {
        select_send(&sender).send(&sender, own.value(0)).expect("there is a receiver");
    });
    let received = receiver.recv().is_ok();
    assert!(fleeting.join().unwrap() != received);
    selecting.join().unwrap();
    check_left(&receiver, 0);
    tally.check();
}

#[test]
fn a_selected_sender_of_a_rendezvous() {
    check("a_selected_sender_of_a_rendezvous", &[Mutant::EnlistNotRechecked], || used(RENDEZVOUS));
}

#[test]
fn a_selected_sender_of_a_queue() {
    check("a_selected_sender_of_a_queue", &[Mutant::ClaimTwice], || used(ONE));
}

/// Two threads receive, and one value is sent. A selected sender comes and gives its grant back.
fn given_back(capacity: Capacity) {
    let tally = Tally::new(1);
    let (sender, receiver) = channel(capacity);
    let (receiving, own) = (receiving(&receiver), sender.clone());
    let selecting = thread::spawn(move || abandon(select_send(&own)));
    sender.send(tally.value(0)).expect("there is a receiver");
    assert!(receiving.join().unwrap());
    // The selected one may have to wait for a receiver.
    drop(receiver.recv_deadline(Instant::now()));
    sender.close();
    selecting.join().unwrap();
    check_left(&receiver, 0);
    tally.check();
}

#[test]
fn a_grant_of_a_rendezvous_is_given_back() {
    let mutants = [Mutant::PartnerNotReleased];
    check("a_grant_of_a_rendezvous_is_given_back", &mutants, || given_back(RENDEZVOUS));
}

#[test]
fn a_grant_of_a_queue_is_given_back() {
    let mutants = [Mutant::PartnerNotReleased];
    check("a_grant_of_a_queue_is_given_back", &mutants, || given_back(ONE));
}

/// The only room was granted; another sender waits until it is given back.
#[test]
fn room_is_given_back() {
    check("room_is_given_back", &[Mutant::GrantNotSettled], || {
        let tally = Tally::new(1);
        let (sender, receiver) = channel(ONE);
        let selected = select_send(&sender);
        let sending = sending(&sender, &tally, 0);
        abandon(selected);
        assert!(sending.join().unwrap());
        check_left(&receiver, 1);
        drop(receiver);
        tally.check();
    });
}

/// A task waits, and a selected sender was promised to it. Another receiver and another sender
/// come; the task may go; and then the grant is used, or given back.
fn promised(capacity: Capacity, goes: bool, is_used: bool) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let mut future = Some(in_line(&receiver));
    let selected = select_send(&sender);
    let (receiving, sending) = (receiving(&receiver), sending(&sender, &tally, 0));
    if goes {
        future = None;
    }
    let instead = if is_used {
        selected.send(&sender, tally.value(1)).expect("there is a receiver");
        None
    } else {
        abandon(selected);
        Some(tally.value(1))
    };
    // Without the task there is nobody to receive it.
    let instead = instead.filter(|_| !goes).map(|value| {
        let sender = sender.clone();
        thread::spawn(move || sender.send(value).is_ok())
    });
    match &mut future {
        Some(future) => assert!(finish(future.as_mut()).is_ok()),
        None if is_used => assert!(receiver.recv().is_ok()),
        None => {}
    }
    for thread in [Some(receiving), Some(sending), instead].into_iter().flatten() {
        assert!(thread.join().unwrap());
    }
    check_left(&receiver, 0);
    drop(future);
    tally.check();
}

#[test]
fn a_promise_of_a_rendezvous_is_kept() {
    let mutants = [Mutant::GrantNotSettled, Mutant::SettleOverlooksThreads];
    check("a_promise_of_a_rendezvous_is_kept", &mutants, || promised(RENDEZVOUS, false, true));
}

#[test]
fn a_promise_of_a_queue_is_kept() {
    let mutants = [Mutant::GrantNotSettled, Mutant::SettleOverlooksThreads];
    check("a_promise_of_a_queue_is_kept", &mutants, || promised(ONE, false, true));
}

#[test]
fn a_promise_of_a_rendezvous_is_given_back() {
    let mutants = [Mutant::GrantNotSettled];
    check("a_promise_of_a_rendezvous_is_given_back", &mutants, || {
        promised(RENDEZVOUS, false, false);
    });
}

#[test]
fn a_promise_of_a_queue_is_given_back() {
    let mutants = [Mutant::GrantNotSettled];
    check("a_promise_of_a_queue_is_given_back", &mutants, || promised(ONE, false, false));
}

#[test]
fn a_promise_of_a_rendezvous_to_one_that_goes_is_kept() {
    let mutants = [Mutant::DoneRelaxed];
    check("a_promise_of_a_rendezvous_to_one_that_goes_is_kept", &mutants, || {
        promised(RENDEZVOUS, true, true);
    });
}

#[test]
fn a_promise_of_a_queue_to_one_that_goes_is_kept() {
    let mutants = [Mutant::DoneRelaxed];
    check("a_promise_of_a_queue_to_one_that_goes_is_kept", &mutants, || promised(ONE, true, true));
}

#[test]
fn a_promise_of_a_rendezvous_to_one_that_goes_is_given_back() {
    let mutants = [Mutant::GrantNotSettled];
    check("a_promise_of_a_rendezvous_to_one_that_goes_is_given_back", &mutants, || {
        promised(RENDEZVOUS, true, false);
    });
}

#[test]
fn a_promise_of_a_queue_to_one_that_goes_is_given_back() {
    let mutants = [Mutant::GrantNotSettled];
    check("a_promise_of_a_queue_to_one_that_goes_is_given_back", &mutants, || {
        promised(ONE, true, false);
    });
}

/// Two tasks wait, and a thread behind them. The first is told of a value, a selected sender was
/// promised to the second, and another sender comes: three values for three.
#[test]
fn a_promise_beside_a_value() {
    check("a_promise_beside_a_value", &[Mutant::RefillPassesReceivers], || {
        let tally = Tally::new(3);
        let (sender, receiver) = channel(TWO);
        let (mut first, mut second) = (in_line(&receiver), in_line(&receiver));
        let receiving = receiving(&receiver);
        assert!(sender.try_send(tally.value(0)).is_ok());
        let selected = select_send(&sender);
        let sending = sending(&sender, &tally, 1);
        assert!(finish(first.as_mut()).is_ok());
        selected.send(&sender, tally.value(2)).expect("there is a receiver");
        assert!(finish(second.as_mut()).is_ok());
        assert!(receiving.join().unwrap());
        assert!(sending.join().unwrap());
        check_left(&receiver, 0);
        drop((first, second));
        tally.check();
    });
}

/// The task goes, and the grant is used only when the others have met.
#[test]
fn a_promise_that_is_kept_late() {
    check("a_promise_that_is_kept_late", &[Mutant::TaskGoesUnsettled], || {
        let tally = Tally::new(2);
        let (sender, receiver) = channel(RENDEZVOUS);
        let future = in_line(&receiver);
        let selected = select_send(&sender);
        let (receiving, sending) = (receiving(&receiver), sending(&sender, &tally, 0));
        drop(future);
        assert!(receiving.join().unwrap());
        assert!(sending.join().unwrap());
        selected.send(&sender, tally.value(1)).expect("there is a receiver");
        assert!(receiver.recv().is_ok());
        check_left(&receiver, 0);
        tally.check();
    });
}

/// What a task was promised is not given to it by another.
#[test]
fn a_promise_against_a_send() {
    check("a_promise_against_a_send", &[Mutant::PromiseToTaskIgnored], || {
        let tally = Tally::new(2);
        let (sender, receiver) = channel(RENDEZVOUS);
        let mut future = in_line(&receiver);
        let selected = select_send(&sender);
        let (to, own) = (sender.clone(), tally.clone());
        let sending = thread::spawn(move || to.try_send(own.value(0)).is_ok());
        selected.send(&sender, tally.value(1)).expect("there is a receiver");
        assert!(finish(future.as_mut()).is_ok());
        assert!(!sending.join().unwrap());
        check_left(&receiver, 0);
        drop(future);
        tally.check();
    });
}

/// A selected receiver gives its value back while another comes for it.
#[test]
fn a_value_is_put_back() {
    check("a_value_is_put_back", &[Mutant::ToldTaskKeepsQuiet], || {
        let tally = Tally::new(1);
        let (sender, receiver) = channel(ONE);
        let sending = sending(&sender, &tally, 0);
        let receiving = receiving(&receiver);
        let mut select = Select::new();
        select.recv(&receiver);
        if let Ok(selected) = select.try_select() {
            abandon(selected);
        }
        assert!(receiving.join().unwrap());
        assert!(sending.join().unwrap());
        check_left(&receiver, 0);
        tally.check();
    });
}
