//! The last sender or receiver goes away: the other side is told at once, and not
//! before.

#[macro_use]
mod settings;
mod values;

use std::panic::resume_unwind;

use settings::{LONG, Setting, join_all, settle, until};
use sward_chan::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError, TrySendError,
    bounded, unbounded,
};
use values::{BOUNDS, CAPACITIES, Tally, channel, full};

in_every_setting!(
    receivers_that_wait_are_told_when_the_last_sender_goes,
    senders_that_wait_get_their_value_back_when_the_last_receiver_goes,
    one_of_many_that_goes_is_not_missed,
    a_panic_disconnects_what_its_thread_held,
    handles_dropped_by_many_threads_disconnect_once_all_are_gone,
    a_sender_in_a_discarded_value_disconnects,
);

fn receivers_that_wait_are_told_when_the_last_sender_goes(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<usize>(capacity);
        let receiving = setting.spawn_many(4, move |i| match i {
            0 | 1 => receiver.recv() == Err(RecvError),
            2 => receiver.recv_timeout(LONG) == Err(RecvTimeoutError::Disconnected),
            _ => receiver.into_iter().next().is_none(),
        });
        settle();
        drop(sender);
        assert_eq!(join_all(receiving), [true; 4]);
    }
}

fn senders_that_wait_get_their_value_back_when_the_last_receiver_goes(setting: &Setting) {
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
        drop(receiver);
        assert_eq!(join_all(sending), [true; 4]);
    }
}

fn one_of_many_that_goes_is_not_missed(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let receiving = setting.spawn({
            let receiver = receiver.clone();
            move || receiver.recv()
        });
        join_all(setting.spawn_many(3, {
            let sender = sender.clone();
            move |_| drop(sender)
        }));
        drop(receiver);
        settle();
        assert!(!receiving.is_finished());
        sender.send(7).unwrap();
        assert_eq!(receiving.join(), Ok(7));
    }
}

fn a_panic_disconnects_what_its_thread_held(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<()>(capacity);
        let (reply, replied) = channel::<()>(capacity);
        let panicking = setting.spawn(move || {
            let _held = (sender, replied);
            // Without the hook's message.
            resume_unwind(Box::new("on purpose"));
        });
        assert_eq!(receiver.recv(), Err(RecvError));
        until(|| matches!(reply.try_send(()), Err(TrySendError::Disconnected(()))));
        let panic = panicking.outcome().unwrap_err();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "on purpose");
    }
}

fn handles_dropped_by_many_threads_disconnect_once_all_are_gone(setting: &Setting) {
    for capacity in CAPACITIES {
        for _ in 0..20 {
            let (sender, receiver) = channel::<usize>(capacity);
            let dropping = setting.spawn_many(4, move |i| {
                let clones = vec![sender.clone(); i];
                drop(sender);
                drop(clones);
            });
            assert_eq!(receiver.recv(), Err(RecvError));
            join_all(dropping);
        }
    }
}

fn a_sender_in_a_discarded_value_disconnects(setting: &Setting) {
    for capacity in [Some(1), None] {
        let (requests, server) = channel::<Sender<usize>>(capacity);
        let (reply, replied) = bounded(1);
        requests.send(reply).unwrap();
        let waiting = setting.spawn(move || replied.recv());
        settle();
        assert!(!waiting.is_finished());
        drop(server);
        assert_eq!(waiting.join(), Err(RecvError));
    }
}

#[test]
fn each_end_knows_when_nobody_is_left_at_the_other() {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<usize>(capacity);
        drop(sender.clone());
        assert!(!receiver.is_disconnected() && !receiver.is_closed());
        drop(sender);
        assert!(receiver.is_disconnected() && receiver.is_closed());
        let (sender, receiver) = channel::<usize>(capacity);
        drop(receiver.clone());
        assert!(!sender.is_disconnected() && !sender.is_closed());
        drop(receiver);
        assert!(sender.is_disconnected() && sender.is_closed());
    }
}

#[test]
fn what_is_queued_outlives_the_senders() {
    for capacity in [Some(1), Some(5), None] {
        let (sender, receiver) = channel(capacity);
        let queued = capacity.unwrap_or(200);
        (0..queued).for_each(|i| sender.send(i).unwrap());
        drop(sender);
        for i in 0..queued {
            assert_eq!(receiver.try_recv(), Ok(i));
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!(receiver.recv(), Err(RecvError));
    }
}

#[test]
fn what_is_queued_goes_with_the_last_receiver() {
    for capacity in [Some(1), Some(5), None] {
        let queued = capacity.unwrap_or(200);
        let tally = Tally::new(queued);
        let (sender, receiver) = channel(capacity);
        let other = receiver.clone();
        (0..queued).for_each(|i| sender.send(tally.value(i)).ok().unwrap());
        drop(receiver);
        assert_eq!((tally.dropped(), sender.len()), (0, queued));
        drop(other);
        tally.check();
        assert_eq!(sender.len(), 0);
        assert_eq!(sender.capacity(), capacity);
    }
}

#[test]
fn every_send_without_a_receiver_gives_the_value_back() {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        drop(receiver);
        assert_eq!(sender.send(1), Err(SendError(1)));
        assert_eq!(sender.try_send(2), Err(TrySendError::Disconnected(2)));
        assert_eq!(sender.send_timeout(3, LONG), Err(SendTimeoutError::Disconnected(3)));
        assert!(!sender.close());
    }
}

#[test]
fn a_channel_that_queues_its_own_sender_can_be_dropped() {
    struct Own {
        _sender: Sender<Own>,
    }
    let (sender, receiver) = unbounded();
    sender.send(Own { _sender: sender.clone() }).ok().unwrap();
    drop(sender);
    drop(receiver);
}
