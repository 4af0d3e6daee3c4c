//! [`race`], and what `join!`, `try_join!` and `race!` (`macros.rs`) are made of.

use std::convert::Infallible;

use super::{Group, GroupError, TaskGroup};
use crate::cancel;

/// Runs all closures, each as a green thread, and returns the value of the one that finishes first.
/// The others are cancelled, and have ended when it returns.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::Duration;
///
/// let mirrors = [("slow.example", 60_000), ("fast.example", 1)];
/// let fastest = sward::race(mirrors.map(|(name, delay)| {
///     move || {
///         sward::time::sleep(Duration::from_millis(delay));
///         name
///     }
/// }));
/// assert_eq!(fastest, "fast.example");
/// ```
///
/// A closure that finishes while another has won has its value dropped. So race what may be lost: to
/// wait for several channels there is `select!`, which takes a value from one of them only.
///
/// Closures of different kinds: [`race!`](crate::race!).
///
/// # Blocking
///
/// Parks the green thread, or blocks the OS thread, until all have ended: what does not end
/// when it is [cancelled](crate::JoinHandle::cancel) is waited for.
///
/// # Cancellation
///
/// All of them are cancelled; the caller unwinds as soon as the last has ended.
///
/// # Panics
///
/// When there are none. With the panic of one of them, whether it comes before the first value or
/// after it: the others are cancelled. When, before there is a value, one of them could not start, or
/// their runtime was shut down. In a program built with `panic = "abort"`, in which nothing can be cancelled.
#[track_caller]
pub fn race<'env, I, F, T>(closures: I) -> T
where
    I: IntoIterator<Item = F>,
    F: FnOnce() -> T + Send + 'env,
    T: Send + 'env,
{
    race_in(|group| closures.into_iter().for_each(|f| group.spawn(unfailing(f))))
}

/// The first of the values of those that `spawn_all` starts.
#[track_caller]
pub fn race_in<'env, F, T>(spawn_all: F) -> T
where
    T: Send + 'env,
    F: for<'scope> FnOnce(&'scope Group<'scope, 'env, T, Infallible>),
{
    let first = TaskGroup::new().run(|group| {
        spawn_all(group);
        let first = group.next();
        group.cancel();
        first
    });
    match joined(first) {
        Ok(Some(first)) => first,
        Ok(None) => panic!("a race of none has no winner"),
        Err(never) => match never {},
    }
}

/// As `f`, as a child.
pub fn unfailing<T>(f: impl FnOnce() -> T) -> impl FnOnce() -> Result<T, Infallible> {
    || Ok(f())
}

/// As `f`, whose value goes to `place`.
pub fn value_into<T, E>(
    place: &mut Option<T>,
    f: impl FnOnce() -> Result<T, E>,
) -> impl FnOnce() -> Result<(), E> {
    || {
        *place = Some(f()?);
        Ok(())
    }
}

/// The result of a group that has no time-out: its children's.
#[track_caller]
pub fn joined<R, E>(result: Result<R, GroupError<E>>) -> Result<R, E> {
    cancel::must_unwind();
    // Not by `map_err`, which would hide where the caller is.
    match result {
        Ok(value) => Ok(value),
        Err(error) => Err(error.failure_or_panic()),
    }
}
