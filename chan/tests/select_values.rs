//! What becomes of the values in a `select!`: each is received once, comes back once, or is
//! dropped once, on every way out.

#[macro_use]
mod settings;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use settings::{Handle, LONG, Setting, join_all, limited, migrating, runtime, settle};
use sward_chan::{Receiver, Sender, TryRecvError, TrySendError, bounded, select};
use values::{BOUNDS, CAPACITIES, Counted, Tally, channel};

in_every_setting!(
    values_are_dropped_once_whatever_case_is_taken,
    a_value_that_is_sent_belongs_to_its_receiver,
    a_value_that_nobody_will_receive_comes_back,
    timeouts_that_race_with_receivers_lose_and_double_nothing,
    a_close_in_the_middle_of_selects_drops_each_value_once,
    a_receiver_that_goes_in_the_middle_of_selects_drops_each_value_once,
    senders_that_go_one_after_the_other_leave_what_they_sent,
);

fn values_are_dropped_once_whatever_case_is_taken(setting: &Setting) {
    const ROUNDS: usize = 60;
    for capacity in CAPACITIES {
        // In each round three are for the select, and one is for it to receive.
        let tally = Tally::new(ROUNDS * 4);
        let (sender, receiver) = channel(capacity);
        let (give, given) = channel(capacity);
        let partner = setting.spawn({
            let tally = tally.clone();
            move || {
                for round in 0..ROUNDS {
                    let value = tally.value(round * 4 + 3);
                    select! {
                        send(give, value) -> _ => {}
                        recv(receiver) -> _ => {}
                        default(Duration::from_micros(10)) => {}
                    }
                }
            }
        });
        let (nobody, _held) = bounded(0);
        for round in 0..ROUNDS {
            let value = |i| tally.value(round * 4 + i);
            select! {
                send(sender, value(0)) -> _ => {}
                send(nobody, value(1)) -> _ => panic!("nobody receives"),
                recv(given) -> _ => {}
                send(sender, value(2)) -> _ => {}
                default(Duration::from_micros(round as u64 % 3 * 10)) => {}
            }
        }
        partner.join();
        drop((sender, given));
        tally.check();
    }
}

fn a_value_that_is_sent_belongs_to_its_receiver(setting: &Setting) {
    for capacity in CAPACITIES {
        let tally = Tally::new(100);
        let (sender, receiver) = channel(capacity);
        let sending = setting.spawn({
            let tally = tally.clone();
            let (open, nothing) = bounded::<()>(0);
            move || {
                for number in 0..100 {
                    select! {
                        recv(nothing) -> _ => panic!("nobody sends that"),
                        send(sender, tally.value(number)) -> sent => assert!(sent.is_ok()),
                    }
                }
                drop(open);
            }
        });
        for expected in 0..100 {
            let value = select! { recv(receiver) -> value => value.ok().unwrap() };
            assert_eq!((value.number, tally.dropped()), (expected, expected));
        }
        sending.join();
        tally.check();
    }
}

fn a_value_that_nobody_will_receive_comes_back(setting: &Setting) {
    for capacity in BOUNDS {
        for closes in [true, false] {
            let tally = Tally::new(3 + capacity);
            let (sender, receiver) = bounded(capacity);
            (0..capacity).for_each(|i| sender.send(tally.value(3 + i)).ok().unwrap());
            let sending = setting.spawn({
                let (sender, tally) = (sender.clone(), tally.clone());
                move || {
                    let (nobody, _held) = bounded(0);
                    let sent = select! {
                        send(nobody, tally.value(0)) -> sent => sent,
                        send(sender, tally.value(1)) -> sent => sent,
                    };
                    let back = sent.err().unwrap().into_inner();
                    assert_eq!(back.number, 1);
                    // Given back, not dropped; the other one may be by now.
                    assert!(tally.dropped() <= 1 + capacity);
                }
            });
            settle();
            if closes {
                receiver.close();
            }
            drop(receiver);
            sending.join();
            let back = select! {
                send(sender, tally.value(2)) -> sent => sent.err().unwrap().into_inner(),
                default => panic!("it does not wait"),
            };
            assert_eq!(back.number, 2);
            drop(back);
            tally.check();
        }
    }
}

/// Threads that send values with selects that run out of time, and say how many went.
fn sends(
    setting: &Setting,
    senders: [&Sender<Counted>; 2],
    tally: &Tally,
    each: usize,
) -> Vec<Handle<usize>> {
    let [one, other] = senders.map(Sender::clone);
    let tally = tally.clone();
    setting.spawn_many(3, move |i| {
        let mut gone = 0;
        for round in 0..each {
            // Two for each select, of which one goes at most.
            let number = 2 * (i * each + round);
            let timeout = Duration::from_micros((i + round) as u64 % 4 * 10);
            gone += select! {
                send(one, tally.value(number)) -> sent => usize::from(sent.is_ok()),
                send(other, tally.value(number + 1)) -> sent => usize::from(sent.is_ok()),
                default(timeout) => 0,
            };
        }
        gone
    })
}

/// Receives from both with selects that run out of time, until neither has a sender.
fn receives(one: &Receiver<Counted>, other: &Receiver<Counted>, started: usize) -> usize {
    let (mut came, mut ended, mut round) = (0, [false; 2], started);
    while ended != [true; 2] {
        round += 1;
        let (i, value) = select! {
            recv(one) -> value => (0, value),
            recv(other) -> value => (1, value),
            default(Duration::from_micros(round as u64 % 3 * 15)) => continue,
        };
        match value {
            Ok(_) => came += 1,
            Err(_) => ended[i] = true,
        }
    }
    came
}

fn timeouts_that_race_with_receivers_lose_and_double_nothing(setting: &Setting) {
    const EACH: usize = 50;
    for capacity in CAPACITIES {
        let tally = Tally::new(2 * 3 * EACH);
        let ((sender, receiver), (other, others)) = (channel(capacity), channel(Some(0)));
        let sending = sends(setting, [&sender, &other], &tally, EACH);
        drop((sender, other));
        let receiving = setting.spawn_many(3, move |i| receives(&receiver, &others, i));
        let gone: usize = join_all(sending).into_iter().sum();
        let came: usize = join_all(receiving).into_iter().sum();
        assert_eq!(came, gone);
        tally.check();
    }
}

fn a_close_in_the_middle_of_selects_drops_each_value_once(setting: &Setting) {
    const EACH: usize = 30;
    for capacity in CAPACITIES {
        let tally = Tally::new(2 * 3 * EACH);
        let ((sender, receiver), (other, others)) = (channel(capacity), channel(Some(1)));
        let sending = sends(setting, [&sender, &other], &tally, EACH);
        let came = Arc::new(AtomicUsize::new(0));
        let receiving = setting.spawn_many(2, {
            let (receiver, others, came) = (receiver.clone(), others.clone(), came.clone());
            move |i| {
                let values = std::iter::from_fn(|| {
                    select! {
                        recv(receiver) -> value => value.ok(),
                        recv(others) -> value => value.ok(),
                    }
                });
                came.fetch_add(values.take(EACH * i).count(), Ordering::Relaxed);
            }
        });
        settle();
        sender.close();
        others.close();
        let gone: usize = join_all(sending).into_iter().sum();
        join_all(receiving);
        let left = receiver.try_iter().chain(others.try_iter()).count();
        assert_eq!(came.load(Ordering::Relaxed) + left, gone);
        tally.check();
    }
}

fn a_receiver_that_goes_in_the_middle_of_selects_drops_each_value_once(setting: &Setting) {
    const EACH: usize = 10;
    for capacity in CAPACITIES {
        for round in 0..10 {
            let tally = Tally::new(2 * 3 * EACH);
            let ((sender, receiver), (other, others)) = (channel(capacity), channel(Some(0)));
            let sending = sends(setting, [&sender, &other], &tally, EACH);
            drop((sender, other));
            (0..round).for_each(|_| sward_sched::yield_now());
            drop(receiver.try_recv());
            drop(receiver);
            drop(others);
            join_all(sending);
            tally.check();
        }
    }
}

fn senders_that_go_one_after_the_other_leave_what_they_sent(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let (_open, nothing) = bounded::<usize>(0);
        let sending = setting.spawn_many(20, move |i| sender.send(i).unwrap());
        let next = || {
            select! {
                recv(nothing) -> value => value.ok(),
                recv(receiver) -> value => value.ok(),
            }
        };
        let mut values: Vec<_> = std::iter::from_fn(next).collect();
        values.sort_unstable();
        assert_eq!(values, (0..20).collect::<Vec<_>>());
        join_all(sending);
    }
}

#[test]
fn a_shutdown_among_selects_drops_each_value_once() {
    limited(|| {
        for rt in [runtime(1), runtime(2), migrating(2)] {
            let tally = Tally::new(20);
            let (sender, receiver) = bounded::<Counted>(0);
            let (one, other) = (bounded(0), bounded(0));
            let start = |i: usize| {
                let (one, other) = (one.0.clone(), other.0.clone());
                let receiver = receiver.clone();
                let (value, other_value) = (tally.value(2 * i), tally.value(2 * i + 1));
                rt.spawn(move || {
                    select! {
                        send(one, value) -> _ => {}
                        send(other, other_value) -> _ => {}
                        recv(receiver) -> _ => {}
                    }
                })
            };
            let waiting: Vec<_> = (0..10).map(start).collect();
            settle();
            assert!(rt.shutdown(LONG));
            assert!(waiting.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
            tally.check();
            assert!(matches!(one.1.try_recv(), Err(TryRecvError::Empty)));
            let unsent = sender.try_send(Tally::new(1).value(0));
            assert!(matches!(unsent, Err(TrySendError::Full(_))));
        }
    });
}
