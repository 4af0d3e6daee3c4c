//! What the workers of one runtime share, and what anybody may do to one of them.

use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use super::idle::Idle;
use super::inbox::Inbox;
use super::orders::Orders;
use super::placement::ChildrenHere;
use super::pool::SpareRunners;
use super::priority::Ranked;
use super::slice::Slice;
use super::slot::Slot;
use super::{Counters, ParkedList, Worker, current_of};
use crate::dedicated::Dedicated;
use crate::fork::Alive;
use crate::metrics::WorkerMetrics;
use crate::monitor::{Monitor, Names};
use crate::primitive::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use crate::primitive::deque::{self, Injector, Steal, Stealer};
use crate::primitive::{Condvar, Mutant, Mutex, broken};
use crate::refused::RefusedThread;
use crate::setup::Setup;
use crate::thread::{RawTask, Runnable, SpareBlocks};
use crate::timer::Timers;
use crate::unblock::BlockingPool;

/// One runtime, as its workers see it.
pub(crate) struct Shared {
    pub(crate) idle: Idle,
    pub(crate) monitor: Monitor,
    pub(crate) names: Names,
    pub(crate) injector: Injector<Runnable>,
    pub(super) ranked: Ranked,
    pub(crate) remotes: Box<[Remote]>,
    pub(crate) spare_runners: SpareRunners,
    pub(crate) blocking: Arc<BlockingPool>,
    pub(crate) dedicated: Dedicated,
    /// The runtime that this one is inside of (dedicated.rs).
    outer: Option<Arc<Self>>,
    pub(crate) spare_blocks: SpareBlocks,
    pub(crate) stack_size: usize,
    pub(crate) setup: Arc<Setup>,
    /// Whether its threads migrate unless they are told otherwise.
    pub(crate) migrates: bool,
    /// Set once: the runtime is shut down; threads are cancelled and none starts.
    closing: AtomicBool,
    /// What a shutdown waits for: workers, the monitor and dedicated threads that have not
    /// returned, and threads that never started and are being ended, or are to be
    /// (`refused.rs`).
    parties: Mutex<usize>,
    party_left: Condvar,
    /// Until a shutdown has seen everybody leave.
    alive: Mutex<Option<Alive>>,
}

/// One worker, as others see it.
pub(crate) struct Remote {
    pub(crate) index: usize,
    /// Sticky threads that others have woken.
    pub(crate) inbox: CachePadded<Inbox>,
    pub(super) orders: Orders,
    pub(crate) fresh: Stealer<Runnable>,
    pub(crate) moving: Stealer<Runnable>,
    /// The first fresh thread: its worker is about to run it, where its parent's data is.
    pub(super) lone: CachePadded<Slot>,
    /// A migrating thread woken by the one that runs: the same holds for it.
    pub(super) next: Slot,
    pub(crate) slice: CachePadded<Slice>,
    /// What a turn takes on average; only the worker writes it.
    turn_nanos: AtomicU64,
    pub(super) counters: Counters,
    pub(super) children: ChildrenHere,
    /// Fresh threads in the inbox, or on their way there.
    pub(super) expected: AtomicUsize,
    overruns: AtomicU64,
    /// While it sleeps: until a deadline. (Otherwise it is about the last time.)
    pub(super) wakes_by_itself: AtomicBool,
    /// It has returned.
    pub(super) is_over: AtomicBool,
    /// Sticky threads started here and not finished; only the worker writes it.
    pub(crate) started: AtomicUsize,
    /// Migrating threads that have started here, and that have finished here, so far.
    moving_started: AtomicUsize,
    moving_finished: AtomicUsize,
    /// Deadlines of migrating threads (timers.rs).
    pub(super) timers: Mutex<Timers>,
    /// Whether there ever was one: most workers never have any.
    pub(super) has_timers: AtomicBool,
    /// The migrating threads that first parked here, unfinished.
    pub(super) parked: Mutex<ParkedList>,
    shared: Weak<Shared>,
}

/// The ends of a worker's queues that are its own.
pub(crate) struct Queues {
    pub(super) fresh: deque::Worker<Runnable>,
    pub(super) moving: deque::Worker<Runnable>,
}

impl Shared {
    /// A runtime of `workers` workers, and the owners' ends of their queues.
    pub(crate) fn new(
        workers: usize,
        stack_size: usize,
        migrates: bool,
        setup: Arc<Setup>,
    ) -> (Arc<Self>, Vec<Queues>) {
        Self::make(workers, stack_size, migrates, setup, None)
    }

    /// A runtime of one worker inside `outer` (dedicated.rs).
    pub(crate) fn inside(outer: &Arc<Self>) -> (Arc<Self>, Vec<Queues>) {
        Self::make(1, outer.stack_size, false, outer.setup.clone(), Some(outer.clone()))
    }

    fn make(
        workers: usize,
        stack_size: usize,
        migrates: bool,
        setup: Arc<Setup>,
        outer: Option<Arc<Self>>,
    ) -> (Arc<Self>, Vec<Queues>) {
        let queues =
            || Queues { fresh: deque::Worker::new_lifo(), moving: deque::Worker::new_fifo() };
        let queues: Vec<_> = (0..workers).map(|_| queues()).collect();
        let shared = Arc::new_cyclic(|shared: &Weak<Self>| Self {
            idle: Idle::new(workers),
            monitor: Monitor::new(),
            names: Names::new(),
            injector: Injector::new(),
            ranked: Ranked::new(),
            remotes: queues
                .iter()
                .enumerate()
                .map(|(index, queues)| Remote {
                    index,
                    inbox: CachePadded::new(Inbox::new()),
                    orders: Orders::new(),
                    fresh: queues.fresh.stealer(),
                    moving: queues.moving.stealer(),
                    lone: CachePadded::new(Slot::new()),
                    next: Slot::new(),
                    slice: CachePadded::new(Slice::new()),
                    turn_nanos: AtomicU64::new(FIRST_TURN_NANOS),
                    counters: Counters::default(),
                    children: ChildrenHere::new(),
                    expected: AtomicUsize::new(0),
                    overruns: AtomicU64::new(0),
                    wakes_by_itself: AtomicBool::new(true),
                    is_over: AtomicBool::new(false),
                    started: AtomicUsize::new(0),
                    moving_started: AtomicUsize::new(0),
                    moving_finished: AtomicUsize::new(0),
                    timers: Mutex::new(Timers::new()),
                    has_timers: AtomicBool::new(false),
                    parked: Mutex::new(ParkedList::new()),
                    shared: shared.clone(),
                })
                .collect(),
            spare_runners: SpareRunners::new(),
            blocking: match &outer {
                Some(outer) => outer.blocking.clone(),
                None => BlockingPool::new(setup.clone()),
            },
            dedicated: Dedicated::new(),
            outer,
            spare_blocks: SpareBlocks::new(),
            stack_size,
            setup,
            migrates,
            closing: AtomicBool::new(false),
            parties: Mutex::new(0),
            party_left: Condvar::new(),
            alive: Mutex::new(Some(Alive::new())),
        });
        (shared, queues)
    }

    /// A number for a new green thread.
    pub(crate) fn new_id(&self) -> NonZeroU64 {
        match current_of(self) {
            Some(worker) => worker.new_id(),
            None => super::reserve_ids(1),
        }
    }

    /// Whether the runtime is being shut down.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        // Relaxed: a worker that has seen it once goes on seeing it; for the rest the
        // fences in `Idle::notify` and `Idle::sleep` order it.
        self.closing.load(Ordering::Relaxed)
    }

    /// Starts the shutdown.
    pub(crate) fn close(self: &Arc<Self>) {
        self.closing.store(true, Ordering::Relaxed);
        for remote in &self.remotes {
            // The flag is work for each worker; `notify` has the fence.
            self.idle.notify(remote.index);
        }
        self.monitor.stop();
        self.dedicated.close();
        self.refuse_injected();
    }

    /// `stuck` does not come to what it has to do: does what others can.
    pub(crate) fn help(self: &Arc<Self>, stuck: &Remote) {
        stuck.fire_timers_for(Instant::now());
        if !stuck.may_expect() {
            return self.help_steal(stuck);
        }
        stuck.inbox.take_all(|thread| {
            if thread.header().home.get().is_null() {
                self.pass_on(thread, stuck);
            } else if stuck.inbox.push(thread) {
                self.idle.notify(stuck.index);
            }
        });
        self.help_steal(stuck);
    }

    fn help_steal(&self, stuck: &Remote) {
        if stuck.stealable() > 0 {
            self.idle.wake_any();
        }
    }

    /// `thread`, which was dealt to `stuck`, is to begin wherever there is time.
    fn pass_on(self: &Arc<Self>, thread: Runnable, stuck: &Remote) {
        Worker::uncount_child(thread.header());
        if broken(Mutant::HelpCountsTooEarly) {
            stuck.none_comes(self);
            self.put_into_injector(thread);
            return;
        }
        self.put_into_injector(thread);
        // Not before: that worker may return then.
        stuck.none_comes(self);
        // Its fence pairs with that in `is_expecting`, and with that in `notify` as `close`
        // calls it: either nobody has looked at the injector for the last time, or we see that
        // the runtime closes.
        if self.is_closing() && !broken(Mutant::HelpNotRefused) {
            self.refuse_injected();
        }
    }

    /// Whether all workers sleep, for as long as nobody wakes one.
    pub(crate) fn is_asleep(&self) -> bool {
        let nothing_comes = |remote: &Remote| {
            !remote.wakes_by_itself.load(Ordering::Relaxed)
                && remote.inbox.is_empty()
                && remote.orders.is_empty()
        };
        !self.is_closing()
            && self.idle.is_everyone_asleep()
            && !self.has_injected()
            && self.remotes.iter().all(nothing_comes)
    }

    /// A number that changes whenever a worker does anything, and be it to wake up in vain.
    pub(crate) fn activity(&self) -> u64 {
        let of_one = |remote: &Remote| {
            (remote.slice.turns() as u64).wrapping_add(remote.counters.slept.get())
        };
        self.remotes.iter().map(of_one).fold(0, u64::wrapping_add)
    }

    /// Whether any worker could take a thread that no worker has.
    pub(super) fn has_injected(&self) -> bool {
        !self.injector.is_empty() || !self.ranked.is_empty()
    }

    /// One of those.
    pub(crate) fn take_injected(&self) -> Option<Runnable> {
        loop {
            match self.injector.steal() {
                Steal::Success(thread) => return Some(thread),
                Steal::Retry => {}
                Steal::Empty => return self.ranked.pop(),
            }
        }
    }

    /// Whether it is there for one thread alone, and ends with it.
    pub(super) fn is_inner(&self) -> bool {
        self.outer.is_some()
    }

    /// The runtime as its users know it.
    pub(crate) fn outermost(self: &Arc<Self>) -> &Arc<Self> {
        self.outer.as_ref().unwrap_or(self)
    }

    /// Ends, as cancelled, the fresh threads that no worker has: no worker may have time to.
    pub(crate) fn refuse_injected(self: &Arc<Self>) {
        let (mut started, mut refused) = (Vec::new(), Vec::new());
        while let Some(thread) = self.take_injected() {
            if thread.header().home.get().is_null() || broken(Mutant::RefusesStarted) {
                let error = thread.header().cut_short();
                refused.push(RefusedThread::new(thread, error, self));
            } else {
                // Woken from outside: it has a stack to unwind, on a worker.
                started.push(thread);
            }
        }
        self.blocking.refuse(refused);
        started.into_iter().for_each(|thread| self.put_into_injector(thread));
    }

    /// One more that a shutdown waits for.
    pub(crate) fn party_enters(&self) {
        *self.parties.lock() += 1;
    }

    /// One less.
    pub(crate) fn party_leaves(&self) {
        let mut parties = self.parties.lock();
        *parties -= 1;
        let none = *parties == 0;
        drop(parties);
        if none {
            if self.is_closing() {
                drop(self.alive.lock().take());
            }
            self.party_left.notify_all();
        }
    }

    /// Waits until nobody is left (`true`) or the deadline has passed.
    pub(crate) fn wait_for_parties(&self, deadline: Option<Instant>) -> bool {
        let mut parties = self.parties.lock();
        while *parties > 0 {
            let Some(left) = deadline.map(|d| d.saturating_duration_since(Instant::now())) else {
                self.party_left.wait(&mut parties);
                continue;
            };
            if left.is_zero() {
                return false;
            }
            self.party_left.wait_for(&mut parties, left);
        }
        true
    }

    /// Threads that have started and not finished, over all workers.
    pub(crate) fn unfinished(&self) -> usize {
        let sticky = self.remotes.iter().map(|remote| remote.started.load(Ordering::Relaxed));
        sticky.sum::<usize>() + self.moving_unfinished() + self.dedicated.unfinished()
    }

    /// Migrating threads that have started and not finished. A worker that has run one of
    /// them does not get 0: it has seen the count go up.
    pub(super) fn moving_unfinished(&self) -> usize {
        // Acquire: pairs with the Release in `count_finished`. A thread may start on one worker
        // and finish on another: whoever has counted its end sees its beginning after that.
        let finished = self.remotes.iter().map(|it| it.moving_finished.load(Ordering::Acquire));
        let finished = finished.fold(0, usize::wrapping_add);
        let started = self.remotes.iter().map(|it| it.moving_started.load(Ordering::Relaxed));
        started.fold(0, usize::wrapping_add).wrapping_sub(finished)
    }

    /// One fewer, while the runtime closes: all workers wait for the last.
    #[cold]
    pub(super) fn moving_thread_ended(&self) {
        if !broken(Mutant::MovingEndNoFence) {
            // Pairs with itself, where two end at the same time, and with the fence in
            // `Idle::sleep`: one of them, or that worker, sees that all have ended.
            fence(Ordering::SeqCst);
        }
        if self.moving_unfinished() == 0 {
            self.remotes.iter().for_each(|remote| self.idle.notify(remote.index));
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("workers", &self.remotes.len())
            .field("unfinished", &self.unfinished())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}

impl Remote {
    /// What a turn takes here on average, in nanoseconds.
    pub(super) fn turn_nanos(&self) -> u64 {
        self.turn_nanos.load(Ordering::Relaxed)
    }

    /// Owner only.
    pub(super) fn set_turn_nanos(&self, nanos: u64) {
        self.turn_nanos.store(nanos, Ordering::Relaxed);
    }

    /// Owner only.
    #[inline]
    pub(super) fn count_started(&self, migrates: bool) {
        let started = if migrates { &self.moving_started } else { &self.started };
        // Relaxed, and not a read-modify-write: only this worker writes it.
        started.store(started.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// Owner only.
    #[inline]
    pub(super) fn count_finished(&self, migrates: bool) {
        if migrates {
            let finished = self.moving_finished.load(Ordering::Relaxed).wrapping_add(1);
            // Release: pairs with the Acquire in `moving_unfinished`.
            self.moving_finished.store(finished, Ordering::Release);
        } else {
            self.started.store(self.started.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        }
    }

    /// A thread here has gone on for longer than a slice.
    pub(crate) fn count_overrun(&self) {
        self.overruns.fetch_add(1, Ordering::Relaxed);
    }

    /// What has happened here so far.
    pub(crate) fn metrics(&self) -> WorkerMetrics {
        let counters = &self.counters;
        WorkerMetrics {
            spawned: counters.spawned.get(),
            turns: self.slice.turns() as u64,
            stolen: counters.stolen.get(),
            slept: counters.slept.get(),
            searched: counters.searched.get(),
            injected: counters.injected.get(),
            inbox: counters.inbox.get(),
            overflowed: counters.overflowed.get(),
            overran: self.overruns.load(Ordering::Relaxed),
            unfinished: self.started.load(Ordering::Relaxed),
        }
    }

    /// How many threads others could take from here: a hint.
    pub(super) fn stealable(&self) -> usize {
        self.in_slots() + self.in_deques()
    }

    #[inline]
    pub(super) fn in_slots(&self) -> usize {
        usize::from(!self.lone.is_empty()) + usize::from(!self.next.is_empty())
    }

    #[inline]
    pub(super) fn in_deques(&self) -> usize {
        self.fresh.len() + self.moving.len()
    }

    /// The runtime that it belongs to, if that is still there.
    pub(super) fn shared(&self) -> Option<Arc<Shared>> {
        self.shared.upgrade()
    }
}

/// What a turn is taken to last before it was measured: long enough for a second fresh
/// thread to be worth a wake.
const FIRST_TURN_NANOS: u64 = 20_000;

/// A thread made but not yet handed over: see [`Shared::start`].
pub(crate) type Spawned = (RawTask, Runnable);

/// An I/O error that says which OS thread could not be started.
pub(crate) fn spawn_error(what: &str, error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{what} could not be started: {error} (is a limit on threads or memory reached?)"),
    )
}
