//! [`JoinHandle`]: waiting for a green thread's result.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

use crate::cancel;
use crate::dump::Wait;
use crate::error::JoinError;

use crate::thread::{Header, RawTask, Thread};
use crate::waiter::{Outcome, Reason, Waiter};

// SAFETY: whoever joins has a reference to the thread.
pub(crate) static JOIN: Reason = unsafe { Reason::with("join", look) };

/// # Safety
///
/// `header` is that of a thread to which the caller has a reference.
unsafe fn look(header: *const (), wait: &mut Wait) {
    // SAFETY: the caller's promise.
    wait.thread = Some(unsafe { &*header.cast::<Header>() }.id.get());
}

/// Owns the result of a green thread. Dropping it detaches the thread, which runs on.
///
/// ```
/// # use sward_sched as sward;
/// let handle = sward::spawn(|| 6 * 7);
/// assert_eq!(handle.join().unwrap(), 42);
/// ```
///
/// In async code `handle.await` is `join` ([`JoinFuture`](crate::JoinFuture)).
pub struct JoinHandle<T> {
    task: ManuallyDrop<RawTask>,
    /// The result was taken by a `select!`.
    is_spent: bool,
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
        Self { task: ManuallyDrop::new(task), is_spent: false, result: PhantomData }
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
    /// Unwinds the caller; the thread waited for is detached, and goes on.
    ///
    /// # Errors
    ///
    /// [`JoinError`] when the thread panicked, was cancelled, or got no stack.
    pub fn join(self) -> Result<T, JoinError> {
        if self.wait(&JOIN, Waiter::new(), None) == Outcome::Cancelled {
            drop(self);
            cancel::raise();
        }
        self.take()
    }

    /// As [`join`](Self::join), but gives the handle back when the thread has not finished
    /// after `timeout`.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let parked = sward::spawn(sward::park);
    /// let parked = parked.join_timeout(Duration::from_millis(1)).unwrap_err();
    /// parked.thread().unpark();
    /// assert!(parked.join_timeout(Duration::from_secs(60)).unwrap().is_ok());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`join`](Self::join), for `timeout` at most; one too long for the clock is for ever.
    ///
    /// # Cancellation
    ///
    /// As [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// The handle itself: the thread goes on. Inside, [`JoinError`] as [`join`](Self::join).
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<T, JoinError>, Self> {
        match self.wait(&JOIN, Waiter::new(), Instant::now().checked_add(timeout)) {
            Outcome::TimedOut => Err(self),
            Outcome::Cancelled => {
                drop(self);
                cancel::raise();
            }
            _ => Ok(self.take()),
        }
    }

    /// Tells the thread to end: the blocking call in which it waits, or the next one that has to
    /// wait, unwinds it. Its destructors run, no panic is reported, and [`join`](Self::join)
    /// returns an error that [`is_cancelled`](JoinError::is_cancelled). A thread that has not
    /// begun never does.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let forever = sward::spawn(|| loop { sward::park() });
    /// forever.cancel();
    /// assert!(forever.join().unwrap_err().is_cancelled());
    /// ```
    ///
    /// It is a request. A thread that has finished, or does before it has to wait again, has its
    /// result as if nothing had been asked. (Channels and [`checkpoint`](crate::checkpoint) look
    /// whether it was asked now and then, too, when they need not wait, so that loops end.) Not
    /// ended are: code inside [`uncancellable`](crate::uncancellable); destructors that wait while
    /// the thread unwinds; a wait for a lock, or for [`run`](crate::run); loops that compute, or
    /// only yield, `try_` something, or send to an unbounded channel; and what blocks the OS thread, be it this thread or
    /// another that has started on the same worker. A thread that catches the unwinding goes
    /// on, and is unwound again from its next wait.
    ///
    /// Where it cannot unwind it aborts the process, as any panic does: frames of `extern "C"`
    /// functions (put an `uncancellable` around callbacks). A `std::sync::LazyLock` whose
    /// initialiser is cancelled stays poisoned.
    ///
    /// # Blocking
    ///
    /// Never blocks: it returns before the thread has ended.
    ///
    /// # Panics
    ///
    /// In a program built with `panic = "abort"`, in which nothing can be unwound: and so it
    /// ends the process there.
    pub fn cancel(&self) {
        cancel::must_unwind();
        self.task.cancel();
    }

    /// As [`join`](Self::join), of a thread that is none: it runs in the blocking pool.
    pub(crate) fn join_unblocked(self) -> Result<T, JoinError> {
        static UNBLOCK: Reason = Reason::new("unblock");
        if self.wait(&UNBLOCK, Waiter::new(), None) == Outcome::Cancelled {
            cancel::raise();
        }
        self.take()
    }

    /// As [`join`](Self::join) for callers that must not return before the thread is
    /// over, whatever happens to themselves.
    pub(crate) fn join_uncancelled(self) -> Result<T, JoinError> {
        self.wait(&JOIN, Waiter::uncancellable(), None);
        self.take()
    }

    fn wait(&self, reason: &'static Reason, waiter: Waiter, deadline: Option<Instant>) -> Outcome {
        assert!(!self.is_spent, "the thread's result has been taken already, by a `select!`");
        if self.is_finished() {
            return Outcome::Done(0);
        }
        waiter.is_about(reason, self.task.header());
        // SAFETY: the waiter stays here until `wait` has returned with `Done`, or
        // `forget_joiner` has.
        if !unsafe { self.task.set_joiner(&waiter) } {
            return Outcome::Done(0);
        }
        let outcome = waiter.wait(deadline);
        if !matches!(outcome, Outcome::Done(_)) {
            self.task.forget_joiner();
        }
        outcome
    }

    /// The result, if it is there: for a `select!`, after which the handle is of no more use but
    /// to be dropped.
    pub(crate) fn try_take(&mut self) -> Option<Result<T, JoinError>> {
        assert!(!self.is_spent, "the thread's result has been taken already, by a `select!`");
        if !self.is_finished() {
            return None;
        }
        self.is_spent = true;
        // SAFETY: as in `take`; a spent handle does not come so far.
        Some(unsafe { self.task.take_result() })
    }

    /// Makes `waiter` hear of the end of the thread. `false`: it is over.
    ///
    /// # Safety
    ///
    /// The waiter stays in place until [`forget`](Self::forget).
    pub(crate) unsafe fn notify(&self, waiter: &Waiter) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.task.set_joiner(waiter) }
    }

    /// No more of that: its wait has ended.
    pub(crate) fn forget(&self) {
        self.task.forget_joiner();
    }

    pub(crate) fn task(&self) -> &RawTask {
        &self.task
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
        let task = unsafe { ManuallyDrop::take(&mut self.task) };
        if !self.is_spent {
            // SAFETY: the handle's, whose result has not been taken.
            unsafe { task.detach() };
        }
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

    /// As [`JoinHandle::join_timeout`].
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::time::Duration;
    /// sward::run(|| {
    ///     let parked = sward::spawn_local(sward::park);
    ///     let parked = parked.join_timeout(Duration::from_millis(1)).unwrap_err();
    ///     parked.thread().unpark();
    ///     parked.join().unwrap();
    /// });
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread that calls it, for `timeout` at most.
    ///
    /// # Cancellation
    ///
    /// As [`JoinHandle::join`].
    ///
    /// # Errors
    ///
    /// As [`JoinHandle::join_timeout`].
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<T, JoinError>, Self> {
        self.handle.join_timeout(timeout).map_err(Self::new)
    }

    /// As [`JoinHandle::cancel`].
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::run(|| {
    ///     let parked = sward::spawn_local(sward::park);
    ///     parked.cancel();
    ///     assert!(parked.join().unwrap_err().is_cancelled());
    /// });
    /// ```
    ///
    /// # Panics
    ///
    /// As [`JoinHandle::cancel`].
    pub fn cancel(&self) {
        self.handle.cancel();
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
