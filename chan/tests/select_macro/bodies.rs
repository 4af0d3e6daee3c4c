//! What bodies may do, and what their values are.

use std::panic::catch_unwind;
use std::time::Duration;

use sward_chan::{Receiver, RecvError, select, select_biased, unbounded};

use crate::{Loud, log, logged};

#[test]
fn their_types_meet_as_in_a_match() {
    let (sender, receiver) = unbounded();
    let text = || {
        select_biased! {
            recv(receiver) -> _ => "received".into(),
            send(sender, 0) -> _ => "sent".to_owned(),
        }
    };
    assert_eq!([text(), text()], ["sent", "received"]);
    let shape: Box<dyn Fn(i32) -> i32> = select! {
        recv(receiver) -> value => Box::new(move |n| n + value.unwrap()),
        default => Box::new(|n| n),
    };
    assert_eq!(shape(1), 1);
    let function: fn() -> i32 = select! {
        recv(receiver) -> _ => || 1,
        default => || 2,
    };
    assert_eq!(function(), 2);
}

#[test]
fn may_move_and_change_what_the_operands_borrowed() {
    let (sender, receiver) = unbounded();
    sender.send(1).unwrap();
    select! {
        recv(receiver) -> _ => drop(receiver),
        default => unreachable!(),
    }

    let (sender, mut receiver) = unbounded();
    sender.send(1).unwrap();
    for round in 1..4 {
        let (next, next_receiver) = unbounded();
        next.send(round + 1).unwrap();
        receiver = select! {
            recv(receiver) -> value => {
                assert_eq!(value, Ok(round));
                next_receiver
            }
        };
    }
    let mut sender = Some(sender);
    while let Some(open) = &sender {
        select! {
            send(open, 1) -> sent => {
                assert!(sent.is_err());
                sender = None;
            }
        }
    }
}

#[test]
fn each_may_use_up_the_same_value() {
    let (sender, receiver) = unbounded();
    let once = String::from("once");
    select! {
        send(sender, 0) -> _ => drop(once),
        recv(receiver) -> _ => drop(once),
        default => drop(once),
    }
}

#[test]
fn may_leave_the_select_and_what_is_around_it() {
    fn first(receiver: &Receiver<i32>) -> Result<i32, RecvError> {
        let value = select! {
            recv(receiver) -> value => value?,
            default(Duration::ZERO) => return Ok(0),
        };
        Ok(value)
    }
    let (sender, receiver) = unbounded();
    assert_eq!(first(&receiver), Ok(0));
    sender.send(1).unwrap();
    assert_eq!(first(&receiver), Ok(1));

    (1..=4).for_each(|n| sender.send(n).unwrap());
    let mut sum = 0;
    let last = 'outer: loop {
        for _ in 0..10 {
            select! {
                recv(receiver) -> value => match value.unwrap() {
                    1 => continue,
                    2 | 3 => sum += 1,
                    n => break 'outer n,
                },
                default => unreachable!(),
            }
            sum += 10;
        }
    };
    drop(sender);
    assert_eq!(first(&receiver), Err(RecvError));
    assert_eq!((sum, last), (22, 4));
}

#[test]
fn hold_another_select() {
    let (sender, receiver) = unbounded();
    let value = select! {
        send(sender, 0) -> sent => {
            sent.unwrap();
            select! {
                recv(receiver) -> value => select! {
                    send(sender, value.unwrap() + 1) -> _ => {
                        select! {
                            recv(receiver) -> value => select! { default => value },
                        }
                    }
                },
            }
        }
    };
    assert_eq!(value, Ok(1));
}

#[test]
fn a_result_that_is_not_taken_is_dropped_after_the_body() {
    let (sender, receiver) = unbounded();
    sender.send(Loud("value")).unwrap();
    sender.send(Loud("value")).unwrap();
    select! {
        recv(receiver) -> _ => log("body", ()),
    }
    assert_eq!(logged(), ["body", "value"]);
    select! {
        recv(receiver) -> value => {
            drop(value);
            log("body", ());
        }
    }
    assert_eq!(logged(), ["value", "body"]);
}

#[test]
fn may_all_diverge() {
    fn never(receiver: &Receiver<i32>) -> ! {
        select! {
            recv(receiver) -> _ => panic!("closed"),
            default => panic!("empty"),
        }
    }
    let (sender, receiver) = unbounded();
    let panic = || catch_unwind(|| never(&receiver)).unwrap_err().downcast_ref().copied();
    assert_eq!(panic(), Some("empty"));
    drop(sender);
    assert_eq!(panic(), Some("closed"));
}
