//! What Go's own tests ask of `select!`: `default` only when nothing is ready, no value to
//! oneself, none twice, none lost, and no harm to others in line. How fair it is: see
//! `go_fairness.rs`; what blocks: `go_blocking.rs`.

#[macro_use]
mod settings;
mod values;

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use settings::{Setting, join_all, settle, until};
use sward_chan::{Receiver, Select, Sender, bounded, never, select, select_biased, unbounded};
use sward_sched::yield_now;
use values::{BOUNDS, channel};

in_every_setting!(
    a_case_that_stays_ready_is_taken_before_default,
    readiness_that_passes_to_another_channel_is_not_missed,
    readiness_that_passes_to_a_channel_that_ends_is_not_missed,
    a_queued_value_or_the_end_after_it_is_always_there,
    a_select_does_not_receive_what_it_sends,
    two_that_send_and_receive_at_one_channel_do_not_get_their_own,
    selects_and_plain_operations_lose_nothing_among_each_other,
    a_channel_that_is_there_twice_is_left_altogether,
    a_channel_that_is_there_twice_gets_one_value,
    a_value_is_not_sent_twice,
    cases_that_lose_leave_the_line_to_others,
);

fn a_case_that_stays_ready_is_taken_before_default(setting: &Setting) {
    const ROUNDS: usize = 300;
    for capacity in [Some(0), Some(1), None] {
        let (sender, receiver) = channel(capacity);
        let (refill, always) = bounded(1);
        let over = Arc::new(AtomicBool::new(false));
        // The other cases come and go meanwhile, and end.
        let noise = setting.spawn_many(2, {
            let (sender, receiver, over) = (sender.clone(), receiver.clone(), over.clone());
            move |i| {
                until(|| {
                    match i {
                        0 => drop(sender.try_send(0)),
                        _ => drop(receiver.try_recv()),
                    }
                    over.load(Ordering::Relaxed)
                });
            }
        });
        for round in 0..ROUNDS {
            if always.is_empty() {
                refill.send(round).unwrap();
            }
            select! {
                send(sender, round) -> _ => {}
                recv(receiver) -> _ => {}
                recv(always) -> value => assert!(value.is_ok()),
                default => panic!("default, and a case was ready"),
            }
            if round == ROUNDS / 2 {
                sender.close();
            }
            yield_now();
        }
        over.store(true, Ordering::Relaxed);
        join_all(noise);
    }
}

/// Whether a look at both finds one of them ready.
fn finds_one(first: &Receiver<i32>, second: &Receiver<i32>) -> bool {
    select! {
        recv(first) -> _ => true,
        recv(second) -> _ => true,
        default => false,
    }
}

/// At each moment one of two channels is ready: the second before the first is no more.
fn pass_readiness(
    setting: &Setting,
    capacity: usize,
    begin: fn(Sender<i32>) -> Option<Sender<i32>>,
) {
    const ROUNDS: usize = 400;
    let pair = |_| {
        let (fill, first) = bounded(1);
        let (begins, second) = bounded(capacity);
        fill.send(1).unwrap();
        ((first.clone(), second, fill), (first, begins))
    };
    let (looks, passes): (Vec<_>, Vec<_>) = (0..ROUNDS).map(pair).unzip();
    let (begun, passed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let passing = setting.spawn({
        let (begun, passed) = (begun.clone(), passed.clone());
        move || {
            let pass = |(round, (first, begins)): (usize, (Receiver<i32>, _))| {
                until(|| begun.load(Ordering::Acquire) > round);
                // In one round or the other it comes at each point of the look.
                (0..round % 100).for_each(|_| spin_loop());
                let stays_open = begin(begins);
                let _ = first.try_recv();
                passed.store(round + 1, Ordering::Release);
                stays_open
            };
            passes.into_iter().enumerate().map(pass).collect::<Vec<_>>()
        }
    });
    for (round, (first, second, _stays_open)) in looks.iter().enumerate() {
        begun.store(round + 1, Ordering::Release);
        assert!(finds_one(first, second), "default, and one was ready at each moment");
        until(|| passed.load(Ordering::Acquire) > round);
    }
    passing.join();
}

fn readiness_that_passes_to_another_channel_is_not_missed(setting: &Setting) {
    pass_readiness(setting, 1, |sender| {
        sender.send(2).unwrap();
        Some(sender)
    });
}

fn readiness_that_passes_to_a_channel_that_ends_is_not_missed(setting: &Setting) {
    pass_readiness(setting, 0, |sender| {
        drop(sender);
        None
    });
    pass_readiness(setting, 0, |sender| {
        assert!(sender.close());
        Some(sender)
    });
}

fn a_queued_value_or_the_end_after_it_is_always_there(setting: &Setting) {
    for close in [drop, |sender: Sender<i32>| assert!(sender.close())] {
        for _ in 0..100 {
            let (sender, receiver) = bounded(1);
            sender.send(1).unwrap();
            let looking = setting.spawn({
                let receiver = receiver.clone();
                move || {
                    select! {
                        recv(receiver) -> _ => true,
                        default => false,
                    }
                }
            });
            close(sender);
            let _ = receiver.recv();
            assert!(looking.join());
        }
    }
}

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
