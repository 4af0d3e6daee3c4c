//! [`RwLockAsync`]: a lock for readers and writers in async code.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use lock_api::{GuardSend, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};

use super::RawRwLock;
use super::state::Request;
use crate::acquire::Acquiring;

/// What an [`RwLock`](super::RwLock) can do in async code of any runtime.
///
/// ```
/// # use sward_sync as sync;
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use sync::rwlock::{RwLock, RwLockAsync};
///
/// let lock = RwLock::new(1);
/// let mut context = Context::from_waker(Waker::noop());
/// let held = lock.read();
/// let mut writing = pin!(lock.write_async());
/// assert!(writing.as_mut().poll(&mut context).is_pending());
/// drop(held);
/// let Poll::Ready(mut guard) = writing.poll(&mut context) else { panic!("it is free") };
/// *guard += 1;
/// ```
pub trait RwLockAsync<T: ?Sized, const RECURSIVE: bool>: sealed::Sealed {
    /// Locks for reading; pends while a writer has the lock, or waits for it.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// use sync::rwlock::{RwLock, RwLockAsync};
    ///
    /// let lock = RwLock::new(1);
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(lock.read_async()).poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time: its turn goes to the next in line. While one
    /// that was polled is kept and not polled again, those behind it may wait; one that is forgotten
    /// may keep the lock for ever.
    fn read_async(&self) -> ReadFuture<'_, T, RECURSIVE>;

    /// Locks for writing; pends while somebody else has the lock.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// use sync::rwlock::{RwLock, RwLockAsync};
    ///
    /// let lock = RwLock::new(1);
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(lock.write_async()).poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time: its turn goes to the next in line. While one
    /// that was polled is kept and not polled again, those behind it may wait; one that is forgotten
    /// may keep the lock for ever.
    fn write_async(&self) -> WriteFuture<'_, T, RECURSIVE>;

    /// Locks for reading, as the one reader that may become the writer; pends as
    /// [`read_async`](Self::read_async) does, and while there is another such reader.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// use sync::rwlock::{RwLock, RwLockAsync};
    ///
    /// let lock = RwLock::new(1);
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(lock.upgradable_read_async()).poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time: its turn goes to the next in line. While one
    /// that was polled is kept and not polled again, those behind it may wait; one that is forgotten
    /// may keep the lock for ever.
    fn upgradable_read_async(&self) -> UpgradableReadFuture<'_, T, RECURSIVE>;
}

mod sealed {
    pub trait Sealed {}
    impl<T: ?Sized, const RECURSIVE: bool> Sealed for lock_api::RwLock<super::RawRwLock<RECURSIVE>, T> {}
}

impl<T: ?Sized, const RECURSIVE: bool> RwLockAsync<T, RECURSIVE>
    for RwLock<RawRwLock<RECURSIVE>, T>
{
    fn read_async(&self) -> ReadFuture<'_, T, RECURSIVE> {
        ReadFuture { lock: self, turn: turn(self, Request::Read) }
    }

    fn write_async(&self) -> WriteFuture<'_, T, RECURSIVE> {
        WriteFuture { lock: self, turn: turn(self, Request::Write) }
    }

    fn upgradable_read_async(&self) -> UpgradableReadFuture<'_, T, RECURSIVE> {
        UpgradableReadFuture { lock: self, turn: turn(self, Request::Upgradable) }
    }
}

fn turn<T: ?Sized, const RECURSIVE: bool>(
    lock: &RwLock<RawRwLock<RECURSIVE>, T>,
    request: Request,
) -> Acquiring<'_, RawRwLock<RECURSIVE>> {
    // SAFETY: whoever gets it from here holds it, and unlocks it by its guard.
    Acquiring::new(unsafe { lock.raw() }, request)
}

/// One kind of future: its guard, and how that is made.
macro_rules! lock_future {
    ($(#[$doc:meta])* $name:ident, $guard:ident, $make:ident) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless they are polled"]
        pub struct $name<'a, T: ?Sized, const RECURSIVE: bool = false> {
            lock: &'a RwLock<RawRwLock<RECURSIVE>, T>,
            turn: Acquiring<'a, RawRwLock<RECURSIVE>>,
        }

        impl<'a, T: ?Sized, const RECURSIVE: bool> Future for $name<'a, T, RECURSIVE> {
            type Output = $guard<'a, RawRwLock<RECURSIVE>, T>;

            fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
                // SAFETY: the turn is pinned with the future.
                let (lock, turn) = unsafe {
                    let this = self.get_unchecked_mut();
                    (this.lock, Pin::new_unchecked(&mut this.turn))
                };
                // SAFETY: it is locked so, and nobody else makes a guard of that.
                turn.poll(context).map(|_| unsafe { lock.$make(GuardSend::new()) })
            }
        }

        impl<T: ?Sized, const RECURSIVE: bool> fmt::Debug for $name<'_, T, RECURSIVE> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("turn", &self.turn).finish_non_exhaustive()
            }
        }
    };
}

lock_future! {
    /// A guard to come: see [`RwLockAsync::read_async`].
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// use sync::rwlock::{RwLock, RwLockAsync};
    ///
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(RwLock::new(1).read_async()).poll(&mut context).is_ready());
    /// ```
    ReadFuture, RwLockReadGuard, make_read_guard_unchecked
}

lock_future! {
    /// A guard to come: see [`RwLockAsync::write_async`].
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// use sync::rwlock::{RwLock, RwLockAsync};
    ///
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(RwLock::new(1).write_async()).poll(&mut context).is_ready());
    /// ```
    WriteFuture, RwLockWriteGuard, make_write_guard_unchecked
}

lock_future! {
    /// A guard to come: see [`RwLockAsync::upgradable_read_async`].
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// use sync::rwlock::{RwLock, RwLockAsync};
    ///
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(RwLock::new(1).upgradable_read_async()).poll(&mut context).is_ready());
    /// ```
    UpgradableReadFuture, RwLockUpgradableReadGuard, make_upgradable_guard_unchecked
}
