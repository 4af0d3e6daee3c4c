//! Acquiring by a thread, which blocks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sward_sched::checkpoint;
use sward_sched::internal::{Waiter, raise_cancel};

use super::{AcquireError, AcquireTimeoutError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use crate::acquire::{Refusal, acquire};

impl Semaphore {
    /// Takes a permit; waits for one if there is none, or others wait.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(1);
    /// let permit = semaphore.acquire().unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does. It leaves the line, and those behind
    /// it are served.
    ///
    /// # Errors
    ///
    /// It is closed.
    #[inline]
    pub fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.acquire_many(1)
    }

    /// Takes `n` permits at once; waits until there are so many.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(5);
    /// let permit = semaphore.acquire_many(3).unwrap();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`acquire`](Self::acquire). It holds back all that come after it, and is
    /// held back by all that came before. One that asks for more than there are waits for
    /// [`add_permits`](Self::add_permits).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// It is closed.
    #[inline]
    pub fn acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.block(n)?;
        Ok(SemaphorePermit::new(self, n))
    }

    /// As [`acquire`](Self::acquire); the permit keeps the semaphore alive.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = std::sync::Arc::new(sync::Semaphore::new(1));
    /// let permit = semaphore.clone().acquire_owned().unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// It is closed.
    pub fn acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned(1)
    }

    /// As [`acquire_many`](Self::acquire_many); the permit keeps the semaphore alive.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = std::sync::Arc::new(sync::Semaphore::new(5));
    /// let permit = semaphore.clone().acquire_many_owned(3).unwrap();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`acquire_many`](Self::acquire_many).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// It is closed.
    pub fn acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.block(n)?;
        Ok(OwnedSemaphorePermit::new(self, n))
    }

    /// As [`acquire`](Self::acquire), for so long at most.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use std::time::Duration;
    ///
    /// let semaphore = sync::Semaphore::new(1);
    /// let permit = semaphore.acquire_timeout(Duration::from_millis(1)).unwrap();
    /// assert!(semaphore.acquire_timeout(Duration::from_millis(1)).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// It is closed, or the time is up.
    pub fn acquire_timeout(
        &self,
        timeout: Duration,
    ) -> Result<SemaphorePermit<'_>, AcquireTimeoutError> {
        self.acquire_many_timeout(1, timeout)
    }

    /// As [`acquire`](Self::acquire), until the deadline at most.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use std::time::Instant;
    ///
    /// let semaphore = sync::Semaphore::new(1);
    /// let permit = semaphore.acquire_deadline(Instant::now()).unwrap();
    /// assert!(semaphore.acquire_deadline(Instant::now()).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// It is closed, or the deadline has passed.
    pub fn acquire_deadline(
        &self,
        deadline: Instant,
    ) -> Result<SemaphorePermit<'_>, AcquireTimeoutError> {
        self.acquire_many_deadline(1, deadline)
    }

    /// As [`acquire_many`](Self::acquire_many), for so long at most. When the time is up those that
    /// it held back are served.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use std::time::Duration;
    ///
    /// let semaphore = sync::Semaphore::new(1);
    /// assert!(semaphore.acquire_many_timeout(2, Duration::from_millis(1)).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`acquire_many`](Self::acquire_many).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// It is closed, or the time is up.
    pub fn acquire_many_timeout(
        &self,
        n: u32,
        timeout: Duration,
    ) -> Result<SemaphorePermit<'_>, AcquireTimeoutError> {
        self.acquire_by(n, || Instant::now().checked_add(timeout))
    }

    /// As [`acquire_many_timeout`](Self::acquire_many_timeout), until the deadline at most.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use std::time::Instant;
    ///
    /// let semaphore = sync::Semaphore::new(2);
    /// let permit = semaphore.acquire_many_deadline(2, Instant::now()).unwrap();
    /// assert!(semaphore.acquire_many_deadline(2, Instant::now()).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`acquire_many`](Self::acquire_many).
    ///
    /// # Cancellation
    ///
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// It is closed, or the deadline has passed.
    pub fn acquire_many_deadline(
        &self,
        n: u32,
        deadline: Instant,
    ) -> Result<SemaphorePermit<'_>, AcquireTimeoutError> {
        self.acquire_by(n, || Some(deadline))
    }

    fn acquire_by(
        &self,
        permits: u32,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<SemaphorePermit<'_>, AcquireTimeoutError> {
        match self.block_until(permits, deadline) {
            Ok(()) => Ok(SemaphorePermit::new(self, permits)),
            Err(Refusal::TimedOut) => Err(AcquireTimeoutError::Timeout),
            Err(_) => Err(AcquireTimeoutError::Closed),
        }
    }

    #[inline]
    fn block(&self, permits: u32) -> Result<(), AcquireError> {
        self.block_until(permits, || None).map_err(|_| AcquireError(()))
    }

    #[inline]
    fn block_until(
        &self,
        permits: u32,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<(), Refusal> {
        checkpoint();
        let permits = permits as usize;
        if self.raw.try_acquire(permits).is_ok() {
            return Ok(());
        }
        match acquire(&self.raw, permits, deadline(), Waiter::new) {
            Err(Refusal::Cancelled) => raise_cancel(),
            ended => ended,
        }
    }
}
