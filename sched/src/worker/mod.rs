//! A worker: the OS thread that runs green threads, one at a time.
//!
//! Where it looks, in this order: the next-slot (a thread just woken by the one that
//! ran), its own queue of started threads, its inbox and its timers, its deque of fresh
//! threads (at least every [`FRESH_EVERY`] turns), the runtime's injector, and the other
//! workers' fresh threads (`search.rs`); every [`OUTSIDE_EVERY`] turns at all that is not
//! another worker's. Of its own fresh ones it takes the newest, so that a tree of threads
//! is walked depth first and few are alive at a time, but every [`OUTSIDE_EVERY`] turns the
//! oldest, so that none waits for ever; thieves take the oldest. With nothing anywhere it
//! sleeps (`idle.rs`, README.md).
//!
//! 1. A started thread stays on its worker. So its queue link, its timers and its
//!    place in the list of parked threads are touched on this OS thread only.
//! 2. `Worker` is borrowed shared everywhere: by its loop, and by the code of green
//!    threads that runs inside `execute`. Borrows of its cells end before a switch.
//! 3. A worker returns only when its runtime closes and all threads that it started
//!    have finished. Until then all that it owns stays in place.

mod idle;
mod inbox;
mod parked;
mod pool;
mod queue;
mod search;
mod shared;

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::num::NonZeroU64;
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

pub use self::idle::Idle;
use self::pool::RunnerPool;
use self::queue::LocalQueue;
use self::search::Watch;
pub(crate) use self::shared::{Remote, Shared, Spawned, spawn_error};
use crate::context::{OwnedRunner, Suspension};
use crate::current;
use crate::error::JoinError;
use crate::primitive::atomic::Ordering;
use crate::primitive::deque::{self, Steal};
use crate::primitive::{PANICS_UNWIND, spin};
use crate::report::report;
use crate::spans;
use crate::thread::{Header, Runnable};
use crate::timer::Timers;
use crate::unwinding::Weights;
use crate::waiter::Waiter;

/// A fresh thread is started at least every so many turns, however busy the started
/// ones are.
const FRESH_EVERY: usize = 8;

/// Inbox, timers and injector are looked at every so many turns. Odd and prime, as
/// Go's, so that it does not beat with the periods of programs.
const OUTSIDE_EVERY: usize = 61;

/// How often in a row the next-slot goes first, so that two threads that wake each
/// other do not starve the rest.
const NEXT_STREAK: u32 = 32;

/// Numbers for green threads that a worker takes at a time.
const ID_BATCH: u64 = 1024;

/// Reserves `count` numbers and returns the first: names, not part of any protocol.
fn reserve_ids(count: u64) -> NonZeroU64 {
    // not modelled: a plain counter
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let first = NEXT.fetch_add(count, Ordering::Relaxed);
    NonZeroU64::new(first).expect("2^64 green threads were spawned")
}

/// The part of a worker that only its own OS thread sees.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    index: usize,
    current: Cell<*const Header>,
    next: Cell<*const Header>,
    next_streak: Cell<u32>,
    local: LocalQueue,
    fresh: deque::Worker<Runnable>,
    turn: Cell<usize>,
    timers: RefCell<Timers>,
    runners: RunnerPool,
    /// The threads that have parked at least once, unfinished.
    parked: Cell<*const Header>,
    cancelled_all: Cell<bool>,
    ids: Cell<(u64, u64)>,
    random: Cell<u64>,
    watches: RefCell<Box<[Watch]>>,
    weights: Weights,
}

impl Worker {
    /// Runs worker `index` of `shared` until the runtime is closed and all threads
    /// started here have finished.
    pub(crate) fn run(shared: Arc<Shared>, index: usize, fresh: deque::Worker<Runnable>) {
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
        let watch = Watch { turns: 0, since: Instant::now() };
        let worker = Self {
            index,
            current: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            next_streak: Cell::new(0),
            local: LocalQueue::new(),
            fresh,
            turn: Cell::new(0),
            timers: RefCell::default(),
            runners: RunnerPool::new(shared.stack_size),
            parked: Cell::new(ptr::null()),
            cancelled_all: Cell::new(false),
            ids: Cell::new((0, 0)),
            random: Cell::new(index as u64 + 1),
            watches: RefCell::new(vec![watch; shared.remotes.len()].into_boxed_slice()),
            weights: Weights::default(),
            shared,
        };
        let abort_on_panic = AbortOnPanic;
        current::set_worker(&worker);
        while let Some(thread) = worker.next_thread() {
            worker.execute(thread);
        }
        current::set_worker(ptr::null());
        drop(abort_on_panic);
        worker.weights.clear();
        worker.shared.party_leaves();
    }

    /// The green thread that runs now, or null between two.
    #[inline]
    pub(crate) fn current(&self) -> *const Header {
        self.current.get()
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

    #[inline]
    fn remote(&self) -> &Remote {
        &self.shared.remotes[self.index]
    }

    #[inline]
    fn is_home(&self, remote: *const Remote) -> bool {
        ptr::eq(self.remote(), remote)
    }

    /// Whether `remote` is a worker of the same runtime.
    fn owns(&self, remote: &Remote) -> bool {
        self.shared.remotes.as_ptr_range().contains(&ptr::from_ref(remote))
    }

    pub(crate) fn timers(&self) -> RefMut<'_, Timers> {
        self.timers.borrow_mut()
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

    /// Adds a thread that has not started. The caller notifies.
    #[inline]
    pub(crate) fn push_fresh(&self, thread: Runnable) {
        self.fresh.push(thread);
    }

    /// Adds a started thread that was woken on this worker.
    #[inline]
    fn push_woken(&self, thread: Runnable) {
        if self.current.get().is_null() {
            // Woken by a timer or the like, not by a partner.
            return self.local.push_back(thread);
        }
        let displaced = self.next.replace(thread.into_raw());
        if !displaced.is_null() {
            // SAFETY: the slot owned the right to run it.
            self.local.push_back(unsafe { Runnable::from_raw(displaced) });
        }
    }

    #[inline]
    fn next_thread(&self) -> Option<Runnable> {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        self.remote().turns.store(turn, Ordering::Relaxed);
        if turn.is_multiple_of(OUTSIDE_EVERY) {
            self.look_outside();
            if let Steal::Success(oldest) = self.remote().stealer.steal() {
                return Some(oldest);
            }
        }
        if turn.is_multiple_of(FRESH_EVERY)
            && let Some(thread) = self.fresh.pop()
        {
            return Some(thread);
        }
        self.pop_started()
            .or_else(|| self.pop_arrived())
            .or_else(|| self.fresh.pop())
            .or_else(|| self.find_elsewhere())
    }

    /// Started threads that others, or time, have made runnable: they go before fresh
    /// ones, which may be long.
    #[inline]
    fn pop_arrived(&self) -> Option<Runnable> {
        self.remote().inbox.drain_into(&self.local);
        self.fire_timers();
        self.local.pop_front()
    }

    #[inline]
    fn pop_started(&self) -> Option<Runnable> {
        let next = self.next.get();
        let streak = self.next_streak.get();
        if !next.is_null() && (streak < NEXT_STREAK || self.local.is_empty()) {
            self.next.set(ptr::null());
            self.next_streak.set(streak + 1);
            // SAFETY: the slot owned the right to run it.
            return Some(unsafe { Runnable::from_raw(next) });
        }
        self.next_streak.set(0);
        self.local.pop_front()
    }

    /// Takes in what others, and time, have made runnable.
    fn look_outside(&self) {
        self.remote().inbox.drain_into(&self.local);
        self.fire_timers();
        if self.is_cancelling() && !self.cancelled_all.replace(true) {
            self.cancel_parked();
        }
        if let Some(thread) = self.take_injected() {
            self.fresh.push(thread);
        }
    }

    fn fire_timers(&self) {
        if self.timers().next_deadline().is_none() {
            return;
        }
        let now = Instant::now();
        loop {
            // A borrow of its own for each: waking is not done under it.
            let due = self.timers().pop_due(now);
            let Some(waiter) = due else { break };
            // SAFETY: its thread is parked here and removes its timer before its
            // waiter goes away (timer.rs, 2).
            if let Some(wake) = unsafe { Waiter::time_out(waiter) } {
                wake.wake();
            }
        }
    }

    fn take_injected(&self) -> Option<Runnable> {
        let injector = &self.shared.injector;
        if injector.is_empty() {
            return None;
        }
        // A fair share: the other workers come for theirs.
        let limit = injector.len() / self.shared.remotes.len() + 1;
        loop {
            match injector.steal_batch_with_limit_and_pop(&self.fresh, limit) {
                Steal::Success(thread) => return Some(thread),
                Steal::Retry => spin(),
                Steal::Empty => return None,
            }
        }
    }

    /// Runs `thread` until it waits, yields or finishes.
    #[inline]
    fn execute(&self, thread: Runnable) {
        let header = thread.header();
        if header.home.get().is_null() && !self.bind(&thread) {
            return;
        }
        header.run_state.transition_to_running();
        self.set_current(thread.as_ptr());
        // SAFETY: bound above or earlier, on this worker (1), and the right to run it
        // is ours.
        let suspension = unsafe { (*header.runner.get()).resume() };
        self.set_current(ptr::null());
        match suspension {
            Suspension::Yielded => self.local.push_back(thread),
            Suspension::Parked => {
                self.list_parked(header);
                // From here on the thread may be anybody's.
                if !header.run_state.transition_to_parked() {
                    self.local.push_back(thread);
                }
            }
            Suspension::Finished => self.retire(thread),
        }
    }

    /// Gives a fresh thread its stack. `false`: there was none, or the runtime closes,
    /// and the thread has ended.
    fn bind(&self, thread: &Runnable) -> bool {
        let header = thread.header();
        let runner = if self.shared.is_closing() {
            Err(JoinError::cancelled(header.describe()))
        } else {
            self.runners
                .take(header.stack_size(), &self.shared.spare_runners)
                .map_err(|error| JoinError::no_stack(header.describe(), error))
        };
        match runner {
            Ok(runner) => {
                runner.begin(thread.as_ptr());
                header.runner.set(runner.into_raw());
                header.home.set(self.remote());
                self.count_started(1);
                true
            }
            Err(error) => {
                // SAFETY: the caller gives the thread up when this returns `false`.
                let thread = unsafe { Runnable::from_raw(thread.as_ptr()) };
                // Not here: the destructors of its closure may block.
                self.shared.blocking.abandon(thread, error, self.shared.clone());
                false
            }
        }
    }

    fn retire(&self, thread: Runnable) {
        let header = thread.header();
        self.unlist_parked(header);
        self.count_started(-1);
        // SAFETY: `bind` put it there; its thread has finished.
        let runner = unsafe { OwnedRunner::from_raw(header.runner.get()) };
        self.runners.put(runner, &self.shared.spare_runners);
        thread.finished();
    }

    fn count_started(&self, by: isize) {
        let started = &self.remote().started;
        // Relaxed, and not a read-modify-write: only this worker writes it.
        let now = started.load(Ordering::Relaxed).wrapping_add_signed(by);
        started.store(now, Ordering::Relaxed);
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
#[inline]
pub(crate) fn park(worker: &Worker, waiter: &Waiter) {
    leave(worker, waiter, Suspension::Parked);
}

/// Lets the other threads of this worker run.
#[inline]
pub(crate) fn yield_now(worker: &Worker) {
    leave(worker, ptr::null(), Suspension::Yielded);
}

#[inline]
fn leave(worker: &Worker, waiter: *const Waiter, suspension: Suspension) {
    // First, and last again below: a subscriber sees the thread as it is, panics and all.
    let spans = spans::leave(worker);
    // Between two threads the count is zero (unwinding.rs, 1): these are this one's panics.
    let panics =
        if PANICS_UNWIND && std::thread::panicking() { worker.weights.take_away() } else { 0 };
    // SAFETY: callers are green threads, so one is current, and it runs on its runner.
    unsafe {
        let thread = &*worker.current();
        thread.waiter.set(waiter);
        (*thread.runner.get()).suspend(suspension);
    }
    if panics > 0 {
        // SAFETY: a green thread runs on a worker.
        unsafe { &*current::worker() }.weights.bring_back(panics);
    }
    spans.come_back();
}
