//! Which expressions operands can be, and when they are evaluated and dropped.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sward_chan::{Receiver, RecvError, Sender, bounded, select, select_biased, unbounded};

use crate::{Loud, log, logged};

#[test]
fn channels_as_they_are_or_behind_whatever_dereferences_to_them() {
    struct Ends {
        sender: Sender<i32>,
        receiver: Receiver<i32>,
    }
    struct Wrapper<T>(T);
    impl<T> Deref for Wrapper<T> {
        type Target = T;
        fn deref(&self) -> &T {
            &self.0
        }
    }

    let (sender, receiver) = unbounded();
    let mut ends = Ends { sender: sender.clone(), receiver: receiver.clone() };
    let boxed = (Box::new(sender.clone()), Box::new(receiver.clone()));
    let counted = (Arc::new(sender.clone()), Arc::new(receiver.clone()));
    let wrapped = (Wrapper(sender.clone()), Wrapper(&receiver));
    let cells = (RefCell::new(sender.clone()), RefCell::new(receiver.clone()));
    let list = ([sender.clone()], vec![receiver.clone()]);
    let some = (Some(&sender), Some(&receiver));
    let other = unbounded::<i32>();
    for round in 0..2 {
        let mutable = &mut ends;
        select! {
            send(sender, 0) -> sent => assert!(sent.is_ok()),
            recv(receiver) -> value => assert_eq!(value, Ok(0)),
            send(&&&&sender, 0) -> sent => assert!(sent.is_ok()),
            recv(&&&&receiver) -> value => assert_eq!(value, Ok(0)),
            send(mutable.sender, 0) -> sent => assert!(sent.is_ok()),
            recv(&mutable.receiver) -> value => assert_eq!(value, Ok(0)),
            send(*boxed.0, 0) -> sent => assert!(sent.is_ok()),
            recv(boxed.1) -> value => assert_eq!(value, Ok(0)),
            send(counted.0, 0) -> sent => assert!(sent.is_ok()),
            recv(&counted.1) -> value => assert_eq!(value, Ok(0)),
            send(wrapped.0, 0) -> sent => assert!(sent.is_ok()),
            recv(wrapped.1) -> value => assert_eq!(value, Ok(0)),
            send(cells.0.borrow_mut(), 0) -> sent => assert!(sent.is_ok()),
            recv(*cells.1.borrow_mut()) -> value => assert_eq!(value, Ok(0)),
            send(list.0[0], 0) -> sent => assert!(sent.is_ok()),
            recv(list.1[0]) -> value => assert_eq!(value, Ok(0)),
            send(some.0.unwrap(), 0) -> sent => assert!(sent.is_ok()),
            recv(some.1.unwrap_or(&unbounded().1)) -> value => assert_eq!(value, Ok(0)),
            send(sender.clone(), 0) -> sent => assert!(sent.is_ok()),
            recv(receiver.clone()) -> value => assert_eq!(value, Ok(0)),
            recv(if round == 0 { &receiver } else { &other.1 }) -> _ => {},
            send(match round { 0 => &sender, _ => &other.0 }, 0) -> _ => {}
            recv({ &other.1 }) -> _ => {}
        }
    }
    // Those that can be had once.
    let once = (|| sender, || receiver);
    select! {
        send((once.0)(), 0) -> _ => {}
        recv((once.1)()) -> _ => {}
    }
}

#[test]
fn types_are_inferred_from_one_end_or_the_other() {
    let (sender, receiver) = unbounded();
    select! {
        recv(receiver) -> _ => unreachable!(),
        default => {}
    }
    sender.send(()).unwrap();

    let (sender, receiver) = unbounded();
    select! {
        send(sender, Box::new([1, 2])) -> _ => {}
    }
    let slice: Box<[u8]> = receiver.recv().unwrap();
    assert_eq!(*slice, [1, 2]);

    let sender = Default::default();
    select! {
        send(Option::unwrap_or(sender, bounded(1).0), 1_u8) -> sent => assert!(sent.is_ok()),
    }
}

#[test]
fn are_evaluated_once_in_order_before_anything_is_chosen() {
    let (sender, receiver) = unbounded();
    let full = bounded(0);
    let chosen = select! {
        recv(log("first receiver", &receiver)) -> _ => 1,
        default(log("timeout", Duration::from_secs(60))) => 2,
        send(log("first sender", &full.0), log("first value", 1)) -> _ => 3,
        send(log("second sender", &sender), log("second value", 2)) -> _ => log("body", 4),
        recv(log("second receiver", &full.1)) -> _ => 5,
    };
    assert_eq!(chosen, 4);
    assert_eq!(
        logged(),
        [
            "first receiver",
            "timeout",
            "first sender",
            "first value",
            "second sender",
            "second value",
            "second receiver",
            "body",
        ]
    );
}

#[test]
fn temporaries_are_dropped_before_the_body() {
    let (sender, receiver) = unbounded();
    let cell = RefCell::new(receiver);
    sender.send(1).unwrap();
    let body = || assert!(cell.try_borrow_mut().is_ok());
    select! {
        recv(cell.borrow_mut()) -> value => {
            body();
            assert_eq!(value, Ok(1));
        }
    }
    select! {
        recv(cell.borrow_mut()) -> _ => unreachable!(),
        default => body(),
    }
    select! {
        recv((Loud("temporary"), receiver_of(1)).1) -> value => {
            log("body", ());
            assert_eq!(value, Ok(1));
        }
    }
    assert_eq!(logged(), ["temporary", "body"]);
}

fn receiver_of(value: i32) -> Receiver<i32> {
    let (sender, receiver) = unbounded();
    sender.send(value).unwrap();
    receiver
}

#[test]
fn unsent_values_are_dropped_before_the_body_and_failed_ones_come_back() {
    let (full, _receiver) = bounded(0);
    select! {
        send(full, Loud("unsent")) -> _ => unreachable!(),
        recv(receiver_of(1)) -> _ => log("body", ()),
    }
    assert_eq!(logged(), ["unsent", "body"]);
    select! {
        send(full, Loud("unsent")) -> _ => unreachable!(),
        default => log("body", ()),
    }
    assert_eq!(logged(), ["unsent", "body"]);

    let (closed, _) = bounded(1);
    select! {
        send(closed, Loud("failed")) -> sent => {
            log("body", ());
            drop(sent.unwrap_err().into_inner());
            log("after", ());
        }
    }
    assert_eq!(logged(), ["body", "failed", "after"]);
}

#[test]
fn leave_the_select() {
    fn parse(text: &str) -> Result<&'static str, std::num::ParseIntError> {
        let (sender, _receiver) = bounded(1);
        Ok(select! {
            send(sender, text.parse::<i32>()?) -> _ => "sent",
        })
    }
    assert_eq!(parse("1"), Ok("sent"));
    assert!(parse("x").is_err());

    let (sender, receiver) = bounded(3);
    let mut rounds = 0;
    let last = 'outer: loop {
        rounds += 1;
        select! {
            send(sender, if rounds == 3 { break 'outer 7 } else { rounds }) -> _ => continue,
        }
    };
    assert_eq!((last, receiver.len()), (7, 2));
}

#[test]
fn panic_in_order() {
    fn sender() -> Sender<i32> {
        panic!("the sender")
    }
    let panic = std::panic::catch_unwind(|| {
        select! {
            send(sender(), { log("value", ()); 1 }) -> _ => {}
        }
    });
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the sender"));
    assert_eq!(logged(), [""; 0]);
}

#[test]
fn hold_another_select() {
    let (sender, receiver) = unbounded();
    let value = select! {
        send(
            select! { default => &sender },
            select_biased! {
                recv(receiver) -> value => value.unwrap(),
                default(select! { default => Duration::ZERO }) => 5,
            }
        ) -> sent => sent.map(|()| receiver.recv()),
    };
    assert_eq!(value.unwrap(), Ok::<i32, RecvError>(5));
}
