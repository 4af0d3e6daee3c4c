//! [`Receiver::for_each`]: a crew of green threads that work a channel off.
//!
//! A sticky thread that waits for an item would stay on the worker where it first waited, and with
//! it all that it ever receives. So nobody waits here: a hand that finds nothing gets in line as an
//! async task does, and its thread ends; whoever sends an item wakes the task, which starts a
//! *fresh* thread, and those are anybody's to steal. A hand whose time slice or budget is used up
//! ends its thread, too, and goes on in a fresh one. So hands move from worker to worker there,
//! and there alone: a thread that has begun stays, and `f` with all that it has on the stack.
//!
//! ```text
//!   IDLE ──wake──▶ WORKS ──wake──▶ WOKEN ──looks again──▶ WORKS
//!     ▲──in line──────┘
//!   any ──end──▶ ENDED
//! ```
//!
//! 1. A hand's place in line and its part belong to the shift while it works, and to whoever wakes
//!    or ends it while it is idle. A shift is one run of one hand's thread; there is one at most
//!    for each hand.
//! 2. The parts, and the caller, hold all that there is of `f` and of the crew's receiver; a part
//!    lets go of them before it lets go of the caller. So when nothing holds the caller back any
//!    more it is the last to have them, and they are gone when it returns. Wakers hold hands, and
//!    a hand that has ended has no part.
//! 3. All hands end: with the channel, after a panic, when the caller unwinds, when its runtime
//!    shuts down. One that ends while others wait in line passes on what it was told of; what that
//!    wakes may panic, after all of the crew have been told, and stops nothing here.
//! 4. `f` is called in a function of its own, which is never inlined: the threads of a runtime may
//!    migrate, and a loop around `f` would keep the address of a thread-local from call to call.
//!
//! Rejected: threads that wait in `recv` and are let go to another worker there. It saves the 100 ns
//! of a spawn, and needs the scheduler to change its mind about a thread that has begun.

use std::convert::Infallible;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, panicking};

use sward_sched::internal::{Home, charge};
use sward_sched::primitive::atomic::{AtomicU8, Ordering};
use sward_sched::primitive::{Mutex, UnsafeCell};
use sward_sched::{JoinError, JoinHandle};

use crate::channel::TaskPlace;
use crate::{Receiver, Sender, bounded};

const IDLE: u8 = 0;
const WORKS: u8 = 1;
const WOKEN: u8 = 2;
const ENDED: u8 = 3;

impl<T> Receiver<T> {
    /// Calls `f` with each value, in up to `n` green threads at a time, until the channel is closed
    /// or without a sender. A thread goes on while there are values and its time slice lasts; what
    /// is left then, or comes later, is for a fresh one, which begins on any worker: so all cores
    /// share the work, however unevenly it comes.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let (sender, receiver) = chan::bounded(16);
    /// sward_sched::spawn(move || (1..=100).for_each(|i| sender.send(i).unwrap()));
    /// let sum = Arc::new(AtomicU32::new(0));
    /// let total = sum.clone();
    /// receiver.for_each(8, move |i| _ = total.fetch_add(i, Ordering::Relaxed)).unwrap();
    /// // It has been dropped, with all that it captured.
    /// assert_eq!(Arc::try_unwrap(sum).unwrap().into_inner(), 5050);
    /// ```
    ///
    /// An `f` that blocks keeps its thread, and so one of the `n`, where it is; and that thread,
    /// which gets a new time slice with each wait, stays where it is while there are values.
    ///
    /// These threads inherit no [locals](sward_sched::local!).
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread, until the channel is closed and all calls
    /// have returned. `f` has been dropped then.
    ///
    /// # Cancellation
    ///
    /// Unwinds the caller, and ends the crew: calls that have begun go on, and nobody waits for
    /// them; `f` is dropped after the last. No further value is received, but that a thread which
    /// is just looking may take one from the channel for a moment, and put it back at the head;
    /// one that had taken a value shortly before may begin its call shortly after.
    ///
    /// # Errors
    ///
    /// The first panic of `f`, when all other calls have returned. When it has unwound its thread
    /// the crew ends, as when the caller is cancelled: what is left is still in the channel. Also
    /// when a thread could not start, or the runtime shuts down.
    ///
    /// # Panics
    ///
    /// When `n` is 0. As [`spawn`](sward_sched::spawn) does.
    #[track_caller]
    pub fn for_each<F>(&self, n: usize, f: F) -> Result<(), JoinError>
    where
        F: Fn(T) + Send + Sync + 'static,
        T: Send + 'static,
    {
        assert!(n > 0, "`for_each` needs at least one thread to call `f` in");
        let job = Arc::new(Job { receiver: self.clone(), f });
        let (working, all_ended) = bounded::<Infallible>(0);
        let home = Home::current();
        let crew = Arc::new_cyclic(|crew| Crew {
            hands: (0..n).map(|_| Arc::new(Hand::new(crew.clone(), home.clone()))).collect(),
            failed: OnceLock::new(),
        });
        let _at_the_end = EndsCrew(&crew);
        for hand in &crew.hands {
            hand.clone().start(Part { job: job.clone(), working: working.clone() });
        }
        drop(working);
        // Closed by the last hand that ends.
        let _ = all_ended.recv();
        // The last (2).
        drop(job);
        match crew.failed.get() {
            None => Ok(()),
            Some(hand) => {
                let shift = hand.shift.lock().take();
                shift.expect("a hand that failed had a shift").join()
            }
        }
    }
}

/// What there is to do.
struct Job<T, F> {
    receiver: Receiver<T>,
    f: F,
}

impl<T, F: Fn(T)> Job<T, F> {
    /// See (4).
    #[inline(never)]
    fn call(&self, value: T) {
        (self.f)(value);
    }
}

/// A hand's, until it ends.
struct Part<T, F> {
    // Dropped before `working` (2).
    job: Arc<Job<T, F>>,
    /// Holds the caller back.
    #[expect(dead_code, reason = "it is there to be dropped")]
    working: Sender<Infallible>,
}

/// All hands.
struct Crew<T, F> {
    hands: Box<[Arc<Hand<T, F>>]>,
    /// The first whose shift unwound.
    failed: OnceLock<Arc<Hand<T, F>>>,
}

/// One that calls `f`, and the task that waits in its place.
struct Hand<T, F> {
    /// Gone with the caller.
    crew: Weak<Crew<T, F>>,
    home: Home,
    state: AtomicU8,
    place: UnsafeCell<TaskPlace>,
    /// While it is idle.
    part: Mutex<Option<Part<T, F>>>,
    /// The thread of its last shift.
    shift: Mutex<Option<JoinHandle<()>>>,
}

// SAFETY: the place is with one side at a time (1). The rest is as safe to share as the types say.
unsafe impl<T: Send, F: Send + Sync> Sync for Hand<T, F> {}

impl<T, F> Hand<T, F> {
    /// It works: `start` is to follow.
    fn new(crew: Weak<Crew<T, F>>, home: Home) -> Self {
        Self {
            crew,
            home,
            state: AtomicU8::new(WORKS),
            place: UnsafeCell::new(TaskPlace::new()),
            part: Mutex::new(None),
            shift: Mutex::new(None),
        }
    }

    /// `false`: it was in another state.
    fn transition(&self, from: u8, to: u8) -> bool {
        // Release and Acquire: the place goes with it (1), and a wake is not later than what it
        // tells of.
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Returns the state before.
    fn end(&self) -> u8 {
        // Acquire and Release: as above.
        self.state.swap(ENDED, Ordering::AcqRel)
    }

    fn has_ended(&self) -> bool {
        // Relaxed: it only says when to stop. To a value that was sent after the end the channel's
        // lock has brought it along.
        self.state.load(Ordering::Relaxed) == ENDED
    }

    /// It has ended, and is the caller's. Returns what panicked on the way, when all is done.
    fn leave(&self, part: Part<T, F>) -> thread::Result<()> {
        let (abandoned, place) = self.place.with_mut(|place| {
            let abandon = || {
                // SAFETY: (1). It is pinned, in the hand, up to here.
                let place = unsafe { Pin::new_unchecked(&mut *place) };
                part.job.receiver.channel().abandon_recv(place);
            };
            let abandoned = catch_unwind(AssertUnwindSafe(abandon));
            // With its waker, which holds the hand.
            // SAFETY: (1). It is in no line any more, whatever panicked after that.
            (abandoned, mem::replace(unsafe { &mut *place }, TaskPlace::new()))
        });
        drop(place);
        // `f` may be among it, whose destructor is the user's.
        abandoned.and(catch_unwind(AssertUnwindSafe(|| drop(part))))
    }
}

impl<T: Send + 'static, F: Fn(T) + Send + Sync + 'static> Hand<T, F> {
    /// Starts a shift of a hand that works.
    fn start(self: Arc<Self>, part: Part<T, F>) {
        let shift = Shift { hand: self.clone(), part: Some(part), is_done: false };
        // Locked until the handle is there: a shift may fail before that.
        let mut handle = self.shift.lock();
        let last = handle.replace(self.home.spawn(|| shift.work()));
        drop(handle);
        drop(last);
    }
}

impl<T: Send + 'static, F: Fn(T) + Send + Sync + 'static> Wake for Hand<T, F> {
    fn wake(self: Arc<Self>) {
        loop {
            // Relaxed: the transitions decide.
            match self.state.load(Ordering::Relaxed) {
                IDLE if self.transition(IDLE, WORKS) => {
                    let part = self.part.lock().take();
                    return self.start(part.expect("an idle hand has its part"));
                }
                WORKS if self.transition(WORKS, WOKEN) => return,
                WOKEN | ENDED => return,
                _ => {}
            }
        }
    }
}

impl<T, F> Crew<T, F> {
    /// No hand takes another item, and those that are idle leave. Returns the first panic of what
    /// they woke.
    fn end(&self) -> thread::Result<()> {
        // All first: what one passes on is not for the others.
        let idle: Vec<_> = self.hands.iter().filter(|hand| hand.end() == IDLE).collect();
        let leave = |hand: &Arc<Hand<T, F>>| {
            let part = hand.part.lock().take();
            hand.leave(part.expect("an idle hand has its part"))
        };
        idle.into_iter().map(leave).fold(Ok(()), Result::and)
    }
}

/// Ends the crew, however the caller leaves.
struct EndsCrew<'a, T, F>(&'a Crew<T, F>);

impl<T, F> Drop for EndsCrew<'_, T, F> {
    fn drop(&mut self) {
        go_on(self.0.end());
    }
}

/// With the panic, unless there is one already.
fn go_on(result: thread::Result<()>) {
    if let Err(panic) = result
        && !panicking()
    {
        resume_unwind(panic);
    }
}

/// A hand's thread.
struct Shift<T, F> {
    hand: Arc<Hand<T, F>>,
    /// `None`: the hand goes on without it, idle or in another.
    part: Option<Part<T, F>>,
    /// There is nothing left to do. Otherwise it unwound, or has never begun.
    is_done: bool,
}

impl<T: Send + 'static, F: Fn(T) + Send + Sync + 'static> Shift<T, F> {
    fn work(mut self) {
        let waker = Waker::from(self.hand.clone());
        while !self.hand.has_ended() {
            let job = &self.part.as_ref().expect("a hand that works has its part").job;
            let received = self.hand.place.with_mut(|place| {
                // SAFETY: (1): the hand works. The place is pinned, in the hand.
                let place = unsafe { Pin::new_unchecked(&mut *place) };
                job.receiver.channel().poll_recv(place, &waker)
            });
            match received {
                Poll::Ready(Ok(value)) if self.hand.has_ended() => {
                    job.receiver.channel().put_back(value);
                }
                Poll::Ready(Ok(value)) => {
                    job.call(value);
                    if charge() {
                        return self.go_on_in_another();
                    }
                }
                Poll::Ready(Err(_)) => break,
                Poll::Pending => {
                    if self.is_idle() {
                        return;
                    }
                }
            }
        }
        self.is_done = true;
    }

    fn go_on_in_another(mut self) {
        let part = self.part.take().expect("a hand that works has its part");
        self.hand.clone().start(part);
    }

    /// The hand is in line. `false`: it was woken meanwhile, or has ended.
    fn is_idle(&mut self) -> bool {
        *self.hand.part.lock() = self.part.take();
        if self.hand.transition(WORKS, IDLE) {
            return true;
        }
        // Nobody else took it: the hand was not idle (1).
        self.part = self.hand.part.lock().take();
        self.hand.transition(WOKEN, WORKS);
        false
    }
}

impl<T, F> Drop for Shift<T, F> {
    fn drop(&mut self) {
        let Some(part) = self.part.take() else { return };
        let hand = &self.hand;
        let mut ended = Ok(());
        if !self.is_done
            && let Some(crew) = hand.crew.upgrade()
            && crew.failed.set(hand.clone()).is_ok()
        {
            ended = crew.end();
        }
        // Place and part are the shift's, whether or not somebody has said that the hand ends (1).
        hand.end();
        go_on(ended.and(hand.leave(part)));
    }
}
