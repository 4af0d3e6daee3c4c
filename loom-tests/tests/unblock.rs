//! The blocking pool (`sched/src/unblock.rs`): a job that is submitted while the pool shrinks, or
//! closes, is run.
#![cfg(sward_loom)]

use loom::thread;
use sward_loom_tests::{check, check_up_to};
use sward_sched::internal::model::{ModelPool, Ready};
use sward_sched::primitive::Mutant;

/// The only thread has run out of jobs and its time is up, just when there is another job: it was
/// promised to whoever saw the thread idle.
#[test]
fn shrink_against_submit() {
    check("shrink_against_submit", &[Mutant::PoolLeavesPromised], || {
        let pool = ModelPool::new();
        let (first, job) = Ready::new(|| 1);
        pool.submit(job);
        assert_eq!(first.join().unwrap(), 1);
        let clock = thread::spawn({
            let pool = pool.clone();
            move || pool.expire()
        });
        let (second, job) = Ready::new(|| 2);
        pool.submit(job);
        assert_eq!(second.join().unwrap(), 2);
        clock.join().unwrap();
        pool.close();
    });
}

/// Two at once, and one thread that may be idle: each job has one that comes for it.
#[test]
fn submit_against_submit() {
    // 2.7 million executions at bound 3, in which it has passed.
    check_up_to(2, "submit_against_submit", &[Mutant::PoolPromisesTwice], || {
        let pool = ModelPool::new();
        let (first, job) = Ready::new(|| 1);
        pool.submit(job);
        assert_eq!(first.join().unwrap(), 1);
        // The first of these ends when the second has begun: one thread alone does not do.
        let (tell, told) = loom::sync::mpsc::channel();
        let (waiting, job) = Ready::new(move || told.recv().unwrap());
        let (telling, other) = Ready::new(move || tell.send(2).unwrap());
        let submitting = thread::spawn({
            let pool = pool.clone();
            move || pool.submit(other)
        });
        pool.submit(job);
        assert_eq!(waiting.join().unwrap(), 2);
        telling.join().unwrap();
        submitting.join().unwrap();
        pool.close();
    });
}

/// The runtime ends while a job is on its way.
#[test]
fn close_against_submit() {
    check("close_against_submit", &[Mutant::PoolClosesWithJobs], || {
        let pool = ModelPool::new();
        let (first, job) = Ready::new(|| 1);
        pool.submit(job);
        assert_eq!(first.join().unwrap(), 1);
        let closing = thread::spawn({
            let pool = pool.clone();
            move || pool.close()
        });
        let (second, job) = Ready::new(|| 2);
        pool.submit(job);
        assert_eq!(second.join().unwrap(), 2);
        closing.join().unwrap();
    });
}
