//! Unwinding a green thread from its blocking call: [`JoinHandle::cancel`], the shutdown of
//! its runtime, [`timeout`], and the end of a group that it runs.
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
//! 2. What a thread is under is a value of its own ([`Terms`]), which each of these calls changes and
//!    puts back as it was. None points to another: code with stacks of its own that leaves
//!    them in the wrong order may get a wrong deadline, and nothing worse.
//! 3. A deadline is not later than that of the `timeout` around it, unless that is beyond
//!    an [`uncancellable`].
//!
//! [`JoinHandle::cancel`]: crate::JoinHandle::cancel

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use crate::current;
use crate::own::Own;
use crate::stack::InScope;

/// What a cancelled thread unwinds with.
struct Cancel;

/// What a thread is under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// It is not to wait beyond this.
    pub(crate) deadline: Option<Instant>,
    /// Which `timeout` of the thread's the deadline is of.
    serial: u32,
    /// It is not to be cancelled.
    pub(crate) shielded: bool,
}

impl Terms {
    pub(crate) const NONE: Self = Self { deadline: None, serial: 0, shielded: false };
}

/// Which `timeout` a thread unwinds from.
#[derive(Debug, PartialEq, Eq)]
struct Expiry {
    thread: u64,
    serial: u32,
    deadline: Option<Instant>,
}

impl Expiry {
    /// That of the deadline which the current thread is under.
    fn of(terms: Terms) -> Self {
        // SAFETY: the current thread's header is alive.
        let thread = unsafe { current::green_thread().as_ref() };
        let thread = thread.map_or(0, |thread| thread.id.get());
        Self { thread, serial: terms.serial, deadline: terms.deadline }
    }
}

/// What the owner of a group that has failed unwinds with, up to where it runs the group: its place.
struct Ended(usize);

/// Runs `f` under other terms.
fn under<T>(terms: Terms, f: impl FnOnce() -> T) -> T {
    /// Also by unwinding.
    struct Restore(Terms);
    impl Drop for Restore {
        fn drop(&mut self) {
            current::with_own(|own| own.terms.set(self.0));
        }
    }
    let _in_scope = InScope::enter();
    let _restore = Restore(current::with_own(|own| own.terms.replace(terms)));
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
/// run, and no panic is reported. So does each later one, if `f` catches that. Deadlines nest:
/// the one that is up first counts, and unwinds as far as its own `timeout`.
///
/// A call that need not wait goes on as a rule, and if `f` returns, what it returns is returned,
/// however late. In a green thread, channels and [`checkpoint`](crate::checkpoint) look at the
/// time nevertheless, now and then, so that loops end.
///
/// It does not end: a wait for a lock, or for [`run`](crate::run); a loop that computes without
/// a `checkpoint`, or only yields, tries, or sends to an unbounded channel; what blocks the OS thread;
/// destructors that wait while the thread unwinds (in which a `timeout` has no effect, either);
/// threads that `f` has spawned, but for those of a [`scope`](crate::scope()). In an OS thread `checkpoint` and [`unblock`](crate::unblock) do not look at it.
///
/// # Blocking
///
/// As `f`. In green threads and in OS threads.
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
    // One too far away for the clock is none.
    until(Instant::now().checked_add(duration), f)
}

/// As [`timeout`], in a program that unwinds. `None`: never.
pub(crate) fn until<F, T>(deadline: Option<Instant>, f: F) -> Result<T, TimeoutError>
where
    F: FnOnce() -> T,
{
    let outer = current::terms();
    // (3). Of two at the same time the outer counts.
    let deadline = deadline.filter(|own| outer.deadline.is_none_or(|outer| *own < outer));
    if deadline.is_none() {
        return Ok(under(outer, f));
    }
    let terms = Terms { deadline, serial: current::with_own(Own::next_serial), ..outer };
    under(terms, || catch_unwind(AssertUnwindSafe(f))).or_else(|payload| {
        match payload.downcast_ref::<Expiry>() {
            Some(expiry) if *expiry == Expiry::of(terms) => Err(TimeoutError { elapsed: true }),
            _ => resume_unwind(payload),
        }
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
/// None, but for a `timeout` inside `f`. A runtime that is shut down waits for `f`, up to its own
/// deadline.
///
/// # Panics
///
/// With the panic of `f`.
pub fn uncancellable<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    under(Terms { shielded: true, ..Terms::NONE }, f)
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
    let terms = current::terms();
    if terms.deadline.is_none() || !terms.shielded && is_cancelled() {
        resume_unwind(Box::new(Cancel));
    }
    resume_unwind(Box::new(Expiry::of(terms)))
}

/// Unwinds this thread, which runs the group at `place`, up to there.
#[cold]
pub(crate) fn raise_ended(place: usize) -> ! {
    resume_unwind(Box::new(Ended(place)))
}

/// Whether a caught payload is that of [`raise_ended`].
pub(crate) fn is_ended(payload: &(dyn Any + Send), place: usize) -> bool {
    payload.downcast_ref::<Ended>().is_some_and(|ended| ended.0 == place)
}

/// Whether something may be raised in this thread that comes from outside of what it is doing.
pub(crate) fn may_raise() -> bool {
    !std::thread::panicking() && !current::terms().shielded
}

/// Unwinds this thread if it was cancelled, or its time is up.
pub(crate) fn raise_if_due() {
    if std::thread::panicking() {
        return;
    }
    let terms = current::terms();
    let is_late = terms.deadline.is_some_and(|deadline| deadline <= Instant::now());
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

/// Whether a caught payload is one that [`raise`] or [`raise_ended`] has raised: nothing went wrong
/// where it comes from.
pub(crate) fn is_raised(payload: &(dyn Any + Send)) -> bool {
    is_cancel(payload) || payload.is::<Expiry>() || payload.is::<Ended>()
}

/// Panics when nothing unwinds in this program.
#[track_caller]
pub(crate) fn must_unwind() {
    if cfg!(not(panic = "unwind")) {
        panic!("a thread is cancelled by unwinding: build the program without `panic = \"abort\"`");
    }
}
