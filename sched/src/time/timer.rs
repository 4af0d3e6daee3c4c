//! One deadline that can be moved, also by others while a thread waits for it.
//!
//! 1. `deadline` and `waiting` change under one lock. Whoever waits has looked at the
//!    deadline under it, so a later one need not wake it: it looks again when the one it knew
//!    has passed. A nearer one must.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cancel;
use crate::primitive::{Mutant, Mutex, broken};
use crate::wait_list::{Node, WaitList};
use crate::waiter::{Outcome, Reason, Waiter};

static TIMER: Reason = Reason::new("timer");

/// A deadline that can be moved: for timeouts that start anew whenever something happens.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::Duration;
/// use sward::time::{Timer, sleep};
///
/// const LIMIT: Duration = Duration::from_millis(5);
/// let mut silence = Timer::after(LIMIT);
/// let heard = silence.handle();
/// let watchdog = sward::spawn(move || silence.wait());
/// for _ in 0..3 {
///     sleep(Duration::from_millis(1));
///     heard.reset(LIMIT);
/// }
/// // Nothing more is heard.
/// watchdog.join().unwrap();
/// ```
///
/// Setting it anew does not wake the thread that waits for it unless it has less time left
/// then, so it may be done often.
#[derive(Debug)]
pub struct Timer(pub(crate) TimerHandle);

/// Moves the deadline of a [`Timer`], from any thread; [`Timer::handle`] makes one.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::Duration;
/// use sward::time::Timer;
///
/// let mut timer = Timer::after(Duration::from_secs(3600));
/// let handle = timer.handle();
/// let waiting = sward::spawn(move || timer.wait());
/// handle.reset(Duration::from_millis(1));
/// waiting.join().unwrap();
/// assert!(handle.is_elapsed());
/// ```
#[derive(Clone)]
pub struct TimerHandle(Arc<Mutex<State>>);

struct State {
    /// `None`: never.
    deadline: Option<Instant>,
    /// The thread in `wait`, if there is one.
    waiting: WaitList,
}

impl Timer {
    /// A timer that elapses after `duration`; one too long for the clock is for ever.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::{Duration, Instant};
    ///
    /// let start = Instant::now();
    /// sward::time::Timer::after(Duration::from_millis(2)).wait();
    /// assert!(start.elapsed() >= Duration::from_millis(2));
    /// ```
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        Self::new(Instant::now().checked_add(duration))
    }

    /// A timer that elapses at `deadline`.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Instant;
    ///
    /// let mut timer = sward::time::Timer::at(Instant::now());
    /// assert!(timer.is_elapsed());
    /// timer.wait();
    /// ```
    #[must_use]
    pub fn at(deadline: Instant) -> Self {
        Self::new(Some(deadline))
    }

    fn new(deadline: Option<Instant>) -> Self {
        let state = State { deadline, waiting: WaitList::new() };
        Self(TimerHandle(Arc::new(Mutex::new(state))))
    }

    /// Waits until the timer has elapsed, however often it is set anew meanwhile. Returns at
    /// once when it has elapsed already.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let mut timer = sward::time::Timer::after(Duration::from_millis(1));
    /// timer.wait();
    /// timer.reset(Duration::from_millis(1));
    /// timer.wait();
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](crate::park) does; the timer stays as it is.
    pub fn wait(&mut self) {
        while !self.0.wait_once() {}
    }

    /// Sets it anew: it elapses after `duration` from now.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let mut timer = sward::time::Timer::after(Duration::from_secs(3600));
    /// timer.reset(Duration::from_millis(1));
    /// timer.wait();
    /// ```
    pub fn reset(&mut self, duration: Duration) {
        self.0.reset(duration);
    }

    /// Sets it anew: it elapses at `deadline`.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::{Duration, Instant};
    ///
    /// let mut timer = sward::time::Timer::after(Duration::from_secs(3600));
    /// timer.reset_at(Instant::now());
    /// assert!(timer.is_elapsed());
    /// ```
    pub fn reset_at(&mut self, deadline: Instant) {
        self.0.reset_at(deadline);
    }

    /// When it elapses, or has elapsed; `None`: never.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::{Duration, Instant};
    /// use sward::time::Timer;
    ///
    /// let deadline = Instant::now() + Duration::from_secs(60);
    /// assert_eq!(Timer::at(deadline).deadline(), Some(deadline));
    /// assert_eq!(Timer::after(Duration::MAX).deadline(), None);
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline()
    }

    /// Whether its time has come.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    /// use sward::time::Timer;
    ///
    /// assert!(Timer::after(Duration::ZERO).is_elapsed());
    /// assert!(!Timer::after(Duration::from_secs(60)).is_elapsed());
    /// ```
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        self.0.is_elapsed()
    }

    /// What others can set it by, also while a thread is in [`wait`](Self::wait).
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let mut timer = sward::time::Timer::after(Duration::MAX);
    /// timer.handle().reset(Duration::from_millis(1));
    /// timer.wait();
    /// ```
    #[must_use]
    pub fn handle(&self) -> TimerHandle {
        self.0.clone()
    }
}

impl TimerHandle {
    /// Sets the timer anew: it elapses after `duration` from now; one too long for the clock
    /// is for ever. A thread that waits for it goes on waiting until then.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let timer = sward::time::Timer::after(Duration::ZERO);
    /// timer.handle().reset(Duration::from_secs(60));
    /// assert!(!timer.is_elapsed());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn reset(&self, duration: Duration) {
        self.set(Instant::now().checked_add(duration));
    }

    /// Sets the timer anew: it elapses at `deadline`.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::{Duration, Instant};
    ///
    /// let timer = sward::time::Timer::after(Duration::from_secs(60));
    /// timer.handle().reset_at(Instant::now());
    /// assert!(timer.is_elapsed());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn reset_at(&self, deadline: Instant) {
        self.set(Some(deadline));
    }

    /// The timer never elapses, unless it is set anew. A thread that waits for it goes on
    /// waiting. `false`: its time had come already, and it stays elapsed.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let timer = sward::time::Timer::after(Duration::from_secs(60));
    /// assert!(timer.handle().stop());
    /// assert_eq!(timer.deadline(), None);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn stop(&self) -> bool {
        let mut state = self.0.lock();
        // Under the lock: whoever waits has not seen the deadline pass before this.
        let has_come = state.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if !has_come {
            state.deadline = None;
        }
        !has_come
    }

    /// When it elapses, or has elapsed; `None`: never.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let timer = sward::time::Timer::after(Duration::from_secs(60));
    /// assert_eq!(timer.handle().deadline(), timer.deadline());
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.lock().deadline
    }

    /// Whether its time has come.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let timer = sward::time::Timer::after(Duration::ZERO);
    /// assert!(timer.handle().is_elapsed());
    /// ```
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= Instant::now())
    }

    fn set(&self, deadline: Option<Instant>) {
        let mut state = self.0.lock();
        let before = std::mem::replace(&mut state.deadline, deadline);
        let is_nearer = deadline.is_some_and(|new| before.is_none_or(|before| new < before))
            && !broken(Mutant::TimerSetSilently);
        let claimed = if is_nearer { state.waiting.claim_front() } else { None };
        let wake = claimed.map(|(_, claim)| claim.done(0));
        drop(state);
        if let Some(wake) = wake {
            wake.wake();
        }
    }

    /// Waits for the deadline as it is now. `false`: it was moved meanwhile.
    fn wait_once(&self) -> bool {
        let waiter = Waiter::new().about(&TIMER, self);
        let node = Node::new(&waiter, std::ptr::null_mut());
        // SAFETY: the node stays here, and is removed below unless it was claimed.
        let deadline = unsafe { self.enlist(&node) };
        let outcome = waiter.wait(deadline);
        if let Outcome::Done(_) = outcome {
            return false;
        }
        // SAFETY: it is in this list, or in none.
        let is_same = unsafe { self.leave(&node) } == deadline;
        if outcome == Outcome::Cancelled {
            cancel::raise();
        }
        is_same
    }

    /// The deadline as it is now. The waiter of `node` hears when there is a nearer one.
    ///
    /// # Safety
    ///
    /// As for [`WaitList::push_back`], until [`leave`](Self::leave).
    pub(crate) unsafe fn enlist(&self, node: &Node) -> Option<Instant> {
        let known = broken(Mutant::TimerEnlistedBetween).then(|| self.deadline());
        let state = self.0.lock();
        // SAFETY: the caller's promise.
        unsafe { state.waiting.push_back(node) };
        known.unwrap_or(state.deadline)
    }

    /// The deadline as it is now. The waiter of `node` hears no more.
    ///
    /// # Safety
    ///
    /// `node` is in no list but this one.
    pub(crate) unsafe fn leave(&self, node: &Node) -> Option<Instant> {
        let state = self.0.lock();
        // SAFETY: the caller's promise.
        unsafe { state.waiting.remove(node) };
        state.deadline
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle").field("deadline", &self.deadline()).finish()
    }
}
