//! [`WaitGroup`], as crossbeam's: wait until all clones are gone.

use std::fmt;
use std::sync::Arc;

use sward_sched::internal::{Node, Outcome, WaitList, Waiter, raise_cancel};
use sward_sched::primitive::Mutex;

/// Waits for a number of threads: each gets a clone and drops it when it is done.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// static DONE: AtomicUsize = AtomicUsize::new(0);
///
/// let group = sync::WaitGroup::new();
/// for _ in 0..10 {
///     let member = group.clone();
///     sward::spawn(move || {
///         DONE.fetch_add(1, Ordering::Relaxed);
///         drop(member);
///     });
/// }
/// group.wait();
/// assert_eq!(DONE.load(Ordering::Relaxed), 10);
/// ```
pub struct WaitGroup {
    group: Arc<Group>,
}

/// Empty when nobody is left.
struct Group {
    state: Mutex<State>,
}

struct State {
    members: usize,
    waiting: WaitList,
}

impl WaitGroup {
    /// A group of one.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// sync::WaitGroup::new().wait();
    /// ```
    pub fn new() -> Self {
        let state = State { members: 1, waiting: WaitList::new() };
        Self { group: Arc::new(Group { state: Mutex::new(state) }) }
    }

    /// Leaves the group and waits until all others have left it.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// let group = sync::WaitGroup::new();
    /// let member = group.clone();
    /// sward::spawn(move || drop(member));
    /// group.wait();
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does.
    pub fn wait(self) {
        let group = self.group.clone();
        drop(self);
        let waiter = Waiter::new();
        let node = Node::new(&waiter, std::ptr::null_mut());
        {
            let state = group.state.lock();
            if state.members == 0 {
                return;
            }
            // SAFETY: it stays here, and is removed below unless it was closed.
            unsafe { state.waiting.push_back(&node) };
        }
        if waiter.wait(None) == Outcome::Cancelled {
            // SAFETY: it is in this list, or in none.
            unsafe { group.state.lock().waiting.remove(&node) };
            raise_cancel();
        }
    }
}

impl Clone for WaitGroup {
    fn clone(&self) -> Self {
        self.group.state.lock().members += 1;
        Self { group: self.group.clone() }
    }
}

impl Drop for WaitGroup {
    fn drop(&mut self) {
        let mut state = self.group.state.lock();
        state.members -= 1;
        if state.members == 0 {
            let waiting = state.waiting.close();
            drop(state);
            waiting.wake_all();
        }
    }
}

impl Default for WaitGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.group.state.lock().members;
        f.debug_struct("WaitGroup").field("count", &members).finish()
    }
}
