//! Threads that go first, and threads that go last.
//!
//! Those of normal priority, which most are, take the ways of `turn.rs`. For the others there
//! are two more queues each: one of the worker's own, for threads that are to stay there, and
//! one of the runtime's, for those that any worker may take.
//!
//! - High ones go before all others at each turn, but [`HIGH_STREAK`] times in a row at most.
//!   A thread whose timer has fired counts as high for one turn; one that migrates goes after them.
//! - Low ones go when there is nothing else here, and one at every [`LOW_EVERY`]th look
//!   outside, so that none waits for ever.

use super::Worker;
use crate::primitive::atomic::{AtomicBool, Ordering};
use crate::primitive::deque::{Injector, Steal};
use crate::primitive::spin;
use crate::thread::Runnable;

/// How soon a green thread gets its turn, among those that can run on a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Priority {
    /// Before the others: for what must answer soon and takes little time.
    High,
    /// In turn.
    #[default]
    Normal,
    /// When there is nothing else to do, and now and then.
    Low,
}

/// How often in a row threads of high priority go first.
const HIGH_STREAK: u32 = 32;

/// A thread of low priority gets a turn at every so many looks outside.
pub(super) const LOW_EVERY: usize = 8;

/// The runtime's threads that are not of normal priority, and that any worker may run.
pub(crate) struct Ranked {
    high: Injector<Runnable>,
    low: Injector<Runnable>,
    /// Whether there ever was one: most runtimes never have any.
    used: AtomicBool,
}

impl Ranked {
    pub(super) fn new() -> Self {
        Self { high: Injector::new(), low: Injector::new(), used: AtomicBool::new(false) }
    }

    /// Adds a thread that is not of normal priority. The caller notifies.
    pub(super) fn push(&self, thread: Runnable) {
        // Relaxed: the fence of the notification orders it.
        self.used.store(true, Ordering::Relaxed);
        match thread.header().priority {
            Priority::Low => self.low.push(thread),
            _ => self.high.push(thread),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        !self.used.load(Ordering::Relaxed) || self.high.is_empty() && self.low.is_empty()
    }

    /// Where they are.
    pub(super) fn injectors(&self) -> [&Injector<Runnable>; 2] {
        [&self.high, &self.low]
    }

    /// Any one of them.
    pub(super) fn pop(&self) -> Option<Runnable> {
        pop(&self.high).or_else(|| pop(&self.low))
    }
}

fn pop(injector: &Injector<Runnable>) -> Option<Runnable> {
    loop {
        match injector.steal() {
            Steal::Success(thread) => return Some(thread),
            Steal::Retry => spin(),
            Steal::Empty => return None,
        }
    }
}

impl Worker {
    /// Adds a thread that is not of normal priority and is to stay here.
    #[cold]
    pub(super) fn push_ranked(&self, thread: Runnable) {
        match thread.header().priority {
            Priority::Low => self.low.push_back(thread),
            _ => self.high.push_back(thread),
        }
    }

    /// A thread that goes before all others.
    #[inline]
    pub(super) fn pop_high(&self) -> Option<Runnable> {
        let ranked = &self.shared.ranked;
        if self.high.is_empty() && !ranked.used.load(Ordering::Relaxed) {
            return None;
        }
        self.pop_one_high()
    }

    fn pop_one_high(&self) -> Option<Runnable> {
        let streak = self.high_streak.replace(0);
        if streak == HIGH_STREAK {
            return None;
        }
        let thread = self.high.pop_front().or_else(|| pop(&self.shared.ranked.high))?;
        self.high_streak.set(streak + 1);
        Some(thread)
    }

    /// A thread that goes after all others.
    pub(super) fn pop_low(&self) -> Option<Runnable> {
        let low = self.low.pop_front();
        if low.is_none() && self.shared.ranked.used.load(Ordering::Relaxed) {
            return pop(&self.shared.ranked.low);
        }
        low
    }
}
