//! `Select::ready`: those that watch a channel are told when they need not wait.
#![cfg(sward_loom)]

use loom::thread;
use sward_chan::Select;
use sward_loom_tests::channel::{Capacity, channel, check_left};
use sward_loom_tests::task::poll_once;
use sward_loom_tests::{Tally, check};
use sward_sched::primitive::Mutant;

const RENDEZVOUS: Capacity = Some(0);
const ONE: Capacity = Some(1);

/// Somebody watches for a value, and for the end.
fn ready_to_receive(capacity: Capacity) {
    let tally = Tally::new(1);
    let (sender, receiver) = channel(capacity);
    let own = tally.clone();
    let sending = thread::spawn(move || {
        sender.send(own.value(0)).expect("there is a receiver");
        sender
    });
    let mut select = Select::new();
    select.recv(&receiver);
    select.ready();
    assert!(receiver.try_recv().is_ok());
    let sender = sending.join().unwrap();
    let going = thread::spawn(move || drop(sender));
    select.ready();
    assert!(receiver.try_recv().is_err_and(|error| error.is_disconnected()));
    going.join().unwrap();
    check_left(&receiver, 0);
    tally.check();
}

#[test]
fn ready_against_a_send() {
    let mutants = [Mutant::WatchersNotTold, Mutant::CloseSkipsWatchers, Mutant::EnlistNotRechecked];
    check("ready_against_a_send", &mutants, || ready_to_receive(ONE));
}

#[test]
fn ready_against_a_sender_that_waits() {
    let mutants = [Mutant::WatchersNotTold, Mutant::CloseSkipsWatchers];
    check("ready_against_a_sender_that_waits", &mutants, || ready_to_receive(RENDEZVOUS));
}

/// Somebody watches for a value, which a task is told of that does not come for it.
#[test]
fn ready_beside_a_task() {
    check("ready_beside_a_task", &[Mutant::TaskToldAlone, Mutant::EnlistNotRechecked], || {
        let tally = Tally::new(1);
        let (sender, receiver) = channel(RENDEZVOUS);
        let mut future = Box::pin(receiver.recv_async());
        assert!(poll_once(future.as_mut()).is_pending());
        let own = receiver.clone();
        let watching = thread::spawn(move || {
            let mut select = Select::new();
            select.recv(&own);
            select.ready();
            own.try_recv().is_ok()
        });
        assert!(sender.try_send(tally.value(0)).is_ok());
        assert!(watching.join().unwrap());
        drop(future);
        check_left(&receiver, 0);
        tally.check();
    });
}

/// Somebody watches for room.
#[test]
fn ready_against_a_receive() {
    check("ready_against_a_receive", &[Mutant::WatchersNotTold], || {
        let tally = Tally::new(2);
        let (sender, receiver) = channel(ONE);
        assert!(sender.try_send(tally.value(0)).is_ok());
        let own = receiver.clone();
        let receiving = thread::spawn(move || own.recv().is_ok());
        let mut select = Select::new();
        select.send(&sender);
        select.ready();
        assert!(sender.try_send(tally.value(1)).is_ok());
        assert!(receiving.join().unwrap());
        check_left(&receiver, 1);
        drop(receiver);
        tally.check();
    });
}
