//! Which thread runs next, and what becomes of it.
//!
//! In this order: threads of high priority (`priority.rs`), the next-slot (a thread just woken by the one that ran), the queues of
//! started threads, the inbox and the timers, fresh threads (at least every [`FRESH_EVERY`]
//! turns), those of low priority, the runtime's injector, and other workers' threads
//! (`search.rs`); every
//! [`OUTSIDE_EVERY`] turns, or sooner where they are long, at all that is not another worker's. Of its own fresh threads it
//! takes the newest, so that a tree of threads is walked depth first and few are alive at a
//! time, but at each look outside an old one, so that none waits for ever; thieves
//! take the oldest.
//!
//! A runner whose thread has finished picks the next one itself: a fresh one runs on the same
//! stack without a switch; any other is left in `handoff` for the worker's loop.

use std::cell::Cell;
use std::ptr;
use std::time::Instant;

use super::parked::cancel;
use super::priority::LOW_EVERY;
use super::{Remote, Worker};
use crate::context::{OwnedRunner, Runner, Suspension};
use crate::current;
use crate::error::JoinError;
use crate::fork;
use crate::primitive::deque::Steal;
use crate::primitive::{NAPS, spin};
use crate::refused::RefusedThread;
use crate::thread::{Header, Runnable};

/// A fresh thread is started at least every so many turns, however busy the started
/// ones are.
const FRESH_EVERY: usize = 8;

/// Inbox, timers and injector are looked at after so many turns at the latest. Odd and prime,
/// as Go's, so that it does not beat with the periods of programs.
const OUTSIDE_EVERY: usize = 61;

/// And after about so many nanoseconds: where turns are long, after fewer of them.
const OUTSIDE_NANOS: u64 = 10_000;

/// How often in a row the next-slot goes first, so that two threads that wake each
/// other do not starve the rest.
const NEXT_STREAK: u32 = 32;

/// Counts turns, and measures them from time to time.
pub(super) struct Turns {
    count: Cell<usize>,
    /// The turn for which a fresh thread is due, and a look outside.
    fresh_due: Cell<usize>,
    outside_due: Cell<usize>,
    /// Looks outside so far.
    looks: Cell<usize>,
    /// When the clock was last read, and the count then.
    measured: Cell<(Instant, usize)>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            count: Cell::new(0),
            fresh_due: Cell::new(FRESH_EVERY),
            outside_due: Cell::new(0),
            looks: Cell::new(0),
            measured: Cell::new((Instant::now(), 0)),
        }
    }

    /// From here on: a worker that has slept was not taking turns.
    pub(super) fn restart(&self, now: Instant) {
        self.measured.set((now, self.count.get()));
    }

    pub(super) fn count(&self) -> usize {
        self.count.get()
    }

    fn last_look(&self) -> Instant {
        self.measured.get().0
    }

    fn measure(&self, remote: &Remote) {
        let (now, count) = (Instant::now(), self.count.get());
        let (since, counted) = self.measured.replace((now, count));
        let turns = count.wrapping_sub(counted).max(1) as u128;
        let nanos = (now.duration_since(since).as_nanos() / turns) as u64;
        // Where turns are long this is a single one, perhaps an untypical one: so an average.
        let nanos = (3 * remote.turn_nanos() + nanos) / 4;
        remote.set_turn_nanos(nanos);
        // In a model nothing may depend on the clock.
        let nanos = if NAPS { nanos.max(1) } else { 1 };
        let turns = (OUTSIDE_NANOS / nanos).clamp(1, OUTSIDE_EVERY as u64);
        self.outside_due.set(count + turns as usize);
    }
}

impl Worker {
    /// The next thread. `None`: the worker is to return.
    #[inline(always)]
    pub(super) fn next_thread(&self) -> Option<Runnable> {
        let handed = self.handoff.get();
        if !handed.is_null() {
            self.handoff.set(ptr::null());
            // SAFETY: whoever left it there owned the right to run it.
            return Some(unsafe { Runnable::from_raw(handed) });
        }
        self.pick().or_else(|| self.linger()).or_else(|| self.find_elsewhere())
    }

    /// Takes a turn: the next thread, if this worker has one.
    #[inline(always)]
    fn pick(&self) -> Option<Runnable> {
        let turn = self.turns.count.get().wrapping_add(1);
        self.turns.count.set(turn);
        self.remote().slice.set_turns(turn);
        if (turn >= self.turns.outside_due.get() || self.remote().slice.is_yield_asked())
            && let Some(thread) = self.look_around()
        {
            return Some(thread);
        }
        if let Some(thread) = self.pop_high() {
            return Some(thread);
        }
        if turn >= self.turns.fresh_due.get()
            && let Some(thread) = self.pop_due_fresh(turn)
        {
            return Some(thread);
        }
        if let Some(thread) = self.pop_started() {
            return Some(thread);
        }
        self.pop_arrived().or_else(|| self.pop_fresh()).or_else(|| self.pop_low())
    }

    /// Whether timers, inbox and injector are to be looked at before anything else is waited for.
    pub(super) fn is_look_due(&self) -> bool {
        let is_due = self.turns.count.get() >= self.turns.outside_due.get();
        is_due || self.remote().slice.is_yield_asked() || self.shared.is_closing()
    }

    /// What time it is, but for a few turns, or a long one.
    pub(crate) fn last_look_at_clock(&self) -> Instant {
        self.turns.last_look()
    }

    /// The thread that runs has waited without leaving its stack: that was a turn, too.
    pub(crate) fn count_watch(&self) {
        let turn = self.turns.count.get().wrapping_add(1);
        self.turns.count.set(turn);
        self.remote().slice.set_turns(turn);
    }

    /// What has come while this worker was looking around.
    pub(super) fn pop_any(&self) -> Option<Runnable> {
        self.pop_high()
            .or_else(|| self.pop_started())
            .or_else(|| self.pop_fresh())
            .or_else(|| self.pop_low())
            // The first time it may have been the others' turn.
            .or_else(|| self.pop_high())
    }

    fn pop_due_fresh(&self, turn: usize) -> Option<Runnable> {
        self.turns.fresh_due.set(turn + FRESH_EVERY);
        self.pop_fresh()
    }

    /// What is done from time to time, however much there is to run.
    #[cold]
    fn look_around(&self) -> Option<Runnable> {
        self.turns.measure(self.remote());
        self.look_outside();
        self.pop_oldest()
    }

    /// Started threads that others, or time, have made runnable: they go before fresh
    /// ones, which may be long.
    #[inline]
    fn pop_arrived(&self) -> Option<Runnable> {
        self.take_delivered();
        self.fire_timers();
        self.pop_high().or_else(|| self.pop_started())
    }

    #[inline(always)]
    pub(super) fn pop_started(&self) -> Option<Runnable> {
        if !self.next.get().is_null() || !self.remote().next.is_empty() {
            let streak = self.next_streak.get();
            if (streak < NEXT_STREAK || self.local.is_empty() && self.moving.is_empty())
                && let Some(next) = self.take_next()
            {
                self.next_streak.set(streak + 1);
                return Some(next);
            }
        }
        self.next_streak.set(0);
        // In turn, so that neither kind starves the other.
        if self.moves.get()
            && self.turns.count.get().is_multiple_of(2)
            && let Some(thread) = self.moving.pop()
        {
            return Some(thread);
        }
        match self.local.pop_front() {
            None if self.moves.get() => self.moving.pop(),
            thread => thread,
        }
    }

    #[inline]
    fn take_next(&self) -> Option<Runnable> {
        let sticky = self.next.replace(ptr::null());
        if sticky.is_null() {
            return self.remote().next.take();
        }
        // SAFETY: the slot owned the right to run it.
        Some(unsafe { Runnable::from_raw(sticky) })
    }

    /// The newest fresh thread (the lone one has been there before those in the deque).
    #[inline]
    pub(super) fn pop_fresh(&self) -> Option<Runnable> {
        let newest = if self.fresh.is_empty() { None } else { self.fresh.pop() };
        newest.or_else(|| self.remote().lone.take())
    }

    /// One that may have waited for long.
    fn pop_oldest(&self) -> Option<Runnable> {
        let looks = self.turns.looks.get().wrapping_add(1);
        self.turns.looks.set(looks);
        if looks.is_multiple_of(LOW_EVERY)
            && let Some(low) = self.pop_low()
        {
            return Some(low);
        }
        if looks.is_multiple_of(2) {
            return self.remote().lone.take();
        }
        match self.remote().fresh.steal() {
            Steal::Success(oldest) => Some(oldest),
            Steal::Retry | Steal::Empty => None,
        }
    }

    pub(super) fn take_delivered(&self) {
        let delivered = self.remote().inbox.take_all(|thread| {
            if thread.header().home.get().is_null() {
                self.fresh.push(thread);
                self.remote().one_has_come();
            } else {
                self.push_started(thread);
            }
        });
        if delivered > 0 {
            self.remote().counters.inbox.add(delivered);
        }
        if !self.remote().orders.is_empty() {
            self.carry_out_orders();
        }
    }

    /// Takes in what others, and time, have made runnable.
    pub(super) fn look_outside(&self) {
        self.take_delivered();
        self.fire_timers();
        if self.is_cancelling() && !self.cancelled_all.replace(true) {
            self.cancel_parked();
        }
        if let Some(thread) = self.take_injected() {
            self.fresh.push(thread);
        }
    }

    fn take_injected(&self) -> Option<Runnable> {
        let injector = &self.shared.injector;
        if injector.is_empty() {
            return None;
        }
        // A fair share: the other workers come for theirs.
        let limit = injector.len() / self.shared.remotes.len() + 1;
        let before = self.fresh.len();
        loop {
            match injector.steal_batch_with_limit_and_pop(&self.fresh, limit) {
                Steal::Success(thread) => {
                    let taken = 1 + self.fresh.len().saturating_sub(before);
                    self.remote().counters.injected.add(taken as u64);
                    return Some(thread);
                }
                Steal::Retry => spin(),
                Steal::Empty => return None,
            }
        }
    }

    /// Runs `thread`, and perhaps fresh ones after it on the same stack, until the one that
    /// runs then waits, yields or finishes.
    #[inline(always)]
    pub(super) fn execute(&self, thread: Runnable) {
        let header = thread.header();
        if header.home.get().is_null() {
            if self.deal_out(&thread) || !self.bind(&thread) {
                return;
            }
        } else if header.migrates {
            header.home.set(self.remote());
        }
        let runner = header.runner.get();
        self.begin_turn(&thread);
        // SAFETY: bound above or earlier, on this worker if it is sticky (1), and the right
        // to run it is ours.
        let suspension = unsafe { (*runner).resume() };
        let thread = self.current.replace(ptr::null());
        match suspension {
            Suspension::Finished => {
                // SAFETY: `bind` made it this thread's; it and those after it have finished.
                let runner = unsafe { OwnedRunner::from_raw(runner) };
                if self.runners.put(runner, &self.shared.spare_runners) {
                    self.remote().counters.overflowed.add(1);
                }
            }
            // SAFETY: it was run, so the right to run it was here and comes back.
            Suspension::Yielded => self.push_yielded(unsafe { Runnable::from_raw(thread) }),
            // SAFETY: as above.
            Suspension::Parked => self.let_wait(unsafe { Runnable::from_raw(thread) }),
        }
    }

    /// `thread` has given way: to fresh ones, too, which would otherwise pile up behind a
    /// thread that spawns one before each yield.
    #[inline(always)]
    fn push_yielded(&self, thread: Runnable) {
        self.turns.fresh_due.set(self.turns.count.get());
        self.push_started(thread);
    }

    #[inline]
    fn begin_turn(&self, thread: &Runnable) {
        self.remote().slice.refill();
        self.remote().slice.running().set(thread.header());
        self.set_current(thread.as_ptr());
    }

    /// The thread that runs is about to yield because `charge` said so. Fresh threads go
    /// first then: those that have started wait behind it, or have had their turns.
    #[cold]
    pub(crate) fn end_slice(&self) {
        self.turns.fresh_due.set(self.turns.count.get());
    }

    /// `thread` has left its stack to wait; the right to run it goes to its waker.
    #[inline]
    fn let_wait(&self, thread: Runnable) {
        let header = thread.header();
        self.list_parked(&thread);
        // A sticky one that was woken in between lies in this worker's queues by now. From
        // `transition_to_parked` on, a migrating one may be anybody's.
        // SAFETY: it has left its stack, and until then only this worker resumes it.
        let cancel = || unsafe { cancel(header) };
        if header.migrates && !header.run_state.transition_to_parked(cancel) {
            self.push_started(thread);
        }
    }

    /// Gives a fresh thread its stack. `false`: there was none, or the runtime closes,
    /// and the thread has ended.
    fn bind(&self, thread: &Runnable) -> bool {
        let header = thread.header();
        let closes = self.shared.is_closing();
        if closes && !header.is_local {
            return self.refuse(thread, header.cut_short());
        }
        match self.runners.take(header.stack_size(), &self.shared.spare_runners) {
            Ok(runner) => {
                runner.begin(thread.as_ptr());
                if header.measures_stack() {
                    runner.measure();
                }
                self.settle(header, runner.into_raw());
                true
            }
            Err(error) => self.refuse(thread, JoinError::no_stack(header.describe(), error)),
        }
    }

    /// Ends `thread`, which has not started, with `error`: the caller gives it up.
    #[cold]
    fn refuse(&self, thread: &Runnable, error: JoinError) -> bool {
        // SAFETY: the caller's promise.
        let thread = unsafe { Runnable::from_raw(thread.as_ptr()) };
        Self::uncount_child(thread.header());
        if thread.header().is_local {
            // SAFETY: as above. There is no stack for the destructors of its closure: if they
            // block, they block this worker.
            unsafe { thread.abandon(error) };
        } else {
            // Not here: the destructors may block.
            self.shared.blocking.refuse([RefusedThread::new(thread, error, &self.shared)]);
        }
        false
    }

    #[inline]
    fn settle(&self, header: &Header, runner: *const Runner) {
        header.runner.set(runner);
        header.home.set(self.remote());
        // It is only to end then, here, where what its closure holds may block.
        header.is_refused.set(header.is_cancel_asked() || self.shared.is_closing());
        self.remote().count_started(header.migrates);
        self.shared.names.enter(header);
    }
}

/// The thread on `runner` has come to its end: finishes it and, if a fresh thread is next,
/// gives it to `runner` (`true`). Otherwise the runner is to suspend.
pub(super) fn after_run(runner: &Runner) -> bool {
    let worker = current::worker();
    if worker.is_null() {
        fork::check_return();
    }
    // SAFETY: this runs in a green thread, so there is a worker (but in a forked child), and a
    // current thread whose right to run was used to run it and is used up here.
    let thread = unsafe { Runnable::from_raw((*worker).current()) };
    let migrates = thread.header().migrates;
    // May block, and so come back on another worker.
    thread.finish(|header| {
        runner.own().locals.end(Some(header));
        // SAFETY: as above.
        unsafe { &*current::worker() }.shared.names.leave(header);
        Worker::unlist_parked(header);
        Worker::uncount_child(header);
    });
    run_next(runner, migrates)
}

/// Never inlined: before it there may have been a switch, and what is looked up here, in
/// other crates, too, is of this OS thread.
#[inline(never)]
fn run_next(runner: &Runner, migrated: bool) -> bool {
    // SAFETY: this runs on a runner, so there is a worker.
    let worker = unsafe { &*current::worker() };
    worker.remote().count_finished(migrated);
    worker.set_current(ptr::null());
    if worker.shared.is_closing() {
        if migrated {
            worker.shared.moving_thread_ended();
        }
        return false;
    }
    let Some(next) = worker.pick() else { return false };
    let header = next.header();
    let is_fresh = header.home.get().is_null();
    if is_fresh && worker.deal_out(&next) {
        return false;
    }
    if is_fresh && header.takes_any_stack() && worker.runners.is_usual(runner) {
        runner.begin(next.as_ptr());
        worker.settle(header, runner);
        worker.begin_turn(&next);
        // The right to run it is with its runner now, as in `execute`.
        next.into_raw();
        return true;
    }
    worker.handoff.set(next.into_raw());
    false
}
