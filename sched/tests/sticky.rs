//! A started thread stays on its worker, whatever it waits for; a fresh one goes to
//! whichever worker has time.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use sward_sched::runtime::Builder;
use sward_sched::{park, spawn, time, unblock, yield_now};

#[test]
fn a_thread_comes_back_to_the_os_thread_it_left() {
    let rt = Builder::new().workers(2).build().unwrap();
    let handles: Vec<_> = (0..200)
        .map(|i| {
            rt.spawn(move || {
                let home = std::thread::current().id();
                // Not `Send`, and tied to this OS thread's non-atomic count.
                thread_local!(static SHARED: RefCell<Rc<u32>> = RefCell::new(Rc::new(7)));
                let mine = SHARED.with(|shared| shared.borrow().clone());
                for round in 0..20 {
                    match (i + round) % 4 {
                        0 => yield_now(),
                        1 => time::sleep(Duration::from_micros(50)),
                        2 => assert_eq!(unblock(|| 7), 7),
                        _ => {
                            let me = sward_sched::current();
                            drop(spawn(move || me.unpark()));
                            park();
                        }
                    }
                    assert_eq!(std::thread::current().id(), home);
                    let again = mine.clone();
                    assert_eq!(*again, 7);
                }
            })
        })
        .collect();
    handles.into_iter().for_each(|handle| handle.join().unwrap());
}

#[test]
fn fresh_threads_are_taken_from_a_worker_that_is_stuck() {
    let rt = Builder::new().workers(2).build().unwrap();
    let left = rt.run(|| {
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let done = done.clone();
            spawn(move || done.fetch_add(1, Ordering::Relaxed));
        }
        // Without a turn for the others here: only another worker can run them.
        while done.load(Ordering::Relaxed) < 100 {
            std::hint::spin_loop();
        }
        100 - done.load(Ordering::Relaxed)
    });
    assert_eq!(left, 0);
}

#[test]
fn as_many_threads_as_workers_run_at_the_same_time() {
    for workers in [1, 2, 4] {
        let rt = Builder::new().workers(workers).build().unwrap();
        let barrier = Arc::new(Barrier::new(workers));
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let barrier = barrier.clone();
                rt.spawn(move || {
                    // Blocks the OS thread: passes only with a worker for each.
                    barrier.wait();
                    std::thread::current().id()
                })
            })
            .collect();
        let workers_seen: HashSet<_> =
            handles.into_iter().map(|handle| handle.join().unwrap()).collect();
        assert_eq!(workers_seen.len(), workers);
    }
}

#[test]
fn an_idle_runtime_uses_no_processor_time() {
    let rt = Builder::new().workers(2).build().unwrap();
    let parked: Vec<_> = (0..1000).map(|_| rt.spawn(park)).collect();
    rt.run(|| (0..100).for_each(|_| yield_now()));
    // The workers' own clocks, so that other tests do not count.
    let used = || -> u64 {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        tasks
            .filter_map(|task| {
                let task = task.unwrap().path();
                let name = std::fs::read_to_string(task.join("comm")).ok()?;
                if !name.starts_with("sward-worker") {
                    return None;
                }
                let stat = std::fs::read_to_string(task.join("schedstat")).ok()?;
                stat.split(' ').next()?.parse::<u64>().ok()
            })
            .sum()
    };
    // Other tests of this binary have workers, too: take the quietest of many windows.
    let quietest = (0..50)
        .map(|_| {
            let before = used();
            std::thread::sleep(Duration::from_millis(20));
            used().saturating_sub(before)
        })
        .min()
        .unwrap();
    assert!(quietest < 1_000_000, "{quietest} ns in 20 ms");
    for handle in &parked {
        handle.thread().unpark();
    }
    parked.into_iter().for_each(|handle| handle.join().unwrap());
}
