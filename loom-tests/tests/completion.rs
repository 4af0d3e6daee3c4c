//! The end of a thread (`sched/src/thread/completion.rs`): its result is seen and dropped
//! once, its task freed once, and whoever waits for it is told. Threads that no worker runs,
//! where one is not needed.
#![cfg(sward_loom)]

use std::future::IntoFuture;
use std::task::Poll;
use std::time::Duration;

use loom::sync::Arc;
use loom::sync::mpsc::channel;
use loom::thread;
use sward_loom_tests::task::poll_once;
use sward_loom_tests::{check, check_up_to};
use sward_sched::block_on;
use sward_sched::internal::model::Ready;
use sward_sched::primitive::Mutant;
use sward_sched::runtime::Builder;

/// A value that must be dropped once: loom finds the `Arc` that is leaked, and the one that
/// is dropped twice counts below what the model still holds.
struct Counted(#[expect(dead_code, reason = "dropped")] Arc<()>);

fn counted() -> (Arc<()>, Counted) {
    let count = Arc::new(());
    (count.clone(), Counted(count))
}

#[test]
fn finish_against_join() {
    check("finish_against_join", &[Mutant::FinishSkipsJoiner], || {
        let (count, value) = counted();
        let (handle, ready) = Ready::new(move || value);
        let running = thread::spawn(move || ready.run());
        drop(handle.join().unwrap());
        assert_eq!(Arc::strong_count(&count), 1);
        running.join().unwrap();
    });
}

/// The same by a task.
#[test]
fn finish_against_await() {
    check("finish_against_await", &[Mutant::FinishSkipsJoiner], || {
        let (count, value) = counted();
        let (handle, ready) = Ready::new(move || value);
        let running = thread::spawn(move || ready.run());
        drop(block_on(handle.into_future()).unwrap());
        assert_eq!(Arc::strong_count(&count), 1);
        running.join().unwrap();
    });
}

/// A future is polled by two tasks, one after the other, of whom only the second waits.
#[test]
fn finish_against_another_task() {
    let mutants = [Mutant::JoinerNotServed, Mutant::FutureLeavesClaimed];
    check("finish_against_another_task", &mutants, || {
        let (count, value) = counted();
        let (handle, ready) = Ready::new(move || value);
        let running = thread::spawn(move || ready.run());
        let mut joining = Box::pin(handle.into_future());
        match poll_once(joining.as_mut()) {
            Poll::Ready(result) => drop(result.unwrap()),
            Poll::Pending => drop(block_on(joining).unwrap()),
        }
        assert_eq!(Arc::strong_count(&count), 1);
        running.join().unwrap();
    });
}

/// A future goes away.
#[test]
fn finish_against_a_future_that_is_dropped() {
    let mutants = [Mutant::JoinerNotServed, Mutant::FutureLeavesClaimed];
    check("finish_against_a_future_that_is_dropped", &mutants, || {
        let (count, value) = counted();
        let (handle, ready) = Ready::new(move || value);
        let running = thread::spawn(move || ready.run());
        let mut joining = Box::pin(handle.into_future());
        drop(poll_once(joining.as_mut()));
        drop(joining);
        running.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

#[test]
fn finish_against_is_finished() {
    check("finish_against_is_finished", &[Mutant::FinishedRelaxed], || {
        let (handle, ready) = Ready::new(|| 7);
        let running = thread::spawn(move || ready.run());
        let asking = thread::spawn(move || {
            if handle.is_finished() {
                assert_eq!(handle.join().unwrap(), 7);
            }
        });
        running.join().unwrap();
        asking.join().unwrap();
    });
}

/// The result is dropped by the thread or with the handle, and another reference to the task
/// goes at the same time.
#[test]
fn finish_against_detach() {
    let mutants = [Mutant::ReleasedTwice, Mutant::ReleasedRelaxed];
    check("finish_against_detach", &mutants, || {
        let (count, value) = counted();
        let (handle, ready) = Ready::new(move || value);
        let reference = handle.thread();
        let running = thread::spawn(move || ready.run());
        let dropping = thread::spawn(move || drop(reference));
        drop(handle);
        running.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
        dropping.join().unwrap();
    });
}

/// The last references to a task that is over go at the same time.
#[test]
fn release_against_release() {
    check("release_against_release", &[Mutant::ReleasedRelaxed], || {
        let (handle, ready) = Ready::new(|| ());
        ready.run();
        let references = [handle.thread(), handle.thread()];
        let dropping = references.map(|reference| thread::spawn(move || drop(reference)));
        handle.join().unwrap();
        dropping.into_iter().for_each(|dropping| dropping.join().unwrap());
    });
}

/// A green thread that joins is cancelled by a shutdown while what it waits for finishes: its
/// waiter stays in place for as long as the other side may touch it, and not longer.
#[test]
fn finish_against_a_joiner_that_gives_up() {
    let mutants = [Mutant::JoinerNotServed, Mutant::FinishSkipsJoiner];
    // Three threads beside the model's own: hundreds of thousands at bound 2.
    check_up_to(1, "finish_against_a_joiner_that_gives_up", &mutants, || {
        let runtime = Builder::new().workers(1).build().unwrap();
        let (handle, ready) = Ready::new(|| 7);
        let (about_to, is_about_to) = channel();
        let joining = runtime.spawn(move || {
            about_to.send(()).unwrap();
            handle.join().unwrap()
        });
        let running = thread::spawn(move || ready.run());
        // (`park.rs` has shutdowns that come earlier.)
        is_about_to.recv().unwrap();
        assert!(runtime.shutdown(Duration::MAX));
        match joining.join() {
            Ok(value) => assert_eq!(value, 7),
            Err(error) => assert!(error.is_cancelled()),
        }
        running.join().unwrap();
    });
}
