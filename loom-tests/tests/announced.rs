//! State whose changes are announced (`chan/src/announced.rs`): nobody waits for what is there
//! already.
#![cfg(sward_loom)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::thread::{self, Thread};
use sward_chan::broadcast;
use sward_loom_tests::{check, check_up_to};
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
