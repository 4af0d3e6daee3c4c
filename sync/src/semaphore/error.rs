//! Why there was no permit.

use std::error::Error;
use std::fmt;

/// The semaphore is closed.
///
/// ```
/// # use sward_sync as sync;
/// let semaphore = sync::Semaphore::new(1);
/// semaphore.close();
/// assert_eq!(semaphore.acquire().unwrap_err().to_string(), "semaphore closed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquireError(pub(super) ());

/// Why [`try_acquire`](super::Semaphore::try_acquire) got no permit.
///
/// ```
/// # use sward_sync as sync;
/// use sync::TryAcquireError;
///
/// let semaphore = sync::Semaphore::new(0);
/// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
/// semaphore.close();
/// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// It is closed.
    Closed,
    /// There are too few, or others wait for them.
    NoPermits,
}

/// Why [`acquire_timeout`](super::Semaphore::acquire_timeout) got no permit.
///
/// ```
/// # use sward_sync as sync;
/// use std::time::Duration;
///
/// let semaphore = sync::Semaphore::new(0);
/// let error = semaphore.acquire_timeout(Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error, sync::AcquireTimeoutError::Timeout);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcquireTimeoutError {
    /// The time is up.
    Timeout,
    /// It is closed.
    Closed,
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("semaphore closed")
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "semaphore closed",
            Self::NoPermits => "no permits available",
        })
    }
}

impl fmt::Display for AcquireTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "timed out waiting for a semaphore",
            Self::Closed => "semaphore closed",
        })
    }
}

impl Error for AcquireError {}
impl Error for TryAcquireError {}
impl Error for AcquireTimeoutError {}
