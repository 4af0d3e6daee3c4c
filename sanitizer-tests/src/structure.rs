//! Dumps while threads wait, are woken, move and end; groups, tokens and locals.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sward_chan as chan;
use sward_sched::{
    CancelToken, JoinHandle, Runtime, TaskGroup, block_on, dump, local, park, race, spawn, time,
    unblock, yield_now,
};
use sward_sync::{Condvar, Mutex};

const ROUNDS: usize = 60;

pub(crate) fn dumps(rt: &Runtime) {
    let is_over = Arc::new(AtomicBool::new(false));
    let seen = is_over.clone();
    let dumping = std::thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            assert!(dump().to_json().starts_with('{'));
        }
    });
    rt.run(|| (0..ROUNDS).for_each(|_| wait_for_everything()));
    is_over.store(true, Ordering::Relaxed);
    dumping.join().unwrap();
}

fn wait_for_everything() {
    let (sender, receiver) = chan::bounded::<usize>(0);
    let (buffered, takes) = chan::bounded::<usize>(1);
    let lock = Arc::new(Mutex::new(0));
    let mut threads: Vec<_> = (0..24)
        .map(|i| {
            let (sender, receiver, lock) = (sender.clone(), receiver.clone(), lock.clone());
            let (buffered, takes) = (buffered.clone(), takes.clone());
            spawn(move || {
                for _ in 0..5 {
                    match i % 4 {
                        0 => _ = sender.send(i),
                        1 => _ = receiver.recv(),
                        2 => {
                            let mut count = lock.lock();
                            *count += 1;
                            yield_now();
                        }
                        _ => chan::select! {
                            recv(takes) -> value => _ = value,
                            send(buffered, i) -> sent => _ = sent,
                        },
                    }
                }
            })
        })
        .collect();
    let (end, ends) = chan::bounded::<usize>(0);
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    threads.extend((0..8).map(|i| {
        let (pair, ends) = (pair.clone(), ends.clone());
        spawn(move || match i % 4 {
            0 => pair.1.wait_while(&mut pair.0.lock(), |is_set| !*is_set),
            1 => _ = block_on(ends.recv_async()),
            2 => _ = ends.recv_timeout(Duration::from_micros(300)),
            _ => {
                let mut child = spawn(yield_now);
                let mut timer = time::Timer::after(Duration::from_micros(500));
                chan::select! {
                    join(child) -> result => drop(result),
                    wait(timer) => {}
                    recv(ends) -> value => _ = value,
                }
            }
        })
    }));
    let parked = spawn(park);
    yield_now();
    parked.cancel();
    drop(parked.join());
    *pair.0.lock() = true;
    pair.1.notify_all();
    drop(end);
    threads.into_iter().for_each(|thread: JoinHandle<()>| thread.join().unwrap());
}

local! {
    static OWN: Cell<usize> = Cell::new(0);
    inherit static GIVEN: usize = 1;
}

pub(crate) fn groups(rt: &Runtime) {
    rt.run(|| {
        for round in 0..ROUNDS {
            let words = [round, round + 1];
            let sums = TaskGroup::new().limit(3).collect(|group| {
                for i in 0..20 {
                    let words = &words;
                    group.spawn(move || {
                        OWN.set(OWN.get() + i);
                        yield_now();
                        if i == 15 && round % 2 == 0 {
                            return Err(i);
                        }
                        Ok(words[0] + words[1] + OWN.get() + GIVEN.with(|given| *given))
                    });
                }
            });
            assert_eq!(sums.is_err(), round % 2 == 0);
            let (_never, nothing) = chan::bounded::<()>(0);
            let first = race!(words.len(), {
                _ = nothing.recv();
                0
            });
            assert_eq!(first, 2);
            stop_by_token();
        }
    });
}

fn stop_by_token() {
    let root = CancelToken::new();
    let threads: Vec<_> = (0..8)
        .map(|i| {
            let token = root.child();
            let (_never, nothing) = chan::bounded::<()>(0);
            spawn(move || match i % 3 {
                0 => token.wait(),
                1 => block_on(token.wait_async()),
                _ => chan::select! {
                    wait(token) => {}
                    recv(nothing) -> value => _ = value,
                },
            })
        })
        .collect();
    yield_now();
    let (one, other) = (root.clone(), root.child());
    // From an OS thread.
    let cancels = spawn(move || unblock(move || one.cancel()));
    other.wait();
    cancels.join().unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
