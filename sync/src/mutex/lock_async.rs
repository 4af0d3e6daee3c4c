//! [`MutexAsync`]: a mutex in async code.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use lock_api::GuardSend;

use super::{Mutex, MutexGuard, RawMutex};
use crate::acquire::Acquiring;

/// What a [`Mutex`] can do in async code of any runtime.
///
/// ```
/// # use sward_sync as sync;
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use sync::{Mutex, MutexAsync};
///
/// let mutex = Mutex::new(1);
/// let mut context = Context::from_waker(Waker::noop());
/// let held = mutex.lock();
/// let mut locking = pin!(mutex.lock_async());
/// assert!(locking.as_mut().poll(&mut context).is_pending());
/// drop(held);
/// let Poll::Ready(mut guard) = locking.poll(&mut context) else { panic!("it is free") };
/// *guard += 1;
/// ```
pub trait MutexAsync<T: ?Sized>: sealed::Sealed {
    /// Locks; pends while somebody else has the lock. The guard may be held across an `.await`.
    /// (clippy's `await_holding_lock` takes it for one whose lock blocks threads; where all lock
    /// this mutex by `lock_async`, that may be allowed.)
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// use sync::{Mutex, MutexAsync};
    ///
    /// let mutex = Mutex::new(1);
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(mutex.lock_async()).poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time: its turn goes to the next in line. While one
    /// that was polled is kept and not polled again, those behind it may wait; one that is forgotten
    /// may keep the lock for ever.
    fn lock_async(&self) -> LockFuture<'_, T>;
}

mod sealed {
    pub trait Sealed {}
    impl<T: ?Sized> Sealed for super::Mutex<T> {}
}

impl<T: ?Sized> MutexAsync<T> for Mutex<T> {
    fn lock_async(&self) -> LockFuture<'_, T> {
        // SAFETY: whoever gets it from here holds it, and unlocks it by its guard.
        LockFuture { mutex: self, turn: Acquiring::new(unsafe { self.raw() }, ()) }
    }
}

/// A guard of a [`Mutex`], to come: see [`MutexAsync::lock_async`].
///
/// ```
/// # use sward_sync as sync;
/// # use std::{future::Future, pin::pin, task::{Context, Waker}};
/// use sync::{Mutex, MutexAsync};
///
/// let mut context = Context::from_waker(Waker::noop());
/// assert!(pin!(Mutex::new(1).lock_async()).poll(&mut context).is_ready());
/// ```
#[must_use = "futures do nothing unless they are polled"]
pub struct LockFuture<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    turn: Acquiring<'a, RawMutex>,
}

impl<'a, T: ?Sized> Future for LockFuture<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the turn is pinned with the future.
        let (mutex, turn) = unsafe {
            let this = self.get_unchecked_mut();
            (this.mutex, Pin::new_unchecked(&mut this.turn))
        };
        // SAFETY: it is locked, and nobody else makes a guard of that.
        turn.poll(context).map(|_| unsafe { mutex.make_guard_unchecked(GuardSend::new()) })
    }
}

impl<T: ?Sized> fmt::Debug for LockFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockFuture").field("turn", &self.turn).finish_non_exhaustive()
    }
}
