//! The algorithm of all flavours, after Go's `hchan`: a lock, a buffer, and two FIFO
//! lists of those that wait. What differs between flavours is the buffer.
//!
//! 1. While a value is in the buffer no receiver waits; while there is room no sender
//!    does. (Those whose wait has just ended otherwise may still stand in a list; to
//!    claim them fails, and they leave by themselves.)
//! 2. A waiting side lends a slot on its stack. Whoever claims it moves the value out
//!    of, or into, the slot before `done`: a value is always in exactly one place.
//! 3. Users' code (`Drop`) never runs under the lock.

use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use sward_sched::checkpoint;
use sward_sched::internal::{Node, Outcome, WaitList, Waiter, charge, raise_cancel};
use sward_sched::primitive::{Mutex, MutexGuard, UnsafeCell};

use crate::error::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

/// Where a flavour keeps the values that nobody waits for yet.
pub(crate) trait Buffer<T> {
    /// Whether a sender may ever have to wait.
    const CAN_BE_FULL: bool;
    /// Whether `push` must wait.
    fn is_full(&self) -> bool;
    /// Adds a value; there is room.
    fn push(&mut self, value: T);
    /// The oldest.
    fn pop(&mut self) -> Option<T>;
    /// How many there are.
    fn len(&self) -> usize;
    /// How many there can be.
    fn capacity(&self) -> Option<usize>;
    /// All of them; leaves it empty.
    fn take(&mut self) -> Self;
}

/// How long to wait, if need be.
#[derive(Clone, Copy)]
pub(crate) enum Deadline {
    Never,
    At(Instant),
    /// From the moment at which there is nothing for it but to wait: what is there already is
    /// had without a look at the clock.
    In(Duration),
}

impl Deadline {
    fn wait(self, waiter: &Waiter) -> Outcome {
        match self {
            Self::Never => waiter.wait(None),
            Self::At(deadline) => waiter.wait(Some(deadline)),
            Self::In(timeout) => waiter.wait_for(timeout),
        }
    }
}

/// One channel.
#[derive(Debug)]
pub(crate) struct Channel<B> {
    state: Mutex<State<B>>,
}

#[derive(Debug)]
struct State<B> {
    buffer: B,
    senders: WaitList,
    receivers: WaitList,
    closed: bool,
}

/// Room for one value on the stack of whoever waits, lent to the other side.
struct Slot<T>(UnsafeCell<MaybeUninit<T>>);

/// All that a waiting side leaves on its stack for the other, and as little beside it as can
/// be: what the other side touches to hand a small value over to another core is one cache
/// line, or two.
#[repr(C, align(64))]
struct Place<T> {
    waiter: Waiter,
    node: Node,
    slot: Slot<T>,
}

impl<T> Place<T> {
    #[inline]
    fn new(waiter: Waiter, slot: Slot<T>) -> Self {
        Self { waiter, node: Node::unbound(), slot }
    }

    /// Gets in line.
    ///
    /// # Safety
    ///
    /// As for [`WaitList::push_back`]; the place does not move from here on.
    #[inline]
    unsafe fn get_in_line(&self, line: &WaitList) {
        self.node.bind(&self.waiter, self.slot.lend());
        // SAFETY: the caller's promise.
        unsafe { line.push_back(&self.node) };
    }
}

impl<T> Slot<T> {
    fn empty() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    fn full(value: T) -> Self {
        Self(UnsafeCell::new(MaybeUninit::new(value)))
    }

    fn lend(&self) -> *mut () {
        self.0.with_mut(|slot| slot.cast())
    }

    /// # Safety
    ///
    /// There is a value in it, and the slot is the caller's (2).
    unsafe fn take(&self) -> T {
        // SAFETY: the caller's promise.
        unsafe { self.0.with(|slot| (*slot).assume_init_read()) }
    }
}

/// Takes the value out of the slot of a claimed sender.
///
/// # Safety
///
/// `node` stood in the list of senders of a channel of `T`, and is claimed.
unsafe fn take_from<T>(node: &Node) -> T {
    // SAFETY: the caller's promise; senders lend a full slot (2).
    unsafe { node.slot().cast::<T>().read() }
}

/// A value that was not accepted, and why: the channel is full (and still locked, so
/// that the sender can get in line), or closed.
type Refused<'a, T, B> = (T, Option<MutexGuard<'a, State<B>>>);

impl<B> Channel<B> {
    pub(crate) fn new(buffer: B) -> Self {
        Self {
            state: Mutex::new(State {
                buffer,
                senders: WaitList::new(),
                receivers: WaitList::new(),
                closed: false,
            }),
        }
    }

    /// Sends without waiting.
    #[inline]
    fn offer<T>(&self, value: T) -> Result<(), Refused<'_, T, B>>
    where
        B: Buffer<T>,
    {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.closed {
            return Err((value, None));
        }
        if let Some((node, claim)) = state.receivers.claim_front() {
            // SAFETY: receivers lend an empty slot, and we claimed it (2).
            unsafe { node.slot().cast::<T>().write(value) };
            let wake = claim.done(0);
            drop(guard);
            wake.wake();
            return Ok(());
        }
        if state.buffer.is_full() {
            return Err((value, Some(guard)));
        }
        state.buffer.push(value);
        Ok(())
    }

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
    pub(crate) fn send<T>(&self, value: T, deadline: Deadline) -> Result<(), SendTimeoutError<T>>
    where
        B: Buffer<T>,
    {
        if B::CAN_BE_FULL {
            checkpoint();
        } else {
            // What never waits never switches: its callers hold whatever locks they like.
            charge();
        }
        match self.offer(value) {
            Ok(()) => Ok(()),
            Err((value, None)) => Err(SendTimeoutError::Disconnected(value)),
            Err((value, Some(state))) => self.wait_to_send(state, value, deadline),
        }
    }

    fn wait_to_send<T>(
        &self,
        state: MutexGuard<'_, State<B>>,
        value: T,
        deadline: Deadline,
    ) -> Result<(), SendTimeoutError<T>> {
        let place = Place::new(Waiter::sending(), Slot::full(value));
        // SAFETY: it stays here, and is removed below unless it was claimed or closed.
        unsafe { place.get_in_line(&state.senders) };
        drop(state);
        let outcome = deadline.wait(&place.waiter);
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

    /// Receives without waiting. The error is the lock when the channel is empty, and
    /// nothing when it is closed as well.
    #[inline]
    fn take<T>(&self) -> Result<T, Option<MutexGuard<'_, State<B>>>>
    where
        B: Buffer<T>,
    {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let (value, claim) = match state.buffer.pop() {
            Some(value) => match state.senders.claim_front() {
                Some((node, claim)) => {
                    // The first in line gets the room.
                    // SAFETY: it is claimed.
                    state.buffer.push(unsafe { take_from(node) });
                    (value, claim)
                }
                None => return Ok(value),
            },
            None => match state.senders.claim_front() {
                // SAFETY: it is claimed.
                Some((node, claim)) => (unsafe { take_from(node) }, claim),
                None if state.closed => return Err(None),
                None => return Err(Some(guard)),
            },
        };
        let wake = claim.done(0);
        drop(guard);
        wake.wake();
        Ok(value)
    }

    pub(crate) fn try_recv<T>(&self) -> Result<T, TryRecvError>
    where
        B: Buffer<T>,
    {
        self.take().map_err(|empty| match empty {
            Some(_) => TryRecvError::Empty,
            None => TryRecvError::Disconnected,
        })
    }

    /// Receives, waiting for a value until the deadline.
    #[inline]
    pub(crate) fn recv<T>(&self, deadline: Deadline) -> Result<T, RecvTimeoutError>
    where
        B: Buffer<T>,
    {
        checkpoint();
        match self.take() {
            Ok(value) => Ok(value),
            Err(None) => Err(RecvTimeoutError::Disconnected),
            Err(Some(state)) => self.wait_to_recv(state, deadline),
        }
    }

    fn wait_to_recv<T>(
        &self,
        state: MutexGuard<'_, State<B>>,
        deadline: Deadline,
    ) -> Result<T, RecvTimeoutError> {
        let place = Place::new(Waiter::new(), Slot::<T>::empty());
        // SAFETY: it stays here, and is removed below unless it was claimed or closed.
        unsafe { place.get_in_line(&state.receivers) };
        drop(state);
        let outcome = deadline.wait(&place.waiter);
        if let Outcome::Done(_) = outcome {
            // SAFETY: whoever claimed it has written the value (2).
            return Ok(unsafe { place.slot.take() });
        }
        // SAFETY: it is in this list, or in none.
        unsafe { self.state.lock().receivers.remove(&place.node) };
        match outcome {
            Outcome::TimedOut => Err(RecvTimeoutError::Timeout),
            Outcome::Cancelled => raise_cancel(),
            _ => Err(RecvTimeoutError::Disconnected),
        }
    }

    /// Refuses further values and sends away all that wait. `false`: that has been done
    /// already.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.state.lock();
        let first = !std::mem::replace(&mut state.closed, true);
        let (senders, receivers) = (state.senders.close(), state.receivers.close());
        drop(state);
        senders.wake_all();
        receivers.wake_all();
        first
    }

    /// Closes a channel that nobody can receive from any more, and drops what is in it.
    pub(crate) fn discard<T>(&self)
    where
        B: Buffer<T>,
    {
        self.close();
        let left = self.state.lock().buffer.take();
        drop(left);
    }

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
        self.state.lock().buffer.is_full()
    }

    pub(crate) fn capacity<T>(&self) -> Option<usize>
    where
        B: Buffer<T>,
    {
        self.state.lock().buffer.capacity()
    }
}
