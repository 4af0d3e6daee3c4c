//! [`LazyLock`], with std's names: a value that is made when it is first used.
//!
//! 1. The initialiser is used in a call of the cell's that is under way, or by whoever has the lock
//!    to itself, and nowhere else: so by one at a time, each after the other.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};

use sward_sched::const_fn;

use crate::once_lock::OnceLock;

/// A value that is made when it is first used: [`std::sync::LazyLock`] for threads that park.
///
/// The initialiser may block, for as long as it likes: those that wait for it leave their workers
/// to others. A task calls [`force_async`](Self::force_async).
///
/// Unlike std's it is not poisoned: an initialiser that panics, or that is unwound because its
/// thread is cancelled, is run again by the next that needs the value. So it is an `Fn`, and lives
/// as long as the lock.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::time::Duration;
/// use sync::LazyLock;
///
/// static CONFIG: LazyLock<String> = LazyLock::new(|| {
///     sward::time::sleep(Duration::from_millis(1));
///     "from afar".to_owned()
/// });
///
/// // On one worker, where a std lock would never come to an end.
/// let one_worker = sward::runtime::Builder::new().workers(1).build().unwrap();
/// one_worker.run(|| {
///     let threads: Vec<_> = (0..10).map(|_| sward::spawn(|| CONFIG.len())).collect();
///     threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 9));
/// });
/// ```
///
/// # Blocking
///
/// Whatever needs the value ([`force`](Self::force), or using it): as the initialiser. While it runs
/// elsewhere: parks the green thread, or blocks the OS thread.
///
/// # Cancellation
///
/// Unwinds the thread as [`park`](sward_sched::park) does, if it waits.
///
/// # Panics
///
/// With the panic of the initialiser. And if that uses this very lock, on the same thread; where
/// that cannot be seen, because it is done on another thread for which it waits, or by a task, it
/// waits for itself for ever.
pub struct LazyLock<T, F = fn() -> T> {
    cell: OnceLock<T>,
    init: F,
}

// SAFETY: (1): the initialiser is sent from one to the next, and never shared.
unsafe impl<T: Send + Sync, F: Send> Sync for LazyLock<T, F> {}

impl<T: UnwindSafe + RefUnwindSafe, F: UnwindSafe + RefUnwindSafe> RefUnwindSafe
    for LazyLock<T, F>
{
}
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}

impl<T, F: Fn() -> T> LazyLock<T, F> {
    const_fn! {
        /// One whose value `init` will make.
        ///
        /// ```
        /// # use sward_sync as sync;
        /// static SQUARES: sync::LazyLock<Vec<u32>> =
        ///     sync::LazyLock::new(|| (0..100).map(|i| i * i).collect());
        /// assert_eq!(SQUARES[7], 49);
        /// ```
        pub fn new(init: F) -> Self {
            Self { cell: OnceLock::new(), init }
        }
    }

    /// The value; makes it, if that has not been done. Using the lock as the value does the same.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 7);
    /// assert_eq!(LazyLock::force(&lazy), &7);
    /// assert_eq!(*lazy, 7);
    /// ```
    ///
    /// # Blocking
    ///
    /// As the initialiser. While it runs elsewhere: parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does, if it waits.
    ///
    /// # Panics
    ///
    /// With the panic of the initialiser, or if that uses this very lock.
    #[inline]
    #[track_caller]
    pub fn force(this: &Self) -> &T {
        this.cell.get_or_init(&this.init)
    }

    /// The value, to be changed; makes it, if that has not been done.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use sync::LazyLock;
    ///
    /// let mut lazy = LazyLock::new(|| 7);
    /// *LazyLock::force_mut(&mut lazy) += 1;
    /// assert_eq!(*lazy, 8);
    /// ```
    ///
    /// # Blocking
    ///
    /// As the initialiser.
    ///
    /// # Panics
    ///
    /// With the panic of the initialiser.
    #[inline]
    #[track_caller]
    pub fn force_mut(this: &mut Self) -> &mut T {
        if this.cell.get_mut().is_none() {
            // Nobody else can be making it: no call, and no wait.
            this.cell = OnceLock::from((this.init)());
        }
        this.cell.get_mut().expect("it is there by now")
    }

    /// As [`force`](Self::force), in async code of any runtime: pends while the initialiser runs
    /// elsewhere. If it is run here, and blocks, it blocks the task.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 7);
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert_eq!(pin!(LazyLock::force_async(&lazy)).poll(&mut context), Poll::Ready(&7));
    /// ```
    ///
    /// # Blocking
    ///
    /// As the initialiser, if it is run here.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time.
    ///
    /// # Panics
    ///
    /// With the panic of the initialiser.
    pub async fn force_async(this: &Self) -> &T {
        this.cell.get_or_init_async(async || (this.init)()).await
    }
}

impl<T, F> LazyLock<T, F> {
    /// The value, if it has been made.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use sync::LazyLock;
    ///
    /// let lazy = LazyLock::new(|| 7);
    /// assert_eq!(LazyLock::get(&lazy), None);
    /// LazyLock::force(&lazy);
    /// assert_eq!(LazyLock::get(&lazy), Some(&7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never.
    #[inline]
    pub fn get(this: &Self) -> Option<&T> {
        this.cell.get()
    }

    /// The value, to be changed, if it has been made.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use sync::LazyLock;
    ///
    /// let mut lazy = LazyLock::new(|| 7);
    /// assert_eq!(LazyLock::get_mut(&mut lazy), None);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never.
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        this.cell.get_mut()
    }
}

impl<T, F: Fn() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        Self::force(self)
    }
}

impl<T, F: Fn() -> T> DerefMut for LazyLock<T, F> {
    #[inline]
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        Self::force_mut(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> Self {
        Self::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("LazyLock");
        match Self::get(self) {
            Some(value) => debug.field(value),
            None => debug.field(&format_args!("<uninit>")),
        };
        debug.finish()
    }
}
