//! `select!` through the facade: by its name there, and on green threads.

use std::time::Duration;

use sward::time::Timer;
use sward::{chan, go, select, select_biased};

#[sward::test]
fn under_both_of_its_names() {
    let (sender, receiver) = chan::unbounded();
    select! {
        send(sender, 1) -> sent => sent.unwrap(),
    }
    let received = chan::select! {
        recv(receiver) -> value => value,
        default => Ok(0),
    };
    assert_eq!(received, Ok(1));
    assert!(select_biased!(default => true));
    assert!(chan::select_biased!(default => true));
}

#[sward::test(workers = 1)]
fn waits_for_threads_and_timers() {
    let (sender, receiver) = chan::bounded(1);
    let mut adder = go!(move || receiver.iter().sum::<i32>());
    let mut limit = Timer::after(Duration::from_secs(3600));
    let mut sender = Some(sender);
    for n in 1..=3 {
        select! {
            send(sender.as_ref().unwrap(), n) -> sent => sent.unwrap(),
            join(adder) -> _ => unreachable!("there is a sender"),
            wait(limit) => unreachable!(),
        }
    }
    drop(sender.take());
    select! {
        join(adder) -> sum => assert_eq!(sum.unwrap(), 6),
        wait(limit) => unreachable!(),
    }
}

#[test]
fn in_the_value_of_go() {
    let (sender, receiver) = chan::unbounded();
    let first = go!(move || select! {
        recv(receiver) -> value => value.unwrap(),
        default(Duration::from_secs(3600)) => 0,
    });
    sender.send(7).unwrap();
    assert_eq!(first.join().unwrap(), 7);
}
