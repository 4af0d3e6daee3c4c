//! [`scope`]: green threads that borrow from whoever waits for them.
//!
//! A member's task is an ordinary one, but for a pointer to its scope's [`Members`], which lie on
//! the stack of whoever opened the scope, its *owner*.
//!
//! 1. A member is counted before it can run. It leaves when its closure is gone, and its result too,
//!    or its handle has that; to leave is the last that it does with the scope. Handles have the
//!    scope's lifetime; one that is leaked keeps its result for ever, and nobody drops or reads it.
//! 2. The owner does not return, or unwind, before all have left: nothing ends its last wait but
//!    the last member.
//! 3. The last member touches `Members` after its own step only if it has seen that the owner waits.
//!    Then the owner stays until it has been woken, or, when its wait has ended otherwise, until it
//!    is let go.
//! 4. Members that were alive when the owner was cancelled (or a group failed: `group.rs`) are told to
//!    end, and so is each that comes later. For that the scope has a reference to each; those that have finished are dropped when
//!    the list would grow.

mod members;

use std::fmt;
use std::marker::PhantomData;
use std::panic::{
    AssertUnwindSafe, Location, RefUnwindSafe, UnwindSafe, catch_unwind, resume_unwind,
};
use std::time::Duration;

#[cfg(sward_loom)]
pub use self::members::ModelScope;
pub(crate) use self::members::{Members, Stays};
use crate::builder::Builder;
use crate::cancel;
use crate::error::JoinError;
use crate::join::JoinHandle;
use crate::launch::{Home, spawn_within};
use crate::stack::InScope;
use crate::thread::{MemberOf, Options, Thread};

/// Lends what is borrowed here to green threads, and returns when all of them have finished.
///
/// ```
/// # use sward_sched as sward;
/// let mut words = ["green", "threads"].map(str::to_owned);
/// let lengths = sward::scope(|s| {
///     let threads = words.each_mut().map(|word| {
///         s.spawn(move || {
///             word.push('!');
///             word.len()
///         })
///     });
///     threads.map(|thread| thread.join().unwrap())
/// });
/// assert_eq!(lengths, [6, 8]);
/// assert_eq!(words, ["green!", "threads!"]);
/// ```
///
/// What is lent cannot be taken away meanwhile, nor can a handle leave:
///
/// ```compile_fail
/// # use sward_sched as sward;
/// let text = String::from("lent");
/// sward::scope(|s| s.spawn(|| text.len()));
/// ```
///
/// ```compile_fail
/// # use sward_sched as sward;
/// sward::scope(|s| {
///     let text = String::from("not outside");
///     s.spawn(|| text.len());
/// });
/// ```
///
/// As [`std::thread::scope`] with green threads. `f` gets the scope, by which it starts threads
/// ([`Scope::spawn`]), and so may they, in their turn. They run where [`spawn`](crate::spawn())
/// would have them run.
///
/// # Blocking
///
/// As `f`, and then until the last of the scope's threads has finished: parks the green thread, or
/// blocks the OS thread. It waits for ever for one that never ends.
///
/// # Cancellation
///
/// When the caller is cancelled, or a [`timeout`](crate::time::timeout) around it is over, so are all
/// threads of the scope, and it unwinds as soon as the last has finished. To cancel one of them by
/// its handle is no failure of the scope's: who needs to know joins it.
///
/// # Panics
///
/// With the panic of `f`, after all threads have finished (they are not told to end: if `f` holds
/// what they wait for, that must go with it). Otherwise with that of a thread that nobody has
/// [joined](ScopedJoinHandle::join), or with the reason why it could not start; so, too, when the caller
/// is cancelled. And when a runtime was shut down under threads that nobody has joined, and the
/// caller goes on: because it is on another, or [uncancellable](crate::uncancellable()).
///
/// In a destructor, while its thread unwinds, with none of these, since that would end the process.
///
/// # Source
///
/// std's scoped threads, after crossbeam's. That the last member must not touch what the owner has
/// left is solved there by a count on the heap; here as in the join of a thread, by the waiter.
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope { members: Members::new(), scope: PhantomData, env: PhantomData };
    let _in_scope = InScope::enter();
    let _stays = Stays(&scope.members);
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let is_raised = result.as_ref().is_err_and(|payload| cancel::is_raised(payload.as_ref()));
    if is_raised {
        scope.members.cancel();
    }
    let is_cancelled = scope.members.wait_for_all(|| scope.members.cancel());
    // A second panic would abort the process; the hook has told of the first.
    let may_raise = !std::thread::panicking();
    match result {
        Err(payload) => {
            if is_raised && may_raise {
                scope.members.raise_failure();
            }
            scope.members.forget_failures();
            resume_unwind(payload)
        }
        Ok(value) => {
            if may_raise {
                scope.members.raise_failure();
                if is_cancelled {
                    drop(value);
                    cancel::raise();
                }
                scope.members.raise_cut_short();
            }
            scope.members.forget_failures();
            value
        }
    }
}

/// Where threads are started that may borrow what outlives `'env`: what [`scope`] gives to its
/// closure.
pub struct Scope<'scope, 'env: 'scope> {
    members: Members,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl<'scope, 'env> Scope<'scope, 'env> {
    /// Starts a green thread that runs `f`, and may borrow from outside of the scope.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let count = AtomicU32::new(0);
    /// sward::scope(|s| {
    ///     for _ in 0..10 {
    ///         s.spawn(|| {
    ///             s.spawn(|| count.fetch_add(1, Ordering::Relaxed));
    ///         });
    ///     }
    /// });
    /// assert_eq!(count.into_inner(), 10);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn()).
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Builder::new().spawn_scoped(self, f)
    }

    #[track_caller]
    pub(crate) fn spawn_with<F, T>(
        &'scope self,
        options: Options,
        f: F,
    ) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let options = options.inheriting();
        let home = Home::current();
        // Nothing unwinds from here until it has started: a member that never leaves is waited for.
        self.members.enter();
        // SAFETY: `Send`, both. What they borrow outlives `'scope`, and the owner stays in there
        // until the closure, and the result or its handle, are gone (1, 2).
        let handle = unsafe {
            let within = MemberOf::new(&self.members);
            spawn_within(f, home.shared(), options, Location::caller(), within)
        };
        self.members.add(handle.task().clone());
        ScopedJoinHandle { handle, scope: PhantomData }
    }
}

// All that is shared is locked, or atomic.
impl UnwindSafe for Scope<'_, '_> {}
impl RefUnwindSafe for Scope<'_, '_> {}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unfinished = self.members.unfinished();
        f.debug_struct("Scope").field("unfinished", &unfinished).finish_non_exhaustive()
    }
}

/// Owns the result of a thread of a [`scope`]. When it is dropped the thread goes on, and the scope
/// waits for it.
///
/// ```
/// # use sward_sched as sward;
/// let six = 6;
/// assert_eq!(sward::scope(|s| s.spawn(|| six * 7).join().unwrap()), 42);
/// ```
pub struct ScopedJoinHandle<'scope, T> {
    handle: JoinHandle<T>,
    scope: PhantomData<&'scope ()>,
}

impl<T> ScopedJoinHandle<'_, T> {
    pub(crate) fn inner(&mut self) -> &mut JoinHandle<T> {
        &mut self.handle
    }

    /// Waits until the thread has finished and returns its result.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let error = sward::scope(|s| s.spawn(|| panic!("no luck")).join().map(drop).unwrap_err());
    /// assert!(error.is_panic());
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread that calls it, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the caller; the scope still waits for the thread.
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
    /// use std::time::Duration;
    ///
    /// sward::scope(|s| {
    ///     let parked = s.spawn(sward::park);
    ///     let parked = parked.join_timeout(Duration::from_millis(1)).unwrap_err();
    ///     parked.thread().unpark();
    ///     parked.join().unwrap();
    /// });
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`join`](Self::join), for `timeout` at most.
    ///
    /// # Cancellation
    ///
    /// As [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// As [`JoinHandle::join_timeout`].
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<T, JoinError>, Self> {
        let back = |handle| Self { handle, scope: PhantomData };
        self.handle.join_timeout(timeout).map_err(back)
    }

    /// As [`JoinHandle::cancel`].
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::scope(|s| {
    ///     let parked = s.spawn(sward::park);
    ///     parked.cancel();
    ///     assert!(parked.join().unwrap_err().is_cancelled());
    /// });
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Panics
    ///
    /// As [`JoinHandle::cancel`].
    pub fn cancel(&self) {
        self.handle.cancel();
    }

    /// Whether [`join`](Self::join) would return at once. Never blocks.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::scope(|s| {
    ///     let parked = s.spawn(sward::park);
    ///     assert!(!parked.is_finished());
    ///     parked.thread().unpark();
    /// });
    /// ```
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// The thread itself.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::scope(|s| s.spawn(sward::park).thread().unpark());
    /// ```
    pub fn thread(&self) -> Thread {
        self.handle.thread()
    }
}

impl<T> UnwindSafe for ScopedJoinHandle<'_, T> {}
impl<T> RefUnwindSafe for ScopedJoinHandle<'_, T> {}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

/// The value of a thread of [`join!`](crate::join!); or goes on with its panic.
#[track_caller]
pub fn value_of<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    // Not by `unwrap_or_else`, which would hide where the caller is.
    match thread.join() {
        Ok(value) => value,
        Err(error) => error.resume(),
    }
}
