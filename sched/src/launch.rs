//! From a closure to a green thread: what `spawn`, `run`, `Builder`, `Runtime` and
//! `unblock` have in common.

use std::panic::{Location, resume_unwind};
use std::sync::Arc;

use crate::current;
use crate::deadlock::InRun;
use crate::dedicated;
use crate::fork;
use crate::join::{JoinHandle, LocalJoinHandle};
use crate::runtime;
use crate::thread::{Options, RawTask, Within};
use crate::worker::{Placement, Shared, Spawned, Worker};

/// Closures larger than this are boxed: they are moved to the thread's stack before
/// they are called, and stacks are small.
const LARGE_CLOSURE: usize = 1024;

/// A green thread on `shared`, not yet runnable: its handle and its task.
///
/// # Safety
///
/// `F` and `T` must be fit for another OS thread and live until the thread has
/// finished, and its handle is gone.
pub(crate) unsafe fn new_thread<F, T, S: Within>(
    f: F,
    shared: &Shared,
    mut options: Options,
    location: &'static Location<'static>,
    within: S,
) -> Spawned
where
    F: FnOnce() -> T,
{
    let stays = options.is_local || options.is_dedicated;
    options.migrates = !stays && (options.migrates || shared.migrates);
    let id = shared.new_id();
    if size_of::<F>() > LARGE_CLOSURE {
        let boxed = Box::new(f);
        let f = move || call_boxed(boxed);
        // SAFETY: the caller's promise.
        unsafe { RawTask::new(f, id, options, location, within) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { RawTask::new(f, id, options, location, within) }
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
    shared: &Arc<Shared>,
    options: Options,
    location: &'static Location<'static>,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    // SAFETY: `Send + 'static`, both.
    unsafe { spawn_within(f, shared, options, location, ()) }
}

/// As [`spawn_on`], of a scope or of none.
///
/// # Safety
///
/// `F` and `T` are `Send`, and as for [`new_thread`].
#[inline]
pub(crate) unsafe fn spawn_within<F, T, S: Within>(
    f: F,
    shared: &Arc<Shared>,
    options: Options,
    location: &'static Location<'static>,
    within: S,
) -> JoinHandle<T>
where
    F: FnOnce() -> T,
{
    let (placement, is_dedicated) = (options.placement, options.is_dedicated);
    // SAFETY: the caller's promise.
    let (task, runnable) = unsafe { new_thread(f, shared, options, location, within) };
    if is_dedicated {
        dedicated::start(runnable, shared);
    } else {
        shared.start(runnable, placement);
    }
    // SAFETY: the first handle, of the right type.
    unsafe { JoinHandle::new(task) }
}

/// The runtime of whoever asked, on which threads can be started from anywhere.
#[derive(Clone, Debug)]
pub struct Home(Arc<Shared>);

impl Home {
    /// The current runtime, or the global one.
    pub fn current() -> Self {
        fork::check();
        // SAFETY: a worker in the thread-local is alive, and nothing here blocks.
        let worker = unsafe { current::worker().as_ref() };
        Self(worker.map_or_else(runtime::global, Worker::runtime).clone())
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Starts a thread there, which inherits nothing: whoever calls this does so for others.
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn_on(f, &self.0, Options::default(), Location::caller())
    }
}

/// A thread on this worker, made runnable, that stays here from the beginning.
pub(crate) fn spawn_here<F, T>(
    f: F,
    worker: &Worker,
    mut options: Options,
    location: &'static Location<'static>,
) -> LocalJoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    options.is_local = true;
    // SAFETY: it is run, and what is left of it dropped, on this worker; its result is
    // dropped there or by its handle, which is not `Send`.
    let (task, runnable) = unsafe { new_thread(f, worker.shared(), options, location, ()) };
    worker.push_here(runnable);
    // SAFETY: the first handle, of the right type.
    LocalJoinHandle::new(unsafe { JoinHandle::new(task) })
}

/// A thread on `shared` that the caller outwaits, so that it may borrow.
#[track_caller]
pub(crate) fn run_on<F, T>(
    f: F,
    shared: &Arc<Shared>,
    name: &str,
    location: &'static Location<'static>,
) -> T
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    let options = Options::named(name).inheriting();
    // SAFETY: both are `Send`. `join_uncancelled` does not return, or unwind, before
    // the thread has finished and its closure is gone; the result is taken there.
    let (task, runnable) = unsafe { new_thread(f, shared, options, location, ()) };
    shared.start(runnable, Placement::Spread);
    let in_run = InRun::enter(&task);
    // SAFETY: the first handle, of the right type.
    let handle = unsafe { JoinHandle::new(task) };
    let result = handle.join_uncancelled();
    let deadlock = in_run.and_then(InRun::leave);
    // It is not cancelled otherwise: whoever calls this holds on to the runtime.
    match (result, deadlock) {
        (Ok(value), _) => value,
        // Everybody has been told (deadlock.rs): the hook need not say it again.
        (Err(error), Some(report)) if error.is_cancelled() => {
            resume_unwind(Box::new(report.to_string()))
        }
        (Err(error), _) => error.resume(),
    }
}
