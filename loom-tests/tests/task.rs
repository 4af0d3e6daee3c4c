//! Tasks in line, which may go away at any time.
#![cfg(sward_loom)]

use std::pin::pin;

use loom::thread;
use sward_loom_tests::channel::{Capacity, channel, check_left, receiving, sending};
use sward_loom_tests::task::{block_on, finish, poll_once};
use sward_loom_tests::{Tally, check};
use sward_sched::primitive::Mutant;

const RENDEZVOUS: Capacity = Some(0);
const ONE: Capacity = Some(1);
const UNBOUNDED: Capacity = None;

/// Two tasks receive, and one thread sends twice.
fn two_tasks(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let mut first = Box::pin(receiver.recv_async());
    assert!(poll_once(first.as_mut()).is_pending());
    let (own, other) = (tally.clone(), receiver.clone());
    let sending = thread::spawn(move || {
        (0..2).for_each(|i| sender.send(own.value(i)).expect("there is a receiver"));
        sender
    });
    let receiving = thread::spawn(move || block_on(other.recv_async()).is_ok());
    assert!(finish(first.as_mut()).is_ok());
    assert!(receiving.join().unwrap());
    drop(sending.join().unwrap());
    check_left(&receiver, 0);
    drop(first);
    tally.check();
}

#[test]
fn two_tasks_of_a_rendezvous() {
    check("two_tasks_of_a_rendezvous", &[Mutant::WakerNotReplaced], || two_tasks(RENDEZVOUS));
}

#[test]
fn two_tasks_of_a_queue() {
    check("two_tasks_of_a_queue", &[Mutant::WakerNotReplaced], || two_tasks(ONE));
}

#[test]
fn two_tasks_of_an_unbounded_queue() {
    check("two_tasks_of_an_unbounded_queue", &[Mutant::WakerNotReplaced], || two_tasks(UNBOUNDED));
}

/// Tasks at either end; the one that sends closes.
fn task_to_task(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let own = tally.clone();
    let sending = thread::spawn(move || {
        let mut first = pin!(sender.send_async(own.value(0)));
        if poll_once(first.as_mut()).is_pending() {
            finish(first).expect("there is a receiver");
        }
        block_on(sender.send_async(own.value(1))).expect("there is a receiver");
        sender.close();
    });
    let mut received = 0;
    while block_on(receiver.recv_async()).is_ok() {
        received += 1;
    }
    assert_eq!(received, 2);
    sending.join().unwrap();
    check_left(&receiver, 0);
    tally.check();
}

#[test]
fn task_to_task_by_rendezvous() {
    let mutants = [Mutant::WakerNotReplaced, Mutant::CloseSkipsReceivers];
    check("task_to_task_by_rendezvous", &mutants, || task_to_task(RENDEZVOUS));
}

#[test]
fn task_to_task_by_queue() {
    let mutants = [Mutant::CloseSkipsReceivers];
    check("task_to_task_by_queue", &mutants, || task_to_task(ONE));
}

/// A future goes away while a value is sent, and another waits behind it.
fn dropped_receiver(capacity: Capacity) {
    let tally = Tally::new(1);
    let (sender, receiver) = channel(capacity);
    let mut future = Box::pin(receiver.recv_async());
    assert!(poll_once(future.as_mut()).is_pending());
    let receiving = receiving(&receiver);
    let sending = sending(&sender, &tally, 0);
    drop(future);
    assert!(receiving.join().unwrap());
    assert!(sending.join().unwrap());
    check_left(&receiver, 0);
    tally.check();
}

#[test]
fn a_dropped_receiver_of_a_rendezvous() {
    let mutants = [Mutant::ToldTaskKeepsQuiet];
    check("a_dropped_receiver_of_a_rendezvous", &mutants, || dropped_receiver(RENDEZVOUS));
}

#[test]
fn a_dropped_receiver_of_a_queue() {
    let mutants = [Mutant::ToldTaskKeepsQuiet];
    check("a_dropped_receiver_of_a_queue", &mutants, || dropped_receiver(ONE));
}

#[test]
fn a_dropped_receiver_of_an_unbounded_queue() {
    let mutants = [Mutant::ToldTaskKeepsQuiet];
    check("a_dropped_receiver_of_an_unbounded_queue", &mutants, || dropped_receiver(UNBOUNDED));
}

/// A future is forgotten. What was meant for it stays, for whoever comes next.
fn forgotten_receiver(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let mut future = Box::pin(receiver.recv_async());
    assert!(poll_once(future.as_mut()).is_pending());
    std::mem::forget(future);
    let receiving = receiving(&receiver);
    let own = tally.clone();
    let sending =
        thread::spawn(move || (0..2).filter(|i| sender.send(own.value(*i)).is_ok()).count());
    assert!(receiving.join().unwrap());
    assert!(receiver.recv().is_ok());
    assert_eq!(sending.join().unwrap(), 2);
    check_left(&receiver, 0);
    tally.check();
}

#[test]
fn a_forgotten_receiver_of_a_rendezvous() {
    check("a_forgotten_receiver_of_a_rendezvous", &[Mutant::DoneRelaxed], || {
        forgotten_receiver(RENDEZVOUS)
    });
}

#[test]
fn a_forgotten_receiver_of_a_queue() {
    check("a_forgotten_receiver_of_a_queue", &[Mutant::DoneRelaxed], || forgotten_receiver(ONE));
}

/// A future that waits for room goes away, or is forgotten, while two receive.
fn lost_sender(capacity: Capacity, is_forgotten: bool) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    // It fills the queue; or comes back.
    let queued = usize::from(sender.try_send(tally.value(0)).is_ok());
    let mut future = Box::pin(sender.send_async(tally.value(1)));
    assert!(poll_once(future.as_mut()).is_pending());
    let receiving = [receiving(&receiver), receiving(&receiver)];
    if is_forgotten {
        std::mem::forget(future);
    } else {
        drop(future);
    }
    sender.close();
    let received = receiving.map(|thread| thread.join().unwrap());
    let received = received.into_iter().filter(|received| *received).count();
    assert!((queued..=queued + 1).contains(&received));
    check_left(&receiver, 0);
    // What is forgotten before it is received is not dropped.
    if !is_forgotten || received > queued {
        tally.check();
    }
}

#[test]
fn a_dropped_sender_to_a_rendezvous() {
    check("a_dropped_sender_to_a_rendezvous", &[Mutant::WaiterNotUnlinked], || {
        lost_sender(RENDEZVOUS, false)
    });
}

#[test]
fn a_dropped_sender_to_a_queue() {
    check("a_dropped_sender_to_a_queue", &[Mutant::WaiterNotUnlinked], || lost_sender(ONE, false));
}

#[test]
fn a_forgotten_sender_to_a_rendezvous() {
    let mutants = [Mutant::CloseSkipsReceivers];
    check("a_forgotten_sender_to_a_rendezvous", &mutants, || lost_sender(RENDEZVOUS, true));
}
