//! Every value is dropped exactly once, whatever becomes of it and of the threads at
//! either end; and a destructor that panics harms nobody else.

#[macro_use]
mod settings;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use settings::{LONG, Setting, join_all, limited, runtime, settle};
use sward_chan::{TryRecvError, TrySendError, bounded, unbounded};
use values::{CAPACITIES, Tally, channel};

in_every_setting!(
    received_values_are_their_receivers,
    values_that_come_back_are_their_senders,
    a_close_among_senders_that_wait_drops_each_value_once,
    a_receiver_that_goes_while_others_send_drops_each_value_once,
);

fn received_values_are_their_receivers(setting: &Setting) {
    for capacity in CAPACITIES {
        let tally = Tally::new(100);
        let (sender, receiver) = channel(capacity);
        let sending = setting.spawn({
            let tally = tally.clone();
            move || (0..100).for_each(|i| sender.send(tally.value(i)).ok().unwrap())
        });
        for (dropped, value) in receiver.iter().enumerate() {
            assert_eq!((tally.dropped(), value.number), (dropped, dropped));
        }
        sending.join();
        tally.check();
    }
}

fn values_that_come_back_are_their_senders(_: &Setting) {
    let tally = Tally::new(6);
    let (sender, receiver) = bounded(0);
    let value = |number| tally.value(number);
    let back = sender.try_send(value(0)).unwrap_err().into_inner();
    assert_eq!((tally.dropped(), back.number), (0, 0));
    drop(back);
    assert_eq!(tally.dropped(), 1);
    let timeout = Duration::from_micros(50);
    assert!(sender.send_timeout(value(1), timeout).unwrap_err().is_timeout());
    assert!(sender.send_timeout(value(2), Duration::ZERO).unwrap_err().is_timeout());
    receiver.close();
    assert!(sender.try_send(value(3)).unwrap_err().is_disconnected());
    assert!(sender.send_timeout(value(4), LONG).unwrap_err().is_disconnected());
    assert_eq!(sender.send(value(5)).unwrap_err().into_inner().number, 5);
    tally.check();
}

fn a_close_among_senders_that_wait_drops_each_value_once(setting: &Setting) {
    for capacity in CAPACITIES {
        let tally = Tally::new(12);
        let (sender, receiver) = channel(capacity);
        let sending = setting.spawn_many(12, {
            let tally = tally.clone();
            move |i| drop(sender.send(tally.value(i)))
        });
        settle();
        drop(receiver.try_recv());
        receiver.close();
        join_all(sending);
        drop(receiver);
        tally.check();
    }
}

fn a_receiver_that_goes_while_others_send_drops_each_value_once(setting: &Setting) {
    const ROUNDS: usize = 20;
    for capacity in CAPACITIES {
        let tally = Tally::new(ROUNDS * 10);
        for round in 0..ROUNDS {
            let (sender, receiver) = channel(capacity);
            let sending = setting.spawn_many(2, {
                let tally = tally.clone();
                move |i| {
                    for number in 0..5 {
                        drop(sender.send(tally.value(round * 10 + i * 5 + number)));
                    }
                }
            });
            (0..round).for_each(|_| sward_sched::yield_now());
            drop(receiver.try_recv());
            drop(receiver);
            join_all(sending);
        }
        tally.check();
    }
}

#[test]
fn both_ends_dropped_with_values_queued() {
    for capacity in [Some(5), None] {
        for receiver_first in [false, true] {
            let queued = capacity.unwrap_or(200);
            let tally = Tally::new(queued);
            let (sender, receiver) = channel(capacity);
            (0..queued).for_each(|i| sender.send(tally.value(i)).ok().unwrap());
            if receiver_first {
                drop((receiver, sender));
            } else {
                drop((sender, receiver));
            }
            tally.check();
        }
    }
}

#[test]
fn a_shutdown_drops_the_value_of_a_send_that_waits() {
    limited(|| {
        for workers in [1, 2] {
            for capacity in [0, 2] {
                let tally = Tally::new(10 + capacity);
                let (sender, receiver) = bounded(capacity);
                (0..capacity).for_each(|i| sender.send(tally.value(10 + i)).ok().unwrap());
                let rt = runtime(workers);
                let send = |i| {
                    let (sender, value) = (sender.clone(), tally.value(i));
                    rt.spawn(move || sender.send(value).is_ok())
                };
                let sending: Vec<_> = (0..10).map(send).collect();
                settle();
                assert!(rt.shutdown(LONG));
                // Those that had not started are cancelled just the same.
                for handle in sending {
                    assert!(handle.join().unwrap_err().is_cancelled());
                }
                assert_eq!((tally.dropped(), receiver.len()), (10, capacity));
                drop(receiver.try_iter().collect::<Vec<_>>());
                tally.check();
                assert!(matches!(receiver.try_recv(), Err(TryRecvError::Empty)));
            }
        }
    });
}

#[test]
fn a_shutdown_of_receivers_that_wait_takes_no_value_along() {
    limited(|| {
        for workers in [1, 2] {
            for capacity in CAPACITIES {
                let (sender, receiver) = channel(capacity);
                let rt = runtime(workers);
                let receive = |_| {
                    let receiver = receiver.clone();
                    rt.spawn(move || receiver.recv())
                };
                let receiving: Vec<_> = (0..10).map(receive).collect();
                settle();
                assert!(rt.shutdown(LONG));
                for handle in receiving {
                    assert!(handle.join().unwrap_err().is_cancelled());
                }
                match sender.try_send(7) {
                    Ok(()) => assert_eq!(receiver.try_recv(), Ok(7)),
                    Err(error) => assert_eq!((error, capacity), (TrySendError::Full(7), Some(0))),
                }
            }
        }
    });
}

#[test]
fn a_shutdown_while_values_pass_drops_each_once() {
    limited(|| {
        for capacity in CAPACITIES {
            let tally = Tally::new(200);
            let (sender, receiver) = channel(capacity);
            let rt = runtime(2);
            let receive = |_| {
                let receiver = receiver.clone();
                rt.spawn(move || receiver.iter().count())
            };
            let receiving: Vec<_> = (0..4).map(receive).collect();
            let sending = std::thread::spawn({
                let tally = tally.clone();
                move || {
                    for i in 0..200 {
                        drop(sender.send_timeout(tally.value(i), Duration::from_micros(100)));
                    }
                }
            });
            settings::until(|| tally.dropped() >= 10);
            assert!(rt.shutdown(LONG));
            for handle in receiving {
                // One that was told of the last sender's end counted to the end.
                assert!(handle.join().map_or_else(|e| e.is_cancelled(), |count| count <= 200));
            }
            sending.join().unwrap();
            drop(receiver);
            tally.check();
        }
    });
}

#[test]
fn a_destructor_that_panics_in_a_discarded_queue_spares_the_rest() {
    for capacity in [Some(200), None] {
        let tally = Tally::new(200);
        let (sender, receiver) = channel(capacity);
        for i in 0..200 {
            let value = if i == 70 { tally.bomb(i) } else { tally.value(i) };
            sender.send(value).ok().unwrap();
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
        tally.check();
        assert_eq!(sender.len(), 0);
        let after = Tally::new(1);
        assert!(sender.send(after.value(0)).is_err());
        after.check();
    }
}

#[test]
fn a_destructor_that_panics_in_a_cancelled_send_leaves_the_channel_usable() {
    limited(|| {
        let tally = Tally::new(2);
        let (sender, receiver) = bounded(0);
        let rt = runtime(1);
        let (started, waits) = unbounded();
        let sending = rt.spawn({
            let (sender, bomb) = (sender.clone(), tally.bomb(0));
            move || {
                started.send(()).unwrap();
                sender.send(bomb).is_ok()
            }
        });
        waits.recv().unwrap();
        assert!(rt.shutdown(LONG));
        assert!(sending.join().unwrap_err().is_panic());
        let receiving = std::thread::spawn(move || receiver.recv().map(|value| value.number));
        sender.send(tally.value(1)).ok().unwrap();
        assert_eq!(receiving.join().unwrap(), Ok(1));
        tally.check();
    });
}
