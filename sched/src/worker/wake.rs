//! How a thread that can run gets into a queue: spawned, woken, or yielding.

use std::sync::Arc;

use super::search::STUCK;
use super::{Placement, Priority, Remote, Shared, Worker};
use crate::current;
use crate::primitive::NAPS;
use crate::thread::Runnable;

impl Worker {
    /// Makes a started thread runnable.
    #[inline]
    pub(crate) fn schedule(thread: Runnable) {
        // The right to run it is the caller's, so this stays as it is.
        let home = thread.header().home.get();
        let worker = current::worker();
        // SAFETY: a started thread has a home, which outlives it; a worker in the
        // thread-local is alive.
        unsafe {
            match worker.as_ref() {
                Some(worker) if worker.is_home(home) => worker.push_woken(thread),
                Some(worker) if thread.header().migrates && worker.owns(home) => {
                    worker.push_woken(thread);
                }
                _ => (*home).deliver(thread),
            }
        }
    }

    /// Adds a thread woken on this worker, or come to it: to run next, if one that runs
    /// here has woken it.
    #[inline]
    fn push_woken(&self, thread: Runnable) {
        if self.current.get().is_null() {
            // Woken by a timer or the like, not by a partner.
            return self.push_fired(thread);
        }
        if thread.header().priority != Priority::Normal {
            return self.push_started(thread);
        }
        let sticky = if thread.header().migrates {
            match self.remote().next.replace(thread) {
                Some(displaced) => self.push_started(displaced),
                None => self.offer_backlog(),
            }
            self.next.replace(std::ptr::null())
        } else {
            if let Some(displaced) = self.remote().next.take() {
                self.push_started(displaced);
            }
            self.next.replace(thread.into_raw())
        };
        if !sticky.is_null() {
            // SAFETY: the slot owned the right to run it.
            self.local.push_back(unsafe { Runnable::from_raw(sticky) });
        }
    }

    /// Adds a started thread at the end.
    #[inline(always)]
    pub(super) fn push_started(&self, thread: Runnable) {
        let header = thread.header();
        match (header.priority, header.migrates) {
            (Priority::Normal, false) => self.local.push_back(thread),
            (Priority::Normal, true) => self.push_moving(thread),
            (_, false) => self.push_ranked(thread),
            (_, true) => self.shared.inject(thread),
        }
    }

    /// Adds a thread whose timer has fired: it has waited for long. (Of several that migrate
    /// the first; the others are for whoever has time.)
    #[cold]
    fn push_fired(&self, thread: Runnable) {
        let header = thread.header();
        match (header.priority, header.migrates) {
            (Priority::Low, _) | (Priority::High, true) => self.push_started(thread),
            (_, false) => self.high.push_back(thread),
            // Into the slot, where others find it if this worker does not come to it.
            (Priority::Normal, true) if self.next.get().is_null() => {
                match self.remote().next.put(thread) {
                    Ok(()) => self.offer_backlog(),
                    Err(thread) => self.push_moving(thread),
                }
            }
            (Priority::Normal, true) => self.push_moving(thread),
        }
    }

    fn push_moving(&self, thread: Runnable) {
        self.moves.set(true);
        self.moving.push(thread);
        self.offer_backlog();
    }

    /// Adds a thread that was spawned here and has not started.
    #[inline]
    pub(super) fn push_fresh(&self, thread: Runnable) {
        if self.remote().slice.is_blocking() {
            return self.shared.inject(thread);
        }
        if let Err(thread) = self.remote().lone.put(thread) {
            self.fresh.push(thread);
        } else if NAPS && !self.shared.idle.is_watched() {
            // Whoever is woken now will see whether this worker comes to run it.
            return self.shared.idle.wake_any();
        }
        self.offer_backlog();
    }

    /// The thread that runs is about to block its OS thread: whatever others can take is
    /// theirs.
    pub(crate) fn hand_on(&self) {
        let remote = self.remote();
        remote.slice.blocks();
        while let Some(thread) = self.fresh.pop().or_else(|| self.moving.pop()) {
            self.shared.inject(thread);
        }
        while let Some(thread) = remote.lone.take().or_else(|| remote.next.take()) {
            self.shared.inject(thread);
        }
    }

    /// The thread that runs, here or elsewhere by now, has blocked its OS thread long enough.
    pub(crate) fn is_back(&self) {
        self.remote().slice.is_back();
    }

    /// Adds a thread that was spawned here, has not started, and is to begin here.
    pub(crate) fn push_here(&self, thread: Runnable) {
        self.remote().counters.spawned.add(1);
        thread.header().origin.settle();
        self.push_started(thread);
    }

    /// There is more here than there was: gets help, if that is worth its price. Nothing is
    /// lost when not, since this worker is awake and will come to it, and when it does not,
    /// whoever naps comes and looks (README.md). So there is no fence here.
    #[inline]
    pub(super) fn offer_backlog(&self) {
        if self.is_worth_a_wake(self.remote()) && (!NAPS || self.shared.idle.could_help()) {
            self.shared.idle.notify_any();
        }
    }

    /// Whether it takes `remote` longer to come to all that others could take from it than it
    /// takes one of them to be woken.
    #[inline]
    pub(super) fn is_worth_a_wake(&self, remote: &Remote) -> bool {
        let turn = remote.turn_nanos();
        // What is next is given up only by a worker that does not come to it.
        let slots = if !NAPS || turn >= STUCK.as_nanos() as u64 { remote.in_slots() } else { 0 };
        let backlog = slots + remote.in_deques();
        backlog > 0 && (!NAPS || backlog as u64 * turn >= self.shared.idle.wake_nanos())
    }
}

impl Shared {
    /// Makes a thread that has not started runnable.
    #[inline]
    pub(crate) fn start(self: &Arc<Self>, thread: Runnable, placement: Placement) {
        let Some(worker) = super::current_of(self) else { return self.inject(thread) };
        if placement == Placement::WithParent {
            return worker.push_here(thread);
        }
        worker.remote().counters.spawned.add(1);
        if thread.header().priority == Priority::Normal {
            worker.push_fresh(thread);
        } else {
            self.inject(thread);
        }
    }

    /// Makes a thread runnable on any worker.
    ///
    /// While the runtime closes, its own workers still come for what they put here. But a
    /// dedicated thread, which is none of them, may be the last that runs: then it ends itself
    /// what it has spawned.
    pub(super) fn inject(self: &Arc<Self>, thread: Runnable) {
        self.put_into_injector(thread);
        // After the fence in there, which pairs with those of the same kind in `close`: either
        // the injector is still to be cleared, or we see that it was.
        if self.is_closing() && super::current_of(self).is_none() {
            self.refuse_injected();
        }
    }

    pub(super) fn put_into_injector(&self, thread: Runnable) {
        match thread.header().priority {
            Priority::Normal => self.injector.push(thread),
            _ => self.ranked.push(thread),
        }
        self.idle.notify_any();
    }
}

impl Remote {
    /// Gives back `thread`, which was parked on this worker, from another OS thread (from
    /// another runtime's, if it migrates).
    fn deliver(&self, thread: Runnable) {
        // The worker does not return while the thread is unfinished; but as soon as
        // the thread is queued it may finish, and the runtime be dropped. A
        // worker of the same runtime keeps it alive; for others, so does this.
        let pinned;
        let worker = current::worker();
        // SAFETY: a worker takes itself out of the thread-local before it goes away.
        let shared = match unsafe { worker.as_ref() } {
            Some(worker) if worker.owns(self) => worker.shared(),
            _ => {
                pinned = self.shared().expect("a worker outlives its threads");
                &pinned
            }
        };
        if thread.header().migrates {
            shared.inject(thread);
        } else if self.inbox.push(thread) {
            shared.idle.notify(self.index);
        }
    }
}
