//! Green threads with an OS thread of their own.
//!
//! Such a thread runs on a worker that is there for it alone: a runtime of one worker inside
//! the one that it was spawned on (the *outer*). To all others it is a green thread as any,
//! while everything tied to an OS thread is its own. What it spawns goes to the outer runtime,
//! but for [`spawn_local`](crate::spawn_local), which stays with it.
//!
//! 1. The worker returns when its thread, and those that it has spawned locally, are over.
//! 2. The outer runtime's shutdown closes the inner one, and waits for it.

use std::sync::{Arc, Weak};

use crate::deadlock::OurThread;
use crate::error::JoinError;
use crate::primitive::{Mutex, ThreadBuilder};
use crate::refused::RefusedThread;
use crate::stack::room;
use crate::thread::Runnable;
use crate::worker::{Placement, Shared, Worker, spawn_error};

/// The inner runtimes of an outer one.
#[derive(Debug)]
pub(crate) struct Dedicated(Mutex<Vec<Weak<Shared>>>);

impl Dedicated {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Those that are left.
    pub(crate) fn runtimes(&self) -> Vec<Arc<Shared>> {
        self.0.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// The outer runtime closes.
    pub(crate) fn close(&self) {
        self.runtimes().iter().for_each(Shared::close);
    }

    /// Threads of theirs that have started and not finished.
    pub(crate) fn unfinished(&self) -> usize {
        self.runtimes().iter().map(|inner| inner.unfinished()).sum()
    }

    fn add(&self, shared: &Arc<Shared>) {
        let mut inner = self.0.lock();
        if inner.len() == inner.capacity() {
            inner.retain(|shared| shared.strong_count() > 0);
        }
        inner.push(Arc::downgrade(shared));
    }
}

/// Gives `thread`, which has not started, an OS thread of its own.
pub(crate) fn start(thread: Runnable, outer: &Arc<Shared>) {
    let (inner, mut queues) = Shared::inside(outer);
    outer.dedicated.add(&inner);
    if outer.is_closing() {
        // It may have come too late for `close`.
        inner.close();
    }
    // An OS thread's name ends at the first NUL, and std panics on one.
    let name = match thread.header().name() {
        Some(name) => name.replace('\0', "?"),
        None => outer.setup.thread_name("dedicated"),
    };
    let queues = queues.pop().expect("one worker");
    outer.party_enters();
    inner.party_enters();
    inner.start(thread, Placement::Spread);
    let (theirs, outer_too) = (inner.clone(), outer.clone());
    let work = move || {
        let _ours = OurThread::begin();
        outer_too.setup.leave_cores();
        Worker::run(theirs, 0, queues);
        outer_too.party_leaves();
    };
    let started = room::for_os_thread().and_then(|()| ThreadBuilder::new().name(name).spawn(work));
    if let Err(error) = started {
        outer.party_leaves();
        // Unless `close` has ended it.
        if let Some(thread) = inner.take_injected() {
            let error = spawn_error("its own OS thread", error);
            let error = JoinError::no_os_thread(thread.header().describe(), error);
            outer.blocking.refuse([RefusedThread::new(thread, error, outer)]);
        }
    }
}
