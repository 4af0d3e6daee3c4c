//! [`Notify`], as tokio's: tells others to go on.

mod notified_async;
mod raw;

use std::fmt;
use std::time::{Duration, Instant};

use sward_sched::internal::{Waiter, raise_cancel};
use sward_sched::{checkpoint, const_fn};

pub use self::notified_async::NotifiedFuture;
use self::raw::{End, RawNotify};
use crate::acquire::{Acquire, Refusal, acquire};

/// Tells one of those that wait, or all, to go on. No data comes with it.
///
/// It is a semaphore with one permit at most: [`notify_one`](Self::notify_one) leaves a permit if
/// nobody waits, and the next that would wait takes that and goes on.
/// [`notify_waiters`](Self::notify_waiters) leaves nothing, and reaches all that wait, as well as
/// those that have made a future of [`notified_async`](Self::notified_async) before.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use sync::Notify;
///
/// static ORDERS: AtomicUsize = AtomicUsize::new(0);
/// static ORDERED: Notify = Notify::new();
///
/// let cook = sward::spawn(|| {
///     let mut cooked = 0;
///     while cooked < 3 {
///         ORDERED.notified();
///         // More than one order may have come in meanwhile.
///         cooked += ORDERS.swap(0, Ordering::Relaxed);
///     }
/// });
/// for _ in 0..3 {
///     ORDERS.fetch_add(1, Ordering::Relaxed);
///     ORDERED.notify_one();
/// }
/// cook.join().unwrap();
/// ```
///
/// What one does before it notifies is seen by whoever goes on because of that.
pub struct Notify {
    raw: RawNotify,
}

impl Notify {
    const_fn! {
        /// Without a permit.
        ///
        /// ```
        /// # use sward_sync as sync;
        /// static CHANGED: sync::Notify = sync::Notify::new();
        /// CHANGED.notify_one();
        /// CHANGED.notified();
        /// ```
        pub fn new() -> Self {
            Self { raw: RawNotify::new() }
        }
    }

    /// Tells the one that has waited longest; if nobody waits, the next that would. To call it
    /// several times before that is as to call it once.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use std::time::Duration;
    ///
    /// let notify = sync::Notify::new();
    /// notify.notify_one();
    /// notify.notify_one();
    /// notify.notified();
    /// assert!(!notify.notified_timeout(Duration::from_millis(1)));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn notify_one(&self) {
        self.raw.notify_one(End::First);
    }

    /// As [`notify_one`](Self::notify_one), but of those that wait it tells the one that came last:
    /// whose data is in the cache.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// let notify = sync::Notify::new();
    /// let (mut one, mut other) = (pin!(notify.notified_async()), pin!(notify.notified_async()));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(one.as_mut().poll(&mut context).is_pending());
    /// assert!(other.as_mut().poll(&mut context).is_pending());
    /// notify.notify_last();
    /// assert!(one.poll(&mut context).is_pending());
    /// assert!(other.poll(&mut context).is_ready());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn notify_last(&self) {
        self.raw.notify_one(End::Last);
    }

    /// Tells all that wait, and leaves nothing for those that come later. Futures that were made
    /// before are told, whether or not they have been polled. A thread is told if it waits already:
    /// where one looks at something first and waits then, a [`Condvar`](crate::Condvar) is right.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// let notify = sync::Notify::new();
    /// let before = notify.notified_async();
    /// notify.notify_waiters();
    /// let after = notify.notified_async();
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(before).poll(&mut context).is_ready());
    /// assert!(pin!(after).poll(&mut context).is_pending());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn notify_waiters(&self) {
        self.raw.notify_waiters();
    }

    /// Waits to be notified.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// use std::sync::Arc;
    ///
    /// let notify = Arc::new(sync::Notify::new());
    /// let other = notify.clone();
    /// let waiting = sward::spawn(move || other.notified());
    /// notify.notify_one();
    /// waiting.join().unwrap();
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does. It takes no notification along.
    pub fn notified(&self) {
        self.wait(|| None);
    }

    /// As [`notified`](Self::notified), for so long at most. `false`: the time is up.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use std::time::Duration;
    ///
    /// let notify = sync::Notify::new();
    /// assert!(!notify.notified_timeout(Duration::from_millis(1)));
    /// notify.notify_one();
    /// assert!(notify.notified_timeout(Duration::from_millis(1)));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`notified`](Self::notified).
    ///
    /// # Cancellation
    ///
    /// As [`notified`](Self::notified).
    pub fn notified_timeout(&self, timeout: Duration) -> bool {
        self.wait(|| Instant::now().checked_add(timeout))
    }

    fn wait(&self, deadline: impl FnOnce() -> Option<Instant>) -> bool {
        checkpoint();
        let generation = self.raw.generation();
        if self.raw.try_take(generation, false) {
            return true;
        }
        match acquire(&self.raw, generation, deadline(), Waiter::new) {
            // `Closed`: by `notify_waiters`.
            Ok(()) | Err(Refusal::Closed) => true,
            Err(Refusal::TimedOut) => false,
            Err(Refusal::Cancelled) => raise_cancel(),
        }
    }

    /// A future that is ready when this is notified. It hears of each
    /// [`notify_waiters`](Self::notify_waiters) from now on, and stands in line for
    /// [`notify_one`](Self::notify_one) from its first poll on, or since it was
    /// [enabled](NotifiedFuture::enable).
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// let notify = sync::Notify::new();
    /// let mut context = Context::from_waker(Waker::noop());
    /// let mut notified = pin!(notify.notified_async());
    /// assert!(notified.as_mut().poll(&mut context).is_pending());
    /// notify.notify_one();
    /// assert!(notified.poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time. If it was told by `notify_one` or `notify_last` and
    /// has not been polled since, the first in line is told instead; or the next that comes.
    pub fn notified_async(&self) -> NotifiedFuture<'_> {
        NotifiedFuture::new(&self.raw)
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify").finish_non_exhaustive()
    }
}
