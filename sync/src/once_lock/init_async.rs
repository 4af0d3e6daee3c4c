//! A [`OnceLock`] in async code.

use std::convert::Infallible;

use super::OnceLock;

impl<T> OnceLock<T> {
    /// As [`get_or_init`](Self::get_or_init), in async code of any runtime.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::{Future, ready}, pin::pin, task::{Context, Poll, Waker}};
    /// let lock = sync::OnceLock::new();
    /// let mut context = Context::from_waker(Waker::noop());
    /// let abandoned = lock.get_or_init_async(async || std::future::pending().await);
    /// assert!(Box::pin(abandoned).as_mut().poll(&mut context).is_pending());
    /// let value = pin!(lock.get_or_init_async(async || ready(7).await)).poll(&mut context);
    /// assert_eq!(value, Poll::Ready(&7));
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time. If it was running `f`, there is no value, and one of
    /// those that wait runs its own. One that is forgotten while it runs `f` keeps all of them
    /// waiting for ever.
    ///
    /// # Panics
    ///
    /// With the panic of `f`. An `f` that awaits this very lock waits for ever.
    pub async fn get_or_init_async<F>(&self, f: F) -> &T
    where
        F: AsyncFnOnce() -> T,
    {
        let Ok(value) = self.get_or_try_init_async(async || Ok::<T, Infallible>(f().await)).await;
        value
    }

    /// As [`get_or_try_init`](Self::get_or_try_init), in async code of any runtime.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let lock = sync::OnceLock::<u16>::new();
    /// let mut context = Context::from_waker(Waker::noop());
    /// let mut failing = pin!(lock.get_or_try_init_async(async || "a lot".parse()));
    /// assert!(matches!(failing.as_mut().poll(&mut context), Poll::Ready(Err(_))));
    /// let parsed = pin!(lock.get_or_try_init_async(async || "7".parse())).poll(&mut context);
    /// assert_eq!(parsed, Poll::Ready(Ok(&7)));
    /// ```
    ///
    /// # Cancellation
    ///
    /// As [`get_or_init_async`](Self::get_or_init_async).
    ///
    /// # Errors
    ///
    /// Those of `f`.
    ///
    /// # Panics
    ///
    /// As [`get_or_init_async`](Self::get_or_init_async).
    pub async fn get_or_try_init_async<F, E>(&self, f: F) -> Result<&T, E>
    where
        F: AsyncFnOnce() -> Result<T, E>,
    {
        if let Some(call) = self.once.begin_async().await {
            let value = f().await?;
            // SAFETY: the call is under way.
            unsafe { self.put(value) };
            call.complete();
        }
        // SAFETY: it is done.
        Ok(unsafe { self.get_done() })
    }

    /// As [`wait`](Self::wait), in async code of any runtime.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let lock = sync::OnceLock::new();
    /// let mut context = Context::from_waker(Waker::noop());
    /// let mut waiting = pin!(lock.wait_async());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending());
    /// lock.set(7).unwrap();
    /// assert_eq!(waiting.poll(&mut context), Poll::Ready(&7));
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time.
    pub async fn wait_async(&self) -> &T {
        self.once.wait_async().await;
        // SAFETY: it is done.
        unsafe { self.get_done() }
    }
}
