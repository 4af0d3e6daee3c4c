//! The latest value: whoever looks sees it, whoever waits hears of it, nobody holds anybody up. How
//! it is changed in its place is in `watch_change.rs`.

#[macro_use]
mod settings;
mod tasks;
mod values;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use settings::{LONG, Setting, join_all, settle, until};
use sward_chan::watch::{Receiver, RecvError, RecvTimeoutError, Ref, SendError, Sender, channel};
use sward_sched::yield_now;
use tasks::{Wakes, forget, poll, run};
use values::Tally;

in_every_setting!(
    all_hear_of_the_last_value,
    a_receiver_waits_for_the_value_it_wants,
    a_snapshot_holds_nobody_up,
    a_timeout_sees_nothing,
    tasks_hear_of_the_last_value,
    each_value_is_dropped_once,
);

fn all_hear_of_the_last_value(setting: &Setting) {
    let (sender, receiver) = channel(0);
    let watching = setting.spawn_many(4, move |_| {
        let mut receiver = receiver.clone();
        let mut seen = 0;
        while receiver.changed().is_ok() {
            let value = *receiver.borrow_and_update();
            assert!(value >= seen);
            seen = value;
        }
        assert_eq!(receiver.has_changed(), Err(RecvError));
        seen
    });
    for i in 1..=100 {
        let _ = sender.send(i);
        if i % 10 == 0 {
            settle();
        }
    }
    assert!(sender.send_replace(101) <= 100);
    drop(sender);
    assert_eq!(join_all(watching), [101; 4]);
}

fn a_receiver_waits_for_the_value_it_wants(setting: &Setting) {
    let (sender, mut receiver) = channel(0);
    assert_eq!(*receiver.wait_for(|value| *value == 0).unwrap(), 0);
    let waiting = setting.spawn(move || {
        let found = *receiver.wait_for(|value| *value >= 50).unwrap();
        (found, receiver.wait_for(|value| *value > 1000).is_err(), *receiver.borrow())
    });
    for i in 1..=100 {
        sender.send(i).unwrap();
        yield_now();
    }
    drop(sender);
    let (found, is_over, last) = waiting.join();
    assert!((50..=100).contains(&found) && is_over && last == 100);
}

fn a_snapshot_holds_nobody_up(setting: &Setting) {
    let (sender, receiver) = channel("first".to_owned());
    let done = Arc::new(AtomicBool::new(false));
    let holding = setting.spawn({
        let (receiver, done) = (receiver.clone(), done.clone());
        move || {
            let value = receiver.borrow();
            // Across blocking calls.
            until(|| done.load(Ordering::SeqCst));
            value.clone()
        }
    });
    settle();
    sender.send("second".to_owned()).unwrap();
    sender.send_modify(|value| value.push('!'));
    assert_eq!(*receiver.borrow(), "second!");
    let kept = receiver.borrow();
    drop((sender, receiver));
    done.store(true, Ordering::SeqCst);
    let held: Ref<String> = holding.join();
    assert!(*held == "first" || *held == "second!");
    assert_eq!(*kept, "second!");
}

fn a_timeout_sees_nothing(setting: &Setting) {
    let (sender, mut receiver) = channel(0);
    assert_eq!(receiver.changed_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    let brief = Duration::from_micros(50);
    assert_eq!(receiver.changed_timeout(brief), Err(RecvTimeoutError::Timeout));
    let sending = setting.spawn(move || {
        for i in 1..=100 {
            sender.send(i).unwrap();
            yield_now();
        }
    });
    let is_open = |changed| changed != Err(RecvTimeoutError::Disconnected);
    while is_open(receiver.changed_timeout(Duration::from_micros(20))) {}
    sending.join();
    assert_eq!(*receiver.borrow(), 100);
    assert_eq!(receiver.changed_timeout(LONG), Err(RecvTimeoutError::Disconnected));
}

fn tasks_hear_of_the_last_value(setting: &Setting) {
    let (sender, receiver) = channel(0);
    let watching = setting.spawn_many(3, move |number| {
        let mut receiver = receiver.clone();
        run(async move {
            if number == 0 {
                return *receiver.wait_for_async(|value| *value == 100).await.unwrap();
            }
            while receiver.changed_async().await.is_ok() {}
            *receiver.borrow_and_update()
        })
    });
    for i in 1..=100 {
        sender.send_replace(i);
        if i % 10 == 0 {
            settle();
        }
    }
    drop(sender);
    assert_eq!(join_all(watching), [100; 3]);
}

fn each_value_is_dropped_once(setting: &Setting) {
    const VALUES: usize = 150;
    let tally = Tally::new(VALUES);
    let (sender, receiver) = channel(Arc::new(tally.value(0)));
    let watching = setting.spawn_many(3, move |number| {
        let mut receiver = receiver.clone();
        let mut kept = Vec::new();
        for i in 0..20 * number {
            if receiver.changed().is_err() {
                break;
            }
            kept.push(receiver.borrow());
            if i % 3 == 0 {
                kept.clear();
            }
        }
    });
    for number in 1..VALUES {
        let value = Arc::new(tally.value(number));
        match number % 3 {
            0 => drop(sender.send_replace(value)),
            1 => sender.send_modify(|now| *now = value),
            _ => drop(sender.send(value)),
        }
        yield_now();
    }
    drop(sender);
    join_all(watching);
    tally.check();
}

#[test]
fn without_a_receiver_nothing_is_sent_but_by_force() {
    let (sender, receiver) = channel(1);
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!((sender.send(2), *sender.borrow()), (Err(SendError(2)), 1));
    assert_eq!((sender.send_replace(3), *sender.borrow()), (1, 3));
    sender.send_modify(|value| *value += 1);
    let mut receiver = sender.subscribe();
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (4, Ok(false)));
    sender.send(5).unwrap();
    drop(sender);
    assert_eq!((receiver.changed(), receiver.changed()), (Ok(()), Err(RecvError)));
}

#[test]
fn what_is_changed_in_silence_is_changed() {
    let (sender, receiver) = channel(1);
    let (wakes, waker) = Wakes::new();
    let mut other = receiver.clone();
    let mut waiting = pin!(other.changed_async());
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    assert!(!sender.send_if_modified(|value| {
        *value = 2;
        false
    }));
    assert_eq!((wakes.count(), *receiver.borrow(), receiver.has_changed()), (0, 2, Ok(false)));
    assert!(poll(waiting, &waker).is_pending());
}

#[test]
fn a_wait_that_is_given_up_has_seen_what_it_looked_at() {
    let (sender, mut receiver) = channel(0);
    sender.send(1).unwrap();
    let mut waiting = Box::pin(receiver.wait_for_async(|value| *value == 3));
    assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
    drop(waiting);
    assert_eq!(receiver.has_changed(), Ok(false));
    sender.send(2).unwrap();
    assert_eq!(receiver.has_changed(), Ok(true));
}

#[test]
fn a_future_that_is_dropped_or_forgotten_sees_nothing() {
    let (sender, mut receiver) = channel(0);
    let (wakes, waker) = Wakes::new();
    assert!(poll(pin!(receiver.changed_async()), &waker).is_pending());
    let mut forgotten = Box::pin(receiver.changed_async());
    assert!(poll(forgotten.as_mut(), &waker).is_pending());
    forget(forgotten);
    let mut other = receiver.clone();
    let mut waiting = Box::pin(other.changed_async());
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    sender.send(7).unwrap();
    assert_eq!(wakes.count(), 2);
    drop(waiting);
    assert_eq!((receiver.has_changed(), other.has_changed()), (Ok(true), Ok(true)));
    assert_eq!(poll(pin!(receiver.changed_async()), &waker), Poll::Ready(Ok(())));
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
}

#[test]
fn the_ends_go_where_their_values_may() {
    fn shared<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    shared::<Sender<String>>();
    shared::<Receiver<String>>();
    fn sent<T: Send>(_: T) {}
    let (sender, mut receiver) = channel(7);
    assert_eq!(format!("{sender:?}"), "Sender { value: 7, .. }");
    assert_eq!(format!("{receiver:?}"), "Receiver { value: 7, .. }");
    assert_eq!(format!("{0} {0:?}", receiver.borrow()), "7 7");
    sent(receiver.changed_async());
    sent(receiver.wait_for_async(|value| *value == 7));
}
