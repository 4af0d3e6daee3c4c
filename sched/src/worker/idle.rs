//! Who sleeps, who searches, and who must be woken: the protocol is explained, with
//! its invariants and what breaks without each part, in `worker/README.md`.

use crossbeam_utils::CachePadded;
use std::time::Instant;

use crate::os_parker::OsParker;
use crate::primitive::atomic::{AtomicUsize, Ordering, fence};
use crate::primitive::{Mutant, broken};

/// The idle workers of one runtime.
#[derive(Debug)]
pub struct Idle {
    /// Workers that look through all queues for something to steal.
    searching: CachePadded<AtomicUsize>,
    /// One bit for each worker that sleeps or is about to. Whoever clears a bit owes
    /// that worker one `unpark`, unless it is the worker itself.
    sleepers: Box<[AtomicUsize]>,
    parkers: Box<[CachePadded<OsParker>]>,
}

const BITS: usize = usize::BITS as usize;

impl Idle {
    /// For `workers` workers, all awake, none searching.
    pub fn new(workers: usize) -> Self {
        Self {
            searching: CachePadded::new(AtomicUsize::new(0)),
            sleepers: (0..workers.div_ceil(BITS)).map(|_| AtomicUsize::new(0)).collect(),
            parkers: (0..workers).map(|_| CachePadded::new(OsParker::new())).collect(),
        }
    }

    /// To be called *after* work that any worker may take was put into a queue.
    #[inline]
    pub fn notify_any(&self) {
        if !broken(Mutant::IdleNotifyNoFence) {
            // Pairs with the fences in `sleep` and `found_work`: either that worker
            // sees the work, or we see its bit, or that it no longer searches.
            fence(Ordering::SeqCst);
        }
        if self.searching.load(Ordering::Relaxed) == 0 {
            self.wake_any();
        }
    }

    /// To be called *after* work for `worker` alone was put into its inbox.
    #[inline]
    pub fn notify(&self, worker: usize) {
        // Pairs with the fence in `sleep`: either it sees the work, or we its bit.
        fence(Ordering::SeqCst);
        let asleep = self.sleepers[worker / BITS].load(Ordering::Relaxed) & bit(worker) != 0;
        if asleep && !broken(Mutant::IdleTargetedSkipped) {
            self.wake(worker);
        }
    }

    /// Whether one more may search: at most half of the workers do at a time.
    /// `true`: the caller searches now, until `found_work` or `sleep`.
    pub fn start_searching(&self) -> bool {
        // Relaxed: the bound is there to save heat, and may be overstepped.
        let few = self.searching.load(Ordering::Relaxed) * 2 < self.parkers.len();
        if few {
            self.searching.fetch_add(1, Ordering::Relaxed);
        }
        few
    }

    /// A searcher has found something and goes to run it. What else there is was
    /// left to it by those that saw it search: `more_work` says if there is any.
    pub fn found_work(&self, more_work: impl FnOnce() -> bool) {
        // Relaxed: the fence orders it.
        if self.searching.fetch_sub(1, Ordering::Relaxed) == 1
            && !broken(Mutant::IdleFoundNoRecheck)
        {
            // Pairs with the fence in `notify_any`.
            fence(Ordering::SeqCst);
            if more_work() {
                self.wake_any();
            }
        }
    }

    /// Sleeps until notified or until the deadline, unless `has_work` finds something
    /// that came in between. Returns as a searcher.
    pub fn sleep(
        &self,
        worker: usize,
        searching: bool,
        deadline: Option<Instant>,
        has_work: impl FnOnce() -> bool,
    ) {
        // Relaxed, twice: the fence orders them.
        self.sleepers[worker / BITS].fetch_or(bit(worker), Ordering::Relaxed);
        if searching {
            self.searching.fetch_sub(1, Ordering::Relaxed);
        }
        if !broken(Mutant::IdleSleepNoFence) {
            // Pairs with the fences in `notify_any` and `notify`.
            fence(Ordering::SeqCst);
        }
        let stay_awake = !broken(Mutant::IdleSleepNoRecheck) && has_work();
        if !stay_awake && self.parkers[worker].park(deadline) {
            return;
        }
        if self.take_bit(worker) {
            self.searching.fetch_add(1, Ordering::Relaxed);
        } else {
            // Somebody else has taken it, counted us as a searcher, and owes an unpark.
            self.parkers[worker].park(None);
        }
    }

    /// Wakes `worker` if it sleeps, whatever it waits for.
    fn wake(&self, worker: usize) -> bool {
        let won = self.take_bit(worker);
        if won {
            // Whoever is woken searches: so nobody needs to know why it was woken.
            self.searching.fetch_add(1, Ordering::Relaxed);
            // SAFETY: the parker lives as long as `self`.
            unsafe { self.parkers[worker].unparker().unpark() };
        }
        won
    }

    #[cold]
    fn wake_any(&self) {
        for (index, word) in self.sleepers.iter().enumerate() {
            loop {
                let sleepers = word.load(Ordering::Relaxed);
                if sleepers == 0 {
                    break;
                }
                if self.wake(index * BITS + sleepers.trailing_zeros() as usize) {
                    return;
                }
            }
        }
    }

    fn take_bit(&self, worker: usize) -> bool {
        // Relaxed: a claim; what is handed over goes through the queues and parkers.
        self.sleepers[worker / BITS].fetch_and(!bit(worker), Ordering::Relaxed) & bit(worker) != 0
    }
}

const fn bit(worker: usize) -> usize {
    1 << (worker % BITS)
}
