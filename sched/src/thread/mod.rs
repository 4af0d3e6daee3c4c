//! Green threads seen from outside: [`Thread`], [`ThreadId`], [`current`].

mod block;
mod completion;
mod header;
mod state;
mod task;

use std::fmt;
use std::num::NonZeroU64;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;

pub(crate) use self::block::{Blocks, SpareBlocks};
pub(crate) use self::header::{Header, Options};
pub use self::task::drop_quietly_with;
pub(crate) use self::task::{MemberOf, RawTask, Runnable, Within, is_member_of};
use crate::current::green_thread;

/// A handle to a thread, green or not: its name, its number, and a way to
/// [`unpark`](Self::unpark) it.
///
/// ```
/// # use sward_sched as sward;
/// sward::run(|| {
///     let thread = sward::current();
///     assert_eq!(thread.name(), Some("main"));
/// });
/// ```
#[derive(Clone)]
pub struct Thread(Kind);

#[derive(Clone)]
enum Kind {
    Green(RawTask),
    Os(std::thread::Thread),
}

impl Thread {
    pub(crate) fn green(task: RawTask) -> Self {
        Self(Kind::Green(task))
    }

    /// The thread's number, unique in this process.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let a = sward::spawn(|| sward::current().id()).join().unwrap();
    /// assert_ne!(a, sward::current().id());
    /// ```
    pub fn id(&self) -> ThreadId {
        match &self.0 {
            Kind::Green(task) => ThreadId(Id::Green(task.header().id)),
            Kind::Os(thread) => ThreadId(Id::Os(thread.id())),
        }
    }

    /// The name that [`Builder::name`](crate::Builder::name) gave it, if any.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let handle = sward::Builder::new().name("scribe").spawn(|| ());
    /// assert_eq!(handle.thread().name(), Some("scribe"));
    /// ```
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Kind::Green(task) => task.header().name(),
            Kind::Os(thread) => thread.name(),
        }
    }

    /// The number of the green thread that spawned it, which may be over; none, if it was spawned from
    /// outside, or is an OS thread.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::run(|| {
    ///     let child = sward::spawn(|| sward::current().parent());
    ///     assert_eq!(child.join().unwrap(), Some(sward::current().id()));
    /// });
    /// ```
    pub fn parent(&self) -> Option<ThreadId> {
        match &self.0 {
            Kind::Green(task) => NonZeroU64::new(task.header().origin.parent)
                .map(|parent| ThreadId(Id::Green(parent))),
            Kind::Os(_) => None,
        }
    }

    /// Ends the thread's [`park`](crate::park), or makes its next one return at once.
    /// Several calls before it count as one. Never blocks; does nothing to a thread
    /// that is over.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let parked = sward::spawn(sward::park);
    /// parked.thread().unpark();
    /// parked.join().unwrap();
    /// ```
    pub fn unpark(&self) {
        match &self.0 {
            Kind::Green(task) => crate::park::unpark(task.header()),
            Kind::Os(thread) => thread.unpark(),
        }
    }
}

impl UnwindSafe for Thread {}
impl RefUnwindSafe for Thread {}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// The number of a thread. It is never used again for another one.
///
/// ```
/// # use sward_sched as sward;
/// assert_eq!(sward::current().id(), sward::current().id());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThreadId(Id);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    Green(NonZeroU64),
    Os(std::thread::ThreadId),
}

impl fmt::Debug for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Id::Green(id) => write!(f, "ThreadId(green {id})"),
            Id::Os(id) => write!(f, "ThreadId(OS {id:?})"),
        }
    }
}

/// The thread that this code runs in: the green thread, or the OS thread if it is
/// none of ours.
///
/// ```
/// # use sward_sched as sward;
/// let handle = sward::Builder::new()
///     .name("scribe")
///     .spawn(|| sward::current().name().map(str::to_owned));
/// assert_eq!(handle.join().unwrap().as_deref(), Some("scribe"));
/// ```
pub fn current() -> Thread {
    match NonNull::new(green_thread().cast_mut()) {
        // SAFETY: the current thread's task is alive, and its worker's pointer to it
        // came from `Runnable::as_ptr`.
        Some(header) => Thread::green(unsafe { RawTask::from_header(header) }),
        None => Thread(Kind::Os(std::thread::current())),
    }
}
