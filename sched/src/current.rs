//! Which worker is this, and which green thread: the only thread-locals of sward.
//!
//! A green thread that waits and may migrate comes back on another OS thread, and the
//! compiler, which knows nothing of that, may keep the *address* of a thread-local
//! in a register across the wait. So the accessors here are never inlined, and an empty
//! `asm!` hides from the optimiser what they read (`#[inline(never)]` alone was seen to be
//! merged with another call across a switch); the pointers that they return are good until
//! the next blocking call and not kept across it.

use std::arch::asm;
use std::cell::Cell;
use std::num::NonZeroU64;
use std::ptr;

use crate::cancel::Terms;
use crate::local::EndsWithOsThread;
use crate::own::Own;
use crate::primitive::{NAPS, thread_local};
use crate::stack::{Plain, StackPool};
use crate::thread::Header;
use crate::unwinding::Weights;
use crate::worker::{Shared, Slice, Worker, reserve_ids};

#[cfg(not(sward_loom))]
thread_local! {
    static WORKER: Cell<*const Worker> = const { Cell::new(ptr::null()) };
    /// Its slice: the one thing asked for with every operation on a channel or lock.
    static SLICE: Cell<*const Slice> = const { Cell::new(ptr::null()) };
    /// What [`own`] is outside of green threads.
    static OWN: Own = const { Own::new(Plain::unknown()) };
    /// The runtime a thread of which is being dropped, unstarted.
    static REFUSING: Cell<*const Shared> = const { Cell::new(ptr::null()) };
    /// State of [`random`]. 0: not yet seeded.
    static RANDOM: Cell<u64> = const { Cell::new(0) };
    /// What [`identity`] is outside of green threads. 0: nobody has asked yet.
    static IDENTITY: Cell<u64> = const { Cell::new(0) };
    static LOCALS_END: EndsWithOsThread = const { EndsWithOsThread };
    /// Of this OS thread's coroutines.
    static STACKS: StackPool = StackPool::new();
    /// What [`with_weights`] is in an OS thread that is no worker.
    static WEIGHTS: Weights = Weights::default();
}
#[cfg(sward_loom)]
thread_local! {
    static WORKER: Cell<*const Worker> = Cell::new(ptr::null());
    static SLICE: Cell<*const Slice> = Cell::new(ptr::null());
    static OWN: Own = Own::new(Plain::unknown());
    static REFUSING: Cell<*const Shared> = Cell::new(ptr::null());
    static RANDOM: Cell<u64> = Cell::new(0);
    static IDENTITY: Cell<u64> = Cell::new(0);
    static LOCALS_END: EndsWithOsThread = EndsWithOsThread;
    static STACKS: StackPool = StackPool::new();
    static WEIGHTS: Weights = Weights::default();
}

/// The worker of this OS thread, or null.
#[inline(never)]
pub(crate) fn worker() -> *const Worker {
    hidden(WORKER.with(Cell::get))
}

/// The green thread that this code runs in, or null in an OS thread of another
/// kind and in a worker's own loop.
#[inline(never)]
pub(crate) fn green_thread() -> *const Header {
    let worker = WORKER.with(Cell::get);
    // SAFETY: a worker takes itself out of the thread-local before it goes away.
    hidden(if worker.is_null() { ptr::null() } else { unsafe { (*worker).current() } })
}

/// Calls `f` with what the green thread that this code runs in keeps for itself,
/// or else the OS thread.
#[inline]
pub(crate) fn with_own<R>(f: impl FnOnce(&Own) -> R) -> R {
    // SAFETY: the current thread's, which is not over; what is in an OS thread's is not dropped, so
    // it is there even when that ends.
    f(unsafe { &*own() })
}

#[inline(never)]
fn own() -> *const Own {
    let worker = WORKER.with(Cell::get);
    // SAFETY: as in `green_thread`; a thread that runs is on its runner.
    let own = unsafe {
        let thread = worker.as_ref().and_then(|worker| worker.current().as_ref());
        thread.map(|thread| ptr::from_ref((*thread.runner.get()).own()))
    };
    hidden(own.unwrap_or_else(|| OWN.with(ptr::from_ref)))
}

/// What this code is under.
pub(crate) fn terms() -> Terms {
    with_own(|own| own.terms.get())
}

/// The number of the thread that this code runs in, green or not; no other thread of the process
/// ever has it. (A forked child goes on with the numbers of its parent, and they never meet.)
#[inline(never)]
pub fn identity() -> NonZeroU64 {
    // SAFETY: the current thread's header is alive.
    if let Some(thread) = unsafe { green_thread().as_ref() } {
        return thread.id;
    }
    IDENTITY.with(|identity| {
        NonZeroU64::new(identity.get()).unwrap_or_else(|| {
            let fresh = reserve_ids(1);
            identity.set(fresh.get());
            fresh
        })
    })
}

/// As [`identity`], for a note that nothing goes by: quicker in green threads; in a worker's own loop
/// it is the last thread that ran there.
#[inline(never)]
pub fn runs_as() -> u64 {
    let slice = hidden(SLICE.with(Cell::get));
    // SAFETY: null, or a worker's, which takes itself out of the thread-local before it goes away.
    match unsafe { slice.as_ref() } {
        Some(slice) => slice.running().id(),
        None => identity().get(),
    }
}

/// Calls `f` with the stacks that this OS thread keeps for coroutines. `None`: it ends, and has given
/// them up.
#[inline(never)]
pub(crate) fn with_stacks<R>(f: impl FnOnce(&StackPool) -> R) -> Option<R> {
    STACKS.try_with(f).ok()
}

/// Calls `f` with what this OS thread has in stock to put panics aside.
#[inline(never)]
pub(crate) fn with_weights<R>(f: impl FnOnce(&Weights) -> R) -> R {
    let worker = hidden(WORKER.with(Cell::get));
    // SAFETY: as in `green_thread`.
    if let Some(worker) = unsafe { worker.as_ref() } {
        return f(worker.weights());
    }
    // In the order of its destructors, an OS thread may have given up its own.
    let mut f = Some(f);
    let mut call = |weights: &Weights| f.take().map(|f| f(weights));
    let done = WEIGHTS.try_with(&mut call).unwrap_or(None);
    done.or_else(|| call(&Weights::default())).expect("it is called once")
}

/// Sees to it that the locals of this OS thread are dropped when it ends. `false`: that is past.
#[inline(never)]
pub(crate) fn ends_locals() -> bool {
    LOCALS_END.try_with(|_| ()).is_ok()
}

/// Counts an operation of the green thread that this code runs in. `true`: it is to yield at
/// its next [`checkpoint`](crate::checkpoint).
#[inline(never)]
pub fn charge() -> bool {
    let slice = hidden(SLICE.with(Cell::get));
    // SAFETY: as above.
    !slice.is_null() && unsafe { (*slice).charge() }
}

/// A random number, not a secret one (splitmix64: Steele, Lea, Flood, "Fast Splittable
/// Pseudorandom Number Generators", 2014).
#[inline(never)]
pub fn random() -> u64 {
    RANDOM.with(|random| {
        let state = match random.get() {
            // OS threads differ in the address; loom wants each run to be the same.
            0 if NAPS => ptr::from_ref(random).addr() as u64,
            state => state,
        };
        let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

/// Makes `worker` the worker of this OS thread (none: null).
#[inline(never)]
pub(crate) fn set_worker(worker: *const Worker) {
    WORKER.with(|current| current.set(worker));
    // SAFETY: null, or alive.
    let slice = unsafe { worker.as_ref() }.map(|worker| &*worker.remote().slice);
    SLICE.with(|current| current.set(slice.map_or(ptr::null(), ptr::from_ref)));
}

/// The runtime for which this OS thread drops the closure of a thread that never ran, or null:
/// an address to compare, no more.
#[inline(never)]
pub(crate) fn refusing() -> *const Shared {
    hidden(REFUSING.with(Cell::get))
}

/// Sets [`refusing`] and returns what it was.
#[inline(never)]
pub(crate) fn set_refusing(shared: *const Shared) -> *const Shared {
    hidden(REFUSING.with(|current| current.replace(shared)))
}

/// `pointer`, of which the optimiser knows nothing any more: as `black_box`, but in a register.
#[inline(always)]
#[expect(clippy::pointers_in_nomem_asm_block, reason = "what it points to is not looked at")]
fn hidden<T>(mut pointer: *const T) -> *const T {
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0} */", inout(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}
