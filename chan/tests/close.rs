//! `close`: what is queued is received, then receivers are told; sends give their value
//! back; all that wait are woken.

#[macro_use]
mod settings;
mod values;

use std::time::{Duration, Instant};

use settings::{LONG, Setting, join_all, settle};
use sward_chan::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use values::{BOUNDS, CAPACITIES, channel, full};

in_every_setting!(
    receivers_that_wait_are_told,
    senders_that_wait_get_their_value_back,
    a_close_by_another_thread_ends_iteration,
    of_many_closes_one_is_the_first,
    every_send_that_succeeded_is_received,
);

fn receivers_that_wait_are_told(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<usize>(capacity);
        let receiving = setting.spawn_many(4, move |i| match i {
            0 => receiver.recv().is_err(),
            1 => receiver.recv_timeout(LONG) == Err(RecvTimeoutError::Disconnected),
            2 => receiver.recv_timeout(Duration::MAX) == Err(RecvTimeoutError::Disconnected),
            _ => receiver.iter().next().is_none(),
        });
        settle();
        assert!(sender.close());
        assert_eq!(join_all(receiving), [true; 4]);
    }
}

fn senders_that_wait_get_their_value_back(setting: &Setting) {
    for capacity in BOUNDS {
        let (sender, receiver) = full(capacity);
        let sending = setting.spawn_many(4, move |i| {
            let value = 100 + i;
            match i {
                0 | 1 => sender.send(value) == Err(SendError(value)),
                _ => {
                    let sent = sender.send_timeout(value, LONG);
                    sent == Err(SendTimeoutError::Disconnected(value))
                }
            }
        });
        settle();
        assert!(receiver.close());
        assert_eq!(join_all(sending), [true; 4]);
        // What was queued stays; what was not accepted is not there.
        assert_eq!(receiver.iter().collect::<Vec<_>>(), (0..capacity).collect::<Vec<_>>());
    }
}

fn a_close_by_another_thread_ends_iteration(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let stays_open = sender.clone();
        let sending = setting.spawn(move || {
            (0..20).for_each(|i| sender.send(i).unwrap());
            sender.close()
        });
        assert_eq!(receiver.iter().collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
        assert!(sending.join());
        assert!(!stays_open.close());
    }
}

fn of_many_closes_one_is_the_first(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<()>(capacity);
        let closing = setting.spawn_many(6, move |i| match i % 2 {
            0 => sender.close(),
            _ => receiver.close(),
        });
        let firsts = join_all(closing).into_iter().filter(|first| *first).count();
        assert_eq!(firsts, 1);
    }
}

fn every_send_that_succeeded_is_received(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let sending = setting.spawn_many(3, {
            let sender = sender.clone();
            move |_| {
                let mut sent = 0usize;
                while sender.send(sent).is_ok() {
                    sent += 1;
                    sward_sched::yield_now();
                }
                sent
            }
        });
        let receiving = setting.spawn_many(2, {
            let receiver = receiver.clone();
            move |_| receiver.iter().count()
        });
        // In line with the others, so that some values have passed before the close.
        (0..3).for_each(|_| assert!(receiver.recv().is_ok()));
        sender.close();
        let sent: usize = join_all(sending).into_iter().sum();
        let received: usize = join_all(receiving).into_iter().sum();
        assert_eq!(sent, 3 + received);
    }
}

#[test]
fn what_is_queued_is_received_and_then_every_receive_is_told() {
    for capacity in [Some(1), Some(5), None] {
        let (sender, receiver) = channel(capacity);
        let queued = capacity.unwrap_or(100);
        (0..queued).for_each(|i| sender.send(i).unwrap());
        assert!(sender.close());
        assert_eq!((receiver.len(), receiver.capacity()), (queued, capacity));
        for i in 0..queued {
            let received = match i % 4 {
                0 => receiver.recv().ok(),
                1 => receiver.try_recv().ok(),
                2 => receiver.recv_timeout(Duration::ZERO).ok(),
                _ => receiver.iter().next(),
            };
            assert_eq!(received, Some(i));
        }
        for _ in 0..2 {
            assert_eq!(receiver.recv(), Err(RecvError));
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
            let told = Err(RecvTimeoutError::Disconnected);
            assert_eq!(receiver.recv_timeout(Duration::ZERO), told);
            assert_eq!(receiver.recv_timeout(Duration::MAX), told);
            assert_eq!(receiver.recv_deadline(Instant::now()), told);
            assert_eq!(receiver.iter().next(), None);
            assert_eq!(receiver.try_iter().next(), None);
        }
        assert_eq!(receiver.into_iter().next(), None);
    }
}

#[test]
fn every_send_on_a_closed_channel_gives_the_value_back() {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        assert!(receiver.close());
        assert_eq!(sender.send(1), Err(SendError(1)));
        assert_eq!(sender.try_send(2), Err(TrySendError::Disconnected(2)));
        let back = |value| Err(SendTimeoutError::Disconnected(value));
        assert_eq!(sender.send_timeout(3, Duration::ZERO), back(3));
        assert_eq!(sender.send_timeout(4, Duration::MAX), back(4));
        assert_eq!(sender.send_deadline(5, Instant::now()), back(5));
        assert_eq!(receiver.len(), 0);
    }
}

#[test]
fn a_full_channel_that_is_closed_says_closed_rather_than_full() {
    for capacity in BOUNDS {
        let (sender, receiver) = full(capacity);
        sender.close();
        assert_eq!(sender.try_send(9), Err(TrySendError::Disconnected(9)));
        assert!(sender.is_full());
        assert_eq!(receiver.len(), capacity);
    }
}

#[test]
fn both_ends_know_that_it_is_closed_and_that_nobody_is_gone() {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<usize>(capacity);
        assert!(!sender.is_closed() && !receiver.is_closed());
        receiver.close();
        assert!(sender.is_closed() && receiver.is_closed());
        assert!(!sender.is_disconnected() && !receiver.is_disconnected());
    }
}

#[test]
fn clones_made_after_the_close_are_of_the_closed_channel() {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        sender.close();
        assert!(!sender.clone().close());
        assert!(sender.clone().send(1).is_err());
        assert!(receiver.clone().recv().is_err());
        drop(sender);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    }
}
