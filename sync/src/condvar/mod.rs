//! [`Condvar`]: to wait for others to change what a mutex protects.
//!
//! 1. Whoever waits gets in line here before it unlocks the mutex: so whoever changes the data
//!    under the mutex and notifies after that finds it in line.
//! 2. A notification is given to one that really waits: it is claimed, so that neither its deadline
//!    nor a cancellation ends its wait any more. It is lost on nobody who is leaving.
//! 3. While the mutex is locked a claimed thread is not woken, only to find that: it goes into the
//!    line for the mutex, as it is, and whoever unlocks wakes it. So of a thousand that are
//!    notified one at a time runs. (A task may vanish, so it is woken, and gets in that line
//!    itself.)
//! 4. A thread is in this list, then in the mutex's, then in none; the two locks are never held at
//!    the same time: between the lists its claim keeps it in place, and through it the mutex, which
//!    it borrows. Until the claim ends: whoever notifies may have nothing else that keeps the mutex,
//!    so he does not touch it after that.
//!
//! After parking_lot's, which moves waiters between its queues, too; there a condition variable
//! knows its mutex, and refuses a second one. Here each that waits knows its own.

mod wait_async;

use std::fmt;
use std::time::{Duration, Instant};

use sward_sched::const_fn;
use sward_sched::internal::{
    Node, Outcome, Reason, WaitList, WaitQueue, Waiter, Wakes, raise_cancel,
};
use sward_sched::primitive::{Mutant, broken};

pub use self::wait_async::WaitFuture;
use crate::acquire::{COMPETE, HANDED, Ticket};
use crate::mutex::{MutexGuard, RawMutex};

/// Lets threads and tasks wait until another changes what a [`Mutex`](crate::Mutex) protects.
///
/// Names and semantics are parking_lot's: nobody is woken without being notified, and `notify_one`
/// wakes one that is really waiting. It may serve several mutexes at the same time.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use sync::{Condvar, Mutex};
///
/// static READY: Mutex<bool> = Mutex::new(false);
/// static CHANGED: Condvar = Condvar::new();
///
/// sward::spawn(|| {
///     *READY.lock() = true;
///     CHANGED.notify_one();
/// });
/// let mut ready = READY.lock();
/// CHANGED.wait_while(&mut ready, |ready| !*ready);
/// assert!(*ready);
/// ```
pub struct Condvar {
    queue: WaitQueue,
}

/// Whether a wait ended because its time was up.
///
/// ```
/// # use sward_sync as sync;
/// use std::time::Duration;
/// use sync::{Condvar, Mutex};
///
/// let mutex = Mutex::new(());
/// let result = Condvar::new().wait_for(&mut mutex.lock(), Duration::from_millis(1));
/// assert!(result.timed_out());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was up before a notification came.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::time::Instant;
    /// let mutex = sync::Mutex::new(());
    /// let result = sync::Condvar::new().wait_until(&mut mutex.lock(), Instant::now());
    /// assert!(result.timed_out());
    /// ```
    pub fn timed_out(self) -> bool {
        self.0
    }
}

/// The case of a task's wait that ends together with all others: it has nothing to pass on. (That of
/// the others is `COMPETE`.)
const ALL: u32 = 2;

/// What the slot of a thread that waits points to. The ticket, for the mutex's line, comes first.
#[repr(C)]
struct Place {
    ticket: Ticket<()>,
    mutex: *const RawMutex,
}

impl Place {
    /// The mutex of a claimed thread.
    ///
    /// # Safety
    ///
    /// `node` is such a thread's, and stood in a condition variable's line.
    unsafe fn mutex_of<'a>(node: &Node) -> &'a RawMutex {
        // SAFETY: the caller's promise, and (4).
        unsafe { &*(*node.slot().cast::<Self>()).mutex }
    }
}

impl Condvar {
    const_fn! {
        /// A condition variable for which nobody waits.
        ///
        /// ```
        /// # use sward_sync as sync;
        /// static CHANGED: sync::Condvar = sync::Condvar::new();
        /// assert!(!CHANGED.notify_one());
        /// ```
        pub fn new() -> Self {
            Self { queue: WaitQueue::new() }
        }
    }

    /// Unlocks the mutex, waits to be notified, and locks it again.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// # use std::sync::Arc;
    /// let pair = Arc::new((sync::Mutex::new(0), sync::Condvar::new()));
    /// let other = pair.clone();
    /// sward::spawn(move || {
    ///     *other.0.lock() = 7;
    ///     other.1.notify_all();
    /// });
    /// let mut value = pair.0.lock();
    /// while *value == 0 {
    ///     pair.1.wait(&mut value);
    /// }
    /// assert_eq!(*value, 7);
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// A thread that is cancelled while it waits locks the mutex again, and unwinds. One that has
    /// been notified by then returns.
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.wait_with(guard, None);
    }

    /// As [`wait`](Self::wait), until `deadline` at most: after that it waits for the mutex only.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::time::Instant;
    /// let mutex = sync::Mutex::new(());
    /// let result = sync::Condvar::new().wait_until(&mut mutex.lock(), Instant::now());
    /// assert!(result.timed_out());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Cancellation
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        deadline: Instant,
    ) -> WaitTimeoutResult {
        self.wait_with(guard, Some(deadline))
    }

    /// As [`wait`](Self::wait), for `timeout` at most: after that it waits for the mutex only.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::time::Duration;
    /// let mutex = sync::Mutex::new(());
    /// let result = sync::Condvar::new().wait_for(&mut mutex.lock(), Duration::from_millis(1));
    /// assert!(result.timed_out());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Cancellation
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        // A deadline beyond the end of time is none.
        self.wait_with(guard, Instant::now().checked_add(timeout))
    }

    /// Waits while `condition` holds, which is asked before the first wait, too.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let mutex = sync::Mutex::new(1);
    /// sync::Condvar::new().wait_while(&mut mutex.lock(), |value| *value == 0);
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Cancellation
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_while<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) {
        while condition(guard) {
            self.wait(guard);
        }
    }

    /// As [`wait_while`](Self::wait_while), until `deadline` at most. Whether the time was up, and
    /// the condition still held.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::time::Instant;
    /// let mutex = sync::Mutex::new(0);
    /// let condvar = sync::Condvar::new();
    /// let result = condvar.wait_while_until(&mut mutex.lock(), |v| *v == 0, Instant::now());
    /// assert!(result.timed_out());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Cancellation
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_while_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: impl FnMut(&mut T) -> bool,
        deadline: Instant,
    ) -> WaitTimeoutResult {
        self.wait_while_with(guard, condition, Some(deadline))
    }

    /// As [`wait_while`](Self::wait_while), for `timeout` at most. Whether the time was up, and
    /// the condition still held.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::time::Duration;
    /// let mutex = sync::Mutex::new(0);
    /// let condvar = sync::Condvar::new();
    /// let timeout = Duration::from_millis(1);
    /// assert!(condvar.wait_while_for(&mut mutex.lock(), |v| *v == 0, timeout).timed_out());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Cancellation
    ///
    /// As for [`wait`](Self::wait).
    pub fn wait_while_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: impl FnMut(&mut T) -> bool,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        self.wait_while_with(guard, condition, Instant::now().checked_add(timeout))
    }

    fn wait_while_with<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        deadline: Option<Instant>,
    ) -> WaitTimeoutResult {
        let mut result = WaitTimeoutResult(false);
        while !result.timed_out() && condition(guard) {
            result = self.wait_with(guard, deadline);
        }
        WaitTimeoutResult(result.timed_out() && condition(guard))
    }

    fn wait_with<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        deadline: Option<Instant>,
    ) -> WaitTimeoutResult {
        // SAFETY: it is locked by the guard's owner, and will be again.
        let mutex = unsafe { MutexGuard::mutex(guard).raw() };
        // To unlock may wake a task: users' code, which may block.
        static CONDVAR: Reason = Reason::new("condvar");
        let waiter = Waiter::busy().about(&CONDVAR, self);
        let place = Place { ticket: Ticket::new(()), mutex };
        let node = Node::new(&waiter, std::ptr::from_ref(&place).cast_mut().cast());
        if broken(Mutant::CondvarUnlocksFirst) {
            mutex.unlock_with(false);
        }
        // SAFETY: it stays here, and is removed below unless it was claimed.
        unsafe { self.queue.lock().push_back(&node) };
        let unlock = || {
            if !broken(Mutant::CondvarUnlocksFirst) {
                mutex.unlock_with(false);
            }
        };
        let outcome = waiter.meanwhile(unlock).unwrap_or_else(|| waiter.wait(deadline));
        match outcome {
            Outcome::Done(HANDED) => {
                mutex.is_handed_over();
                return WaitTimeoutResult(false);
            }
            Outcome::Done(_) => {}
            // SAFETY: it is in this list, or in none.
            _ => _ = unsafe { self.queue.lock().remove(&node) },
        }
        mutex.lock_again();
        if outcome == Outcome::Cancelled {
            raise_cancel();
        }
        WaitTimeoutResult(outcome == Outcome::TimedOut)
    }

    /// Notifies the one that has waited longest. `false`: nobody waits.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// assert!(!sync::Condvar::new().notify_one());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn notify_one(&self) -> bool {
        self.notify(1, COMPETE) == 1
    }

    /// Notifies all that wait. How many there were.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// assert_eq!(sync::Condvar::new().notify_all(), 0);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    pub fn notify_all(&self) -> usize {
        self.notify(usize::MAX, ALL)
    }

    /// Notifies so many at most; tasks, that are woken to lock the mutex, by `case`.
    fn notify(&self, at_most: usize, case: u32) -> usize {
        // Those of whom the notifier can know got in line before it locked the mutex (1).
        if self.queue.is_empty() {
            return 0;
        }
        let mut wakes = Wakes::none();
        let mut claimed = WaitList::new();
        let mut count = 0;
        let line = self.queue.lock();
        while count < at_most
            && let Some((node, claim)) = line.claim_front()
        {
            count += 1;
            // SAFETY: the claim is of this node, which is in no list now.
            unsafe {
                if node.is_task() {
                    wakes.add(node, claim, case);
                } else {
                    claim.put_aside();
                    claimed.push_back(node);
                }
            }
        }
        drop(line);
        while let Some(first) = claimed.first() {
            // SAFETY: all of them are threads, claimed in this line.
            claimed = unsafe { adopt_of_one_mutex(Place::mutex_of(first), &claimed, &mut wakes) };
        }
        // Not before: who is claimed cannot even give up, and a task's waker may take long.
        wakes.wake_all();
        count
    }
}

/// Gives those that wait for this mutex to it. The others are left.
///
/// # Safety
///
/// They are threads whose claims were put aside in the line of a condition variable.
unsafe fn adopt_of_one_mutex(mutex: &RawMutex, claimed: &WaitList, wakes: &mut Wakes) -> WaitList {
    let (own, others) = (WaitList::new(), WaitList::new());
    while let Some(node) = claimed.pop_front() {
        // SAFETY: the caller's promise; it is in no list.
        unsafe {
            let is_own = std::ptr::eq(Place::mutex_of(node), mutex);
            if is_own { &own } else { &others }.push_back(node);
        }
    }
    // SAFETY: the caller's promise.
    unsafe { mutex.adopt(&own, wakes) };
    others
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
