//! Threads that need not be `Send`: they, their closures and their results stay on one
//! worker, come what may.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

mod settings;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::ThreadId;
use std::time::Duration;

use settings::{Count, LONG, hog_until, limited, migrating, os_thread, runtime, until};
use sward_sched::{Builder, Runtime, current, park, spawn, spawn_local, time, unblock, yield_now};

/// On runtimes of both kinds, with one and several workers.
fn on_every_runtime(test: fn(&Runtime)) {
    limited(move || {
        for rt in [runtime(1), runtime(2), runtime(4), migrating(1), migrating(2)] {
            test(&rt);
            assert!(rt.shutdown(LONG));
        }
    });
}

/// Runs `f` as a thread that stays where it is, whatever the runtime's others do.
fn run_local<T: Send + 'static>(rt: &Runtime, f: impl FnOnce() -> T + Send + 'static) -> T {
    rt.run(|| spawn_local(f).join().unwrap())
}

/// Adds the OS thread that it is dropped on to a list, and waits for a while.
struct Place {
    list: Arc<Mutex<Vec<ThreadId>>>,
    waits: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let here = os_thread();
        self.list.lock().unwrap().push(here);
        if self.waits {
            yield_now();
            time::sleep(Duration::from_micros(50));
            assert_eq!(os_thread(), here);
        }
    }
}

#[test]
fn closures_and_results_may_be_shared_without_atomics() {
    on_every_runtime(|rt| {
        run_local(rt, || {
            let shared = Rc::new(Cell::new(0));
            let threads: Vec<_> = (0..100)
                .map(|i| {
                    let shared = shared.clone();
                    spawn_local(move || {
                        for _ in 0..10 {
                            shared.set(shared.get() + 1);
                            match i % 3 {
                                0 => yield_now(),
                                1 => time::sleep(Duration::from_micros(10)),
                                _ => assert_eq!(spawn(|| 7).join().unwrap(), 7),
                            }
                        }
                        shared
                    })
                })
                .collect();
            let results: Vec<_> = threads.into_iter().map(|it| it.join().unwrap()).collect();
            assert_eq!((shared.get(), Rc::strong_count(&shared)), (1000, 101));
            drop(results);
            assert_eq!(Rc::strong_count(&shared), 1);
        });
    });
}

#[test]
fn they_nest() {
    fn tree(depth: u32, nodes: &Rc<Cell<usize>>) -> Rc<Vec<ThreadId>> {
        nodes.set(nodes.get() + 1);
        let mut places = vec![os_thread()];
        if depth > 0 {
            let children: Vec<_> = (0..4)
                .map(|_| {
                    let nodes = nodes.clone();
                    spawn_local(move || tree(depth - 1, &nodes))
                })
                .collect();
            children.into_iter().for_each(|it| places.extend(it.join().unwrap().iter()));
        }
        Rc::new(places)
    }
    on_every_runtime(|rt| {
        run_local(rt, || {
            let nodes = Rc::new(Cell::new(0));
            let places = tree(4, &nodes);
            assert_eq!((nodes.get(), places.len()), (341, 341));
            assert!(places.iter().all(|place| *place == os_thread()));
        });
    });
}

#[test]
fn each_worker_has_its_own() {
    thread_local!(static HERE: RefCell<Rc<()>> = RefCell::default());
    on_every_runtime(|rt| {
        let threads: Vec<_> = (0..100)
            .map(|_| {
                rt.spawn(|| {
                    spawn_local(|| {
                        let shared = HERE.with(|here| here.borrow().clone());
                        for _ in 0..20 {
                            let shared = shared.clone();
                            let other = spawn_local(move || {
                                yield_now();
                                Rc::ptr_eq(&shared, &HERE.with(|here| here.borrow().clone()))
                            });
                            assert!(other.join().unwrap());
                        }
                    })
                    .join()
                    .unwrap();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_panic_is_the_joiners() {
    on_every_runtime(|rt| {
        run_local(rt, || {
            let held = Rc::new(());
            let theirs = held.clone();
            let error = spawn_local(move || {
                let _theirs = theirs;
                yield_now();
                resume_unwind(Box::new("local luck"))
            })
            .join()
            .map(|never: std::convert::Infallible| match never {})
            .unwrap_err();
            assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "local luck");
            assert_eq!(Rc::strong_count(&held), 1);
        });
    });
}

#[test]
fn detached_ones_run_on_and_drop_their_results_at_home() {
    on_every_runtime(|rt| {
        let list = Arc::new(Mutex::new(Vec::new()));
        let places = list.clone();
        run_local(rt, move || {
            let here = os_thread();
            for waits in [false, true] {
                let (captured, result) =
                    [(); 2].map(|()| Place { list: list.clone(), waits }).into();
                let handle = spawn_local(move || {
                    let _captured = captured;
                    yield_now();
                    (Rc::new(()), result)
                });
                drop(handle);
                // Finished, and not joined.
                let place = Place { list: list.clone(), waits };
                let handle = spawn_local(move || (Rc::new(()), place));
                until(|| handle.is_finished());
                drop(handle);
            }
            until(|| list.lock().unwrap().len() == 6);
            assert!(list.lock().unwrap().iter().all(|place| *place == here));
        });
        assert_eq!(places.lock().unwrap().len(), 6);
    });
}

#[test]
fn the_builders_other_choices_hold() {
    on_every_runtime(|rt| {
        run_local(rt, || {
            let here = os_thread();
            let shared = Rc::new(7);
            // SAFETY: it stays all the same, which is what is tested.
            let builder = unsafe { Builder::new().allow_migration() };
            let handle = builder.name("local").stack_size(1 << 20).spawn_local(move || {
                let large = [1u8; 700 << 10];
                assert_eq!(current().name(), Some("local"));
                yield_now();
                assert_eq!(os_thread(), here);
                large.iter().map(|&byte| u64::from(byte)).sum::<u64>() * *shared
            });
            assert_eq!(handle.thread().name(), Some("local"));
            assert_eq!(handle.join().unwrap(), 7 * (700 << 10));
        });
    });
}

#[test]
fn one_without_a_stack_is_dropped_at_home() {
    on_every_runtime(|rt| {
        let list = Arc::new(Mutex::new(Vec::new()));
        run_local(rt, move || {
            let place = Place { list: list.clone(), waits: false };
            let local = Rc::new(());
            let handle = Builder::new().stack_size(1 << 50).spawn_local(move || (place, local));
            assert!(handle.join().map(drop).unwrap_err().no_stack_reason().is_some());
            until(|| list.lock().unwrap().len() == 1);
            assert_eq!(*list.lock().unwrap(), [os_thread()]);
        });
    });
}

#[test]
fn those_that_never_started_are_dropped_at_home_at_shutdown() {
    limited(|| {
        for round in 0..30 {
            let waits = round % 2 == 1;
            let rt = if round % 3 == 0 { migrating(2) } else { runtime(1 + round % 2) };
            let list = Arc::new(Mutex::new(Vec::new()));
            let (tell, told) = mpsc::channel();
            let places = list.clone();
            let closing = Count::default();
            let closed = closing.clone();
            drop(rt.spawn(move || {
                let local = spawn_local(move || {
                    for _ in 0..50 {
                        let place = Place { list: places.clone(), waits };
                        let local = Rc::new(());
                        drop(spawn_local(move || drop((place, local))));
                    }
                    tell.send(os_thread()).unwrap();
                    // Not one of them starts before the runtime closes.
                    hog_until(|| closed.get() == 1);
                    park();
                });
                // Cancelled, and so is this one, first or second.
                drop(local.join());
            }));
            let home = told.recv().unwrap();
            // The shutdown says that it has begun by ending this one.
            let canary = rt.spawn(park);
            let ending = std::thread::spawn(move || rt.shutdown(LONG));
            until(|| canary.is_finished());
            closing.add();
            assert!(ending.join().unwrap());
            let places = list.lock().unwrap();
            assert_eq!(places.len(), 50);
            assert!(places.iter().all(|place| *place == home));
        }
    });
}

#[test]
fn those_that_wait_are_unwound_at_home_at_shutdown() {
    limited(|| {
        for round in 0..10 {
            let rt = if round % 2 == 0 { migrating(2) } else { runtime(2) };
            let list = Arc::new(Mutex::new(Vec::new()));
            let (tell, told) = mpsc::channel();
            let places = list.clone();
            let begun = Count::default();
            let handle = rt.spawn(move || {
                spawn_local(move || {
                    let threads: Vec<_> = (0..50)
                        .map(|i| {
                            let place = Place { list: places.clone(), waits: i % 2 == 0 };
                            let (local, begun) = (Rc::new(()), begun.clone());
                            spawn_local(move || {
                                let _held = (place, local);
                                begun.add();
                                park();
                            })
                        })
                        .collect();
                    until(|| begun.get() == 50);
                    tell.send(os_thread()).unwrap();
                    let mut ends = threads.into_iter().map(|it| it.join().unwrap_err());
                    assert!(ends.all(|error| error.is_cancelled()));
                    park();
                })
                .join()
            });
            let home = told.recv().unwrap();
            assert!(rt.shutdown(LONG));
            // Cancelled in its own wait, or told of the other's end before it could wait.
            assert!(handle.join().flatten().unwrap_err().is_cancelled());
            let places = list.lock().unwrap();
            assert_eq!(places.len(), 50);
            assert!(places.iter().all(|place| *place == home));
        }
    });
}

#[test]
fn where_there_is_no_worker_it_says_so() {
    fn complaint(panic: Box<dyn std::any::Any + Send>) -> String {
        panic.downcast_ref::<&str>().map_or_else(
            || panic.downcast_ref::<String>().cloned().unwrap_or_default(),
            |text| (*text).to_owned(),
        )
    }
    let from_an_os_thread = catch_unwind(|| drop(spawn_local(|| ()))).unwrap_err();
    let text = complaint(from_an_os_thread);
    assert!(text.contains("spawn_local") && text.contains("no worker"), "{text}");
    assert!(text.contains("`spawn`") && text.contains("sward::run"), "{text}");
    let rt = runtime(1);
    let from_unblock = rt.run(|| {
        catch_unwind(AssertUnwindSafe(|| unblock(|| drop(spawn_local(|| ()))))).unwrap_err()
    });
    assert_eq!(complaint(from_unblock), text);
}
