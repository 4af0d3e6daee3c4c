//! Runtimes come to an end: every thread is unwound or dropped, every handle resolves.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use settings::{Count, in_child, is_child, limited, migrating, until};
use sward_sched::runtime::Builder;
use sward_sched::{JoinHandle, Runtime, park, spawn, time, unblock, yield_now};

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

/// Threads that cannot start before the shutdown has begun: all workers are kept busy. Calls
/// `fresh` where they are to be spawned.
fn shut_down_unstarted<T: Send + 'static>(
    rt: Runtime,
    fresh: impl FnOnce(&Runtime) -> Vec<JoinHandle<T>>,
) -> Vec<JoinHandle<T>> {
    let workers = rt.metrics().workers.len();
    let (busy, free) = (Count::default(), Arc::new(AtomicBool::new(false)));
    for _ in 0..workers {
        let (busy, free) = (busy.clone(), free.clone());
        drop(rt.spawn(move || {
            busy.add();
            settings::hog_until(|| free.load(Ordering::Acquire));
        }));
    }
    until(|| busy.get() == workers);
    let handles = fresh(&rt);
    let last = rt.spawn(|| ());
    let ending = std::thread::spawn(move || rt.shutdown(LONG));
    // No worker has time for it, so the shutdown has begun.
    until(|| last.is_finished());
    free.store(true, Ordering::Release);
    assert!(ending.join().unwrap());
    handles
}

#[test]
fn a_hundred_thousand_that_never_started_are_dropped_by_few_os_threads() {
    const THREADS: usize = 100_000;
    let os_threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    if !is_child() {
        let name = "a_hundred_thousand_that_never_started_are_dropped_by_few_os_threads";
        let ended = in_child(name);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        return;
    }
    for rt in [runtime(2), migrating(2)] {
        let before = os_threads();
        let (dropped, most) = (Count::default(), Arc::new(AtomicUsize::new(0)));
        let handles = shut_down_unstarted(rt, |rt| {
            let spawn_one = |i| {
                let (counted, most) = (dropped.on_drop(), most.clone());
                let looks = move || drop(counted);
                if i % 1000 != 0 {
                    return rt.spawn(looks);
                }
                // A few of the closures look how many there are.
                struct Looks(Arc<AtomicUsize>);
                impl Drop for Looks {
                    fn drop(&mut self) {
                        let now = std::fs::read_dir("/proc/self/task").unwrap().count();
                        self.0.fetch_max(now, Ordering::Relaxed);
                    }
                }
                let looking = Looks(most);
                rt.spawn(move || drop((looks, looking)))
            };
            (0..THREADS).map(spawn_one).collect()
        });
        assert_eq!(dropped.get(), THREADS);
        assert!(handles.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
        let most = most.load(Ordering::Relaxed);
        assert!(most <= before + 20, "{most} OS threads, {before} before");
    }
}

#[test]
fn a_destructor_that_blocks_keeps_nobody_else_from_ending() {
    struct Waits(Count, Count);
    impl Drop for Waits {
        fn drop(&mut self) {
            self.0.add();
            // For all others.
            settings::hog_until(|| {
                std::thread::yield_now();
                self.1.get() == 990 && self.0.get() == 10
            });
        }
    }
    limited(|| {
        let (waiting, dropped) = (Count::default(), Count::default());
        shut_down_unstarted(runtime(2), |rt| {
            let spawn_one = |i| {
                if i % 100 == 0 {
                    let waits = Waits(waiting.clone(), dropped.clone());
                    rt.spawn(move || drop(waits))
                } else {
                    let counted = dropped.on_drop();
                    rt.spawn(move || drop(counted))
                }
            };
            (0..1000).map(spawn_one).collect()
        });
        assert_eq!((waiting.get(), dropped.get()), (10, 990));
    });
}

#[test]
fn a_runtime_may_be_dropped_with_a_closure_of_its_own() {
    struct Ends(Option<Runtime>, Count);
    impl Drop for Ends {
        fn drop(&mut self) {
            // Otherwise it would wait for itself.
            assert!(!self.0.take().unwrap().shutdown(Duration::MAX));
            self.1.add();
        }
    }
    limited(|| {
        let ended = Count::default();
        let rt = runtime(1);
        let (give, take) = mpsc::channel();
        let counts = ended.clone();
        let spawning = rt.spawn(move || {
            let ends = Ends(Some(unblock(move || take.recv().unwrap())), counts);
            // No stack is that large: so it is never started, and its closure is dropped.
            let huge = sward_sched::Builder::new().stack_size(1 << 50);
            let error = huge.spawn(move || drop(ends)).join().unwrap_err();
            assert!(error.no_stack_reason().is_some());
        });
        give.send(rt).unwrap();
        // Either the error came first, or the shutdown.
        let _ = spawning.join();
        until(|| ended.get() == 1);
    });
}

#[test]
fn a_runtime_may_be_dropped_in_unblock() {
    limited(|| {
        for rt in [runtime(1), migrating(2)] {
            let (give, take) = mpsc::channel::<Runtime>();
            let dropped = Count::default();
            let counted = dropped.on_drop();
            let handle = rt.spawn(move || {
                unblock(move || {
                    let _counted = counted;
                    assert!(take.recv().unwrap().shutdown(LONG));
                });
            });
            give.send(rt).unwrap();
            assert!(handle.join().unwrap_err().is_cancelled());
            until(|| dropped.get() == 1);
        }
    });
}

#[test]
fn threads_that_unwind_while_it_shuts_down_finish_unwinding() {
    struct Lingers(Count, Count);
    impl Drop for Lingers {
        fn drop(&mut self) {
            self.0.add();
            // Blocks, in the midst of a panic, well into the shutdown.
            (0..20).for_each(|_| time::sleep(Duration::from_micros(500)));
            self.1.add();
        }
    }
    limited(|| {
        for rt in [runtime(1), runtime(2), migrating(2)] {
            let (unwinding, over) = (Count::default(), Count::default());
            let handles: Vec<_> = (0..10)
                .map(|_| {
                    let lingers = Lingers(unwinding.clone(), over.clone());
                    rt.spawn(move || {
                        let _lingers = lingers;
                        std::panic::resume_unwind(Box::new("no luck"));
                    })
                })
                .collect();
            until(|| unwinding.get() == 10);
            assert!(rt.shutdown(LONG));
            assert_eq!(over.get(), 10);
            assert!(handles.into_iter().all(|it| it.join().unwrap_err().is_panic()));
        }
    });
}

#[test]
fn what_is_spawned_after_the_shutdown_resolves() {
    limited(|| {
        for rt in [runtime(1), migrating(2)] {
            let (tell, told) = mpsc::channel();
            let (go, going) = mpsc::channel::<()>();
            let dropped = Count::default();
            let counts = dropped.clone();
            // In a closure that no shutdown ends, so that the runtime closes before it goes on.
            let late = rt.spawn(move || {
                tell.send(()).unwrap();
                let _ = going.recv();
                let handles: Vec<_> = (0..10)
                    .map(|i| {
                        let counted = counts.on_drop();
                        let builder = sward_sched::Builder::new();
                        let builder = if i % 2 == 0 { builder } else { builder.dedicated() };
                        builder.spawn(move || drop(counted))
                    })
                    .collect();
                handles
            });
            told.recv().unwrap();
            let parked = rt.spawn(|| {
                loop {
                    park();
                }
            });
            let ending = std::thread::spawn(move || rt.shutdown(LONG));
            // Cancelled where it parks or before it starts, but by the shutdown.
            let parked: Result<(), _> = parked.join();
            assert!(parked.unwrap_err().is_cancelled());
            drop(go);
            let handles = late.join().unwrap();
            assert!(ending.join().unwrap());
            assert_eq!(dropped.get(), 10);
            for handle in handles {
                assert!(handle.is_finished());
                assert!(handle.join().unwrap_err().is_cancelled());
            }
        }
    });
}

#[test]
fn what_is_left_behind_is_reported() {
    if is_child() {
        let rt = runtime(2);
        let begun = Count::default();
        let sleeps: [fn(); 3] = [
            // In C, as far as the runtime can see.
            || std::thread::sleep(Duration::from_secs(1000)),
            || unblock(|| std::thread::sleep(Duration::from_secs(1000))),
            park,
        ];
        let handles = sleeps.map(|sleep| {
            let begun = begun.clone();
            rt.spawn(move || {
                begun.add();
                sleep();
            })
        });
        until(|| begun.get() == 3);
        assert!(!rt.shutdown(Duration::from_millis(50)));
        // Those that a worker could come to have ended.
        let ended: Vec<_> = handles.iter().map(JoinHandle::is_finished).collect();
        assert!(!ended[0]);
        return;
    }
    let ended = in_child("what_is_left_behind_is_reported");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{stderr}");
    assert_eq!(stderr.matches("did not shut down in time").count(), 1, "{stderr}");
}
