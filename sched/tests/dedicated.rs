//! A dedicated thread has an OS thread of its own, and is a green thread in all else.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use sward_sched::runtime::Builder as RuntimeBuilder;
use sward_sched::{Builder, park, run, spawn, spawn_local, time, yield_now};

fn os_thread() -> std::thread::ThreadId {
    std::thread::current().id()
}

#[test]
fn each_has_an_os_thread_that_nobody_else_runs_on() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    rt.run(|| {
        let alone: Vec<_> = (0..10)
            .map(|_| {
                Builder::new().dedicated().spawn(|| {
                    let here = os_thread();
                    yield_now();
                    time::sleep(Duration::from_micros(100));
                    assert_eq!(os_thread(), here);
                    here
                })
            })
            .collect();
        let mut seen = HashSet::from([os_thread()]);
        for handle in alone {
            assert!(seen.insert(handle.join().unwrap()));
        }
    });
}

#[test]
fn what_blocks_it_blocks_no_worker() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    rt.run(|| {
        let (sender, receiver) = mpsc::channel();
        // Blocks its OS thread.
        let blocked = Builder::new().dedicated().spawn(move || receiver.recv().unwrap());
        spawn(move || sender.send(7).unwrap()).join().unwrap();
        assert_eq!(blocked.join().unwrap(), 7);
    });
}

#[test]
fn it_is_a_green_thread_with_a_name_and_can_be_unparked() {
    run(|| {
        let handle = Builder::new().dedicated().name("alone").spawn(|| {
            park();
            sward_sched::current().name().map(str::to_owned)
        });
        assert_eq!(handle.thread().name(), Some("alone"));
        handle.thread().unpark();
        assert_eq!(handle.join().unwrap().as_deref(), Some("alone"));
    });
}

#[test]
fn what_it_spawns_goes_to_the_runtime_but_for_local_threads() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    rt.run(|| {
        let worker = os_thread();
        let alone = Builder::new().dedicated().spawn(move || {
            assert_eq!(spawn(os_thread).join().unwrap(), worker);
            let count = Rc::new(Cell::new(0));
            let theirs = count.clone();
            let local = spawn_local(move || {
                yield_now();
                theirs.set(1);
                os_thread()
            });
            assert_eq!(local.join().unwrap(), os_thread());
            assert_eq!(count.get(), 1);
        });
        alone.join().unwrap();
    });
}

#[test]
fn its_os_thread_outlasts_it_for_its_local_threads() {
    run(|| {
        let done = Arc::new(AtomicUsize::new(0));
        let (inside, ours) = (done.clone(), sward_sched::current());
        drop(Builder::new().dedicated().spawn(move || {
            drop(spawn_local(move || {
                time::sleep(Duration::from_millis(2));
                inside.store(1, Ordering::Release);
                ours.unpark();
            }));
        }));
        while done.load(Ordering::Acquire) == 0 {
            park();
        }
    });
}

#[test]
fn a_panic_ends_it_alone() {
    run(|| {
        let handle = Builder::new().dedicated().spawn(|| panic!("alone"));
        assert!(handle.join().unwrap_err().is_panic());
    });
}

#[test]
fn a_shutdown_unwinds_it_and_waits_for_it() {
    struct Ends(Arc<AtomicUsize>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for _ in 0..20 {
        let rt = RuntimeBuilder::new().workers(1).build().unwrap();
        let ended = Arc::new(AtomicUsize::new(0));
        let blocked: Vec<_> = rt.run(|| {
            let spawn_one = |_| {
                let ends = Ends(ended.clone());
                Builder::new().dedicated().spawn(move || {
                    let _ends = ends;
                    park();
                })
            };
            (0..5).map(spawn_one).collect()
        });
        assert!(rt.shutdown(Duration::from_secs(30)));
        assert_eq!(ended.load(Ordering::Relaxed), 5);
        for handle in blocked {
            assert!(handle.join().unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn what_it_spawns_while_its_runtime_shuts_down_ends() {
    for _ in 0..20 {
        let rt = RuntimeBuilder::new().workers(2).build().unwrap();
        let (sender, child) = mpsc::channel();
        let (begin, begun) = mpsc::channel();
        let (go, going) = mpsc::channel();
        drop(rt.run(move || {
            Builder::new().dedicated().spawn(move || {
                begin.send(()).unwrap();
                // Blocks its OS thread: no shutdown ends that.
                going.recv().unwrap();
                sender.send(spawn(|| 7)).unwrap();
            })
        }));
        begun.recv().unwrap();
        let shutdown = std::thread::spawn(move || rt.shutdown(Duration::from_secs(30)));
        go.send(()).unwrap();
        // Before it was closed the child may have run.
        let child = child.recv().unwrap();
        assert!(shutdown.join().unwrap());
        assert!(child.is_finished());
        assert!(child.join().map_or_else(|error| error.is_cancelled(), |value| value == 7));
    }
}

#[test]
fn any_name_will_do() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    let name = rt.run(|| {
        let handle = Builder::new().dedicated().name("a\0b").spawn(|| ());
        let name = handle.thread().name().map(str::to_owned);
        handle.join().unwrap();
        name
    });
    assert_eq!(name.as_deref(), Some("a\0b"));
    assert!(rt.shutdown(Duration::from_secs(30)));
}

#[test]
fn it_may_shut_its_own_runtime_down() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    let (sender, receiver) = mpsc::channel();
    let handle = rt.run(move || {
        Builder::new().dedicated().spawn(move || {
            let rt: sward_sched::Runtime = receiver.recv().unwrap();
            assert!(!rt.shutdown(Duration::from_secs(30)));
            park();
        })
    });
    sender.send(rt).unwrap();
    assert!(handle.join().unwrap_err().is_cancelled());
}
