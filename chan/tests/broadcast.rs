//! Every receiver gets every value that is sent while it is there, in order, or is told how many it
//! has missed; and whatever users' code does, the channel goes on.

#[macro_use]
mod settings;
mod tasks;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use settings::{LONG, Setting, join_all, limited, runtime, settle};
use sward_chan::SendError;
use sward_chan::broadcast::{Receiver, RecvError, RecvTimeoutError, Sender, TryRecvError, channel};
use sward_sched::primitive::Mutex;
use sward_sched::{spawn, yield_now};
use tasks::{Meddler, Wakes, forget, poll, run};
use values::Tally;

in_every_setting!(
    all_receive_all_in_order,
    one_that_comes_late_gets_what_comes_later,
    what_is_missed_is_counted,
    all_that_wait_hear_of_the_end,
    a_timeout_misses_nothing,
    tasks_receive_all,
    each_value_is_dropped_once,
);

fn all_receive_all_in_order(setting: &Setting) {
    const VALUES: usize = 200;
    let (sender, first) = channel(2 * VALUES);
    let mut receivers: Vec<_> = (0..4).map(|_| sender.subscribe()).collect();
    receivers.push(first);
    let receiving: Vec<_> = receivers
        .into_iter()
        .map(|mut receiver| {
            setting.spawn(move || {
                let mut received = Vec::new();
                while let Ok(value) = receiver.recv() {
                    received.push(value);
                }
                assert_eq!(receiver.recv(), Err(RecvError::Closed));
                received
            })
        })
        .collect();
    let sending = setting.spawn_many(2, move |number| {
        for i in 0..VALUES {
            assert_eq!(sender.send((number, i)), Ok(5));
            if i % 16 == 0 {
                yield_now();
            }
        }
    });
    join_all(sending);
    let received = join_all(receiving);
    for number in 0..2 {
        let of = |values: &[(usize, usize)]| -> Vec<_> {
            values.iter().filter(|value| value.0 == number).map(|value| value.1).collect()
        };
        assert_eq!(of(&received[0]), (0..VALUES).collect::<Vec<_>>());
    }
    assert!(received.iter().all(|values| *values == received[0]), "all in the same order");
}

fn one_that_comes_late_gets_what_comes_later(setting: &Setting) {
    let (sender, early) = channel(8);
    (0..3).for_each(|i| assert!(sender.send(i).is_ok()));
    let receivers = [sender.subscribe(), early.resubscribe(), early];
    assert_eq!(receivers.each_ref().map(Receiver::len), [0, 0, 3]);
    let receiving = receivers.map(|mut receiver| setting.spawn(move || receiver.recv()));
    settle();
    assert_eq!(sender.send(3), Ok(if receiving[2].is_finished() { 2 } else { 3 }));
    assert_eq!(join_all(receiving), [Ok(3), Ok(3), Ok(0)]);
}

fn what_is_missed_is_counted(setting: &Setting) {
    const VALUES: u64 = 500;
    let (sender, first) = channel(3);
    let receivers = [sender.subscribe(), sender.subscribe(), first];
    let receiving = receivers.map(|mut receiver| {
        setting.spawn(move || {
            let mut next = 0;
            loop {
                match receiver.recv() {
                    Ok(value) => {
                        assert_eq!(value, next);
                        next += 1;
                        if value % 7 == 0 {
                            yield_now();
                        }
                    }
                    Err(RecvError::Lagged(missed)) => next += missed,
                    Err(RecvError::Closed) => return next,
                }
            }
        })
    });
    for i in 0..VALUES {
        sender.send(i).unwrap();
        if i % 5 == 0 {
            yield_now();
        }
    }
    drop(sender);
    assert_eq!(join_all(receiving), [VALUES; 3]);
}

fn all_that_wait_hear_of_the_end(setting: &Setting) {
    for closes in [true, false] {
        let (sender, receiver) = channel::<i32>(1);
        let receiving = setting.spawn_many(4, {
            let receiver = Arc::new(receiver);
            move |_| receiver.resubscribe().recv()
        });
        settle();
        if closes {
            assert!(sender.close() && !sender.close());
            assert_eq!(sender.send(7), Err(SendError(7)));
        } else {
            drop(sender);
        }
        assert_eq!(join_all(receiving), [Err(RecvError::Closed); 4]);
    }
}

fn a_timeout_misses_nothing(setting: &Setting) {
    let (sender, mut receiver) = channel(4);
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    let brief = Duration::from_micros(50);
    assert_eq!(receiver.recv_timeout(brief), Err(RecvTimeoutError::Timeout));
    let sending = setting.spawn(move || {
        for i in 0..100 {
            // It must not lag.
            settings::until(|| sender.len() < 4);
            sender.send(i).unwrap();
            if i % 10 == 0 {
                settle();
            }
        }
    });
    let mut next = 0;
    loop {
        match receiver.recv_timeout(Duration::from_micros(10 * (next % 3))) {
            Ok(value) => {
                assert_eq!(value, next);
                next += 1;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(error) => {
                assert_eq!((error, next), (RecvTimeoutError::Closed, 100));
                break;
            }
        }
    }
    sending.join();
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Closed));
}

fn tasks_receive_all(setting: &Setting) {
    let (sender, receiver) = channel(100);
    let receiver = Arc::new(receiver);
    let started = Arc::new(AtomicUsize::new(0));
    let receiving = setting.spawn_many(3, {
        let started = started.clone();
        move |_| {
            let mut receiver = receiver.resubscribe();
            started.fetch_add(1, Ordering::SeqCst);
            run(async move {
                let mut received = Vec::new();
                while let Ok(value) = receiver.recv_async().await {
                    received.push(value);
                }
                received
            })
        }
    });
    settings::until(|| started.load(Ordering::SeqCst) == 3);
    for i in 0..100 {
        sender.send(i).unwrap();
        if i % 10 == 0 {
            settle();
        }
    }
    drop(sender);
    let all: Vec<_> = (0..100).collect();
    assert!(join_all(receiving).into_iter().all(|received| received == all));
}

fn each_value_is_dropped_once(setting: &Setting) {
    const VALUES: usize = 120;
    let tally = Tally::new(VALUES);
    let (sender, first) = channel(4);
    let receivers: Vec<_> = (0..3).map(|_| sender.subscribe()).chain([first]).collect();
    let receiving: Vec<_> = receivers
        .into_iter()
        .zip(0..)
        .map(|(mut receiver, number)| {
            setting.spawn(move || {
                // Some go early, with what they have not seen.
                for _ in 0..30 * number {
                    if receiver.recv() == Err(RecvError::Closed) {
                        break;
                    }
                    yield_now();
                }
            })
        })
        .collect();
    for number in 0..VALUES {
        // When all have gone it comes back.
        drop(sender.send(Shared(Arc::new(tally.value(number)))));
        yield_now();
    }
    drop(sender);
    join_all(receiving);
    tally.check();
}

/// A clone shares what is in it.
#[derive(Clone)]
struct Shared(#[expect(dead_code, reason = "dropped")] Arc<values::Counted>);

impl PartialEq for Shared {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

#[test]
fn the_capacity_is_as_given() {
    for capacity in [1, 3, 5] {
        let (sender, mut receiver) = channel(capacity);
        (0..capacity).for_each(|i| assert!(sender.send(i).is_ok()));
        assert_eq!((receiver.try_recv(), receiver.len()), (Ok(0), capacity - 1));
        (0..3).for_each(|i| assert!(sender.send(capacity + i).is_ok()));
        assert_eq!((sender.len(), receiver.len()), (capacity, capacity + 2));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(2)));
        assert_eq!((receiver.try_recv(), receiver.len()), (Ok(3), capacity - 1));
    }
}

#[test]
#[should_panic(expected = "capacity cannot be 0")]
fn a_capacity_of_none_is_refused() {
    drop(channel::<i32>(0));
}

#[test]
fn a_value_goes_when_all_have_seen_it() {
    let tally = Tally::new(4);
    let value = |number| Shared(Arc::new(tally.value(number)));
    let (sender, mut one) = channel(2);
    let mut other = sender.subscribe();
    assert!(sender.send(value(0)).is_ok());
    drop(one.recv());
    assert_eq!((tally.dropped(), sender.len()), (0, 1));
    drop(other.recv());
    assert_eq!((tally.dropped(), sender.len()), (1, 0));
    // Or with the last that has not, or when it is overtaken.
    assert!(sender.send(value(1)).is_ok() && sender.send(value(2)).is_ok());
    assert_eq!(tally.dropped(), 1);
    assert!(sender.send(value(3)).is_ok());
    assert_eq!(tally.dropped(), 2);
    drop(one);
    assert_eq!(tally.dropped(), 2);
    drop(other);
    assert!(sender.is_empty());
    tally.check();
}

#[test]
fn without_a_receiver_a_value_comes_back() {
    let (sender, receiver) = channel(2);
    drop(receiver);
    assert_eq!(sender.send(1), Err(SendError(1)));
    let mut receiver = sender.subscribe();
    assert_eq!((sender.send(2), receiver.recv()), (Ok(1), Ok(2)));
    sender.close();
    let mut late = sender.subscribe();
    assert_eq!((late.recv(), late.is_closed()), (Err(RecvError::Closed), true));
}

/// Counts its clones.
#[derive(Default)]
struct Cloned(Arc<AtomicUsize>);

impl Clone for Cloned {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        Self(self.0.clone())
    }
}

#[test]
fn the_last_to_receive_gets_the_value_itself() {
    let (sender, mut one) = channel(2);
    let mut others = [sender.subscribe(), sender.subscribe()];
    let value = Cloned::default();
    let clones = value.0.clone();
    drop(sender.send(value));
    drop(one.recv());
    others.iter_mut().for_each(|receiver| drop(receiver.recv()));
    assert_eq!(clones.load(Ordering::SeqCst), 2);
}

/// Its clones, and its end, do what they are told.
struct Wild {
    on_clone: Box<dyn Fn() + Send + Sync>,
    on_drop: Box<dyn Fn() + Send + Sync>,
}

impl Clone for Wild {
    fn clone(&self) -> Self {
        (self.on_clone)();
        Self { on_clone: Box::new(|| {}), on_drop: Box::new(|| {}) }
    }
}

impl Drop for Wild {
    fn drop(&mut self) {
        (self.on_drop)();
    }
}

fn wild(
    on_clone: impl Fn() + Send + Sync + 'static,
    on_drop: impl Fn() + Send + Sync + 'static,
) -> Wild {
    Wild { on_clone: Box::new(on_clone), on_drop: Box::new(on_drop) }
}

#[test]
fn a_clone_or_a_destructor_that_panics_harms_nobody_else() {
    let (sender, mut one) = channel(1);
    let mut other = sender.subscribe();
    assert!(sender.send(wild(|| panic!("no clone"), || panic!("no end"))).is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| one.recv())).is_err());
    // It has had that value; the other gets it without a clone.
    assert_eq!(one.try_recv().err(), Some(TryRecvError::Empty));
    let last = other.recv().ok().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(last))).is_err());
    // Overtaken, and dropped by the sender, whose value has been sent nevertheless.
    assert!(sender.send(wild(|| {}, || panic!("no end"))).is_ok());
    let sent = catch_unwind(AssertUnwindSafe(|| sender.send(wild(|| {}, || {}))));
    assert!(sent.is_err());
    assert_eq!(other.try_recv().err(), Some(TryRecvError::Lagged(1)));
    assert!(other.try_recv().is_ok() && one.len() == 2);
    // Unseen, and dropped with its receivers.
    assert!(sender.send(wild(|| {}, || panic!("no end"))).is_ok());
    drop(one);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(other))).is_err());
    assert_eq!((sender.receiver_count(), sender.len()), (0, 0));
}

/// Does with the channel what is possible, ten times.
fn meddling(sender: &Sender<Wild>) -> (Arc<AtomicUsize>, impl Fn() + Clone + use<>) {
    let uses = Arc::new(AtomicUsize::new(0));
    let (sender, count) = (sender.clone(), uses.clone());
    let meddle = move || {
        drop((sender.subscribe(), sender.clone()));
        if count.fetch_add(1, Ordering::SeqCst) < 10 {
            drop(sender.send(wild(|| {}, || {})));
        }
    };
    (uses, meddle)
}

#[test]
fn clones_and_destructors_may_use_the_channel() {
    limited(|| {
        let (sender, mut one) = channel::<Wild>(1);
        let mut other = sender.subscribe();
        let (uses, meddle) = meddling(&sender);
        assert!(sender.send(wild(meddle.clone(), meddle.clone())).is_ok());
        // The clone sends, so the value is overtaken, and dropped when it has been cloned.
        assert!(one.try_recv().is_ok());
        assert_eq!(uses.load(Ordering::SeqCst), 2);
        // And its destructor has sent another.
        assert_eq!(other.try_recv().err(), Some(TryRecvError::Lagged(2)));
        assert!(other.try_recv().is_ok());
        // Overtaken, and dropped by the one who sends.
        assert!(sender.send(wild(meddle.clone(), meddle.clone())).is_ok());
        assert!(sender.send(wild(meddle.clone(), meddle.clone())).is_ok());
        assert_eq!(uses.load(Ordering::SeqCst), 4);
        // Unseen.
        assert!(sender.send(wild(meddle.clone(), meddle)).is_ok());
        drop((one, other));
        assert_eq!(uses.load(Ordering::SeqCst), 5);
    });
}

#[test]
fn wakers_may_use_the_channel() {
    limited(|| {
        let (sender, mut receiver) = channel::<Wild>(1);
        let (uses, meddle) = meddling(&sender);
        let mut receiving = pin!(receiver.recv_async());
        for _ in 0..2 {
            // The one before is dropped.
            let waker = Meddler::waker(meddle.clone());
            assert!(poll(receiving.as_mut(), &waker).is_pending());
        }
        assert!(uses.load(Ordering::SeqCst) > 0);
        assert!(sender.send(wild(|| {}, || {})).is_ok());
        assert!(uses.load(Ordering::SeqCst) > 2);
        assert!(poll(receiving, Waker::noop()).is_ready());
    });
}

#[test]
fn a_future_that_is_dropped_or_forgotten_misses_nothing() {
    let (sender, mut receiver) = channel(4);
    let (wakes, waker) = Wakes::new();
    assert!(poll(pin!(receiver.recv_async()), &waker).is_pending());
    let mut forgotten = Box::pin(receiver.recv_async());
    assert!(poll(forgotten.as_mut(), &waker).is_pending());
    forget(forgotten);
    let mut other = sender.subscribe();
    let mut waiting = Box::pin(other.recv_async());
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    sender.send(7).unwrap();
    assert_eq!(wakes.count(), 2);
    // Told, and dropped.
    drop(waiting);
    assert_eq!((receiver.recv(), other.recv()), (Ok(7), Ok(7)));
    assert_eq!(poll(pin!(other.recv_async()), &waker), Poll::Pending);
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
}

#[test]
fn the_last_waker_is_woken() {
    let (sender, mut receiver) = channel(4);
    let wakers: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
    let mut receiving = pin!(receiver.recv_async());
    for (_, waker) in &wakers {
        assert!(poll(receiving.as_mut(), waker).is_pending());
    }
    sender.send(7).unwrap();
    let counts: Vec<_> = wakers.iter().map(|(wakes, _)| wakes.count()).collect();
    assert_eq!(counts, [0, 0, 1]);
    assert_eq!(poll(receiving.as_mut(), Waker::noop()), Poll::Ready(Ok(7)));
    // It may be used again.
    assert_eq!(poll(receiving.as_mut(), &wakers[0].1), Poll::Pending);
    drop(sender);
    assert_eq!(wakers[0].0.count(), 1);
    assert_eq!(poll(receiving, Waker::noop()), Poll::Ready(Err(RecvError::Closed)));
}

#[test]
fn one_that_is_cancelled_misses_nothing() {
    limited(|| {
        runtime(2).run(|| {
            let (sender, receiver) = channel(1000);
            let receiver = Arc::new(Mutex::new(receiver));
            let mut received = Vec::new();
            for i in 0..100 {
                let (shared, sending) = (receiver.clone(), sender.clone());
                // Nobody else locks it meanwhile.
                let receiving = spawn(move || shared.lock().recv());
                (0..i % 3).for_each(|_| yield_now());
                let sending = spawn(move || sending.send(i).unwrap());
                receiving.cancel();
                received.extend(receiving.join().ok().map(Result::unwrap));
                sending.join().unwrap();
            }
            let mut receiver = receiver.lock();
            while let Ok(value) = receiver.try_recv() {
                received.push(value);
            }
            assert_eq!(received, (0..100).collect::<Vec<_>>());
        });
    });
}

#[test]
fn the_ends_go_where_their_values_may() {
    fn shared<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    shared::<Sender<String>>();
    shared::<Receiver<String>>();
    fn sent<T: Send>(_: T) {}
    let (sender, mut receiver) = channel::<String>(1);
    let shown = "Receiver { len: 0, capacity: 1, senders: 1, receivers: 1, is_closed: false }";
    assert_eq!(format!("{receiver:?}"), shown);
    assert_eq!(format!("{sender:?}"), shown.replace("Receiver", "Sender"));
    sent(receiver.recv_async());
    let errors: [&dyn std::error::Error; 3] =
        [&RecvError::Lagged(2), &TryRecvError::Closed, &RecvTimeoutError::Timeout];
    assert_eq!(
        errors.map(ToString::to_string),
        ["channel lagged by 2", "channel closed", "timed out waiting on receive operation"]
    );
}
