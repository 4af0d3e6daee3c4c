//! Unwinding a green thread from its blocking call: [`JoinHandle::cancel`], the shutdown of
//! its runtime, and [`timeout`].
//!
//! The thread is resumed with [`Outcome::Cancelled`](crate::waiter::Outcome) and raises a
//! private payload itself, so its destructors run on its own stack. The payload of a cancel
//! passes through everything up to the task, which turns it into a [`JoinError`](crate::JoinError)
//! that `is_cancelled`; that of a deadline only up to the `timeout` that it belongs to.
//!
//! A deadline needs no timer of its own: whatever waits inside it waits no longer than that.
//! So it is never raised but by a blocking call of the thread itself, and when `timeout` returns
//! nothing of it is left.
//!
//! 1. Nothing is raised in a thread that is unwinding: that would abort the process.
//! 2. Scopes are on the stack of the thread that is in them, innermost first, and are left in the
//!    reverse order, also by unwinding.
//! 3. A scope's deadline is not later than that of the one around it, unless that is beyond
//!    an [`uncancellable`].
//!
//! [`JoinHandle::cancel`]: crate::JoinHandle::cancel

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::time::{Duration, Instant};

use crate::current;

/// What a cancelled thread unwinds with.
struct Cancel;

/// When a scope ends, and which it is: how many there are around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expiry {
    pub(crate) at: Instant,
    depth: u32,
}

/// A region of code with a deadline, or without cancellation.
#[derive(Debug)]
pub(crate) struct Scope {
    outer: *const Scope,
    depth: u32,
    shielded: bool,
    expiry: Option<Expiry>,
}

/// What holds for the thread that asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// It is not to be cancelled.
    pub(crate) shielded: bool,
    /// It is not to wait beyond this.
    pub(crate) expiry: Option<Expiry>,
}

impl Terms {
    /// Those of `scope`, the current thread's innermost.
    ///
    /// # Safety
    ///
    /// (2): the scope, if there is one, is the caller's own.
    #[inline]
    pub(crate) unsafe fn of(scope: *const Scope) -> Self {
        // SAFETY: the caller's promise.
        match unsafe { scope.as_ref() } {
            None => Self::default(),
            Some(scope) => Self { shielded: scope.shielded, expiry: scope.expiry },
        }
    }

    fn current() -> Self {
        // SAFETY: it is the current thread's own.
        unsafe { Self::of(current::scope()) }
    }
}

/// Leaves the scope, also by unwinding.
struct Entered {
    outer: *const Scope,
}

impl Drop for Entered {
    fn drop(&mut self) {
        current::set_scope(self.outer);
    }
}

/// Runs `f` in a scope inside the current one.
fn scoped<T>(change: impl FnOnce(&mut Scope), f: impl FnOnce() -> T) -> T {
    let outer = current::scope();
    // SAFETY: (2).
    let (terms, depth) = unsafe { (Terms::of(outer), outer.as_ref().map_or(0, |it| it.depth + 1)) };
    let mut scope = Scope { outer, depth, shielded: terms.shielded, expiry: terms.expiry };
    change(&mut scope);
    current::set_scope(&scope);
    let _entered = Entered { outer: scope.outer };
    f()
}

/// Runs `f`, and gives up when it still waits after `duration`.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::Duration;
/// use sward::time::{sleep, timeout};
///
/// let late = timeout(Duration::from_millis(1), || sleep(Duration::from_secs(60)));
/// assert!(late.unwrap_err().is_elapsed());
/// assert_eq!(timeout(Duration::from_secs(60), || 7).unwrap(), 7);
/// ```
///
/// When the time is up the blocking call in which `f` waits unwinds, up to here: destructors
/// run, and no panic is reported. So does each later one, if `f` catches that. What has to wait
/// for nothing goes on: a loop that computes is stopped only if it calls
/// [`checkpoint`](crate::checkpoint), and if `f` returns, what it returns is returned, however
/// late. Deadlines nest: the one that is up first counts, and unwinds as far as its own
/// `timeout`.
///
/// # Blocking
///
/// As `f`. Works in green threads and in OS threads.
///
/// # Cancellation
///
/// Passes it on.
///
/// # Errors
///
/// [`TimeoutError`]: the time was up first. Or the program cannot unwind (`panic = "abort"`):
/// then `f` is not called.
///
/// # Panics
///
/// With the panic of `f`.
pub fn timeout<F, T>(duration: Duration, f: F) -> Result<T, TimeoutError>
where
    F: FnOnce() -> T,
{
    if cfg!(not(panic = "unwind")) {
        return Err(TimeoutError { elapsed: false });
    }
    // A deadline too far away for the clock is none.
    let at = Instant::now().checked_add(duration);
    let mut own = None;
    let ended = scoped(
        |scope| {
            let expiry = at.map(|at| Expiry { at, depth: scope.depth });
            // (3). Of two that are up at the same time the outer one counts.
            if let Some(expiry) = expiry
                && scope.expiry.is_none_or(|outer| expiry.at < outer.at)
            {
                scope.expiry = Some(expiry);
                own = Some(expiry);
            }
        },
        || catch_unwind(AssertUnwindSafe(f)),
    );
    ended.or_else(|payload| {
        let is_own = own.is_some() && payload.downcast_ref::<Expiry>() == own.as_ref();
        if is_own { Err(TimeoutError { elapsed: true }) } else { resume_unwind(payload) }
    })
}

/// Runs `f`, and lets nothing outside of it end its waits: no
/// [`cancel`](crate::JoinHandle::cancel), no shutdown, no [`timeout`] around it. For what must not
/// be left half-way, and for callbacks that are called by code which cannot be unwound, such as C.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::Duration;
/// use sward::time::{sleep, timeout};
///
/// let both_written = timeout(Duration::from_millis(1), || {
///     sward::uncancellable(|| {
///         // write one file ..
///         sleep(Duration::from_millis(5));
///         // .. and the other
///         true
///     })
/// });
/// assert!(both_written.unwrap());
/// ```
///
/// What was asked for meanwhile is done by the next blocking call after it.
///
/// # Blocking
///
/// As `f`.
///
/// # Cancellation
///
/// None, but for a `timeout` inside `f`. A runtime that is shut down waits for `f`.
///
/// # Panics
///
/// With the panic of `f`.
pub fn uncancellable<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    scoped(|scope| (scope.shielded, scope.expiry) = (true, None), f)
}

/// Why [`timeout`] has no value to return.
///
/// ```
/// # use sward_sched as sward;
/// # use std::time::Duration;
/// let error = sward::time::timeout(Duration::ZERO, sward::park).unwrap_err();
/// assert!(error.is_elapsed());
/// assert_eq!(error.to_string(), "the time was up first");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutError {
    elapsed: bool,
}

impl TimeoutError {
    /// Whether the time was up first. If not, this program cannot unwind.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::time::Duration;
    /// let late = sward::time::timeout(Duration::from_millis(1), sward::park);
    /// assert!(late.is_err_and(|error| error.is_elapsed()));
    /// ```
    pub fn is_elapsed(&self) -> bool {
        self.elapsed
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.elapsed {
            true => "the time was up first",
            false => "a timeout needs a program that unwinds: build it without `panic = \"abort\"`",
        })
    }
}

impl std::error::Error for TimeoutError {}

/// Unwinds this thread. For blocking calls that were told to, after they have put things in
/// order.
#[cold]
pub fn raise() -> ! {
    // `resume_unwind`, because the panic hook has nothing to say about it.
    match Terms::current() {
        terms if !terms.shielded && is_cancelled() => resume_unwind(Box::new(Cancel)),
        Terms { expiry: Some(expiry), .. } => resume_unwind(Box::new(expiry)),
        _ => unreachable!("a wait was ended that nobody had cancelled"),
    }
}

/// Unwinds this thread if it was cancelled, or its time is up.
pub(crate) fn raise_if_due() {
    if std::thread::panicking() {
        return;
    }
    let terms = Terms::current();
    let is_late = terms.expiry.is_some_and(|expiry| expiry.at <= Instant::now());
    if is_late || !terms.shielded && is_cancelled() {
        raise();
    }
}

/// Whether the green thread that this is, if it is one, is to unwind.
fn is_cancelled() -> bool {
    // SAFETY: the current thread's header is alive; a worker in the thread-local is.
    unsafe {
        current::green_thread()
            .as_ref()
            .is_some_and(|thread| thread.is_cancel_asked() || (*current::worker()).is_cancelling())
    }
}

/// Whether a caught payload is that of a cancelled thread.
pub(crate) fn is_cancel(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Cancel>()
}

/// Panics when nothing unwinds in this program.
#[track_caller]
pub(crate) fn must_unwind() {
    if cfg!(not(panic = "unwind")) {
        panic!("a thread is cancelled by unwinding: build the program without `panic = \"abort\"`");
    }
}

/// No scope.
pub(crate) const NO_SCOPE: *const Scope = ptr::null();
