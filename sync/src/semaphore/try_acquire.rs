//! Acquiring without waiting.

use std::sync::Arc;

use super::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError};

impl Semaphore {
    /// Takes a permit if there is one and nobody waits.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(semaphore.try_acquire().unwrap_err(), sync::TryAcquireError::NoPermits);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// There is none, or others wait in line; or it is closed.
    #[inline]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if there are so many and nobody waits.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(3);
    /// let permit = semaphore.try_acquire_many(2).unwrap();
    /// assert!(semaphore.try_acquire_many(2).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// There are too few, or others wait in line; or it is closed.
    #[inline]
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.raw.try_acquire(n as usize)?;
        Ok(SemaphorePermit::new(self, n))
    }

    /// As [`try_acquire`](Self::try_acquire); the permit keeps the semaphore alive.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = std::sync::Arc::new(sync::Semaphore::new(1));
    /// let permit = semaphore.clone().try_acquire_owned().unwrap();
    /// assert!(semaphore.try_acquire_owned().is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// As [`try_acquire_many`](Self::try_acquire_many); the permit keeps the semaphore alive.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = std::sync::Arc::new(sync::Semaphore::new(3));
    /// let permit = semaphore.clone().try_acquire_many_owned(2).unwrap();
    /// assert!(semaphore.try_acquire_many_owned(2).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// As [`try_acquire_many`](Self::try_acquire_many).
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.raw.try_acquire(n as usize)?;
        Ok(OwnedSemaphorePermit::new(self, n))
    }
}
