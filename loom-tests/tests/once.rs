//! A once: one call at a time, until one has come to its end; what it did is seen, and nobody waits
//! for ever.
#![cfg(sward_loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use sward_loom_tests::task::{block_on, poll_once};
use sward_loom_tests::{Mode, check, check_up_to, runtime};
use sward_sched::primitive::{Mutant, UnsafeCell};
use sward_sync::{LazyLock, Once, OnceLock};

/// A once, and what is done in it: loom watches whether it is touched at the same time.
struct Watched {
    once: Once,
    runs: UnsafeCell<u32>,
}

// SAFETY: loom checks it.
unsafe impl Sync for Watched {}
// SAFETY: as above.
unsafe impl Send for Watched {}

fn watched() -> Arc<Watched> {
    Arc::new(Watched { once: Once::new(), runs: UnsafeCell::new(0) })
}

impl Watched {
    fn run(&self) {
        // SAFETY: loom checks it.
        self.runs.with_mut(|runs| unsafe { *runs += 1 });
    }

    fn call(&self) {
        self.once.call_once(|| self.run());
        self.check();
    }

    /// It has been run, and this is seen.
    fn check(&self) {
        // SAFETY: loom checks it.
        assert_eq!(self.runs.with(|runs| unsafe { *runs }), 1);
        assert!(self.once.state().done());
    }
}

fn calling(watched: &Arc<Watched>) -> thread::JoinHandle<()> {
    let watched = watched.clone();
    thread::spawn(move || watched.call())
}

const ALL: [Mutant; 5] = [
    Mutant::OnceBegunTwice,
    Mutant::OnceDoneRelaxed,
    Mutant::OnceSeenRelaxed,
    Mutant::OnceEndsSilently,
    Mutant::WaitUnannounced,
];

#[test]
fn two_call() {
    check("two_call", &ALL, || {
        let watched = watched();
        let other = calling(&watched);
        watched.call();
        other.join().unwrap();
    });
}

#[test]
fn three_call() {
    check("three_call", &ALL, || {
        let watched = watched();
        let others = [calling(&watched), calling(&watched)];
        watched.call();
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// One only waits, also while nobody has called.
#[test]
fn call_against_wait() {
    let mutants = [
        Mutant::OnceDoneRelaxed,
        Mutant::OnceSeenRelaxed,
        Mutant::OnceEndsSilently,
        Mutant::WaitUnannounced,
    ];
    check("call_against_wait", &mutants, || {
        let watched = watched();
        let other = calling(&watched);
        watched.once.wait();
        watched.check();
        other.join().unwrap();
    });
}

/// A task waits.
#[test]
fn call_against_a_task() {
    let mutants = [Mutant::OnceEndsSilently, Mutant::WaitUnannounced];
    check("call_against_a_task", &mutants, || {
        let watched = watched();
        let other = calling(&watched);
        block_on(watched.once.wait_async());
        watched.check();
        other.join().unwrap();
    });
}

/// A task calls, and so does a thread.
#[test]
fn call_against_a_calling_task() {
    check("call_against_a_calling_task", &ALL, || {
        let watched = watched();
        let other = calling(&watched);
        block_on(watched.once.call_once_async(async || watched.run()));
        watched.check();
        other.join().unwrap();
    });
}

/// A task in line goes away while the call ends, and another waits behind it.
#[test]
fn call_against_a_dropped_task() {
    let mutants = [Mutant::WaiterNotUnlinked, Mutant::OnceEndsSilently];
    check("call_against_a_dropped_task", &mutants, || {
        let watched = watched();
        let mut first = Box::pin(watched.once.wait_async());
        assert!(poll_once(first.as_mut()).is_pending());
        let other = calling(&watched);
        let behind = {
            let watched = watched.clone();
            thread::spawn(move || {
                watched.once.wait();
                watched.check();
            })
        };
        drop(first);
        other.join().unwrap();
        behind.join().unwrap();
        watched.check();
    });
}

/// An initialiser fails: the way it is left is that of one that unwinds. The other takes over.
#[test]
fn fail_against_init() {
    let mutants = [
        Mutant::OnceBegunTwice,
        Mutant::OnceDoneRelaxed,
        Mutant::OnceEndsSilently,
        Mutant::WaitUnannounced,
    ];
    check("fail_against_init", &mutants, || {
        let tries = watched();
        let lock = Arc::new(OnceLock::new());
        let failing = {
            let (tries, lock) = (tries.clone(), lock.clone());
            thread::spawn(move || {
                let tried = lock.get_or_try_init(|| {
                    tries.run();
                    Err(())
                });
                assert!(tried.is_err() || tried == Ok(&7));
            })
        };
        let value = lock.get_or_init(|| {
            // What the other did is seen.
            tries.run();
            7
        });
        assert_eq!(*value, 7);
        failing.join().unwrap();
    });
}

/// An initialiser fails while another waits to take over, and a third only waits.
#[test]
fn fail_against_init_against_wait() {
    let mutants = [Mutant::OnceEndsSilently, Mutant::WaitUnannounced];
    check_up_to(2, "fail_against_init_against_wait", &mutants, || {
        let lock = Arc::new(OnceLock::new());
        let failing = {
            let lock = lock.clone();
            thread::spawn(move || {
                assert!(lock.get_or_try_init(|| Err(())).ok().is_none_or(|value| *value == 7));
            })
        };
        let waiting = {
            let lock = lock.clone();
            thread::spawn(move || assert_eq!(*lock.wait(), 7))
        };
        assert_eq!(*lock.get_or_init(|| 7), 7);
        failing.join().unwrap();
        waiting.join().unwrap();
    });
}

/// The future of an initialiser is dropped half-way.
#[test]
fn dropped_initialiser_against_init() {
    let mutants = [Mutant::OnceEndsSilently, Mutant::WaitUnannounced];
    check("dropped_initialiser_against_init", &mutants, || {
        let lock = Arc::new(OnceLock::new());
        let mut abandoned = Box::pin(lock.get_or_init_async(async || std::future::pending().await));
        assert!(poll_once(abandoned.as_mut()).is_pending());
        let other = {
            let lock = lock.clone();
            thread::spawn(move || assert_eq!(*lock.get_or_init(|| 7), 7))
        };
        drop(abandoned);
        assert_eq!(*lock.wait(), 7);
        other.join().unwrap();
    });
}

/// One sets a value, one makes one, one looks whether there is one.
#[test]
fn set_against_get() {
    let mutants = [Mutant::OnceBegunTwice, Mutant::OnceDoneRelaxed, Mutant::OnceSeenRelaxed];
    check("set_against_get", &mutants, || {
        let lock = Arc::new(OnceLock::new());
        let setting = {
            let lock = lock.clone();
            thread::spawn(move || lock.set(1).is_ok())
        };
        let making = {
            let lock = lock.clone();
            thread::spawn(move || *lock.get_or_init(|| 2))
        };
        let got = lock.get().copied();
        let set = setting.join().unwrap();
        let made = making.join().unwrap();
        assert_eq!(made, if set { 1 } else { 2 });
        assert!(got.is_none() || got == Some(made));
    });
}

#[test]
fn two_need_a_lazy_value() {
    let mutants = [Mutant::OnceBegunTwice, Mutant::OnceSeenRelaxed, Mutant::OnceEndsSilently];
    check("two_need_a_lazy_value", &mutants, || {
        let lazy = Arc::new(LazyLock::new(|| Box::new(7)));
        let other = lazy.clone();
        let other = thread::spawn(move || assert_eq!(***other, 7));
        assert_eq!(***lazy, 7);
        other.join().unwrap();
    });
}

/// A green thread that waits is cancelled while the call ends.
#[test]
fn call_against_cancel() {
    // A whole worker, and one from outside.
    check_up_to(2, "call_against_cancel", &[Mutant::WaiterNotUnlinked], || {
        let watched = watched();
        let runtime = runtime(Mode::Sticky);
        let waiting = {
            let watched = watched.clone();
            runtime.spawn(move || watched.once.wait())
        };
        let other = calling(&watched);
        assert!(runtime.shutdown(Duration::MAX));
        other.join().unwrap();
        if let Err(error) = waiting.join() {
            assert!(error.is_cancelled());
        }
        watched.check();
    });
}
