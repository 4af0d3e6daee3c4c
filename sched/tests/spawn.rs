//! Starting green threads and getting their results.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward_sched::runtime::Builder as RuntimeBuilder;
use sward_sched::{Builder, Runtime, current, run, spawn, yield_now};

fn on_1_and_2_workers(test: impl Fn(&Runtime)) {
    for workers in [1, 2] {
        test(&RuntimeBuilder::new().workers(workers).build().unwrap());
    }
}

#[test]
fn results_come_back_whatever_their_size() {
    on_1_and_2_workers(|rt| {
        rt.run(|| {
            spawn(|| ()).join().unwrap();
            assert_eq!(spawn(|| 7u8).join().unwrap(), 7);
            assert_eq!(spawn(|| "text".to_owned()).join().unwrap(), "text");
            let large = spawn(|| [7u64; 1000]).join().unwrap();
            assert_eq!(large, [7; 1000]);
        });
    });
}

#[test]
fn a_closure_larger_than_the_stack_runs() {
    // On the heap from the start: the caller's own stack is small, too.
    let large = vec![1u8; 1 << 20].into_boxed_slice();
    let large: Box<[u8; 1 << 20]> = large.try_into().unwrap();
    let handle = std::thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(move || {
            let captured = *large;
            spawn(move || captured.iter().map(|&byte| u64::from(byte)).sum::<u64>()).join()
        })
        .unwrap();
    assert_eq!(handle.join().unwrap().unwrap(), 1 << 20);
}

#[test]
fn thousands_of_threads_are_alive_at_the_same_time() {
    on_1_and_2_workers(|rt| {
        let alive = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..5000)
            .map(|_| {
                let alive = alive.clone();
                rt.spawn(move || {
                    alive.fetch_add(1, Ordering::Relaxed);
                    while alive.load(Ordering::Relaxed) < 5000 {
                        yield_now();
                    }
                })
            })
            .collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
}

#[test]
fn a_tree_of_threads_is_counted_exactly() {
    fn tree(depth: u32) -> u64 {
        if depth == 0 {
            return 1;
        }
        let children: Vec<_> = (0..10).map(|_| spawn(move || tree(depth - 1))).collect();
        children.into_iter().map(|child| child.join().unwrap()).sum()
    }
    on_1_and_2_workers(|rt| assert_eq!(rt.run(|| tree(4)), 10_000));
}

#[test]
fn children_run_on_their_parents_runtime() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    let name = rt.run(|| spawn(|| std::thread::current().name().map(str::to_owned)).join());
    assert_eq!(name.unwrap().as_deref(), Some("sward-worker-0"));
}

#[test]
fn run_borrows_from_its_caller_and_nests() {
    on_1_and_2_workers(|rt| {
        let mut words = vec!["a"];
        rt.run(|| words.push("b"));
        let inner = run(|| rt.run(|| words.len()));
        assert_eq!(inner, 2);
    });
}

#[test]
fn detached_threads_run_to_their_end() {
    on_1_and_2_workers(|rt| {
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let done = done.clone();
            drop(rt.spawn(move || done.fetch_add(1, Ordering::Relaxed)));
        }
        rt.run(|| {
            while done.load(Ordering::Relaxed) < 100 {
                yield_now();
            }
        });
    });
}

#[test]
fn every_result_and_closure_is_dropped_exactly_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    on_1_and_2_workers(|rt| {
        let dropped = Arc::new(AtomicUsize::new(0));
        rt.run(|| {
            for how in 0..3 {
                let (captured, result) = (Counted(dropped.clone()), Counted(dropped.clone()));
                let handle = spawn(move || {
                    let _captured = captured;
                    result
                });
                match how {
                    0 => drop(handle.join().unwrap()),
                    1 => drop(handle),
                    _ => {
                        while !handle.is_finished() {
                            yield_now();
                        }
                        drop(handle);
                    }
                }
            }
            while dropped.load(Ordering::Relaxed) < 6 {
                yield_now();
            }
        });
        assert_eq!(dropped.load(Ordering::Relaxed), 6);
    });
}

#[test]
fn names_and_numbers_tell_threads_apart() {
    let named = Builder::new().name("scribe").spawn(|| (current().id(), current()));
    let other = spawn(|| current().id());
    let thread = named.thread();
    let (id, from_inside) = named.join().unwrap();
    assert_eq!((thread.id(), from_inside.id()), (id, id));
    assert_eq!(from_inside.name(), Some("scribe"));
    assert_ne!(other.join().unwrap(), id);
    assert_ne!(current().id(), id);
}

#[test]
fn a_runtime_without_workers_is_refused() {
    let error = RuntimeBuilder::new().workers(0).build().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("at least one worker"), "{error}");
}

#[test]
fn a_runtime_of_stacks_larger_than_any_address_space_is_refused() {
    let error = RuntimeBuilder::new().workers(1).stack_size(usize::MAX).build().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("stack"), "{error}");
}

#[test]
fn a_stack_that_cannot_be_had_is_an_error_of_that_thread_alone() {
    on_1_and_2_workers(|rt| {
        rt.run(|| {
            let dropped = Arc::new(());
            let captured = dropped.clone();
            let handle = Builder::new().name("greedy").stack_size(1 << 50).spawn(move || {
                drop(captured);
            });
            let error = handle.join().unwrap_err();
            assert!(error.no_stack_reason().is_some());
            assert!(error.to_string().contains("'greedy'"), "{error}");
            assert!(error.to_string().contains("`stack_size`"), "{error}");
            while Arc::strong_count(&dropped) > 1 {
                yield_now();
            }
            assert_eq!(spawn(|| 7).join().unwrap(), 7);
        });
    });
}
