//! A condition variable: no notification is lost, and none goes to one who is leaving.
#![cfg(sward_loom)]

use std::sync::Arc;
use std::time::Instant;

use loom::thread;
use sward_loom_tests::check;
use sward_loom_tests::task::{block_on, poll_once};
use sward_sched::primitive::Mutant;
use sward_sync::internal::mutex;
use sward_sync::mutex::MutexGuard;
use sward_sync::{Condvar, Mutex};

/// Tokens that may be taken, and how to wait for one.
struct Tokens {
    count: Mutex<u32>,
    more: Condvar,
}

impl Tokens {
    fn none() -> Arc<Self> {
        Arc::new(Self { count: mutex(0), more: Condvar::new() })
    }

    fn take(&self) {
        let mut count = self.count.lock();
        while *count == 0 {
            self.more.wait(&mut count);
        }
        *count -= 1;
    }

    #[expect(clippy::await_holding_lock, reason = "whoever waits for this one leaves its thread")]
    async fn take_async(&self) {
        let mut count = self.count.lock();
        while *count == 0 {
            count = self.more.wait_async(count).await;
        }
        *count -= 1;
    }

    fn put(&self) {
        *self.count.lock() += 1;
        self.more.notify_one();
    }

    /// Notifies while the mutex is locked.
    fn put_two(&self) {
        let mut count = self.count.lock();
        *count += 2;
        self.more.notify_all();
        drop(count);
    }

    fn check_empty(&self) {
        assert_eq!(*self.count.lock(), 0);
        assert!(!self.more.notify_one());
    }
}

fn taking(tokens: &Arc<Tokens>) -> thread::JoinHandle<()> {
    let tokens = tokens.clone();
    thread::spawn(move || tokens.take())
}

#[test]
fn notify_against_wait() {
    let mutants = [Mutant::CondvarUnlocksFirst];
    check("notify_against_wait", &mutants, || {
        let tokens = Tokens::none();
        let taking = taking(&tokens);
        tokens.put();
        taking.join().unwrap();
        tokens.check_empty();
    });
}

#[test]
fn two_notifications_for_two() {
    let mutants = [Mutant::CondvarUnlocksFirst];
    check("two_notifications_for_two", &mutants, || {
        let tokens = Tokens::none();
        let taking = [taking(&tokens), taking(&tokens)];
        tokens.put();
        tokens.put();
        taking.into_iter().for_each(|thread| thread.join().unwrap());
        tokens.check_empty();
    });
}

/// Somebody has the mutex for a moment while another is notified.
#[test]
fn notify_beside_a_stranger() {
    check("notify_beside_a_stranger", &[Mutant::AdoptedUntold], || {
        let tokens = Tokens::none();
        let taking = taking(&tokens);
        let inner = tokens.clone();
        let stranger = thread::spawn(move || drop(inner.count.lock()));
        tokens.put();
        stranger.join().unwrap();
        taking.join().unwrap();
        tokens.check_empty();
    });
}

/// All are notified while the mutex is locked, and go into its line.
#[test]
fn requeue() {
    let mutants = [Mutant::SecondForgotten, Mutant::UnlockSkipsWaiters];
    check("requeue", &mutants, || {
        let tokens = Tokens::none();
        let taking = [taking(&tokens), taking(&tokens)];
        tokens.put_two();
        taking.into_iter().for_each(|thread| thread.join().unwrap());
        tokens.check_empty();
    });
}

/// One that waits gives up, and another does not: the notification is for that one.
#[test]
fn notify_against_timeout() {
    let mutants = [Mutant::WaiterNotUnlinked];
    check("notify_against_timeout", &mutants, || {
        let tokens = Tokens::none();
        let inner = tokens.clone();
        let leaving = thread::spawn(move || {
            let mut count = inner.count.lock();
            let is_over = inner.more.wait_until(&mut count, Instant::now()).timed_out();
            // What it was told of it takes.
            if !is_over && *count > 0 {
                *count -= 1;
                return 1;
            }
            0
        });
        tokens.put();
        let taken = leaving.join().unwrap();
        if taken == 0 {
            tokens.take();
        }
        tokens.check_empty();
    });
}

/// Notified, or not, by the time that its time is up; another waits behind it.
#[test]
fn timeout_leaves_it_to_the_next() {
    let mutants = [Mutant::WaiterNotUnlinked];
    check("timeout_leaves_it_to_the_next", &mutants, || {
        let tokens = Tokens::none();
        let behind = taking(&tokens);
        let inner = tokens.clone();
        let putting = thread::spawn(move || inner.put());
        let mut count = tokens.count.lock();
        if !tokens.more.wait_until(&mut count, Instant::now()).timed_out() {
            // It was meant for whoever takes the token.
            tokens.more.notify_one();
        }
        drop(count);
        putting.join().unwrap();
        behind.join().unwrap();
        tokens.check_empty();
    });
}

#[test]
fn a_task_waits() {
    check("a_task_waits", &[Mutant::UnlockSkipsWaiters], || {
        let tokens = Tokens::none();
        let inner = tokens.clone();
        let task = thread::spawn(move || block_on(inner.take_async()));
        let taking = taking(&tokens);
        tokens.put_two();
        task.join().unwrap();
        taking.join().unwrap();
        tokens.check_empty();
    });
}

/// A task that was notified goes away, and another waits behind it.
#[test]
fn a_dropped_task_passes_it_on() {
    let mutants = [Mutant::NotifiedKeepsQuiet];
    check("a_dropped_task_passes_it_on", &mutants, || {
        let tokens = Tokens::none();
        let mut first = Box::pin(tokens.more.wait_async(tokens.count.lock()));
        assert!(poll_once(first.as_mut()).is_pending());
        let behind = taking(&tokens);
        let inner = tokens.clone();
        let putting = thread::spawn(move || inner.put());
        drop(first);
        putting.join().unwrap();
        behind.join().unwrap();
        tokens.check_empty();
    });
}

/// It goes away while it waits for the mutex.
#[test]
fn a_task_is_dropped_in_the_line_of_the_mutex() {
    let mutants = [Mutant::NotifiedKeepsQuiet];
    check("a_task_is_dropped_in_the_line_of_the_mutex", &mutants, || {
        let tokens = Tokens::none();
        let mut first = Box::pin(tokens.more.wait_async(tokens.count.lock()));
        assert!(poll_once(first.as_mut()).is_pending());
        let behind = taking(&tokens);
        let mut count: MutexGuard<'_, u32> = tokens.count.lock();
        *count += 1;
        tokens.more.notify_one();
        assert!(poll_once(first.as_mut()).is_pending());
        let inner = tokens.clone();
        let locking = thread::spawn(move || drop(inner.count.lock()));
        drop(count);
        drop(first);
        locking.join().unwrap();
        behind.join().unwrap();
        tokens.check_empty();
    });
}

/// Whoever notifies has no reference to the mutex, which goes away with the last that waited.
#[test]
fn the_mutex_goes_away_while_one_is_notified() {
    check("the_mutex_goes_away_while_one_is_notified", &[Mutant::AdoptedToldInside], || {
        let condvar = Arc::new(Condvar::new());
        let counter = Arc::new(mutex(0));
        let mut guard = counter.lock();
        let theirs = condvar.clone();
        let notifier = thread::spawn(move || {
            while !theirs.notify_one() {
                thread::yield_now();
            }
        });
        let other = counter.clone();
        let holder = thread::spawn(move || *other.lock() += 1);
        condvar.wait(&mut guard);
        drop(guard);
        holder.join().unwrap();
        drop(counter);
        notifier.join().unwrap();
    });
}
