//! [`spawn`] and [`run`]: green threads for everybody.

use std::panic::Location;

use crate::builder::Builder;
use crate::join::{JoinHandle, LocalJoinHandle};
use crate::launch::run_on;
use crate::runtime;

/// Starts a green thread that runs `f`, on the current runtime, or on the global one
/// from an OS thread that is no worker. While its runtime shuts down the thread does not start:
/// `f` is dropped, and [`join`](JoinHandle::join) says that it was cancelled.
///
/// ```
/// # use sward_sched as sward;
/// let a = sward::spawn(|| 6);
/// let b = sward::spawn(|| 7);
/// assert_eq!(a.join().unwrap() * b.join().unwrap(), 42);
/// ```
///
/// # Blocking
///
/// Never blocks.
///
/// # Panics
///
/// When the global runtime is needed for the first time and cannot be started; in a process that
/// was forked from one with a runtime.
#[inline]
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new().spawn(f)
}

/// Starts a green thread on the worker that this one runs on, where it stays: for closures
/// and results that are not [`Send`].
///
/// ```
/// # use sward_sched as sward;
/// use std::rc::Rc;
///
/// sward::run(|| {
///     let shared = Rc::new(6);
///     let other = shared.clone();
///     let product = sward::spawn_local(move || *other * 7).join().unwrap();
///     assert_eq!(product, 42);
///     assert_eq!(Rc::strong_count(&shared), 1);
/// });
/// ```
///
/// It begins after the threads that can go on here already, however busy the worker is.
///
/// # Blocking
///
/// Never blocks.
///
/// # Panics
///
/// In an OS thread that is no worker, such as the one that runs `main` or a closure given
/// to [`unblock`](crate::unblock()).
#[inline]
#[track_caller]
pub fn spawn_local<F, T>(f: F) -> LocalJoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    Builder::new().spawn_local(f)
}

/// Runs `f` as a green thread on the global runtime, waits for it and returns its
/// value. It may borrow from the caller.
///
/// ```
/// # use sward_sched as sward;
/// let words = vec!["green", "threads"];
/// let total = sward::run(|| words.iter().map(|word| word.len()).sum::<usize>());
/// assert_eq!(total, 12);
/// ```
///
/// Threads that `f` has spawned and not joined are not waited for, as in Go.
///
/// # Blocking
///
/// Blocks the OS thread, or parks the green thread, that calls it.
///
/// # Cancellation
///
/// None: what `f` borrows must not go away before it is over.
///
/// # Panics
///
/// With the panic of `f`; when there is no stack to run it on; when all green threads of the process
/// wait, and nothing is left that could wake one: with a [dump](crate::dump()), which is on stderr by
/// then, after `f` has been unwound (upon which others may go on; if it cannot be, because it waits for
/// a lock, the process is aborted); when the global
/// runtime cannot be started; in a process that was forked from one with a runtime.
#[track_caller]
pub fn run<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    run_on(f, runtime::global(), "main", Location::caller())
}
