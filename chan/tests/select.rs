//! `select!`: which case it takes, and that the others leave no trace. What may be written in
//! it is in `select_syntax.rs`, what becomes of values in `select_values.rs`.

#[macro_use]
mod settings;
mod values;

use std::sync::Arc;
use std::time::{Duration, Instant};

use settings::{LONG, Setting, join_all, settle};
use sward_chan::{
    Receiver, RecvError, SendError, Sender, TrySendError, bounded, select, select_biased, unbounded,
};
use values::{BOUNDS, CAPACITIES, channel, full};

in_every_setting!(
    any_case_ends_the_wait_and_the_others_leave_no_trace,
    a_wait_that_ends_without_a_case_leaves_no_trace,
    a_close_or_the_end_of_the_other_side_ends_the_wait,
    two_selects_meet,
    selects_that_name_their_channels_in_any_order_meet,
    selects_in_a_ring_hand_on,
    default_comes_when_its_time_is_up_and_not_before,
);

/// Channels at which a select waits in every way that there is.
struct Waits {
    empty: [(Sender<usize>, Receiver<usize>); 3],
    full: [(Sender<usize>, Receiver<usize>); 2],
}

/// The case that was taken, its value if it received one.
#[derive(Debug, PartialEq)]
enum Taken {
    Received(usize, Result<usize, RecvError>),
    Sent(usize, Result<(), SendError<usize>>),
    Default,
}

impl Waits {
    fn new() -> Self {
        Self { empty: [bounded(0), bounded(1), unbounded()], full: [full(0), full(1)] }
    }

    /// Waits at all of them.
    fn wait(&self, timeout: Duration) -> Taken {
        select! {
            recv(self.empty[0].1) -> value => Taken::Received(0, value),
            send(self.full[0].0, 70) -> sent => Taken::Sent(0, sent),
            recv(self.empty[1].1) -> value => Taken::Received(1, value),
            send(self.full[1].0, 71) -> sent => Taken::Sent(1, sent),
            recv(self.empty[2].1) -> value => Taken::Received(2, value),
            default(timeout) => Taken::Default,
        }
    }

    /// Nobody waits there: at the empty ones no receiver takes what is sent, at the full ones
    /// no sender has anything to give.
    fn check_untouched(&self) {
        for (sender, receiver) in &self.empty {
            match receiver.capacity() {
                Some(0) => assert_eq!(sender.try_send(1), Err(TrySendError::Full(1))),
                _ => {
                    assert_eq!((receiver.len(), sender.try_send(1)), (0, Ok(())));
                    assert_eq!((receiver.len(), receiver.try_recv()), (1, Ok(1)));
                }
            }
        }
        for (sender, receiver) in &self.full {
            let queued: Vec<_> = receiver.try_iter().collect();
            assert_eq!(queued.len(), sender.capacity().unwrap());
            assert!(receiver.is_empty());
            queued.into_iter().for_each(|value| sender.send(value).unwrap());
        }
    }
}

fn any_case_ends_the_wait_and_the_others_leave_no_trace(setting: &Setting) {
    let waits = Arc::new(Waits::new());
    for case in (0..5).cycle().take(20) {
        let waiting = setting.spawn({
            let waits = waits.clone();
            move || waits.wait(LONG)
        });
        if case % 2 == 0 {
            settle();
        }
        match case {
            0..3 => {
                waits.empty[case].0.send(case).unwrap();
                assert_eq!(waiting.join(), Taken::Received(case, Ok(case)));
            }
            _ => {
                let (case, receiver) = (case - 3, &waits.full[case - 3].1);
                let first = receiver.recv().unwrap();
                assert_eq!(waiting.join(), Taken::Sent(case, Ok(())));
                if case == 0 {
                    assert_eq!(first, 70);
                } else {
                    assert_eq!(receiver.recv(), Ok(71));
                    waits.full[1].0.send(0).unwrap();
                }
            }
        }
        waits.check_untouched();
    }
}

fn a_wait_that_ends_without_a_case_leaves_no_trace(setting: &Setting) {
    let waits = Arc::new(Waits::new());
    for round in 0..200 {
        assert_eq!(waits.wait(Duration::from_micros(round % 4 * 10)), Taken::Default);
        let at_once = select! {
            recv(waits.empty[0].1) -> _ => false,
            send(waits.full[0].0, 70) -> _ => false,
            send(waits.full[1].0, 71) -> _ => false,
            default => true,
        };
        assert!(at_once);
    }
    waits.check_untouched();
    // Several, with others in line.
    let waiting = setting.spawn_many(8, {
        let waits = waits.clone();
        move |i| {
            (0..10).all(|j| waits.wait(Duration::from_micros((i + j) as u64)) == Taken::Default)
        }
    });
    let staying = setting.spawn({
        let waits = waits.clone();
        move || waits.empty[0].1.recv()
    });
    assert!(join_all(waiting).into_iter().all(|all| all));
    waits.empty[0].0.send(7).unwrap();
    assert_eq!(staying.join(), Ok(7));
    waits.check_untouched();
}

fn a_close_or_the_end_of_the_other_side_ends_the_wait(setting: &Setting) {
    let (_open, nothing) = bounded::<()>(0);
    for closes in [true, false] {
        for capacity in CAPACITIES {
            let (sender, receiver) = channel(capacity);
            let (other, nothing) = (sender.clone(), nothing.clone());
            let waiting = setting.spawn(move || {
                select! {
                    recv(receiver) -> value => Taken::Received(0, value),
                    recv(nothing) -> _ => Taken::Default,
                }
            });
            settle();
            drop(other);
            assert!(!waiting.is_finished());
            if closes {
                sender.close();
            }
            drop(sender);
            assert_eq!(waiting.join(), Taken::Received(0, Err(RecvError)));
        }
        for capacity in BOUNDS {
            let (sender, receiver) = full(capacity);
            let nothing = nothing.clone();
            let waiting = setting.spawn(move || {
                select! {
                    recv(nothing) -> _ => Taken::Default,
                    send(sender, 7) -> sent => Taken::Sent(0, sent),
                }
            });
            settle();
            assert!(!waiting.is_finished());
            if closes {
                receiver.close();
            }
            drop(receiver);
            assert_eq!(waiting.join(), Taken::Sent(0, Err(SendError(7))));
        }
    }
}

fn two_selects_meet(setting: &Setting) {
    const ROUNDS: usize = 300;
    let ((to_one, one), (to_other, other)) = (bounded(0), bounded(0));
    let partner = setting.spawn(move || {
        let (mut sent, mut received) = (0, 0);
        for round in 0..ROUNDS {
            select! {
                send(to_one, round) -> gone => sent += gone.map(|()| round).unwrap(),
                recv(other) -> value => received += value.unwrap(),
            }
        }
        (sent, received)
    });
    let (mut sent, mut received) = (0, 0);
    for round in 0..ROUNDS {
        select! {
            send(to_other, round) -> gone => sent += gone.map(|()| round).unwrap(),
            recv(one) -> value => received += value.unwrap(),
        }
    }
    assert_eq!((received, sent), partner.join());
}

fn selects_that_name_their_channels_in_any_order_meet(setting: &Setting) {
    const EACH: usize = 100;
    for capacity in BOUNDS {
        let ((to_one, one), (to_other, other)) = (bounded(capacity), bounded(capacity));
        let sending = setting.spawn_many(4, move |i| {
            for value in i * EACH..(i + 1) * EACH {
                if i % 2 == 0 {
                    select_biased! {
                        send(to_one, value) -> sent => sent,
                        send(to_other, value) -> sent => sent,
                    }
                } else {
                    select_biased! {
                        send(to_other, value) -> sent => sent,
                        send(to_one, value) -> sent => sent,
                    }
                }
                .unwrap();
            }
        });
        let receiving = setting.spawn_many(4, move |i| {
            let next = || {
                if i % 2 == 0 {
                    select_biased! { recv(one) -> value => value, recv(other) -> value => value }
                } else {
                    select_biased! { recv(other) -> value => value, recv(one) -> value => value }
                }
            };
            // Whichever ends first: the other may have something left.
            let mut values: Vec<_> = std::iter::from_fn(|| next().ok()).collect();
            values.extend(one.iter().chain(other.iter()));
            values
        });
        join_all(sending);
        let mut values = join_all(receiving).concat();
        values.sort_unstable();
        assert_eq!(values, (0..4 * EACH).collect::<Vec<_>>());
    }
}

/// Each sends to the next or receives from the one before it, whatever comes first.
fn selects_in_a_ring_hand_on(setting: &Setting) {
    for members in [2, 3, 5] {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..members).map(|_| bounded(0)).unzip();
        let (report, reports) = unbounded();
        let (stop, stopped) = bounded::<()>(0);
        let ring = setting.spawn_many(members, move |i| {
            let (mut sent, mut received) = (0, 0);
            loop {
                select! {
                    send(senders[(i + 1) % members], i) -> gone => {
                        gone.unwrap();
                        sent += 1;
                    }
                    recv(receivers[i]) -> from => {
                        assert_eq!((from.unwrap() + 1) % members, i);
                        received += 1;
                    }
                    recv(stopped) -> _ => break (sent, received),
                }
                report.send(i).unwrap();
            }
        });
        assert_eq!(reports.iter().take(200).count(), 200);
        drop(stop);
        let (sent, received): (Vec<_>, Vec<usize>) = join_all(ring).into_iter().unzip();
        assert_eq!(sent.into_iter().sum::<usize>(), received.into_iter().sum());
    }
}

fn default_comes_when_its_time_is_up_and_not_before(setting: &Setting) {
    let (sender, receiver) = bounded::<usize>(0);
    for timeout in [0, 1, 30, 1000, 3000].map(Duration::from_micros) {
        let start = Instant::now();
        select! {
            recv(receiver) -> _ => panic!("nobody sends"),
            default(timeout) => assert!(start.elapsed() >= timeout),
        }
        let start = Instant::now();
        select! {
            send(sender, 1) -> _ => panic!("nobody receives"),
            recv(receiver) -> _ => panic!("nobody sends"),
            default(timeout) => assert!(start.elapsed() >= timeout),
        }
    }
    // The longest time is for ever.
    let waiting = setting.spawn(move || {
        select! {
            recv(receiver) -> value => value.ok(),
            default(Duration::MAX) => None,
        }
    });
    settle();
    assert!(!waiting.is_finished());
    sender.send(7).unwrap();
    assert_eq!(waiting.join(), Some(7));
}
