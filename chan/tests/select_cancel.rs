//! A `select!` that is cancelled, or takes longer than a `timeout` around it allows, leaves no
//! trace at its channels; its values are dropped, or have been sent.

mod settings;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use settings::{LONG, on_every_runtime, until};
use sward_chan::{
    Receiver, Select, Sender, TryRecvError, TrySendError, bounded, select, unbounded,
};
use sward_sched::time::{sleep, timeout};
use sward_sched::{JoinHandle, checkpoint, spawn, uncancellable, yield_now};
use values::{Counted, Tally};

fn is_cancelled<T>(thread: JoinHandle<T>) -> bool {
    thread.cancel();
    thread.join().is_err_and(|error| error.is_cancelled())
}

/// Says that it has begun, and waits at a few channels.
fn wait(
    begun: &Sender<()>,
    receiver: &Receiver<Counted>,
    sender: &Sender<Counted>,
    value: Counted,
) -> bool {
    begun.send(()).unwrap();
    select! {
        recv(receiver) -> came => came.is_ok(),
        send(sender, value) -> went => went.is_ok(),
        recv(receiver) -> came => came.is_ok(),
    }
}

#[test]
fn a_select_that_waits_is_ended_and_leaves_no_trace() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let (begun, begins) = unbounded();
            for capacity in [0, 1] {
                let tally = Tally::new(10 + capacity + 1);
                let (nobody_sends, receiver) = bounded(0);
                let (sender, nobody_receives) = bounded(capacity);
                (0..capacity).for_each(|i| sender.send(tally.value(10 + i)).ok().unwrap());
                let waiting: Vec<_> = (0..10)
                    .map(|i| {
                        let (begun, receiver) = (begun.clone(), receiver.clone());
                        let (sender, value) = (sender.clone(), tally.value(i));
                        spawn(move || wait(&begun, &receiver, &sender, value))
                    })
                    .collect();
                begins.iter().take(10).for_each(drop);
                (0..10).for_each(|_| yield_now());
                assert!(waiting.into_iter().all(is_cancelled));
                // Their values are gone, and they from both lines.
                assert_eq!(tally.dropped(), 10);
                assert_eq!(nobody_receives.try_iter().count(), capacity);
                let unsent = nobody_sends.try_send(tally.value(10 + capacity)).unwrap_err();
                assert!(unsent.is_full());
                drop(unsent);
                tally.check();
            }
        });
    });
}

#[test]
fn those_in_line_behind_a_select_that_is_ended_are_served() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let (sender, receiver) = bounded(0);
            let (begun, begins) = unbounded();
            let (_open, nothing) = bounded::<()>(0);
            let waiting: Vec<_> = (0..9)
                .map(|i| {
                    let (begun, receiver) = (begun.clone(), receiver.clone());
                    let nothing = nothing.clone();
                    spawn(move || {
                        begun.send(()).unwrap();
                        match i % 3 {
                            0 => receiver.recv().unwrap(),
                            _ => select! {
                                recv(nothing) -> _ => panic!("nobody sends that"),
                                recv(receiver) -> value => value.unwrap(),
                            },
                        }
                    })
                })
                .collect();
            begins.iter().take(9).for_each(drop);
            (0..9).for_each(|_| yield_now());
            let (ended, staying): (Vec<_>, Vec<_>) =
                waiting.into_iter().enumerate().partition(|(i, _)| i % 3 == 1);
            assert!(ended.into_iter().all(|(_, thread)| is_cancelled(thread)));
            (0..6).for_each(|value| sender.send(value).unwrap());
            let mut values: Vec<_> =
                staying.into_iter().map(|(_, thread)| thread.join().unwrap()).collect();
            values.sort_unstable();
            assert_eq!(values, [0, 1, 2, 3, 4, 5]);
            assert_eq!(sender.try_send(6), Err(TrySendError::Full(6)));
        });
    });
}

/// Loops that always find a case ready end, too.
#[test]
fn selects_that_never_have_to_wait_are_ended() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let (sender, receiver) = bounded(2);
            let looping = spawn(move || {
                loop {
                    select! {
                        send(sender, 1) -> sent => sent.unwrap(),
                        recv(receiver) -> value => assert_eq!(value, Ok(1)),
                    }
                }
            });
            yield_now();
            let looping: JoinHandle<()> = looping;
            assert!(is_cancelled(looping));
            let (sender, receiver) = bounded(2);
            let late = timeout(Duration::from_millis(2), || {
                loop {
                    let mut select = Select::new();
                    let (send, _) = (select.send(&sender), select.recv(&receiver));
                    let operation = select.select();
                    if operation.index() == send {
                        operation.send(&sender, 1).unwrap();
                    } else {
                        operation.recv(&receiver).unwrap();
                    }
                }
            });
            assert!(late.map(|(): ()| ()).unwrap_err().is_elapsed());
        });
    });
}

#[test]
fn a_timeout_around_a_select_ends_it() {
    on_every_runtime(|rt| {
        rt.run(|| {
            const ROUNDS: usize = 50;
            let tally = Tally::new(ROUNDS);
            let (sender, nobody_receives) = bounded(0);
            let (nobody_sends, receiver) = bounded::<usize>(0);
            for round in 0..ROUNDS {
                let ended = timeout(Duration::from_micros(round as u64 % 5 * 20), || {
                    select! {
                        send(sender, tally.value(round)) -> _ => panic!("nobody receives"),
                        recv(receiver) -> _ => panic!("nobody sends"),
                        default(LONG) => panic!("it comes later"),
                    }
                });
                assert!(ended.map(|(): ()| ()).unwrap_err().is_elapsed());
                assert_eq!(tally.dropped(), round + 1);
                assert!(matches!(nobody_receives.try_recv(), Err(TryRecvError::Empty)));
                assert_eq!(nobody_sends.try_send(1), Err(TrySendError::Full(1)));
            }
            // The inner time is up first, or a value comes first.
            let inner = timeout(LONG, || {
                select! {
                    recv(receiver) -> _ => panic!("nobody sends"),
                    default(Duration::from_micros(20)) => 7,
                }
            });
            assert_eq!(inner.ok(), Some(7));
            let sending = spawn(move || nobody_sends.send(8));
            let value = timeout(LONG, || select! { recv(receiver) -> value => value });
            assert_eq!(value.ok(), Some(Ok(8)));
            sending.join().unwrap().unwrap();
            tally.check();
        });
    });
}

#[test]
fn what_must_not_be_cancelled_goes_on() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let (sender, receiver) = bounded(0);
            let (begun, begins) = bounded(0);
            let after = Arc::new(AtomicUsize::new(0));
            let reached = after.clone();
            let (_open, nothing) = bounded::<()>(0);
            let waiting = spawn(move || {
                uncancellable(|| {
                    begun.send(()).unwrap();
                    let value = select! {
                        recv(receiver) -> value => value.unwrap(),
                        recv(nothing) -> _ => panic!("nobody sends that"),
                    };
                    reached.store(value, Ordering::Relaxed);
                });
                loop {
                    checkpoint();
                }
            });
            begins.recv().unwrap();
            waiting.cancel();
            sender.send(7).unwrap();
            let ended: Result<(), _> = waiting.join();
            assert!(ended.unwrap_err().is_cancelled());
            assert_eq!(after.load(Ordering::Relaxed), 7);
        });
    });
}

/// Selects that are cancelled at the moment at which their partner, a select too, finds them.
#[test]
fn every_value_is_received_once_or_dropped_once() {
    const THREADS: usize = 12;
    const MOST: usize = 50_000;
    on_every_runtime(|rt| {
        rt.run(|| {
            for capacity in [0, 1, 8] {
                let tally = Tally::new(MOST);
                let made = Arc::new(AtomicUsize::new(0));
                let (one, other) = (bounded(capacity), bounded(0));
                let trade = |i: usize| {
                    let ends = (one.clone(), other.clone());
                    let (tally, made) = (tally.clone(), made.clone());
                    spawn(move || {
                        let ((send_one, one), (send_other, other)) = ends;
                        let value = || tally.value(made.fetch_add(1, Ordering::Relaxed));
                        while made.load(Ordering::Relaxed) < MOST - 4 * THREADS {
                            let limit = Duration::from_micros(i as u64 * 3);
                            let traded = match i % 4 {
                                0 => timeout(limit, || {
                                    select! { recv(one) -> _ => {} recv(other) -> _ => {} }
                                }),
                                1 => timeout(limit, || {
                                    select! {
                                        send(send_one, value()) -> _ => {}
                                        send(send_other, value()) -> _ => {}
                                    }
                                }),
                                2 => select! {
                                    send(send_other, value()) -> _ => Ok(()),
                                    recv(one) -> _ => Ok(()),
                                },
                                _ => select! {
                                    send(send_one, value()) -> _ => Ok(()),
                                    recv(other) -> _ => Ok(()),
                                    default(limit) => Ok(()),
                                },
                            };
                            if traded.is_err() {
                                yield_now();
                            }
                        }
                        sleep(LONG);
                    })
                };
                let trading: Vec<_> = (0..THREADS).map(trade).collect();
                until(|| made.load(Ordering::Relaxed) > 500);
                for (i, thread) in trading.into_iter().enumerate() {
                    (0..i % 3).for_each(|_| yield_now());
                    assert!(is_cancelled(thread));
                }
                let left = one.1.try_iter().count();
                assert!(left <= capacity && other.1.try_recv().is_err());
                assert_eq!(tally.dropped(), made.load(Ordering::Relaxed));
                // And both lines are in order.
                for (sender, receiver) in [&one, &other] {
                    let (sender, tally) = (sender.clone(), Tally::new(1));
                    let value = tally.value(0);
                    let sending =
                        spawn(move || select! { send(sender, value) -> it => it.is_ok() });
                    drop(select! { recv(receiver) -> value => value.ok().unwrap() });
                    assert!(sending.join().unwrap());
                    tally.check();
                }
            }
        });
    });
}
