//! [`Semaphore`], with tokio's names: so many at a time.

mod acquire;
mod acquire_async;
mod error;
mod permit;
mod raw;
mod try_acquire;

use std::fmt;

use sward_sched::const_fn;

pub use self::error::{AcquireError, AcquireTimeoutError, TryAcquireError};
pub use self::permit::{OwnedSemaphorePermit, SemaphorePermit};
use self::raw::RawSemaphore;

/// A number of permits, each of which one at a time may have.
///
/// Who must wait for one stands in line, and permits are handed over in the order of the line: no
/// newcomer gets ahead, and so a semaphore is the slower the more have to wait. A thread or
/// task that asks for many holds back those behind it until there are enough for it, though
/// there may be enough for them. Permits may be held across blocking calls, and sent to another
/// thread.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::time::Duration;
/// use sync::Semaphore;
///
/// static SEATS: Semaphore = Semaphore::new(2);
///
/// let visiting: Vec<_> = (0..10)
///     .map(|_| {
///         sward::spawn(|| {
///             let _seat = SEATS.acquire().unwrap();
///             // Two at a time are here.
///             sward::time::sleep(Duration::from_micros(10));
///         })
///     })
///     .collect();
/// visiting.into_iter().for_each(|handle| handle.join().unwrap());
/// assert_eq!(SEATS.available_permits(), 2);
/// ```
///
/// # Blocking
///
/// `acquire` and its like park the green thread, or block the OS thread; what ends in `_async`
/// pends; all else never waits.
///
/// # Cancellation
///
/// A thread that is unwound while it waits leaves the line, and one that is unwound while it has
/// permits gives them back. So does a future that is dropped.
pub struct Semaphore {
    raw: RawSemaphore,
}

impl Semaphore {
    /// The most permits that there may be.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// sync::Semaphore::new(sync::Semaphore::MAX_PERMITS);
    /// ```
    pub const MAX_PERMITS: usize = raw::MAX_PERMITS;

    const_fn! {
        /// A semaphore with so many permits.
        ///
        /// ```
        /// # use sward_sync as sync;
        /// static SEATS: sync::Semaphore = sync::Semaphore::new(2);
        /// assert_eq!(SEATS.available_permits(), 2);
        /// ```
        ///
        /// # Panics
        ///
        /// With more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        pub fn new(permits: usize) -> Self {
            Self { raw: RawSemaphore::new(permits) }
        }
    }

    /// How many permits nobody has. They may all be there for the first in line, who asks for more.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(3);
    /// let _permit = semaphore.acquire().unwrap();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    pub fn available_permits(&self) -> usize {
        self.raw.available()
    }

    /// Adds permits.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// use std::sync::Arc;
    ///
    /// let ready = Arc::new(sync::Semaphore::new(0));
    /// let waits = ready.clone();
    /// let waiting = sward::spawn(move || waits.acquire().unwrap().forget());
    /// ready.add_permits(1);
    /// waiting.join().unwrap();
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Panics
    ///
    /// When there would be more than [`MAX_PERMITS`](Self::MAX_PERMITS) that nobody has; then none
    /// is added. So does a permit that is dropped then.
    pub fn add_permits(&self, n: usize) {
        self.raw.add(n);
    }

    /// Takes up to `n` permits that nobody has away, and returns how many they were.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(3);
    /// let _permit = semaphore.acquire().unwrap();
    /// assert_eq!(semaphore.forget_permits(5), 2);
    /// assert_eq!(semaphore.available_permits(), 0);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn forget_permits(&self, n: usize) -> usize {
        self.raw.forget(n)
    }

    /// From now on nobody gets a permit: all that wait are told so. Those that have one keep it.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// use std::sync::Arc;
    ///
    /// let semaphore = Arc::new(sync::Semaphore::new(0));
    /// let waits = semaphore.clone();
    /// let waiting = sward::spawn(move || waits.acquire().is_err());
    /// semaphore.close();
    /// assert!(waiting.join().unwrap());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn close(&self) {
        self.raw.close();
    }

    /// Whether it is closed.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(1);
    /// assert!(!semaphore.is_closed());
    /// semaphore.close();
    /// assert!(semaphore.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.raw.is_closed()
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available_permits", &self.available_permits())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
