//! How a thread that can run gets into a queue: spawned, woken, or yielding.

use super::{Placement, Remote, Shared, Worker};
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
            return self.push_started(thread);
        }
        let sticky = if thread.header().migrates {
            if let Some(displaced) = self.remote().next.replace(thread) {
                self.push_started(displaced);
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
        if thread.header().migrates {
            self.push_moving(thread);
        } else {
            self.local.push_back(thread);
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
        self.remote().counters.spawned.add(1);
        if let Err(thread) = self.remote().lone.put(thread) {
            self.fresh.push(thread);
            self.offer_backlog();
        } else if !NAPS {
            self.shared.idle.notify_any();
        } else if !self.shared.idle.is_watched() {
            // Whoever is woken now will see whether this worker comes to run it.
            self.shared.idle.wake_any();
        }
    }

    /// Adds a thread that was spawned here, has not started, and is to begin here.
    pub(crate) fn push_here(&self, thread: Runnable) {
        self.remote().counters.spawned.add(1);
        thread.header().origin.settle();
        self.local.push_back(thread);
    }

    /// There is more here than there was: gets help, if that is worth its price. Nothing is
    /// lost when not, since this worker is awake and will come to it, and when it does not,
    /// whoever naps comes and looks (README.md). So there is no fence here.
    #[inline]
    fn offer_backlog(&self) {
        let idle = &self.shared.idle;
        if (!NAPS || idle.could_help()) && self.is_worth_a_wake(self.remote()) {
            idle.notify_any();
        }
    }

    /// Whether `remote` has more to give away than it costs to have somebody come for it.
    pub(super) fn is_worth_a_wake(&self, remote: &Remote) -> bool {
        let backlog = remote.fresh.len() + remote.moving.len();
        backlog > 0
            && (!NAPS || backlog as u64 * remote.turn_nanos() >= self.shared.idle.wake_nanos())
    }
}

impl Shared {
    /// Makes a thread that has not started runnable.
    ///
    /// Once the runtime closes, only its own threads can still come here (others would need
    /// the `Runtime`, which is gone), and their worker is there to refuse what they spawn.
    #[inline]
    pub(crate) fn start(&self, thread: Runnable, placement: Placement) {
        match (super::current_of(self), placement) {
            (Some(worker), Placement::Spread) => worker.push_fresh(thread),
            (Some(worker), Placement::WithParent) => worker.push_here(thread),
            (None, _) => self.inject(thread),
        }
    }

    /// Makes a thread runnable on any worker.
    pub(super) fn inject(&self, thread: Runnable) {
        self.injector.push(thread);
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
                &*pinned
            }
        };
        if thread.header().migrates {
            shared.inject(thread);
        } else if self.inbox.push(thread) {
            shared.idle.notify(self.index);
        }
    }
}
