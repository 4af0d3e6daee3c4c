//! Which worker is this, and which green thread: the only thread-locals of sward.
//!
//! A green thread that waits may come back on another OS thread one day, and the
//! compiler, which knows nothing of that, may keep the *address* of a thread-local
//! in a register across the wait. So the accessors here are never inlined and hide
//! from the optimiser what they read; the pointers that they return are good until
//! the next blocking call and not kept across it.

use std::cell::Cell;
use std::hint::black_box;
use std::ptr;

use crate::primitive::thread_local;
use crate::thread::Header;
use crate::worker::Worker;

#[cfg(not(sward_loom))]
thread_local! {
    static WORKER: Cell<*const Worker> = const { Cell::new(ptr::null()) };
}
#[cfg(sward_loom)]
thread_local! {
    static WORKER: Cell<*const Worker> = Cell::new(ptr::null());
}

/// The worker of this OS thread, or null.
#[inline(never)]
pub(crate) fn worker() -> *const Worker {
    black_box(WORKER.with(Cell::get))
}

/// The green thread that this code runs in, or null in an OS thread of another
/// kind and in a worker's own loop.
#[inline(never)]
pub(crate) fn green_thread() -> *const Header {
    let worker = WORKER.with(Cell::get);
    // SAFETY: a worker takes itself out of the thread-local before it goes away.
    black_box(if worker.is_null() { ptr::null() } else { unsafe { (*worker).current() } })
}

/// Makes `worker` the worker of this OS thread (null: none).
#[inline(never)]
pub(crate) fn set_worker(worker: *const Worker) {
    WORKER.with(|current| current.set(worker));
}
