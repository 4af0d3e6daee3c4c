//! Runtimes come to an end: every thread is unwound or dropped, every handle resolves.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use sward_sched::runtime::Builder;
use sward_sched::{Runtime, park, spawn, time, unblock, yield_now};

const LONG: Duration = Duration::from_secs(20);

fn runtime(workers: usize) -> Runtime {
    Builder::new().workers(workers).build().unwrap()
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn threads_blocked_on_everything_are_unwound() {
    for workers in [1, 2] {
        let rt = runtime(workers);
        let dropped = Arc::new(AtomicUsize::new(0));
        let (_stuck, never) = mpsc::channel::<()>();
        type Never = Arc<std::sync::Mutex<mpsc::Receiver<()>>>;
        let never: Never = Arc::new(std::sync::Mutex::new(never));
        let blocking: [fn(&Never); 4] = [
            |_| park(),
            |_| time::sleep(Duration::from_secs(1000)),
            |_| drop(spawn(park).join()),
            |never| {
                let never = never.clone();
                unblock(move || {
                    let _ = never.lock().unwrap().recv_timeout(Duration::from_millis(50));
                });
            },
        ];
        let handles: Vec<_> = (0..100)
            .map(|i| {
                let (counted, never) = (Counted(dropped.clone()), never.clone());
                let block = blocking[i % 4];
                rt.spawn(move || {
                    let _counted = counted;
                    loop {
                        block(&never);
                    }
                })
            })
            .collect();
        rt.run(|| (0..1000).for_each(|_| yield_now()));
        assert!(rt.shutdown(LONG));
        for handle in handles {
            assert!(handle.join().unwrap_err().is_cancelled());
        }
        assert_eq!(dropped.load(Ordering::Relaxed), 100);
    }
}

#[test]
fn threads_that_never_started_are_dropped() {
    let rt = runtime(1);
    let (tell, told) = mpsc::channel::<()>();
    let started = Arc::new(AtomicBool::new(false));
    let flag = started.clone();
    // Keeps the only worker until the shutdown has begun.
    let hog = rt.spawn(move || {
        flag.store(true, Ordering::Release);
        let _ = told.recv();
    });
    while !started.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let fresh: Vec<_> = (0..100)
        .map(|_| {
            let counted = Counted(dropped.clone());
            rt.spawn(move || drop(counted))
        })
        .collect();
    let ending = std::thread::spawn(move || rt.shutdown(LONG));
    // Those in the injector resolve although the worker is stuck.
    for handle in fresh {
        assert!(handle.join().unwrap_err().is_cancelled());
    }
    assert_eq!(dropped.load(Ordering::Relaxed), 100);
    drop(tell);
    assert!(ending.join().unwrap());
    hog.join().unwrap();
}

#[test]
fn a_thread_that_runs_is_unwound_from_its_next_blocking_call() {
    let rt = runtime(1);
    let (tell, told) = mpsc::channel();
    let go_on = Arc::new(AtomicBool::new(false));
    let flag = go_on.clone();
    let handle = rt.spawn(move || {
        tell.send(()).unwrap();
        while !flag.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
        park();
    });
    told.recv().unwrap();
    let ending = std::thread::spawn(move || rt.shutdown(LONG));
    go_on.store(true, Ordering::Release);
    assert!(ending.join().unwrap());
    assert!(handle.join().unwrap_err().is_cancelled());
}

#[test]
fn destructors_may_block_while_their_thread_is_cancelled() {
    struct Lingers(mpsc::Sender<()>);
    impl Drop for Lingers {
        fn drop(&mut self) {
            time::sleep(Duration::from_millis(1));
            self.0.send(()).unwrap();
        }
    }
    let rt = runtime(1);
    let (tell, told) = mpsc::channel();
    let handle = rt.spawn(move || {
        let _lingers = Lingers(tell);
        park();
    });
    rt.run(|| (0..100).for_each(|_| yield_now()));
    assert!(rt.shutdown(LONG));
    assert!(handle.join().unwrap_err().is_cancelled());
    told.recv().unwrap();
}

#[test]
fn what_does_not_end_is_left_and_said_so() {
    let rt = runtime(1);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let (tell, told) = mpsc::channel();
    let hog = rt.spawn(move || {
        tell.send(()).unwrap();
        while !stopped.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
        7
    });
    told.recv().unwrap();
    assert!(!rt.shutdown(Duration::from_millis(20)));
    stop.store(true, Ordering::Relaxed);
    assert_eq!(hog.join().unwrap(), 7);
}

#[test]
fn a_runtime_may_be_dropped_by_its_own_thread() {
    let rt = runtime(2);
    let (give, take) = mpsc::channel::<Runtime>();
    let dropping = rt.spawn(move || {
        drop(take.recv().unwrap());
        park();
    });
    give.send(rt).unwrap();
    assert!(dropping.join().unwrap_err().is_cancelled());
}

#[test]
fn a_runtime_may_be_dropped_by_a_thread_of_another() {
    let (outer, inner) = (runtime(1), runtime(1));
    let blocked = inner.spawn(park);
    outer.run(move || drop(inner));
    assert!(blocked.join().unwrap_err().is_cancelled());
}

#[test]
fn threads_spawned_into_a_shutdown_resolve() {
    for _ in 0..50 {
        let rt = runtime(2);
        let spawning = rt.spawn(|| {
            loop {
                // Cancelled at the join, or by it.
                drop(spawn(|| ()).join());
                yield_now();
                spawn(park).thread().unpark();
                time::sleep(Duration::from_micros(1));
            }
        });
        assert!(rt.shutdown(LONG));
        assert!(spawning.join().unwrap_err().is_cancelled());
    }
}

#[test]
fn many_runtimes_come_and_go_without_leaving_a_thread() {
    let count = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = count();
    for round in 0..100 {
        let rt = runtime(2);
        let parked = rt.spawn(park);
        assert_eq!(rt.run(|| unblock(move || round)), round);
        assert!(rt.shutdown(LONG));
        assert!(parked.join().is_err());
    }
    // Threads of other tests come and go, too; these runtimes had 300 of their own.
    assert!(count() < before + 100);
}

#[test]
fn closures_of_threads_that_never_started_are_gone_when_it_returns() {
    for _ in 0..20 {
        let rt = runtime(1);
        let (tell, told) = mpsc::channel();
        let dropped = Arc::new(AtomicUsize::new(0));
        let counted = dropped.clone();
        let spawning = rt.spawn(move || {
            let handles: Vec<_> = (0..20)
                .map(|_| {
                    let counted = Counted(counted.clone());
                    spawn(move || drop(counted))
                })
                .collect();
            tell.send(handles).unwrap();
            park();
        });
        let handles = told.recv().unwrap();
        assert!(rt.shutdown(LONG));
        assert!(spawning.is_finished() && handles.iter().all(|handle| handle.is_finished()));
        assert_eq!(dropped.load(Ordering::Relaxed), 20);
    }
}
