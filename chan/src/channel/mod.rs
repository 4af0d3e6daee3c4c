//! The algorithm of all flavours, after Go's `hchan`: a lock, a buffer, and two FIFO
//! lists of those that wait. What differs between flavours is the buffer.
//!
//! 1. While a value is in the buffer no receiver waits that has not been told of one, and while there
//!    is room no sender does. Nor do a receiver and a sender that has its value wait at the same
//!    time. (Those whose wait has just ended otherwise may still stand in a list; to claim them
//!    fails, and they leave by themselves.)
//! 2. A waiting side lends a slot ([`Place`]). Whoever claims it moves the value out of, or into,
//!    the slot before `done`: a value is always in exactly one place.
//! 3. Users' code (`Drop`, `Waker`) never runs under the lock.
//! 4. Values leave in the order in which they came: whoever is handed one is handed the oldest.
//!
//! Two kinds of waiting side cannot lend a slot, and bend (1):
//!
//! - *Tasks* that receive. Their future may be dropped or forgotten at any time, and a value in it
//!   would be lost. So they are told that there is one, and it stays in the buffer, beyond its
//!   capacity if need be, until the task comes for it. Whoever comes first may have it: then the
//!   task gets in line again, at the front. A future that is dropped after it was told passes it on
//!   (`task.rs`).
//! - *Selected senders*, of the dynamic [`Select`](crate::Select), whose value comes only after
//!   they have been chosen. They are granted room, or a partner who stands by (`grant.rs`).
//!
//! Rejected: values handed to a task's future and returned when it is dropped (Go has no futures;
//! a forgotten one would keep its value for ever), and telling all tasks of each value.

mod buffer;
mod grant;
mod line;
#[cfg(sward_loom)]
mod model;
mod place;
mod state;
mod task;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::panicking;

use sward_sched::checkpoint;
use sward_sched::internal::{
    Outcome, WaitList, Waiter, Wakes, charge, hesitate, may_hesitate, raise_cancel,
};
use sward_sched::primitive::{Lock, Mutant, broken};

pub(crate) use self::buffer::Buffer;
pub(crate) use self::grant::{Grant, Reserved};
pub(crate) use self::line::Enlisted;
#[cfg(sward_loom)]
pub(crate) use self::model::Left;
use self::place::Place;
pub(crate) use self::place::Slot;
use self::state::{Guard, State, unlock_and_tell};
pub(crate) use self::task::TaskPlace;
use crate::deadline::Deadline;
use crate::ends::About;
use crate::error::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

/// One channel.
#[derive(Debug)]
pub(crate) struct Channel<B> {
    state: Lock<State<B>>,
}

/// A value that was not accepted, and why: the channel is full (and still locked, so
/// that the sender can get in line), or closed.
type Refused<'a, T, B> = (T, Option<Guard<'a, B>>);

/// Why there is no value: none yet (and the channel still locked), or none any more.
enum Empty<'a, B> {
    Open(Guard<'a, B>),
    Closed,
}

impl<B> Channel<B> {
    pub(crate) fn new(buffer: B) -> Self {
        Self {
            state: Lock::new(State {
                buffer,
                senders: WaitList::new(),
                receivers: WaitList::new(),
                room_watchers: WaitList::new(),
                value_watchers: WaitList::new(),
                promised: 0,
                closed: false,
            }),
        }
    }

    /// Sends without waiting.
    #[inline(always)]
    fn offer<T>(&self, value: T) -> Result<(), Refused<'_, T, B>>
    where
        B: Buffer<T>,
    {
        let mut state = self.state.lock();
        if state.closed {
            return Err((value, None));
        }
        let value = if state.receivers.is_empty() {
            value
        } else {
            match state.deliver(value) {
                Ok(wake) => {
                    // A task leaves the value there for a while.
                    match broken(Mutant::TaskToldAlone) {
                        true => drop(state),
                        false => unlock_and_tell(state, |state| &state.value_watchers),
                    }
                    wake.wake();
                    return Ok(());
                }
                Err(value) => value,
            }
        };
        if state.buffer.is_full(state.promised) {
            return Err((value, Some(state)));
        }
        state.buffer.push(value);
        unlock_and_tell(state, |state| &state.value_watchers);
        Ok(())
    }

    #[inline(never)]
    pub(crate) fn try_send<T>(&self, value: T) -> Result<(), TrySendError<T>>
    where
        B: Buffer<T>,
    {
        self.offer(value).map_err(|(value, full)| match full {
            Some(_) => TrySendError::Full(value),
            None => TrySendError::Disconnected(value),
        })
    }

    /// Sends, waiting for room until the deadline.
    #[inline]
    pub(crate) fn send<T>(
        &self,
        value: T,
        deadline: Deadline,
        about: About,
    ) -> Result<(), SendTimeoutError<T>>
    where
        B: Buffer<T>,
    {
        if B::CAN_BE_FULL {
            checkpoint();
        } else {
            // What never waits never switches: its callers hold whatever locks they like.
            charge();
        }
        let (value, state) = match self.offer(value) {
            Ok(()) => return Ok(()),
            Err((value, None)) => return Err(SendTimeoutError::Disconnected(value)),
            Err((value, Some(state))) => (value, state),
        };
        if Self::hesitates(deadline) {
            return self.hesitate_to_send(state, value, about);
        }
        self.wait_to_send(state, value, deadline, about)
    }

    #[cold]
    fn hesitate_to_send<T>(
        &self,
        state: Guard<'_, B>,
        value: T,
        about: About,
    ) -> Result<(), SendTimeoutError<T>>
    where
        B: Buffer<T>,
    {
        let mut left = Some(value);
        self.hesitate(state, || {
            // Empty only when there is nothing left to do.
            match self.try_send(left.take()?) {
                Ok(()) => Some(()),
                Err(error) => {
                    let is_over = error.is_disconnected();
                    left = Some(error.into_inner());
                    is_over.then_some(())
                }
            }
        });
        let Some(value) = left else { return Ok(()) };
        match self.offer(value) {
            Ok(()) => Ok(()),
            Err((value, None)) => Err(SendTimeoutError::Disconnected(value)),
            Err((value, Some(state))) => self.wait_to_send(state, value, Deadline::Never, about),
        }
    }

    /// An OS thread that gets in line is woken for each value. So where there is room for values it
    /// lets others work for a moment first, if it has time: where there is room for one, those are
    /// about to come; where there is room for many, they had better come in numbers.
    fn hesitates<T>(deadline: Deadline) -> bool
    where
        B: Buffer<T>,
    {
        B::HAS_ROOM && matches!(deadline, Deadline::Never) && may_hesitate()
    }

    fn hesitate<T, R>(&self, state: Guard<'_, B>, look: impl FnMut() -> Option<R>) -> Option<R>
    where
        B: Buffer<T>,
    {
        let spins = if state.buffer.capacity() == Some(1) { 64 } else { 0 };
        drop(state);
        hesitate(spins, || self.state.version(), look)
    }

    #[inline(never)]
    fn wait_to_send<T>(
        &self,
        state: Guard<'_, B>,
        value: T,
        mut deadline: Deadline,
        about: About,
    ) -> Result<(), SendTimeoutError<T>> {
        let place = Place::new(about.of(Waiter::sending()), Slot::full(value));
        // SAFETY: it stays here, and is removed below unless it was claimed or closed.
        unsafe { place.get_in_line(&state.senders) };
        unlock_and_tell(state, |state| &state.value_watchers);
        let outcome = deadline.wait(&place.waiter, None);
        if let Outcome::Done(_) = outcome {
            return Ok(());
        }
        // SAFETY: it is in this list, or in none.
        unsafe { self.state.lock().senders.remove(&place.node) };
        // SAFETY: nobody claimed it, so the value is still there (2).
        let value = unsafe { place.slot.take() };
        match outcome {
            Outcome::TimedOut => Err(SendTimeoutError::Timeout(value)),
            Outcome::Cancelled => {
                drop(value);
                raise_cancel()
            }
            _ => Err(SendTimeoutError::Disconnected(value)),
        }
    }

    /// Receives without waiting; at most for a selected sender to send.
    #[inline(always)]
    fn take<T>(&self) -> Result<T, Empty<'_, B>>
    where
        B: Buffer<T>,
    {
        loop {
            let mut state = self.state.lock();
            if let Some(value) = state.buffer.pop() {
                self.leave_room::<T>(state);
                return Ok(value);
            }
            let Some((node, claim)) = state.claim_sender() else {
                return Err(if state.closed { Empty::Closed } else { Empty::Open(state) });
            };
            if !node.gives_later() {
                // SAFETY: it is claimed.
                let value = unsafe { place::take_from(node) };
                let wake = claim.done(0);
                drop(state);
                wake.wake();
                return Ok(value);
            }
            let slot = node.slot();
            // SAFETY: it is claimed, and gives later.
            if let Some(value) = unsafe { grant::stand_by(state, slot, claim) } {
                return Ok(value);
            }
        }
    }

    /// Unlocks after a value was taken, and leaves its room to the next.
    #[inline]
    fn leave_room<T>(&self, mut state: Guard<'_, B>)
    where
        B: Buffer<T>,
    {
        if state.senders.is_empty() {
            return unlock_and_tell(state, |state| &state.room_watchers);
        }
        match state.refill::<T>() {
            Some(wake) => {
                drop(state);
                wake.wake();
            }
            None => unlock_and_tell(state, |state| &state.room_watchers),
        }
    }

    #[inline(never)]
    pub(crate) fn try_recv<T>(&self) -> Result<T, TryRecvError>
    where
        B: Buffer<T>,
    {
        self.take().map_err(|empty| match empty {
            Empty::Open(_) => TryRecvError::Empty,
            Empty::Closed => TryRecvError::Disconnected,
        })
    }

    /// Receives, waiting for a value until the deadline.
    #[inline]
    pub(crate) fn recv<T>(&self, deadline: Deadline, about: About) -> Result<T, RecvTimeoutError>
    where
        B: Buffer<T>,
    {
        checkpoint();
        match self.take() {
            Ok(value) => Ok(value),
            Err(empty) => self.recv_from(empty, deadline, about),
        }
    }

    /// The rest of it, when there is no value yet.
    #[inline(never)]
    fn recv_from<'a, T>(
        &'a self,
        mut empty: Empty<'a, B>,
        mut deadline: Deadline,
        about: About,
    ) -> Result<T, RecvTimeoutError>
    where
        B: Buffer<T>,
    {
        let mut hesitates = Self::hesitates(deadline);
        loop {
            let Empty::Open(state) = empty else { return Err(RecvTimeoutError::Disconnected) };
            if hesitates {
                hesitates = false;
                if let Some(value) = self.hesitate(state, || self.try_recv().ok()) {
                    return Ok(value);
                }
            } else if let Some(result) = self.wait_to_recv(state, &mut deadline, about) {
                return result;
            }
            empty = match self.take() {
                Ok(value) => return Ok(value),
                Err(empty) => empty,
            };
        }
    }

    /// `None`: it is to look again.
    #[inline(never)]
    fn wait_to_recv<T>(
        &self,
        state: Guard<'_, B>,
        deadline: &mut Deadline,
        about: About,
    ) -> Option<Result<T, RecvTimeoutError>>
    where
        B: Buffer<T>,
    {
        let place = Place::new(about.of(Waiter::new()), Slot::<T>::empty());
        let ready_at = state.buffer.ready_at();
        // SAFETY: it stays here, and is removed below unless it was claimed or closed.
        unsafe { place.get_in_line(&state.receivers) };
        unlock_and_tell(state, |state| &state.room_watchers);
        let outcome = deadline.wait(&place.waiter, ready_at);
        if let Outcome::Done(_) = outcome {
            // SAFETY: whoever claimed it has written the value (2).
            return Some(Ok(unsafe { place.slot.take() }));
        }
        // SAFETY: it is in this list, or in none.
        unsafe { self.state.lock().receivers.remove(&place.node) };
        match outcome {
            Outcome::TimedOut if ready_at.is_some() && !deadline.has_passed() => None,
            Outcome::TimedOut => Some(Err(RecvTimeoutError::Timeout)),
            Outcome::Cancelled => raise_cancel(),
            _ => None,
        }
    }

    /// Refuses further values and sends away all that wait. `false`: that has been done
    /// already.
    pub(crate) fn close<T>(&self) -> bool
    where
        B: Buffer<T>,
    {
        let mut state = self.state.lock();
        let first = !std::mem::replace(&mut state.closed, true);
        state.buffer.close();
        let empty = WaitList::new();
        let told = [
            (&state.senders, Mutant::CloseSkipsSenders),
            (&state.receivers, Mutant::CloseSkipsReceivers),
            (&state.room_watchers, Mutant::CloseSkipsWatchers),
            (&state.value_watchers, Mutant::CloseSkipsWatchers),
        ]
        .map(|(list, skipped)| if broken(skipped) { &empty } else { list }.close());
        drop(state);
        told.into_iter().for_each(Wakes::wake_all);
        first
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// A value that was received goes back to the head.
    pub(crate) fn put_back<T>(&self, value: T)
    where
        B: Buffer<T>,
    {
        let mut state = self.state.lock();
        state.buffer.put_back(value);
        self.pass_on::<T>(state);
    }

    /// Closes a channel that nobody can receive from any more, and drops what is in it.
    pub(crate) fn discard<T>(&self)
    where
        B: Buffer<T>,
    {
        self.close::<T>();
        let mut left = self.state.lock().buffer.take();
        let mut first_panic = None;
        while let Some(value) = left.pop() {
            // One whose destructor panics keeps none of the others from being dropped.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
                first_panic.get_or_insert(panic);
            }
        }
        if let Some(panic) = first_panic
            && !panicking()
        {
            resume_unwind(panic);
        }
    }

    /// How many values are queued. More than fit only if they were meant for tasks.
    pub(crate) fn len<T>(&self) -> usize
    where
        B: Buffer<T>,
    {
        self.state.lock().buffer.len()
    }

    pub(crate) fn is_full<T>(&self) -> bool
    where
        B: Buffer<T>,
    {
        let state = self.state.lock();
        state.buffer.is_full(state.promised)
    }

    pub(crate) fn capacity<T>(&self) -> Option<usize>
    where
        B: Buffer<T>,
    {
        self.state.lock().buffer.capacity()
    }
}
