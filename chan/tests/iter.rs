//! Receivers as iterators.

#[macro_use]
mod settings;
mod values;

use settings::{Setting, join_all, settle};
use sward_chan::{TrySendError, bounded};
use values::{CAPACITIES, channel};

in_every_setting!(
    iter_takes_the_values_as_they_come_until_there_is_no_sender,
    iter_waits_for_a_value,
    try_iter_does_not_wait,
    iterators_of_one_channel_share_its_values,
);

fn iter_takes_the_values_as_they_come_until_there_is_no_sender(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let sending = setting.spawn(move || (0..50).for_each(|i| sender.send(i).unwrap()));
        let mut expected = 0;
        for value in &receiver {
            assert_eq!(value, expected);
            expected += 1;
        }
        assert_eq!(expected, 50);
        sending.join();
    }
}

fn iter_waits_for_a_value(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let first = setting.spawn(move || receiver.iter().next());
        settle();
        assert!(!first.is_finished());
        sender.send(7).unwrap();
        assert_eq!(first.join(), Some(7));
    }
}

fn try_iter_does_not_wait(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        assert_eq!(receiver.try_iter().next(), None);
        let sending = setting.spawn(move || (0..50).for_each(|i| sender.send(i).unwrap()));
        let mut values = Vec::new();
        settings::until(|| {
            values.extend(receiver.try_iter());
            values.len() == 50
        });
        assert_eq!(values, (0..50).collect::<Vec<_>>());
        sending.join();
    }
}

fn iterators_of_one_channel_share_its_values(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let receiving = setting.spawn_many(3, {
            let receiver = receiver.clone();
            move |_| receiver.iter().collect::<Vec<usize>>()
        });
        (0..90).for_each(|i| sender.send(i).unwrap());
        drop(sender);
        let mut values: Vec<_> = receiver.into_iter().collect();
        values.extend(join_all(receiving).concat());
        values.sort_unstable();
        assert_eq!(values, (0..90).collect::<Vec<_>>());
    }
}

#[test]
fn an_iterator_that_has_ended_stays_ended() {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<i32>(capacity);
        drop(sender);
        let mut values = receiver.iter();
        assert_eq!((values.next(), values.next()), (None, None));
        let mut values = receiver.try_iter();
        assert_eq!((values.next(), values.next()), (None, None));
        let mut values = receiver.into_iter();
        assert_eq!((values.next(), values.next()), (None, None));
    }
}

#[test]
fn try_iter_goes_on_when_there_is_more() {
    let (sender, receiver) = bounded(2);
    let mut values = receiver.try_iter();
    for i in 0..5 {
        assert_eq!(values.next(), None);
        sender.send(i).unwrap();
        assert_eq!(values.next(), Some(i));
    }
}

#[test]
fn into_iter_holds_the_receiver() {
    let (sender, receiver) = bounded(3);
    (0..3).for_each(|i| sender.send(i).unwrap());
    let mut values = receiver.into_iter();
    assert_eq!(values.next(), Some(0));
    assert_eq!(sender.try_send(3), Ok(()));
    drop(values);
    assert_eq!(sender.try_send(4), Err(TrySendError::Disconnected(4)));
    assert_eq!(sender.len(), 0);
}

#[test]
fn a_for_loop_left_early_leaves_the_rest_queued() {
    let (sender, receiver) = bounded(5);
    (0..5).for_each(|i| sender.send(i).unwrap());
    for value in &receiver {
        if value == 2 {
            break;
        }
    }
    drop(sender);
    assert_eq!(receiver.into_iter().collect::<Vec<_>>(), [3, 4]);
}
