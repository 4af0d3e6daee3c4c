//! The heap task of a green thread: a [`Header`] that everything in the scheduler
//! handles, followed by the closure and, later, its result.
//!
//! 1. A task is freed when its last reference goes. One reference is the *right to
//!    run* ([`Runnable`]); it is held by the queue the thread lies in, by the worker
//!    that runs it, or, while it waits, by whoever will win the wake. Handles
//!    ([`RawTask`]) hold the others.
//! 2. The payload is touched only by the owner of the right to run, until
//!    [`Completion`] says `FINISHED`; from then on by the join handle, of which there is
//!    one at most. If that was gone before, still by the thread.
//! 3. User values (closure, result, panic payload, locals) are dropped on the green thread
//!    itself, by the holder of its handle, or, if it never started, on the blocking pool.
//!    Only when no OS thread can be had for that, or no stack for a local thread, does a
//!    worker's own loop drop a closure.
//! 4. The cells marked *scheduler* are touched only by the owner of the right to
//!    run; handing that right over orders those accesses.
//!
//! [`RawTask`]: super::RawTask
//! [`Runnable`]: super::Runnable

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::ptr::NonNull;

use super::completion::Completion;
use super::state::RunState;
use crate::cancel;
use crate::context::Runner;
use crate::current;
use crate::error::JoinError;
use crate::local::{self, Inherited, Locals};
use crate::primitive::atomic::{AtomicBool, Ordering};
use crate::primitive::{Mutex, UnsafeCell};
use crate::report::report;
use crate::stack::Extent;
use crate::wait_list::WaitList;
use crate::waiter::Waiter;
use crate::worker::{Origin, ParkedLinks, Placement, Priority, Remote};

/// What the scheduler knows of a green thread.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) completion: Completion,
    /// The waiter of whoever joins: see [`Completion`]. Null again when the end of the thread was
    /// what ended its wait.
    pub(super) joiner: Cell<*const Waiter>,
    pub(super) vtable: &'static VTable,
    /// Whether it may go on on another worker than the one it has waited on.
    pub(crate) migrates: bool,
    /// Whether it must not leave the worker that it was spawned on, not even to be dropped.
    pub(crate) is_local: bool,
    pub(crate) priority: Priority,
    /// Scheduler: it is not to run, only to end as cancelled.
    pub(crate) is_refused: Cell<bool>,
    pub(crate) run_state: RunState,
    /// Scheduler: the next thread in a local queue or an inbox.
    pub(crate) next: Cell<*const Header>,
    /// Scheduler: its place in the list of threads that have parked.
    pub(crate) parked_links: ParkedLinks,
    /// Scheduler: what it waits for, while it is parked.
    pub(crate) waiter: UnsafeCell<*const Waiter>,
    /// Scheduler: the worker it started on, or, if it migrates, last ran on. Null: it has
    /// not started. In a sticky thread set once, before any waker can have heard of it.
    pub(crate) home: Cell<*const Remote>,
    /// Scheduler: the stack it runs on, while it is started and unfinished.
    pub(crate) runner: Cell<*const Runner>,
    /// Asked for by [`RawTask::cancel`]; never taken back.
    pub(super) cancel_asked: AtomicBool,
    /// Everything that waits at this thread rather than at a channel or lock.
    pub(crate) waiting: Mutex<Waiting>,
    /// Scheduler: who spawned it, and where.
    pub(crate) origin: Origin,
    pub(crate) id: NonZeroU64,
    pub(crate) location: &'static Location<'static>,
    pub(super) rare: Option<Box<Rare>>,
}

/// Who waits at a green thread.
pub(crate) struct Waiting {
    /// The thread itself, inside [`park`](crate::park).
    pub(crate) parked: WaitList,
    /// `unpark` came before `park`.
    pub(crate) token: bool,
    /// The worker that a sticky thread, unfinished, has waited on: to whom it is to say when
    /// the thread is cancelled. Null: it has not waited yet.
    pub(crate) cancel_at: *const Remote,
}

/// What a green thread may be told when it is made. Small, since it is handed on by value.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) migrates: bool,
    pub(crate) placement: Placement,
    pub(crate) priority: Priority,
    /// Its closure or result is not fit for another OS thread.
    pub(crate) is_local: bool,
    /// It is to have an OS thread of its own.
    pub(crate) is_dedicated: bool,
    /// Most are told none of these.
    pub(super) rare: Option<Box<Rare>>,
}

/// What few threads are told.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    pub(crate) name: Option<String>,
    pub(crate) stack_size: Option<usize>,
    pub(crate) measures_stack: bool,
    /// Scheduler: what it is to begin with.
    inherited: Inherited,
}

impl Options {
    /// Those of a thread with a name.
    pub(crate) fn named(name: &str) -> Self {
        let mut options = Self::default();
        options.rare().name = Some(name.to_owned());
        options
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The same, and the thread begins with what it inherits from the current one. Calls users' code,
    /// which may block, or panic.
    #[inline]
    pub(crate) fn inheriting(mut self) -> Self {
        if local::are_inherited() {
            self.inherit();
        }
        self
    }

    #[cold]
    fn inherit(&mut self) {
        let inherited = Inherited::from_current();
        if inherited.is_some() {
            self.rare().inherited = inherited;
        }
    }
}

/// What depends on the types of closure and result.
pub(super) struct VTable {
    /// Whether it belongs to a [`scope`](crate::scope()).
    pub(super) is_member: bool,
    pub(super) run: unsafe fn(NonNull<Header>),
    pub(super) abandon: unsafe fn(NonNull<Header>, JoinError),
    pub(super) drop_result: unsafe fn(NonNull<Header>),
    pub(super) take_result: unsafe fn(NonNull<Header>, *mut ()),
    pub(super) dealloc: unsafe fn(NonNull<Header>),
}

impl Header {
    /// The name given to it.
    pub(crate) fn name(&self) -> Option<&str> {
        self.rare.as_ref()?.name.as_deref()
    }

    /// The usable bytes of stack asked for.
    pub(crate) fn stack_size(&self) -> Option<usize> {
        self.rare.as_ref()?.stack_size
    }

    /// Whether it is to know how much of its stack it uses.
    pub(crate) fn measures_stack(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.measures_stack)
    }

    /// Whether any stack of the usual size will do, one that is in use by its runner, too.
    #[inline]
    pub(crate) fn takes_any_stack(&self) -> bool {
        let rare = self.rare.as_ref();
        rare.is_none_or(|rare| rare.stack_size.is_none() && !rare.measures_stack)
    }

    /// What it is to begin with, once.
    ///
    /// # Safety
    ///
    /// The caller owns the right to run it (4).
    #[inline]
    pub(crate) unsafe fn take_inherited(&self) -> Option<Box<Locals>> {
        // SAFETY: the caller's promise.
        self.rare.as_ref().and_then(|rare| unsafe { rare.inherited.take() })
    }

    /// Where its stack is, while it is started and unfinished.
    pub(crate) fn extent(&self) -> Option<Extent> {
        // SAFETY: null, or the runner that it is on.
        unsafe { self.runner.get().as_ref() }.map(Runner::extent)
    }

    /// Its name, number and birthplace in one line, for messages.
    pub(crate) fn describe(&self) -> String {
        match self.name() {
            Some(name) => {
                format!("green thread '{name}' (#{}, spawned at {})", self.id, self.location)
            }
            None => format!("green thread #{} (spawned at {})", self.id, self.location),
        }
    }

    /// Whether the thread has been told to unwind.
    #[inline]
    pub(crate) fn is_cancel_asked(&self) -> bool {
        // Relaxed: whoever asks sees to it that somebody looks again (`RawTask::cancel`).
        self.cancel_asked.load(Ordering::Relaxed)
    }

    /// What comes of it if it is cancelled, or its runtime shuts down.
    pub(crate) fn cut_short(&self) -> JoinError {
        JoinError::cancelled(self.describe(), self.is_cancel_asked())
    }

    /// The closure unwound with `payload`. std's hook has said where; it knows only
    /// the worker, so say which green thread it was.
    pub(super) fn failed(&self, payload: Box<dyn Any + Send>) -> JoinError {
        if cancel::is_cancel(payload.as_ref()) {
            return self.cut_short();
        }
        if !current::green_thread().is_null() {
            report(format_args!("  in {}", self.describe()));
        }
        JoinError::panic(self.describe(), payload)
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
