//! A notify: a notification reaches somebody who waits, or is kept, and is had once.
#![cfg(sward_loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use sward_loom_tests::task::{block_on, finish, poll_once};
use sward_loom_tests::{Mode, check, check_up_to, runtime};
use sward_sched::primitive::{Mutant, UnsafeCell};
use sward_sync::Notify;

/// What is written before the notification, and read after it.
struct Mailbox {
    letter: UnsafeCell<u32>,
    flag: AtomicBool,
    notify: Notify,
}

// SAFETY: loom checks it.
unsafe impl Send for Mailbox {}
// SAFETY: as above.
unsafe impl Sync for Mailbox {}

impl Mailbox {
    fn new() -> Arc<Self> {
        let (letter, flag) = (UnsafeCell::new(0), AtomicBool::new(false));
        Arc::new(Self { letter, flag, notify: Notify::new() })
    }

    fn write(&self) {
        // SAFETY: loom checks it.
        self.letter.with_mut(|letter| unsafe { *letter = 7 });
    }

    fn read(&self) {
        // SAFETY: loom checks it.
        assert_eq!(self.letter.with(|letter| unsafe { *letter }), 7);
    }

    /// Whether a notification is kept, which is used up.
    fn is_stored(&self) -> bool {
        poll_once(Box::pin(self.notify.notified_async()).as_mut()).is_ready()
    }
}

#[test]
fn notify_one_against_wait() {
    let mutants = [Mutant::NotifySkipsWaiters, Mutant::WaitUnannounced, Mutant::NotifyRelaxed];
    check("notify_one_against_wait", &mutants, || {
        let mailbox = Mailbox::new();
        let own = mailbox.clone();
        let waiting = thread::spawn(move || {
            own.notify.notified();
            own.read();
        });
        mailbox.write();
        mailbox.notify.notify_one();
        waiting.join().unwrap();
        assert!(!mailbox.is_stored());
    });
}

#[test]
fn notify_one_against_a_task() {
    let mutants = [Mutant::NotifySkipsWaiters, Mutant::WaitUnannounced, Mutant::NotifyRelaxed];
    check("notify_one_against_a_task", &mutants, || {
        let mailbox = Mailbox::new();
        let own = mailbox.clone();
        let waiting = thread::spawn(move || {
            block_on(own.notify.notified_async());
            own.read();
        });
        mailbox.write();
        mailbox.notify.notify_one();
        waiting.join().unwrap();
        assert!(!mailbox.is_stored());
    });
}

/// Two notifications for two who wait: none is swallowed, unless both came before them.
#[test]
fn notify_two() {
    let mutants = [Mutant::NotifySkipsWaiters];
    check("notify_two", &mutants, || {
        let mailbox = Mailbox::new();
        let mut first = Box::pin(mailbox.notify.notified_async());
        assert!(poll_once(first.as_mut()).is_pending());
        let notifying = [false, true].map(|last| {
            let own = mailbox.clone();
            thread::spawn(move || match last {
                true => own.notify.notify_last(),
                false => own.notify.notify_one(),
            })
        });
        mailbox.notify.notified();
        finish(first.as_mut());
        notifying.into_iter().for_each(|it| it.join().unwrap());
        assert!(!mailbox.is_stored());
    });
}

/// In a model, the deadline of an OS thread passes before it sleeps.
#[test]
fn notify_one_against_timeout() {
    let mutants = [Mutant::NotificationNotStored];
    check("notify_one_against_timeout", &mutants, || {
        let mailbox = Mailbox::new();
        let own = mailbox.clone();
        let waiting = thread::spawn(move || own.notify.notified_timeout(Duration::ZERO));
        mailbox.notify.notify_one();
        let is_told = waiting.join().unwrap();
        assert_eq!(mailbox.is_stored(), !is_told);
    });
}

/// And somebody waits behind the one that gives up.
#[test]
fn notify_one_against_timeout_and_wait() {
    let mutants = [Mutant::WaiterNotUnlinked];
    check("notify_one_against_timeout_and_wait", &mutants, || {
        let mailbox = Mailbox::new();
        let own = mailbox.clone();
        let giving_up = thread::spawn(move || own.notify.notified_timeout(Duration::ZERO));
        let own = mailbox.clone();
        let waiting = thread::spawn(move || own.notify.notified());
        mailbox.notify.notify_one();
        if giving_up.join().unwrap() {
            mailbox.notify.notify_last();
        }
        waiting.join().unwrap();
        assert!(!mailbox.is_stored());
    });
}

/// A green thread is cancelled while it is notified.
#[test]
fn notify_one_against_cancel() {
    let mutants = [Mutant::NotificationNotStored];
    check_up_to(2, "notify_one_against_cancel", &mutants, || {
        let mailbox = Mailbox::new();
        let runtime = runtime(Mode::Sticky);
        let own = mailbox.clone();
        let waiting = runtime.spawn(move || own.notify.notified());
        let own = mailbox.clone();
        let notifying = thread::spawn(move || own.notify.notify_one());
        assert!(runtime.shutdown(Duration::MAX));
        notifying.join().unwrap();
        let is_told = waiting.join().is_ok();
        assert_eq!(mailbox.is_stored(), !is_told);
    });
}

/// A task that was told goes away, and a thread waits behind it.
#[test]
fn notify_one_against_a_dropped_task() {
    let mutants = [Mutant::DroppedKeepsTurn];
    check("notify_one_against_a_dropped_task", &mutants, || {
        let mailbox = Mailbox::new();
        let mut first = Box::pin(mailbox.notify.notified_async());
        assert!(!first.as_mut().enable());
        let own = mailbox.clone();
        let behind = thread::spawn(move || own.notify.notified());
        let own = mailbox.clone();
        let notifying = thread::spawn(move || own.notify.notify_one());
        drop(first);
        notifying.join().unwrap();
        behind.join().unwrap();
        assert!(!mailbox.is_stored());
    });
}

/// All are told: one that stands in line, one that has been made, and nobody after that.
#[test]
fn notify_waiters_reaches_futures_made_before() {
    let mutants = [Mutant::GenerationNotCounted, Mutant::NotifyRelaxed];
    check("notify_waiters_reaches_futures_made_before", &mutants, || {
        let mailbox = Mailbox::new();
        let made = mailbox.notify.notified_async();
        let own = mailbox.clone();
        let notifying = thread::spawn(move || {
            own.write();
            own.notify.notify_waiters();
        });
        block_on(made);
        mailbox.read();
        notifying.join().unwrap();
        assert!(!mailbox.is_stored());
    });
}

/// Whoever looks at a flag after it got in line sees it, or is told.
#[test]
fn notify_waiters_against_a_flag() {
    let mutants = [Mutant::NotifySkipsWaiters, Mutant::WaitUnannounced, Mutant::NotifyRelaxed];
    check("notify_waiters_against_a_flag", &mutants, || {
        let mailbox = Mailbox::new();
        let waiting = [false, true].map(|enable| {
            let own = mailbox.clone();
            thread::spawn(move || {
                loop {
                    let mut notified = Box::pin(own.notify.notified_async());
                    if enable {
                        notified.as_mut().enable();
                    }
                    if own.flag.load(Ordering::Relaxed) {
                        return;
                    }
                    finish(notified.as_mut());
                }
            })
        });
        mailbox.flag.store(true, Ordering::Relaxed);
        mailbox.notify.notify_waiters();
        waiting.into_iter().for_each(|it| it.join().unwrap());
        assert!(!mailbox.is_stored());
    });
}
