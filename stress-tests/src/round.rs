//! A round: its threads are started, kept going, ended, joined; then all is checked.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use sward_chan::{self as chan, Receiver, Sender};
use sward_sched::JoinHandle;
use sward_sched::runtime::{Builder, Runtime};

use crate::actor::Actor;
use crate::check::check;
use crate::future::{Task, execute};
use crate::keeper::Keeper;
use crate::plan::{CHANNELS, Kind, Plan};
use crate::sabotage::Sabotage;
use crate::value::{Value, open_ledger};

/// What all who take part in it share.
pub(crate) struct Round {
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
    /// Of each thread, and of the keeper.
    pub(crate) traces: Vec<Trace>,
    /// How many values of each channel may have been put back to its head.
    pub(crate) put_backs: [AtomicU32; CHANNELS],
    /// How many have not ended yet, the keeper among them.
    pub(crate) running: AtomicUsize,
    started: Vec<Mutex<Option<Started>>>,
    failures: Mutex<Vec<String>>,
    /// The mistake that is still to be made.
    sabotage: Option<Sabotage>,
    is_sabotaged: AtomicBool,
}

/// What one of those who take part has done.
#[derive(Default)]
pub(crate) struct Trace {
    /// How many operations it has begun.
    pub(crate) begun: AtomicU32,
    pub(crate) ended: AtomicBool,
    /// The values that it has received, in that order.
    received: Mutex<Vec<u32>>,
}

enum Started {
    Green(JoinHandle<()>),
    Os(thread::JoinHandle<()>),
    Task(Arc<Task>),
}

/// What was done in a round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) operations: u64,
    pub(crate) received: u64,
}

/// The data, whatever has happened to a thread that held it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Trace {
    pub(crate) fn received(&self) -> MutexGuard<'_, Vec<u32>> {
        lock(&self.received)
    }

    pub(crate) fn log(&self, round: &Round, id: u32) {
        let mut received = self.received();
        received.push(id);
        if let [.., before, last] = &mut received[..]
            && round.plan.are_of_one_pair(*before, *last)
            && round.takes(Sabotage::Swap)
        {
            std::mem::swap(before, last);
        }
    }
}

impl Plan {
    /// What of the keeper's stock is for the probe: a channel's fill, and one more.
    pub(crate) fn reserve(&self, channel: usize) -> u32 {
        self.channels[channel].capacity.unwrap_or(0) as u32 + 1
    }

    /// Whether both go from one sender into one channel.
    fn are_of_one_pair(&self, one: u32, other: u32) -> bool {
        let [one, other] = [one, other].map(|id| &self.values[id as usize]);
        (one.sender, one.channel) == (other.sender, other.channel)
    }
}

impl Round {
    pub(crate) fn new(seed: u64, sabotage: Option<Sabotage>) -> Arc<Self> {
        let plan = Plan::draw(seed);
        let threads = plan.threads.len();
        Arc::new(Self {
            seed,
            traces: (0..=threads).map(|_| Trace::default()).collect(),
            put_backs: Default::default(),
            running: AtomicUsize::new(threads + 1),
            started: (0..threads).map(|_| Mutex::default()).collect(),
            failures: Mutex::default(),
            sabotage,
            is_sabotaged: AtomicBool::new(false),
            plan,
        })
    }

    pub(crate) fn fail(&self, what: String) {
        lock(&self.failures).push(what);
    }

    /// Whether this mistake is to be made now.
    pub(crate) fn takes(&self, mistake: Sabotage) -> bool {
        self.sabotage == Some(mistake) && !self.is_sabotaged.swap(true, Ordering::Relaxed)
    }

    /// How many operations have been begun.
    pub(crate) fn begun(&self) -> u64 {
        self.traces.iter().map(|it| u64::from(it.begun.load(Ordering::Relaxed))).sum()
    }

    /// Ends a thread from outside, if it has started.
    pub(crate) fn cancel(&self, thread: usize) {
        let task = match &*lock(&self.started[thread]) {
            Some(Started::Green(handle)) => return handle.cancel(),
            Some(Started::Task(task)) => task.clone(),
            _ => return,
        };
        task.abort();
    }

    /// Does all of it.
    pub(crate) fn run(self: &Arc<Self>) -> Result<Done, Vec<String>> {
        open_ledger(self.plan.values.len());
        let sticky = Builder::new().workers(self.plan.workers).build();
        // SAFETY: what the threads of a round hold across a blocking call is `Send`, and none of
        // it is tied to an OS thread.
        let migrating = unsafe { Builder::new().allow_migration() };
        let migrating = migrating.workers(self.plan.migrating_workers).build();
        let runtimes = [sticky, migrating].map(|it| it.expect("a runtime starts"));

        let (queues, executors) = self.start_executors(&runtimes);
        let keeper = self.start_threads(&runtimes, &queues);
        keeper.keep_going();
        for started in &self.started {
            let started = lock(started).take();
            started.into_iter().for_each(|it| self.join(it));
        }
        queues.iter().for_each(|queue| _ = queue.close());
        executors.into_iter().for_each(|executor| self.join(executor));
        keeper.probe();
        keeper.close_all();
        keeper.empty_all();
        drop(keeper);
        for runtime in runtimes {
            if !runtime.shutdown(Duration::from_secs(60)) {
                self.fail("a runtime does not shut down".to_owned());
            }
        }
        let done = check(self);
        let failures = std::mem::take(&mut *lock(&self.failures));
        if failures.is_empty() { Ok(done) } else { Err(failures) }
    }

    fn start_executors(
        self: &Arc<Self>,
        runtimes: &[Runtime; 2],
    ) -> (Vec<Sender<Arc<Task>>>, Vec<Started>) {
        let start = |kind: &Kind| {
            let (queue, tasks): (_, Receiver<Arc<Task>>) = chan::unbounded();
            let round = self.clone();
            (queue, start(*kind, runtimes, move || execute(&tasks, &round)))
        };
        self.plan.executors.iter().map(start).unzip()
    }

    /// All have their ends before the first begins.
    fn start_threads(
        self: &Arc<Self>,
        runtimes: &[Runtime; 2],
        queues: &[Sender<Arc<Task>>],
    ) -> Keeper {
        let channels: Vec<(Sender<Value>, Receiver<Value>)> =
            self.plan.channels.iter().map(|plan| channel(plan.capacity)).collect();
        let actors: Vec<_> =
            (0..self.started.len()).map(|me| Actor::with_ends(self, me, &channels)).collect();
        let keeper = Keeper::new(self, channels);
        for (me, actor) in actors.into_iter().enumerate() {
            let started = match self.plan.threads[me].kind {
                Kind::Task(executor) => Started::Task(Task::spawn(&queues[executor], actor)),
                kind => start(kind, runtimes, move || actor.run()),
            };
            *lock(&self.started[me]) = Some(started);
        }
        keeper
    }

    fn join(&self, started: Started) {
        match started {
            Started::Green(handle) => match handle.join() {
                Err(error) if !error.is_cancelled() => self.fail(format!("a thread: {error}")),
                _ => {}
            },
            Started::Os(handle) => {
                if handle.join().is_err() {
                    self.fail("an OS thread panicked".to_owned());
                }
            }
            Started::Task(_) => {}
        }
    }
}

fn channel(capacity: Option<usize>) -> (Sender<Value>, Receiver<Value>) {
    capacity.map_or_else(chan::unbounded, chan::bounded)
}

fn start(
    kind: Kind,
    [sticky, migrating]: &[Runtime; 2],
    f: impl FnOnce() + Send + 'static,
) -> Started {
    match kind {
        Kind::Green => Started::Green(sticky.spawn(f)),
        Kind::Migrating => Started::Green(migrating.spawn(f)),
        Kind::Dedicated => {
            Started::Green(sticky.run(|| sward_sched::Builder::new().dedicated().spawn(f)))
        }
        Kind::Os | Kind::Task(_) => Started::Os(thread::spawn(f)),
    }
}
