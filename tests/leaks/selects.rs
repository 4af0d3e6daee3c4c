//! The dynamic select: the set, and what it has chosen.

use std::task::Waker;

use sward::chan::{self, RecvTimeoutError, Select, TryRecvError};
use sward::spawn;

use crate::settings::{LONG, Setting, limited, runtime, settle, until};
use crate::tasks::{forget, poll};
use crate::{Drops, SHORT};

in_every_setting!(
    a_forgotten_receive_keeps_its_value,
    a_forgotten_send_keeps_its_room,
    a_forgotten_set_is_in_nobodys_way,
);

fn a_forgotten_set_is_in_nobodys_way(setting: &Setting) {
    let (sender, receiver) = chan::bounded(0);
    let mut select = Select::new();
    select.send(&sender);
    select.recv(&receiver);
    assert!(select.select_timeout(SHORT).is_err());
    forget(select);
    let inner = receiver.clone();
    let receiving = setting.spawn(move || inner.recv());
    sender.send(7).unwrap();
    assert_eq!(receiving.join(), Ok(7));
}

fn a_forgotten_receive_keeps_its_value(setting: &Setting) {
    for capacity in [Some(0), Some(2), None] {
        let (sender, receiver) = capacity.map_or_else(chan::unbounded, chan::bounded);
        let dropped = Drops::default();
        let (inner, values) = (sender.clone(), dropped.clone());
        let sending = setting.spawn(move || {
            for _ in 0..3 {
                assert!(inner.send(values.counted()).is_ok());
            }
        });
        let mut select = Select::new();
        select.recv(&receiver);
        forget(select.select());
        drop(receiver.recv());
        let operation = select.select();
        drop(operation.recv(&receiver));
        sending.join();
        drop(sender);
        // A channel that has ended gives nothing to forget but the news.
        let mut select = Select::new();
        select.recv(&receiver);
        forget(select.select());
        assert_eq!(receiver.try_recv().map(drop), Err(TryRecvError::Disconnected));
        drop(receiver);
        assert_eq!(dropped.get(), 2);
    }
}

fn a_forgotten_send_keeps_its_room(setting: &Setting) {
    let (sender, receiver) = chan::bounded(2);
    let mut select = Select::new();
    select.send(&sender);
    forget(select.select());
    // There is room for one, from now on.
    for i in 0..10 {
        let inner = receiver.clone();
        sender.send(i).unwrap();
        assert!(sender.try_send(i).unwrap_err().is_full());
        assert_eq!(setting.spawn(move || inner.recv()).join(), Ok(i));
    }
    // And then for none: but whoever waits is served.
    forget(select.select());
    assert!(sender.try_send(7).unwrap_err().is_full());
    let inner = receiver.clone();
    let receiving = setting.spawn(move || inner.recv_timeout(LONG));
    sender.send_timeout(7, LONG).unwrap();
    assert_eq!(receiving.join(), Ok(7));
    drop(receiver);
    assert!(sender.send(8).is_err());

    let (sender, receiver) = chan::unbounded();
    let mut select = Select::new();
    select.send(&sender);
    forget(select.select());
    sender.send(7).unwrap();
    assert_eq!((receiver.recv(), receiver.try_recv()), (Ok(7), Err(TryRecvError::Empty)));
}

/// Beside a task it is granted room beyond the capacity.
#[test]
fn a_forgotten_send_beside_a_task_leaves_the_task_in_line() {
    limited(|| {
        let (sender, receiver) = chan::bounded(0);
        let mut receiving = Box::pin(receiver.recv_async());
        assert!(poll(receiving.as_mut(), Waker::noop()).is_pending());
        let mut select = Select::new();
        select.send(&sender);
        forget(select.try_select().unwrap());
        assert!(poll(receiving.as_mut(), Waker::noop()).is_pending());
        let inner = sender.clone();
        let sending = std::thread::spawn(move || inner.send(7));
        assert_eq!(crate::tasks::run(receiving), Ok(7));
        sending.join().unwrap().unwrap();
    });
}

/// As the docs say: who stood by for the value waits for ever, and may not be ended. Its neighbours
/// go on.
#[test]
fn a_forgotten_send_strands_the_receiver_that_stood_by_and_nobody_else() {
    limited(|| {
        for workers in [1, 2] {
            let rt = runtime(workers);
            let (sender, receiver) = chan::bounded::<u32>(0);
            // Not lost to whoever looks for what nobody refers to any more.
            forget(receiver.clone());
            let inner = receiver.clone();
            let stranded = rt.spawn(move || inner.recv_timeout(LONG / 2));
            let mut select = Select::new();
            select.send(&sender);
            forget(select.select());
            stranded.cancel();
            rt.run(|| {
                for i in 0..20 {
                    let inner = receiver.clone();
                    let other = spawn(move || inner.recv());
                    sender.send(i).unwrap();
                    assert_eq!(other.join().unwrap(), Ok(i));
                }
                settle();
            });
            assert!(!stranded.is_finished());
            assert_eq!(receiver.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
            drop(sender);
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
            // It keeps its worker, and its memory.
            assert!(!rt.shutdown(SHORT));
            forget(stranded);
        }
    });
}

/// A receiver that has met it in the same way, coming second.
#[test]
fn a_forgotten_send_that_was_in_line_first_strands_one_receiver() {
    limited(|| {
        let rt = runtime(1);
        let (sender, receiver) = chan::bounded::<u32>(0);
        forget(receiver.clone());
        let inner = sender.clone();
        let selecting = rt.spawn(move || {
            let mut select = Select::new();
            select.send(&inner);
            forget(select.select());
        });
        let inner = receiver.clone();
        let stranded = std::thread::spawn(move || inner.recv());
        selecting.join().unwrap();
        let other = rt.spawn(move || receiver.recv());
        sender.send(7).unwrap();
        assert_eq!(other.join().unwrap(), Ok(7));
        until(|| sender.is_empty());
        assert!(!stranded.is_finished());
        assert!(rt.shutdown(LONG));
    });
}
