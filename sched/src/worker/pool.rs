//! Idle runners: a worker's own, last in, first out, so that the next green thread
//! gets a stack that is still in the cache; and the runtime's, for what is too many.
//!
//! A worker keeps runners of the runtime's usual class of stack; the runtime, of all. What
//! nobody has needed in a while is given back to the system by the monitor, little by little
//! ([`SpareRunners::trim`]): the stacks that are kept in any case but for their highest page,
//! the others whole.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;

use crate::context::{AfterRun, OwnedRunner, Runner};
use crate::primitive::Mutex;
use crate::stack::{Class, NoStack};

/// Runners kept by each worker.
const LOCAL: usize = 64;

/// Runners moved at once between a worker and the runtime.
const BATCH: usize = LOCAL / 2;

/// Runners kept by a worker that sleeps.
const ASLEEP: usize = 4;

/// Runners of each class that a runtime keeps in any case.
const KEPT: usize = 256;

/// Runners given back at a time: some milliseconds, in which the monitor does nothing else.
const PORTION: usize = 2048;

/// And while the lock is held.
const LOCKED_PORTION: usize = 64;

/// What is left over in all workers of a runtime.
pub(crate) struct SpareRunners(Mutex<Box<[Spare]>>);

/// Those of one class, the least recently used first.
#[derive(Default)]
struct Spare {
    runners: VecDeque<OwnedRunner>,
    /// The fewest there were since the last round of trimming began: so many were not needed.
    fewest: usize,
    /// Of the first ones, so many are still to be dropped in this round,
    to_drop: usize,
    /// and of those after them all from here
    next: usize,
    /// up to here are still to be given back.
    end: usize,
}

/// What is left to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Surplus {
    /// None, unless somebody runs.
    None,
    /// Something that may yet be needed: look again after a while.
    Later,
    /// The next portion.
    Now,
}

impl SpareRunners {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((0..Class::COUNT).map(|_| Spare::default()).collect()))
    }

    fn take(&self, class: Class) -> Option<OwnedRunner> {
        self.0.lock()[class.index()].take()
    }

    fn put(&self, class: Class, runners: impl Iterator<Item = OwnedRunner>) {
        self.0.lock()[class.index()].runners.extend(runners);
    }

    /// Gives a portion of what was not needed back to the system: half of it whole, of the rest
    /// all but the highest pages. A new round begins when the last has ended, and
    /// `is_due`.
    pub(crate) fn trim(&self, is_due: bool) -> Surplus {
        let classes = 0..Class::COUNT;
        classes.map(|class| self.trim_class(class, is_due)).max().unwrap_or(Surplus::None)
    }

    fn trim_class(&self, class: usize, is_due: bool) -> Surplus {
        let dropped: Vec<_> = {
            let spare = &mut self.0.lock()[class];
            if spare.runners.is_empty() {
                return Surplus::None;
            }
            if is_due && spare.is_round_over() {
                spare.begin_round();
            }
            spare.take_dropped()
        };
        let mut left = PORTION - dropped.len();
        OwnedRunner::drop_all(dropped);
        while left > 0 && self.0.lock()[class].give_some_back(&mut left) {}
        self.0.lock()[class].surplus()
    }
}

impl Spare {
    fn take(&mut self) -> Option<OwnedRunner> {
        let runner = self.runners.pop_back();
        self.fewest = self.fewest.min(self.runners.len());
        runner
    }

    fn begin_round(&mut self) {
        let len = self.runners.len();
        self.to_drop = self.fewest.div_ceil(2).min(len.saturating_sub(KEPT));
        (self.next, self.end) = (0, self.fewest - self.to_drop);
        self.fewest = len - self.to_drop;
    }

    fn is_round_over(&self) -> bool {
        self.to_drop == 0 && self.next >= self.end.min(self.runners.len())
    }

    fn take_dropped(&mut self) -> Vec<OwnedRunner> {
        let portion = self.to_drop.min(PORTION).min(self.runners.len());
        self.to_drop -= portion;
        if portion < PORTION {
            // Some have been needed meanwhile.
            self.to_drop = 0;
        }
        let dropped = self.runners.drain(..portion).collect();
        self.fewest = self.fewest.min(self.runners.len());
        dropped
    }

    /// `false`: there are no more in this round.
    fn give_some_back(&mut self, left: &mut usize) -> bool {
        for _ in 0..LOCKED_PORTION.min(*left) {
            let Some(runner) = self.runners.get(self.next).filter(|_| self.next < self.end) else {
                return false;
            };
            if !runner.is_given_back() {
                runner.give_back();
                *left -= 1;
            }
            self.next += 1;
        }
        true
    }

    fn surplus(&self) -> Surplus {
        if !self.is_round_over() {
            return Surplus::Now;
        }
        let is_more = self.runners.len() > KEPT;
        let may_be_more = is_more || self.runners.iter().any(|runner| !runner.is_given_back());
        if may_be_more { Surplus::Later } else { Surplus::None }
    }
}

impl Drop for SpareRunners {
    fn drop(&mut self) {
        let classes = std::mem::take(&mut *self.0.lock());
        OwnedRunner::drop_all(classes.into_iter().flat_map(|spare| spare.runners));
    }
}

impl fmt::Debug for SpareRunners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpareRunners").finish_non_exhaustive()
    }
}

/// One worker's idle runners.
#[derive(Debug)]
pub(crate) struct RunnerPool {
    runners: RefCell<Vec<OwnedRunner>>,
    /// The usual one. (None if the runtime asks for too much: so will its threads.)
    class: Option<Class>,
    after: AfterRun,
}

impl RunnerPool {
    /// An empty pool of runners with `stack_size` bytes, which call `after` after each
    /// thread.
    pub(crate) fn new(stack_size: usize, after: AfterRun) -> Self {
        let class = Class::of(stack_size).ok();
        Self { runners: RefCell::new(Vec::with_capacity(LOCAL)), class, after }
    }

    /// Whether `runner` could have come from the pool.
    #[inline]
    pub(crate) fn is_usual(&self, runner: &Runner) -> bool {
        Some(runner.extent().class()) == self.class
    }

    /// A runner with `stack_size` bytes (the usual, if `None`), pooled or new.
    #[inline]
    pub(crate) fn take(
        &self,
        stack_size: Option<usize>,
        spare: &SpareRunners,
    ) -> Result<OwnedRunner, NoStack> {
        if stack_size.is_none()
            && let Some(runner) = self.runners.borrow_mut().pop()
        {
            return Ok(runner);
        }
        self.take_elsewhere(stack_size, spare)
    }

    #[cold]
    fn take_elsewhere(
        &self,
        stack_size: Option<usize>,
        spare: &SpareRunners,
    ) -> Result<OwnedRunner, NoStack> {
        let class = match (stack_size, self.class) {
            (Some(size), _) => Class::of(size)?,
            (None, Some(class)) => class,
            (None, None) => Class::of(usize::MAX)?,
        };
        let pooled = if Some(class) == self.class {
            let mut runners = self.runners.borrow_mut();
            if runners.is_empty() {
                spare.refill(class, &mut runners);
            }
            runners.pop()
        } else {
            spare.take(class)
        };
        pooled.map_or_else(|| Runner::with_stack(class, self.after), Ok)
    }

    /// Takes back a runner whose thread has finished. `true`: there was no room for all.
    #[inline]
    pub(crate) fn put(&self, runner: OwnedRunner, spare: &SpareRunners) -> bool {
        let mut runners = self.runners.borrow_mut();
        if runners.len() == LOCAL || !self.is_usual(&runner) {
            drop(runners);
            return self.put_elsewhere(runner, spare);
        }
        runners.push(runner);
        false
    }

    #[cold]
    fn put_elsewhere(&self, runner: OwnedRunner, spare: &SpareRunners) -> bool {
        let class = runner.extent().class();
        if Some(class) != self.class {
            spare.put(class, std::iter::once(runner));
            return false;
        }
        let mut runners = self.runners.borrow_mut();
        spare.put(class, runners.drain(..BATCH));
        runners.push(runner);
        true
    }

    /// The worker is about to sleep: others may need what it has, and the monitor sees only
    /// what is spare.
    pub(crate) fn put_aside(&self, spare: &SpareRunners) {
        let mut runners = self.runners.borrow_mut();
        let surplus = runners.len().saturating_sub(ASLEEP);
        if let Some(class) = self.class.filter(|_| surplus > 0) {
            spare.put(class, runners.drain(..surplus));
        }
    }
}

impl SpareRunners {
    fn refill(&self, class: Class, runners: &mut Vec<OwnedRunner>) {
        let spare = &mut self.0.lock()[class.index()];
        let keep = spare.runners.len().saturating_sub(BATCH);
        runners.extend(spare.runners.drain(keep..));
        spare.fewest = spare.fewest.min(keep);
    }
}

impl Drop for RunnerPool {
    fn drop(&mut self) {
        OwnedRunner::drop_all(self.runners.get_mut().drain(..));
    }
}
