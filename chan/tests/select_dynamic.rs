//! `Select`: operations that are added and removed at run time. What it panics at is in
//! `select_operations.rs`.

#[macro_use]
mod settings;
mod values;

use std::time::{Duration, Instant};

use settings::{LONG, Setting, join_all, settle};
use sward_chan::{
    ReadyTimeoutError, Receiver, RecvError, Select, SelectTimeoutError, SendError, Sender,
    TryReadyError, TrySelectError, bounded, never, unbounded,
};
use values::{BOUNDS, CAPACITIES, channel, full};

in_every_setting!(
    it_waits_until_an_operation_can_be_done,
    ready_waits_until_an_operation_could_be_done,
    a_wait_for_ready_takes_nothing,
    its_waits_end_when_their_time_is_up_and_leave_no_trace,
    a_close_or_the_end_of_the_other_side_makes_it_ready,
    dynamic_selects_meet,
    a_partner_waits_until_the_operation_is_completed,
    many_channels_are_served_by_one_select,
    those_that_wait_for_ready_do_not_miss_what_comes,
);

/// Both have to wait: a select that could receive from one of two, and one that could send.
fn waits_first(
    setting: &Setting,
    receives: fn(Select<'_>, &Receiver<usize>) -> Option<usize>,
    sends: fn(Select<'_>, &Sender<usize>, usize) -> bool,
) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let (_open, nothing) = bounded::<()>(0);
        let waiting = setting.spawn(move || {
            let mut select = Select::new();
            assert_eq!((select.recv(&nothing), select.recv(&receiver)), (0, 1));
            receives(select, &receiver)
        });
        settle();
        assert!(!waiting.is_finished());
        sender.send(7).unwrap();
        assert_eq!(waiting.join(), Some(7));
    }
    for capacity in BOUNDS {
        let (sender, receiver) = full(capacity);
        let waiting = setting.spawn(move || {
            let mut select = Select::new();
            assert_eq!(select.send(&sender), 0);
            sends(select, &sender, capacity)
        });
        settle();
        assert!(!waiting.is_finished());
        (0..=capacity).for_each(|expected| assert_eq!(receiver.recv(), Ok(expected)));
        assert!(waiting.join());
    }
}

fn it_waits_until_an_operation_can_be_done(setting: &Setting) {
    let receives = |mut select: Select<'_>, receiver: &Receiver<usize>| {
        let operation = select.select();
        assert_eq!(operation.index(), 1);
        operation.recv(receiver).ok()
    };
    waits_first(setting, receives, |mut select, sender, value| {
        select.select().send(sender, value).is_ok()
    });
}

fn ready_waits_until_an_operation_could_be_done(setting: &Setting) {
    let receives = |mut select: Select<'_>, receiver: &Receiver<usize>| {
        assert_eq!(select.ready(), 1);
        receiver.try_recv().ok()
    };
    waits_first(setting, receives, |mut select, sender, value| {
        assert_eq!(select.ready_timeout(LONG), Ok(0));
        sender.try_send(value).is_ok()
    });
}

fn a_wait_for_ready_takes_nothing(setting: &Setting) {
    for capacity in [Some(1), Some(5), None] {
        let (sender, receiver) = channel(capacity);
        let waiting = setting.spawn_many(4, {
            let receiver = receiver.clone();
            move |_| {
                let mut select = Select::new();
                select.recv(&receiver);
                select.ready()
            }
        });
        settle();
        sender.send(7).unwrap();
        // One value is enough for all.
        assert_eq!(join_all(waiting), [0; 4]);
        assert_eq!((receiver.len(), receiver.recv()), (1, Ok(7)));
    }
}

fn its_waits_end_when_their_time_is_up_and_leave_no_trace(setting: &Setting) {
    for capacity in BOUNDS {
        let (nobody_sends, receiver) = bounded::<usize>(capacity);
        let (sender, nobody_receives) = full(capacity);
        let mut select = Select::new();
        select.recv(&receiver);
        select.send(&sender);
        for timeout in [0, 1, 30, 500].map(Duration::from_micros) {
            let start = Instant::now();
            let selected = select.select_timeout(timeout);
            assert_eq!(selected.map(drop), Err(SelectTimeoutError));
            assert!(start.elapsed() >= timeout);
            let deadline = Instant::now() + timeout;
            assert!(select.select_deadline(deadline).is_err());
            assert!(Instant::now() >= deadline);
            let start = Instant::now();
            assert_eq!(select.ready_timeout(timeout), Err(ReadyTimeoutError));
            assert!(start.elapsed() >= timeout);
            let deadline = Instant::now() + timeout;
            assert!(select.ready_deadline(deadline).is_err());
            assert!(Instant::now() >= deadline);
        }
        assert_eq!(select.try_select().map(drop), Err(TrySelectError));
        assert_eq!(select.try_ready(), Err(TryReadyError));
        assert!(select.select_deadline(Instant::now()).is_err());
        let queued: Vec<_> = nobody_receives.try_iter().collect();
        assert_eq!(queued, (0..capacity).collect::<Vec<_>>());
        assert_eq!(nobody_sends.try_send(7).is_ok(), capacity > 0);
        assert_eq!(receiver.len(), capacity.min(1));
    }
    // Nothing to wait for is waited for as long as was said.
    let start = Instant::now();
    assert!(Select::new().select_timeout(Duration::from_micros(100)).is_err());
    assert!(Select::new().ready_timeout(Duration::from_micros(100)).is_err());
    assert!(start.elapsed() >= Duration::from_micros(200));
    assert!(Select::new().try_select().is_err() && Select::new().try_ready().is_err());
    // The longest time is for ever.
    let (sender, receiver) = bounded(0);
    let waiting = setting.spawn_many(2, move |i| {
        let mut select = Select::new();
        select.recv(&receiver);
        match i {
            0 => select.select_timeout(Duration::MAX).unwrap().recv(&receiver).is_err(),
            _ => select.ready_timeout(Duration::MAX) == Ok(0),
        }
    });
    settle();
    assert!(!waiting.iter().any(|thread| thread.is_finished()));
    drop::<Sender<()>>(sender);
    assert_eq!(join_all(waiting), [true; 2]);
}

fn a_close_or_the_end_of_the_other_side_makes_it_ready(setting: &Setting) {
    for (closes, only_ready) in [(true, true), (true, false), (false, true), (false, false)] {
        let (sender, receiver) = bounded::<usize>(0);
        let (other_sender, other_receiver) = bounded::<usize>(0);
        let receiving = setting.spawn(move || {
            let mut select = Select::new();
            select.recv(&receiver);
            select.recv(&other_receiver);
            match only_ready {
                true => (select.ready() == 0).then(|| receiver.try_recv().is_err()),
                false => Some(select.select().recv(&receiver) == Err(RecvError)),
            }
        });
        let (to_full, drain) = full(1);
        let sending = setting.spawn(move || {
            let idle = never::<()>();
            let mut select = Select::new();
            select.recv(&idle);
            select.send(&to_full);
            match only_ready {
                true => (select.ready() == 1).then(|| to_full.try_send(9).is_err()),
                false => Some(select.select().send(&to_full, 9) == Err(SendError(9))),
            }
        });
        settle();
        assert!(!receiving.is_finished() && !sending.is_finished());
        if closes {
            sender.close();
            drain.close();
        }
        drop((sender, drain));
        assert_eq!((receiving.join(), sending.join()), (Some(true), Some(true)));
        drop(other_sender);
    }
}

/// Sends or receives, whatever can be done first, so often. The sums of what it sent and got.
fn trade(sender: &Sender<usize>, receiver: &Receiver<usize>, rounds: usize) -> (usize, usize) {
    let mut select = Select::new();
    let (send, _) = (select.send(sender), select.recv(receiver));
    let (mut sent, mut received) = (0, 0);
    for round in 0..rounds {
        let operation = select.select();
        if operation.index() == send {
            operation.send(sender, round).unwrap();
            sent += round;
        } else {
            received += operation.recv(receiver).unwrap();
        }
    }
    (sent, received)
}

fn dynamic_selects_meet(setting: &Setting) {
    let ((to_one, one), (to_other, other)) = (bounded(0), bounded(0));
    let partner = setting.spawn(move || trade(&to_one, &other, 300));
    let (sent, received) = trade(&to_other, &one, 300);
    assert_eq!((received, sent), partner.join());
}

fn a_partner_waits_until_the_operation_is_completed(setting: &Setting) {
    let (sender, receiver) = bounded(0);
    let receiving = setting.spawn(move || receiver.recv());
    let mut select = Select::new();
    select.send(&sender);
    let operation = select.select();
    settle();
    assert!(!receiving.is_finished());
    assert_eq!(operation.send(&sender, 7), Ok(()));
    assert_eq!(receiving.join(), Ok(7));
}

fn many_channels_are_served_by_one_select(setting: &Setting) {
    const CHANNELS: usize = 100;
    const EACH: usize = 10;
    let channels = (0..CHANNELS).map(|i| channel(CAPACITIES[i % CAPACITIES.len()]));
    let (senders, receivers): (Vec<_>, Vec<_>) = channels.unzip();
    let sending = setting.spawn_many(4, move |i| {
        for (number, sender) in senders.iter().enumerate().skip(i).step_by(4) {
            (0..EACH).for_each(|value| sender.send(number * EACH + value).unwrap());
        }
    });
    let mut select = Select::new();
    for receiver in &receivers {
        select.recv(receiver);
    }
    let (mut open, mut values) = (CHANNELS, Vec::new());
    while open > 0 {
        let operation = select.select();
        let index = operation.index();
        match operation.recv(&receivers[index]) {
            Ok(value) => values.push(value),
            Err(RecvError) => {
                select.remove(index);
                open -= 1;
            }
        }
    }
    values.sort_unstable();
    assert_eq!(values, (0..CHANNELS * EACH).collect::<Vec<_>>());
    join_all(sending);
}

fn those_that_wait_for_ready_do_not_miss_what_comes(setting: &Setting) {
    const EACH: usize = 100;
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let (_open, nothing) = bounded::<usize>(0);
        let receiving = setting.spawn_many(3, move |_| {
            let mut select = Select::new();
            select.recv(&nothing);
            select.recv(&receiver);
            let mut count = 0;
            loop {
                assert_eq!(select.ready(), 1);
                match receiver.try_recv() {
                    Ok(_) => count += 1,
                    Err(error) if error.is_disconnected() => break count,
                    // Another one was faster.
                    Err(_) => {}
                }
            }
        });
        let sending = setting.spawn_many(2, move |i| {
            let mut select = Select::new();
            select.send(&sender);
            for value in 0..EACH {
                // At a rendezvous two that only try would never meet.
                if i == 0 || capacity == Some(0) {
                    sender.send(value).unwrap();
                } else {
                    while select.ready() == 0 && sender.try_send(value).is_err() {}
                }
            }
        });
        join_all(sending);
        assert_eq!(join_all(receiving).into_iter().sum::<usize>(), 2 * EACH);
    }
}

#[test]
fn what_was_selected_is_kept_for_it() {
    let (sender, receiver) = bounded(1);
    let mut select = Select::new();
    select.send(&sender);
    let operation = select.try_select().unwrap();
    // The room is promised.
    assert!(sender.try_send(9).is_err());
    assert_eq!(operation.send(&sender, 1), Ok(()));
    assert_eq!(receiver.try_recv(), Ok(1));
    let (sender, receiver) = unbounded();
    (1..=3).for_each(|value| sender.send(value).unwrap());
    let mut select = Select::new();
    select.recv(&receiver);
    let operation = select.try_select().unwrap();
    assert_eq!((receiver.try_recv(), receiver.len()), (Ok(2), 1));
    assert_eq!(operation.recv(&receiver), Ok(1));
    assert_eq!(receiver.try_recv(), Ok(3));
}
