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
//! 3. While the scope ends none of its cores is freed but by itself, after the last is done: until then
//!    others may come to their ends by those that are closed.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};

use sward_sched::internal::{drop_quietly_with, report};

use crate::builder::Builder;
use crate::core::{Closed, Core, Head, Payload, Phase};
use crate::coroutine::Coroutine;
use crate::generator::Over;
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
/// unwound, or transferred; or it runs, since the scope is in one that it has transferred to, or resumed; or it has
/// begun and the program cannot unwind (`panic = "abort"`). What it has borrowed would outlive the loan.
pub fn scoped<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let registry = Registry::default();
    let scope = Scope { registry, scope: PhantomData, env: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let panic = scope.registry.close_all();
    // What is not wanted may panic when it is dropped, and a second panic would abort the process.
    match (result, panic) {
        (Ok(value), None) => value,
        (Ok(value), Some(payload)) => {
            drop_quietly_with(|| drop(value));
            resume_unwind(payload)
        }
        (Err(payload), second) => {
            drop_quietly_with(|| drop(second));
            resume_unwind(payload)
        }
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

    /// # Safety
    ///
    /// `core` is a new one; what its body and its values borrow outlives `'scope`.
    pub(crate) unsafe fn adopt<Input, Yield, Return>(
        &'scope self,
        core: NonNull<Core<Input, Yield, Return>>,
    ) -> ScopedCoroutine<'scope, Input, Yield, Return> {
        self.registry.enter(core.cast());
        // SAFETY: nobody else has it.
        let coroutine = unsafe { Coroutine::from_core(core) };
        ScopedCoroutine { coroutine, scope: PhantomData }
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
        ScopedGenerator { coroutine: self.coroutine(|y, ()| body(y)), over: Over::default() }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coroutines = self.registry.cores.borrow().len();
        f.debug_struct("Scope").field("coroutines", &coroutines).finish_non_exhaustive()
    }
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
    /// Invariant.
    scope: PhantomData<fn(&'scope ()) -> &'scope ()>,
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
pub struct ScopedGenerator<'scope, T> {
    coroutine: ScopedCoroutine<'scope, (), T, ()>,
    over: Over,
}

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
        &self.coroutine
    }
}

impl<T> Iterator for ScopedGenerator<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.over.next(&self.coroutine)
    }
}

impl<T> FusedIterator for ScopedGenerator<'_, T> {}

impl<T> fmt::Debug for ScopedGenerator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedGenerator").field(&self.coroutine).finish()
    }
}

/// The cores of a scope.
#[derive(Default)]
pub(crate) struct Registry {
    cores: RefCell<Vec<NonNull<Head>>>,
    /// The scope ends, and frees them itself (3).
    is_ending: Cell<bool>,
}

/// Where a core is in the registry of its scope, if it has one.
pub(crate) struct Registered {
    registry: Cell<*const Registry>,
    index: Cell<usize>,
}

impl Registered {
    pub(crate) fn new() -> Self {
        Self { registry: Cell::new(ptr::null()), index: Cell::new(0) }
    }

    /// Whether it is a scope's.
    pub(crate) fn is_somewhere(&self) -> bool {
        !self.registry.get().is_null()
    }

    /// Its core is to be freed. `false`: not now.
    #[inline]
    pub(crate) fn leave(&self) -> bool {
        // SAFETY: a scope is there as long as a core of it, and frees those that are left (1, 3).
        match unsafe { self.registry.get().as_ref() } {
            Some(registry) => registry.leave(self.index.get()),
            None => true,
        }
    }
}

/// How far a scope that ends has come.
#[derive(Default)]
struct Seen {
    /// There were so many,
    len: usize,
    /// of which these are done.
    done_from: usize,
}

impl Registry {
    fn enter(&self, core: NonNull<Head>) {
        let mut cores = self.cores.borrow_mut();
        // SAFETY: it is there.
        let registered = &unsafe { core.as_ref() }.registered;
        registered.registry.set(self);
        registered.index.set(cores.len());
        cores.push(core);
    }

    #[cold]
    fn leave(&self, index: usize) -> bool {
        if self.is_ending.get() {
            return false;
        }
        let mut cores = self.cores.borrow_mut();
        cores.swap_remove(index);
        if let Some(moved) = cores.get(index) {
            // SAFETY: it has not left.
            unsafe { moved.as_ref() }.registered.index.set(index);
        }
        true
    }

    /// The last that was made and is not done. (None leaves meanwhile, 3; what is done stays done.)
    fn last_alive(&self, seen: &mut Seen) -> Option<NonNull<Head>> {
        let cores = self.cores.borrow();
        if seen.len < cores.len() {
            *seen = Seen { len: cores.len(), done_from: cores.len() };
        }
        // SAFETY: they have not left.
        let is_alive = |core: &NonNull<Head>| unsafe { core.as_ref() }.phase.get() != Phase::Done;
        let index = cores[..seen.done_from].iter().rposition(is_alive)?;
        seen.done_from = index + 1;
        Some(cores[index])
    }

    /// Ends all of them, and frees them (1). Returns the first panic. Does not unwind.
    fn close_all(&self) -> Option<Payload> {
        self.is_ending.set(true);
        let mut panic = None;
        let mut seen = Seen::default();
        // Closing one may drop handles of others, and make new ones.
        while let Some(core) = self.last_alive(&mut seen) {
            // SAFETY: it is there, and stays (3).
            match unsafe { (core.as_ref().vtable.close)(core) } {
                Closed::Done => {}
                Closed::Panicked(payload) if panic.is_none() => panic = Some(payload),
                Closed::Panicked(payload) => drop_quietly_with(|| drop(payload)),
                Closed::Again | Closed::Not(_) => {
                    report(format_args!(
                        "sward: a coroutine of a scope did not end when it was closed, so what it \
                         has borrowed would be used after its time: it has suspended again, or \
                         transferred, or runs, or the program cannot unwind; aborting"
                    ));
                    std::process::abort();
                }
            }
        }
        self.is_ending.set(false);
        while let Some(core) = { self.cores.borrow().last().copied() } {
            // SAFETY: it is done, and what handles there were are gone, or leaked (2).
            unsafe { (core.as_ref().vtable.free)(core) };
        }
        panic
    }
}
