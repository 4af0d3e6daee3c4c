//! Green threads that will never run, on the way to their end: their closures are dropped, and
//! whoever joins them is told. Destructors may block, so no worker does it.
//!
//! All of them lie in one queue, and one OS thread of the blocking pool, the *dropper*, takes
//! them from there one by one. As long as there are more, a second one *stands by*: when nothing
//! was taken for [`PATIENCE`], some destructor blocks, and it drops, too, while another stands by.
//! So a hundred thousand that end at once cost two OS threads and not a wake each, and one
//! that blocks keeps nobody but itself.
//!
//! 1. While the queue is not empty there is a dropper, or one is on its way to the pool: whoever
//!    adds to it sees to that, and a dropper leaves under the lock and when it is empty.
//! 2. While it is not empty and every dropper is inside a destructor, one stands by (but for
//!    the most there may be, [`MAX_DROPPERS`]): whoever adds, or takes and leaves some, sees
//!    to that.
//! 3. Each of them is a party of its runtime from before it is added until it has ended, so a
//!    shutdown waits for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::current;
use crate::error::JoinError;
use crate::fork;
use crate::primitive::{Condvar, Mutex, NAPS};
use crate::thread::Runnable;
use crate::unblock::BlockingPool;
use crate::worker::Shared;

/// How long nothing is taken before another helps. Most destructors take less than a
/// microsecond; a dropper that was merely without a CPU gets help that does no harm.
const PATIENCE: Duration = Duration::from_micros(500);

/// More destructors than that do not block at the same time: the others wait for them.
const MAX_DROPPERS: usize = 256;

/// A thread that will never run, and why.
#[derive(Debug)]
pub(crate) struct RefusedThread {
    thread: Runnable,
    error: JoinError,
    of: Arc<Shared>,
}

impl RefusedThread {
    /// `thread`, which has not started, is to end with `error`. It is a party from here on (3).
    pub(crate) fn new(thread: Runnable, error: JoinError, of: &Arc<Shared>) -> Self {
        let of = of.outermost().clone();
        of.party_enters();
        Self { thread, error, of }
    }

    fn end(self) {
        // SAFETY: it has not started, as promised in `new`.
        let abandon = || unsafe { self.thread.abandon(self.error) };
        if current::green_thread().is_null() {
            let within = current::set_refusing(Arc::as_ptr(&self.of));
            abandon();
            current::set_refusing(within);
        } else {
            // It may park, and then this OS thread is others'.
            abandon();
        }
        fork::check_return();
        self.of.party_leaves();
    }
}

/// The queue of a blocking pool.
#[derive(Debug)]
pub(crate) struct Refused {
    state: Mutex<State>,
    /// The queue is empty, for the one that stands by.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    threads: VecDeque<RefusedThread>,
    /// How many were taken so far.
    taken: usize,
    /// Including those that are on their way to the pool.
    droppers: usize,
    /// The same.
    stands_by: bool,
}

impl State {
    /// Whether the caller is to see to (2).
    fn needs_one_to_stand_by(&mut self) -> bool {
        // In a model nothing takes time, and no destructor blocks.
        NAPS && !self.threads.is_empty()
            && self.droppers < MAX_DROPPERS
            && !std::mem::replace(&mut self.stands_by, true)
    }
}

impl Refused {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::default()), emptied: Condvar::new() }
    }

    /// Ends these soon, whatever else the pool has to do.
    pub(crate) fn add(
        &self,
        threads: impl IntoIterator<Item = RefusedThread>,
        pool: &Arc<BlockingPool>,
    ) {
        let mut state = self.state.lock();
        state.threads.extend(threads);
        if state.threads.is_empty() {
            return;
        }
        let needs_dropper = state.droppers == 0;
        if needs_dropper {
            state.droppers = 1;
        }
        let needs_help = !needs_dropper && state.needs_one_to_stand_by();
        drop(state);
        if needs_dropper {
            pool.submit_dropper();
        }
        if needs_help {
            pool.submit_stand_by();
        }
    }

    /// Is a dropper until there is nothing left. The caller was counted as one.
    pub(crate) fn drop_all(&self, pool: &Arc<BlockingPool>) {
        let mut state = self.state.lock();
        while let Some(thread) = state.threads.pop_front() {
            state.taken = state.taken.wrapping_add(1);
            let needs_help = state.needs_one_to_stand_by();
            drop(state);
            if needs_help {
                pool.submit_stand_by();
            }
            thread.end();
            state = self.state.lock();
        }
        state.droppers -= 1;
        drop(state);
        self.emptied.notify_all();
    }

    /// Stands by until there is nothing left, or help is needed. The caller was counted as
    /// the one that does.
    pub(crate) fn stand_by(&self, pool: &Arc<BlockingPool>) {
        let mut state = self.state.lock();
        let mut seen = state.taken;
        loop {
            if state.threads.is_empty() {
                state.stands_by = false;
                return;
            }
            let timed_out = self.emptied.wait_for(&mut state, PATIENCE).timed_out();
            if timed_out && state.taken == seen && !state.threads.is_empty() {
                state.stands_by = false;
                state.droppers += 1;
                drop(state);
                return self.drop_all(pool);
            }
            seen = state.taken;
        }
    }

    /// There is no OS thread to stand by.
    pub(crate) fn nobody_stands_by(&self) {
        self.state.lock().stands_by = false;
    }
}
