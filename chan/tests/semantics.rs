//! What sends and receives do: when they wait and when they do not, in what order
//! values arrive and threads are served, and what the channel says of itself.

#[macro_use]
mod settings;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use settings::{Handle, Setting, join_all, settle, until};
use sward_chan::{Receiver, Sender, TryRecvError, TrySendError, bounded, unbounded};
use values::{BOUNDS, CAPACITIES, channel, full};

in_every_setting!(
    a_receiver_waits_while_the_channel_is_empty,
    a_sender_waits_while_the_channel_is_full,
    while_there_is_room_nobody_waits,
    try_send_meets_a_receiver_that_waits,
    try_recv_meets_a_sender_that_waits,
    values_arrive_in_the_order_they_were_sent,
    two_threads_play_ping_pong,
);

fn a_receiver_waits_while_the_channel_is_empty(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let receiving = setting.spawn(move || receiver.recv());
        settle();
        assert!(!receiving.is_finished());
        sender.send(7).unwrap();
        assert_eq!(receiving.join(), Ok(7));
    }
}

fn a_sender_waits_while_the_channel_is_full(setting: &Setting) {
    for capacity in BOUNDS {
        let (sender, receiver) = full(capacity);
        assert_eq!(sender.try_send(capacity), Err(TrySendError::Full(capacity)));
        let sending = setting.spawn(move || sender.send(capacity));
        settle();
        assert!(!sending.is_finished());
        for expected in 0..=capacity {
            assert_eq!(receiver.recv(), Ok(expected));
        }
        assert_eq!(sending.join(), Ok(()));
    }
}

fn while_there_is_room_nobody_waits(_: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        // Nobody else is there: were one of these to wait it would be for ever.
        for i in 0..capacity.unwrap_or(100) {
            sender.send(i).unwrap();
        }
        for i in 0..capacity.unwrap_or(100) {
            assert_eq!(receiver.recv(), Ok(i));
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

fn try_send_meets_a_receiver_that_waits(setting: &Setting) {
    let (sender, receiver) = bounded(0);
    assert_eq!(sender.try_send(7), Err(TrySendError::Full(7)));
    let receiving = setting.spawn(move || receiver.recv());
    until(|| sender.try_send(8).is_ok());
    assert_eq!(receiving.join(), Ok(8));
}

fn try_recv_meets_a_sender_that_waits(setting: &Setting) {
    let (sender, receiver) = bounded(0);
    let sending = setting.spawn(move || sender.send(8));
    until(|| receiver.try_recv() == Ok(8));
    assert_eq!(sending.join(), Ok(()));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

fn values_arrive_in_the_order_they_were_sent(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let sending = setting.spawn(move || (0..300).for_each(|i| sender.send(i).unwrap()));
        for expected in 0..300 {
            assert_eq!(receiver.recv(), Ok(expected));
        }
        sending.join();
        assert!(receiver.recv().is_err());
    }
}

fn two_threads_play_ping_pong(setting: &Setting) {
    for capacity in CAPACITIES {
        let (ping, pinged) = channel(capacity);
        let (pong, ponged) = channel(capacity);
        let other = setting.spawn(move || {
            for value in pinged {
                pong.send(value + 1).unwrap();
            }
        });
        for i in 0..100 {
            ping.send(i).unwrap();
            assert_eq!(ponged.recv(), Ok(i + 1));
        }
        drop(ping);
        other.join();
    }
}

/// Starts `count` threads of which each is in line before the next is. Only on one
/// worker: there it cannot be interrupted between saying so and waiting.
fn line_up<T: Send + 'static>(
    setting: &Setting,
    count: usize,
    wait: impl Fn(usize) -> T + Clone + Send + 'static,
) -> Vec<Handle<T>> {
    let in_line = Arc::new(AtomicUsize::new(0));
    let mut line = Vec::new();
    for i in 0..count {
        let (wait, in_line) = (wait.clone(), in_line.clone());
        let next = setting.spawn({
            let in_line = in_line.clone();
            move || {
                in_line.fetch_add(1, Ordering::Relaxed);
                wait(i)
            }
        });
        until(|| in_line.load(Ordering::Relaxed) == i + 1);
        line.push(next);
    }
    line
}

#[test]
fn receivers_are_served_first_come_first_served() {
    settings::one_worker(|setting| {
        for capacity in CAPACITIES {
            let (sender, receiver) = channel(capacity);
            let line = line_up(setting, 10, move |_| receiver.recv());
            (0..10).for_each(|i| sender.try_send(i).unwrap());
            assert_eq!(join_all(line), (0..10).map(Ok).collect::<Vec<_>>());
        }
    });
}

#[test]
fn senders_are_served_first_come_first_served() {
    settings::one_worker(|setting| {
        for capacity in BOUNDS {
            let (sender, receiver) = full(capacity);
            let line = line_up(setting, 10, move |i| sender.send(capacity + i));
            for expected in 0..capacity + 10 {
                assert_eq!(receiver.try_recv(), Ok(expected));
            }
            join_all(line).into_iter().for_each(|sent| assert_eq!(sent, Ok(())));
        }
    });
}

#[test]
fn a_value_handed_to_a_waiting_receiver_is_not_queued() {
    settings::one_worker(|setting| {
        for capacity in CAPACITIES {
            let (sender, receiver) = channel(capacity);
            let thief = receiver.clone();
            let line = line_up(setting, 1, move |_| receiver.recv());
            sender.send(7).unwrap();
            assert_eq!(sender.len(), 0);
            assert_eq!(thief.try_recv(), Err(TryRecvError::Empty));
            assert_eq!(join_all(line), [Ok(7)]);
        }
    });
}

#[test]
fn room_goes_to_the_sender_that_waits_for_it() {
    settings::one_worker(|setting| {
        let (sender, receiver) = full(3);
        let intruder = sender.clone();
        let line = line_up(setting, 1, move |_| sender.send(3));
        assert_eq!(receiver.recv(), Ok(0));
        // The sender has not run since, but its value is in.
        assert_eq!(receiver.len(), 3);
        assert_eq!(intruder.try_send(9), Err(TrySendError::Full(9)));
        assert_eq!(join_all(line), [Ok(())]);
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    });
}

#[test]
fn both_ends_tell_what_is_queued_and_what_can_be() {
    fn check(sender: &Sender<usize>, receiver: &Receiver<usize>, len: usize, cap: Option<usize>) {
        assert_eq!((sender.len(), receiver.len()), (len, len));
        assert_eq!((sender.is_empty(), receiver.is_empty()), (len == 0, len == 0));
        assert_eq!((sender.capacity(), receiver.capacity()), (cap, cap));
        let full = cap == Some(len);
        assert_eq!((sender.is_full(), receiver.is_full()), (full, full));
    }
    for capacity in 0..200 {
        let (sender, receiver) = bounded(capacity);
        check(&sender, &receiver, 0, Some(capacity));
        for i in 0..capacity {
            sender.try_send(i).unwrap();
            check(&sender, &receiver, i + 1, Some(capacity));
        }
        assert_eq!(sender.try_send(0), Err(TrySendError::Full(0)));
        for i in 0..capacity {
            assert_eq!(receiver.try_recv(), Ok(i));
            check(&sender, &receiver, capacity - i - 1, Some(capacity));
        }
    }
    let (sender, receiver) = unbounded();
    for i in 0..1000 {
        sender.try_send(i).unwrap();
        check(&sender, &receiver, i + 1, None);
    }
}
