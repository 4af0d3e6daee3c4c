//! What may be written in `select!`, and when its operands are evaluated: once, in the order in
//! which they stand, before anything is chosen.

mod settings;
mod values;

use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use settings::LONG;
use sward_chan::{
    Receiver, RecvError, SendError, Sender, TryRecvError, TrySendError, after, bounded, never,
    select, select_biased, unbounded,
};
use values::Tally;

/// What has been evaluated so far.
#[derive(Default)]
struct Log(RefCell<Vec<&'static str>>);

impl Log {
    fn note<T>(&self, what: &'static str, value: T) -> T {
        self.0.borrow_mut().push(what);
        value
    }

    fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }
}

#[test]
fn operands_are_evaluated_once_in_order_before_the_choice() {
    const ORDER: [&str; 6] = ["channel", "value", "source", "channel 2", "value 2", "source 2"];
    let log = Log::default();
    let (nobody, _held) = bounded(0);
    let (_held, nothing) = bounded::<i32>(0);
    let (room, _taken) = unbounded();
    let (fill, filled) = unbounded();
    for round in 0..20 {
        fill.send(round).unwrap();
        select! {
            send(log.note("channel", &nobody), log.note("value", 1)) -> _ => panic!(),
            recv(log.note("source", &nothing)) -> _ => panic!(),
            send(log.note("channel 2", &room), log.note("value 2", ())) -> it => it.unwrap(),
            recv(log.note("source 2", &filled)) -> _ => {}
        }
        assert_eq!(log.take(), ORDER);
        select_biased! {
            send(log.note("channel", &nobody), log.note("value", 1)) -> _ => panic!(),
            recv(log.note("source", &nothing)) -> _ => panic!(),
            send(log.note("channel 2", &room), log.note("value 2", ())) -> it => it.unwrap(),
            recv(log.note("source 2", &filled)) -> _ => panic!(),
        }
        assert_eq!(log.take(), ORDER);
    }
}

#[test]
fn operands_are_evaluated_when_default_is_taken() {
    let log = Log::default();
    let (nobody, _held) = bounded(0);
    select! {
        send(nobody, log.note("value", 1)) -> _ => panic!(),
        recv(log.note("source", never::<i32>())) -> _ => panic!(),
        default => log.note("default", ()),
    }
    assert_eq!(log.take(), ["value", "source", "default"]);
    select! {
        send(nobody, log.note("value", 1)) -> _ => panic!(),
        default(log.note("timeout", Duration::from_micros(10))) => log.note("default", ()),
    }
    let mut evaluated = log.take();
    assert_eq!(evaluated.pop(), Some("default"));
    evaluated.sort_unstable();
    assert_eq!(evaluated, ["timeout", "value"]);
}

#[test]
fn an_operand_may_use_the_channels_of_the_select() {
    let (sender, receiver) = bounded(1);
    sender.send(1).unwrap();
    let (copies, copied) = bounded(1);
    // The channel is empty by the time of the choice.
    select! {
        send(copies, receiver.recv().unwrap() + 1) -> sent => sent.unwrap(),
        recv(receiver) -> _ => panic!("the other operand has received it"),
    }
    assert_eq!(copied.recv(), Ok(2));
}

#[test]
fn an_operand_that_panics_leaves_no_trace() {
    fn panics() -> Receiver<i32> {
        panic!("in an operand")
    }
    let tally = Tally::new(1);
    let (sender, receiver) = bounded(1);
    let (fill, filled) = bounded(1);
    fill.send(7).unwrap();
    let selecting = AssertUnwindSafe(|| {
        select! {
            send(sender, tally.value(0)) -> _ => {}
            recv(filled) -> _ => {}
            recv(panics()) -> _ => {}
        }
    });
    assert!(catch_unwind(selecting).is_err());
    tally.check();
    assert!(matches!(receiver.try_recv(), Err(TryRecvError::Empty)));
    assert_eq!((fill.try_send(8), filled.recv()), (Err(TrySendError::Full(8)), Ok(7)));
}

#[test]
fn operands_are_channels_or_what_derefs_to_them() {
    struct Own<T>(T);
    impl<T> Deref for Own<T> {
        type Target = T;
        fn deref(&self) -> &T {
            &self.0
        }
    }
    let (sender, receiver) = bounded::<i32>(0);
    let (senders, receivers) = (vec![sender.clone()], [receiver.clone()]);
    let (own_sender, own_receiver) = (Own(sender.clone()), Own(receiver.clone()));
    let boxed = Box::new(receiver.clone());
    select! {
        recv(receiver) -> _ => panic!(),
        recv(&receiver) -> _ => panic!(),
        recv(&&receiver) -> _ => panic!(),
        recv(receivers[0]) -> _ => panic!(),
        recv(own_receiver) -> _ => panic!(),
        recv(boxed) -> _ => panic!(),
        recv(receiver.clone()) -> _ => panic!(),
        send(sender, 1) -> _ => panic!(),
        send(&sender, 1) -> _ => panic!(),
        send(senders[0], 1) -> _ => panic!(),
        send(own_sender, 1) -> _ => panic!(),
        send({ sender.clone() }, 1) -> _ => panic!(),
        default => {}
    }
}

#[test]
fn a_temporary_lives_as_long_as_the_select() {
    fn ended() -> Receiver<()> {
        bounded(0).1
    }
    let (_open, nothing) = bounded::<i32>(0);
    let timeout = Some(Duration::from_micros(50));
    select! {
        recv(nothing) -> _ => panic!(),
        recv(timeout.map(after).unwrap_or(never())) -> when => assert!(when.is_ok()),
        recv(after(LONG)) -> _ => panic!(),
    }
    let optional = Vec::<Receiver<i32>>::new();
    select! {
        recv(optional.first().unwrap_or(&never())) -> _ => panic!(),
        recv(ended()) -> end => assert_eq!(end, Err(RecvError)),
    }
}

#[test]
fn a_select_is_an_expression() {
    let (sender, receiver) = bounded(1);
    let sent: Result<(), SendError<&str>> = select! { send(sender, "first") -> sent => sent };
    assert_eq!(sent, Ok(()));
    let text = select! {
        recv(receiver) -> value => value.unwrap().to_owned() + "!",
        default => String::new(),
    };
    assert_eq!(text, "first!");
    assert!(select! { recv(receiver) -> _ => false, default => true });
    assert_eq!(select! { default => 7 }, 7);
    assert_eq!(select! { default() => 7 }, 7);
}

#[test]
fn cases_may_have_commas_or_braces_and_any_pattern_that_always_matches() {
    let (sender, receiver) = unbounded();
    let (_open, nothing) = bounded::<i32>(0);
    sender.send((1, "text")).unwrap();
    select! {
        recv(receiver,) -> mut value => {
            if let Ok((number, _)) = &mut value {
                *number += 1;
            }
            assert_eq!(value, Ok((2, "text")));
        }
        recv(nothing) -> _unused => panic!(),
        recv(nothing) -> _ => { panic!() },
        recv(nothing) -> (Ok(_) | Err(_)) => { panic!() }
        default(Duration::ZERO,) => panic!(),
    };
    select!(send(sender, (3, "room"),) -> sent => sent.unwrap(), default() => {});
    assert_eq!(receiver.len(), 1);
}

#[test]
fn a_case_may_leave_the_loop_or_the_function() {
    fn first_or_end(receiver: &Receiver<i32>) -> Result<i32, RecvError> {
        loop {
            select! {
                recv(receiver) -> value => {
                    let value = value?;
                    if value % 2 == 1 {
                        continue;
                    }
                    return Ok(value);
                }
                default => break Ok(-1),
            }
        }
    }
    let (sender, receiver) = unbounded();
    for value in [1, 3, 4, 5] {
        sender.send(value).unwrap();
    }
    assert_eq!(first_or_end(&receiver), Ok(4));
    assert_eq!(first_or_end(&receiver), Ok(-1));
    drop(sender);
    assert_eq!(first_or_end(&receiver), Err(RecvError));
}

#[test]
fn what_is_moved_may_be_moved_in_every_case() {
    let (_open, nothing) = bounded::<i32>(0);
    let owned = vec![1, 2, 3];
    let length = select! {
        recv(nothing) -> _ => owned,
        recv(never::<i32>()) -> _ => owned,
        default => owned,
    };
    assert_eq!(length.len(), 3);
}

#[test]
fn selects_may_be_nested() {
    let (sender, receiver) = bounded(2);
    sender.send(1).unwrap();
    let sum = select! {
        recv(receiver) -> one => one.unwrap() + select! {
            send(sender, 2) -> sent => sent.map_or(0, |()| select! {
                recv(receiver) -> two => two.unwrap(),
            }),
        },
    };
    assert_eq!(sum, 3);
}

#[test]
fn values_of_different_types_may_be_together() {
    let (numbers, numbered) = bounded::<u8>(1);
    let (texts, texted) = bounded::<String>(1);
    let text = String::from("here");
    let (borrowed, borrows) = bounded::<&str>(1);
    let mut seen = [false; 3];
    while seen != [true; 3] {
        let case = select! {
            send(numbers, 7) -> sent => sent.map(|()| 0).unwrap(),
            send(texts, text.clone()) -> sent => sent.map(|()| 1).unwrap(),
            send(borrowed, &text[1..]) -> sent => sent.map(|()| 2).unwrap(),
        };
        seen[case] = true;
    }
    for _ in 0..3 {
        select! {
            recv(numbered) -> number => assert_eq!(number, Ok(7_u8)),
            recv(texted) -> text => assert_eq!(text.as_deref(), Ok("here")),
            recv(borrows) -> text => assert_eq!(text, Ok("ere")),
        }
    }
}

#[test]
fn many_cases_are_as_good_as_few() {
    let channels: Vec<(Sender<usize>, Receiver<usize>)> = (0..16).map(|_| bounded(1)).collect();
    let from = |i: usize| &channels[i].1;
    for (i, (sender, _)) in channels.iter().enumerate() {
        sender.send(i).unwrap();
        let value = select! {
            recv(from(0)) -> value => value, recv(from(1)) -> value => value,
            recv(from(2)) -> value => value, recv(from(3)) -> value => value,
            recv(from(4)) -> value => value, recv(from(5)) -> value => value,
            recv(from(6)) -> value => value, recv(from(7)) -> value => value,
            recv(from(8)) -> value => value, recv(from(9)) -> value => value,
            recv(from(10)) -> value => value, recv(from(11)) -> value => value,
            recv(from(12)) -> value => value, recv(from(13)) -> value => value,
            recv(from(14)) -> value => value, recv(from(15)) -> value => value,
        };
        assert_eq!(value, Ok(i));
    }
}
