//! [`spawn`], and what it has in common with its relatives.

use std::panic::Location;

use crate::builder::Builder;
use crate::join::JoinHandle;
use crate::runtime;
use crate::thread::{Options, RawTask};
use crate::worker::{Shared, Spawned};

/// Starts a green thread that runs `f`, on the current runtime, or on the global one
/// from an OS thread that is no worker.
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
/// When the global runtime is needed for the first time and cannot be started.
#[inline]
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    Builder::new().spawn(f)
}

/// Closures larger than this are boxed: they are moved to the thread's stack before
/// they are called, and stacks are small.
const LARGE_CLOSURE: usize = 1024;

/// A green thread on `shared`, not yet runnable: its handle and its task.
///
/// # Safety
///
/// `F` and `T` must be fit for another OS thread and live until the thread has
/// finished, and its handle is gone.
pub(crate) unsafe fn new_thread<F, T>(
    f: F,
    shared: &Shared,
    options: Options,
    location: &'static Location<'static>,
) -> Spawned
where
    F: FnOnce() -> T,
{
    let id = shared.new_id();
    if size_of::<F>() > LARGE_CLOSURE {
        let boxed = Box::new(f);
        let f = move || call_boxed(boxed);
        // SAFETY: the caller's promise.
        unsafe { RawTask::new(f, id, options, location) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { RawTask::new(f, id, options, location) }
    }
}

/// The closure is called where it lies: `Box<dyn FnOnce>` does so, `Box<F>` need not.
fn call_boxed<'a, F: FnOnce() -> T + 'a, T>(f: Box<F>) -> T {
    let f: Box<dyn FnOnce() -> T + 'a> = f;
    f()
}

/// A thread on `shared`, made runnable.
#[inline]
pub(crate) fn spawn_on<F, T>(
    f: F,
    shared: &Shared,
    options: Options,
    location: &'static Location<'static>,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    // SAFETY: `Send + 'static`, both.
    let (task, runnable) = unsafe { new_thread(f, shared, options, location) };
    shared.start(runnable);
    // SAFETY: the first handle, of the right type.
    unsafe { JoinHandle::new(task) }
}

/// A thread on `shared` that the caller outwaits, so that it may borrow.
pub(crate) fn run_on<F, T>(
    f: F,
    shared: &Shared,
    name: &str,
    location: &'static Location<'static>,
) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    let options = Options { name: Some(name.to_owned()), stack_size: None };
    // SAFETY: both are `Send`. `join_uncancelled` does not return, or unwind, before
    // the thread has finished and its closure is gone; the result is taken there.
    let (task, runnable) = unsafe { new_thread(f, shared, options, location) };
    shared.start(runnable);
    // SAFETY: the first handle, of the right type.
    let handle = unsafe { JoinHandle::new(task) };
    // It is not cancelled: whoever calls this holds on to the runtime.
    handle.join_uncancelled().unwrap_or_else(|error| error.resume())
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
/// With the panic of `f`; when there is no stack to run it on; when the global runtime
/// cannot be started.
#[track_caller]
pub fn run<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    run_on(f, runtime::global(), "main", Location::caller())
}
