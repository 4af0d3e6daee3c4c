//! [`OnceLock`], with std's names: a value that is set one time.
//!
//! 1. The place of the value is written by the one whose call of the `Once` is under way, just
//!    before the call is done; and by whoever has the lock to itself.
//! 2. There is a value in it exactly while the `Once` is done, but for the moment before that.
//!
//! The value lies in an `Option`, for which the compiler works out what dropping it needs; std's saves
//! the option's tag by a destructor that only std may write (`may_dangle`).

mod init_async;
mod traits;

use std::convert::Infallible;
use std::panic::{RefUnwindSafe, UnwindSafe};

use sward_sched::const_fn;
use sward_sched::primitive::UnsafeCell;

use crate::once::Once;

/// A value that is set one time, and shared from then on: [`std::sync::OnceLock`] for threads that
/// park.
///
/// What initialises it may block, for as long as it likes: those that wait for it leave their
/// workers to others. If it panics, or is cancelled, it has not been run, and the next one's turn
/// has come.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::time::Duration;
/// use sync::OnceLock;
///
/// static CONFIG: OnceLock<String> = OnceLock::new();
///
/// fn config() -> &'static str {
///     CONFIG.get_or_init(|| {
///         sward::time::sleep(Duration::from_millis(1));
///         "from afar".to_owned()
///     })
/// }
///
/// // On one worker, where a std lock would never come to an end.
/// let one_worker = sward::runtime::Builder::new().workers(1).build().unwrap();
/// one_worker.run(|| {
///     let threads: Vec<_> = (0..10).map(|_| sward::spawn(config)).collect();
///     threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), "from afar"));
/// });
/// ```
pub struct OnceLock<T> {
    once: Once,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: (1): the value is made by one and seen by others, so it is sent and shared.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

impl<T: UnwindSafe + RefUnwindSafe> RefUnwindSafe for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    const_fn! {
        /// One without a value.
        ///
        /// ```
        /// # use sward_sync as sync;
        /// static NAME: sync::OnceLock<String> = sync::OnceLock::new();
        /// assert_eq!(NAME.get(), None);
        /// ```
        pub fn new() -> Self {
            Self { once: Once::new(), value: UnsafeCell::new(None) }
        }
    }

    /// The value, if it has been set.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let lock = sync::OnceLock::new();
    /// assert_eq!(lock.get(), None);
    /// lock.set(7).unwrap();
    /// assert_eq!(lock.get(), Some(&7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: it is done.
        self.once.is_done().then(|| unsafe { self.get_done() })
    }

    /// The value, to be changed, if it has been set.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let mut lock = sync::OnceLock::from(7);
    /// *lock.get_mut().unwrap() += 1;
    /// assert_eq!(lock.get(), Some(&8));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: (1): it is ours alone.
        self.value.with_mut(|value| unsafe { (*value).as_mut() })
    }

    /// Sets the value.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let lock = sync::OnceLock::new();
    /// assert_eq!(lock.set(7), Ok(()));
    /// assert_eq!(lock.set(8), Err(8));
    /// ```
    ///
    /// # Blocking
    ///
    /// While an initialiser runs: parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does, if it waits; then the value is
    /// dropped.
    ///
    /// # Errors
    ///
    /// With the value, if one has been set before.
    ///
    /// # Panics
    ///
    /// In this lock's own initialiser, as [`get_or_init`](Self::get_or_init).
    #[inline]
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("it is called once"));
        value.map_or(Ok(()), Err)
    }

    /// The value; runs `f` to make it, if there is none. Waits while somebody else makes it.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let lock = sync::OnceLock::new();
    /// assert_eq!(lock.get_or_init(|| 7), &7);
    /// assert_eq!(lock.get_or_init(|| unreachable!()), &7);
    /// ```
    ///
    /// # Blocking
    ///
    /// As `f`. While another initialiser runs: parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does, if it waits; then `f` is not run.
    ///
    /// # Panics
    ///
    /// With the panic of `f`. And if `f` sets, initialises or waits for this very lock, on the same
    /// thread; where that cannot be seen, because it is done on another thread for which `f` waits,
    /// or by a task, it waits for itself for ever.
    #[inline]
    #[track_caller]
    pub fn get_or_init<F>(&self, f: F) -> &T
    where
        F: FnOnce() -> T,
    {
        let Ok(value) = self.get_or_try_init(|| Ok::<T, Infallible>(f()));
        value
    }

    /// As [`get_or_init`](Self::get_or_init), with an `f` that may fail: then there is no value as
    /// before, and one of those that wait has its turn.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let lock = sync::OnceLock::<u16>::new();
    /// assert!(lock.get_or_try_init(|| "a lot".parse()).is_err());
    /// assert_eq!(lock.get_or_try_init(|| "7".parse()), Ok(&7));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`get_or_init`](Self::get_or_init).
    ///
    /// # Cancellation
    ///
    /// As [`get_or_init`](Self::get_or_init).
    ///
    /// # Errors
    ///
    /// Those of `f`.
    ///
    /// # Panics
    ///
    /// As [`get_or_init`](Self::get_or_init).
    #[inline]
    #[track_caller]
    pub fn get_or_try_init<F, E>(&self, f: F) -> Result<&T, E>
    where
        F: FnOnce() -> Result<T, E>,
    {
        if !self.once.is_done()
            && let Some(call) = self.once.begin()
        {
            let value = f()?;
            // SAFETY: the call is under way.
            unsafe { self.put(value) };
            call.complete();
        }
        // SAFETY: it is done.
        Ok(unsafe { self.get_done() })
    }

    /// Waits until there is a value, whoever makes it, and if nobody has begun to.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// static ANSWER: sync::OnceLock<u32> = sync::OnceLock::new();
    /// let waiting = sward::spawn(|| ANSWER.wait());
    /// ANSWER.set(42).unwrap();
    /// assert_eq!(waiting.join().unwrap(), &42);
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does.
    ///
    /// # Panics
    ///
    /// In this lock's own initialiser, as [`get_or_init`](Self::get_or_init).
    #[inline]
    #[track_caller]
    pub fn wait(&self) -> &T {
        self.once.wait();
        // SAFETY: it is done.
        unsafe { self.get_done() }
    }

    /// The value, if one has been set; there is none any more.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let mut lock = sync::OnceLock::from(7);
    /// assert_eq!(lock.take(), Some(7));
    /// assert_eq!(lock.set(8), Ok(()));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never.
    pub fn take(&mut self) -> Option<T> {
        self.once = Once::new();
        // SAFETY: (1): it is ours alone.
        self.value.with_mut(|value| unsafe { (*value).take() })
    }

    /// The value, if one has been set.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// assert_eq!(sync::OnceLock::from(7).into_inner(), Some(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Never.
    pub fn into_inner(mut self) -> Option<T> {
        self.take()
    }

    /// Puts the value into its place.
    ///
    /// # Safety
    ///
    /// The caller's call of the `Once` is under way, and it puts nothing else there.
    unsafe fn put(&self, new: T) {
        // SAFETY: (1): nobody else looks at it.
        self.value.with_mut(|value| unsafe { *value = Some(new) });
    }

    /// The value.
    ///
    /// # Safety
    ///
    /// The `Once` is done, and the caller has seen that.
    #[inline]
    unsafe fn get_done(&self) -> &T {
        // SAFETY: (2), and (1): it stays as it is while it is borrowed.
        self.value.with(|value| unsafe { (*value).as_ref().unwrap_unchecked() })
    }
}
