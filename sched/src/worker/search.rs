//! When a worker has nothing of its own: it looks for threads elsewhere, and goes to
//! sleep. The protocol is in README.md, the counting in `idle.rs`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::{Remote, Shared, Worker};
use crate::primitive::atomic::Ordering;
use crate::primitive::deque::{self, Steal, Stealer};
use crate::primitive::{Mutant, NAPS, broken, spin};
use crate::thread::Runnable;

/// A worker that has taken no turn for so long does not come to what it is about to run.
pub(super) const STUCK: Duration = Duration::from_micros(5);

/// One that has taken no turn for so long is asked to, while another has nothing to do: what
/// waits behind it may have work to give away.
const TOO_LONG: Duration = Duration::from_micros(20);

/// For so long every worker searches each time, whatever it has seen before.
const SEARCH_AT_LEAST: Duration = Duration::from_micros(2);

/// Threads that last less than this are not worth stealing: moving one to another core
/// costs as much.
const TINY: Duration = Duration::from_nanos(400);

/// How long a thief that took tiny threads keeps away, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_micros(4), Duration::from_micros(200));

/// How long a nap lasts, at first and at most.
const NAP: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(1));

/// What a thief remembers of a victim.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    pub(super) turns: usize,
    pub(super) since: Instant,
}

/// How eagerly a worker looks around, from what came of it before.
pub(super) struct Pace {
    busy_since: Cell<Instant>,
    idle_since: Cell<Instant>,
    /// How long it took until there was work again: a moving average.
    gap: Cell<Duration>,
    nap: Cell<Duration>,
    /// After how many turns the last batch was stolen: to see how long its threads lasted.
    stolen: Cell<Option<usize>>,
    back_off: Cell<Duration>,
    back_off_until: Cell<Option<Instant>>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            busy_since: Cell::new(Instant::now()),
            idle_since: Cell::new(Instant::now()),
            gap: Cell::new(Duration::ZERO),
            nap: Cell::new(NAP.0),
            stolen: Cell::new(None),
            back_off: Cell::new(Duration::ZERO),
            back_off_until: Cell::new(None),
        }
    }

    /// The worker has run out of work, after `turns` turns.
    fn stop(&self, now: Instant, turns: usize) {
        let busy = now.duration_since(self.busy_since.get());
        self.idle_since.set(now);
        if let Some(before) = self.stolen.take()
            && NAPS
        {
            let count = turns.wrapping_sub(before).max(1);
            if busy < TINY * count.min(1 << 20) as u32 {
                self.back_off.set((self.back_off.get() * 2).clamp(BACK_OFF.0, BACK_OFF.1));
                self.back_off_until.set(Some(now + self.back_off.get()));
            } else {
                self.back_off.set(Duration::ZERO);
            }
        }
    }

    fn start(&self, now: Instant) {
        // A long gap is as good as a longer one.
        let gap = now.duration_since(self.idle_since.get()).min(Duration::from_millis(1));
        self.gap.set((self.gap.get() * 3 + gap) / 4);
        self.busy_since.set(now);
        self.nap.set(NAP.0);
    }

    /// Until when it is to keep away from others' threads, if at all.
    fn back_off_until(&self, now: Instant) -> Option<Instant> {
        let until = self.back_off_until.get().filter(|until| now < *until);
        self.back_off_until.set(until);
        until
    }

    /// For how long to search. Partners on two workers that both sleep see gaps of about four
    /// wakes: each wakes the other and is woken by it, which costs the waker as much again. So
    /// those who see gaps like that wait for as long, and find each other awake from then on.
    fn search_limit(&self, wake: Duration) -> Duration {
        if self.expects_work(wake) { 4 * wake } else { SEARCH_AT_LEAST }
    }

    fn expects_work(&self, wake: Duration) -> bool {
        self.gap.get() <= 6 * wake
    }

    fn nap(&self) -> Duration {
        let nap = self.nap.get();
        self.nap.set((nap * 2).min(NAP.1));
        nap
    }
}

/// How often a worker looks into its inbox before it does anything that takes longer: for
/// about as long as a partner elsewhere takes to answer.
const LOOKS: u32 = 64;

impl Worker {
    /// Waits a moment for what others may be about to deliver. As far as anybody can see the
    /// worker is busy meanwhile.
    #[cold]
    pub(super) fn linger(&self) -> Option<Runnable> {
        if !NAPS || self.shared.remotes.len() == 1 || !self.expects_work() {
            return None;
        }
        for _ in 0..LOOKS {
            if self.has_mail() {
                self.take_delivered();
                return self.pop_any();
            }
            spin();
        }
        None
    }

    /// Whether the thread that runs, when it parks, leaves this worker with nothing to do but
    /// to wait for an answer that is likely to come soon.
    #[inline]
    pub(crate) fn would_idle(&self) -> bool {
        self.shared.remotes.len() > 1
            && self.next.get().is_null()
            && self.local.is_empty()
            && self.is_empty_otherwise()
            && self.expects_work()
            && !self.is_look_due()
    }

    #[cold]
    fn is_empty_otherwise(&self) -> bool {
        let remote = self.remote();
        let slots_are = remote.lone.is_empty() && remote.next.is_empty();
        let deques_are = self.fresh.is_empty() && self.moving.is_empty();
        slots_are && deques_are && self.high.is_empty() && self.low.is_empty() && !self.has_mail()
    }

    /// Whether others have something for this worker alone.
    #[inline]
    pub(crate) fn has_mail(&self) -> bool {
        !self.remote().inbox.is_empty() || !self.remote().orders.is_empty()
    }

    fn expects_work(&self) -> bool {
        self.pace.expects_work(Duration::from_nanos(self.shared.idle.wake_nanos()))
    }

    /// Searches, sleeps, searches again; `None`: the worker is to return.
    #[cold]
    pub(super) fn find_elsewhere(&self) -> Option<Runnable> {
        let idle = &self.shared.idle;
        let mut now = Instant::now();
        self.pace.stop(now, self.turns.count());
        let (mut searching, mut slept) = (false, false);
        let found = loop {
            self.look_outside();
            if let Some(thread) = self.pop_any() {
                break Some(thread);
            }
            if (self.shared.is_closing() || self.shared.is_inner()) && self.is_done() {
                break None;
            }
            searching = searching || idle.start_searching();
            if searching && let Some(thread) = self.search(now) {
                break Some(thread);
            }
            self.runners.put_aside(&self.shared.spare_runners);
            self.sleep(searching);
            now = Instant::now();
            (searching, slept) = (true, true);
        };
        if searching {
            idle.found_work(|| self.is_anything_worth_it());
        }
        if slept {
            self.shared.outermost().monitor.look_up();
        }
        let now = Instant::now();
        self.pace.start(now);
        self.turns.restart(now);
        found
    }

    fn sleep(&self, searching: bool) {
        let idle = &self.shared.idle;
        self.remote().counters.slept.add(1);
        let now = Instant::now();
        let rest_over = self.pace.back_off_until(now);
        // While the runtime closes, workers that have returned look as if they were busy.
        let naps = !self.shared.is_closing() && idle.start_napping();
        let nap_over = rest_over.or_else(|| naps.then(|| now + self.pace.nap()));
        if rest_over.is_some() {
            idle.rest(true);
        }
        let deadline = self.deadlines.next().into_iter().chain(nap_over).min();
        if NAPS {
            let wakes_by_itself = &self.remote().wakes_by_itself;
            // Relaxed: whoever looks does so twice (deadlock.rs, 2).
            let did = wakes_by_itself.load(Ordering::Relaxed);
            wakes_by_itself.store(deadline.is_some(), Ordering::Relaxed);
            if did && deadline.is_none() {
                // Whoever has looked before has seen that something would happen.
                self.shared.outermost().monitor.look_up();
            }
        }
        idle.sleep(self.index, searching, deadline, || self.has_work());
        if naps {
            idle.stop_napping();
        }
        if rest_over.is_some() {
            idle.rest(false);
        }
    }

    /// Looks at the other workers' threads, and at what arrives here, for about as long as
    /// going to sleep and being woken would cost.
    fn search(&self, start: Instant) -> Option<Runnable> {
        self.remote().counters.searched.add(1);
        let limit = self.pace.search_limit(Duration::from_nanos(self.shared.idle.wake_nanos()));
        loop {
            let now = Instant::now();
            if let Some(thread) = self.steal(now) {
                return Some(thread);
            }
            for _ in 0..8 {
                if self.has_mail() || self.shared.has_injected() {
                    self.look_outside();
                    if let Some(thread) = self.pop_any() {
                        return Some(thread);
                    }
                }
                if !NAPS {
                    return None;
                }
                spin();
            }
            let searched = now.duration_since(start);
            let timer_due = self.deadlines.next().is_some_and(|deadline| deadline <= now);
            // A victim that has something to give but is not yet known to be stuck is waited for.
            let may_stop = searched >= limit
                && (searched >= 2 * STUCK
                    || !self.shared.remotes.iter().any(|it| it.stealable() > 0));
            if timer_due || may_stop || self.shared.is_closing() {
                return None;
            }
        }
    }

    fn steal(&self, now: Instant) -> Option<Runnable> {
        if self.pace.back_off_until(now).is_some() {
            return None;
        }
        let remotes = &self.shared.remotes;
        let mut watches = self.watches.borrow_mut();
        let first = self.random() as usize % remotes.len();
        let found = (first..remotes.len()).chain(0..first).find_map(|index| {
            let (victim, watch) = (&remotes[index], &mut watches[index]);
            if index == self.index {
                return None;
            }
            let turns = victim.slice.turns();
            if turns != watch.turns {
                *watch = Watch { turns, since: now };
            }
            let stuck_for = now.duration_since(watch.since);
            let is_stuck = !NAPS || stuck_for >= STUCK || victim.slice.is_blocking();
            if NAPS && stuck_for >= TOO_LONG {
                victim.slice.ask_to_yield();
                victim.fire_timers_for(now);
                // They are this worker's by now (`push_fired`).
                if !self.moving.is_empty() || !self.remote().next.is_empty() {
                    return self.pop_any();
                }
            }
            self.steal_from(victim, is_stuck)
        });
        if found.is_some() {
            self.pace.stolen.set(Some(self.turns.count()));
        }
        found
    }

    fn steal_from(&self, victim: &Remote, is_stuck: bool) -> Option<Runnable> {
        if !is_stuck && !self.is_worth_a_wake(victim) {
            return None;
        }
        let counters = &self.remote().counters;
        let batch = |from: &Stealer<Runnable>, to: &deque::Worker<Runnable>| {
            let thread = steal_batch(from, to)?;
            counters.stolen.add(1 + to.len() as u64);
            Some(thread)
        };
        let lone = || {
            let slots = [&victim.next, &*victim.lone];
            let thread = slots.into_iter().filter(|_| is_stuck).find_map(|slot| slot.take())?;
            counters.stolen.add(1);
            Some(thread)
        };
        let moving = batch(&victim.moving, &self.moving);
        if moving.is_some() {
            self.moves.set(true);
        }
        moving.or_else(|| batch(&victim.fresh, &self.fresh)).or_else(lone)
    }

    /// Whether there is anything at all that this worker should do before it sleeps.
    fn has_work(&self) -> bool {
        self.has_mail() || self.shared.is_closing_news(self) || self.is_anything_worth_it()
    }

    /// Whether somebody should search: threads that no worker has, or more than a busy one
    /// should keep. (What is left is its own worker's, which is awake.)
    fn is_anything_worth_it(&self) -> bool {
        let is_worth_it =
            |remote: &Remote| !std::ptr::eq(remote, self.remote()) && self.is_worth_a_wake(remote);
        self.shared.has_injected()
            || self.pace.back_off_until(Instant::now()).is_none()
                && self.shared.remotes.iter().any(is_worth_it)
    }

    /// Whether no thread will come here any more, once the runtime closes.
    fn is_done(&self) -> bool {
        self.remote().started.load(Ordering::Relaxed) == 0
            && !self.remote().is_expecting()
            && self.shared.moving_unfinished() == 0
    }

    /// xorshift64: which victim first.
    fn random(&self) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        x
    }
}

fn steal_batch(from: &Stealer<Runnable>, to: &deque::Worker<Runnable>) -> Option<Runnable> {
    if from.is_empty() {
        return None;
    }
    loop {
        match from.steal_batch_and_pop(to) {
            Steal::Success(thread) => return Some(thread),
            Steal::Retry => spin(),
            Steal::Empty => return None,
        }
    }
}

impl Shared {
    /// Whether `worker` has yet to act on the shutdown.
    fn is_closing_news(&self, worker: &Worker) -> bool {
        self.is_closing()
            && !broken(Mutant::ShutdownNotRechecked)
            && (!worker.cancelled_all.get() && worker.is_cancelling() || worker.is_done())
    }
}
