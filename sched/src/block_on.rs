//! [`block_on`]: an async computation waited for by a thread, green or not.
//!
//! The thread polls; whoever wakes the task rings its [`Bell`].
//!
//! 1. A ring is remembered until the thread has looked. Who rings while one is remembered need do
//!    nothing: the thread will look.
//! 2. The thread waits only after it has seen, in the same section of the line's lock in which it got
//!    in line, that nobody has rung. Who rings looks into the line after that.
//! 3. Wakers may ring at any time, any number of times, and after the end: they share the bell.

use std::future::IntoFuture;
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::cancel;
use crate::dump;
use crate::park::checkpoint;
use crate::primitive::atomic::{AtomicBool, Ordering};
use crate::primitive::{Mutant, broken};
use crate::wait_list::Node;
use crate::wait_queue::WaitQueue;
use crate::waiter::{Outcome, Reason, Waiter};

/// Waits until a future is ready, and returns what it gives.
///
/// ```
/// # use sward_sched as sward;
/// async fn answer() -> u32 {
///     6 * 7
/// }
/// assert_eq!(sward::spawn(|| sward::block_on(answer())).join().unwrap(), 42);
/// ```
///
/// The future is polled right here, whenever its waker has been called, from wherever that was.
/// Inside, `.await` parks nothing but this thread; blocking calls of sward's do so, too.
///
/// A future that needs the context of another runtime, such as tokio's sockets and timers, is spawned
/// there, and the handle waited for here: `block_on(tokio.spawn(future))`. To enter the other runtime
/// instead sets a thread-local, which others on this worker would see.
///
/// # Blocking
///
/// Parks the green thread, or blocks the OS thread. A future that wakes itself again and again gives
/// way to others as [`checkpoint`](crate::checkpoint()) does.
///
/// # Cancellation
///
/// Unwinds the thread from between two polls, and drops the future.
///
/// # Panics
///
/// With the panic of the future.
pub fn block_on<F: IntoFuture>(future: F) -> F::Output {
    let mut future = pin!(future.into_future());
    let bell = Arc::new(Bell::new());
    let waker = Waker::from(bell.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        bell.listen();
    }
}

struct Bell {
    rung: AtomicBool,
    /// The thread, while it waits.
    line: WaitQueue,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

impl Bell {
    fn new() -> Self {
        Self { rung: AtomicBool::new(false), line: WaitQueue::new() }
    }

    fn ring(&self) {
        // Release: pairs with the Acquire in `has_rung`: the next poll sees what was done before.
        let release =
            if broken(Mutant::BellRelaxed) { Ordering::Relaxed } else { Ordering::AcqRel };
        if self.rung.swap(true, release) {
            return;
        }
        let line = self.line.lock();
        let wake = line.claim_front().map(|(_, claim)| claim.done(0));
        drop(line);
        if let Some(wake) = wake {
            wake.wake();
        }
    }

    fn has_rung(&self) -> bool {
        // Acquire: pairs with the Release in `ring`.
        self.rung.swap(false, Ordering::Acquire)
    }

    /// Tells a dump how many wakers there are beside the thread's own.
    ///
    /// # Safety
    ///
    /// `bell` is that of a thread that waits, as `Arc::as_ptr` gave it.
    unsafe fn look(bell: *const (), wait: &mut dump::Wait) {
        // SAFETY: the caller's promise; the count is not changed.
        let bell = ManuallyDrop::new(unsafe { Arc::from_raw(bell.cast::<Self>()) });
        // The thread has the bell itself, and the waker that it polls with.
        wait.wakers = Some(Arc::strong_count(&bell) - 2);
    }

    /// Waits for a ring, unless there was one since the last that was heard.
    fn listen(self: &Arc<Self>) {
        if self.has_rung() {
            return checkpoint();
        }
        // SAFETY: the bell is the thread's that waits.
        static FUTURE: Reason = unsafe { Reason::with("future", Bell::look) };
        let waiter = Waiter::new().about(&FUTURE, Arc::as_ptr(self));
        let node = Node::new(&waiter, ptr::null_mut());
        {
            let line = self.line.lock();
            if !broken(Mutant::BellUnheard) && self.has_rung() {
                return;
            }
            // SAFETY: it stays here, and is removed below unless it was claimed.
            unsafe { line.push_back(&node) };
        }
        if waiter.wait(None) == Outcome::Cancelled {
            // SAFETY: it is in this list, or in none.
            unsafe { self.line.lock().remove(&node) };
            cancel::raise();
        }
        self.has_rung();
    }
}
