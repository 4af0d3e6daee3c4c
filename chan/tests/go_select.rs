//! What Go's own tests ask of `select!`: no value to oneself, none twice, none lost, and no harm
//! to others in line. When it takes `default` is in `go_default.rs`, how fair it is in
//! `go_fairness.rs`, what blocks in `go_blocking.rs`.

#[macro_use]
mod settings;
mod values;

use std::time::Duration;

use settings::{Setting, join_all, settle};
use sward_chan::{Select, bounded, never, select, select_biased, unbounded};
use values::{BOUNDS, channel};

in_every_setting!(
    a_select_does_not_receive_what_it_sends,
    two_that_send_and_receive_at_one_channel_do_not_get_their_own,
    selects_and_plain_operations_lose_nothing_among_each_other,
    a_channel_that_is_there_twice_is_left_altogether,
    a_channel_that_is_there_twice_gets_one_value,
    a_value_is_not_sent_twice,
    cases_that_lose_leave_the_line_to_others,
);

fn a_select_does_not_receive_what_it_sends(_: &Setting) {
    let (sender, receiver) = bounded(0);
    for round in 0..50 {
        let timeout = Duration::from_micros(round);
        select! {
            send(sender, 1) -> _ => panic!("it sent to itself"),
            recv(receiver) -> _ => panic!("it received its own"),
            default(timeout) => {}
        }
        select_biased! {
            recv(receiver) -> _ => panic!("it received its own"),
            send(sender, 1) -> _ => panic!("it sent to itself"),
            default => {}
        }
        let mut dynamic = Select::new();
        dynamic.send(&sender);
        dynamic.recv(&receiver);
        assert!(dynamic.try_select().is_err());
        assert!(dynamic.select_timeout(timeout).is_err());
        assert!(dynamic.try_ready().is_err());
        assert!(dynamic.ready_timeout(timeout).is_err());
    }
}

fn two_that_send_and_receive_at_one_channel_do_not_get_their_own(setting: &Setting) {
    for capacity in [0, 10] {
        let (sender, receiver) = bounded(capacity);
        let two = setting.spawn_many(2, move |me| {
            for round in 0..200 {
                let received = if (me + round) % 2 == 0 {
                    select! {
                        send(sender, me) -> sent => sent.map(|()| None).unwrap(),
                        recv(receiver) -> value => Some(value.unwrap()),
                    }
                } else {
                    select! {
                        recv(receiver) -> value => Some(value.unwrap()),
                        send(sender, me) -> sent => sent.map(|()| None).unwrap(),
                    }
                };
                // From a queue it may be its own.
                assert!(capacity > 0 || received != Some(me));
            }
        });
        join_all(two);
    }
}

/// Four channels, each with one that only sends and one that only receives; and one that
/// sends to all of them, and one that receives from all.
fn selects_and_plain_operations_lose_nothing_among_each_other(setting: &Setting) {
    const EACH: usize = 200;
    let (senders, receivers): (Vec<_>, Vec<_>) =
        [Some(0), Some(0), Some(2), None].map(channel::<usize>).into_iter().unzip();
    let sending = setting.spawn_many(4, {
        let senders = senders.clone();
        move |i| (0..EACH).for_each(|value| senders[i].send(value).unwrap())
    });
    let receiving = setting.spawn_many(4, {
        let receivers = receivers.clone();
        move |i| receivers[i].iter().take(EACH).sum::<usize>()
    });
    let sending_all = setting.spawn(move || {
        let (idle, _unheard) = bounded(0);
        let mut left = [EACH; 4];
        while left != [0; 4] {
            let to = |i: usize| if left[i] > 0 { &senders[i] } else { &idle };
            let value = |i: usize| left[i].saturating_sub(1);
            let (i, sent) = select! {
                send(to(0), value(0)) -> sent => (0, sent),
                send(to(1), value(1)) -> sent => (1, sent),
                send(to(2), value(2)) -> sent => (2, sent),
                send(to(3), value(3)) -> sent => (3, sent),
            };
            sent.unwrap();
            left[i] -= 1;
        }
    });
    let receiving_all = setting.spawn(move || {
        let idle = never();
        let (mut left, mut sum) = ([EACH; 4], 0);
        while left != [0; 4] {
            let from = |i: usize| if left[i] > 0 { &receivers[i] } else { &idle };
            let (i, value) = select! {
                recv(from(0)) -> value => (0, value),
                recv(from(1)) -> value => (1, value),
                recv(from(2)) -> value => (2, value),
                recv(from(3)) -> value => (3, value),
            };
            sum += value.unwrap();
            left[i] -= 1;
        }
        sum
    });
    join_all(sending);
    sending_all.join();
    let received = join_all(receiving).iter().sum::<usize>() + receiving_all.join();
    assert_eq!(received, 2 * 4 * (0..EACH).sum::<usize>());
}

fn a_channel_that_is_there_twice_is_left_altogether(setting: &Setting) {
    for _ in 0..30 {
        let (sender, receiver) = bounded(0);
        let (wake, woken) = bounded(0);
        let selecting = setting.spawn({
            let receiver = receiver.clone();
            move || {
                select! {
                    recv(receiver) -> value => value.unwrap(),
                    recv(receiver) -> value => value.unwrap(),
                    recv(woken) -> value => value.unwrap(),
                }
            }
        });
        let waiting = setting.spawn(move || receiver.recv());
        wake.send(7).unwrap();
        assert_eq!(selecting.join(), 7);
        sender.send(8).unwrap();
        assert_eq!(waiting.join(), Ok(8));
        assert!(sender.send(9).is_err());
    }
}

fn a_channel_that_is_there_twice_gets_one_value(setting: &Setting) {
    for capacity in BOUNDS {
        let (sender, receiver) = bounded(capacity);
        for _ in 0..30 {
            let sending = setting.spawn({
                let sender = sender.clone();
                move || {
                    select! {
                        send(sender, 1) -> sent => sent.map(|()| 1),
                        send(sender, 2) -> sent => sent.map(|()| 2),
                    }
                }
            });
            let received = receiver.recv();
            assert_eq!(received.ok(), sending.join().ok());
            assert!(receiver.try_recv().is_err());
        }
    }
}

fn a_value_is_not_sent_twice(setting: &Setting) {
    const VALUES: usize = 500;
    for capacity in BOUNDS {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| bounded(capacity)).unzip();
        let sending = setting.spawn(move || {
            for value in 0..VALUES {
                select! {
                    send(senders[0], value) -> sent => sent,
                    send(senders[1], value) -> sent => sent,
                    send(senders[2], value) -> sent => sent,
                    send(senders[3], value) -> sent => sent,
                }
                .unwrap();
            }
        });
        let (merge, merged) = unbounded();
        let forwarding = setting.spawn_many(4, move |i| {
            receivers[i].iter().for_each(|value| merge.send(value).unwrap());
        });
        let mut values: Vec<_> = merged.iter().collect();
        values.sort_unstable();
        assert_eq!(values, (0..VALUES).collect::<Vec<_>>());
        sending.join();
        join_all(forwarding);
    }
}

fn cases_that_lose_leave_the_line_to_others(setting: &Setting) {
    for _ in 0..5 {
        let (sender, receiver) = bounded(0);
        let (wake, woken) = bounded(0);
        // Those that will leave stand in line before, between and behind the others.
        let waiting = setting.spawn_many(7, move |i| match i % 2 {
            0 => {
                select! {
                    recv(receiver) -> value => value.ok(),
                    recv(woken) -> gone => gone.ok(),
                }
            }
            _ => receiver.recv().ok(),
        });
        settle();
        // None of them has got anything else yet.
        (0..4).for_each(|_| wake.send(0).unwrap());
        (1..=3).for_each(|value| sender.send(value).unwrap());
        let mut received: Vec<_> = join_all(waiting).into_iter().map(Option::unwrap).collect();
        received.sort_unstable();
        assert_eq!(received, [0, 0, 0, 0, 1, 2, 3]);
    }
}
