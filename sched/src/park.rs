//! [`park`] and [`Thread::unpark`](crate::Thread::unpark), and [`yield_now`].
//!
//! The token is a flag under the lock of the task's waiting lists, and a parked
//! thread a waiter in one of them, like everything else that waits.

use std::time::Instant;

use crate::cancel;
use crate::current;
use crate::fork;
use crate::primitive::{Mutant, NAPS, broken, spin};
use crate::thread::Header;
use crate::wait_list::Node;
use crate::waiter::{Outcome, Reason, Waiter};
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
/// Unwinds the thread when it is [cancelled](crate::JoinHandle::cancel), its time is up
/// ([`timeout`](crate::time::timeout)), or its runtime shuts down.
pub fn park() {
    // SAFETY: the current thread's header is alive.
    let Some(thread) = (unsafe { current::green_thread().as_ref() }) else {
        fork::check();
        return park_os_thread();
    };
    static PARK: Reason = Reason::new("park");
    let waiter = Waiter::new().because(&PARK);
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

/// std's own, so that std's `unpark` ends it, too.
fn park_os_thread() {
    let deadline = current::terms().deadline.filter(|_| !std::thread::panicking());
    let Some(deadline) = deadline else { return std::thread::park() };
    std::thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
    if deadline <= Instant::now() {
        // It does not say whether it has taken a token. One too many is what std allows; one
        // too few would be a lost wake.
        std::thread::current().unpark();
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
/// None: a loop that only yields is stopped by nothing.
#[inline(always)]
pub fn yield_now() {
    // SAFETY: a worker in the thread-local is alive.
    match unsafe { current::worker().as_ref() } {
        Some(worker) if !worker.current().is_null() => worker::yield_now(worker),
        _ => std::thread::yield_now(),
    }
}

/// Gives way to other green threads if this one has gone on for long: for loops that
/// compute without blocking.
///
/// ```
/// # use sward_sched as sward;
/// let sum = sward::run(|| {
///     let mut sum = 0u64;
///     for i in 0..1_000_000 {
///         sum = sum.wrapping_add(i * i);
///         sward::checkpoint();
///     }
///     sum
/// });
/// # assert_eq!(sum, 333_332_833_333_500_000);
/// ```
///
/// It costs about a nanosecond. It yields when the thread has run for a time slice (10 to
/// 20 ms), when another worker has nothing to do and this one may have (after 20 µs), or
/// after some hundreds of calls since the thread's last turn. Receiving, locking, and sending
/// to channels that can be full do the same by themselves, before they begin, whether or not
/// they have to wait then; what never waits (`try_..`, sending to an unbounded channel) only
/// counts, or not even that.
///
/// # Blocking
///
/// Parks the green thread for as long as others have their turns, as [`yield_now`] does. In
/// an OS thread it does nothing.
///
/// # Cancellation
///
/// Unwinds the thread as [`park`] does, but looks whether it is to only now and then: when it
/// is to give way, as above.
#[inline]
pub fn checkpoint() {
    if current::charge() {
        end_slice();
        cancel::raise_if_due();
    }
}

/// As [`checkpoint`], but it never unwinds.
#[inline]
pub fn give_way() {
    if current::charge() {
        end_slice();
    }
}

#[cold]
fn end_slice() {
    // SAFETY: `charge` is true in green threads only, which run on a worker.
    let worker = unsafe { &*current::worker() };
    // Not in the middle of an unwinding, which is soon over, and costly to take along.
    if std::thread::panicking() || worker.current().is_null() {
        return;
    }
    worker.end_slice();
    worker::yield_now(worker);
}

/// Whether this is an OS thread that may spend a moment waiting for others: no green thread, which
/// lets them run by waiting.
#[inline]
pub fn may_hesitate() -> bool {
    NAPS && current::green_thread().is_null()
}

/// Leaves others a moment for what they are about to do: watches `version` for so many rounds of
/// spinning, then leaves them the processor a few times, and looks whenever it has changed.
#[cold]
pub fn hesitate<T>(
    spins: u32,
    version: impl Fn() -> u32,
    mut look: impl FnMut() -> Option<T>,
) -> Option<T> {
    const YIELDS: u32 = 10;
    let mut seen = version();
    (0..spins + YIELDS).find_map(|round| {
        if round < spins {
            spin()
        } else {
            std::thread::yield_now()
        }
        if version() == seen {
            return None;
        }
        let found = look();
        seen = version();
        found
    })
}
