//! [`WaitGroup`], as crossbeam's: wait until all clones are gone.

mod group;

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::pin;

use sward_sched::internal::{Waiter, raise_cancel};

use self::group::Member;
use crate::acquire::{Acquire, Acquiring, Refusal, acquire};

/// Waits for a number of threads: each gets a clone and drops it when it is done.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// static DONE: AtomicUsize = AtomicUsize::new(0);
///
/// let group = sync::WaitGroup::new();
/// for _ in 0..10 {
///     let member = group.clone();
///     sward::spawn(move || {
///         DONE.fetch_add(1, Ordering::Relaxed);
///         drop(member);
///     });
/// }
/// group.wait();
/// assert_eq!(DONE.load(Ordering::Relaxed), 10);
/// ```
///
/// To clone and to drop one is one atomic operation each.
pub struct WaitGroup {
    member: Member,
}

impl WaitGroup {
    /// A group of one.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// sync::WaitGroup::new().wait();
    /// ```
    pub fn new() -> Self {
        Self { member: Member::first() }
    }

    /// Leaves the group and waits until all others have left it.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// let group = sync::WaitGroup::new();
    /// let member = group.clone();
    /// sward::spawn(move || drop(member));
    /// group.wait();
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does; so does a
    /// [`timeout`](sward_sched::time::timeout) around it. The group has been left all the same.
    pub fn wait(self) {
        let reference = self.member.leave_and_wait();
        let group = reference.group();
        // `Closed`: the last has left.
        if !group.try_take((), false)
            && acquire(group, (), None, Waiter::new) == Err(Refusal::Cancelled)
        {
            raise_cancel();
        }
    }

    /// Leaves the group now; the future is ready when all others have left it.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// let group = sync::WaitGroup::new();
    /// let member = group.clone();
    /// let mut context = Context::from_waker(Waker::noop());
    /// let mut waiting = pin!(group.wait_async());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending());
    /// drop(member);
    /// assert!(waiting.poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time.
    pub fn wait_async(self) -> impl Future<Output = ()> + Send + Sync + 'static {
        let reference = self.member.leave_and_wait();
        async move {
            let mut turn = pin!(Acquiring::new(reference.group(), ()));
            // An error: the last has left while it stood in line.
            let _ = poll_fn(|context| turn.as_mut().poll(context)).await;
        }
    }
}

// A panic leaves nothing in it half done.
impl UnwindSafe for WaitGroup {}
impl RefUnwindSafe for WaitGroup {}

impl Clone for WaitGroup {
    fn clone(&self) -> Self {
        Self { member: self.member.clone() }
    }
}

impl Default for WaitGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup").field("count", &self.member.count()).finish()
    }
}
