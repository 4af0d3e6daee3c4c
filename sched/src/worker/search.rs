//! When a worker has nothing of its own: it looks for fresh threads elsewhere, and goes to
//! sleep. The protocol is in README.md, the counting in `idle.rs`.

use std::time::Instant;

use super::{Shared, Worker};
use crate::primitive::atomic::Ordering;
use crate::primitive::deque::Steal;
use crate::primitive::{Mutant, SEARCH, STUCK, broken, spin};
use crate::thread::Runnable;

/// What a thief remembers of a victim.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    pub(super) turns: usize,
    pub(super) since: Instant,
}

impl Worker {
    /// Searches, sleeps, searches again; `None`: the worker is to return.
    #[cold]
    pub(super) fn find_elsewhere(&self) -> Option<Runnable> {
        let idle = &self.shared.idle;
        let mut searching = false;
        let found = loop {
            self.look_outside();
            if let Some(thread) = self.pop_started().or_else(|| self.fresh.pop()) {
                break Some(thread);
            }
            if self.shared.is_closing() && self.remote().started.load(Ordering::Relaxed) == 0 {
                break None;
            }
            searching = searching || idle.start_searching();
            if searching && let Some(thread) = self.search() {
                break Some(thread);
            }
            let deadline = self.timers().next_deadline();
            idle.sleep(self.index, searching, deadline, || self.has_work());
            searching = true;
        };
        if searching {
            idle.found_work(|| self.is_anything_stealable());
        }
        found
    }

    /// Looks at the other workers' fresh threads, and at what arrives here, for about
    /// as long as going to sleep and being woken would cost.
    fn search(&self) -> Option<Runnable> {
        let start = Instant::now();
        loop {
            let now = Instant::now();
            if let Some(thread) = self.steal(now) {
                return Some(thread);
            }
            if !self.remote().inbox.is_empty() || !self.shared.injector.is_empty() {
                self.look_outside();
                if let Some(thread) = self.pop_started().or_else(|| self.fresh.pop()) {
                    return Some(thread);
                }
            }
            let timer_due = self.timers().next_deadline().is_some_and(|d| d <= now);
            if timer_due || now.duration_since(start) >= SEARCH || self.shared.is_closing() {
                return None;
            }
            for _ in 0..16 {
                spin();
            }
        }
    }

    fn steal(&self, now: Instant) -> Option<Runnable> {
        let remotes = &self.shared.remotes;
        let mut watches = self.watches.borrow_mut();
        let first = self.random() as usize % remotes.len();
        for index in (first..remotes.len()).chain(0..first) {
            let (victim, watch) = (&remotes[index], &mut watches[index]);
            if index == self.index || victim.stealer.is_empty() {
                continue;
            }
            let turns = victim.turns.load(Ordering::Relaxed);
            if turns != watch.turns {
                *watch = Watch { turns, since: now };
            }
            if victim.stealer.len() < 2 && now.duration_since(watch.since) < STUCK {
                continue;
            }
            loop {
                match victim.stealer.steal_batch_and_pop(&self.fresh) {
                    Steal::Success(thread) => return Some(thread),
                    Steal::Retry => spin(),
                    Steal::Empty => break,
                }
            }
        }
        None
    }

    /// Whether there is anything at all that this worker should do before it sleeps.
    fn has_work(&self) -> bool {
        !self.remote().inbox.is_empty()
            || self.shared.is_closing_news(self)
            || self.is_anything_stealable()
    }

    fn is_anything_stealable(&self) -> bool {
        !self.shared.injector.is_empty()
            || self.shared.remotes.iter().any(|remote| !remote.stealer.is_empty())
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

impl Shared {
    /// Whether `worker` has yet to act on the shutdown.
    fn is_closing_news(&self, worker: &Worker) -> bool {
        self.is_closing()
            && !broken(Mutant::ShutdownNotRechecked)
            && (!worker.cancelled_all.get() && worker.is_cancelling()
                || worker.remote().started.load(Ordering::Relaxed) == 0)
    }
}
