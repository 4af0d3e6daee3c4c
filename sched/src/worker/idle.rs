//! Who sleeps, who searches, and who must be woken: the protocol is explained, with
//! its invariants and what breaks without each part, in `worker/README.md`.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::driver::Driver;
use crate::primitive::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use crate::primitive::{Mutant, NAPS, broken};

/// The idle workers of one runtime.
#[derive(Debug)]
pub struct Idle {
    /// Workers that look through all queues for something to steal.
    searching: CachePadded<AtomicUsize>,
    /// One bit for each worker that sleeps or is about to. Whoever clears a bit owes
    /// that worker one `unpark`, unless it is the worker itself.
    sleepers: Box<[AtomicUsize]>,
    /// A sleeper will wake by itself, soon, to see what the busy ones do.
    napping: AtomicBool,
    /// A sleeper has found others' threads not worth taking: let it sleep.
    resting: AtomicBool,
    /// What it takes a worker to wake up, in nanoseconds: measured all the time.
    wake_nanos: AtomicU64,
    /// Where each of them sleeps.
    drivers: Box<[CachePadded<Driver>]>,
}

/// What a wake is taken to cost before it was measured, and the range in which it is
/// believed: a worker that gets no CPU seems to sleep on.
const FIRST_WAKE_NANOS: u64 = 10_000;
const WAKE_NANOS: RangeInclusive<u64> = 2_000..=15_000;

const BITS: usize = usize::BITS as usize;

impl Idle {
    /// For `workers` workers, all awake, none searching.
    pub fn new(workers: usize) -> Self {
        Self {
            searching: CachePadded::new(AtomicUsize::new(0)),
            sleepers: (0..workers.div_ceil(BITS)).map(|_| AtomicUsize::new(0)).collect(),
            napping: AtomicBool::new(false),
            resting: AtomicBool::new(false),
            wake_nanos: AtomicU64::new(FIRST_WAKE_NANOS),
            drivers: (0..workers).map(|_| CachePadded::new(Driver::new())).collect(),
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
        if self.is_asleep(worker) && !broken(Mutant::IdleTargetedSkipped) {
            self.wake(worker);
        }
    }

    /// Whether one more may search: at most half of the workers do at a time.
    /// `true`: the caller searches now, until `found_work` or `sleep`.
    pub fn start_searching(&self) -> bool {
        // Relaxed: the bound is there to save heat, and may be overstepped.
        // One more, since a worker that is being woken counts, too, and is late.
        let few = self.searching.load(Ordering::Relaxed) * 2 < self.drivers.len() + 2;
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
        if !stay_awake && self.drivers[worker].park(deadline) {
            return self.note_wake(self.drivers[worker].took());
        }
        if self.take_bit(worker) {
            self.searching.fetch_add(1, Ordering::Relaxed);
        } else {
            // Somebody else has taken it, counted us as a searcher, and owes an unpark.
            self.drivers[worker].park(None);
        }
    }

    /// Wakes `worker` if it sleeps, whatever it waits for.
    fn wake(&self, worker: usize) -> bool {
        let won = self.take_bit(worker);
        if won {
            // Whoever is woken searches: so nobody needs to know why it was woken.
            self.searching.fetch_add(1, Ordering::Relaxed);
            self.drivers[worker].unpark();
        }
        won
    }

    /// Wakes one that sleeps, if any does.
    #[cold]
    pub(crate) fn wake_any(&self) {
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

    /// Whether anyone sleeps who would help a busy worker: a hint.
    #[inline]
    pub(crate) fn could_help(&self) -> bool {
        !self.resting.load(Ordering::Relaxed) && self.is_anyone_asleep()
    }

    /// The caller is about to sleep, or has slept, while it keeps away from others' threads.
    pub(crate) fn rest(&self, is_resting: bool) {
        self.resting.store(is_resting, Ordering::Relaxed);
    }

    #[inline]
    fn is_anyone_asleep(&self) -> bool {
        self.sleepers.iter().any(|word| word.load(Ordering::Relaxed) != 0)
    }

    /// Whether anyone does not sleep: a hint, unless the caller has a fence.
    pub(crate) fn is_anyone_awake(&self) -> bool {
        self.count_asleep() < self.drivers.len()
    }

    /// Whether everyone sleeps: a hint.
    pub(crate) fn is_everyone_asleep(&self) -> bool {
        self.count_asleep() == self.drivers.len()
    }

    /// Whether `worker` sleeps: a hint.
    pub(crate) fn is_asleep(&self, worker: usize) -> bool {
        self.sleepers[worker / BITS].load(Ordering::Relaxed) & bit(worker) != 0
    }

    fn count_asleep(&self) -> usize {
        let asleep = self.sleepers.iter().map(|word| word.load(Ordering::Relaxed).count_ones());
        asleep.sum::<u32>() as usize
    }

    /// Whether nobody sleeps, or somebody will soon look at what the busy ones do: a hint.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.napping.load(Ordering::Relaxed)
            || self.searching.load(Ordering::Relaxed) != 0
            || !self.is_anyone_asleep()
    }

    /// The caller is about to sleep. `true`: not for long, since others are busy and nobody
    /// else naps; until `stop_napping`.
    pub(crate) fn start_napping(&self) -> bool {
        let is_last = self.count_asleep() + 1 >= self.drivers.len();
        // Relaxed: two nappers, or none for a moment, do no harm (README.md).
        NAPS && !is_last && !self.napping.swap(true, Ordering::Relaxed)
    }

    /// The nap is over.
    pub(crate) fn stop_napping(&self) {
        self.napping.store(false, Ordering::Relaxed);
    }

    /// What it costs to wake a worker, in nanoseconds: a moving average.
    #[inline]
    pub(crate) fn wake_nanos(&self) -> u64 {
        self.wake_nanos.load(Ordering::Relaxed)
    }

    fn note_wake(&self, took: Duration) {
        let took = took.as_nanos() as u64;
        let took = took.clamp(*WAKE_NANOS.start(), *WAKE_NANOS.end());
        // Another worker's measurement may be lost.
        self.wake_nanos.store((self.wake_nanos() * 7 + took) / 8, Ordering::Relaxed);
    }

    fn take_bit(&self, worker: usize) -> bool {
        // Relaxed: a claim; what is handed over goes through the queues and parkers.
        self.sleepers[worker / BITS].fetch_and(!bit(worker), Ordering::Relaxed) & bit(worker) != 0
    }
}

const fn bit(worker: usize) -> usize {
    1 << (worker % BITS)
}
