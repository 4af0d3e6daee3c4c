//! Async tasks in line: futures that are polled, and may be dropped or forgotten at any time.
//!
//! 1. The waiter and the node of a future are touched under the channel's lock alone, by either
//!    side, while the node is in a list.
//! 2. Of the values in the buffer each was told to a task, or the line is empty: told tasks + 1 >
//!    values, while somebody waits that was not told. Whoever puts a value there tells the first in
//!    line; a future that was told and is dropped passes one on, if one is left. There may be fewer
//!    values than told tasks, because others came first: they get in line again, at the front.
//! 3. Wakers are cloned before the lock is taken, and dropped after.

use std::pin::Pin;
use std::ptr;
use std::task::{Poll, Waker};
use std::time::Instant;

use sward_sched::JoinHandle;
use sward_sched::internal::{Home, Node, Outcome, OwnWaker, TaskWaiter, Wake, wake_task};
use sward_sched::primitive::{Mutant, broken};
use sward_sched::time::sleep_until;

use super::{Buffer, Channel, Guard, Slot, State, place, unlock_and_tell};
use crate::error::{RecvError, SendError};

/// The place of a task in a line, inside of its future.
#[derive(Debug)]
pub(crate) struct TaskPlace {
    task: TaskWaiter,
    node: Node,
    /// Since it got in line nobody has looked how that ended.
    in_line: bool,
    /// Wakes it when there is a value without anybody's doing.
    alarm: Option<Alarm>,
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

    /// In line from now on, if the caller puts the node there. Returns a waker to be dropped after
    /// the lock is released.
    fn begin(&mut self, waker: OwnWaker, slot: *mut ()) -> Option<OwnWaker> {
        let last = self.task.begin(waker);
        self.node.bind(self.task.waiter(), slot);
        self.in_line = true;
        last
    }

    /// Pending, perhaps only until then.
    fn wait_until<T>(&mut self, ready_at: Option<Instant>, waker: &Waker) -> Poll<T> {
        if let Some(at) = ready_at
            && !self.alarm.as_ref().is_some_and(|alarm| alarm.is_for(at, waker))
        {
            self.alarm = Some(Alarm::new(at, waker.clone()));
        }
        Poll::Pending
    }
}

/// A green thread that wakes a task when its time has come, or when it is told to end.
#[derive(Debug)]
struct Alarm {
    at: Instant,
    waker: Waker,
    thread: JoinHandle<()>,
}

/// Wakes a task when it goes, be it because the thread never ran.
struct Rings(Option<Waker>);

impl Drop for Rings {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(wake_task);
    }
}

impl Alarm {
    fn new(at: Instant, waker: Waker) -> Self {
        let rings = Rings(Some(waker.clone()));
        let thread = Home::current().spawn(move || {
            let _rings = rings;
            sleep_until(at);
        });
        Self { at, waker, thread }
    }

    fn is_for(&self, at: Instant, waker: &Waker) -> bool {
        self.at == at && self.waker.will_wake(waker)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if cfg!(panic = "unwind") {
            self.thread.cancel();
        }
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
        let mut own = OwnWaker::of(waker);
        // To be dropped after the lock is released.
        let _last;
        let mut state = self.state.lock();
        let mut was_told = false;
        if place.in_line {
            match place.task.poll(&mut own) {
                Some(outcome) => was_told = outcome != Outcome::Closed,
                // Its time has come, or whoever was told of it has not come for it yet.
                None if state.buffer.len() > 0 => {
                    // SAFETY: it waits, in this list.
                    unsafe { state.receivers.remove(&place.node) };
                }
                None => {
                    let ready_at = state.buffer.ready_at();
                    drop(state);
                    return place.wait_until(ready_at, waker);
                }
            }
            place.in_line = false;
        }
        if let Some(value) = state.buffer.pop() {
            self.leave_room::<T>(state);
            return Poll::Ready(Ok(value));
        }
        let mut granted = None;
        if let Some((node, claim)) = state.claim_sender() {
            if !node.gives_later() {
                // SAFETY: it is claimed.
                let value = unsafe { place::take_from(node) };
                let wake = claim.done(0);
                drop(state);
                wake.wake();
                return Poll::Ready(Ok(value));
            }
            granted = Some((node.slot(), claim));
        }
        if state.closed {
            return Poll::Ready(Err(RecvError));
        }
        let ready_at = state.buffer.ready_at();
        _last = place.begin(own, ptr::null_mut());
        // SAFETY: pinned, and removed by `abandon_recv` if need be; in no list now.
        unsafe {
            match was_told {
                // It has stood in line for long enough.
                true => state.receivers.push_front(&place.node),
                false => state.receivers.push_back(&place.node),
            }
        }
        // SAFETY: it is claimed, and gives later.
        let wake = granted.map(|(slot, claim)| unsafe { state.promise(slot, claim) });
        unlock_and_tell(state, |state| &state.room_watchers);
        wake.into_iter().for_each(Wake::wake);
        place.wait_until(ready_at, waker)
    }

    /// The future goes away.
    pub(crate) fn abandon_recv<T>(&self, place: Pin<&mut TaskPlace>)
    where
        B: Buffer<T>,
    {
        // SAFETY: it is not moved.
        let place = unsafe { place.get_unchecked_mut() };
        if place.in_line {
            let state = self.state.lock();
            // SAFETY: it is in this list, or in none.
            if !unsafe { state.receivers.remove(&place.node) } && place.node.is_claimed() {
                self.pass_on::<T>(state);
            }
            place.in_line = false;
        }
        place.alarm = None;
    }

    /// Unlocks, when somebody does not come for a value or has put one back: the next in line gets
    /// it, or is told.
    pub(super) fn pass_on<T>(&self, mut state: Guard<'_, B>)
    where
        B: Buffer<T>,
    {
        let wakes = state.pass_on::<T>();
        unlock_and_tell(state, |state| &state.value_watchers);
        wakes.into_iter().flatten().for_each(Wake::wake);
    }

    /// Sends what is in `slot`, or gets in line with it.
    ///
    /// # Safety
    ///
    /// The slot lies beside the place, and `is_full` says whether it is: it is unless this has
    /// returned `Ready` before. If it returns `Pending`, the caller does not touch the slot before
    /// `Ready` or `abandon_send`.
    pub(crate) unsafe fn poll_send<T>(
        &self,
        place: Pin<&mut TaskPlace>,
        slot: &Slot<T>,
        is_full: &mut bool,
        waker: &Waker,
    ) -> Poll<Result<(), SendError<T>>>
    where
        B: Buffer<T>,
    {
        // SAFETY: it is not moved.
        let place = unsafe { place.get_unchecked_mut() };
        let mut own = OwnWaker::of(waker);
        // To be dropped after the lock is released.
        let _last;
        if !place.in_line {
            // Whatever unwinds from here on, it is not in the slot.
            *is_full = false;
            // SAFETY: the caller's promise.
            let (value, state) = match self.offer(unsafe { slot.take() }) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err((value, None)) => return Poll::Ready(Err(SendError(value))),
                Err((value, Some(state))) => (value, state),
            };
            slot.put(value);
            *is_full = true;
            _last = place.begin(own, slot.lend());
            // SAFETY: pinned, and removed by `abandon_send` if need be; in no list now.
            unsafe { state.senders.push_back(&place.node) };
            unlock_and_tell(state, |state| &state.value_watchers);
            return Poll::Pending;
        }
        let state = self.state.lock();
        let Some(outcome) = place.task.poll(&mut own) else { return Poll::Pending };
        drop(state);
        place.in_line = false;
        *is_full = false;
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
