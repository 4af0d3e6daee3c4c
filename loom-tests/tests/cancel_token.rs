//! Cancel tokens (`sched/src/cancel_token.rs`): whoever waits for one hears of it, what is below it is
//! cancelled with it, and what goes meanwhile is not touched.
#![cfg(sward_loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use sward_loom_tests::task::{block_on, poll_once};
use sward_loom_tests::{Mode, check, check_up_to, runtime};
use sward_sched::CancelToken;
use sward_sched::primitive::{Mutant, UnsafeCell};

/// What is written before a cancel, and read by whoever hears of that.
struct Letter(UnsafeCell<u32>);

// SAFETY: loom checks it.
unsafe impl Send for Letter {}
// SAFETY: as above.
unsafe impl Sync for Letter {}

impl Letter {
    fn new() -> Arc<Self> {
        Arc::new(Self(UnsafeCell::new(0)))
    }

    fn write(&self) {
        // SAFETY: loom checks it.
        self.0.with_mut(|letter| unsafe { *letter = 7 });
    }

    fn read(&self) {
        // SAFETY: loom checks it.
        assert_eq!(self.0.with(|letter| unsafe { *letter }), 7);
    }
}

fn cancel_against(wait: impl FnOnce(&CancelToken) + Send + 'static) {
    let (token, letter) = (CancelToken::new(), Letter::new());
    let (below, own) = (token.child(), letter.clone());
    let waiting = thread::spawn(move || {
        wait(&below);
        own.read();
    });
    letter.write();
    token.cancel();
    waiting.join().unwrap();
}

#[test]
fn cancel_against_wait() {
    let mutants = [Mutant::CancelledRelaxed, Mutant::CancelledTokenWaitedFor];
    check("cancel_against_wait", &mutants, || cancel_against(CancelToken::wait));
}

#[test]
fn cancel_against_a_task() {
    check("cancel_against_a_task", &[Mutant::CancelledRelaxed], || {
        cancel_against(|token| block_on(token.wait_async()));
    });
}

/// In a model, the deadline of an OS thread passes before it sleeps.
#[test]
fn cancel_against_timeout() {
    let mutants = [Mutant::WaiterNotUnlinked, Mutant::CancelledRelaxed];
    check("cancel_against_timeout", &mutants, || {
        let (token, letter) = (CancelToken::new(), Letter::new());
        let (own, written) = (token.clone(), letter.clone());
        let waiting = thread::spawn(move || {
            if own.wait_timeout(Duration::ZERO) {
                written.read();
            }
        });
        letter.write();
        token.cancel();
        waiting.join().unwrap();
    });
}

/// A green thread waits while its runtime ends.
#[test]
fn cancel_against_shutdown() {
    check_up_to(2, "cancel_against_shutdown", &[Mutant::WaiterNotUnlinked], || {
        let token = CancelToken::new();
        let runtime = runtime(Mode::Sticky);
        let own = token.clone();
        let waiting = runtime.spawn(move || own.wait());
        let cancelling = thread::spawn(move || token.cancel());
        assert!(runtime.shutdown(Duration::MAX));
        cancelling.join().unwrap();
        let _ = waiting.join();
    });
}

/// A future goes away while it is told.
#[test]
fn cancel_against_a_dropped_future() {
    check("cancel_against_a_dropped_future", &[Mutant::WaiterNotUnlinked], || {
        let token = CancelToken::new();
        let own = token.clone();
        let dropping = thread::spawn(move || {
            let mut future = Box::pin(own.wait_async());
            let _ = poll_once(future.as_mut());
            drop(future);
            own.is_cancelled()
        });
        token.cancel();
        dropping.join().unwrap();
    });
}

/// A child begins, and has one itself, while its parent is cancelled.
#[test]
fn cancel_against_a_new_child() {
    check("cancel_against_a_new_child", &[Mutant::ChildOfCancelledLives], || {
        let token = CancelToken::new();
        let own = token.clone();
        let beginning = thread::spawn(move || {
            let child = own.child();
            (child.child(), child)
        });
        token.cancel();
        let (below, child) = beginning.join().unwrap();
        assert!(child.is_cancelled() && below.is_cancelled());
    });
}

/// A child goes, and another is there, while their parent is cancelled.
#[test]
fn cancel_against_a_child_that_goes() {
    check("cancel_against_a_child_that_goes", &[Mutant::GoneChildStaysListed], || {
        let token = CancelToken::new();
        let (stays, goes) = (token.child(), token.child());
        let going = thread::spawn(move || drop(goes));
        token.cancel();
        assert!(stays.is_cancelled());
        going.join().unwrap();
    });
}

/// The last of a branch goes, and takes those above along, while the root is cancelled by one that
/// goes, too.
#[test]
fn cancel_against_a_branch_that_goes() {
    check("cancel_against_a_branch_that_goes", &[Mutant::GoneChildStaysListed], || {
        let token = CancelToken::new();
        let leaf = token.child().child();
        let other = leaf.clone();
        let going = thread::spawn(move || drop(leaf));
        let cancelling = thread::spawn(move || token.cancel());
        drop(other);
        going.join().unwrap();
        cancelling.join().unwrap();
    });
}

/// Whoever returns from a cancel finds all below cancelled, also if another was on the way there.
#[test]
fn cancel_against_cancel_from_above() {
    check("cancel_against_cancel_from_above", &[Mutant::WalkUnlocked], || {
        let token = CancelToken::new();
        let middle = token.child();
        let leaf = middle.child();
        let (own, below) = (middle.clone(), leaf.clone());
        let cancelling = thread::spawn(move || {
            own.cancel();
            assert!(below.is_cancelled());
        });
        token.cancel();
        assert!(leaf.is_cancelled());
        cancelling.join().unwrap();
    });
}
