//! Selected senders, whose value comes later: what they were granted is used or given back, and
//! whoever was kept waiting for it is not forgotten.
#![cfg(sward_loom)]

use std::pin::Pin;
use std::time::Instant;

use loom::sync::mpsc;
use loom::thread;
use sward_chan::internal::{Wait, choose, send_case};
use sward_chan::{Receiver, RecvFuture, Select, SelectedOperation, Sender};
use sward_loom_tests::channel::{Capacity, abandon, channel, check_left, receiving, sending};
use sward_loom_tests::task::{block_on, finish, poll_once};
use sward_loom_tests::{Tally, Value, check};
use sward_sched::primitive::Mutant;

const RENDEZVOUS: Capacity = Some(0);
const ONE: Capacity = Some(1);

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

/// The only room was granted; a select waits to send, where a receiver stands whose time is up.
#[test]
fn room_is_given_back_beside_one_that_has_gone() {
    let mutants = [Mutant::GrantNotSettled];
    check("room_is_given_back_beside_one_that_has_gone", &mutants, || {
        let tally = Tally::new(1);
        let (sender, receiver) = channel(ONE);
        let ((tells, selected), (allows, may_give_back)) = (mpsc::channel(), mpsc::channel());
        let own = sender.clone();
        let giving_back = thread::spawn(move || {
            let operation = select_send(&own);
            tells.send(()).unwrap();
            may_give_back.recv().unwrap();
            abandon(operation);
        });
        selected.recv().unwrap();
        allows.send(()).unwrap();
        let own = receiver.clone();
        let fleeting = thread::spawn(move || own.recv_deadline(Instant::now()).is_ok());
        let mut sends = send_case(&sender, tally.value(0));
        choose(&mut [&mut sends], Wait::Forever);
        assert!(sends.finish().is_ok());
        giving_back.join().unwrap();
        let received = fleeting.join().unwrap();
        check_left(&receiver, usize::from(!received));
        drop(receiver);
        tally.check();
    });
}

/// A task waits, and a selected sender has room for what it will send. A thread receives, another
/// sends: two values for two.
fn beside_a_grant(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let mut future = in_line(&receiver);
    let selected = select_send(&sender);
    let (receiving, sending) = (receiving(&receiver), sending(&sender, &tally, 0));
    selected.send(&sender, tally.value(1)).expect("there is a receiver");
    assert!(finish(future.as_mut()).is_ok());
    assert!(receiving.join().unwrap());
    assert!(sending.join().unwrap());
    check_left(&receiver, 0);
    drop(future);
    tally.check();
}

#[test]
fn two_senders_to_a_task_and_a_thread() {
    let mutants = [Mutant::GrantedUndelivered];
    check("two_senders_to_a_task_and_a_thread", &mutants, || beside_a_grant(RENDEZVOUS));
}

#[test]
fn two_senders_to_a_task_and_a_thread_by_queue() {
    let mutants = [Mutant::GrantedUndelivered];
    check("two_senders_to_a_task_and_a_thread_by_queue", &mutants, || beside_a_grant(ONE));
}

/// The task goes, and the grant is used only when the others have met: it keeps nobody waiting.
fn used_late(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let future = in_line(&receiver);
    let selected = select_send(&sender);
    let (receiving, sending) = (receiving(&receiver), sending(&sender, &tally, 0));
    drop(future);
    assert!(receiving.join().unwrap());
    assert!(sending.join().unwrap());
    selected.send(&sender, tally.value(1)).expect("there is a receiver");
    // It waits in the channel, if need be beyond the capacity.
    check_left(&receiver, 1);
    assert!(receiver.try_recv().is_ok());
    tally.check();
}

#[test]
fn a_grant_of_a_rendezvous_is_used_late() {
    let mutants = [Mutant::ToldTaskKeepsQuiet];
    check("a_grant_of_a_rendezvous_is_used_late", &mutants, || used_late(RENDEZVOUS));
}

#[test]
fn a_grant_of_a_queue_is_used_late() {
    check("a_grant_of_a_queue_is_used_late", &[Mutant::ToldTaskKeepsQuiet], || used_late(ONE));
}

/// A selected sender waits until another has sent, which may stand behind it in line.
#[test]
fn those_with_a_value_go_first() {
    check("those_with_a_value_go_first", &[Mutant::SelectedSenderFirst], || {
        let tally = Tally::new(2);
        let (sender, receiver) = channel(RENDEZVOUS);
        let sending = sending(&sender, &tally, 0);
        let own = tally.clone();
        let selecting = thread::spawn(move || {
            let selected = select_send(&sender);
            assert!(sending.join().unwrap());
            selected.send(&sender, own.value(1)).expect("there is a receiver");
            // Its end is not what the receiver sees.
            sender
        });
        for _ in 0..2 {
            assert!(block_on(receiver.recv_async()).is_ok());
        }
        drop(selecting.join().unwrap());
        check_left(&receiver, 0);
        tally.check();
    });
}

/// Two selected senders and one task: if the first gives its grant back, the second gets one.
#[test]
fn the_second_selected_sender() {
    check("the_second_selected_sender", &[Mutant::SecondNotGranted], || {
        let tally = Tally::new(1);
        let (sender, receiver) = channel(RENDEZVOUS);
        let (own, first) = (tally.clone(), sender.clone());
        let giving_back = thread::spawn(move || abandon(select_send(&first)));
        let second = sender.clone();
        let using = thread::spawn(move || {
            select_send(&second).send(&second, own.value(0)).expect("there is a receiver");
        });
        assert!(block_on(receiver.recv_async()).is_ok());
        // The first may wait for another receiver.
        sender.close();
        giving_back.join().unwrap();
        using.join().unwrap();
        check_left(&receiver, 0);
        tally.check();
    });
}

/// A task was told of a value, and a thread receives. What a selected sender has for it comes after
/// that value.
#[test]
fn a_value_goes_before_a_grant() {
    check("a_value_goes_before_a_grant", &[Mutant::PartnerPassesValues], || {
        let tally = Tally::new(2);
        let (sender, receiver) = channel(ONE);
        let mut future = in_line(&receiver);
        let own = receiver.clone();
        let receiving = thread::spawn(move || own.recv().map(|value| value.number));
        assert!(sender.try_send(tally.value(0)).is_ok());
        let selected = select_send(&sender);
        selected.send(&sender, tally.value(1)).expect("there is a receiver");
        assert_eq!(receiving.join().unwrap(), Ok(0));
        assert!(finish(future.as_mut()).is_ok_and(|value| value.number == 1));
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
