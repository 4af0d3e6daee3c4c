//! Changes of a watched value in its place: those that build on one another are all made, each in
//! its turn, and one that does not come to its end changes nothing.

#[macro_use]
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use settings::{Setting, join_all, limited, runtime, settle, until};
use sward_chan::watch::{Sender, channel};
use sward_sched::internal::charge;
use sward_sched::{spawn, yield_now};

in_every_setting!(
    changes_that_build_on_one_another_are_all_made,
    a_send_does_not_wait_for_a_change_and_comes_after_it,
    changes_wait_for_their_turn,
);

/// Keeps a change that has begun from coming to its end.
#[derive(Clone, Default)]
struct Gate {
    is_reached: Arc<AtomicBool>,
    is_open: Arc<AtomicBool>,
}

impl Gate {
    fn pass(&self) {
        self.is_reached.store(true, Ordering::SeqCst);
        until(|| self.is_open.load(Ordering::SeqCst));
    }

    fn wait_until_reached(&self) {
        until(|| self.is_reached.load(Ordering::SeqCst));
    }

    fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
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
    let gate = Gate::default();
    let changing = setting.spawn({
        let (sender, gate) = (sender.clone(), gate.clone());
        move || {
            sender.send_modify(|value| {
                gate.pass();
                *value += 100;
            });
        }
    });
    gate.wait_until_reached();
    assert_eq!(*receiver.borrow(), 1);
    sender.send(2).unwrap();
    assert_eq!(*receiver.borrow(), 2);
    gate.open();
    changing.join();
    assert_eq!((*receiver.borrow(), sender.send_replace(3)), (2, 2));
}

fn changes_wait_for_their_turn(setting: &Setting) {
    let (sender, receiver) = channel(vec![]);
    let gate = Gate::default();
    let first = setting.spawn({
        let (sender, gate) = (sender.clone(), gate.clone());
        move || {
            sender.send_modify(|value: &mut Vec<usize>| {
                gate.pass();
                value.push(0);
            });
        }
    });
    gate.wait_until_reached();
    let others = setting.spawn_many(4, {
        let sender = sender.clone();
        move |number| sender.send_modify(|value| value.push(number + 1))
    });
    settle();
    assert!(others.iter().all(|other| !other.is_finished()));
    gate.open();
    first.join();
    join_all(others);
    let mut made = receiver.borrow().to_vec();
    assert_eq!(made.remove(0), 0);
    made.sort_unstable();
    assert_eq!(made, [1, 2, 3, 4]);
}

#[test]
fn one_that_is_cancelled_before_its_turn_leaves_the_line() {
    limited(|| {
        runtime(2).run(|| {
            let (sender, mut receiver) = channel(0);
            let gate = Gate::default();
            let first = spawn({
                let (sender, gate) = (sender.clone(), gate.clone());
                move || {
                    sender.send_modify(|value| {
                        gate.pass();
                        *value += 1;
                    });
                }
            });
            gate.wait_until_reached();
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
            gate.open();
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
