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
//! 3. The last member touches `Members` after its own step only if it has seen [`WAITS`]. Then
//!    the owner stays until it has been woken, or, when its wait has ended otherwise, until
//!    [`SERVED`].
//! 4. Members that were alive when the owner was cancelled are told to end, and so is each that comes
//!    later. For that the scope has a reference to each; those that have finished are dropped when
//!    the list would grow.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::panic::{
    AssertUnwindSafe, Location, RefUnwindSafe, UnwindSafe, catch_unwind, resume_unwind,
};
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use crate::builder::Builder;
use crate::cancel;
use crate::error::JoinError;
use crate::join::JoinHandle;
use crate::launch::{Home, spawn_within};
use crate::primitive::atomic::{AtomicUsize, Ordering};
use crate::primitive::{Mutant, Mutex, Presence, UnsafeCell, broken, relax};
use crate::report::report;
use crate::thread::{MemberOf, Options, RawTask, Thread, drop_quietly_with};
use crate::waiter::{Outcome, Reason, Waiter};

/// The owner waits.
const WAITS: usize = 1;
/// The last member will not touch the scope any more.
const SERVED: usize = 2;
/// One that has not left.
const MEMBER: usize = 4;

/// So many references are kept before it is looked which of them are needed.
const ROOM: usize = 64;

/// Who has not left a scope, and what came of those who did.
#[derive(Debug)]
pub(crate) struct Members {
    state: AtomicUsize,
    /// The owner's waiter, while it waits.
    owner: UnsafeCell<*const Waiter>,
    /// How many have failed, and nobody has heard of it.
    unheard: AtomicUsize,
    /// How many have ended with their runtime, and nobody has heard of it.
    cut_short: AtomicUsize,
    rest: Mutex<Rest>,
    presence: Presence,
}

// SAFETY: `owner` is written before the step that announces it, and read by the last member after
// it has seen that (3).
unsafe impl Sync for Members {}

#[derive(Debug)]
struct Rest {
    threads: Vec<RawTask>,
    room: usize,
    is_cancelled: bool,
    /// The first failure that nobody will be told of but the owner.
    failure: Option<JoinError>,
}

impl Members {
    pub(crate) fn new() -> Self {
        let rest = Rest { threads: Vec::new(), room: ROOM, is_cancelled: false, failure: None };
        Self {
            state: AtomicUsize::new(0),
            owner: UnsafeCell::new(ptr::null()),
            unheard: AtomicUsize::new(0),
            cut_short: AtomicUsize::new(0),
            rest: Mutex::new(rest),
            presence: Presence::new(),
        }
    }

    /// One more. By the owner, or by a member.
    pub(crate) fn enter(&self) {
        // Relaxed: the caller keeps the owner from leaving.
        self.state.fetch_add(MEMBER, Ordering::Relaxed);
    }

    /// One less.
    ///
    /// # Safety
    ///
    /// It has been counted; nothing of it is left but what its handle has.
    pub(crate) unsafe fn leave(this: NonNull<Self>) {
        // SAFETY: the owner has yet to see this member leave (2).
        let members = unsafe { this.as_ref() };
        let order =
            if broken(Mutant::MemberLeavesRelaxed) { Ordering::Relaxed } else { Ordering::AcqRel };
        // Release: pairs with the Acquire of the owner, who sees what the member did. Acquire: pairs
        // with the Release in `wait`: the waiter is seen here; and with the other members', whose
        // traces the last one passes on.
        let before = members.state.fetch_sub(MEMBER, order);
        if before != MEMBER | WAITS {
            return;
        }
        // (3)
        members.presence.check();
        let owner = members.owner.with(|owner| {
            // SAFETY: it was announced.
            unsafe { *owner }
        });
        let owner = NonNull::new(owner.cast_mut()).expect("a waiter is set before it is announced");
        // SAFETY: it stays until it is woken, or served.
        match unsafe { Waiter::claim(owner) } {
            Some(claim) => claim.done(0).wake(),
            None if broken(Mutant::OwnerNotServed) => {}
            None => {
                // Release: pairs with the Acquire in `wait`.
                members.state.fetch_or(SERVED, Ordering::Release);
            }
        }
    }

    /// Waits until all have left. `false`: the wait has ended otherwise, and some have not.
    pub(crate) fn wait(&self, waiter: &Waiter, deadline: Option<Instant>) -> bool {
        static SCOPE: Reason = Reason::new("scope");
        waiter.is_about(&SCOPE, self);
        self.owner.with_mut(|owner| {
            // SAFETY: nobody reads it before it is announced.
            unsafe { *owner = waiter }
        });
        let announced = if broken(Mutant::OwnerUnannounced) { 0 } else { WAITS };
        // Release: pairs with the Acquire of the last member. Acquire: pairs with the Release of all.
        if self.state.fetch_or(announced, Ordering::AcqRel) < MEMBER {
            return true;
        }
        if matches!(waiter.wait(deadline), Outcome::Done(_)) {
            return true;
        }
        // Acquire: as above.
        if self.state.fetch_and(!WAITS, Ordering::AcqRel) >= MEMBER {
            return false;
        }
        // The last has seen that there is somebody to wake, and is between two instructions.
        let mut round = 0;
        // Acquire: pairs with the Release in `leave`.
        while self.state.load(Ordering::Acquire) & SERVED == 0 && !broken(Mutant::OwnerNotServed) {
            relax(&mut round);
        }
        true
    }

    /// Waits until all have left, whatever happens. `true`: the owner was told to unwind meanwhile.
    fn wait_for_all(&self) -> bool {
        // Acquire: as in `wait`.
        if self.state.load(Ordering::Acquire) < MEMBER || self.wait(&Waiter::new(), None) {
            return false;
        }
        self.cancel();
        while !self.wait(&Waiter::uncancellable(), None) {}
        true
    }

    /// Takes note of a member's thread.
    fn add(&self, thread: RawTask) {
        let mut rest = self.rest.lock();
        if rest.is_cancelled {
            drop(rest);
            return thread.cancel();
        }
        let mut finished = Vec::new();
        if rest.threads.len() >= rest.room {
            let of_use = |thread: &mut RawTask| thread.header().completion.is_finished();
            finished = rest.threads.extract_if(.., of_use).collect();
            rest.room = (rest.threads.len() * 2).max(ROOM);
        }
        rest.threads.push(thread);
        drop(rest);
        drop(finished);
    }

    /// Tells all members to end, those to come, too.
    fn cancel(&self) {
        let mut rest = self.rest.lock();
        rest.is_cancelled = true;
        let threads = mem::take(&mut rest.threads);
        drop(rest);
        threads.iter().for_each(RawTask::cancel);
    }

    /// A member has ended so.
    pub(crate) fn note_failure(&self, error: &JoinError) {
        // Relaxed: the owner looks when the member has left.
        if let Some(count) = self.count_of(error) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Somebody has been told.
    pub(crate) fn forget_failure(&self, error: &JoinError) {
        // Relaxed: as above.
        if let Some(count) = self.count_of(error) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Where it is counted. One that was cancelled has ended as it was asked to.
    fn count_of(&self, error: &JoinError) -> Option<&AtomicUsize> {
        match error.is_cancelled() {
            false => Some(&self.unheard),
            true => error.is_shutdown().then_some(&self.cut_short),
        }
    }

    /// Nobody will ask how a member has ended.
    pub(crate) fn keep_failure(&self, error: JoinError) {
        if error.is_cancelled() {
            return;
        }
        let mut rest = self.rest.lock();
        if rest.failure.is_none() {
            rest.failure = Some(error);
            return;
        }
        drop(rest);
        drop_quietly_with(|| drop(error));
    }

    /// Goes on with a member's panic that nobody has heard of.
    fn raise_failure(&self) {
        // Relaxed: all have left.
        if self.unheard.load(Ordering::Relaxed) == 0 {
            return;
        }
        match self.rest.lock().failure.take() {
            Some(error) => error.resume(),
            None => panic!("a thread of this scope failed, and its handle was leaked"),
        }
    }

    /// Panics if a member has done nothing, or half of it, that nobody had cancelled.
    fn raise_cut_short(&self) {
        // Relaxed: as above.
        let count = self.cut_short.load(Ordering::Relaxed);
        assert!(
            count == 0,
            "{count} of this scope's threads have no result: their runtime was shut down"
        );
    }

    fn forget_failures(&self) {
        let failure = self.rest.lock().failure.take();
        drop_quietly_with(|| drop(failure));
    }
}

/// Members are about to lose what they borrow: something has unwound that never does.
struct Stays<'a>(&'a Members);

impl Drop for Stays<'_> {
    fn drop(&mut self) {
        // Relaxed: the owner has waited.
        if self.0.state.load(Ordering::Relaxed) >= MEMBER {
            report(format_args!("sward: a scope ended before its threads: the process is aborted"));
            std::process::abort();
        }
    }
}

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
    let _stays = Stays(&scope.members);
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let is_raised = result.as_ref().is_err_and(|payload| cancel::is_raised(payload.as_ref()));
    if is_raised {
        scope.members.cancel();
    }
    let is_cancelled = scope.members.wait_for_all();
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
        let unfinished = self.members.state.load(Ordering::Relaxed) / MEMBER;
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

/// A scope whose members are a model's threads.
#[cfg(sward_loom)]
#[derive(Debug)]
#[repr(transparent)]
pub struct ModelScope(Members);

#[cfg(sward_loom)]
impl ModelScope {
    /// With so many members.
    pub fn of(members: usize) -> Self {
        let scope = Self(Members::new());
        (0..members).for_each(|_| scope.0.enter());
        scope
    }

    /// A member leaves.
    ///
    /// # Safety
    ///
    /// It is one, and has not left; the scope is there until all have.
    pub unsafe fn leave(this: *const Self) {
        let members = NonNull::new(this.cast_mut()).expect("a scope");
        // SAFETY: the caller's promise. It is all that there is in it.
        unsafe { Members::leave(members.cast()) };
    }

    /// The owner waits until all have left, or for as long.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        self.0.wait(&Waiter::new(), deadline)
    }
}

#[cfg(all(test, not(sward_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_members_is_as_long_as_need_be() {
        scope(|s| {
            let len = || s.members.rest.lock().threads.len();
            for _ in 0..10 * ROOM {
                s.spawn(|| ()).join().unwrap();
                assert!(len() <= ROOM);
            }
            for _ in 0..10 * ROOM {
                let unfinished = || s.members.state.load(Ordering::Relaxed) / MEMBER;
                drop(s.spawn(|| ()));
                while unfinished() > 0 {
                    crate::yield_now();
                }
                assert!(len() <= ROOM);
            }
            let parked: Vec<_> = (0..2 * ROOM).map(|_| s.spawn(crate::park)).collect();
            for _ in 0..10 * ROOM {
                s.spawn(|| ()).join().unwrap();
                assert!((2 * ROOM..=4 * ROOM).contains(&len()));
            }
            parked.iter().for_each(|parked| parked.thread().unpark());
        });
    }
}
