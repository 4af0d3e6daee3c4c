//! What Go's own tests ask of `default`: a select takes it only when at some moment none of its
//! cases was ready.

#[macro_use]
mod settings;
mod values;

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use settings::{Setting, join_all, until};
use sward_chan::{Receiver, Select, Sender, bounded, select};
use sward_sched::yield_now;
use values::channel;

in_every_setting!(
    a_case_that_stays_ready_is_taken_before_default,
    readiness_that_passes_to_another_channel_is_not_missed,
    readiness_that_passes_to_a_channel_that_ends_is_not_missed,
    readiness_that_goes_to_and_fro_is_not_missed,
    a_queued_value_or_the_end_after_it_is_always_there,
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
    const ROUNDS: usize = 200;
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

fn readiness_that_goes_to_and_fro_is_not_missed(setting: &Setting) {
    let (fill, first) = bounded(1);
    let (other_fill, second) = bounded(1);
    fill.send(1).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let passing = setting.spawn({
        let (first, second, over) = (first.clone(), second.clone(), over.clone());
        move || {
            until(|| {
                other_fill.send(2).unwrap();
                first.recv().unwrap();
                fill.send(1).unwrap();
                second.recv().unwrap();
                over.load(Ordering::Relaxed)
            });
        }
    });
    let mut select = Select::new();
    select.recv(&first);
    select.recv(&second);
    for round in 0..500 {
        assert!(select.try_ready().is_ok(), "one was ready at each moment");
        if round % 10 == 0 {
            yield_now();
        }
    }
    over.store(true, Ordering::Relaxed);
    passing.join();
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
