//! Arms, patterns, bodies, and the commas between them.

use std::time::Duration;

use sward_chan::{RecvError, SendError, bounded, select, select_biased, unbounded};

#[test]
fn an_arm_of_each_kind_and_the_types_of_their_results() {
    let (sender, receiver) = unbounded();
    select! {
        send(sender, 1) -> sent => { let _: Result<(), SendError<i32>> = sent; }
    }
    select! {
        recv(receiver) -> value => { let _: Result<i32, RecvError> = value; }
    }
    select! {
        recv(receiver) -> _ => unreachable!(),
        default => {}
    }
    select! {
        recv(receiver) -> _ => unreachable!(),
        default() => {}
    }
    select! {
        recv(receiver) -> _ => unreachable!(),
        default(Duration::ZERO) => {}
    }
}

#[test]
fn default_alone() {
    assert_eq!(select!(default => 1), 1);
    assert_eq!(select!(default() => 2), 2);
    assert_eq!(select! { default(Duration::from_millis(1)) => 3 }, 3);
    select! { default => {} }
    select! { default => {}, }
}

#[test]
fn default_stands_anywhere() {
    let (sender, receiver) = unbounded();
    let first = select! {
        default => 0,
        recv(receiver) -> value => value.unwrap(),
    };
    sender.send(2).unwrap();
    let middle = select! {
        recv(receiver) -> value => value.unwrap(),
        default(Duration::ZERO) => 0,
        recv(receiver) -> value => value.unwrap() + 1,
    };
    assert_eq!((first, middle == 0), (0, false));
}

#[test]
fn commas_where_they_may_be_left_out_and_where_not() {
    let (sender, receiver) = unbounded();
    for _ in 0..8 {
        select! {
            send(sender, 1,) -> _ => {},
            recv(receiver,) -> _ => {}
            default(Duration::ZERO,) => {},
        }
        select! {
            recv(receiver) -> _ => (),
            send(sender, 1) -> _ => ()
        }
        select! { recv(receiver) -> _ => {} send(sender, 1) -> _ => {} default => {} }
    }
}

#[test]
#[allow(clippy::match_single_binding, clippy::never_loop, clippy::redundant_closure_call)]
fn bodies_of_every_shape() {
    struct Point {
        x: f64,
    }
    let never = unbounded::<()>();
    let n = 3;
    let value = select! {
        recv(never.1) -> _ => 3.0,
        recv(never.1) -> _ => loop {
            unreachable!()
        },
        recv(never.1) -> _ => match n {
            _ => unreachable!()
        },
        recv(never.1) -> _ => { 1.0_f64 }.max(2.0),
        recv(never.1) -> _ => { 1.0 } + 2.0,
        recv(never.1) -> _ => Point { x: 1.0 }.x,
        recv(never.1) -> _ => Vec::<(u8, f64)>::new()[0].1,
        recv(never.1) -> _ => (|a: f64, b: f64| a + b)(1.0, 2.0),
        recv(never.1) -> _ => n as f64,
        recv(never.1) -> _ => unreachable!("{n}"),
        default => if n == 3 { 7.0 } else { 8.0 } + 0.5,
    };
    assert_eq!(value, 7.5);

    let mut assigned = 0;
    select! {
        recv(never.1) -> _ => assigned = 1,
        default => assigned += 2,
    }
    assert_eq!(assigned, 2);
}

#[test]
fn any_pattern_that_cannot_fail() {
    let (sender, receiver) = unbounded();
    (1..=5).for_each(|n| sender.send((n, "text")).unwrap());
    select! {
        recv(receiver) -> mut value => assert_eq!(value.iter_mut().next(), Some(&mut (1, "text"))),
    }
    select! {
        recv(receiver) -> Ok((_, "text")) | Ok(_) | Err(_) => {}
    }
    select! {
        recv(receiver) -> ref value => assert_eq!(value.as_ref(), Ok(&(3, "text"))),
    }
    select! {
        recv(receiver) -> value @ (Ok::<(i32, &str), RecvError>(..) | Err(_)) => {
            assert_eq!(value.unwrap().0, 4);
        }
    }
    select! { recv(receiver) -> | _ => {} }
    assert!(receiver.is_empty());
}

#[test]
fn forty_arms() {
    let channels: [_; 40] = std::array::from_fn(|_| unbounded());
    macro_rules! chosen {
        ($($index:literal)*) => {
            select! { $(recv(channels[$index].1) -> value => ($index, value.unwrap()),)* }
        };
    }
    for index in 0..40 {
        channels[index].0.send(index * 10).unwrap();
        let chosen = chosen!(
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19
            20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39
        );
        assert_eq!(chosen, (index, index * 10));
    }
}

#[test]
fn no_arms() {
    let waiting = sward_sched::spawn(|| -> () {
        select! {}
    });
    waiting.cancel();
    assert!(waiting.join().unwrap_err().is_cancelled());
}

#[test]
fn biased_or_not_the_arms_are_the_same() {
    let (sender, receiver) = bounded(1);
    let sent = select_biased! {
        recv(receiver) -> _ => false,
        send(sender, 1,) -> sent => sent.is_ok(),
        default(Duration::from_secs(1)) => unreachable!(),
    };
    let received = select_biased! {
        send(sender, 2) -> _ => 0,
        recv(receiver) -> value => { value.unwrap() }
        default => unreachable!(),
    };
    assert_eq!((sent, received), (true, 1));
}

#[test]
fn fragments_of_a_macro_of_the_users() {
    macro_rules! receive {
        ($receiver:expr, $result:pat => $body:expr, $timeout:expr, $otherwise:block) => {
            select! {
                recv($receiver) -> $result => $body,
                default($timeout) => $otherwise
            }
        };
        ($kind:ident $operands:tt $($rest:tt)*) => {
            select! { $kind $operands $($rest)* }
        };
    }
    let (sender, receiver) = unbounded();
    sender.send(1).unwrap();
    let second = Duration::from_secs(1);
    assert_eq!(receive!(&receiver, Ok(1 | 2) | Ok(_) | Err(_) => 2 + 1, second, { 0 }), 3);
    assert_eq!(receive!(receiver, _ => 1, Duration::ZERO, { 2 }), 2);
    assert_eq!(receive!(send(sender, 1) -> _ => 3), 3);
}
