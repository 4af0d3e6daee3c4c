//! [`Barrier`], as std's: all go on when all have come.
//!
//! Two words: how many must come and how many have, and who stands in line.
//!
//! 1. How many have come changes under the queue's lock, and is the length of the line. Those who
//!    have given up are in it until they have taken themselves out.
//! 2. The last to come empties the line and sets the count back in one section of that lock. So
//!    whoever stands in line is of the round that is gathering: there is no number of the round to
//!    compare.
//! 3. One that gives up takes itself out of the count if it finds itself in line. If it does not
//!    it has been counted in a round that is complete, and is missed in none.

mod wait_async;

use std::fmt;
use std::ptr;

use sward_sched::internal::{
    Node, Outcome, Reason, WaitList, WaitQueue, Waiter, Wakes, raise_cancel,
};
use sward_sched::primitive::atomic::{AtomicU32, Ordering};
use sward_sched::primitive::{Mutant, broken};
use sward_sched::{checkpoint, const_fn};

use self::wait_async::Arriving;

/// Lets a number of threads or tasks go on together, as often as they come together.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use sync::Barrier;
///
/// static COME: AtomicUsize = AtomicUsize::new(0);
/// static BARRIER: Barrier = Barrier::new(5);
///
/// let coming: Vec<_> = (0..5)
///     .map(|_| {
///         sward::spawn(|| {
///             COME.fetch_add(1, Ordering::Relaxed);
///             BARRIER.wait();
///             assert_eq!(COME.load(Ordering::Relaxed), 5);
///         })
///     })
///     .collect();
/// coming.into_iter().for_each(|handle| handle.join().unwrap());
/// ```
pub struct Barrier {
    /// How many must come.
    all: u32,
    /// Touched under the lock of the queue (1).
    come: AtomicU32,
    queue: WaitQueue,
}

/// Whether one was the last to come to a [`Barrier`].
///
/// ```
/// # use sward_sync as sync;
/// assert!(sync::Barrier::new(1).wait().is_leader());
/// ```
pub struct BarrierWaitResult(bool);

impl Barrier {
    const_fn! {
        /// For so many. None is as one, whose waits end at once; more than a `u32` counts will not
        /// come together.
        ///
        /// ```
        /// # use sward_sync as sync;
        /// static BARRIER: sync::Barrier = sync::Barrier::new(0);
        /// assert!(BARRIER.wait().is_leader());
        /// ```
        pub fn new(n: usize) -> Self {
            let all = match n {
                0 => 1,
                _ if n > u32::MAX as usize => u32::MAX,
                _ => n as u32,
            };
            Self { all, come: AtomicU32::new(0), queue: WaitQueue::new() }
        }
    }

    /// Waits until all have come. For one of them, the last, the result says that it is the leader.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// use std::sync::Arc;
    ///
    /// let barrier = Arc::new(sync::Barrier::new(2));
    /// let other = barrier.clone();
    /// let waiting = sward::spawn(move || other.wait().is_leader());
    /// let is_leader = barrier.wait().is_leader();
    /// assert_ne!(waiting.join().unwrap(), is_leader);
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does. It is no longer counted among
    /// those that have come, unless the last has come already.
    pub fn wait(&self) -> BarrierWaitResult {
        checkpoint();
        static BARRIER: Reason = Reason::new("barrier");
        let waiter = Waiter::new().about(&BARRIER, self);
        let node = Node::new(&waiter, ptr::null_mut());
        {
            let line = self.queue.lock();
            if let Some(wakes) = self.arrive(&line) {
                drop(line);
                wakes.wake_all();
                return BarrierWaitResult(true);
            }
            // SAFETY: it stays here, and is removed below unless it was closed.
            unsafe { line.push_back(&node) };
        }
        if waiter.wait(None) == Outcome::Cancelled {
            // SAFETY: it is in this list, or in none.
            unsafe { self.leave(&node) };
            raise_cancel();
        }
        BarrierWaitResult(false)
    }

    /// As [`wait`](Self::wait), in async code. It has come when the future is polled first.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let barrier = sync::Barrier::new(2);
    /// let mut context = Context::from_waker(Waker::noop());
    /// let mut waiting = pin!(barrier.wait_async());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending());
    /// assert!(barrier.wait().is_leader());
    /// let Poll::Ready(result) = waiting.poll(&mut context) else { panic!("both have come") };
    /// assert!(!result.is_leader());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time: it is no longer counted among those that have come,
    /// unless the last has come already.
    pub async fn wait_async(&self) -> BarrierWaitResult {
        BarrierWaitResult(Arriving::new(self).await)
    }

    /// One more has come. If it is the last those in line are to be woken; otherwise it gets in
    /// line.
    fn arrive(&self, line: &WaitList) -> Option<Wakes> {
        // Relaxed, here and below: the lock orders it.
        let come = self.come.load(Ordering::Relaxed) + 1;
        let is_last = come == self.all;
        let reset = is_last && !broken(Mutant::RoundNotReset);
        self.come.store(if reset { 0 } else { come }, Ordering::Relaxed);
        is_last.then(|| line.close())
    }

    /// One that had come gives up.
    ///
    /// # Safety
    ///
    /// If the node is in a list, it is in this line.
    unsafe fn leave(&self, node: &Node) {
        let line = self.queue.lock();
        // SAFETY: the caller's promise.
        let is_counted = unsafe { line.remove(node) } || broken(Mutant::LeaverOfLastRoundCounted);
        if is_counted && !broken(Mutant::LeaverStaysCounted) {
            self.come.store(self.come.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Relaxed);
        }
    }
}

impl BarrierWaitResult {
    /// Whether this was the last to come.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let barrier = sync::Barrier::new(1);
    /// assert!(barrier.wait().is_leader());
    /// ```
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWaitResult").field("is_leader", &self.is_leader()).finish()
    }
}
