//! [`TaskGroup`]: green threads that borrow, whose results are wanted, and of which the first that
//! fails ends all.
//!
//! A group is a scope (`scope.rs`, whose [`Members`](crate::scope::Members) it has) that knows what
//! its children return (`group/state.rs`).
//!
//! 1. Its owner does not return, or unwind, before all children have left: as in a scope. A child's
//!    handle is dropped where it is started, and its result goes to the group before it leaves.
//! 2. A value that a child has returned is either taken by the owner, or dropped: by the child when it
//!    comes after the group has failed, and otherwise by the owner when all children have left.
//! 3. A group that has failed has cancelled all members, and those to come; who asks for a place later
//!    gets none. So what is left to do is to wait for them.
//! 4. A child ends without a result exactly when its seat (`group/children.rs`) is dropped: it unwinds,
//!    or never began. Then, and before anybody can see that it has ended, the group has failed, unless
//!    it had ended before.

mod children;
mod error;
#[cfg(sward_loom)]
mod model;
mod race;
mod state;

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use self::children::{Remains, discard};
use self::state::{End, Results};
use crate::cancel;
use crate::error::JoinError;
use crate::stack::InScope;

pub use self::children::Group;
pub use self::error::GroupError;
#[cfg(sward_loom)]
pub use self::model::{ModelChild, ModelGroup};
pub use self::race::{joined, race, race_in, unfailing, value_into};

/// Runs several green threads, its *children*, and returns when all of them have ended: with what they
/// have returned, or with the first error, upon which the others are cancelled.
///
/// ```
/// # use sward_sched as sward;
/// # fn fetch(url: &str) -> Result<String, std::io::Error> { Ok(url.to_uppercase()) }
/// use std::time::Duration;
///
/// let urls = ["a.example", "b.example", "c.example"];
/// let pages = sward::TaskGroup::new()
///     .limit(2)
///     .timeout(Duration::from_secs(5))
///     .collect(|group| {
///         for url in urls {
///             group.spawn(move || fetch(url));
///         }
///     })?;
/// assert_eq!(pages, ["A.EXAMPLE", "B.EXAMPLE", "C.EXAMPLE"]);
/// # Ok::<(), sward::GroupError<std::io::Error>>(())
/// ```
///
/// It is a [`scope`](crate::scope()), so children may borrow from outside; they are started by
/// [`Group::spawn`], and return a `Result`. [`collect`](Self::collect) gathers their values in the order
/// in which they were started; within [`run`](Self::run), [`Group::next`] gives each as it comes.
///
/// # How a group fails
///
/// Whichever of these comes first cancels all children, those to come, too, and is what is returned
/// when all have ended:
///
/// - a child returns an error;
/// - a child could not start, or its runtime was shut down;
/// - the [time](Self::timeout) is up.
///
/// So, too, when the closure panics, or its thread is told to unwind: then that goes on when all
/// have ended. The panic of a child goes on in the owner of the group, whatever else has happened. That
/// children do not finish because the group has ended is no failure of theirs, and errors that they
/// return after it are dropped.
///
/// The closure of a group that has failed is unwound by its next call of `spawn` or `next`, as it would
/// be by its own time-out; it is not by other waits: it should wait for children by these two alone,
/// or for what goes away together with them, such as the sender of a channel. What the closure itself
/// returns does not matter to the group: if it has seen an error of its own, it may
/// [cancel](Group::cancel).
///
/// A child is cancelled as by [`JoinHandle::cancel`](crate::JoinHandle::cancel), which says what
/// that does not end.
///
/// # Source
///
/// Trio's nurseries (N. J. Smith, "Notes on structured concurrency", 2018), Python's `TaskGroup`, and
/// `limit` from Go's errgroup.
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `run` or `collect`"]
pub struct TaskGroup {
    limit: usize,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
}

impl Default for TaskGroup {
    fn default() -> Self {
        Self { limit: usize::MAX, timeout: None, deadline: None }
    }
}

impl TaskGroup {
    /// A group of any number of children, which have any time.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let nothing = sward::TaskGroup::new().collect::<u32, (), _>(|_| ());
    /// assert_eq!(nothing.unwrap(), []);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// No more than so many children at a time: meanwhile [`spawn`](Group::spawn) waits. (A child
    /// that waits there does not count, nor one whose closure has returned and whose
    /// [locals](crate::local!) are still being dropped.)
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    ///
    /// let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    /// let group = sward::TaskGroup::new().limit(3);
    /// let done = group.run(|group| {
    ///     for _ in 0..20 {
    ///         group.spawn(|| {
    ///             most.fetch_max(now.fetch_add(1, Relaxed) + 1, Relaxed);
    ///             sward::yield_now();
    ///             now.fetch_sub(1, Relaxed);
    ///             Ok::<(), ()>(())
    ///         });
    ///     }
    /// });
    /// assert!(done.is_ok() && most.into_inner() <= 3);
    /// ```
    ///
    /// # Panics
    ///
    /// When it is 0.
    #[track_caller]
    pub fn limit(mut self, children: usize) -> Self {
        assert!(children > 0, "a group with a limit of 0 could start nothing");
        self.limit = children;
        self
    }

    /// How much time it has, from the call of `run` or `collect` on. One too long for the clock is
    /// for ever.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let group = sward::TaskGroup::new().timeout(Duration::from_millis(1));
    /// let late = group.run(|group| group.spawn(|| Ok::<(), ()>(sward::park())));
    /// assert!(late.unwrap_err().is_elapsed());
    /// ```
    ///
    /// It is a [`timeout`](crate::time::timeout) of the group's owner, with all that is said there:
    /// children, and what they run in groups and scopes of their own, are cancelled when the owner
    /// finds that the time is up, which it does as soon as it waits.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// When its time is up. As [`timeout`](Self::timeout); of both, the earlier.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::{Duration, Instant};
    ///
    /// let deadline = Instant::now() + Duration::from_secs(60);
    /// let group = sward::TaskGroup::new().deadline(deadline);
    /// assert!(group.run(|group| group.spawn(|| Ok::<(), ()>(()))).is_ok());
    /// ```
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Calls `f`, waits until all children have ended, and returns what `f` has returned. Results that
    /// `f` has not [taken](Group::next) are dropped.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let total = sward::TaskGroup::new().run(|group| {
    ///     (1..=3).for_each(|n| group.spawn(move || Ok::<_, ()>(n)));
    ///     let mut total = 0;
    ///     while let Some(n) = group.next() {
    ///         total += n;
    ///     }
    ///     total
    /// });
    /// assert_eq!(total.unwrap(), 6);
    /// ```
    ///
    /// # Blocking
    ///
    /// As `f`, and then until the last child has ended: parks the green thread, or blocks the OS
    /// thread.
    ///
    /// # Cancellation
    ///
    /// When the caller is cancelled, or a [`timeout`](crate::time::timeout) around it is over, so are
    /// all children, and it unwinds as soon as the last has ended.
    ///
    /// # Errors
    ///
    /// [`GroupError`]: why the group has failed, see [there](Self#how-a-group-fails). Or the program
    /// cannot unwind (`panic = "abort"`), and so could not cancel: then `f` is not called.
    ///
    /// # Panics
    ///
    /// With the panic of `f`, or else with the first of a child, when all children have ended. In a
    /// destructor, while its thread unwinds, that of a child is an error instead.
    pub fn run<'env, T, E, F, R>(self, f: F) -> Result<R, GroupError<E>>
    where
        T: 'env,
        E: 'env,
        F: for<'scope> FnOnce(&'scope Group<'scope, 'env, T, E>) -> R,
    {
        self.run_then(f, |value, results| {
            discard_all(results);
            value
        })
    }

    /// Calls `f`, waits until all children have ended, and returns their values, in the order in which
    /// [`spawn`](Group::spawn) was called for them.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let squares = sward::TaskGroup::new()
    ///     .collect(|group| (1..=3).for_each(|n| group.spawn(move || Ok::<_, ()>(n * n))));
    /// assert_eq!(squares.unwrap(), [1, 4, 9]);
    /// ```
    ///
    /// Those that `f` has [taken](Group::next) are not among them, and after a
    /// [`cancel`](Group::cancel) those are missing that had not finished.
    ///
    /// # Blocking
    ///
    /// As [`run`](Self::run).
    ///
    /// # Cancellation
    ///
    /// As [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn collect<'env, T, E, F>(self, f: F) -> Result<Vec<T>, GroupError<E>>
    where
        T: 'env,
        E: 'env,
        F: for<'scope> FnOnce(&'scope Group<'scope, 'env, T, E>),
    {
        self.run_then(f, |(), results| {
            let mut results = Vec::from(results);
            results.sort_by_key(|&(number, _)| number);
            results.into_iter().map(|(_, value)| value).collect()
        })
    }

    fn run_then<'env, T, E, F, R, S>(
        self,
        f: F,
        then: impl FnOnce(R, Results<T>) -> S,
    ) -> Result<S, GroupError<E>>
    where
        T: 'env,
        E: 'env,
        F: for<'scope> FnOnce(&'scope Group<'scope, 'env, T, E>) -> R,
    {
        if cfg!(not(panic = "unwind")) {
            return Err(GroupError::cannot_unwind());
        }
        let by_timeout = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let deadline = [by_timeout, self.deadline].into_iter().flatten().min();
        let mut first = Unheard(None);
        let result = cancel::until(deadline, || lead(self.limit, f, then, &mut first));
        // What came before the end of the time counts.
        result.unwrap_or_else(|_| Err(first.0.take().unwrap_or_else(GroupError::elapsed)))
    }
}

/// Why a group has failed, while its owner unwinds for another reason.
struct Unheard<E>(Option<GroupError<E>>);

impl<E> Drop for Unheard<E> {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}

/// A whole group. If the owner is to unwind, `first` becomes what had gone wrong before.
fn lead<'env, T: 'env, E: 'env, R, S>(
    limit: usize,
    f: impl for<'scope> FnOnce(&'scope Group<'scope, 'env, T, E>) -> R,
    then: impl FnOnce(R, Results<T>) -> S,
    first: &mut Unheard<E>,
) -> Result<S, GroupError<E>> {
    let group = Group::new(limit);
    let _in_scope = InScope::enter();
    let _stays = group.stays();
    let result = catch_unwind(AssertUnwindSafe(|| f(&group)));
    if result.is_err() {
        group.end(End::Left);
    }
    let is_told = group.wait_for_all();
    let Remains { results, end, lost } = group.remains();
    let result = match result {
        Err(payload) if !cancel::is_raised(payload.as_ref()) => {
            discard_all(results);
            discard((end, lost));
            resume_unwind(payload);
        }
        result => result,
    };
    let error = match (end, lost) {
        // A second panic would abort the process; the hook has told of the first.
        (end, Some(panic)) if panic.is_panic() && !std::thread::panicking() => {
            discard_all(results);
            discard((end, result.map_err(drop)));
            panic.resume();
        }
        (Some(End::Failed(error)), lost) => {
            discard(lost);
            Some(GroupError::failed(error))
        }
        (Some(End::Lost(why)), lost) => {
            let why = lost.or(why).expect("a child that has no result says why");
            Some(GroupError::lost(why))
        }
        (_, lost) => lost.filter(JoinError::is_panic).map(GroupError::lost),
    };
    match result {
        Ok(value) if error.is_none() && !is_told => return Ok(then(value, results)),
        Ok(value) => {
            discard_all(results);
            first.0 = error;
            drop(value);
            if is_told {
                cancel::raise();
            }
        }
        Err(payload) => {
            discard_all(results);
            let is_ended = error.is_some() && cancel::is_ended(payload.as_ref(), group.address());
            first.0 = error;
            if !is_ended {
                resume_unwind(payload);
            }
        }
    }
    Err(first.0.take().expect("it has failed"))
}

fn discard_all<T>(mut results: Results<T>) {
    if !mem::needs_drop::<T>() {
        return;
    }
    while let Some((_, value)) = results.pop_front() {
        discard(value);
    }
}
