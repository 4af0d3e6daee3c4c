//! [`Once`], with parking_lot's names: what is to be done one time.

mod state;

use std::fmt;

use sward_sched::const_fn;
use sward_sched::internal::WaitQueue;
use sward_sched::primitive::atomic::AtomicU64;

/// Runs a closure one time, however many call it: the others wait until it has come to its end.
///
/// The closure may block, for as long as it likes: those that wait for it leave their workers to
/// others. (In a [`std::sync::Once`] that freezes the worker, and if what the closure waits for
/// is to come from a thread of that worker, for ever.) A task calls
/// [`call_once_async`](Self::call_once_async).
///
/// There is no poisoning. A closure that panics, or that is unwound because its thread is
/// cancelled, has not been run: the next that calls, or one of those that wait, runs its own.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::time::Duration;
/// use sync::Once;
///
/// static SET_UP: Once = Once::new();
///
/// let one_worker = sward::runtime::Builder::new().workers(1).build().unwrap();
/// one_worker.run(|| {
///     let set_up = || SET_UP.call_once(|| sward::time::sleep(Duration::from_millis(1)));
///     let threads: Vec<_> = (0..10).map(|_| sward::spawn(set_up)).collect();
///     threads.into_iter().for_each(|thread| thread.join().unwrap());
/// });
/// assert!(SET_UP.state().done());
/// ```
pub struct Once {
    /// What it means is in `state.rs`.
    state: AtomicU64,
    queue: WaitQueue,
}

/// How far a [`Once`] has come.
///
/// ```
/// # use sward_sync as sync;
/// use sync::{Once, OnceState};
///
/// let once = Once::new();
/// assert_eq!(once.state(), OnceState::New);
/// once.call_once(|| assert_eq!(once.state(), OnceState::InProgress));
/// assert_eq!(once.state(), OnceState::Done);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceState {
    /// Nothing has been run, or nothing to its end.
    New,
    /// A closure is running.
    InProgress,
    /// A closure has been run to its end.
    Done,
}

impl OnceState {
    /// Whether a closure has been run to its end.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let once = sync::Once::new();
    /// assert!(!once.state().done());
    /// once.call_once(|| ());
    /// assert!(once.state().done());
    /// ```
    pub fn done(&self) -> bool {
        *self == Self::Done
    }

    /// Whether a closure has panicked and spoilt it: never. It is there because parking_lot's can be.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// sync::Once::new().call_once_force(|state| assert!(!state.poisoned()));
    /// ```
    pub fn poisoned(&self) -> bool {
        false
    }
}

impl Once {
    const_fn! {
        /// One that nobody has called.
        ///
        /// ```
        /// # use sward_sync as sync;
        /// static ONCE: sync::Once = sync::Once::new();
        /// assert!(!ONCE.state().done());
        /// ```
        pub fn new() -> Self {
            Self { state: AtomicU64::new(0), queue: WaitQueue::new() }
        }
    }

    /// Runs `f`, unless that has been done; waits while somebody else does. When it returns, a
    /// closure has been run to its end, and what it did is seen.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let once = sync::Once::new();
    /// let mut runs = 0;
    /// (0..3).for_each(|_| once.call_once(|| runs += 1));
    /// assert_eq!(runs, 1);
    /// ```
    ///
    /// # Blocking
    ///
    /// As `f`. While another closure runs: parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does, if it waits; then `f` is not run.
    ///
    /// # Panics
    ///
    /// With the panic of `f`. And if `f` calls, or waits for, this very `Once`, on the same
    /// thread; where that cannot be seen, because it is done on another thread for which `f` waits,
    /// or by a task, it waits for itself for ever.
    #[inline]
    #[track_caller]
    pub fn call_once<F>(&self, f: F)
    where
        F: FnOnce(),
    {
        self.call_once_force(|_| f());
    }

    /// As [`call_once`](Self::call_once): there is no poison that it could ignore. For programs that
    /// come from other crates' `Once`; the closure is always told [`OnceState::New`].
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let once = sync::Once::new();
    /// once.call_once_force(|state| assert!(!state.done()));
    /// assert!(once.state().done());
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`call_once`](Self::call_once).
    ///
    /// # Cancellation
    ///
    /// As [`call_once`](Self::call_once).
    ///
    /// # Panics
    ///
    /// As [`call_once`](Self::call_once).
    #[inline]
    #[track_caller]
    pub fn call_once_force<F>(&self, f: F)
    where
        F: FnOnce(OnceState),
    {
        if !self.is_done()
            && let Some(call) = self.begin()
        {
            f(OnceState::New);
            call.complete();
        }
    }

    /// As [`call_once`](Self::call_once), in async code of any runtime.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// let once = sync::Once::new();
    /// let mut context = Context::from_waker(Waker::noop());
    /// let abandoned = once.call_once_async(async || std::future::pending().await);
    /// assert!(Box::pin(abandoned).as_mut().poll(&mut context).is_pending());
    /// assert!(pin!(once.call_once_async(async || ())).poll(&mut context).is_ready());
    /// assert!(once.state().done());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped at any time. If it was running `f`, then `f` has not been run,
    /// and one of those that wait runs its own. One that is forgotten while it runs `f` keeps all
    /// of them waiting for ever.
    ///
    /// # Panics
    ///
    /// With the panic of `f`. An `f` that awaits this very `Once` waits for ever.
    pub async fn call_once_async<F>(&self, f: F)
    where
        F: AsyncFnOnce(),
    {
        if let Some(call) = self.begin_async().await {
            f().await;
            call.complete();
        }
    }

    /// Waits until a closure has been run to its end, whoever runs it, and if nobody has begun to.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use sward_sync as sync;
    /// static ONCE: sync::Once = sync::Once::new();
    /// let waiting = sward::spawn(|| ONCE.wait());
    /// ONCE.call_once(|| ());
    /// waiting.join().unwrap();
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does.
    ///
    /// # Panics
    ///
    /// In the closure itself, as [`call_once`](Self::call_once).
    #[inline]
    #[track_caller]
    pub fn wait(&self) {
        if !self.is_done() {
            self.wait_until_done();
        }
    }

    /// As [`wait`](Self::wait), in async code of any runtime.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// let once = sync::Once::new();
    /// let mut context = Context::from_waker(Waker::noop());
    /// let mut waiting = pin!(once.wait_async());
    /// assert!(waiting.as_mut().poll(&mut context).is_pending());
    /// once.call_once(|| ());
    /// assert!(waiting.poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time.
    pub async fn wait_async(&self) {
        self.until_done().await;
    }

    /// How far it has come, by now. [`OnceState::Done`] is for ever, and what was done is seen.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let once = sync::Once::new();
    /// once.call_once(|| ());
    /// assert_eq!(once.state(), sync::OnceState::Done);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never.
    #[inline]
    pub fn state(&self) -> OnceState {
        self.look()
    }

    /// Whether a closure has been run to its end.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let once = sync::Once::new();
    /// once.call_once(|| ());
    /// assert!(once.is_completed());
    /// ```
    ///
    /// # Blocking
    ///
    /// Never.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.is_done()
    }

    const_fn! {
        /// One that is done.
        pub(crate) fn done() -> Self {
            Self { state: AtomicU64::new(state::DONE), queue: WaitQueue::new() }
        }
    }
}

impl Default for Once {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("state", &self.state()).finish()
    }
}
