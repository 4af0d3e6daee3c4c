//! What the workers of one runtime share, and what anybody may do to one of them.

use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crossbeam_utils::CachePadded;

use super::idle::Idle;
use super::inbox::Inbox;
use super::pool::SpareRunners;
use super::{Worker, current_of};
use crate::current;
use crate::error::JoinError;
use crate::primitive::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::primitive::deque::{self, Injector, Steal, Stealer};
use crate::primitive::{Condvar, Mutex};
use crate::thread::{RawTask, Runnable};
use crate::unblock::BlockingPool;

/// One runtime, as its workers see it.
pub(crate) struct Shared {
    pub(crate) idle: Idle,
    pub(crate) injector: Injector<Runnable>,
    pub(crate) remotes: Box<[Remote]>,
    pub(crate) spare_runners: SpareRunners,
    pub(crate) blocking: Arc<BlockingPool>,
    pub(crate) stack_size: usize,
    /// Set once: the runtime is shut down; threads are cancelled and none starts.
    closing: AtomicBool,
    /// What a shutdown waits for: workers that have not returned, and threads that never
    /// started and are being ended, or are to be, on the blocking pool.
    parties: Mutex<usize>,
    party_left: Condvar,
}

/// One worker, as others see it.
pub(crate) struct Remote {
    pub(crate) index: usize,
    pub(crate) inbox: CachePadded<Inbox>,
    pub(crate) stealer: Stealer<Runnable>,
    /// Turns taken; only the worker writes it.
    pub(crate) turns: CachePadded<AtomicUsize>,
    /// Threads started here and not finished; only the worker writes it.
    pub(crate) started: AtomicUsize,
    shared: Weak<Shared>,
}

impl Shared {
    /// A runtime of `workers` workers, and the owners' ends of their queues.
    pub(crate) fn new(
        workers: usize,
        stack_size: usize,
    ) -> (Arc<Self>, Vec<deque::Worker<Runnable>>) {
        let queues: Vec<_> = (0..workers).map(|_| deque::Worker::new_lifo()).collect();
        let shared = Arc::new_cyclic(|shared: &Weak<Self>| Self {
            idle: Idle::new(workers),
            injector: Injector::new(),
            remotes: queues
                .iter()
                .enumerate()
                .map(|(index, queue)| Remote {
                    index,
                    inbox: CachePadded::new(Inbox::new()),
                    stealer: queue.stealer(),
                    turns: CachePadded::new(AtomicUsize::new(0)),
                    started: AtomicUsize::new(0),
                    shared: shared.clone(),
                })
                .collect(),
            spare_runners: SpareRunners::new(),
            blocking: BlockingPool::new(),
            stack_size,
            closing: AtomicBool::new(false),
            parties: Mutex::new(0),
            party_left: Condvar::new(),
        });
        (shared, queues)
    }

    /// A number for a new green thread.
    pub(crate) fn new_id(&self) -> NonZeroU64 {
        match current_of(self) {
            Some(worker) => worker.new_id(),
            None => super::reserve_ids(1),
        }
    }

    /// Makes a thread that has not started runnable.
    ///
    /// Once the runtime closes, only its own threads can still come here (others would need
    /// the `Runtime`, which is gone), and their worker is there to refuse what they spawn.
    #[inline]
    pub(crate) fn start(&self, thread: Runnable) {
        match current_of(self) {
            Some(worker) => worker.push_fresh(thread),
            None => self.injector.push(thread),
        }
        self.idle.notify_any();
    }

    /// Whether the runtime is being shut down.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        // Relaxed: a worker that has seen it once goes on seeing it; for the rest the
        // fences in `Idle::notify` and `Idle::sleep` order it.
        self.closing.load(Ordering::Relaxed)
    }

    /// Starts the shutdown.
    pub(crate) fn close(self: &Arc<Self>) {
        self.closing.store(true, Ordering::Relaxed);
        for remote in &self.remotes {
            // The flag is work for each worker; `notify` has the fence.
            self.idle.notify(remote.index);
        }
        self.refuse_injected();
    }

    /// Ends, as cancelled, the threads that lie in the injector: no worker may have time to.
    fn refuse_injected(self: &Arc<Self>) {
        loop {
            match self.injector.steal() {
                Steal::Success(thread) => {
                    let error = JoinError::cancelled(thread.header().describe());
                    self.blocking.abandon(thread, error, self.clone());
                }
                Steal::Retry => {}
                Steal::Empty => break,
            }
        }
    }

    /// One more that a shutdown waits for.
    pub(crate) fn party_enters(&self) {
        *self.parties.lock() += 1;
    }

    /// One less.
    pub(crate) fn party_leaves(&self) {
        *self.parties.lock() -= 1;
        self.party_left.notify_all();
    }

    /// Waits until nobody is left (`true`) or the deadline has passed.
    pub(crate) fn wait_for_parties(&self, deadline: Option<Instant>) -> bool {
        let mut parties = self.parties.lock();
        while *parties > 0 {
            let Some(left) = deadline.map(|d| d.saturating_duration_since(Instant::now())) else {
                self.party_left.wait(&mut parties);
                continue;
            };
            if left.is_zero() {
                return false;
            }
            self.party_left.wait_for(&mut parties, left);
        }
        true
    }

    /// Threads that have started and not finished, over all workers.
    pub(crate) fn unfinished(&self) -> usize {
        self.remotes.iter().map(|remote| remote.started.load(Ordering::Relaxed)).sum()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("workers", &self.remotes.len())
            .field("unfinished", &self.unfinished())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}

impl Remote {
    /// Gives `thread`, which was parked on this worker, back to it, from another OS
    /// thread.
    pub(crate) fn deliver(&self, thread: Runnable) {
        // The worker does not return while the thread is unfinished; but as soon as
        // the thread is in the inbox it may finish, and the runtime be dropped. A
        // worker of the same runtime keeps it alive; for others, so does this.
        let pinned;
        let worker = current::worker();
        // SAFETY: a worker takes itself out of the thread-local before it goes away.
        let shared = match unsafe { worker.as_ref() } {
            Some(worker) if worker.owns(self) => worker.shared(),
            _ => {
                pinned = self.shared.upgrade().expect("a worker outlives its threads");
                &*pinned
            }
        };
        if self.inbox.push(thread) {
            shared.idle.notify(self.index);
        }
    }
}

impl Worker {
    /// Makes a started thread runnable on the worker that it belongs to.
    #[inline]
    pub(crate) fn schedule(thread: Runnable) {
        let home = thread.header().home.get();
        let worker = current::worker();
        // SAFETY: a started thread has a home, which outlives it; a worker in the
        // thread-local is alive.
        unsafe {
            match worker.as_ref() {
                Some(worker) if worker.is_home(home) => worker.push_woken(thread),
                _ => (*home).deliver(thread),
            }
        }
    }
}

/// A thread made but not yet handed over: see [`Shared::start`].
pub(crate) type Spawned = (RawTask, Runnable);

/// An I/O error that says which OS thread could not be started.
pub(crate) fn spawn_error(what: &str, error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{what} could not be started: {error} (is a limit on threads or memory reached?)"),
    )
}
