//! Async tasks in line: futures that are polled, and may be dropped or forgotten at any time.
//!
//! 1. The waiter and the node of a future are touched under the channel's lock alone, by either
//!    side, while the node is in a list.
//! 2. A task that receives was told of at most one value at a time. Its future comes for one, or,
//!    dropped, passes one on, if one is there: so of those in line as many have been told as there
//!    are values, or fewer values are left than were told of because others came first.
//! 3. Wakers are cloned before the lock is taken, and dropped after.

use std::pin::Pin;
use std::ptr;
use std::task::{Poll, Waker};

use sward_sched::internal::{Node, Outcome, TaskWaiter, Wake};
use sward_sched::primitive::{Mutant, broken};
use sward_sched::time::sleep_until;
use sward_sched::{JoinHandle, spawn};

use super::{Buffer, Channel, Grant, Guard, Slot, State, place, unlock_and_tell};
use crate::error::{RecvError, SendError};

/// The place of a task in a line, inside of its future.
#[derive(Debug)]
pub(crate) struct TaskPlace {
    task: TaskWaiter,
    node: Node,
    /// Since it got in line nobody has looked how that ended.
    in_line: bool,
    /// Wakes it when there is a value without anybody's doing.
    alarm: Option<JoinHandle<()>>,
}

// SAFETY: (1). What is behind the node's slot is sent by the future that owns both.
unsafe impl Send for TaskPlace {}
// SAFETY: a shared reference gives access to nothing.
unsafe impl Sync for TaskPlace {}

impl TaskPlace {
    pub(crate) fn new() -> Self {
        Self { task: TaskWaiter::new(), node: Node::unbound(), in_line: false, alarm: None }
    }

    pub(crate) fn is_in_line(&self) -> bool {
        self.in_line
    }

    /// In line from now on, if the caller puts the node there.
    fn begin(&mut self, waker: Waker, slot: *mut ()) {
        self.task.begin(waker);
        self.node.bind(self.task.waiter(), slot);
        self.in_line = true;
    }
}

impl<B> State<B> {
    /// As [`Channel::pass_on`], under the lock.
    fn pass_on<T>(&mut self) -> [Option<Wake>; 2]
    where
        B: Buffer<T>,
    {
        if self.buffer.len() == 0 || broken(Mutant::ToldTaskKeepsQuiet) {
            return [None, None];
        }
        let Some((node, claim)) = self.receivers.claim_front() else { return [None, None] };
        if node.is_task() {
            return [Some(claim.done(0)), None];
        }
        let value = self.buffer.pop().expect("it is not empty");
        // SAFETY: a receiver's slot, which is empty, and claimed.
        unsafe { node.slot().cast::<T>().write(value) };
        [Some(claim.done(0)), self.refill::<T>()]
    }
}

impl<B> Channel<B> {
    /// Receives, or gets in line.
    pub(crate) fn poll_recv<T>(
        &self,
        place: Pin<&mut TaskPlace>,
        waker: &Waker,
    ) -> Poll<Result<T, RecvError>>
    where
        B: Buffer<T>,
    {
        // SAFETY: it is not moved.
        let place = unsafe { place.get_unchecked_mut() };
        let mut own = waker.clone();
        let mut state = self.state.lock();
        let mut was_told = false;
        if place.in_line {
            match place.task.poll(&mut own) {
                Some(outcome) => was_told = outcome != Outcome::Closed,
                // Its time has come.
                None if state.buffer.ready_at().is_some() && state.buffer.len() > 0 => {
                    // SAFETY: it waits, in this list.
                    unsafe { state.receivers.remove(&place.node) };
                }
                None => return Poll::Pending,
            }
            place.in_line = false;
        }
        if let Some(value) = state.buffer.pop() {
            self.leave_room::<T>(state);
            return Poll::Ready(Ok(value));
        }
        let mut granted = None;
        while let Some(first) = state.senders.first() {
            if first.gives_later() && state.promised > 0 {
                break;
            }
            let Some((node, claim)) = state.senders.claim_first() else { continue };
            if node.gives_later() {
                // SAFETY: it is claimed, and gives later.
                unsafe { Grant::room().give(node.slot()) };
                granted = Some(claim.done(0));
                break;
            }
            // SAFETY: it is claimed.
            let value = unsafe { place::take_from(node) };
            let wake = claim.done(0);
            drop(state);
            wake.wake();
            return Poll::Ready(Ok(value));
        }
        if state.closed {
            return Poll::Ready(Err(RecvError));
        }
        let ready_at = state.buffer.ready_at();
        place.begin(own, ptr::null_mut());
        // SAFETY: pinned, and removed by `abandon_recv` if need be; in no list now.
        unsafe {
            match was_told {
                // It has stood in line for long enough.
                true => state.receivers.push_front(&place.node),
                false => state.receivers.push_back(&place.node),
            }
        }
        match granted {
            Some(wake) => {
                state.promised += 1;
                drop(state);
                wake.wake();
            }
            None => unlock_and_tell(state, |state| &state.room_watchers),
        }
        if let Some(ready_at) = ready_at {
            let alarm = waker.clone();
            place.alarm = Some(spawn(move || {
                sleep_until(ready_at);
                alarm.wake();
            }));
        }
        Poll::Pending
    }

    /// The future goes away.
    pub(crate) fn abandon_recv<T>(&self, place: Pin<&mut TaskPlace>)
    where
        B: Buffer<T>,
    {
        // SAFETY: it is not moved.
        let place = unsafe { place.get_unchecked_mut() };
        if let Some(alarm) = place.alarm.take()
            && cfg!(panic = "unwind")
        {
            alarm.cancel();
        }
        if !place.in_line {
            return;
        }
        let state = self.state.lock();
        // SAFETY: it is in this list, or in none.
        if !unsafe { state.receivers.remove(&place.node) } && place.node.is_claimed() {
            self.pass_on::<T>(state);
        } else if state.promised > 0 && !broken(Mutant::TaskGoesUnsettled) {
            // Those behind it need not wait for the promise to be kept.
            drop(state);
            self.settle::<T>();
        }
    }

    /// Unlocks, when somebody does not come for a value or has put one back: the next in line gets
    /// it, or is told.
    pub(super) fn pass_on<T>(&self, mut state: Guard<'_, B>)
    where
        B: Buffer<T>,
    {
        let wakes = state.pass_on::<T>();
        let is_kept_apart = state.promised > 0;
        unlock_and_tell(state, |state| &state.value_watchers);
        wakes.into_iter().flatten().for_each(Wake::wake);
        if is_kept_apart {
            self.settle::<T>();
        }
    }

    /// Sends what is in `slot`, or gets in line with it.
    ///
    /// # Safety
    ///
    /// The slot is full unless it returned `Ready` before, and lies beside the place; if it returns
    /// `Pending`, the caller does not touch the slot before `Ready` or `abandon_send`.
    pub(crate) unsafe fn poll_send<T>(
        &self,
        place: Pin<&mut TaskPlace>,
        slot: &Slot<T>,
        waker: &Waker,
    ) -> Poll<Result<(), SendError<T>>>
    where
        B: Buffer<T>,
    {
        // SAFETY: it is not moved.
        let place = unsafe { place.get_unchecked_mut() };
        let mut own = waker.clone();
        if !place.in_line {
            // SAFETY: the caller's promise.
            let (value, state) = match self.offer(unsafe { slot.take() }) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err((value, None)) => return Poll::Ready(Err(SendError(value))),
                Err((value, Some(state))) => (value, state),
            };
            slot.put(value);
            place.begin(own, slot.lend());
            // SAFETY: pinned, and removed by `abandon_send` if need be; in no list now.
            unsafe { state.senders.push_back(&place.node) };
            unlock_and_tell(state, |state| &state.value_watchers);
            return Poll::Pending;
        }
        let state = self.state.lock();
        let Some(outcome) = place.task.poll(&mut own) else { return Poll::Pending };
        drop(state);
        place.in_line = false;
        Poll::Ready(match outcome {
            Outcome::Done(_) => Ok(()),
            // SAFETY: nobody has claimed it.
            _ => Err(SendError(unsafe { slot.take() })),
        })
    }

    /// The future goes away. `true`: the value is still in the slot.
    pub(crate) fn abandon_send(&self, place: Pin<&mut TaskPlace>) -> bool {
        if !place.in_line {
            return false;
        }
        let state = self.state.lock();
        // SAFETY: it is in this list, or in none.
        unsafe { state.senders.remove(&place.node) || !place.node.is_claimed() }
    }
}
