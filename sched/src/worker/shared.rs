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
    /// Workers that have not returned.
    alive: Mutex<usize>,
    worker_returned: Condvar,
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
            alive: Mutex::new(0),
            worker_returned: Condvar::new(),
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
    #[inline]
    pub(crate) fn start(&self, thread: Runnable) {
        if self.is_closing() {
            return self.refuse(thread);
        }
        match current_of(self) {
            Some(worker) => worker.push_fresh(thread),
            None => self.injector.push(thread),
        }
        self.idle.notify_any();
        // The fence in `notify_any` pairs with the one in `close`: either the workers
        // see the thread, or we see that there may be none left.
        if self.is_closing() {
            self.refuse_injected();
        }
    }

    /// Whether the runtime is being shut down.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        // Relaxed: a worker that has seen it once goes on seeing it; for the rest the
        // fences in `Idle::notify` and `Idle::sleep` order it.
        self.closing.load(Ordering::Relaxed)
    }

    /// Starts the shutdown.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        for remote in &self.remotes {
            // The flag is work for each worker; `notify` has the fence.
            self.idle.notify(remote.index);
        }
        self.refuse_injected();
    }

    /// Ends, as cancelled, a thread that will not start.
    #[cold]
    pub(crate) fn refuse(&self, thread: Runnable) {
        let error = JoinError::cancelled(thread.header().describe());
        self.end_unstarted(thread, error);
    }

    /// Ends a thread that cannot start. Its closure is dropped on the blocking pool
    /// when this is a worker's own loop: destructors may block.
    pub(crate) fn end_unstarted(&self, thread: Runnable, error: JoinError) {
        if !current::worker().is_null() && current::green_thread().is_null() {
            self.blocking.abandon(thread, error);
        } else {
            // SAFETY: it has not started.
            unsafe { thread.abandon(error) };
        }
    }

    /// Ends, as cancelled, the threads that lie in the injector.
    pub(crate) fn refuse_injected(&self) {
        loop {
            match self.injector.steal() {
                Steal::Success(thread) => self.refuse(thread),
                Steal::Retry => {}
                Steal::Empty => break,
            }
        }
    }

    /// A worker is about to run.
    pub(crate) fn worker_starts(&self) {
        *self.alive.lock() += 1;
    }

    /// A worker has returned, or could not be started.
    pub(crate) fn worker_returns(&self) {
        *self.alive.lock() -= 1;
        self.worker_returned.notify_all();
    }

    /// Waits until all workers have returned (`true`) or the deadline has passed.
    pub(crate) fn wait_for_workers(&self, deadline: Option<Instant>) -> bool {
        let mut alive = self.alive.lock();
        while *alive > 0 {
            let Some(left) = deadline.map(|d| d.saturating_duration_since(Instant::now())) else {
                self.worker_returned.wait(&mut alive);
                continue;
            };
            if left.is_zero() {
                return false;
            }
            self.worker_returned.wait_for(&mut alive, left);
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
