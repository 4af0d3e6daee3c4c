//! Who only sends or receives, without ever having to wait, leaves others their turns; and
//! what only tries does not give its own away.

mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use settings::{LONG, limited, runtime, until};
use sward_chan::{bounded, unbounded};
use sward_sched::{JoinHandle, Runtime, checkpoint, park, spawn, time, yield_now};

/// Many more operations than a thread may do in one turn.
const MANY: usize = 20_000;

/// How many calls of `operation` it takes until a neighbour on the only worker has run, a
/// fresh one or one that has started; `None`: more than `MANY`.
fn calls_until_it_runs(fresh: bool, mut operation: impl FnMut(usize) + Send) -> Option<usize> {
    runtime(1).run(|| {
        let (begun, ran) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begin, run) = (begun.clone(), ran.clone());
        let neighbour = spawn(move || {
            if !fresh {
                begin.store(true, Ordering::Relaxed);
                park();
            }
            run.store(true, Ordering::Relaxed);
        });
        until(|| fresh || begun.load(Ordering::Relaxed));
        neighbour.thread().unpark();
        let calls = (0..MANY).find(|&i| {
            operation(i);
            ran.load(Ordering::Relaxed)
        });
        neighbour.join().unwrap();
        calls
    })
}

#[test]
fn who_only_sends_gives_way() {
    limited(|| {
        for fresh in [false, true] {
            let (sender, _receiver) = bounded(MANY);
            let calls = calls_until_it_runs(fresh, |i| sender.send_timeout(i, LONG).unwrap());
            assert!(calls.is_some_and(|calls| calls < MANY / 2), "{calls:?}");
        }
    });
}

#[test]
fn what_never_waits_counts_but_does_not_switch() {
    limited(|| {
        for fresh in [false, true] {
            let (sender, _receiver) = unbounded();
            let calls = calls_until_it_runs(fresh, |i| {
                sender.send(i).unwrap();
                if i == MANY / 2 {
                    checkpoint();
                }
            });
            assert_eq!(calls, Some(MANY / 2));
        }
    });
}

#[test]
fn who_only_receives_gives_way() {
    limited(|| {
        for fresh in [false, true] {
            let (sender, receiver) = unbounded();
            (0..2 * MANY).for_each(|i| sender.send(i).unwrap());
            let calls = calls_until_it_runs(fresh, |i| assert_eq!(receiver.recv(), Ok(i)));
            assert!(calls.is_some_and(|calls| calls < MANY / 2), "{calls:?}");
            let mut values = receiver.iter();
            let calls = calls_until_it_runs(fresh, |_| assert!(values.next().is_some()));
            assert!(calls.is_some_and(|calls| calls < MANY / 2), "{calls:?}");
        }
    });
}

#[test]
fn who_sends_to_itself_gives_way() {
    limited(|| {
        for fresh in [false, true] {
            let (sender, receiver) = bounded(1);
            let calls = calls_until_it_runs(fresh, |i| {
                sender.send(i).unwrap();
                assert_eq!(receiver.recv(), Ok(i));
            });
            assert!(calls.is_some_and(|calls| calls < MANY / 2), "{calls:?}");
        }
    });
}

#[test]
fn who_only_tries_keeps_its_turn() {
    limited(|| {
        for fresh in [false, true] {
            let (sender, receiver) = bounded(2);
            let calls = calls_until_it_runs(fresh, |i| match i % 4 {
                0 => drop(sender.try_send(i)),
                1 => drop(receiver.try_recv()),
                2 => drop(receiver.try_iter().next()),
                _ => assert!(sender.len() <= 2 && !receiver.is_full()),
            });
            assert_eq!(calls, None);
        }
    });
}

/// Everything that can become ready does, beside `busy` threads on each number of workers.
fn nothing_starves_beside(busy: fn(&Runtime, Arc<AtomicBool>) -> Vec<JoinHandle<()>>) {
    limited(move || {
        for workers in [1, 2] {
            let rt = runtime(workers);
            let stop = Arc::new(AtomicBool::new(false));
            let busy = busy(&rt, stop.clone());
            for _ in 0..5 {
                assert_eq!(rt.spawn(|| 7).join().unwrap(), 7);
                rt.run(|| {
                    assert_eq!(spawn(|| 7).join().unwrap(), 7);
                    time::sleep(Duration::from_micros(100));
                    let (sender, receiver) = bounded(0);
                    let started = spawn(move || receiver.iter().sum::<i32>());
                    (0..20).for_each(|i| sender.send(i).unwrap());
                    drop(sender);
                    assert_eq!(started.join().unwrap(), 190);
                });
                let (sender, receiver) = bounded(0);
                let woken = rt.spawn(move || receiver.recv().unwrap());
                sender.send(7).unwrap();
                assert_eq!(woken.join().unwrap(), 7);
            }
            stop.store(true, Ordering::Relaxed);
            busy.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn a_pair_at_a_rendezvous_starves_nobody() {
    nothing_starves_beside(|rt, stop| {
        let (sender, receiver) = bounded(0);
        let (back, answers) = bounded(0);
        let ping = rt.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                sender.send(1).unwrap();
                assert_eq!(answers.recv(), Ok(2));
            }
        });
        let pong = rt.spawn(move || {
            for value in receiver {
                assert_eq!(value, 1);
                back.send(2).unwrap();
            }
        });
        vec![ping, pong]
    });
}

#[test]
fn those_that_never_wait_at_a_channel_starve_nobody() {
    nothing_starves_beside(|rt, stop| {
        let sent = Arc::new(AtomicUsize::new(0));
        let start = |i: usize| {
            let (stop, sent) = (stop.clone(), sent.clone());
            rt.spawn(move || {
                let (sender, receiver) = unbounded();
                while !stop.load(Ordering::Relaxed) {
                    sender.send(i).unwrap();
                    assert_eq!(receiver.recv(), Ok(i));
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                yield_now();
            })
        };
        (0..3).map(start).collect()
    });
}
