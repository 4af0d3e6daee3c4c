//! Many senders and many receivers: every value arrives once, and what one receiver
//! gets from one sender is in order.

#[macro_use]
mod settings;
mod values;

use settings::{Setting, join_all, until};
use sward_chan::{Receiver, Sender, TryRecvError, TrySendError};
use values::{CAPACITIES, channel};

in_every_setting!(
    four_to_four,
    one_to_many,
    many_to_one,
    without_waiting,
    by_every_form_of_send_and_receive,
    senders_that_come_and_go,
    values_that_go_round_a_ring,
);

/// Who sent it, and the how manyeth of that sender it is.
type Value = (usize, usize);

fn send(sender: Sender<Value>, id: usize, count: usize) {
    (0..count).for_each(|number| sender.send((id, number)).unwrap());
}

/// What each receiver got, checked: in order from each sender, and all together every
/// value once.
fn check(received: &[Vec<Value>], senders: usize, count: usize) {
    for values in received {
        for id in 0..senders {
            let numbers: Vec<_> = values.iter().filter(|value| value.0 == id).collect();
            assert!(numbers.is_sorted());
        }
    }
    let mut all = received.concat();
    all.sort_unstable();
    let expected: Vec<_> = (0..senders).flat_map(|id| (0..count).map(move |n| (id, n))).collect();
    assert_eq!(all, expected);
}

fn many(setting: &Setting, senders: usize, receivers: usize, count: usize) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let receiving = setting.spawn_many(receivers, move |_| receiver.iter().collect());
        let sending = setting.spawn_many(senders, move |id| send(sender, id, count));
        join_all(sending);
        check(&join_all(receiving), senders, count);
    }
}

fn four_to_four(setting: &Setting) {
    many(setting, 4, 4, 100);
}

fn one_to_many(setting: &Setting) {
    many(setting, 1, 10, 200);
}

fn many_to_one(setting: &Setting) {
    many(setting, 10, 1, 20);
}

fn without_waiting(setting: &Setting) {
    fn offer(sender: &Sender<Value>, value: Value) {
        until(|| match sender.try_send(value) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error, TrySendError::Full(value));
                false
            }
        });
    }
    fn poll(receiver: &Receiver<Value>) -> Vec<Value> {
        let mut values = Vec::new();
        until(|| match receiver.try_recv() {
            Ok(value) => {
                values.push(value);
                false
            }
            Err(error) => error == TryRecvError::Disconnected,
        });
        values
    }
    // In a rendezvous of two that do not wait they would never meet.
    for capacity in [Some(1), Some(5), None] {
        let (sender, receiver) = channel(capacity);
        let receiving = setting.spawn_many(3, move |_| poll(&receiver));
        let sending = setting.spawn_many(3, move |id| {
            (0..60).for_each(|number| offer(&sender, (id, number)));
        });
        join_all(sending);
        check(&join_all(receiving), 3, 60);
    }
}

fn by_every_form_of_send_and_receive(setting: &Setting) {
    use settings::LONG;
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let receiving = setting.spawn_many(3, move |i| {
            let next = || match i {
                0 => receiver.recv().ok(),
                1 => receiver.recv_timeout(LONG).ok(),
                _ => receiver.recv_deadline(std::time::Instant::now() + LONG).ok(),
            };
            std::iter::from_fn(next).collect()
        });
        let sending = setting.spawn_many(3, move |id| {
            for number in 0..60 {
                let value = (id, number);
                match id {
                    0 => sender.send(value).unwrap(),
                    1 => sender.send_timeout(value, LONG).unwrap(),
                    _ => sender.send_deadline(value, std::time::Instant::now() + LONG).unwrap(),
                }
            }
        });
        join_all(sending);
        check(&join_all(receiving), 3, 60);
    }
}

fn senders_that_come_and_go(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let receiving = setting.spawn_many(2, move |_| receiver.into_iter().collect());
        // Each value from a clone of its own.
        let sending = setting.spawn_many(3, move |id| {
            (0..60).for_each(|number| sender.clone().send((id, number)).unwrap());
        });
        join_all(sending);
        check(&join_all(receiving), 3, 60);
    }
}

/// Each passes on what it gets, with one less to go, until it has arrived.
fn values_that_go_round_a_ring(setting: &Setting) {
    const MEMBERS: usize = 8;
    for capacity in CAPACITIES {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..MEMBERS).map(|_| channel::<usize>(capacity)).unzip();
        let (arrived, end) = channel(None);
        let first = senders[0].clone();
        let ring = setting.spawn_many(MEMBERS, move |i| {
            let output = &senders[(i + 1) % MEMBERS];
            for left in &receivers[i] {
                match left {
                    0 => arrived.send(i).unwrap(),
                    _ => output.send(left - 1).unwrap(),
                }
            }
            // Closed: tell the next.
            output.close();
        });
        first.send(100).unwrap();
        assert_eq!(end.recv(), Ok(100 % MEMBERS));
        first.close();
        join_all(ring);
    }
}
