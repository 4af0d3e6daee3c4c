//! The latest value: whoever looks sees it, whoever waits hears of it, nobody holds anybody up, and
//! changes that build on one another are all made.

#[macro_use]
mod settings;
mod tasks;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use settings::{LONG, Setting, join_all, limited, runtime, settle, until};
use sward_chan::watch::{Receiver, RecvError, RecvTimeoutError, Ref, SendError, Sender, channel};
use sward_sched::internal::charge;
use sward_sched::{spawn, yield_now};
use tasks::{Meddler, Wakes, forget, poll, run};
use values::Tally;

in_every_setting!(
    all_hear_of_the_last_value,
    a_receiver_waits_for_the_value_it_wants,
    a_snapshot_holds_nobody_up,
    changes_that_build_on_one_another_are_all_made,
    a_send_does_not_wait_for_a_change_and_comes_after_it,
    changes_wait_for_their_turn,
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

fn changes_that_build_on_one_another_are_all_made(setting: &Setting) {
    let (sender, receiver) = channel(0);
    let changing = setting.spawn_many(4, {
        let sender = sender.clone();
        move |number| {
            for i in 0..50 {
                if (number + i) % 3 == 0 {
                    assert!(sender.send_if_modified(|value| {
                        *value += 1;
                        yield_now();
                        true
                    }));
                } else {
                    sender.send_modify(|value| *value += 1);
                }
                if i % 5 == 0 {
                    yield_now();
                }
            }
        }
    });
    join_all(changing);
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (200, Ok(true)));
    assert_eq!((sender.send_replace(7), *sender.borrow()), (200, 7));
}

fn a_send_does_not_wait_for_a_change_and_comes_after_it(setting: &Setting) {
    let (sender, receiver) = channel(1);
    let began = Arc::new(AtomicBool::new(false));
    let end = Arc::new(AtomicBool::new(false));
    let changing = setting.spawn({
        let (sender, began, end) = (sender.clone(), began.clone(), end.clone());
        move || {
            sender.send_modify(|value| {
                began.store(true, Ordering::SeqCst);
                until(|| end.load(Ordering::SeqCst));
                *value += 100;
            });
        }
    });
    until(|| began.load(Ordering::SeqCst));
    assert_eq!(*receiver.borrow(), 1);
    sender.send(2).unwrap();
    assert_eq!(*receiver.borrow(), 2);
    end.store(true, Ordering::SeqCst);
    changing.join();
    assert_eq!((*receiver.borrow(), sender.send_replace(3)), (2, 2));
}

fn changes_wait_for_their_turn(setting: &Setting) {
    let (sender, receiver) = channel(vec![]);
    let began = Arc::new(AtomicBool::new(false));
    let end = Arc::new(AtomicBool::new(false));
    let first = setting.spawn({
        let (sender, began, end) = (sender.clone(), began.clone(), end.clone());
        move || {
            sender.send_modify(|value: &mut Vec<usize>| {
                began.store(true, Ordering::SeqCst);
                until(|| end.load(Ordering::SeqCst));
                value.push(0);
            });
        }
    });
    until(|| began.load(Ordering::SeqCst));
    let others = setting.spawn_many(4, {
        let sender = sender.clone();
        move |number| sender.send_modify(|value| value.push(number + 1))
    });
    settle();
    assert!(others.iter().all(|other| !other.is_finished()));
    end.store(true, Ordering::SeqCst);
    first.join();
    join_all(others);
    let mut made = receiver.borrow().to_vec();
    assert_eq!(made.remove(0), 0);
    made.sort_unstable();
    assert_eq!(made, [1, 2, 3, 4]);
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

/// A waker that runs code when it is woken.
struct WakesOnly<F>(F);

impl<F: Fn() + Send + Sync + 'static> WakesOnly<F> {
    fn waker(f: F) -> Waker {
        Waker::from(Arc::new(Self(f)))
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for WakesOnly<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// Its clone panics if it is told to, or calls what it is told to.
struct Wild(Box<dyn Fn() + Send + Sync>, Box<dyn Fn() + Send + Sync>);

impl Clone for Wild {
    fn clone(&self) -> Self {
        (self.0)();
        Self(Box::new(|| {}), Box::new(|| {}))
    }
}

impl Drop for Wild {
    fn drop(&mut self) {
        (self.1)();
    }
}

#[test]
fn a_panic_leaves_the_value_as_it_was() {
    let (sender, receiver) = channel(1);
    let changed = catch_unwind(AssertUnwindSafe(|| {
        sender.send_modify(|value| {
            *value = 2;
            panic!("in the middle of it");
        });
    }));
    assert!(changed.is_err());
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
    sender.send_modify(|value| *value += 1);
    assert_eq!(*receiver.borrow(), 2);

    let (sender, receiver) = channel(Wild(Box::new(|| panic!("no clone")), Box::new(|| {})));
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send_modify(|_| {}))).is_err());
    // What goes panics when the new value is there already.
    let last = || Wild(Box::new(|| {}), Box::new(|| panic!("no end")));
    let changes: [&dyn Fn(); 2] = [&|| sender.send_modify(|_| {}), &|| drop(sender.send(last()))];
    for change in changes {
        assert!(sender.send(last()).is_ok());
        let before = sender.borrow();
        change();
        assert!(!std::ptr::eq(&*before, &*sender.borrow()));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(before))).is_err());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send_modify(|_| {}))).is_err());
    sender.send_modify(|_| {});
    drop((sender, receiver));
}

#[test]
fn clones_and_destructors_and_wakers_may_use_the_channel() {
    limited(|| {
        let (sender, mut receiver) = channel(Wild(Box::new(|| {}), Box::new(|| {})));
        let uses = Arc::new(AtomicUsize::new(0));
        let meddling = {
            let (sender, uses) = (sender.clone(), uses.clone());
            move || {
                drop((sender.borrow(), sender.subscribe(), sender.clone()));
                if uses.fetch_add(1, Ordering::SeqCst) < 10 {
                    drop(sender.send(Wild(Box::new(|| {}), Box::new(|| {}))));
                }
            }
        };
        let changing = {
            let (sender, uses) = (sender.clone(), uses.clone());
            move || {
                if uses.fetch_add(1, Ordering::SeqCst) < 10 {
                    sender.send_modify(|_| {});
                }
            }
        };
        let mut waiting = pin!(receiver.changed_async());
        let waker = Meddler::waker(meddling.clone());
        assert!(poll(waiting.as_mut(), &waker).is_pending());
        drop(waker);
        // The waker sends.
        assert!(sender.send(Wild(Box::new(meddling.clone()), Box::new(changing.clone()))).is_ok());
        assert!(uses.load(Ordering::SeqCst) >= 2);
        // A clone sends, and a destructor takes a turn.
        assert!(sender.send(Wild(Box::new(meddling), Box::new(changing))).is_ok());
        sender.send_modify(|_| {});
        drop(sender.send_replace(Wild(Box::new(|| {}), Box::new(|| {}))));
        assert!(poll(waiting, Waker::noop()).is_ready());
        assert!(uses.load(Ordering::SeqCst) >= 4);
    });
}

/// Each waits for a turn, which those have that wake them.
#[test]
fn wakers_may_change_the_value() {
    let changes: [fn(&Sender<i32>); 3] = [
        |sender| sender.send(1).unwrap(),
        |sender| sender.send_modify(|value| *value += 1),
        |sender| {
            sender.send_replace(1);
        },
    ];
    for change in changes {
        limited(move || {
            let (sender, mut receiver) = channel(0);
            let mut waiting = pin!(receiver.changed_async());
            let waker = WakesOnly::waker({
                let sender = sender.clone();
                move || {
                    sender.send_modify(|value| *value += 10);
                    sender.send_replace(*sender.borrow() + 100);
                }
            });
            assert!(poll(waiting.as_mut(), &waker).is_pending());
            change(&sender);
            assert_eq!(*sender.borrow(), 111);
            assert!(poll(waiting, Waker::noop()).is_ready());
        });
    }
}

/// What a destructor does to the value that it was.
#[test]
fn after_a_panic_destructors_may_change_the_value() {
    fn value(
        clone: impl Fn() + Send + Sync + 'static,
        end: impl Fn() + Send + Sync + 'static,
    ) -> Wild {
        Wild(Box::new(clone), Box::new(end))
    }
    limited(|| {
        let (sender, receiver) = channel(value(|| {}, || {}));
        let ends = Arc::new(AtomicUsize::new(0));
        let end = || {
            let (sender, ends) = (sender.clone(), ends.clone());
            move || {
                ends.fetch_add(1, Ordering::SeqCst);
                sender.send_modify(|_| {});
            }
        };
        let panics = |change: &dyn Fn()| catch_unwind(AssertUnwindSafe(change)).is_err();
        // The clone, when the closure panics.
        assert!(panics(&|| sender.send_modify(|value| {
            value.1 = Box::new(end());
            panic!("no change")
        })));
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        // What was there, and is no more, and what the closure has, when `clone` panics.
        let clone = {
            let sender = sender.clone();
            move || {
                drop(sender.send(value(|| {}, || {})));
                panic!("no clone")
            }
        };
        assert!(sender.send(value(clone, end())).is_ok());
        let has = value(|| {}, end());
        let change = std::cell::Cell::new(Some(move |_: &mut Wild| drop(has)));
        assert!(panics(&|| sender.send_modify(change.take().unwrap())));
        assert_eq!(ends.load(Ordering::SeqCst), 3);
        // What was there, when a waker panics.
        let changes: [&dyn Fn(); 2] =
            [&|| sender.send_modify(|_| {}), &|| drop(sender.send_replace(value(|| {}, || {})))];
        for (i, change) in changes.into_iter().enumerate() {
            assert!(sender.send(value(|| {}, end())).is_ok());
            let mut receiver = receiver.clone();
            receiver.borrow_and_update();
            let mut waiting = pin!(receiver.changed_async());
            assert!(poll(waiting.as_mut(), &WakesOnly::waker(|| panic!("no waker"))).is_pending());
            panics(change);
            assert_eq!(ends.load(Ordering::SeqCst), 4 + i);
        }
        sender.send_modify(|_| {});
    });
}

#[test]
fn one_that_is_cancelled_before_its_turn_leaves_the_line() {
    limited(|| {
        runtime(2).run(|| {
            let (sender, mut receiver) = channel(0);
            let [begun, end] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
            let first = spawn({
                let (sender, begun, end) = (sender.clone(), begun.clone(), end.clone());
                move || {
                    sender.send_modify(|value| {
                        begun.store(true, Ordering::SeqCst);
                        until(|| end.load(Ordering::SeqCst));
                        *value += 1;
                    });
                }
            });
            until(|| begun.load(Ordering::SeqCst));
            let others: Vec<_> = (0..10)
                .map(|_| {
                    let sender = sender.clone();
                    spawn(move || sender.send_modify(|value| *value += 1))
                })
                .collect();
            let watching = spawn(move || receiver.changed());
            settle();
            others.iter().step_by(2).for_each(|other| other.cancel());
            watching.cancel();
            assert!(watching.join().unwrap_err().is_cancelled());
            settle();
            end.store(true, Ordering::SeqCst);
            first.join().unwrap();
            let made = others.into_iter().filter_map(|other| other.join().ok()).count();
            assert_eq!((made, *sender.borrow()), (5, 6));
        });
    });
}

/// One that never waits makes way at its next checkpoint.
#[test]
fn each_change_counts_as_an_operation() {
    let changes: [fn(&Sender<i32>); 3] = [
        |sender| sender.send(1).unwrap(),
        |sender| sender.send_modify(|value| *value += 1),
        |sender| {
            sender.send_replace(1);
        },
    ];
    for change in changes {
        limited(move || {
            runtime(1).run(move || {
                let (sender, _receiver) = channel(0);
                (0..1000).for_each(|_| change(&sender));
                assert!(charge());
            });
        });
    }
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

/// In the middle of a change, and while others wait for theirs.
#[test]
fn one_that_is_cancelled_in_its_turn_changes_nothing() {
    limited(|| {
        runtime(1).run(|| {
            let (sender, receiver) = channel(0);
            let changing = spawn({
                let sender = sender.clone();
                move || {
                    sender.send_modify(|value| {
                        *value = 100;
                        sward_sched::park();
                    });
                }
            });
            settle();
            let next = spawn(move || sender.send_modify(|value| *value += 1));
            settle();
            changing.cancel();
            assert!(changing.join().unwrap_err().is_cancelled());
            next.join().unwrap();
            assert_eq!(*receiver.borrow(), 1);
        });
    });
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
