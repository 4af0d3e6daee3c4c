//! [`CancelFuture`]: the wait of an async task for a token.

use std::fmt;
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

use super::CancelToken;
use crate::primitive::atomic::Ordering;
use crate::wait_list::Node;
use crate::waiter::{OwnWaker, TaskWaiter};

/// The end of a wait for a [`CancelToken`] in async code: [`CancelToken::wait_async`].
///
/// When it was ready once it is ready for ever.
///
/// ```
/// # use sward_sched as sward;
/// # use std::{future::Future, pin::pin, task::{Context, Waker}};
/// let token = sward::CancelToken::new();
/// let mut context = Context::from_waker(Waker::noop());
/// let mut cancelled = pin!(token.wait_async());
/// assert!(cancelled.as_mut().poll(&mut context).is_pending());
/// token.cancel();
/// assert!(cancelled.poll(&mut context).is_ready());
/// ```
#[must_use = "futures do nothing unless they are awaited"]
pub struct CancelFuture<'a> {
    token: &'a CancelToken,
    task: TaskWaiter,
    node: Node,
    /// The node may be in the token's line.
    in_line: bool,
    _pinned: PhantomPinned,
}

// SAFETY: waiter and node are touched under the lock of the line alone, by either side, while the node
// is in a list.
unsafe impl Send for CancelFuture<'_> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for CancelFuture<'_> {}

impl UnwindSafe for CancelFuture<'_> {}
impl RefUnwindSafe for CancelFuture<'_> {}

impl<'a> CancelFuture<'a> {
    pub(super) fn new(token: &'a CancelToken) -> Self {
        Self {
            token,
            task: TaskWaiter::new(),
            node: Node::unbound(),
            in_line: false,
            _pinned: PhantomPinned,
        }
    }
}

impl Future for CancelFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.token.is_cancelled() {
            return Poll::Ready(());
        }
        let mut waker = OwnWaker::of(context.waker());
        // SAFETY: it is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        // To be dropped after the line is unlocked.
        let _last;
        let token = this.token.token();
        let line = token.line.lock();
        // Relaxed: it is set under this lock (3).
        if token.is_cancelled.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        if this.in_line {
            // It waits: whoever ends the wait cancels the token.
            let _ = this.task.poll(&mut waker);
            return Poll::Pending;
        }
        _last = this.task.begin(waker);
        this.node.bind(this.task.waiter(), ptr::null_mut());
        this.in_line = true;
        // SAFETY: pinned, and taken out when it is dropped, if need be; in no list now.
        unsafe { line.push_back(&this.node) };
        drop(line);
        Poll::Pending
    }
}

impl Drop for CancelFuture<'_> {
    fn drop(&mut self) {
        if self.in_line {
            // SAFETY: it is in this list, or in none.
            unsafe { self.token.leave(&self.node) };
        }
    }
}

impl fmt::Debug for CancelFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelFuture").field(self.token).finish()
    }
}
