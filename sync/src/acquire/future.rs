//! The wait of an async task for a lock.

use std::fmt;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};

use sward_sched::internal::{Node, Outcome, OwnWaker, TaskWaiter, Wakes};
use sward_sched::primitive::{Mutant, broken};

use super::{Acquire, Attempt, COMPETE, HANDED, Refusal, Ticket, get_in_line};

/// A wait in line: what the futures of all locks are made of.
pub(crate) struct Acquiring<'a, L: Acquire> {
    lock: &'a L,
    request: L::Request,
    task: TaskWaiter,
    node: Node,
    ticket: Ticket<L::Request>,
    /// Since it got in line nobody has looked how that ended.
    in_line: bool,
    _pinned: PhantomPinned,
}

// SAFETY: waiter, node and ticket are touched under the lock of the queue alone, by either side,
// while the node is in a list.
unsafe impl<L: Acquire + Sync> Send for Acquiring<'_, L> where L::Request: Send {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl<L: Acquire + Sync> Sync for Acquiring<'_, L> {}

impl<'a, L: Acquire> Acquiring<'a, L> {
    pub(crate) fn new(lock: &'a L, request: L::Request) -> Self {
        Self {
            lock,
            request,
            task: TaskWaiter::new(),
            node: Node::unbound(),
            ticket: Ticket::new(request),
            in_line: false,
            _pinned: PhantomPinned,
        }
    }

    /// Ready once it is had; not to be polled after that.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refusal>> {
        let (lock, request) = (self.lock, self.request);
        let polled = self.poll_in_line(context);
        if let Poll::Ready(Ok(())) = polled {
            lock.is_a_tasks(request);
        }
        polled
    }

    fn poll_in_line(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        // SAFETY: it is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        if !this.in_line && this.lock.try_take(this.request, false) {
            return Poll::Ready(Ok(()));
        }
        let mut waker = OwnWaker::of(context.waker());
        // To be dropped after the queue is unlocked.
        let _last;
        let line = this.lock.queue().lock();
        let mut again = false;
        if this.in_line {
            let Some(outcome) = this.task.poll(&mut waker) else { return Poll::Pending };
            this.in_line = false;
            match outcome {
                Outcome::Done(HANDED) => return Poll::Ready(Ok(())),
                Outcome::Closed => return Poll::Ready(Err(Refusal::Closed)),
                _ => again = true,
            }
        }
        match this.lock.take_or_announce(this.request, again, &line) {
            Attempt::Taken => return Poll::Ready(Ok(())),
            Attempt::Closed => return Poll::Ready(Err(Refusal::Closed)),
            Attempt::Wait => {}
        }
        if again {
            this.ticket.has_lost();
        }
        _last = this.task.begin(waker);
        this.node.bind(this.task.waiter(), this.ticket.slot());
        this.in_line = true;
        // SAFETY: pinned, and removed when it is dropped, if need be; in no list now.
        unsafe { get_in_line(&line, &this.node, again || L::goes_first(this.request)) };
        drop(line);
        Poll::Pending
    }
}

impl<L: Acquire> Drop for Acquiring<'_, L> {
    fn drop(&mut self) {
        if !self.in_line {
            return;
        }
        let line = self.lock.queue().lock();
        // SAFETY: it is in this list, or in none.
        let wakes = if unsafe { line.remove(&self.node) } {
            self.lock.leave(self.request, &line)
        } else {
            match self.task.outcome() {
                _ if broken(Mutant::DroppedKeepsTurn) => Wakes::none(),
                Some(Outcome::Done(COMPETE)) => self.lock.pass_on(&line),
                Some(Outcome::Done(_)) => {
                    drop(line);
                    return self.lock.release(self.request);
                }
                _ => Wakes::none(),
            }
        };
        drop(line);
        wakes.wake_all();
    }
}

impl<L: Acquire> fmt::Debug for Acquiring<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquiring").field("in_line", &self.in_line).finish_non_exhaustive()
    }
}
