//! [`Receiver::for_each`]: a crew of green threads that work a channel off.
//!
//! A sticky thread that waits for an item would stay on the worker where it first waited, and with
//! it all that it ever receives. So nobody waits here: a hand that finds nothing gets in line as an
//! async task does, and its thread ends; whoever sends an item wakes the task, which starts a
//! *fresh* thread, and those are anybody's to steal. A hand whose time slice is used up ends its
//! thread, too, and goes on in a fresh one. So hands move from worker to worker between items,
//! and there alone: a thread that has begun stays, and `f` with all that it has on the stack.
//!
//! ```text
//!   IDLE ──wake──▶ WORKS ──wake──▶ WOKEN ──looks again──▶ WORKS
//!     ▲──in line──────┘
//!   any ──end──▶ ENDED
//! ```
//!
//! 1. The place in line belongs to the shift while a hand works, and to whoever ends it while it
//!    is idle. A shift is one run of one hand's thread; there is one at most for each hand.
//! 2. A hand that has ended holds neither its place in line nor the caller back. All end: with the
//!    channel, after a panic, when the caller unwinds, when its runtime shuts down.
//!
//! Rejected: threads that wait in `recv` and are let go to another worker there. It saves the 100 ns
//! of a spawn, and needs the scheduler to change its mind about a thread that has begun.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Wake, Waker};

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
    /// or without a sender. Which worker a thread runs on is decided for each item anew: so all
    /// cores share the work, however unevenly it comes.
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
    /// assert_eq!(sum.load(Ordering::Relaxed), 5050);
    /// ```
    ///
    /// An `f` that blocks keeps its thread, and so one of the `n`, where it is.
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread, until the channel is closed and all calls
    /// have returned.
    ///
    /// # Cancellation
    ///
    /// Unwinds the caller. No further value is received; calls that have begun go on, and nobody
    /// waits for them.
    ///
    /// # Errors
    ///
    /// The first panic of `f`, when all other calls have returned. No further value is received
    /// after it: what is left is still in the channel. Also when a thread could not start, or the
    /// runtime shuts down.
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
        let (working, all_ended) = bounded::<Infallible>(0);
        let crew = Arc::new(Crew {
            receiver: self.clone(),
            f,
            home: Home::current(),
            hands: (0..n).map(|_| Hand::new(working.clone())).collect(),
            failed: OnceLock::new(),
        });
        drop(working);
        let _at_the_end = EndsCrew(&*crew);
        (0..n).for_each(|index| crew.clone().start(index));
        // Closed by the last hand that ends.
        let _ = all_ended.recv();
        match crew.failed.get() {
            None => Ok(()),
            Some(index) => {
                let shift = crew.hands[*index].shift.lock().take();
                shift.expect("a hand that failed had a shift").join()
            }
        }
    }
}

/// All hands, and what they share.
struct Crew<T, F> {
    receiver: Receiver<T>,
    f: F,
    home: Home,
    hands: Box<[Hand]>,
    /// The first hand whose shift unwound.
    failed: OnceLock<usize>,
}

struct Hand {
    state: AtomicU8,
    place: UnsafeCell<TaskPlace>,
    /// The thread of its last shift.
    shift: Mutex<Option<JoinHandle<()>>>,
    /// Until it ends.
    working: Mutex<Option<Sender<Infallible>>>,
}

// SAFETY: the place is with one side at a time (1).
unsafe impl Sync for Hand {}

impl Hand {
    fn new(working: Sender<Infallible>) -> Self {
        Self {
            state: AtomicU8::new(WORKS),
            place: UnsafeCell::new(TaskPlace::new()),
            shift: Mutex::new(None),
            working: Mutex::new(Some(working)),
        }
    }

    /// `false`: it was in another state.
    fn transition(&self, from: u8, to: u8) -> bool {
        // Release and Acquire: the place goes with it (1), and a wake is not later than what it
        // tells of.
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl<T: Send + 'static, F: Fn(T) + Send + Sync + 'static> Crew<T, F> {
    /// Starts a shift of a hand that works.
    fn start(self: Arc<Self>, index: usize) {
        let shift = Shift { crew: self.clone(), index, then: Then::Failed };
        // Locked until the handle is there: a shift may fail before that.
        let mut handle = self.hands[index].shift.lock();
        let last = handle.replace(self.home.spawn(|| shift.work()));
        drop(handle);
        drop(last);
    }
}

impl<T, F> Crew<T, F> {
    /// No hand takes another item, and those that are idle end.
    fn end(&self) {
        for hand in &self.hands {
            // Acquire: the place comes with it (1).
            if hand.state.swap(ENDED, Ordering::AcqRel) == IDLE {
                self.leave(hand);
            }
        }
    }

    /// A hand ends that no shift works for, and that has not ended before.
    fn leave(&self, hand: &Hand) {
        let place = hand.place.with_mut(|place| {
            // SAFETY: (1). It is pinned, in the crew, up to here.
            unsafe {
                self.receiver.channel().abandon_recv(Pin::new_unchecked(&mut *place));
                // With its waker, which holds the crew.
                mem::replace(&mut *place, TaskPlace::new())
            }
        });
        drop(place);
        drop(hand.working.lock().take());
    }
}

/// Ends the crew, however the caller leaves.
struct EndsCrew<'a, T, F>(&'a Crew<T, F>);

impl<T, F> Drop for EndsCrew<'_, T, F> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A hand's thread.
struct Shift<T, F> {
    crew: Arc<Crew<T, F>>,
    index: usize,
    /// What becomes of the hand when the shift is over.
    then: Then,
}

#[derive(PartialEq)]
enum Then {
    /// It goes on in another shift, or waits for one.
    GoesOn,
    /// There is nothing left to do.
    Ends,
    /// It unwound, or has never begun.
    Failed,
}

impl<T: Send + 'static, F: Fn(T) + Send + Sync + 'static> Shift<T, F> {
    fn work(mut self) {
        let crew = self.crew.clone();
        let hand = &crew.hands[self.index];
        let waker = Waker::from(Arc::new(Alarm { crew: crew.clone(), index: self.index }));
        // Relaxed: it only says when to stop.
        while hand.state.load(Ordering::Relaxed) != ENDED {
            let received = hand.place.with_mut(|place| {
                // SAFETY: (1): the hand works. The place is pinned, in the crew.
                let place = unsafe { Pin::new_unchecked(&mut *place) };
                crew.receiver.channel().poll_recv(place, &waker)
            });
            match received {
                Poll::Ready(Ok(value)) => {
                    (crew.f)(value);
                    if charge() {
                        self.then = Then::GoesOn;
                        return crew.clone().start(self.index);
                    }
                }
                Poll::Ready(Err(_)) => break,
                Poll::Pending => {
                    if hand.transition(WORKS, IDLE) {
                        self.then = Then::GoesOn;
                        return;
                    }
                    // Woken meanwhile, or ended.
                    hand.transition(WOKEN, WORKS);
                }
            }
        }
        self.then = Then::Ends;
    }
}

impl<T, F> Drop for Shift<T, F> {
    fn drop(&mut self) {
        if self.then == Then::GoesOn {
            return;
        }
        let (crew, hand) = (&self.crew, &self.crew.hands[self.index]);
        if self.then == Then::Failed && crew.failed.set(self.index).is_ok() {
            crew.end();
        }
        // The place is the shift's, whether or not somebody has said that the hand ends (1).
        hand.state.store(ENDED, Ordering::Release);
        crew.leave(hand);
    }
}

/// Wakes a hand: the task that waits in its place.
struct Alarm<T, F> {
    crew: Arc<Crew<T, F>>,
    index: usize,
}

impl<T: Send + 'static, F: Fn(T) + Send + Sync + 'static> Wake for Alarm<T, F> {
    fn wake(self: Arc<Self>) {
        let hand = &self.crew.hands[self.index];
        loop {
            // Relaxed: the transitions decide.
            match hand.state.load(Ordering::Relaxed) {
                IDLE if hand.transition(IDLE, WORKS) => return self.crew.clone().start(self.index),
                WORKS if hand.transition(WORKS, WOKEN) => return,
                WOKEN | ENDED => return,
                _ => {}
            }
        }
    }
}
