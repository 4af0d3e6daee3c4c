//! [`Group`]: what the closure of a group has in its hands; and its children. The numbers are those
//! of `group.rs`.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::num::NonZeroU64;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::ptr;

use super::state::{End, Entry, Results, State, Taken};
use crate::builder::Builder;
use crate::cancel;
use crate::current;
use crate::error::JoinError;
use crate::launch::{Home, spawn_within};
use crate::park::checkpoint;
use crate::scope::{Members, Stays};
use crate::thread::{Header, MemberOf, Options, drop_quietly_with, is_member_of};

/// Where a group's children are started, and from where their results come: what
/// [`TaskGroup::run`](crate::TaskGroup::run) gives to its closure.
pub struct Group<'scope, 'env: 'scope, T: 'env, E: 'env> {
    pub(super) members: Members,
    pub(super) state: State<T, E>,
    /// Who runs it.
    owner: NonZeroU64,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl<'scope, T, E> Group<'scope, '_, T, E> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            members: Members::new(),
            state: State::new(limit),
            owner: current::identity(),
            scope: PhantomData,
            env: PhantomData,
        }
    }

    /// Starts a green thread that runs `f`, and may borrow from outside of the group. A child that
    /// returns an error, or panics, ends the group: all others are cancelled.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let words = ["to", "each", "its", "own"];
    /// let lengths = sward::TaskGroup::new().collect(|group| {
    ///     words.iter().for_each(|word| group.spawn(|| Ok::<_, ()>(word.len())));
    /// });
    /// assert_eq!(lengths.unwrap(), [2, 4, 3, 3]);
    /// ```
    ///
    /// Children may start others:
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let counted = sward::TaskGroup::new().limit(2).collect(|group| {
    ///     for _ in 0..3 {
    ///         group.spawn(move || {
    ///             (0..3).for_each(|_| group.spawn(|| Ok(1)));
    ///             Ok::<u32, ()>(0)
    ///         });
    ///     }
    /// });
    /// assert_eq!(counted.unwrap().iter().sum::<u32>(), 9);
    /// ```
    ///
    /// What is borrowed must be there before the group is, and what is lent to a child is not there for
    /// others:
    ///
    /// ```compile_fail
    /// # use sward_sched as sward;
    /// sward::TaskGroup::new().collect(|group| {
    ///     let text = String::from("not outside");
    ///     group.spawn(|| Ok::<_, ()>(text.len()));
    /// });
    /// ```
    ///
    /// ```compile_fail
    /// # use sward_sched as sward;
    /// let mut count = 0;
    /// sward::TaskGroup::new().collect(|group| {
    ///     group.spawn(|| Ok::<_, ()>(count += 1));
    ///     group.spawn(|| Ok::<_, ()>(count += 1));
    /// });
    /// ```
    ///
    /// What has ended by [`cancel`](Self::cancel) starts nothing: `f` is dropped. So it is when the
    /// group has failed; and then the closure of the group, if it was that which called this, unwinds
    /// as in [`next`](Self::next).
    ///
    /// # Blocking
    ///
    /// Never blocks, unless there is a [limit](crate::TaskGroup::limit) and as many children as that
    /// have a place. Then it parks the green thread, or blocks the OS thread, until one of them has
    /// ended. A child lends its own place to the one that it starts, and waits until it has one again:
    /// so children do not wait for each other here for ever, as long as what a child starts at the limit
    /// does not wait for that child: it goes first. (Threads that a child has started
    /// elsewhere, in a [`scope`](crate::scope()) of its own, have none to lend: if all children wait
    /// for such threads, and these for places, nobody goes on.)
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread that waits for room, and `f` is dropped. A child that waits for the place
    /// that it has lent unwinds when the group ends, but not by a [`timeout`](crate::time::timeout) of
    /// its own before it has one.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn()).
    #[track_caller]
    pub fn spawn<F>(&'scope self, f: F)
    where
        F: FnOnce() -> Result<T, E> + Send + 'scope,
        T: Send + 'scope,
        E: Send + 'scope,
    {
        Builder::new().spawn_grouped(self, f);
    }

    #[track_caller]
    pub(crate) fn spawn_with<F>(&'scope self, options: Options, f: F)
    where
        F: FnOnce() -> Result<T, E> + Send + 'scope,
        T: Send + 'scope,
        E: Send + 'scope,
    {
        // Before it has a place, and before the runtime is looked up: it may block, and unwind.
        let options = options.inheriting();
        let home = Home::current();
        let (number, has_lent) = match self.state.enter(|| is_member_of(&self.members)) {
            Entry::Place(number) => (number, false),
            Entry::Lent(number) => (number, true),
            Entry::Ended => {
                drop(f);
                return self.raise_if_failed();
            }
            Entry::Told => {
                drop(f);
                cancel::raise();
            }
        };
        let child = Child { f, seat: Seat { group: self, number } };
        // Nothing unwinds from here until it has started: a member that never leaves is waited for.
        self.members.enter();
        // SAFETY: `Send`, both. What they borrow outlives `'scope`, and the owner stays in there until
        // the closure is gone (1).
        let handle = unsafe {
            let within = MemberOf::new(&self.members);
            spawn_within(|| child.run(), home.shared(), options, Location::caller(), within)
        };
        self.members.add(handle.task().clone());
        drop(handle);
        if has_lent {
            self.state.regain();
        }
    }

    /// The result of the child that has finished first, of those whose results nobody has taken.
    /// `None`: none will come, since all children have ended.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let order = sward::TaskGroup::new().run(|group| {
    ///     for n in [20, 1, 10] {
    ///         group.spawn(move || {
    ///             sward::time::sleep(Duration::from_millis(n));
    ///             Ok::<_, ()>(n)
    ///         });
    ///     }
    ///     let mut order = Vec::new();
    ///     while let Some(n) = group.next() {
    ///         order.push(n);
    ///     }
    ///     order
    /// });
    /// assert_eq!(order.unwrap(), [1, 10, 20]);
    /// ```
    ///
    /// It comes when the child's closure has returned; its [locals](crate::local!) may still be there.
    ///
    /// When the group has failed there is nothing to go on with: this call unwinds the closure, up to
    /// [`run`](crate::TaskGroup::run), which returns the error. Destructors run, and no panic is
    /// reported. In a destructor, while the thread unwinds, and inside
    /// [`uncancellable`](crate::uncancellable()), it returns `None` instead.
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the caller.
    ///
    /// # Panics
    ///
    /// In another thread than that which runs the group: a child that waits for all children waits for
    /// itself.
    #[track_caller]
    pub fn next(&'scope self) -> Option<T> {
        assert!(
            self.is_owner(),
            "the results of a group are for the thread that runs it: children may send theirs over \
             a channel"
        );
        checkpoint();
        match self.state.take() {
            Taken::Result(value) => Some(value),
            Taken::Nothing => None,
            Taken::Ended => {
                self.raise_if_failed();
                None
            }
            Taken::Told => cancel::raise(),
        }
    }

    /// Cancels all children, those to come, too. This is no failure: what they return, or have
    /// returned, is there to be taken, an error is dropped, and those that are unwound are not
    /// missed. (A panic is resumed.)
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let first = sward::TaskGroup::new().run(|group| {
    ///     group.spawn(|| Ok::<_, ()>(7));
    ///     group.spawn(|| Ok(loop { sward::park() }));
    ///     let first = group.next();
    ///     group.cancel();
    ///     first
    /// });
    /// assert_eq!(first.unwrap(), Some(7));
    /// ```
    ///
    /// It is a request, as [`JoinHandle::cancel`](crate::JoinHandle::cancel) is.
    ///
    /// # Blocking
    ///
    /// Never blocks: it returns before they have ended.
    pub fn cancel(&'scope self) {
        self.end(End::Cancelled);
    }

    pub(super) fn end(&self, end: End<E>) {
        match self.state.end(end) {
            Ok(()) => self.members.cancel(),
            // Perhaps an error, in a child that nobody asks how it has ended.
            Err(late) => discard(late),
        }
    }

    fn is_owner(&self) -> bool {
        current::identity() == self.owner
    }

    #[cold]
    fn raise_if_failed(&self) {
        if self.is_owner() && self.state.has_failed() && cancel::may_raise() {
            cancel::raise_ended(self.address());
        }
    }

    /// By which its owner knows it again.
    pub(super) fn address(&self) -> usize {
        ptr::from_ref(&self.members).addr()
    }

    /// See [`Stays`].
    pub(super) fn stays(&self) -> Stays<'_> {
        Stays(&self.members)
    }

    /// Waits until all children have ended. `true`: the owner was told to unwind meanwhile.
    pub(super) fn wait_for_all(&self) -> bool {
        self.members.wait_for_all(|| self.end(End::Left))
    }

    /// What has come of it, when all children have ended.
    pub(super) fn remains(&self) -> Remains<T, E> {
        let (results, end) = self.state.outcome();
        Remains { results, end, lost: self.members.take_failure() }
    }
}

pub(super) struct Remains<T, E> {
    /// What nobody has taken.
    pub(super) results: Results<T>,
    pub(super) end: Option<End<E>>,
    /// Why a child has no result.
    pub(super) lost: Option<JoinError>,
}

/// Drops users' values where a panic of theirs is nobody's, and where they are not to be unwound.
pub(super) fn discard<V>(value: V) {
    if mem::needs_drop::<V>() {
        drop_quietly_with(|| cancel::uncancellable(|| drop(value)));
    }
}

/// What a child runs. Its closure is dropped before it settles.
struct Child<'a, 'scope, 'env, T, E, F> {
    f: F,
    seat: Seat<'a, 'scope, 'env, T, E>,
}

impl<T, E, F: FnOnce() -> Result<T, E>> Child<'_, '_, '_, T, E, F> {
    fn run(self) {
        let Self { f, seat } = self;
        match f() {
            Ok(value) => seat.settle(value),
            Err(error) => seat.group.end(End::Failed(error)),
        }
    }
}

/// A child that has not settled yet (state.rs, 1).
struct Seat<'a, 'scope, 'env, T, E> {
    group: &'a Group<'scope, 'env, T, E>,
    number: u64,
}

impl<T, E> Seat<'_, '_, '_, T, E> {
    fn settle(self, value: T) {
        let refused = self.group.state.settle(Some((self.number, value)));
        mem::forget(self);
        discard(refused);
    }
}

/// Without a result.
impl<T, E> Drop for Seat<'_, '_, '_, T, E> {
    fn drop(&mut self) {
        // It unwinds, or never began: that is a failure, unless it was cancelled because the group
        // has ended. If it was shut down, that has to be said now: it is cancelled, too, in a moment.
        if !self.group.state.has_ended() {
            // SAFETY: the current thread's header is alive.
            let thread = unsafe { current::green_thread().as_ref() };
            self.group.end(End::Lost(thread.map(Header::cut_short)));
        }
        self.group.state.settle(None);
    }
}

// All that is shared is locked, or atomic.
impl<T, E> UnwindSafe for Group<'_, '_, T, E> {}
impl<T, E> RefUnwindSafe for Group<'_, '_, T, E> {}

impl<T, E> fmt::Debug for Group<'_, '_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unfinished = self.state.unfinished();
        f.debug_struct("Group").field("unfinished", &unfinished).finish_non_exhaustive()
    }
}
