//! State whose changes are announced (`chan/src/announced.rs`), in the two channels that are made of
//! it: nobody waits for what is there already, and no change of a watch is lost.
#![cfg(sward_loom)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::thread::{self, Thread};
use sward_chan::{broadcast, watch};
use sward_loom_tests::{Mode, check, check_up_to, runtime};
use sward_sched::primitive::Mutant;

const MUTANTS: [Mutant; 2] = [Mutant::AnnouncedBetween, Mutant::AnnouncedSilently];

/// Wakes a thread of loom's.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn send_against_recv() {
    check("send_against_recv", &MUTANTS, || {
        let (sender, mut receiver) = broadcast::channel(1);
        let sending = thread::spawn(move || {
            sender.send(7).unwrap();
        });
        assert_eq!(receiver.recv(), Ok(7));
        assert_eq!(receiver.recv(), Err(broadcast::RecvError::Closed));
        sending.join().unwrap();
    });
}

/// Of two that wait, one gives up at once.
#[test]
fn send_against_recv_against_timeout() {
    let mutants = [MUTANTS[0], MUTANTS[1], Mutant::WaiterNotUnlinked];
    check_up_to(2, "send_against_recv_against_timeout", &mutants, || {
        let (sender, mut receiver) = broadcast::channel(1);
        let mut other = sender.subscribe();
        let sending = thread::spawn(move || sender.send(7));
        let giving_up = thread::spawn(move || {
            if other.recv_timeout(Duration::ZERO).is_err() {
                assert_eq!(other.recv(), Ok(7));
            }
        });
        assert_eq!(receiver.recv(), Ok(7));
        assert_eq!(sending.join().unwrap(), Ok(2));
        giving_up.join().unwrap();
    });
}

/// A task waits, and another future of its own goes away before.
#[test]
fn send_against_poll() {
    check("send_against_poll", &[Mutant::AnnouncedSilently], || {
        let (sender, mut receiver) = broadcast::channel(1);
        let sending = thread::spawn(move || sender.send(7));
        let waker = Waker::from(std::sync::Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let first = pin!(receiver.recv_async()).poll(&mut context);
        if first.is_pending() {
            let mut receiving = pin!(receiver.recv_async());
            while receiving.as_mut().poll(&mut context).is_pending() {
                thread::park();
            }
        } else {
            assert_eq!(first, Poll::Ready(Ok(7)));
        }
        assert_eq!(sending.join().unwrap(), Ok(1));
    });
}

#[test]
fn send_against_changed() {
    check("send_against_changed", &MUTANTS, || {
        let (sender, mut receiver) = watch::channel(1);
        let sending = thread::spawn(move || sender.send(2).unwrap());
        assert_eq!(*receiver.wait_for(|value| *value == 2).unwrap(), 2);
        assert!(receiver.changed().is_err());
        sending.join().unwrap();
    });
}

/// A `send` comes while another changes the value: before that or after it.
#[test]
fn send_against_modify() {
    check("send_against_modify", &[Mutant::WatchChangedBlindly], || {
        let (sender, receiver) = watch::channel(1);
        let other = sender.clone();
        let sending = thread::spawn(move || other.send(2).unwrap());
        sender.send_modify(|value| *value += 10);
        sending.join().unwrap();
        assert!([2, 12].contains(&*receiver.borrow()));
    });
}

#[test]
fn modify_against_replace() {
    check("modify_against_replace", &[Mutant::WatchTurnless], || {
        let (sender, receiver) = watch::channel(1);
        let other = sender.clone();
        let changing = thread::spawn(move || other.send_modify(|value| *value += 10));
        let before = sender.send_replace(2);
        changing.join().unwrap();
        assert!([(1, 12), (11, 2)].contains(&(before, *receiver.borrow())));
    });
}

/// One that waits for its turn is cancelled by a shutdown.
#[test]
fn modify_against_cancel() {
    // A whole worker, and two from outside.
    check_up_to(1, "modify_against_cancel", &[Mutant::WaiterNotUnlinked], || {
        let (sender, receiver) = watch::channel(0);
        let (about_to, is_about_to) = loom::sync::mpsc::channel();
        let runtime = runtime(Mode::Sticky);
        let other = sender.clone();
        let changing = runtime.spawn(move || {
            about_to.send(()).unwrap();
            other.send_modify(|value| *value += 1);
        });
        let outside = thread::spawn(move || sender.send_modify(|value| *value += 1));
        is_about_to.recv().unwrap();
        assert!(runtime.shutdown(Duration::MAX));
        outside.join().unwrap();
        let made = 1 + i32::from(changing.join().is_ok());
        assert_eq!(*receiver.borrow(), made);
    });
}
