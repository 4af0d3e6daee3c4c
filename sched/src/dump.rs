//! What every green thread does: [`dump()`].
//!
//! Workers tell of their threads between two turns (`worker/survey.rs`); here is what they tell, who
//! waits for whom in a ring (`cycles.rs`), and how it is shown (`text.rs`, `json.rs`).
//!
//! 1. No thread is stopped for it, so what is told of two threads may be of two moments.

mod cycles;
mod json;
mod text;

use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::fork;
use crate::monitor::Running;
use crate::park::yield_now;
use crate::thread::Header;
use crate::worker::{Found, Priority, Shared, Survey};

/// All green threads of this process as they were at about the same time.
///
/// As text, for people, it is what `Display` shows; [`to_json`](Self::to_json) is for programs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dump {
    /// The runtimes, in the order in which they were made. A thread that has an OS thread of its own
    /// is in the runtime in which it was spawned.
    pub runtimes: Vec<RuntimeInfo>,
    /// The threads, by number.
    pub threads: Vec<ThreadInfo>,
    /// Threads that wait for each other's locks, or ends, in a ring, without a deadline: none of them
    /// will ever go on by itself. Each waits for the next one, and the last for the first.
    pub cycles: Vec<Vec<u64>>,
    /// How many threads there are beyond those: on workers that did not answer, or far behind in a
    /// queue.
    pub unlisted: usize,
}

/// One runtime.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuntimeInfo {
    /// What its OS threads are named after.
    pub name: String,
    /// Its workers, and then those of threads that have an OS thread of their own.
    pub workers: Vec<WorkerInfo>,
}

/// One worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// Its number in its runtime; of the worker of a thread with an OS thread of its own, nothing.
    pub index: Option<usize>,
    /// Whether it has told of its threads. One that has not is in a turn that does not end: what runs
    /// there computes, or blocks its OS thread, and all that have started there wait for it.
    pub answered: bool,
    /// If it has not: the number of the thread that it runs, and where that was spawned.
    pub running: Option<(u64, &'static Location<'static>)>,
}

/// One green thread.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ThreadInfo {
    /// Its number, which [`ThreadId`](crate::ThreadId) shows, too.
    pub id: u64,
    /// The name given to it.
    pub name: Option<String>,
    /// What it does.
    pub state: State,
    /// What it waits for, if that is what it does.
    pub wait: Option<Box<Wait>>,
    /// The number of the green thread that spawned it, if it was one; that may be over.
    pub parent: Option<u64>,
    /// Where it was spawned.
    pub location: &'static Location<'static>,
    /// Its runtime, an index into [`Dump::runtimes`].
    pub runtime: usize,
    /// The worker that it is on, or was last, by its number; nothing, if it has not started or has an
    /// OS thread of its own.
    pub worker: Option<usize>,
    /// Its priority.
    pub priority: Priority,
    /// Whether it may go on on another worker.
    pub migrates: bool,
    /// Whether it is to unwind, and has not yet.
    pub is_cancelled: bool,
}

/// What a green thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It has not started.
    New,
    /// It could go on, and waits for its turn.
    Ready,
    /// It runs, on a worker that does not answer.
    Running,
    /// It waits for something.
    Waiting,
}

/// What a thread waits for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wait {
    /// The kind of wait, in a word: `receive`, `send`, `select`, `oneshot`, `broadcast`, `watch`;
    /// `mutex`, `read`, `upgradable_read`, `write`, `upgrade`, `condvar`, `semaphore`,
    /// `barrier`, `wait_group`, `once`, `notify`; `join`, `scope`, `group`, `cancel_token`, `park`,
    /// `sleep`, `timer`, `future`, `unblock`, `dump`; `unknown`. There may be others one day.
    pub kind: &'static str,
    /// The address of what it waits for, by which one tells who waits for the same; 0: nothing.
    pub object: usize,
    /// Since when; a moment too early, at most as long as a turn took on its worker.
    pub since: Option<Instant>,
    /// Whether it waits until a deadline at most.
    pub has_deadline: bool,
    /// The number of the thread that it waits for: that which has the lock, or is joined.
    pub thread: Option<u64>,
    /// Of a channel: how many values are in it.
    pub len: Option<usize>,
    /// Of a channel: for how many there is room; nothing, if there is no limit.
    pub capacity: Option<usize>,
    /// Of a future: how many wakers there are, beside the thread's own.
    pub wakers: Option<usize>,
    /// Of a channel: how many senders there are.
    pub senders: Option<usize>,
    /// Of a channel: how many receivers there are.
    pub receivers: Option<usize>,
    /// Of a select: what each of its arms waits for.
    pub arms: Vec<Self>,
}

impl Wait {
    #[doc(hidden)]
    pub fn new(kind: &'static str, object: *const ()) -> Self {
        Self {
            kind,
            object: object.addr(),
            since: None,
            has_deadline: false,
            thread: None,
            len: None,
            capacity: None,
            wakers: None,
            senders: None,
            receivers: None,
            arms: Vec::new(),
        }
    }

    /// For how long it has waited, by now.
    fn elapsed(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl ThreadInfo {
    /// The right to run it is the caller's, or nobody's who uses it meanwhile.
    pub(crate) fn of(thread: &Header, state: State, wait: Option<Box<Wait>>) -> Self {
        // SAFETY: null, or a worker's, which outlives its threads.
        let home = unsafe { thread.home.get().as_ref() };
        Self { state, wait, worker: home.map(|home| home.index), ..Self::unheld(thread) }
    }

    /// A migrating one that others may run just now.
    pub(crate) fn unheld(thread: &Header) -> Self {
        Self {
            id: thread.id.get(),
            name: thread.name().map(str::to_owned),
            state: State::Ready,
            wait: None,
            parent: (thread.origin.parent != 0).then_some(thread.origin.parent),
            location: thread.location,
            runtime: 0,
            worker: None,
            priority: thread.priority,
            migrates: thread.migrates,
            is_cancelled: thread.is_cancel_asked(),
        }
    }
}

impl WorkerInfo {
    pub(crate) fn new(index: usize, answered: bool, running: Option<Running>) -> Self {
        let running = running.map(|running| (running.id, running.location));
        Self { index: Some(index), answered, running }
    }
}

/// A runtime whose workers have been asked.
struct Asked {
    shared: Arc<Shared>,
    survey: Arc<Survey>,
    dedicated: Vec<Self>,
}

impl Asked {
    fn new(shared: Arc<Shared>) -> Self {
        let dedicated = shared.dedicated.runtimes().into_iter().map(Self::new).collect();
        Self { survey: shared.ask(), shared, dedicated }
    }
}

impl Dump {
    /// A moment's.
    fn take() -> Self {
        let mut dump =
            Self { runtimes: Vec::new(), threads: Vec::new(), cycles: Vec::new(), unlisted: 0 };
        // All at once: to ask one runtime after the other would be to see them at different moments.
        let asked: Vec<_> = runtimes().into_iter().map(Asked::new).collect();
        asked.into_iter().for_each(|asked| dump.add(asked));
        // Of many threads each of these takes milliseconds: others go in between.
        yield_now();
        dump.threads.sort_by_key(|thread| thread.id);
        yield_now();
        // One that has gone from queue to queue meanwhile.
        dump.threads.dedup_by_key(|thread| thread.id);
        yield_now();
        dump
    }

    fn add(&mut self, asked: Asked) {
        let Asked { shared, survey, dedicated } = asked;
        let (found, mut workers) = shared.answers(&survey);
        self.add_found(found, false);
        for Asked { shared, survey, .. } in dedicated {
            let (found, own) = shared.answers(&survey);
            self.add_found(found, true);
            workers.extend(own.into_iter().map(|own| WorkerInfo { index: None, ..own }));
        }
        let running = workers.iter().filter_map(|worker| Some((worker.index, worker.running?)));
        for (worker, (id, location)) in running {
            self.add_running(&shared, worker, id, location);
        }
        self.runtimes.push(RuntimeInfo { name: shared.setup.name.clone(), workers });
    }

    fn add_found(&mut self, mut found: Found, is_dedicated: bool) {
        self.unlisted += found.unlisted;
        for thread in &mut found.threads {
            thread.runtime = self.runtimes.len();
            thread.worker.take_if(|_| is_dedicated);
        }
        match self.threads.is_empty() {
            true => self.threads = found.threads,
            false => self.threads.append(&mut found.threads),
        }
    }

    /// What a worker runs that does not answer.
    fn add_running(
        &mut self,
        shared: &Shared,
        worker: Option<usize>,
        id: u64,
        location: &'static Location<'static>,
    ) {
        if let Some(seen) = self.threads.iter_mut().find(|thread| thread.id == id) {
            (seen.state, seen.wait) = (State::Running, None);
            return;
        }
        self.unlisted = self.unlisted.saturating_sub(1);
        self.threads.push(ThreadInfo {
            id,
            name: shared.names.get(id),
            state: State::Running,
            wait: None,
            parent: None,
            location,
            runtime: self.runtimes.len(),
            worker,
            priority: Priority::Normal,
            migrates: shared.migrates,
            is_cancelled: false,
        });
    }
}

/// Every green thread of this process: what it does, what it waits for and since when, who has the lock
/// that it waits for, who spawned it and where. For people it is printed (`{}`), for programs there is
/// [`to_json`](Dump::to_json).
///
/// ```
/// # use sward_sched as sward;
/// sward::run(|| {
///     let waits = sward::Builder::new().name("waits").spawn(sward::park);
///     let parked = loop {
///         let dump = sward::dump();
///         let mut waits = dump.threads.iter().filter_map(|thread| thread.wait.as_ref());
///         if waits.any(|wait| wait.kind == "park") {
///             break dump;
///         }
///         sward::yield_now(); // it has not come to its `park` yet
///     };
///     println!("{parked}");
///     waits.thread().unpark();
///     waits.join().unwrap();
/// });
/// ```
///
/// Threads that wait for the same, and were spawned at the same place, are shown as one group. Those
/// that wait for each other's locks, or for each other's end, in a ring are named first
/// ([`cycles`](Dump::cycles)); if there seem to be any, it is looked twice, so that a ring that is shown
/// was there at one moment.
///
/// Nobody is stopped for more than a millisecond or two: workers tell of some threads between two turns,
/// so what is told of two threads may be of two moments, and one that has just begun may be missed. A
/// worker whose turn does not end tells nothing; then that, and the thread that it runs, is what is told
/// of it.
///
/// "Who has the lock" is who took it; a guard that was moved to another thread is not followed, and of
/// a lock that was just handed over nobody is known. A thread that was notified of a condition and waits
/// for its mutex is still shown at the condition. Of the readers of an `RwLock`, and of async tasks,
/// nothing is known, and OS threads are only known by the number of one that has a lock.
///
/// # Blocking
///
/// Parks the green thread, or blocks the OS thread, until all workers have answered: about a
/// microsecond for each thread, and longer beside threads that compute, since workers tell for a
/// millisecond at a time. One that takes no turn for a tenth of a second is not waited for.
///
/// # Cancellation
///
/// None.
///
/// # Panics
///
/// In a forked child: see the crate's front page.
pub fn dump() -> Dump {
    fork::check();
    let mut dump = Dump::take();
    if !cycles::find(&dump.threads).is_empty() {
        let later = Dump::take();
        dump.cycles = cycles::find_in_both(&dump.threads, &later.threads);
    }
    dump
}

// not modelled: a list that nobody waits at
static RUNTIMES: parking_lot::Mutex<Vec<Weak<Shared>>> = parking_lot::Mutex::new(Vec::new());

/// A runtime begins, of which a dump is to tell.
pub(crate) fn enlist(shared: &Arc<Shared>) {
    let mut runtimes = RUNTIMES.lock();
    if runtimes.len() == runtimes.capacity() {
        runtimes.retain(|shared| shared.strong_count() > 0);
    }
    runtimes.push(Arc::downgrade(shared));
}

pub(crate) fn runtimes() -> Vec<Arc<Shared>> {
    RUNTIMES.lock().iter().filter_map(Weak::upgrade).collect()
}
