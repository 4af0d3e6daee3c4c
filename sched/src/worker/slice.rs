//! How long the green thread that runs may still go on: its worker's line of words that
//! change with each turn or operation.

use crate::monitor::RunningNow;
use crate::primitive::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Operations on channels and locks in one turn: a thread that never has to wait yields
/// after so many.
const BUDGET: u32 = 256;

/// Written by one worker, read by all; but for the request to yield.
#[derive(Debug)]
pub(crate) struct Slice {
    /// Operations left.
    budget: AtomicU32,
    /// Set by others: the thread that runs has had its time.
    yield_asked: AtomicBool,
    /// Turns taken.
    turns: AtomicUsize,
    /// The turn in which the thread that runs said that it would block its OS thread.
    blocking: AtomicUsize,
    running: RunningNow,
}

impl Slice {
    pub(crate) fn new() -> Self {
        Self {
            budget: AtomicU32::new(BUDGET),
            yield_asked: AtomicBool::new(false),
            turns: AtomicUsize::new(0),
            blocking: AtomicUsize::new(usize::MAX),
            running: RunningNow::new(),
        }
    }

    /// Counts one operation. `true`: the thread has used up its budget, or its time. Owner
    /// only.
    #[inline]
    pub(crate) fn charge(&self) -> bool {
        // Relaxed, and not a read-modify-write: nobody else writes it.
        let budget = self.budget.load(Ordering::Relaxed);
        self.budget.store(budget.saturating_sub(1), Ordering::Relaxed);
        budget == 0 || self.is_yield_asked()
    }

    /// A turn begins. Owner only.
    #[inline]
    pub(super) fn refill(&self) {
        self.budget.store(BUDGET, Ordering::Relaxed);
        // What the thread before was asked is not for this one.
        self.yield_asked.store(false, Ordering::Relaxed);
    }

    /// Asks the thread that runs to yield before its turn ends otherwise.
    pub(crate) fn ask_to_yield(&self) {
        // Relaxed: it may come late, and to the thread after.
        self.yield_asked.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_yield_asked(&self) -> bool {
        self.yield_asked.load(Ordering::Relaxed)
    }

    /// Turns taken so far.
    #[inline]
    pub(crate) fn turns(&self) -> usize {
        self.turns.load(Ordering::Relaxed)
    }

    /// Owner only.
    #[inline]
    pub(super) fn set_turns(&self, turns: usize) {
        self.turns.store(turns, Ordering::Relaxed);
    }

    /// The thread that runs is about to block its OS thread, until `is_back` or the end of its
    /// turn. Owner only.
    pub(super) fn blocks(&self) {
        self.blocking.store(self.turns(), Ordering::Relaxed);
    }

    /// Owner only.
    pub(super) fn is_back(&self) {
        self.blocking.store(usize::MAX, Ordering::Relaxed);
    }

    /// Whether the thread that runs blocks its OS thread, and has said so.
    pub(crate) fn is_blocking(&self) -> bool {
        self.blocking.load(Ordering::Relaxed) == self.turns()
    }

    /// Who runs.
    #[inline]
    pub(crate) fn running(&self) -> &RunningNow {
        &self.running
    }
}
