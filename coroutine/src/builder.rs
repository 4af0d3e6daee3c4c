//! [`Builder`]: what there is to say of a coroutine before it is made.

use std::io;
use std::ptr::NonNull;

use crate::core::Core;
use crate::coroutine::Coroutine;
use crate::scope::{Scope, ScopedCoroutine};
use crate::yielder::Yielder;

/// Makes coroutines with other stacks than the usual, and returns an error where
/// [`Coroutine::new`] panics.
///
/// ```
/// # use sward_coroutine::Builder;
/// fn depth(n: u32) -> u32 {
///     if n == 0 { 0 } else { std::hint::black_box(depth(n - 1)) + 1 }
/// }
///
/// let deep = Builder::new().stack_size(64 << 20).build(|y, n| y.suspend(depth(n)))?;
/// assert_eq!(deep.resume(10_000).unwrap().yielded(), Some(10_000));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it makes a coroutine by `build`"]
pub struct Builder {
    stack_size: Option<usize>,
}

impl Builder {
    /// One that makes what [`Coroutine::new`] does.
    ///
    /// ```
    /// # use sward_coroutine::Builder;
    /// let echo = Builder::new().build(|y, first: u32| y.suspend(first))?;
    /// assert_eq!(echo.resume(1).unwrap().yielded(), Some(1));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn new() -> Self {
        Self { stack_size: None }
    }

    /// At least so many bytes of stack ([`MIN_STACK_SIZE`](sward_sched::MIN_STACK_SIZE), if that is
    /// more). What is not used takes address space only. Each OS thread keeps some stacks for its next
    /// coroutines: 32 of [`DEFAULT_STACK_SIZE`](sward_sched::DEFAULT_STACK_SIZE), which is what they have when
    /// nothing is said, and 8 of other sizes, up to 4 MiB with the guard.
    ///
    /// See the example [above](Self).
    pub const fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// A coroutine that is to run `body`.
    ///
    /// ```
    /// # use sward_coroutine::{Builder, Yielder};
    /// let impossible = Builder::new().stack_size(usize::MAX).build(|_: &Yielder<_, ()>, ()| ());
    /// assert!(impossible.unwrap_err().to_string().contains("stack_size"));
    /// ```
    ///
    /// # Errors
    ///
    /// No stack can be had: of the kind that the system says, with the limit that was met and the way
    /// out.
    #[inline]
    pub fn build<Input, Yield, Return, F>(
        &self,
        body: F,
    ) -> io::Result<Coroutine<Input, Yield, Return>>
    where
        F: FnOnce(&Yielder<Input, Yield, Return>, Input) -> Return + 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        // SAFETY: `'static`, all of them; and nobody else has the core.
        unsafe { Ok(Coroutine::from_core(self.make(body)?)) }
    }

    /// As [`build`](Self::build), of a body that may borrow from outside of the scope.
    ///
    /// ```
    /// # use sward_coroutine::{self as coroutine, Builder};
    /// let text = String::from("lent");
    /// let builder = Builder::new().stack_size(1 << 20);
    /// coroutine::scoped(|c| {
    ///     let length = builder.build_scoped(c, |y, ()| y.suspend(text.len()))?;
    ///     assert_eq!(length.resume(()).unwrap().yielded(), Some(4));
    ///     Ok::<(), std::io::Error>(())
    /// })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_scoped<'scope, Input, Yield, Return, F>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        body: F,
    ) -> io::Result<ScopedCoroutine<'scope, Input, Yield, Return>>
    where
        F: FnOnce(&Yielder<Input, Yield, Return>, Input) -> Return + 'scope,
        Input: 'scope,
        Yield: 'scope,
        Return: 'scope,
    {
        // SAFETY: what they borrow outlives `'scope`, at whose end the scope has it done (scope.rs, 1).
        unsafe { Ok(scope.adopt(self.make(body)?)) }
    }

    /// # Safety
    ///
    /// As `Core::new`.
    #[inline]
    pub(crate) unsafe fn make<Input, Yield, Return, F>(
        &self,
        body: F,
    ) -> io::Result<NonNull<Core<Input, Yield, Return>>>
    where
        F: FnOnce(&Yielder<Input, Yield, Return>, Input) -> Return,
    {
        // SAFETY: the caller's promise.
        unsafe { Core::new(self.stack_size, body) }
            .map_err(|none| io::Error::new(none.os_error().kind(), none.to_string()))
    }
}
