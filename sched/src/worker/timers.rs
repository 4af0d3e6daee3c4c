//! A worker's deadlines, in two heaps.
//!
//! 1. Those of its sticky threads are in one of its own, which nobody else touches: such a
//!    thread sets and cancels here, and when its worker is stuck it must wait for it anyway.
//! 2. Those of migrating threads are in `Remote`, under a lock: such a thread may cancel from
//!    another worker, and when this one is stuck others end its wait (`Shared::help`, and
//!    whoever naps: `search.rs`). As long as there are none nobody comes near that lock.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use super::{Remote, Worker};
use crate::current;
use crate::primitive::atomic::Ordering;
use crate::primitive::{Mutant, broken};
use crate::timer::{TimerNode, Timers};
use crate::waiter::{Waiter, Wake};

/// The deadlines that wake one worker, as it alone sees them.
pub(super) struct Deadlines {
    /// Of its sticky threads (1).
    own: RefCell<Timers>,
    /// The first of those.
    first: Cell<Option<Instant>>,
    /// Not later than the first in `Remote::timers`.
    first_moving: Cell<Option<Instant>>,
}

impl Deadlines {
    pub(super) fn new() -> Self {
        Self {
            own: RefCell::new(Timers::new()),
            first: Cell::new(None),
            first_moving: Cell::new(None),
        }
    }

    /// When this worker must look at its timers at the latest.
    #[inline]
    pub(super) fn next(&self) -> Option<Instant> {
        match (self.first.get(), self.first_moving.get()) {
            (Some(own), Some(moving)) => Some(own.min(moving)),
            (own, moving) => own.or(moving),
        }
    }

    fn set(&self, deadline: Instant, timer: &TimerNode) {
        if self.own.borrow_mut().insert(deadline, timer) {
            self.first.set(Some(deadline));
        }
    }

    fn cancel(&self, timer: &TimerNode) {
        let mut own = self.own.borrow_mut();
        if own.remove(timer) {
            self.first.set(own.next_deadline());
        }
    }

    /// One whose deadline has passed: it is set no more.
    fn pop_due(&self, now: Instant) -> Option<Wake> {
        let mut own = self.own.borrow_mut();
        while let Some(waiter) = own.pop_due(now) {
            // SAFETY: nobody else holds this heap, so the waiter is in place (timer.rs, 2).
            if let Some(wake) = unsafe { Waiter::time_out(waiter) } {
                return Some(wake);
            }
        }
        self.first.set(own.next_deadline());
        None
    }
}

/// Where a timer is set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TimerPlace {
    /// On the worker whose own it is: that of the thread that waits.
    Own,
    Moving(*const Remote),
}

impl Worker {
    /// Sets a timer of the green thread that runs. Returns where it is, for `cancel_timer`.
    pub(crate) fn set_timer(&self, deadline: Instant, timer: &TimerNode) -> TimerPlace {
        // SAFETY: the thread that runs is alive.
        if !unsafe { (*self.current()).migrates } {
            self.deadlines.set(deadline, timer);
            return TimerPlace::Own;
        }
        if self.remote().set_timer(deadline, timer) {
            self.deadlines.first_moving.set(Some(deadline));
        }
        TimerPlace::Moving(self.remote())
    }

    /// Cancels a timer that was set at `place`, if it has not fired. (Cancelled from
    /// elsewhere, it may still wake its worker once, for nothing.)
    ///
    /// # Safety
    ///
    /// `place` is what `set_timer` returned to this green thread, and its runtime is still
    /// there.
    pub(crate) unsafe fn cancel_timer(place: TimerPlace, timer: &TimerNode) {
        // SAFETY: a worker in the thread-local is alive.
        let worker = unsafe { current::worker().as_ref() };
        match place {
            TimerPlace::Own => {
                let worker = worker.expect("a sticky thread stays on its worker");
                worker.deadlines.cancel(timer);
            }
            TimerPlace::Moving(remote) => {
                // SAFETY: the caller's promise.
                let next = unsafe { &*remote }.cancel_timer(timer);
                if let Some(worker) = worker.filter(|worker| worker.is_home(remote)) {
                    worker.deadlines.first_moving.set(next);
                }
            }
        }
    }

    #[inline]
    pub(super) fn fire_timers(&self) {
        if let Some(next) = self.deadlines.next() {
            self.fire_timers_due(next);
        }
    }

    /// Ends the waits whose deadline has passed.
    fn fire_timers_due(&self, next: Instant) {
        let now = Instant::now();
        if now < next {
            return;
        }
        while let Some(wake) = self.deadlines.pop_due(now) {
            wake.wake();
        }
        if self.deadlines.first_moving.get().is_some_and(|first| first <= now) {
            self.deadlines.first_moving.set(self.remote().fire_timers(now));
        }
    }
}

impl Remote {
    /// Owner only. `true`: it is the first now.
    pub(super) fn set_timer(&self, deadline: Instant, timer: &TimerNode) -> bool {
        // Relaxed: a hint, once for all.
        self.has_timers.store(true, Ordering::Relaxed);
        self.timers.lock().insert(deadline, timer)
    }

    /// Returns the first deadline that is left.
    pub(super) fn cancel_timer(&self, timer: &TimerNode) -> Option<Instant> {
        let mut timers = self.timers.lock();
        timers.remove(timer);
        timers.next_deadline()
    }

    /// Ends the waits of migrating threads whose deadline has passed, on whatever worker.
    /// Returns the first deadline that is left.
    pub(super) fn fire_timers(&self, now: Instant) -> Option<Instant> {
        loop {
            let mut timers = self.timers.lock();
            let Some(waiter) = timers.pop_due(now) else { return timers.next_deadline() };
            if broken(Mutant::TimerFiredUnlocked) {
                drop(timers);
                timers = self.timers.lock();
            }
            // SAFETY: under the lock a timer's waiter is in place (timer.rs, 2).
            let wake = unsafe { Waiter::time_out(waiter) };
            drop(timers);
            if let Some(wake) = wake {
                wake.wake();
            }
        }
    }

    /// The same, from another worker that sees that this one does not come to it.
    #[inline]
    pub(super) fn fire_timers_for(&self, now: Instant) {
        if self.has_timers.load(Ordering::Relaxed) {
            self.fire_timers(now);
        }
    }
}
