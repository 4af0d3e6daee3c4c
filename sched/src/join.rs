//! [`JoinHandle`]: waiting for a green thread's result.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::cancel;
use crate::error::JoinError;
use crate::thread::{RawTask, Thread};
use crate::waiter::{Outcome, Waiter};

/// Owns the result of a green thread. Dropping it detaches the thread, which runs on.
///
/// ```
/// # use sward_sched as sward;
/// let handle = sward::spawn(|| 6 * 7);
/// assert_eq!(handle.join().unwrap(), 42);
/// ```
pub struct JoinHandle<T> {
    task: ManuallyDrop<RawTask>,
    result: PhantomData<T>,
}

// SAFETY: through the handle a `T` goes from the green thread to the holder.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: a shared handle gives access to nothing of `T`.
unsafe impl<T: Send> Sync for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// # Safety
    ///
    /// The thread's result is a `T`, and this is its only handle.
    pub(crate) unsafe fn new(task: RawTask) -> Self {
        Self { task: ManuallyDrop::new(task), result: PhantomData }
    }

    /// Waits until the thread has finished and returns its result.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let handle = sward::spawn(|| "done".to_string());
    /// assert_eq!(handle.join().unwrap(), "done");
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread that calls it, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the calling green thread when its runtime shuts down; the thread
    /// waited for is detached.
    ///
    /// # Errors
    ///
    /// [`JoinError`] when the thread panicked, was cancelled, or got no stack.
    pub fn join(self) -> Result<T, JoinError> {
        if self.wait(Waiter::new()) == Outcome::Cancelled {
            drop(self);
            cancel::raise();
        }
        self.take()
    }

    /// As [`join`](Self::join) for callers that must not return before the thread is
    /// over, whatever happens to themselves.
    pub(crate) fn join_uncancelled(self) -> Result<T, JoinError> {
        self.wait(Waiter::uncancellable());
        self.take()
    }

    fn wait(&self, waiter: Waiter) -> Outcome {
        if self.task.header().completion.is_finished() {
            return Outcome::Done(0);
        }
        // SAFETY: the waiter stays here until `wait` has returned with `Done`, or
        // `forget_joiner` has.
        if !unsafe { self.task.set_joiner(&waiter) } {
            return Outcome::Done(0);
        }
        let outcome = waiter.wait(None);
        if outcome == Outcome::Cancelled {
            self.task.forget_joiner();
        }
        outcome
    }

    fn take(self) -> Result<T, JoinError> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used again.
        let task = unsafe { ManuallyDrop::take(&mut this.task) };
        debug_assert!(task.header().completion.is_finished());
        // SAFETY: the type is the handle's, the thread has finished, and a handle that
        // is used up cannot ask again.
        unsafe { task.take_result() }
    }

    /// Whether [`join`](Self::join) would return at once. Never blocks.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let blocked = sward::spawn(sward::park);
    /// assert!(!blocked.is_finished());
    /// # blocked.thread().unpark();
    /// ```
    pub fn is_finished(&self) -> bool {
        self.task.header().completion.is_finished()
    }

    /// The thread itself.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let parked = sward::spawn(sward::park);
    /// parked.thread().unpark();
    /// parked.join().unwrap();
    /// ```
    pub fn thread(&self) -> Thread {
        Thread::green((*self.task).clone())
    }
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // SAFETY: this is the end of the handle, and `take` does not come here.
        unsafe { ManuallyDrop::take(&mut self.task).detach() };
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("thread", &self.task)
            .field("is_finished", &self.is_finished())
            .finish()
    }
}

/// Owns the result of a green thread started by [`spawn_local`](crate::spawn_local), which
/// need not be `Send`; so the handle is not, either. Dropping it detaches the thread.
///
/// ```
/// # use sward_sched as sward;
/// sward::run(|| {
///     let handle = sward::spawn_local(|| std::rc::Rc::new(7));
///     assert_eq!(*handle.join().unwrap(), 7);
/// });
/// ```
///
/// ```compile_fail
/// # use sward_sched as sward;
/// fn is_send<T: Send>(_: T) {}
/// is_send(sward::spawn_local(|| ()));
/// ```
pub struct LocalJoinHandle<T> {
    handle: JoinHandle<T>,
    /// Not `Send`, whatever `T` is, nor `Sync`.
    local: PhantomData<*const T>,
}

impl<T> LocalJoinHandle<T> {
    pub(crate) fn new(handle: JoinHandle<T>) -> Self {
        Self { handle, local: PhantomData }
    }

    /// As [`JoinHandle::join`].
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::run(|| assert_eq!(sward::spawn_local(|| 7).join().unwrap(), 7));
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread that calls it.
    ///
    /// # Cancellation
    ///
    /// As [`JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// As [`JoinHandle::join`].
    pub fn join(self) -> Result<T, JoinError> {
        self.handle.join()
    }

    /// As [`JoinHandle::is_finished`].
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::run(|| assert!(!sward::spawn_local(|| ()).is_finished()));
    /// ```
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// As [`JoinHandle::thread`].
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::run(|| {
    ///     let parked = sward::spawn_local(sward::park);
    ///     parked.thread().unpark();
    ///     parked.join().unwrap();
    /// });
    /// ```
    pub fn thread(&self) -> Thread {
        self.handle.thread()
    }
}

impl<T> UnwindSafe for LocalJoinHandle<T> {}
impl<T> RefUnwindSafe for LocalJoinHandle<T> {}

impl<T> fmt::Debug for LocalJoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}
