//! Idle runners: a worker's own, last in, first out, so that the next green thread
//! gets a stack that is still in the cache; and the runtime's, for what is too many.
//!
//! Only runners of the runtime's usual stack size are kept.

use std::cell::RefCell;
use std::io;

use crate::context::{AfterRun, OwnedRunner, Runner};
use crate::primitive::Mutex;

/// Runners kept by each worker.
const LOCAL: usize = 64;

/// Runners moved at once between a worker and the runtime.
const BATCH: usize = LOCAL / 2;

/// Runners kept by the runtime.
const SPARE: usize = 1024;

/// What is left over in all workers of a runtime.
#[derive(Debug)]
pub(crate) struct SpareRunners(Mutex<Vec<OwnedRunner>>);

impl SpareRunners {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

/// One worker's idle runners.
#[derive(Debug)]
pub(crate) struct RunnerPool {
    runners: RefCell<Vec<OwnedRunner>>,
    stack_size: usize,
    after: AfterRun,
}

impl RunnerPool {
    /// An empty pool of runners with `stack_size` bytes, which call `after` after each
    /// thread.
    pub(crate) fn new(stack_size: usize, after: AfterRun) -> Self {
        Self { runners: RefCell::new(Vec::with_capacity(LOCAL)), stack_size, after }
    }

    /// Whether `runner` could have come from the pool.
    #[inline]
    pub(crate) fn is_usual(&self, runner: &Runner) -> bool {
        runner.stack_size() == self.stack_size
    }

    /// A runner with `stack_size` bytes (the usual, if `None`), pooled or new.
    #[inline]
    pub(crate) fn take(
        &self,
        stack_size: Option<usize>,
        spare: &SpareRunners,
    ) -> io::Result<OwnedRunner> {
        match stack_size {
            Some(size) if size != self.stack_size => Runner::with_stack(size, self.after),
            _ => {
                let mut runners = self.runners.borrow_mut();
                match runners.pop() {
                    Some(runner) => Ok(runner),
                    None => self.refill(&mut runners, spare),
                }
            }
        }
    }

    #[cold]
    fn refill(
        &self,
        runners: &mut Vec<OwnedRunner>,
        spare: &SpareRunners,
    ) -> io::Result<OwnedRunner> {
        {
            let mut spare = spare.0.lock();
            let keep = spare.len().saturating_sub(BATCH);
            runners.extend(spare.drain(keep..));
        }
        match runners.pop() {
            Some(runner) => Ok(runner),
            None => Runner::with_stack(self.stack_size, self.after),
        }
    }

    /// Takes back a runner whose thread has finished. `true`: there was no room for all.
    #[inline]
    pub(crate) fn put(&self, runner: OwnedRunner, spare: &SpareRunners) -> bool {
        if !self.is_usual(&runner) {
            return false;
        }
        let mut runners = self.runners.borrow_mut();
        let is_full = runners.len() == LOCAL;
        if is_full {
            let batch = runners.drain(..BATCH);
            let mut spare = spare.0.lock();
            let room = SPARE.saturating_sub(spare.len());
            // What has no room is freed, after the lock.
            let surplus: Vec<_> = batch
                .enumerate()
                .filter_map(|(i, runner)| {
                    if i < room {
                        spare.push(runner);
                        None
                    } else {
                        Some(runner)
                    }
                })
                .collect();
            drop(spare);
            drop(surplus);
        }
        runners.push(runner);
        is_full
    }
}
