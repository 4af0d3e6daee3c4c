//! Acquiring by a task, which is polled.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use super::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use crate::acquire::Acquiring;

impl Semaphore {
    /// Takes a permit; pends while there is none, or others wait.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let semaphore = sync::Semaphore::new(1);
    /// let mut context = Context::from_waker(Waker::noop());
    /// let held = semaphore.acquire().unwrap();
    /// let mut acquiring = pin!(semaphore.acquire_async());
    /// assert!(acquiring.as_mut().poll(&mut context).is_pending());
    /// drop(held);
    /// let Poll::Ready(Ok(permit)) = acquiring.poll(&mut context) else { panic!("it is back") };
    /// ```
    ///
    /// # Cancellation
    ///
    /// It stands in line from the first poll on. The future may be dropped at any time: it leaves
    /// the line, or gives back what it was handed. One that is forgotten after it was polled may
    /// keep permits for ever.
    ///
    /// # Errors
    ///
    /// It is closed.
    pub async fn acquire_async(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.acquire_many_async(1).await
    }

    /// Takes `n` permits at once; pends until there are so many. It holds back all that come after
    /// it, and is held back by all that came before.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let semaphore = sync::Semaphore::new(3);
    /// let mut context = Context::from_waker(Waker::noop());
    /// let acquiring = pin!(semaphore.acquire_many_async(2));
    /// let Poll::Ready(Ok(permit)) = acquiring.poll(&mut context) else { panic!("there are 3") };
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    ///
    /// # Cancellation
    ///
    /// As [`acquire_async`](Self::acquire_async).
    ///
    /// # Errors
    ///
    /// It is closed.
    pub async fn acquire_many_async(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.pend(n).await?;
        Ok(SemaphorePermit::new(self, n))
    }

    /// As [`acquire_async`](Self::acquire_async); the permit keeps the semaphore alive.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, sync::Arc, task::{Context, Waker}};
    /// let semaphore = Arc::new(sync::Semaphore::new(1));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(semaphore.acquire_owned_async()).poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// As [`acquire_async`](Self::acquire_async).
    ///
    /// # Errors
    ///
    /// It is closed.
    pub async fn acquire_owned_async(
        self: Arc<Self>,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned_async(1).await
    }

    /// As [`acquire_many_async`](Self::acquire_many_async); the permit keeps the semaphore alive.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, sync::Arc, task::{Context, Waker}};
    /// let semaphore = Arc::new(sync::Semaphore::new(3));
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(semaphore.acquire_many_owned_async(2)).poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// As [`acquire_async`](Self::acquire_async).
    ///
    /// # Errors
    ///
    /// It is closed.
    pub async fn acquire_many_owned_async(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.pend(n).await?;
        Ok(OwnedSemaphorePermit::new(self, n))
    }

    async fn pend(&self, permits: u32) -> Result<(), AcquireError> {
        let mut turn = pin!(Acquiring::new(&self.raw, permits as usize));
        poll_fn(|context| turn.as_mut().poll(context)).await.map_err(|_| AcquireError(()))
    }
}
