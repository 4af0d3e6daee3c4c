//! [`scoped`]: coroutines that borrow from whoever has them end before it goes on.
//!
//! A scope knows all cores that were made in it and have not been freed: by a [`Registry`], in which each
//! knows its own place. At its end it closes those that have not finished, and frees what then has no
//! handle that could.
//!
//! 1. `scoped` does not return, or unwind, before each coroutine that was made there is done. One that
//!    refuses ends the process.
//! 2. Handles have the scope's lifetime. So at its end one is on the stack of a coroutine of
//!    the scope, to be dropped when that is closed, or was leaked.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};

use sward_sched::internal::report;

use crate::builder::Builder;
use crate::core::{Closed, Head, Payload, Phase};
use crate::coroutine::Coroutine;
use crate::generator::next;
use crate::yielder::Yielder;

/// Runs `f`, which may make coroutines that borrow what is outside of it, and closes those that have not
/// finished.
///
/// ```
/// # use sward_coroutine as coroutine;
/// let words = vec!["green".to_owned(), "threads".to_owned()];
/// let mut letters = 0;
/// let longest = coroutine::scoped(|c| {
///     let lengths = c.generator(|y| {
///         for word in &words {
///             letters += word.len();
///             y.suspend(word.len());
///         }
///     });
///     lengths.max()
/// });
/// assert_eq!((longest, letters), (Some(7), 12));
/// ```
///
/// They cannot leave it:
///
/// ```compile_fail
/// # use sward_coroutine as coroutine;
/// let text = String::from("lent");
/// let outside = coroutine::scoped(|c| c.generator(|y| y.suspend(text.len())));
/// ```
///
/// nor can what they borrow be from inside:
///
/// ```compile_fail
/// # use sward_coroutine as coroutine;
/// coroutine::scoped(|c| {
///     let text = String::from("not outside");
///     c.generator(|y| y.suspend(text.len())).next();
/// });
/// ```
///
/// # Blocking
///
/// As `f`, and as destructors of what is closed.
///
/// # Cancellation
///
/// As `f`.
///
/// # Panics
///
/// With the panic of `f`, or else of a coroutine that was closed; all others have been closed, too.
///
/// # Aborts
///
/// When a coroutine does not end: it has suspended again while it was closed, or in a destructor while it
/// unwound, or has begun and the program cannot unwind (`panic = "abort"`). What it has
/// borrowed would outlive the loan.
pub fn scoped<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let registry = Registry::default();
    let scope = Scope { registry, scope: PhantomData, env: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let panic = scope.registry.close_all();
    match (result, panic) {
        (Ok(value), None) => value,
        (Ok(_), Some(payload)) | (Err(payload), _) => resume_unwind(payload),
    }
}

/// Where coroutines are made that may borrow what outlives `'env`: what [`scoped`] gives to its closure.
pub struct Scope<'scope, 'env: 'scope> {
    registry: Registry,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// As [`Coroutine::new`], of a body that may borrow from outside of the scope.
    ///
    /// ```
    /// # use sward_coroutine as coroutine;
    /// let mut log = Vec::new();
    /// coroutine::scoped(|c| {
    ///     let writes = c.coroutine(|y, mut line: &str| {
    ///         loop {
    ///             log.push(line);
    ///             line = y.suspend(());
    ///         }
    ///     });
    ///     # let _: &coroutine::Coroutine<_, _, ()> = &writes;
    ///     writes.resume("one").unwrap();
    ///     writes.resume("two").unwrap();
    /// });
    /// assert_eq!(log, ["one", "two"]);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`Coroutine::new`].
    #[track_caller]
    pub fn coroutine<Input, Yield, Return, F>(
        &'scope self,
        body: F,
    ) -> ScopedCoroutine<'scope, Input, Yield, Return>
    where
        F: FnOnce(&Yielder<Input, Yield, Return>, Input) -> Return + 'scope,
        Input: 'scope,
        Yield: 'scope,
        Return: 'scope,
    {
        match Builder::new().build_scoped(self, body) {
            Ok(coroutine) => coroutine,
            Err(error) => panic!("no stack for a coroutine: {error}"),
        }
    }

    /// As [`generator`](fn@crate::generator), of a body that may borrow from outside of the scope.
    ///
    /// ```
    /// # use sward_coroutine as coroutine;
    /// let text = "two words".to_owned();
    /// let words = |text: &str| coroutine::scoped(|c| {
    ///     c.generator(|y| text.split(' ').for_each(|word| y.suspend(word.len()))).sum::<usize>()
    /// });
    /// assert_eq!(words(&text), 8);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`Coroutine::new`].
    #[track_caller]
    pub fn generator<T, F>(&'scope self, body: F) -> ScopedGenerator<'scope, T>
    where
        T: 'scope,
        F: FnOnce(&Yielder<(), T>) + 'scope,
    {
        ScopedGenerator(self.coroutine(|y, ()| body(y)))
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coroutines = self.registry.0.borrow().len();
        f.debug_struct("Scope").field("coroutines", &coroutines).finish_non_exhaustive()
    }
}

/// Makes one that is known to `scope`: [`Builder::build_scoped`].
pub(crate) fn build<'scope, Input, Yield, Return, F>(
    builder: &Builder,
    scope: &'scope Scope<'scope, '_>,
    body: F,
) -> io::Result<ScopedCoroutine<'scope, Input, Yield, Return>>
where
    F: FnOnce(&Yielder<Input, Yield, Return>, Input) -> Return + 'scope,
    Input: 'scope,
    Yield: 'scope,
    Return: 'scope,
{
    // SAFETY: what they borrow outlives `'scope`, in which (1).
    let core = unsafe { builder.make(body) }?;
    scope.registry.enter(core.cast());
    // SAFETY: nobody else has it.
    let coroutine = unsafe { Coroutine::from_core(core) };
    Ok(ScopedCoroutine { coroutine, scope: PhantomData })
}

/// A coroutine of a [scope](scoped): a [`Coroutine`] in all that can be done with one.
///
/// ```
/// # use sward_coroutine as coroutine;
/// let name = String::from("Ada");
/// coroutine::scoped(|c| {
///     let greets = c.coroutine(|y, ()| y.suspend(format!("hello {name}")));
///     assert_eq!(greets.resume(()).unwrap().yielded().unwrap(), "hello Ada");
/// });
/// ```
pub struct ScopedCoroutine<'scope, Input, Yield, Return> {
    coroutine: Coroutine<Input, Yield, Return>,
    scope: PhantomData<&'scope mut &'scope ()>,
}

impl<Input, Yield, Return> Deref for ScopedCoroutine<'_, Input, Yield, Return> {
    type Target = Coroutine<Input, Yield, Return>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.coroutine
    }
}

impl<Input, Yield, Return> fmt::Debug for ScopedCoroutine<'_, Input, Yield, Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.coroutine.fmt(f)
    }
}

/// An iterator over what a coroutine of a [scope](scoped) suspends with.
///
/// ```
/// # use sward_coroutine as coroutine;
/// let numbers = [1, 2, 3];
/// let doubled = coroutine::scoped(|c| {
///     c.generator(|y| numbers.iter().for_each(|n| y.suspend(n * 2))).collect::<Vec<_>>()
/// });
/// assert_eq!(doubled, [2, 4, 6]);
/// ```
pub struct ScopedGenerator<'scope, T>(ScopedCoroutine<'scope, (), T, ()>);

impl<T> ScopedGenerator<'_, T> {
    /// As [`Generator::coroutine`](crate::Generator::coroutine).
    ///
    /// ```
    /// # use sward_coroutine::{self as coroutine, Status};
    /// let seven = 7;
    /// coroutine::scoped(|c| {
    ///     let mut once = c.generator(|y| y.suspend(&seven));
    ///     assert_eq!(once.next(), Some(&7));
    ///     assert_eq!(once.coroutine().status(), Status::Suspended);
    /// });
    /// ```
    pub fn coroutine(&self) -> &Coroutine<(), T, ()> {
        &self.0
    }
}

impl<T> Iterator for ScopedGenerator<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        next(&self.0)
    }
}

impl<T> FusedIterator for ScopedGenerator<'_, T> {}

impl<T> fmt::Debug for ScopedGenerator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedGenerator").field(&self.0.coroutine).finish()
    }
}

/// The cores of a scope.
#[derive(Default)]
pub(crate) struct Registry(RefCell<Vec<NonNull<Head>>>);

/// Where a core is in the registry of its scope, if it has one.
pub(crate) struct Registered {
    registry: Cell<*const Registry>,
    index: Cell<usize>,
}

impl Registered {
    pub(crate) fn new() -> Self {
        Self { registry: Cell::new(ptr::null()), index: Cell::new(0) }
    }

    /// Its core is freed.
    #[inline]
    pub(crate) fn leave(&self) {
        // SAFETY: a scope is there as long as a core of it.
        if let Some(registry) = unsafe { self.registry.get().as_ref() } {
            registry.leave(self.index.get());
        }
    }
}

impl Registry {
    fn enter(&self, core: NonNull<Head>) {
        let mut cores = self.0.borrow_mut();
        // SAFETY: it is there.
        let registered = &unsafe { core.as_ref() }.registered;
        registered.registry.set(self);
        registered.index.set(cores.len());
        cores.push(core);
    }

    #[cold]
    fn leave(&self, index: usize) {
        let mut cores = self.0.borrow_mut();
        cores.swap_remove(index);
        if let Some(moved) = cores.get(index) {
            // SAFETY: it has not left.
            unsafe { moved.as_ref() }.registered.index.set(index);
        }
    }

    /// The last that was made and is not done.
    fn last_alive(&self) -> Option<NonNull<Head>> {
        let cores = self.0.borrow();
        // SAFETY: they have not left.
        let is_alive = |core: &&NonNull<Head>| unsafe { core.as_ref() }.phase.get() != Phase::Done;
        cores.iter().rev().find(is_alive).copied()
    }

    /// Ends all of them, and frees them (1). Returns the first panic.
    fn close_all(&self) -> Option<Payload> {
        let mut panic = None;
        // Closing one may drop handles of others, and make new ones.
        while let Some(core) = self.last_alive() {
            // SAFETY: it is there.
            match unsafe { (core.as_ref().vtable.close)(core) } {
                Closed::Done => {}
                Closed::Panicked(payload) => {
                    let _ = panic.get_or_insert(payload);
                }
                Closed::Again | Closed::Not(_) => {
                    report(format_args!(
                        "sward: a coroutine of a scope did not end when it was closed, so what it \
                         has borrowed would be used after its time: it has suspended again, or the \
                         program cannot unwind; aborting"
                    ));
                    std::process::abort();
                }
            }
        }
        // Taken before: those are leaked handles, and do not leave by themselves (2).
        while let Some(core) = { self.0.borrow().last().copied() } {
            // SAFETY: it is done.
            unsafe { (core.as_ref().vtable.free)(core) };
        }
        panic
    }
}
