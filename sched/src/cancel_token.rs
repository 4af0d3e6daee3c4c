//! [`CancelToken`]: one word to many, "stop", down a tree.
//!
//! A token is counted: by its handles, and by its children. The children of one stand in a list,
//! threaded through themselves, which counts for nothing: so one that nobody has goes, and takes
//! itself out.
//!
//! 1. The lists of a tree change under one lock, which is its root's. A token that is in a list, or on
//!    the way out of it, is there as long as somebody holds that lock.
//! 2. A token is in its parent's list from its beginning until it is cancelled, or goes. None gets
//!    into the list of one that is cancelled. So all that are below a cancelled one are
//!    cancelled, for whoever holds the lock; and for whoever has returned from `cancel`.
//! 3. It is cancelled under the tree's lock, and under that of its own line, in which nobody gets any
//!    more then.
//! 4. Nothing here calls itself: a tree may be as deep as it likes.
//!
//! Rejected: a lock for each token alone (who cancels must then hold all on its way down, or returns
//! before others, who cancel a part of it, have come to the end of that); children that outlive their
//! parent and move up to the next (to go takes as long as there are children).

mod future;
mod guard;
mod tree;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

pub use self::future::CancelFuture;
pub use self::guard::CancelGuard;
use self::tree::{Place, Token};

use crate::cancel;
use crate::dump::Wait;
use crate::primitive::atomic::Ordering;
use crate::primitive::{Mutant, Mutex, broken};
use crate::wait_list::{Node, Wakes};
use crate::waiter::{Outcome, Reason, Waiter};

static CANCEL: Reason = Reason::new("cancel_token");

/// Tells any number of threads and tasks to stop, by their leave: they ask for it, or wait for it.
/// Tokens form a tree, and one that is cancelled cancels all below it.
///
/// ```
/// # use sward_sched as sward;
/// use sward::CancelToken;
///
/// let server = CancelToken::new();
/// let request = server.child();
/// let worker = sward::spawn({
///     let token = request.clone();
///     move || {
///         token.wait();
///         "stopped"
///     }
/// });
/// server.cancel();
/// assert!(request.is_cancelled());
/// assert_eq!(worker.join().unwrap(), "stopped");
/// ```
///
/// Clones are the same token. In a `select!` it is an arm, `wait(token) => ..`.
///
/// Unlike [`JoinHandle::cancel`](crate::JoinHandle::cancel) it ends nothing by itself: what nobody
/// asks or waits for is not stopped.
///
/// A child keeps those above it, but not the other way round: one whose handles are gone leaves the
/// tree at once, whatever the size of that. All tokens of a tree share one short lock, which is taken
/// when one begins, goes or is cancelled.
pub struct CancelToken(NonNull<Token>);

// SAFETY: what is not atomic changes under a lock (1).
unsafe impl Send for CancelToken {}
// SAFETY: as above.
unsafe impl Sync for CancelToken {}

// Nothing panics half-way.
impl UnwindSafe for CancelToken {}
impl RefUnwindSafe for CancelToken {}

impl CancelToken {
    /// A token of its own.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// assert!(!sward::CancelToken::new().is_cancelled());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self(Token::at(Place::Root(Mutex::new(()))))
    }

    /// A token that is cancelled when this one is, or alone. If this one is cancelled already, so
    /// is the child.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let parent = sward::CancelToken::new();
    /// let (one, other) = (parent.child(), parent.child());
    /// one.cancel();
    /// assert!(!parent.is_cancelled() && !other.is_cancelled());
    /// parent.cancel();
    /// assert!(other.is_cancelled() && parent.child().is_cancelled());
    /// ```
    #[must_use]
    pub fn child(&self) -> Self {
        if self.is_cancelled() {
            // Nothing could tell them apart.
            return self.clone();
        }
        let parent = self.clone();
        let root = match self.token().place {
            Place::Root(_) => self.0,
            Place::Below { root, .. } => root,
        };
        let child = Self(Token::at(Place::Below { parent: parent.into_raw(), root }));
        let tree = self.token().lock_tree();
        // Relaxed: it is set under this lock.
        let is_late = self.token().is_cancelled.load(Ordering::Relaxed);
        if is_late && !broken(Mutant::ChildOfCancelledLives) {
            // (2): as if it had been cancelled in the list.
            child.token().is_cancelled.store(true, Ordering::Relaxed);
        } else {
            // SAFETY: it is in no list, and takes itself out before it goes; the lock is held.
            unsafe { self.token().children.push(child.token()) };
        }
        drop(tree);
        child
    }

    /// Cancels this token and all below it, and wakes all that wait for them. Once it has returned,
    /// all of them are cancelled. To call it again does nothing.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let token = sward::CancelToken::new();
    /// let below = token.child().child();
    /// token.cancel();
    /// token.cancel();
    /// assert!(below.is_cancelled());
    /// ```
    ///
    /// What one does before it cancels is seen by whoever finds the token cancelled.
    ///
    /// # Blocking
    ///
    /// Never blocks. (The wakers of tasks that wait are called here.)
    pub fn cancel(&self) {
        if broken(Mutant::WalkUnlocked) && self.is_cancelled() {
            return;
        }
        let mut wakes = Wakes::none();
        let tree = self.token().lock_tree();
        // Relaxed: it is set under this lock. If it is, all below are cancelled (2).
        if self.token().is_cancelled.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: the lock is held.
        unsafe { self.token().cancel_all(&mut wakes) };
        drop(tree);
        wakes.wake_all();
    }

    /// Whether it is cancelled, by itself or from above.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let token = sward::CancelToken::new();
    /// let stop = token.clone();
    /// let count = sward::spawn(move || {
    ///     let mut rounds = 0;
    ///     while !stop.is_cancelled() {
    ///         rounds += 1;
    ///         sward::checkpoint();
    ///     }
    ///     rounds
    /// });
    /// token.cancel();
    /// count.join().unwrap();
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks, and takes no lock.
    #[inline]
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        // Acquire: pairs with the Release in `cancel_all`.
        self.token().is_cancelled.load(Ordering::Acquire)
    }

    /// Waits until it is cancelled.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let token = sward::CancelToken::new();
    /// let other = token.child();
    /// let waiting = sward::spawn(move || other.wait());
    /// token.cancel();
    /// waiting.join().unwrap();
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread. Returns at once when the token is cancelled
    /// already.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](crate::park) does.
    pub fn wait(&self) {
        self.wait_until(|| None);
    }

    /// As [`wait`](Self::wait), for so long at most. `false`: the time is up, and it is not cancelled.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let token = sward::CancelToken::new();
    /// assert!(!token.wait_timeout(Duration::from_millis(1)));
    /// token.cancel();
    /// assert!(token.wait_timeout(Duration::ZERO));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`wait`](Self::wait). A time too long for the clock is for ever.
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(|| Instant::now().checked_add(timeout))
    }

    /// As [`wait`](Self::wait), until then at most. `false`: the time is up, and it is not cancelled.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Instant;
    ///
    /// let token = sward::CancelToken::new();
    /// assert!(!token.wait_deadline(Instant::now()));
    /// token.cancel();
    /// assert!(token.wait_deadline(Instant::now()));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_deadline(&self, deadline: Instant) -> bool {
        self.wait_until(|| Some(deadline))
    }

    fn wait_until(&self, deadline: impl FnOnce() -> Option<Instant>) -> bool {
        if self.is_cancelled() {
            return true;
        }
        let waiter = Waiter::new().about(&CANCEL, self.token());
        let node = Node::new(&waiter, ptr::null_mut());
        // SAFETY: both stay here, and the node is taken out below unless the line was closed.
        if !unsafe { self.enlist(&node) } {
            return true;
        }
        let outcome = waiter.wait(deadline());
        if outcome == Outcome::Closed {
            return true;
        }
        // SAFETY: it is in this list, or in none.
        unsafe { self.leave(&node) };
        if outcome == Outcome::Cancelled {
            cancel::raise();
        }
        self.is_cancelled()
    }

    /// A future that is ready when the token is cancelled, for any executor.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let token = sward::CancelToken::new();
    /// let other = token.clone();
    /// let waiting = sward::spawn(move || sward::block_on(other.wait_async()));
    /// token.cancel();
    /// waiting.join().unwrap();
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time.
    pub fn wait_async(&self) -> CancelFuture<'_> {
        CancelFuture::new(self)
    }

    /// What cancels this token when it is dropped.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let token = sward::CancelToken::new();
    /// let stops_all = token.clone().drop_guard();
    /// // return, `?`, panic ..
    /// drop(stops_all);
    /// assert!(token.is_cancelled());
    /// ```
    #[must_use = "it cancels the token when it is dropped, which is at once"]
    pub fn drop_guard(self) -> CancelGuard {
        CancelGuard::new(self)
    }

    /// The waiter of `node` hears when the token is cancelled. `false`: it is.
    ///
    /// # Safety
    ///
    /// `node` and its waiter stay in place until [`leave`](Self::leave), or until the wait has ended
    /// as `Closed`.
    pub(crate) unsafe fn enlist(&self, node: &Node) -> bool {
        let line = self.token().line.lock();
        // Relaxed: it is set under this lock (3).
        let is_late = self.token().is_cancelled.load(Ordering::Relaxed);
        if is_late && !broken(Mutant::CancelledTokenWaitedFor) {
            return false;
        }
        // SAFETY: the caller's promise.
        unsafe { line.push_back(node) };
        true
    }

    /// What a wait for it is, for a dump.
    pub(crate) fn look(&self) -> Wait {
        Wait::new(CANCEL.kind, ptr::from_ref(self.token()).cast())
    }

    /// It hears no more.
    ///
    /// # Safety
    ///
    /// `node` is in no list but this one.
    pub(crate) unsafe fn leave(&self, node: &Node) {
        // SAFETY: the caller's promise.
        unsafe { self.token().line.lock().remove(node) };
    }

    #[inline]
    fn token(&self) -> &Token {
        // SAFETY: this handle counts.
        unsafe { self.0.as_ref() }
    }

    /// The count is the caller's.
    fn into_raw(self) -> NonNull<Token> {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl Clone for CancelToken {
    fn clone(&self) -> Self {
        // Relaxed: nothing is handed over by it.
        self.token().references.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl Drop for CancelToken {
    fn drop(&mut self) {
        // SAFETY: the count of this handle.
        unsafe { Token::release(self.0) };
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}
