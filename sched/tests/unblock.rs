//! `unblock`: blocking code does not keep a worker.

use std::sync::mpsc;
use std::sync::{Arc, Barrier};

use sward_sched::runtime::Builder;
use sward_sched::{spawn, unblock};

#[test]
fn values_come_back_and_the_worker_goes_on_meanwhile() {
    let rt = Builder::new().workers(1).build().unwrap();
    rt.run(|| {
        let (tell, told) = mpsc::channel();
        // It can end only if the one worker runs the other thread meanwhile.
        let blocked = spawn(move || unblock(move || told.recv().unwrap()));
        let other = spawn(move || tell.send(7).unwrap());
        assert_eq!(blocked.join().unwrap(), 7);
        other.join().unwrap();
    });
}

#[test]
fn as_many_as_need_each_other_run_at_the_same_time() {
    let rt = Builder::new().workers(2).build().unwrap();
    rt.run(|| {
        let barrier = Arc::new(Barrier::new(50));
        let handles: Vec<_> = (0..50)
            .map(|i| {
                let barrier = barrier.clone();
                spawn(move || {
                    unblock(move || {
                        barrier.wait();
                        i
                    })
                })
            })
            .collect();
        let sum: u32 = handles.into_iter().map(|handle| handle.join().unwrap()).sum();
        assert_eq!(sum, 49 * 50 / 2);
    });
}

#[test]
fn more_jobs_than_threads_wait_their_turn() {
    let rt = Builder::new().workers(2).build().unwrap();
    rt.run(|| {
        let handles: Vec<_> = (0..2000u64).map(|i| spawn(move || unblock(move || i * i))).collect();
        let sum: u64 = handles.into_iter().map(|handle| handle.join().unwrap()).sum();
        assert_eq!(sum, (0..2000).map(|i| i * i).sum());
    });
}

#[test]
fn in_an_os_thread_it_is_a_plain_call() {
    let here = std::thread::current().id();
    assert_eq!(unblock(move || std::thread::current().id()), here);
}
