//! A program in which nothing will ever happen again: all green threads wait, and nothing is left that
//! could wake one. Then [`run`](crate::run()) panics, and says who waits for what.
//!
//! Go asks the same when its last OS thread goes to sleep. Here each runtime's monitor asks, once
//! for each time that all its workers have slept for [`QUIET`]; what is asked is about the process,
//! since a thread of one runtime may wake one of another.
//!
//! 1. A program is *quiet* when all workers sleep, none of them until a deadline; nothing lies in a
//!    queue; no closure runs in the blocking pool; no runtime is shutting down; and the process has no
//!    OS thread but those of its runtimes ([`OurThread`]), and those that wait in `run`. What could wake a
//!    thread then is a signal handler, of which none may wake anybody.
//! 2. It is looked twice. What would have gone on in between, unseen by both looks, is seen by the
//!    dump: a thread that has run since the first look has not waited since before it. (A worker that has
//!    slept reads the clock before it runs a thread.)
//! 3. A future may be woken by what is not seen here. So a thread in `block_on` of which somebody has a
//!    waker is taken for one that will go on.
//! 4. If it is wrong, it says nothing where it should. So it does when an OS thread that is none of ours
//!    ends later than it is asked, and beside a runtime that was shut down and did not end in time.

use std::fs;
use std::sync::Arc;
// not modelled: a count, and a list that nobody waits at
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::current;
use crate::dump::{self, Dump, State};
use crate::primitive::NAPS;
use crate::report::report;
use crate::thread::RawTask;
use crate::worker::Shared;

/// For how long all workers sleep before it is asked.
const QUIET: Duration = Duration::from_millis(100);

static OUR_THREADS: AtomicUsize = AtomicUsize::new(0);

/// One OS thread of a runtime's, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct OurThread(());

impl OurThread {
    pub(crate) fn begin() -> Self {
        OUR_THREADS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for OurThread {
    fn drop(&mut self) {
        OUR_THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The OS threads that wait in `run`.
// not modelled: as above
static RUNS: parking_lot::Mutex<Vec<Run>> = parking_lot::Mutex::new(Vec::new());

struct Run {
    task: RawTask,
    /// What its caller is to panic with.
    report: Option<Arc<str>>,
}

/// How many OS threads wait in `run`; none, if one of them is about to go on.
fn waiting_runs() -> usize {
    let runs = RUNS.lock();
    let all_wait = runs.iter().all(|run| !run.task.header().completion.is_finished());
    if all_wait { runs.len() } else { 0 }
}

/// An OS thread's wait in `run`.
pub(crate) struct InRun(RawTask);

impl InRun {
    /// The caller is about to wait for `task`. Nothing, if it is a green thread, too: then that waits.
    pub(crate) fn enter(task: &RawTask) -> Option<Self> {
        let is_os_thread = NAPS && current::green_thread().is_null();
        is_os_thread.then(|| {
            RUNS.lock().push(Run { task: task.clone(), report: None });
            Self(task.clone())
        })
    }

    /// The wait is over. What the caller is to panic with, if the thread has no value.
    pub(crate) fn leave(self) -> Option<Arc<str>> {
        let mut runs = RUNS.lock();
        let place = runs.iter().position(|run| run.task.is(&self.0))?;
        let run = runs.swap_remove(place);
        drop(runs);
        run.report
    }
}

/// Sees a runtime's workers fall asleep.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// What they had done when that was first seen, and when.
    seen: Option<(u64, Instant)>,
    /// It has been asked since.
    is_done: bool,
}

impl Watch {
    /// All workers of `shared` sleep: asks, if they have for long enough.
    pub(crate) fn look_at(&mut self, shared: &Shared) {
        let activity = activity_of(shared);
        match self.seen {
            Some((seen, since)) if seen == activity => {
                if !self.is_done && since.elapsed() >= QUIET {
                    // Some are to unwind now: it is to be seen whether they can.
                    let has_ended = ask();
                    // To ask has woken them.
                    let activity = activity_of(shared);
                    *self = Self { seen: Some((activity, Instant::now())), is_done: !has_ended };
                }
            }
            _ => *self = Self { seen: Some((activity, Instant::now())), is_done: false },
        }
    }

    /// When to look again, if nothing happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let (_, since) = self.seen.filter(|_| !self.is_done)?;
        Some(since + QUIET)
    }
}

/// With that of the workers that are there for one thread alone.
fn activity_of(shared: &Shared) -> u64 {
    let inner = shared.dedicated.runtimes();
    inner.iter().map(|inner| inner.activity()).fold(shared.activity(), u64::wrapping_add)
}

/// Asks whether it is a deadlock, and ends what can be ended if so (`true`).
fn ask() -> bool {
    let before = Instant::now();
    if !is_quiet() {
        return false;
    }
    // Two monitors may come here at once.
    // not modelled: as above
    static ASKING: parking_lot::Mutex<()> = parking_lot::Mutex::new(());
    let _one = ASKING.lock();
    let dump = dump::dump();
    // The workers have told of their threads, and go back to sleep.
    let soon = Instant::now() + QUIET;
    while !is_quiet() {
        if Instant::now() >= soon {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    is_deadlock(&dump, before) && end(&dump)
}

/// (2), (3)
fn is_deadlock(dump: &Dump, before: Instant) -> bool {
    let waits = dump.threads.iter().all(|thread| {
        let wait = thread.wait.as_ref().filter(|_| thread.state == State::Waiting);
        wait.is_some_and(|wait| {
            let may_go_on = match wait.kind {
                "future" => wait.wakers != Some(0),
                // For ever, if it is no deadline that ends it: as it was told to.
                "sleep" => true,
                _ => wait.has_deadline,
            };
            wait.since.is_some_and(|since| since < before) && !may_go_on
        })
    });
    waits && !dump.threads.is_empty() && dump.unlisted == 0
}

/// (1)
fn is_quiet() -> bool {
    let runs = waiting_runs();
    runs > 0 && dump::runtimes().iter().all(is_runtime_quiet) && is_nobody_else(runs)
}

fn is_runtime_quiet(shared: &Arc<Shared>) -> bool {
    let inner = shared.dedicated.runtimes();
    let all = || std::iter::once(shared).chain(&inner);
    all().all(|shared| shared.is_asleep()) && !shared.blocking.is_busy()
}

/// Whether this process has no OS threads but ours and `runs` others.
fn is_nobody_else(runs: usize) -> bool {
    // One that has just begun, or is about to end, is there and not counted.
    let ours = OUR_THREADS.load(Ordering::Relaxed);
    fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == ours + runs)
}

/// Says it, and has those that wait in `run` panic, when their threads have unwound. A thread that was
/// told to before, and has not, cannot: then the process ends. `false`: one of them has come, or ended,
/// since the dump.
fn end(dump: &Dump) -> bool {
    let text = format!(
        "deadlock: all green threads wait, and nothing is left that could wake one of them\n{dump}"
    );
    let text: Arc<str> = text.into();
    let mut runs = RUNS.lock();
    let waits = |run: &Run| {
        let thread = run.task.header();
        let is_in = dump.threads.binary_search_by_key(&thread.id.get(), |thread| thread.id).is_ok();
        is_in && !thread.completion.is_finished()
    };
    if !runs.iter().all(waits) {
        return false;
    }
    let is_stuck = runs.iter().all(|run| run.report.is_some());
    // Now, since nobody knows what comes of the unwinding.
    if is_stuck {
        report(format_args!("sward: still a {text}"));
    } else {
        report(format_args!("sward: {text}"));
    }
    if is_stuck || cfg!(not(panic = "unwind")) {
        report(format_args!(
            "sward: what waits in `run` cannot be unwound: the process is aborted"
        ));
        std::process::abort();
    }
    let mut tasks = Vec::new();
    for run in runs.iter_mut().filter(|run| run.report.is_none()) {
        run.report = Some(text.clone());
        tasks.push(run.task.clone());
    }
    drop(runs);
    tasks.iter().for_each(RawTask::cancel);
    true
}
