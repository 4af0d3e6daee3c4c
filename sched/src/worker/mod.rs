//! A worker: the OS thread that runs green threads, one at a time.
//!
//! `turn.rs` says where it looks for the next thread, and in what order; `search.rs`, what
//! it does when it has none of its own; `wake.rs`, how others give it one; README.md, how
//! it sleeps and is woken.
//!
//! 1. A started thread stays on its worker, unless it migrates. So a sticky one's queue link
//!    and its place in the list of parked threads are touched on this OS thread only, but
//!    for the inbox.
//! 2. `Worker` is borrowed shared everywhere: by its loop, and by the code of green
//!    threads that runs inside `execute`. Borrows of its cells, and of the worker itself,
//!    end before a switch.
//! 3. A worker returns only when its runtime closes (or is there for one thread alone:
//!    dedicated.rs), and all sticky threads that it started, and all migrating ones of the
//!    runtime, have finished. Until then all that it owns stays in place.

mod counters;
mod idle;
mod inbox;
#[cfg(sward_loom)]
pub mod model;
mod orders;
mod parked;
mod placement;
mod pool;
mod priority;
mod queue;
mod search;
mod shared;
mod slice;
mod slot;
mod survey;
mod timers;
mod turn;
mod wake;

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::num::NonZeroU64;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Instant;

pub(crate) use self::counters::Counters;
pub use self::idle::Idle;
pub(crate) use self::parked::{ParkedLinks, ParkedList, cancel_if_parked};
use self::placement::Dealt;
pub(crate) use self::placement::Origin;
pub use self::placement::Placement;
use self::pool::RunnerPool;
pub(crate) use self::pool::Surplus;
pub use self::priority::Priority;
use self::queue::LocalQueue;
use self::search::{Pace, Watch};
pub(crate) use self::shared::{Queues, Remote, Shared, Spawned, spawn_error};
pub(crate) use self::slice::Slice;
use self::survey::Telling;
pub(crate) use self::survey::{Found, Survey};
use self::timers::Deadlines;
use self::turn::Turns;
use crate::context::Suspension;
use crate::current;
use crate::primitive::{PANICS_UNWIND, deque, wake_on_time};
use crate::report::report;
use crate::spans;
use crate::stack::AltStack;
use crate::thread::{Blocks, Header, Runnable};
use crate::unwinding::Weights;
use crate::waiter::Waiter;

/// Numbers for green threads that a worker takes at a time. OS threads take one, if they need it.
const ID_BATCH: u64 = 1024;

/// Reserves `count` numbers and returns the first. Nobody else ever gets one of them: by its number a
/// thread is known to a `ReentrantMutex` and a `Once`.
pub(crate) fn reserve_ids(count: u64) -> NonZeroU64 {
    // not modelled: a plain counter, each of whose numbers is handed out once
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    NonZeroU64::new(first).expect("2^64 threads were numbered")
}

/// The part of a worker that only its own OS thread sees.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    index: usize,
    /// In `shared`, at `index`.
    remote: NonNull<Remote>,
    current: Cell<*const Header>,
    /// A sticky thread just woken by the one that runs. (A migrating one goes into
    /// `Remote::next`; one of the two is empty.)
    next: Cell<*const Header>,
    next_streak: Cell<u32>,
    /// Sticky threads that can go on.
    local: LocalQueue,
    /// Sticky threads that go before them, and after.
    high: LocalQueue,
    high_streak: Cell<u32>,
    low: LocalQueue,
    /// Migrating threads that can go on.
    moving: deque::Worker<Runnable>,
    /// Whether there ever was one: most workers never have any.
    moves: Cell<bool>,
    /// Threads that have not started, but for the one in `Remote::lone`.
    fresh: deque::Worker<Runnable>,
    /// What a thread that finished has found to run next: see `turn.rs`.
    handoff: Cell<*const Header>,
    turns: Turns,
    deadlines: Deadlines,
    runners: RunnerPool,
    blocks: Blocks,
    /// The sticky threads that have parked at least once, unfinished.
    parked: ParkedList,
    telling: Telling,
    cancelled_all: Cell<bool>,
    dealt: Dealt,
    ids: Cell<(u64, u64)>,
    random: Cell<u64>,
    watches: RefCell<Box<[Watch]>>,
    pace: Pace,
    weights: Weights,
}

impl Worker {
    /// Runs worker `index` of `shared` until the runtime is closed and (3).
    pub(crate) fn run(shared: Arc<Shared>, index: usize, queues: Queues) {
        /// A panic here would leave threads without a worker: nothing can be saved.
        struct AbortOnPanic;
        impl Drop for AbortOnPanic {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    report(format_args!(
                        "sward: a worker panicked outside of any thread; aborting"
                    ));
                    std::process::abort();
                }
            }
        }
        wake_on_time();
        let watch = Watch { turns: 0, since: Instant::now() };
        let worker = Self {
            index,
            remote: NonNull::from(&shared.remotes[index]),
            current: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            next_streak: Cell::new(0),
            local: LocalQueue::new(),
            high: LocalQueue::new(),
            high_streak: Cell::new(0),
            low: LocalQueue::new(),
            moving: queues.moving,
            moves: Cell::new(false),
            fresh: queues.fresh,
            handoff: Cell::new(ptr::null()),
            turns: Turns::new(),
            deadlines: Deadlines::new(),
            runners: RunnerPool::new(shared.stack_size, turn::after_run),
            blocks: Blocks::new(),
            parked: ParkedList::new(),
            telling: Telling::new(),
            cancelled_all: Cell::new(false),
            dealt: Dealt::new(),
            ids: Cell::new((0, 0)),
            random: Cell::new(index as u64 + 1),
            watches: RefCell::new(vec![watch; shared.remotes.len()].into_boxed_slice()),
            pace: Pace::new(),
            weights: Weights::default(),
            shared,
        };
        let abort_on_panic = AbortOnPanic;
        let alt_stack = AltStack::enter();
        current::set_worker(&worker);
        while let Some(thread) = worker.next_thread() {
            worker.execute(thread);
        }
        worker.refuse_orders();
        current::set_worker(ptr::null());
        drop(alt_stack);
        drop(abort_on_panic);
        worker.weights.clear();
        // It may have ended the last migrating thread just before it saw that the runtime closes.
        worker.shared.moving_thread_ended();
        if !worker.shared.is_inner() {
            worker.shared.setup.end(index);
        }
        let shared = worker.shared.clone();
        // First: what it owns gives its stacks back, and a shutdown waits for that, too.
        drop(worker);
        shared.party_leaves();
    }

    /// The green thread that runs now, or null between two.
    #[inline]
    pub(crate) fn current(&self) -> *const Header {
        self.current.get()
    }

    /// The runtime that threads spawned here belong to.
    #[inline]
    pub(crate) fn runtime(&self) -> &Arc<Shared> {
        self.shared.outermost()
    }

    /// Makes `thread` the green thread that runs now. While it is null, what runs is code
    /// of this OS thread, and blocks that.
    #[inline]
    pub(crate) fn set_current(&self, thread: *const Header) {
        self.current.set(thread);
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    #[inline]
    pub(crate) fn remote(&self) -> &Remote {
        // SAFETY: it lives as long as `shared`.
        unsafe { self.remote.as_ref() }
    }

    #[inline]
    fn is_home(&self, remote: *const Remote) -> bool {
        ptr::eq(self.remote(), remote)
    }

    /// Whether `remote` is a worker of the same runtime.
    fn owns(&self, remote: *const Remote) -> bool {
        self.shared.remotes.as_ptr_range().contains(&remote)
    }

    /// Whether threads that block here are to unwind instead.
    #[inline]
    pub(crate) fn is_cancelling(&self) -> bool {
        cfg!(panic = "unwind") && self.shared.is_closing()
    }

    pub(crate) fn new_id(&self) -> NonZeroU64 {
        let (mut next, mut end) = self.ids.get();
        if next == end {
            next = reserve_ids(ID_BATCH).get();
            end = next + ID_BATCH;
        }
        self.ids.set((next + 1, end));
        NonZeroU64::new(next).expect("the numbers start at 1")
    }

    /// Memory for a task.
    #[inline]
    pub(crate) fn allocate(&self, layout: Layout) -> NonNull<u8> {
        self.blocks.allocate(layout, &self.shared.spare_blocks)
    }

    /// Takes the memory of a task back.
    ///
    /// # Safety
    ///
    /// As for [`Blocks::free`].
    #[inline]
    pub(crate) unsafe fn free(&self, memory: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { self.blocks.free(memory, layout, &self.shared.spare_blocks) };
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("index", &self.index).finish_non_exhaustive()
    }
}

/// The worker of this OS thread, if it is one of `shared`'s.
#[inline]
fn current_of(shared: &Shared) -> Option<&'static Worker> {
    // SAFETY: a worker in the thread-local is alive; the callers use it at once.
    unsafe { current::worker().as_ref() }.filter(|worker| ptr::eq(&*worker.shared, shared))
}

/// Parks the current green thread, which waits on `waiter`, until it is woken.
#[inline(always)]
pub(crate) fn park(worker: &Worker, waiter: &Waiter) {
    leave(worker, waiter, Suspension::Parked);
}

/// Lets the other threads of this worker run.
#[inline(always)]
pub(crate) fn yield_now(worker: &Worker) {
    leave(worker, ptr::null(), Suspension::Yielded);
}

/// Always inlined, as its callers are: after a switch each return from a function is
/// mispredicted (yield: 5 ns, not inlined 27).
#[inline(always)]
fn leave(worker: &Worker, waiter: *const Waiter, suspension: Suspension) {
    // First, and last again below: a subscriber sees the thread as it is, panics and all.
    let spans = spans::leave(worker);
    if PANICS_UNWIND && std::thread::panicking() {
        leave_panicking(worker, waiter, suspension);
    } else {
        switch(worker, waiter, suspension);
    }
    spans.come_back();
}

/// Between two threads the count of panics is zero (unwinding.rs, 1): this one takes its own
/// along, to wherever it goes on.
#[cold]
fn leave_panicking(worker: &Worker, waiter: *const Waiter, suspension: Suspension) {
    let panics = worker.weights.take_away();
    switch(worker, waiter, suspension);
    // SAFETY: a green thread runs on a worker.
    unsafe { &*current::worker() }.weights.bring_back(panics);
}

#[inline(always)]
fn switch(worker: &Worker, waiter: *const Waiter, suspension: Suspension) {
    // SAFETY: callers are green threads, so one is current, and it runs on its runner.
    unsafe {
        let thread = &*worker.current();
        thread.waiter.with_mut(|place| *place = waiter);
        (*thread.runner.get()).suspend(suspension);
    }
}
