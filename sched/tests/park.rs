//! `park`, `unpark` and `yield_now`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward_sched::runtime::Builder;
use sward_sched::{Runtime, current, park, spawn, yield_now};

fn on_1_and_2_workers(test: impl Fn(&Runtime)) {
    for workers in [1, 2] {
        test(&Builder::new().workers(workers).build().unwrap());
    }
}

#[test]
fn a_token_given_before_is_used_by_the_next_park() {
    on_1_and_2_workers(|rt| {
        rt.run(|| {
            current().unpark();
            current().unpark();
            park();
            // Two before it counted as one: this one needs another.
            let me = current();
            let waker = spawn(move || me.unpark());
            park();
            waker.join().unwrap();
        });
    });
}

#[test]
fn an_os_thread_wakes_a_green_one() {
    on_1_and_2_workers(|rt| {
        for _ in 0..200 {
            let parked = rt.spawn(park);
            let thread = parked.thread();
            let waker = std::thread::spawn(move || thread.unpark());
            parked.join().unwrap();
            waker.join().unwrap();
        }
    });
}

#[test]
fn a_green_thread_wakes_an_os_one() {
    on_1_and_2_workers(|rt| {
        let me = current();
        let woken = Arc::new(AtomicUsize::new(0));
        let flag = woken.clone();
        let waker = rt.spawn(move || {
            flag.store(1, Ordering::Release);
            me.unpark();
        });
        while woken.load(Ordering::Acquire) == 0 {
            park();
        }
        waker.join().unwrap();
    });
}

#[test]
fn threads_of_two_runtimes_wake_each_other() {
    const TURNS: usize = 2000;
    let (a, b) =
        (Builder::new().workers(1).build().unwrap(), Builder::new().workers(1).build().unwrap());
    let turn = Arc::new(AtomicUsize::new(0));
    let play = |me: usize, turn: Arc<AtomicUsize>| {
        move |partner: sward_sched::Thread| {
            for round in 0..TURNS {
                while turn.load(Ordering::Acquire) != 2 * round + me {
                    park();
                }
                turn.fetch_add(1, Ordering::AcqRel);
                partner.unpark();
            }
        }
    };
    let (first, second) = (play(0, turn.clone()), play(1, turn.clone()));
    let (tell, told) = std::sync::mpsc::channel();
    let second = b.spawn(move || second(told.recv().unwrap()));
    let partner = second.thread();
    let first = a.spawn(move || first(partner));
    tell.send(first.thread()).unwrap();
    first.join().unwrap();
    second.join().unwrap();
    assert_eq!(turn.load(Ordering::Relaxed), 2 * TURNS);
}

#[test]
fn unparking_a_thread_that_is_over_does_nothing() {
    let handle = spawn(|| ());
    let thread = handle.thread();
    handle.join().unwrap();
    thread.unpark();
}

#[test]
fn yielding_lets_fresh_started_and_woken_threads_run() {
    on_1_and_2_workers(|rt| {
        rt.run(|| {
            let parked = spawn(park);
            let fresh = spawn(|| ());
            parked.thread().unpark();
            while !(parked.is_finished() && fresh.is_finished()) {
                yield_now();
            }
        });
    });
}

#[test]
fn a_pair_that_wakes_each_other_does_not_starve_the_rest() {
    let rt = Builder::new().workers(1).build().unwrap();
    rt.run(|| {
        let stop = Arc::new(AtomicUsize::new(0));
        let (stopped, over) = (stop.clone(), stop.clone());
        let ping = spawn(move || {
            while stopped.load(Ordering::Relaxed) == 0 {
                park();
            }
        });
        let partner = ping.thread();
        let pong = spawn(move || {
            while over.load(Ordering::Relaxed) == 0 {
                partner.unpark();
                yield_now();
            }
            partner.unpark();
        });
        // Fresh threads, started ones, and timers all get their turn beside it.
        for _ in 0..10 {
            assert_eq!(spawn(|| 7).join().unwrap(), 7);
            sward_sched::time::sleep(std::time::Duration::from_micros(200));
        }
        stop.store(1, Ordering::Relaxed);
        ping.join().unwrap();
        pong.join().unwrap();
    });
}
