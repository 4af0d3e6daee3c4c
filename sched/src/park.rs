//! [`park`] and [`Thread::unpark`](crate::Thread::unpark), and [`yield_now`].
//!
//! The token is a flag under the lock of the task's waiting lists, and a parked
//! thread a waiter in one of them, like everything else that waits.

use crate::cancel;
use crate::current;
use crate::primitive::{Mutant, broken};
use crate::thread::Header;
use crate::wait_list::Node;
use crate::waiter::{Outcome, Waiter};
use crate::worker;

/// Waits until somebody calls [`Thread::unpark`](crate::Thread::unpark) on this
/// thread; returns at once, and uses it up, if that has happened since the last
/// `park`. In a green thread it never returns for another reason.
///
/// ```
/// # use sward_sched as sward;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// static READY: AtomicBool = AtomicBool::new(false);
/// let waiting = sward::spawn(|| {
///     while !READY.load(Ordering::Acquire) {
///         sward::park();
///     }
/// });
/// READY.store(true, Ordering::Release);
/// waiting.thread().unpark();
/// waiting.join().unwrap();
/// ```
///
/// # Blocking
///
/// Parks the green thread. In an OS thread it is `std::thread::park`.
///
/// # Cancellation
///
/// Unwinds the green thread when its runtime shuts down.
pub fn park() {
    // SAFETY: the current thread's header is alive.
    let Some(thread) = (unsafe { current::green_thread().as_ref() }) else {
        return std::thread::park();
    };
    let waiter = Waiter::new();
    let node = Node::new(&waiter, std::ptr::null_mut());
    {
        let mut waiting = thread.waiting.lock();
        if std::mem::take(&mut waiting.token) {
            return;
        }
        // SAFETY: the node stays here, and is removed below unless it was claimed.
        unsafe { waiting.parked.push_back(&node) };
    }
    if waiter.wait(None) == Outcome::Cancelled {
        // SAFETY: it is in this list, or in none.
        unsafe { thread.waiting.lock().parked.remove(&node) };
        cancel::raise();
    }
}

pub(crate) fn unpark(thread: &Header) {
    let mut waiting = thread.waiting.lock();
    let wake = match waiting.parked.claim_front() {
        Some((_, claim)) => Some(claim.done(0)),
        None => {
            waiting.token = !broken(Mutant::UnparkDropsToken);
            None
        }
    };
    drop(waiting);
    if let Some(wake) = wake {
        wake.wake();
    }
}

/// Lets the other green threads of this worker have a turn.
///
/// ```
/// # use sward_sched as sward;
/// sward::run(|| {
///     let other = sward::spawn(|| 7);
///     while !other.is_finished() {
///         sward::yield_now();
///     }
/// });
/// ```
///
/// # Blocking
///
/// Never blocks. In an OS thread it is `std::thread::yield_now`.
///
/// # Cancellation
///
/// None: a loop that only yields is not stopped by a shutdown.
#[inline]
pub fn yield_now() {
    if current::green_thread().is_null() {
        return std::thread::yield_now();
    }
    // SAFETY: a green thread runs on a worker.
    worker::yield_now(unsafe { &*current::worker() });
}
