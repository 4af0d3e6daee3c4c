//! Locks together with channels: held where a thread waits for a value, and where hands of
//! `for_each` move.

use std::cell::Cell;
use std::mem::forget;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::runtime::Builder;
use sward::sync::{Mutex, ReentrantMutex, RwLock};
use sward::{Runtime, chan, spawn, yield_now};

fn everywhere(test: fn()) {
    for workers in [1, 2] {
        Builder::new().workers(workers).build().unwrap().run(test);
    }
}

#[test]
fn guards_are_held_across_recv() {
    everywhere(|| {
        let (sender, receiver) = chan::bounded(0);
        let lock = Arc::new(RwLock::new(0));
        let writer = spawn({
            let (lock, receiver) = (lock.clone(), receiver.clone());
            move || {
                let mut value = lock.write();
                for _ in 0..5 {
                    *value += receiver.recv().unwrap();
                }
            }
        });
        while !lock.is_locked() {
            yield_now();
        }
        let reader = spawn({
            let lock = lock.clone();
            move || {
                let value = lock.read();
                assert_eq!(*value + receiver.recv().unwrap(), 16);
            }
        });
        (1..=6).for_each(|i| sender.send(if i == 6 { 1 } else { i }).unwrap());
        writer.join().unwrap();
        reader.join().unwrap();
        assert!(!lock.is_locked());
    });
}

/// A hand that has moved is another thread: what one forgot to unlock stays locked.
#[test]
fn a_hand_that_moves_leaves_its_locks_behind() {
    fn test(rt: &Runtime) {
        rt.run(|| {
            let (sender, receiver) = chan::bounded(0);
            let mutex = Arc::new(ReentrantMutex::new(Cell::new(0)));
            let refused = Arc::new(AtomicUsize::new(0));
            let done = Arc::new(Mutex::new(0));
            let hands = spawn({
                let (refused, done) = (refused.clone(), done.clone());
                move || {
                    receiver.for_each(1, move |_: u32| {
                        match mutex.try_lock() {
                            Some(guard) => forget(guard),
                            None => _ = refused.fetch_add(1, Ordering::Relaxed),
                        }
                        *done.lock() += 1;
                    })
                }
            });
            // Its thread ends whenever there is nothing to do.
            for i in 0..20 {
                sender.send(i).unwrap();
                while *done.lock() <= i {
                    yield_now();
                }
                (0..10).for_each(|_| yield_now());
            }
            drop(sender);
            hands.join().unwrap().unwrap();
            assert!(refused.load(Ordering::Relaxed) > 0);
        });
    }
    for workers in [1, 2] {
        test(&Builder::new().workers(workers).build().unwrap());
    }
}
