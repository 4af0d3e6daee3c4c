//! Names of the user's that are also names of the expansion's.

use sward_chan::{bounded, select, select_biased, unbounded};

#[test]
fn variables() {
    let (sender, receiver) = unbounded();
    let (chosen, value, case_0, case_1, wait, channel) = (1, 2, 3, 4, 5, 6);
    let sum = select_biased! {
        recv(receiver) -> case_0 => case_0.unwrap(),
        send(sender, chosen + value + case_0 + case_1 + wait + channel) -> _ => {
            chosen + value + case_0 + case_1 + wait + channel
        }
    };
    assert_eq!((sum, receiver.recv()), (21, Ok(21)));

    let (chosen, case_0) = unbounded();
    chosen.send(1).unwrap();
    let (channel, value) = bounded(1);
    select_biased! {
        send(channel, case_0.recv().unwrap()) -> _ => {}
        recv(value) -> value => assert!(value.is_err()),
    }
    assert_eq!(value.recv(), Ok(1));
}

#[test]
fn the_channel_has_the_name_of_the_result() {
    let (_, r) = unbounded::<i32>();
    select! {
        recv(r) -> r => assert!(r.is_err()),
    }
}

#[test]
fn types_functions_and_modules() {
    #![allow(dead_code, non_snake_case)]
    enum Option {
        Some,
        None,
    }
    enum Either {
        Left,
        Right,
    }
    struct Wait;
    mod core {}
    mod internal {}
    mod sward_chan {}
    fn choose() {}
    fn recv_case() {}
    fn Some() {}

    let (sender, receiver) = unbounded();
    select! {
        send(sender, Wait) -> _ => {}
        recv(receiver) -> _ => {}
        default => {}
    }
}

mod without_a_prelude {
    #![no_implicit_prelude]

    #[test]
    fn select() {
        let (sender, receiver) = ::sward_chan::unbounded();
        ::sward_chan::select! {
            send(sender, 1) -> _ => {}
        }
        let received = ::sward_chan::select_biased! {
            recv(receiver) -> value => value.is_ok(),
            default(::std::time::Duration::ZERO) => false,
        };
        ::std::assert!(received);
    }
}

mod under_another_name {
    use sward_chan as channels;

    #[test]
    fn select() {
        use channels::select as choose;
        let (_sender, receiver) = channels::unbounded::<()>();
        choose! {
            recv(receiver) -> _ => unreachable!(),
            default => {}
        }
    }
}
