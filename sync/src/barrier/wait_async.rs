//! The wait of an async task at a barrier.

use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll};

use sward_sched::internal::{Node, OwnWaker, TaskWaiter};

use super::Barrier;

/// One that comes when it is polled first. Not to be polled when it has been ready.
pub(super) struct Arriving<'a> {
    barrier: &'a Barrier,
    task: TaskWaiter,
    node: Node,
    /// Since it came nobody has looked whether the last has come.
    in_line: bool,
    _pinned: PhantomPinned,
}

// SAFETY: waiter and node are touched under the lock of the queue alone, by either side, while the
// node is in a list.
unsafe impl Send for Arriving<'_> {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for Arriving<'_> {}

impl<'a> Arriving<'a> {
    pub(super) fn new(barrier: &'a Barrier) -> Self {
        Self {
            barrier,
            task: TaskWaiter::new(),
            node: Node::unbound(),
            in_line: false,
            _pinned: PhantomPinned,
        }
    }
}

impl Future for Arriving<'_> {
    /// Whether it was the last.
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        // SAFETY: it is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        let mut waker = OwnWaker::of(context.waker());
        let line = this.barrier.queue.lock();
        if this.in_line {
            this.in_line = this.task.poll(&mut waker).is_none();
            return if this.in_line { Poll::Pending } else { Poll::Ready(false) };
        }
        if let Some(wakes) = this.barrier.arrive(&line) {
            drop(line);
            wakes.wake_all();
            return Poll::Ready(true);
        }
        let none = this.task.begin(waker);
        debug_assert!(none.is_none(), "it waits once");
        this.node.bind(this.task.waiter(), ptr::null_mut());
        this.in_line = true;
        // SAFETY: pinned, and removed when it is dropped, if need be; in no list now.
        unsafe { line.push_back(&this.node) };
        Poll::Pending
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        if self.in_line {
            // SAFETY: it is in this list, or in none.
            unsafe { self.barrier.leave(&self.node) };
        }
    }
}
