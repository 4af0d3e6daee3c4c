//! The one way to wait: a [`Waiter`] on the stack of whoever waits.
//!
//! A blocking operation makes a waiter, puts nodes that point at it into the wait
//! lists of what it waits for (`wait_list.rs`), and calls [`Waiter::wait`]. Several
//! parties may then try to end the wait; one compare-exchange decides:
//!
//! ```text
//!   WAITING ──claim──▶ CLAIMED ──done(case)──▶ DONE     a waker hands something over
//!      ├──close──────▶ CLOSED                           the thing waited for is closed
//!      ├──deadline───▶ TIMED_OUT                        the timer, or the OS thread itself
//!      ├──cancel─────▶ CANCELLED                        its worker, or whoever cancels it
//!      ├──withdraw───▶ WITHDRAWN                        the waiting thread, before it waits
//!      ▼ ▲
//!   WATCHED ──claim──▶ CATCHING ──done(case)─▶ DONE     as above, but nobody owes a wake:
//!      └──close──────▶ CLOSED                           the thread looks at this very word
//! ```
//!
//! A sticky thread that would leave its worker with nothing to do but to wait for an answer
//! from elsewhere watches its waiter for a moment before it parks, and so does every OS
//! thread: a partner on another core that answers soon writes that one word, and wakes
//! nobody. It goes back from `WATCHED` to `WAITING`, or from `CATCHING` to `CLAIMED`, when it
//! has looked long enough, and then never watches again.
//!
//! 1. Each waiter is ended once: one side moves it out of `WAITING` or `WATCHED` for good.
//!    Whoever moves it out of `WAITING`, or finds it in `CLAIMED` when it is done, owes it
//!    exactly one [`Wake`] (none when the waiting thread moved it itself); who moves it out
//!    of `WATCHED`, otherwise, none.
//! 2. `wait` returns only after it has seen that, and has taken the wake if one is owed. So the
//!    waiter, its nodes and its slots stay in place until the winner's last write to the
//!    waiter, in `done` or `close`, without any count. And a green thread is woken at most once
//!    for each wait, which is what the queues and `thread/state.rs` build on: between the first
//!    `claim` that can reach it and `wait`, a thread does not switch. One that runs users' code there,
//!    which may, begins in `WATCHED` (`meanwhile`): nobody owes it a wake.
//! 3. A claimer writes to the waiter's slot between `claim` and `done`; the Release
//!    store of `DONE` is its last touch of waiter and node. A `Wake` touches the
//!    *thread* only, which waits for it (or carries a task's `Waker`: users' code).
//! 4. Wake after unlocking: a wake may run another thread's queue code.
//! 5. A [`TaskWaiter`] is no thread: it never waits here, is never cancelled, and may go away at
//!    any time. So its claim is made and `done` under the lock of the one list that it stands in,
//!    which whoever owns it takes before it looks at it, and the wake carries the `Waker` away. (But for
//!    one that waits for the end of a thread: join_future.rs.)
//! 6. What a waiter is about is written before the wait, and read by others only while its thread is
//!    off its stack and cannot be resumed: by its worker between two turns, or by whoever holds it
//!    (`thread/state.rs`). What it names lasts until the wait has returned.
//!
//! Rejected: a wake handle with a count of its own (two more atomic operations for
//! each hand-over; (2) makes it unnecessary for threads), and waiting on the thread's
//! own `park` token (a stray `unpark` would have to be told from a real one).

mod claim;
mod reason;
mod task;

use std::cell::Cell;
use std::marker::{PhantomData, PhantomPinned};
use std::ptr::NonNull;
use std::time::Instant;

pub use self::claim::{Claim, Wake};
pub use self::reason::Reason;
pub use self::task::{OwnWaker, TaskWaiter, wake as wake_task};
use crate::cancel::Terms;
use crate::current;
use crate::dump::Wait;
use crate::fork;
use crate::os_parker::OsParker;
use crate::primitive::atomic::{AtomicU32, Ordering};
use crate::primitive::{Mutant, NAPS, Presence, broken, spin};
use crate::thread::Header;
use crate::timer::TimerNode;
use crate::worker::{self, Worker};

const WAITING: u32 = 0;
const CLAIMED: u32 = 1;
const CLOSED: u32 = 2;
const TIMED_OUT: u32 = 3;
const CANCELLED: u32 = 4;
const WATCHED: u32 = 5;
const CATCHING: u32 = 6;
const WITHDRAWN: u32 = 7;
/// `DONE + case`.
const DONE: u32 = 8;

/// How often a thread looks at its waiter before it parks: for a microsecond or two, as long
/// as a partner on another core takes to answer.
const LOOKS: u32 = if NAPS { 64 } else { 1 };

/// How often an OS thread looks after that, each time after it has left the processor to others:
/// to sleep and to be woken costs two switches and some microseconds.
const YIELDS: u32 = if NAPS { 10 } else { 0 };

/// Whoever waits has not said.
static UNKNOWN: Reason = Reason::new("unknown");

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A waker claimed it and has handed over what it had for this case.
    Done(u32),
    /// What it waited for is closed, or the claim was released: look again.
    Closed,
    /// The deadline passed first.
    TimedOut,
    /// The green thread is to unwind: clean up, then call [`raise_cancel`](crate::internal::raise_cancel).
    Cancelled,
}

/// One wait of one thread. It must not move between the first [`claim`](Self::claim)
/// that can reach it and the return of [`wait`](Self::wait).
#[derive(Debug)]
pub struct Waiter {
    state: AtomicU32,
    thread: Waiting,
    /// Whether [`cancel`](Self::cancel) may end the wait. Set before the thread parks.
    cancellable: Cell<bool>,
    /// Whether it waits to give something away: a hint for the placement of its thread.
    sends: bool,
    /// Whether what it gives away comes only after it has been claimed.
    gives_later: bool,
    presence: Presence,
    /// For whoever looks at the thread meanwhile (6).
    about: Cell<About>,
    _pinned: PhantomPinned,
    /// Neither `Send` nor `Sync`: only the thread that made it waits on it. Others
    /// reach it by pointer, through (1).
    _local: PhantomData<*const ()>,
}

/// What a wait is for, and since when its thread is off its stack.
#[derive(Clone, Copy, Debug)]
struct About {
    reason: &'static Reason,
    object: *const (),
    since: Option<Instant>,
    has_deadline: bool,
}

#[derive(Debug)]
enum Waiting {
    Green(*const Header),
    Os(OsParker),
    /// The waker of a [`TaskWaiter`].
    Task(*const Cell<Option<OwnWaker>>),
}

impl Waiter {
    /// A waiter for the current thread, green or not.
    #[inline]
    pub fn new() -> Self {
        let green = current::green_thread();
        let thread = if green.is_null() {
            // Before anybody can have heard of the waiter.
            fork::check();
            Waiting::Os(OsParker::new())
        } else {
            Waiting::Green(green)
        };
        Self::of(thread)
    }

    #[inline]
    fn of(thread: Waiting) -> Self {
        Self {
            state: AtomicU32::new(WAITING),
            thread,
            cancellable: Cell::new(true),
            sends: false,
            gives_later: false,
            presence: Presence::new(),
            about: Cell::new(About {
                reason: &UNKNOWN,
                object: std::ptr::null(),
                since: None,
                has_deadline: false,
            }),
            _pinned: PhantomPinned,
            _local: PhantomData,
        }
    }

    /// The same, which waits for `reason`, at `object`.
    #[inline]
    pub fn about<T>(self, reason: &'static Reason, object: *const T) -> Self {
        self.is_about(reason, object);
        self
    }

    /// The same, which waits for `reason`, at nothing that has an address.
    #[inline]
    pub fn because(self, reason: &'static Reason) -> Self {
        self.about::<()>(reason, std::ptr::null())
    }

    /// It waits for `reason`, at `object`. Not after the wait has begun.
    #[inline]
    pub fn is_about<T>(&self, reason: &'static Reason, object: *const T) {
        self.about.set(About { reason, object: object.cast(), since: None, has_deadline: false });
    }

    /// What it waits for, if that is not over yet. (Who has been claimed may still wait for long: for
    /// a mutex after a condition, for what a selected sender will send.)
    ///
    /// # Safety
    ///
    /// Its thread is green, off its stack, and not resumed meanwhile (6).
    pub(crate) unsafe fn look(&self) -> Option<Wait> {
        // Relaxed: whoever claims it next changes nothing of what is looked at.
        if !matches!(self.state.load(Ordering::Relaxed), WAITING | CLAIMED) {
            return None;
        }
        let about = self.about.get();
        // SAFETY: the wait has not returned: its thread has not been resumed.
        let mut wait = unsafe { about.reason.look(about.object) };
        (wait.since, wait.has_deadline) = (about.since, about.has_deadline);
        Some(wait)
    }

    /// A waiter for a thread that has something to give away, and whose taker should be near.
    #[inline]
    pub fn sending() -> Self {
        Self { sends: true, ..Self::new() }
    }

    /// A waiter in whose slots there is no value when it is claimed as a sender: it is told what to
    /// do with the value that it will have.
    #[inline]
    pub fn giving_later(self) -> Self {
        Self { gives_later: true, ..self }
    }

    /// Whether it was made by [`giving_later`](Self::giving_later).
    #[inline]
    pub fn gives_later(&self) -> bool {
        self.gives_later
    }

    /// Whether it belongs to a [`TaskWaiter`].
    #[inline]
    pub fn is_task(&self) -> bool {
        matches!(self.thread, Waiting::Task(_))
    }

    pub(crate) fn sends(&self) -> bool {
        self.sends
    }

    /// A waiter whose wait nobody ends because the thread is to unwind.
    pub fn uncancellable() -> Self {
        let waiter = Self::new();
        waiter.cancellable.set(false);
        waiter
    }

    /// Blocks until the wait has ended: parks the green thread, or blocks the OS
    /// thread.
    #[inline]
    pub fn wait(&self, deadline: Option<Instant>) -> Outcome {
        self.wait_until(deadline, false)
    }

    /// As [`wait`](Self::wait), until a deadline that was still to come a moment ago: does not
    /// look at the clock again.
    #[inline]
    pub fn wait_ahead(&self, deadline: Option<Instant>) -> Outcome {
        self.wait_until(deadline, true)
    }

    /// `is_ahead`: the deadline was still to come a moment ago, and if it no longer is, the
    /// timer ends the wait.
    #[inline]
    fn wait_until(&self, deadline: Option<Instant>, is_ahead: bool) -> Outcome {
        match &self.thread {
            Waiting::Green(thread) => self.wait_green(*thread, deadline, is_ahead),
            Waiting::Os(parker) => self.wait_os(parker, deadline),
            Waiting::Task(_) => unreachable!("a task is polled"),
        }
    }

    /// Gives the wait up before it has begun: nobody can claim it from here on. `false`:
    /// somebody has ended it, and `wait` is to be called.
    #[inline]
    pub fn withdraw(&self) -> bool {
        if broken(Mutant::WithdrawOverwrites) {
            self.state.store(WITHDRAWN, Ordering::Relaxed);
            return true;
        }
        // Relaxed: it hands nothing over.
        self.transition(WITHDRAWN, WITHDRAWN, Ordering::Relaxed).is_some()
    }

    #[inline]
    fn wait_green(
        &self,
        thread: *const Header,
        deadline: Option<Instant>,
        is_ahead: bool,
    ) -> Outcome {
        // SAFETY: a green thread's header is alive, and this is that thread, on its runner.
        let terms = unsafe { (*(*thread).runner.get()).own().terms.get() };
        let other = self.come_to_terms(terms);
        let until = earlier(deadline, other);
        self.wait_green_until(thread, until, is_ahead && until == deadline);
        self.outcome_by(deadline, other)
    }

    /// Whether and when the wait may be ended from outside, by the terms that the thread is
    /// under: cancelled, or at the time that is returned.
    #[inline]
    fn come_to_terms(&self, terms: Terms) -> Option<Instant> {
        // To raise a second panic would abort the process.
        if !self.cancellable.get() || std::thread::panicking() {
            self.cancellable.set(false);
            return None;
        }
        self.cancellable.set(!terms.shielded);
        terms.deadline
    }

    /// As `outcome`, of a wait until the earlier of the two.
    #[inline]
    fn outcome_by(&self, deadline: Option<Instant>, other: Option<Instant>) -> Outcome {
        match self.outcome() {
            Outcome::TimedOut if other.is_some() && earlier(deadline, other) != deadline => {
                Outcome::Cancelled
            }
            outcome => outcome,
        }
    }

    fn wait_green_until(&self, thread: *const Header, deadline: Option<Instant>, is_ahead: bool) {
        // SAFETY: a green thread runs on a worker.
        let worker = unsafe { &*current::worker() };
        debug_assert_eq!(worker.current(), thread, "a waiter is used by the thread that made it");
        // SAFETY: it is this thread's own header.
        let (migrates, cancelled) = unsafe { ((*thread).migrates, (*thread).is_cancel_asked()) };
        let given_up = if self.cancellable.get() && (cancelled || worker.is_cancelling()) {
            self.leave(CANCELLED).is_some()
        } else {
            deadline.is_some_and(|d| !is_ahead && Instant::now() >= d)
                && self.leave(TIMED_OUT).is_some()
        };
        if given_up {
            return;
        }
        // A migrating one is better off beside its partner (wake.rs).
        if NAPS && !migrates && worker.would_idle() && self.watch(0, || worker.has_mail()) {
            return worker.count_watch();
        }
        self.about.set(About {
            since: Some(worker.last_look_at_clock()),
            has_deadline: deadline.is_some(),
            ..self.about.get()
        });
        match deadline {
            None => worker::park(worker, self),
            Some(deadline) => {
                let timer = TimerNode::new(NonNull::from(self));
                // Not a borrow of the worker: the thread may come back on another.
                let set = worker.set_timer(deadline, &timer);
                worker::park(worker, self);
                // SAFETY: the runtime, and with it the heap, lasts as long as its threads.
                unsafe { Worker::cancel_timer(set, &timer) };
            }
        }
    }

    #[cold]
    fn wait_os(&self, parker: &OsParker, deadline: Option<Instant>) -> Outcome {
        let other = self.come_to_terms(current::terms());
        self.wait_os_until(parker, earlier(deadline, other));
        self.outcome_by(deadline, other)
    }

    fn wait_os_until(&self, parker: &OsParker, deadline: Option<Instant>) {
        if deadline.is_some_and(|d| Instant::now() >= d) && self.leave(TIMED_OUT).is_some()
            || self.watch(YIELDS, || false)
        {
            return;
        }
        if !parker.park(deadline) && self.leave(TIMED_OUT).is_none() {
            // Somebody moved it first, and owes the wake (1).
            parker.park(None);
        }
    }

    /// Looks for a moment whether the wait ends, or until there is something else to do; then so
    /// many times more, each after others had the processor. `true`: it has ended, and nobody owes
    /// a wake.
    #[cold]
    fn watch(&self, yields: u32, has_else: impl Fn() -> bool) -> bool {
        if !self.step(WAITING, WATCHED) {
            return false;
        }
        for look in 0..LOOKS + yields {
            // Relaxed: as in `step`.
            if !matches!(self.state.load(Ordering::Relaxed), WATCHED | CATCHING) {
                return true;
            }
            if has_else() {
                break;
            }
            if look < LOOKS { spin() } else { std::thread::yield_now() }
        }
        self.is_over()
    }

    /// A waiter whose wait may be ended while its thread still does something else, in which it may
    /// switch: [`meanwhile`](Self::meanwhile). Nobody owes it a wake until then.
    pub fn busy() -> Self {
        Self { state: AtomicU32::new(WATCHED), ..Self::new() }
    }

    /// Does `f`, of a [`busy`](Self::busy) waiter that is in a list already. How the wait has ended,
    /// if it has; otherwise `wait` is to be called.
    pub fn meanwhile(&self, f: impl FnOnce()) -> Option<Outcome> {
        f();
        self.is_over().then(|| self.outcome())
    }

    /// Looks no more: whoever ends the wait from here on owes a wake. `true`: it has ended.
    fn is_over(&self) -> bool {
        !self.step(WATCHED, WAITING) && !self.step(CATCHING, CLAIMED)
    }

    fn step(&self, from: u32, to: u32) -> bool {
        // Relaxed: `outcome` sees the rest.
        self.state.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    #[inline]
    fn outcome(&self) -> Outcome {
        // Acquire: pairs with the Release in `done` and `leave`.
        match self.state.load(Ordering::Acquire) {
            CLOSED => Outcome::Closed,
            TIMED_OUT => Outcome::TimedOut,
            CANCELLED => Outcome::Cancelled,
            done if done >= DONE => Outcome::Done(done - DONE),
            state => unreachable!("a wait returned in state {state}"),
        }
    }

    /// Ends the wait, if nobody has yet. `Some(true)`: and unless it is the waiting thread's
    /// own hand, that hand now owes a wake (1).
    fn leave(&self, state: u32) -> Option<bool> {
        // Release: pairs with the Acquire in `outcome`; what led to it is seen.
        self.transition(state, state, Ordering::Release)
    }

    /// Leaves `WAITING` (`Some(true)`) or `WATCHED` (`Some(false)`), if nobody has yet.
    #[inline]
    fn transition(&self, if_waiting: u32, if_watched: u32, success: Ordering) -> Option<bool> {
        let mut from = WAITING;
        loop {
            let to = if from == WAITING { if_waiting } else { if_watched };
            match self.state.compare_exchange(from, to, success, Ordering::Relaxed) {
                Ok(_) => return Some(from == WAITING),
                Err(now @ (WAITING | WATCHED)) => from = now,
                Err(_) => return None,
            }
        }
    }

    /// Whether nobody has ended the wait yet, for all that is known.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        // Relaxed: to claim it is what decides.
        matches!(self.state.load(Ordering::Relaxed), WAITING | WATCHED)
    }
}

impl Default for Waiter {
    fn default() -> Self {
        Self::new()
    }
}

/// The earlier of two deadlines; the first, if they are the same.
#[inline]
fn earlier(deadline: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (deadline, other) {
        (Some(deadline), Some(other)) => Some(deadline.min(other)),
        (deadline, other) => deadline.or(other),
    }
}
