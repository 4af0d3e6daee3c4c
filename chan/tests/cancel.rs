//! A send or receive that is cancelled, or takes too long, leaves no trace: what was sent is
//! received, dropped, or has never been taken.

mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use settings::{LONG, on_every_runtime};
use sward_chan::{Receiver, Sender, bounded, unbounded};
use sward_sched::time::{sleep, timeout};
use sward_sched::{JoinHandle, spawn, yield_now};

#[derive(Clone, Default)]
struct Made(Arc<(AtomicUsize, AtomicUsize)>);

impl Made {
    fn value(&self) -> Value {
        self.0.0.fetch_add(1, Ordering::Relaxed);
        Value(self.clone())
    }

    fn made_and_dropped(&self) -> (usize, usize) {
        (self.0.0.load(Ordering::Acquire), self.0.1.load(Ordering::Acquire))
    }
}

/// Counts that it was dropped, and would count twice if it were twice.
struct Value(Made);

impl Drop for Value {
    fn drop(&mut self) {
        self.0.0.1.fetch_add(1, Ordering::AcqRel);
    }
}

fn is_cancelled<T>(thread: JoinHandle<T>) -> bool {
    thread.join().is_err_and(|error| error.is_cancelled())
}

#[test]
fn waiting_senders_and_receivers_are_ended() {
    on_every_runtime(|rt| {
        rt.run(|| {
            for capacity in [0, 1, 3] {
                let made = Made::default();
                let (sender, receiver) = bounded(capacity);
                (0..capacity).for_each(|_| sender.send(made.value()).unwrap());
                let (full, value) = (sender.clone(), made.value());
                let sending = spawn(move || full.send(value).unwrap());
                let (full, value) = (sender.clone(), made.value());
                let sending_late = spawn(move || drop(full.send_timeout(value, LONG)));
                (0..10).for_each(|_| yield_now());
                sending.cancel();
                sending_late.cancel();
                assert!(is_cancelled(sending) && is_cancelled(sending_late));
                // Theirs are gone, and the others in their places.
                assert_eq!(made.made_and_dropped(), (capacity + 2, 2));
                assert_eq!(receiver.try_iter().count(), capacity);
                let empty = receiver.clone();
                let receiving = spawn(move || empty.recv().map(drop).unwrap());
                let empty = receiver.clone();
                let receiving_late = spawn(move || drop(empty.recv_timeout(LONG)));
                (0..10).for_each(|_| yield_now());
                receiving.cancel();
                receiving_late.cancel();
                assert!(is_cancelled(receiving) && is_cancelled(receiving_late));
                // Nobody waits in line any more.
                if capacity == 0 {
                    assert!(sender.try_send(made.value()).is_err());
                } else {
                    sender.send(made.value()).unwrap();
                    assert_eq!(receiver.len(), 1);
                }
            }
        });
    });
}

/// Loops that never have to wait end, too.
#[test]
fn threads_that_always_find_what_they_want_are_ended() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let (sender, receiver) = bounded(2);
            let looping = spawn(move || {
                loop {
                    sender.send(1).unwrap();
                    receiver.recv().unwrap();
                }
            });
            yield_now();
            looping.cancel();
            assert!(is_cancelled(looping));
            let (sender, receiver) = unbounded();
            let late = timeout(Duration::from_millis(2), || {
                loop {
                    sender.send(1).unwrap();
                    receiver.recv().unwrap();
                }
            });
            assert!(late.map(|(): ()| ()).unwrap_err().is_elapsed());
        });
    });
}

/// Values sent to threads that are cancelled, or give up, at that moment.
#[test]
fn every_value_is_received_once_or_dropped_once() {
    fn storm(sender: Sender<Value>, receiver: &Receiver<Value>, made: &Made) -> usize {
        let received = Arc::new(AtomicUsize::new(0));
        let receiving: Vec<_> = (0..20u64)
            .map(|i| {
                let (receiver, received) = (receiver.clone(), received.clone());
                spawn(move || {
                    loop {
                        let until = Duration::from_micros(i * 3);
                        // What comes at the last moment is received, or still there.
                        let value = timeout(until, || receiver.recv());
                        if let Ok(Ok(value)) = value {
                            received.fetch_add(1, Ordering::Relaxed);
                            drop(value);
                        }
                    }
                })
            })
            .collect();
        let sending: Vec<_> = (0..20u64)
            .map(|i| {
                let (sender, made) = (sender.clone(), made.clone());
                spawn(move || {
                    loop {
                        let value = made.value();
                        let _ = timeout(Duration::from_micros(i), || sender.send(value));
                        if i % 4 == 0 {
                            yield_now();
                        }
                    }
                })
            })
            .collect();
        sleep(Duration::from_millis(5));
        for (i, thread) in receiving.into_iter().chain(sending).enumerate() {
            if i % 3 == 0 {
                yield_now();
            }
            thread.cancel();
            assert!(is_cancelled(thread));
        }
        received.load(Ordering::Relaxed)
    }
    on_every_runtime(|rt| {
        rt.run(|| {
            for capacity in [0, 1, 8] {
                let made = Made::default();
                let (sender, receiver) = bounded(capacity);
                let received = storm(sender.clone(), &receiver, &made);
                let left = receiver.try_iter().count();
                let (all, dropped) = made.made_and_dropped();
                assert_eq!(all, dropped);
                assert!(received + left <= all && left <= capacity);
                // And the line is in order.
                let next = sender.clone();
                let sending = spawn(move || next.send(made.value()).is_ok());
                drop(receiver.recv().unwrap());
                assert!(sending.join().unwrap());
            }
        });
    });
}
