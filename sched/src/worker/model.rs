//! For the models: a runtime some of whose workers a model plays itself, and tasks that no
//! worker runs. So one protocol at a time is explored, by the source that ships.

#![expect(missing_docs, reason = "they are named after what they stand for")]
#![expect(clippy::new_without_default, reason = "nobody wants it")]

use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::slot::Slot;
use super::{Idle, Remote, Shared, Worker};
use crate::join::JoinHandle;
use crate::launch::new_thread;
use crate::monitor::Monitor;
use crate::primitive::ThreadBuilder;
use crate::stack::MIN_STACK_SIZE;
use crate::thread::{Options, RawTask, Runnable};
use crate::timer::TimerNode;
use crate::unblock::BlockingPool;
use crate::waiter::Waiter;

/// A thread that has not started, or the right to run it.
#[derive(Debug)]
pub struct Ready(Runnable);

impl Ready {
    /// One that belongs to no runtime.
    pub fn new<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> (JoinHandle<T>, Self) {
        let location = Location::caller();
        let id = super::reserve_ids(1);
        // SAFETY: `Send + 'static`, both; the first handle.
        unsafe {
            let (task, runnable) = RawTask::new(f, id, Options::default(), location, ());
            (JoinHandle::new(task), Self(runnable))
        }
    }

    /// Runs it to its end, as the blocking pool does.
    pub fn run(self) {
        // SAFETY: it has not started.
        unsafe { self.0.run() };
        self.0.finish(|_| {});
    }
}

/// An inbox without a worker.
#[derive(Debug)]
pub struct ModelInbox(Inbox);

impl ModelInbox {
    pub fn new() -> Self {
        Self(Inbox::new())
    }

    /// `true`: the caller must notify the owner.
    pub fn push(&self, thread: Ready) -> bool {
        self.0.push(thread.0)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn take_all(&self, mut f: impl FnMut(Ready)) {
        self.0.take_all(|thread| f(Ready(thread)));
    }
}

/// A slot without a worker.
#[derive(Debug)]
pub struct ModelSlot(Slot);

impl ModelSlot {
    pub fn new() -> Self {
        Self(Slot::new())
    }

    pub fn put(&self, thread: Ready) -> Result<(), Ready> {
        self.0.put(thread.0).map_err(Ready)
    }

    pub fn replace(&self, thread: Ready) -> Option<Ready> {
        self.0.replace(thread.0).map(Ready)
    }

    pub fn take(&self) -> Option<Ready> {
        self.0.take().map(Ready)
    }
}

/// A deadline an hour from now.
#[derive(Debug)]
pub struct ModelTimer(TimerNode);

impl ModelTimer {
    pub fn new(waiter: &Waiter) -> Self {
        Self(TimerNode::new(NonNull::from(waiter)))
    }
}

/// The deadlines of migrating threads at a worker that the model plays.
#[derive(Debug)]
pub struct ModelTimers(Arc<Shared>);

impl ModelTimers {
    pub fn new() -> Self {
        Self(Shared::new(1, MIN_STACK_SIZE, true, Arc::default()).0)
    }

    fn remote(&self) -> &Remote {
        &self.0.remotes[PLAYED]
    }

    pub fn set(&self, timer: &ModelTimer) {
        self.remote().set_timer(Instant::now() + HOUR, &timer.0);
    }

    pub fn cancel(&self, timer: &ModelTimer) {
        self.remote().cancel_timer(&timer.0);
    }

    /// Somebody finds that more than an hour has passed.
    pub fn fire(&self) {
        self.remote().fire_timers(Instant::now() + 2 * HOUR);
    }

    pub fn is_empty(&self) -> bool {
        self.remote().timers.lock().next_deadline().is_none()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// A monitor whose round is the model's.
#[derive(Debug)]
pub struct ModelMonitor(Monitor);

impl ModelMonitor {
    pub fn new() -> Self {
        Self(Monitor::new())
    }

    /// What its round begins with: returns when some worker is awake.
    pub fn wait_for_work(&self, idle: &Idle) {
        while !idle.is_anyone_awake() {
            self.0.sleep(idle, None);
        }
    }

    pub fn look_up(&self) {
        self.0.look_up();
    }
}

/// A blocking pool without a runtime.
#[derive(Clone, Debug)]
pub struct ModelPool(Arc<BlockingPool>);

impl ModelPool {
    pub fn new() -> Self {
        Self(BlockingPool::new(Arc::default()))
    }

    pub fn submit(&self, job: Ready) {
        self.0.submit_run(job.0);
    }

    /// An idle thread, if there is one, has been so for long enough.
    pub fn expire(&self) {
        self.0.expire();
    }

    pub fn close(&self) {
        self.0.close();
    }
}

/// A runtime of which a model starts some workers and plays the others.
#[derive(Clone)]
pub struct Stage(Arc<Shared>);

impl Stage {
    /// Two workers: the model plays number 0, and number 1 is real.
    pub fn new(migrates: bool) -> Self {
        let (shared, queues) = Shared::new(2, MIN_STACK_SIZE, migrates, Arc::default());
        let real = queues.into_iter().nth(REAL).expect("one for each worker");
        shared.party_enters();
        let of = shared.clone();
        let start = ThreadBuilder::new().spawn(move || Worker::run(of, REAL, real));
        drop(start.expect("loom starts it"));
        Self(shared)
    }

    fn real(&self) -> &Remote {
        &self.0.remotes[REAL]
    }

    fn played(&self) -> &Remote {
        &self.0.remotes[PLAYED]
    }

    /// A thread that is nowhere yet.
    pub fn thread<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> (JoinHandle<T>, Ready) {
        // SAFETY: `Send + 'static`, both; the first handle.
        unsafe {
            let options = Options::default();
            let (task, runnable) = new_thread(f, &self.0, options, Location::caller(), ());
            (JoinHandle::new(task), Ready(runnable))
        }
    }

    /// From outside.
    pub fn inject(&self, thread: Ready) {
        self.0.inject(thread.0);
    }

    /// The played worker spawns a lone thread, and does not come to it.
    pub fn leave_lone(&self, thread: Ready) {
        assert!(self.played().lone.put(thread.0).is_ok());
        self.0.idle.notify_any();
    }

    /// The played worker deals it to the real one. Refused, it ends as cancelled.
    pub fn deal(&self, thread: Ready) {
        if self.real().expect_one(&self.0) {
            self.real().receive(thread.0, &self.0);
        } else {
            let error = thread.0.header().cut_short();
            // SAFETY: it has not started.
            unsafe { thread.0.abandon(error) };
        }
    }

    /// The monitor finds the real worker stuck.
    pub fn help(&self) {
        self.0.help(self.real());
    }

    /// The played worker sees, more than an hour from now, that the real one is stuck.
    pub fn fire_timers(&self) {
        self.real().fire_timers_for(Instant::now() + 2 * HOUR);
    }

    /// The played worker cancels what is parked and migrates.
    pub fn cancel_moving(&self) {
        self.0.cancel_moving();
    }

    /// A migrating thread starts on the played worker.
    pub fn moving_starts(&self) {
        self.played().count_started(true);
    }

    /// It ends there, while the runtime closes.
    pub fn moving_ends(&self) {
        self.played().count_finished(true);
        self.0.moving_thread_ended();
    }

    /// Begins the shutdown.
    pub fn close(&self) {
        self.0.close();
    }

    /// The rest of it.
    pub fn wait(self) {
        assert!(self.0.wait_for_parties(None));
        self.0.blocking.close();
    }
}

const PLAYED: usize = 0;
const REAL: usize = 1;

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
