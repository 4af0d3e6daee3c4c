//! [`unblock`]: blocking code, out of the workers' way, on an elastic pool of OS
//! threads.
//!
//! A job is a task like a green thread's (closure, result slot, joiner) that runs to
//! its end on a pool thread instead of a stack of its own.
//!
//! The pool also lends its threads to what ends green threads that never ran (`refused.rs`).
//!
//! 1. `idle` counts the threads in `wait_for` that no job has been promised to, and
//!    `promised` those that one has. So a submitter that finds `idle > 0` may rely on
//!    one, also when that thread's time is up at this very moment.
//! 2. A job in the queue has a thread coming for it: an idle one that was notified,
//!    a new one, or a busy one that looks again before it waits. Only when no thread can
//!    be started and there is none, the submitter does it itself. A line on stderr says so,
//!    once for each pool.

use std::collections::VecDeque;
use std::io;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::current;
use crate::deadlock::OurThread;
use crate::fork;
use crate::join::JoinHandle;
use crate::launch::new_thread;
use crate::primitive::{Condvar, Mutant, Mutex, ThreadBuilder, broken};
use crate::refused::{Refused, RefusedThread};
use crate::report::report;
use crate::setup::Setup;
use crate::stack::InScope;
use crate::stack::room;
use crate::thread::{Header, Options, Runnable};

/// The most threads in a pool. More jobs than that wait their turn.
const MAX_THREADS: usize = 512;

/// For how long a thread without a job stays.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Runs `f`, which may block its OS thread, and returns its value: reading files, name
/// lookups, child processes, C libraries.
///
/// ```
/// # use sward_sched as sward;
/// let text = sward::run(|| sward::unblock(|| std::fs::read_to_string("Cargo.toml")));
/// assert!(text.unwrap().contains("[package]"));
/// ```
///
/// # Blocking
///
/// Parks the green thread while `f` runs on a pool of up to 512 OS threads, which come
/// and go as needed. In an OS thread that is no worker it calls `f` right there; so it does, and
/// blocks the worker, where the system gives no OS thread at all, and a line on stderr says so.
///
/// # Cancellation
///
/// Unwinds the green thread as [`park`](crate::park) does; `f` runs on, and its value is
/// dropped.
///
/// # Panics
///
/// With the panic of `f`.
#[track_caller]
pub fn unblock<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    if current::green_thread().is_null() {
        return f();
    }
    // SAFETY: a green thread runs on a worker.
    let shared = unsafe { &*current::worker() }.shared();
    // SAFETY: `Send + 'static`, both.
    let (task, job) = unsafe { new_thread(f, shared, Options::default(), Location::caller(), ()) };
    shared.blocking.submit_run(job);
    // SAFETY: the first handle, of the right type.
    let handle = unsafe { JoinHandle::new(task) };
    handle.join_unblocked().unwrap_or_else(|error| error.resume())
}

/// Runs `f`, which may block its OS thread, right here: what other workers can take over
/// from this one is handed to them before.
///
/// ```
/// # use sward_sched as sward;
/// let text = "borrowed".to_owned();
/// let length = sward::run(|| sward::block_in_place(|| text.len()));
/// assert_eq!(length, 8);
/// ```
///
/// Unlike [`unblock`] it changes no thread and copies nothing, so `f` may borrow. But the
/// threads that have started on this worker stay on it and **wait** until `f` returns (unless
/// they may migrate), and with one worker nobody takes over anything. Where others wait on this
/// worker, `unblock` is the better choice.
///
/// # Blocking
///
/// Blocks the OS thread for as long as `f` does.
///
/// # Cancellation
///
/// None.
///
/// # Panics
///
/// With the panic of `f`.
pub fn block_in_place<F, T>(f: F) -> T
where
    F: FnOnce() -> T,
{
    /// Also when `f` panics.
    struct IsBack;
    impl Drop for IsBack {
        fn drop(&mut self) {
            // SAFETY: a worker in the thread-local is alive.
            if let Some(worker) = unsafe { current::worker().as_ref() } {
                worker.is_back();
            }
        }
    }
    if current::green_thread().is_null() {
        return f();
    }
    // SAFETY: a green thread runs on a worker.
    unsafe { &*current::worker() }.hand_on();
    let _in_scope = InScope::enter();
    let _is_back = IsBack;
    f()
}

/// The OS threads that [`unblock`] uses.
#[derive(Debug)]
pub(crate) struct BlockingPool {
    state: Mutex<State>,
    submitted: Condvar,
    refused: Refused,
    setup: Arc<Setup>,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Including those that are being started.
    threads: usize,
    starting: usize,
    idle: usize,
    promised: usize,
    closed: bool,
    /// It was said that there are too few threads.
    has_warned: bool,
}

#[derive(Debug)]
enum Job {
    /// Run it to its end.
    Run(Runnable),
    /// What [`Refused`] asks for.
    DropRefused,
    StandBy,
}

impl Job {
    /// What tells it from others. (Those of one kind of refusal's are all the same.)
    fn key(&self) -> (u8, *const Header) {
        match self {
            Self::Run(job) => (0, job.as_ptr()),
            Self::DropRefused => (1, std::ptr::null()),
            Self::StandBy => (2, std::ptr::null()),
        }
    }

    fn run(self, pool: &Arc<BlockingPool>) {
        match self {
            // SAFETY: jobs have not started.
            Self::Run(job) => unsafe {
                job.run();
                fork::check_return();
                job.finish(|_| {});
            },
            Self::DropRefused => pool.refused.drop_all(pool),
            Self::StandBy => pool.refused.stand_by(pool),
        }
    }

    /// There is no thread for it: does what must be done right here.
    fn run_by_submitter(self, pool: &Arc<BlockingPool>) {
        match self {
            Self::StandBy => pool.refused.nobody_stands_by(),
            job => job.run(pool),
        }
    }
}

impl BlockingPool {
    pub(crate) fn new(setup: Arc<Setup>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::default()),
            submitted: Condvar::new(),
            refused: Refused::new(),
            setup,
        })
    }

    /// Ends these threads, which have not started, on a thread of the pool: soon, whatever else
    /// the pool has to do. The shutdown of their runtime waits for it.
    pub(crate) fn refuse(self: &Arc<Self>, threads: impl IntoIterator<Item = RefusedThread>) {
        self.refused.add(threads, self);
    }

    /// Has [`Refused::drop_all`] called.
    pub(crate) fn submit_dropper(self: &Arc<Self>) {
        self.submit(Job::DropRefused);
    }

    /// Has [`Refused::stand_by`] called, if that is possible.
    pub(crate) fn submit_stand_by(self: &Arc<Self>) {
        self.submit(Job::StandBy);
    }

    /// Runs `job`, which has not started.
    pub(crate) fn submit_run(self: &Arc<Self>, job: Runnable) {
        self.submit(Job::Run(job));
    }

    fn submit(self: &Arc<Self>, job: Job) {
        let key = job.key();
        let urgent = !matches!(job, Job::Run(_));
        let mut state = self.state.lock();
        match urgent {
            true => state.jobs.push_front(job),
            false => state.jobs.push_back(job),
        }
        if state.idle > 0 {
            if !broken(Mutant::PoolPromisesTwice) {
                state.idle -= 1;
            }
            state.promised += 1;
            drop(state);
            self.submitted.notify_one();
            return;
        }
        if state.threads >= MAX_THREADS && !urgent {
            return;
        }
        state.threads += 1;
        state.starting += 1;
        drop(state);
        let started = self.start_thread();
        let mut state = self.state.lock();
        state.starting -= 1;
        let Err(error) = started else { return };
        state.threads -= 1;
        // With a thread that has really started the job only waits. With none, each that
        // could not start one does its own job right here, and blocks its worker: slow, and
        // on a small stack, but not lost.
        let none = state.threads <= state.starting;
        let own = if none { state.jobs.iter().position(|job| job.key() == key) } else { None };
        let own = own.and_then(|place| state.jobs.remove(place));
        let warned = std::mem::replace(&mut state.has_warned, true);
        drop(state);
        if !warned {
            warn(&error);
        }
        if let Some(job) = own {
            job.run_by_submitter(self);
        }
    }

    fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        let pool = self.clone();
        let work = move || {
            let _ours = OurThread::begin();
            pool.setup.leave_cores();
            pool.work();
        };
        room::for_os_thread()?;
        ThreadBuilder::new().name(self.setup.thread_name("unblock")).spawn(work).map(drop)
    }

    fn work(self: &Arc<Self>) {
        let mut state = self.state.lock();
        'jobs: loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job.run(self);
                state = self.state.lock();
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            loop {
                let timed_out = self.submitted.wait_for(&mut state, KEEP_ALIVE).timed_out();
                let forgets = timed_out && broken(Mutant::PoolLeavesPromised)
                    || state.closed && broken(Mutant::PoolClosesWithJobs);
                if state.promised > 0 && !forgets {
                    state.promised -= 1;
                    break;
                }
                if forgets {
                    break 'jobs;
                }
                if timed_out || state.closed {
                    state.idle -= 1;
                    break 'jobs;
                }
            }
        }
        state.threads -= 1;
    }

    /// The time of an idle thread is up.
    #[cfg(sward_loom)]
    pub(crate) fn expire(&self) {
        self.submitted.expire();
    }

    /// Whether it has anything to do, or its threads are not all there yet.
    pub(crate) fn is_busy(&self) -> bool {
        let state = self.state.lock();
        !state.jobs.is_empty() || state.threads != state.idle
    }

    /// Lets the idle threads end, and the others after their jobs.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        drop(state);
        self.submitted.notify_all();
    }
}

fn warn(error: &io::Error) {
    report(format_args!(
        "sward: an OS thread for `unblock` could not be started: {error} (is a limit on threads or \
         memory reached?); its jobs wait for the threads that there are, or block the workers"
    ));
}
