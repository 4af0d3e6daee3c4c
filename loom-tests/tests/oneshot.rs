//! One value, once (`chan/src/oneshot/state.rs`): it is received, comes back, or is dropped, each
//! once; whoever waits is told; and the last to touch what is shared frees it, having seen what the
//! other did.
#![cfg(sward_loom)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::sync::Arc;
use loom::thread::{self, Thread};
use sward_chan::oneshot::{Receiver, Sender, channel};
use sward_loom_tests::{Mode, check, check_up_to, runtime};
use sward_sched::primitive::Mutant;

/// A value that must be dropped once: loom finds the `Arc` that is leaked, and the one that
/// is dropped twice counts below what the model still holds.
struct Counted(#[expect(dead_code, reason = "dropped")] Arc<()>);

fn counted() -> (Arc<()>, Counted) {
    let count = Arc::new(());
    (count.clone(), Counted(count))
}

/// Wakes a thread of loom's.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

fn own_waker() -> Waker {
    Waker::from(std::sync::Arc::new(Unpark(thread::current())))
}

fn poll(receiver: &mut Receiver<Counted>, waker: &Waker) -> Poll<bool> {
    Pin::new(receiver).poll(&mut Context::from_waker(waker)).map(|result| result.is_ok())
}

fn sending(sender: Sender<Counted>, value: Counted) -> thread::JoinHandle<bool> {
    thread::spawn(move || sender.send(value).is_ok())
}

#[test]
fn send_against_recv() {
    let mutants = [Mutant::OneshotSentRelaxed, Mutant::OneshotSentSilently];
    check("send_against_recv", &mutants, || {
        let (count, value) = counted();
        let (sender, receiver) = channel();
        let sending = sending(sender, value);
        drop(receiver.recv().unwrap());
        assert!(sending.join().unwrap());
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

#[test]
fn no_send_against_recv() {
    check("no_send_against_recv", &[Mutant::OneshotSentSilently], || {
        let (sender, receiver) = channel::<Counted>();
        let dropping = thread::spawn(move || drop(sender));
        assert!(receiver.recv().is_err());
        dropping.join().unwrap();
    });
}

#[test]
fn send_against_try_recv() {
    check("send_against_try_recv", &[Mutant::OneshotSentRelaxed], || {
        let (count, value) = counted();
        let (sender, mut receiver) = channel();
        let sending = sending(sender, value);
        drop(receiver.try_recv());
        drop(receiver);
        sending.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// The receiver closes and looks once more: the value has come, or it comes back.
#[test]
fn send_against_close() {
    check("send_against_close", &[Mutant::OneshotSentAfterClose], || {
        let (count, value) = counted();
        let (sender, mut receiver) = channel();
        let sending = sending(sender, value);
        receiver.close();
        let has_come = receiver.try_recv().is_ok();
        assert_eq!(sending.join().unwrap(), has_come);
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

#[test]
fn send_against_drop() {
    check("send_against_drop", &[Mutant::OneshotSentAfterClose], || {
        let (count, value) = counted();
        let (sender, receiver) = channel();
        let sending = sending(sender, value);
        drop(receiver);
        sending.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// The time of the one that waits is up at once: it takes the value at the last moment, or finds it
/// when it comes back.
#[test]
fn send_against_timeout() {
    check("send_against_timeout", &[Mutant::OneshotNotLetGo], || {
        let (count, value) = counted();
        let (sender, mut receiver) = channel();
        let sending = sending(sender, value);
        match receiver.recv_timeout(Duration::ZERO) {
            Ok(value) => drop(value),
            Err(error) => {
                assert!(error.is_timeout());
                drop(receiver.recv().unwrap());
            }
        }
        assert!(sending.join().unwrap());
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

#[test]
fn no_send_against_timeout() {
    check("no_send_against_timeout", &[Mutant::OneshotNotLetGo], || {
        let (sender, mut receiver) = channel::<Counted>();
        let dropping = thread::spawn(move || drop(sender));
        drop(receiver.recv_timeout(Duration::ZERO));
        drop(receiver);
        dropping.join().unwrap();
    });
}

/// A green thread that waits is cancelled by a shutdown while the value comes.
#[test]
fn send_against_cancel() {
    let mutants = [Mutant::OneshotNotLetGo, Mutant::OneshotSentAfterClose];
    // A whole worker, and two from outside.
    check_up_to(1, "send_against_cancel", &mutants, || {
        let (count, value) = counted();
        let (sender, receiver) = channel();
        let (about_to, is_about_to) = loom::sync::mpsc::channel();
        let runtime = runtime(Mode::Sticky);
        let receiving = runtime.spawn(move || {
            about_to.send(()).unwrap();
            receiver.recv().map(drop).unwrap();
        });
        let sending = sending(sender, value);
        is_about_to.recv().unwrap();
        assert!(runtime.shutdown(Duration::MAX));
        if let Err(error) = receiving.join() {
            assert!(error.is_cancelled());
        }
        sending.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// A task that waits is woken.
#[test]
fn send_against_poll() {
    let mutants = [Mutant::OneshotSentRelaxed, Mutant::OneshotSentSilently];
    check("send_against_poll", &mutants, || {
        let (count, value) = counted();
        let (sender, mut receiver) = channel();
        let sending = sending(sender, value);
        let waker = own_waker();
        while poll(&mut receiver, &waker).is_pending() {
            thread::park();
        }
        assert!(sending.join().unwrap());
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// A task that waits goes away, and its waker stays behind.
#[test]
fn send_against_a_dropped_future() {
    let mutants = [Mutant::OneshotGoneRelaxed, Mutant::OneshotSentAfterClose];
    check("send_against_a_dropped_future", &mutants, || {
        let (count, value) = counted();
        let (sender, mut receiver) = channel();
        let sending = sending(sender, value);
        let _ = poll(&mut receiver, Waker::noop());
        drop(receiver);
        sending.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// The receiver is polled by another task, and waits as a thread after that.
#[test]
fn send_against_a_change_of_mind() {
    let mutants = [Mutant::OneshotSentSilently, Mutant::OneshotGoneRelaxed];
    check("send_against_a_change_of_mind", &mutants, || {
        let (count, value) = counted();
        let (sender, mut receiver) = channel();
        let sending = sending(sender, value);
        let has_come = poll(&mut receiver, Waker::noop()).is_ready()
            || poll(&mut receiver, Waker::noop()).is_ready();
        if !has_come {
            drop(receiver.recv().unwrap());
        }
        assert!(sending.join().unwrap());
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// The sender waits for the receiver to go, which may have left a waker.
#[test]
fn closed_against_drop() {
    check("closed_against_drop", &[Mutant::OneshotGoneRelaxed], || {
        let (mut sender, mut receiver) = channel::<Counted>();
        let closing = thread::spawn(move || {
            let _ = poll(&mut receiver, Waker::noop());
            drop(receiver);
        });
        sender.closed();
        drop(sender);
        closing.join().unwrap();
    });
}

/// A waker that panics. Without a message, of which there would be many.
struct Alarm;

impl Wake for Alarm {
    fn wake(self: std::sync::Arc<Self>) {
        resume_unwind(Box::new("no waker"));
    }
}

/// A task of the sender's waits for that, does not wait, and sends. If its waker panics the receiver
/// goes nevertheless, and so does the value.
#[test]
fn poll_closed_and_send_against_drop_with_a_panic() {
    let mutants = [Mutant::OneshotSentAfterClose];
    check("poll_closed_and_send_against_drop_with_a_panic", &mutants, || {
        let (count, value) = counted();
        let (mut sender, receiver) = channel();
        let alarm = Waker::from(std::sync::Arc::new(Alarm));
        let waits = sender.poll_closed(&mut Context::from_waker(&alarm));
        assert!(waits.is_pending());
        let closing = thread::spawn(move || {
            // Whether it comes through is not what this is about.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(receiver)));
        });
        drop(sender.send(value));
        closing.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// A task of the sender's waits for that, and does not, and sends.
#[test]
fn poll_closed_and_send_against_drop() {
    check("poll_closed_and_send_against_drop", &[Mutant::OneshotSentAfterClose], || {
        let (count, value) = counted();
        let (mut sender, receiver) = channel();
        let closing = thread::spawn(move || drop(receiver));
        let _ = sender.poll_closed(&mut Context::from_waker(Waker::noop()));
        drop(sender.send(value));
        closing.join().unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
    });
}
