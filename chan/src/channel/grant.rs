//! Selected senders, whose value comes later: the dynamic [`Select`](crate::Select) chooses
//! an operation, and only then is told what to send.
//!
//! 1. A grant is used once, by `send_granted`, or given back. One that is leaked keeps its room,
//!    or its partner, for ever.
//! 2. A partner is claimed, so it stands by, whatever happens to it, until the value is there; or
//!    the grant is given back: then it looks again. While there are values that tasks were told of
//!    nobody becomes a partner: a receiver in line gets the oldest, and the sender the room of that.
//! 3. A task cannot stand by. A sender that meets one in line is granted room, beyond the
//!    capacity if need be. It is the only one then: while there is such a promise, other senders
//!    find tasks that wait in a channel without room not there ([`State::keeps_tasks_waiting`]),
//!    and get in line, though there may be receivers behind the task. So when the promise has been
//!    kept or given back, and whenever there is more room or a task has gone, those that need not
//!    wait any more are paired ([`Channel::settle`]). Without a promise one of the two lines is
//!    empty.

use sward_sched::internal::{Claim, Node, Outcome, Waiter, Wake};
use sward_sched::primitive::{Mutant, broken};

use super::place::{Place, Slot};
use super::{Buffer, Channel, Guard, State, place, unlock_and_tell};
use crate::error::SendError;

/// What a selected sender may do.
#[derive(Debug)]
pub(crate) struct Grant(Kind);

#[derive(Debug)]
enum Kind {
    /// Nothing yet.
    None,
    /// Put a value into the channel.
    Room,
    /// Put a value into the slot of whoever stands by.
    Partner { slot: *mut (), claim: Claim },
}

/// What came of an attempt to reserve.
#[derive(Debug)]
pub(crate) enum Reserved {
    Granted(Grant),
    Full,
    Closed,
}

impl Grant {
    pub(crate) fn none() -> Self {
        Self(Kind::None)
    }

    pub(super) fn room() -> Self {
        Self(Kind::Room)
    }

    /// Gives it to a sender that waits.
    ///
    /// # Safety
    ///
    /// The slot is that of a sender that is claimed, not yet `done`, and gives later.
    pub(super) unsafe fn give(self, slot: *mut ()) {
        // SAFETY: the caller's promise; the slot holds a grant, `none`.
        unsafe { slot.cast::<Self>().write(self) };
    }
}

/// Receives from a sender that gives later. `None`: it has given its grant back.
///
/// # Safety
///
/// `claim` and `slot` are those of a sender of a channel of `T` that gives later.
#[cold]
pub(super) unsafe fn stand_by<T, B>(state: Guard<'_, B>, slot: *mut (), claim: Claim) -> Option<T> {
    let place = Place::new(Waiter::new(), Slot::<T>::empty());
    // SAFETY: the waiter stays here until it has been woken: it is claimed from the start.
    let own = unsafe { Waiter::claim((&place.waiter).into()) }.expect("nobody knows it yet");
    // SAFETY: the caller's promise.
    unsafe { Grant(Kind::Partner { slot: place.slot.lend(), claim: own }).give(slot) };
    let wake = claim.done(0);
    drop(state);
    wake.wake();
    match place.waiter.wait(None) {
        // SAFETY: `send_granted` has written the value.
        Outcome::Done(_) => Some(unsafe { place.slot.take() }),
        _ => None,
    }
}

impl<B> State<B> {
    /// Whether a value may go to a task that waits only when a promise has been kept (3).
    #[inline]
    pub(super) fn keeps_tasks_waiting<T>(&self) -> bool
    where
        B: Buffer<T>,
    {
        self.promised > 0
            && !broken(Mutant::PromiseToTaskIgnored)
            && self.buffer.is_full(self.promised)
            && self.receivers.first().is_some_and(Node::is_task)
    }
}

impl<B> Channel<B> {
    /// Reserves what one value needs, without waiting.
    pub(crate) fn reserve<T>(&self) -> Reserved
    where
        B: Buffer<T>,
    {
        let mut state = self.state.lock();
        if state.closed {
            return Reserved::Closed;
        }
        while let Some(first) = state.receivers.first() {
            if first.is_task() {
                if state.keeps_tasks_waiting::<T>() {
                    return Reserved::Full;
                }
                state.promised += 1;
                return Reserved::Granted(Grant::room());
            }
            let State { receivers, buffer, promised, .. } = &mut *state;
            // Those before it have ended their wait otherwise.
            let Some((node, claim)) = receivers.claim_first() else { continue };
            let Some(oldest) = buffer.pop() else {
                return Reserved::Granted(Grant(Kind::Partner { slot: node.slot(), claim }));
            };
            // What a task was told of goes first (`mod.rs`, 4), and its room to this sender.
            // SAFETY: receivers lend an empty slot, and we claimed it (`mod.rs`, 2).
            unsafe { node.slot().cast::<T>().write(oldest) };
            *promised += 1;
            let wake = claim.done(0);
            drop(state);
            wake.wake();
            return Reserved::Granted(Grant::room());
        }
        if state.buffer.is_full(state.promised) {
            return Reserved::Full;
        }
        state.promised += 1;
        Reserved::Granted(Grant::room())
    }

    /// Sends what was granted. The value comes back when the channel has been closed meanwhile.
    pub(crate) fn send_granted<T>(&self, grant: Grant, value: T) -> Result<(), SendError<T>>
    where
        B: Buffer<T>,
    {
        match grant.0 {
            Kind::None => unreachable!("a selected sender is granted something"),
            Kind::Partner { slot, claim } => {
                // SAFETY: the claimed partner's slot, of a channel of `T` (2).
                unsafe { slot.cast::<T>().write(value) };
                claim.done(0).wake();
            }
            Kind::Room => {
                let mut state = self.state.lock();
                state.promised -= 1;
                if state.closed {
                    return Err(SendError(value));
                }
                match state.deliver(value) {
                    Ok(wake) => {
                        drop(state);
                        wake.wake();
                    }
                    Err(value) => {
                        state.buffer.push(value);
                        unlock_and_tell(state, |state| &state.value_watchers);
                    }
                }
                self.settle::<T>();
            }
        }
        Ok(())
    }

    /// Gives a grant back.
    pub(crate) fn give_back<T>(&self, grant: Grant)
    where
        B: Buffer<T>,
    {
        match grant.0 {
            Kind::None => {}
            Kind::Partner { claim, .. } => {
                let wake = claim.release();
                if !broken(Mutant::PartnerNotReleased) {
                    wake.wake();
                }
            }
            Kind::Room => {
                self.state.lock().promised -= 1;
                self.settle::<T>();
            }
        }
    }

    /// A promise less; or, while there is one, more room or a task less: pairs those in line that
    /// it no longer keeps apart, and fills room.
    #[cold]
    pub(super) fn settle<T>(&self)
    where
        B: Buffer<T>,
    {
        while !broken(Mutant::GrantNotSettled) {
            let mut state = self.state.lock();
            let wakes = match state.receivers.first() {
                None => (state.refill::<T>(), None),
                Some(_) if state.senders.is_empty() || state.keeps_tasks_waiting::<T>() => {
                    (None, None)
                }
                Some(first) if first.is_task() => state.pair::<T>(),
                Some(_) if broken(Mutant::SettleOverlooksThreads) => (None, None),
                Some(_) => match state.receivers.claim_first() {
                    // It looks again, and finds the sender.
                    Some((_, claim)) => (Some(claim.release()), None),
                    None => continue,
                },
            };
            match wakes {
                (None, None) => {
                    return unlock_and_tell(state, |state| &state.room_watchers);
                }
                (one, other) => {
                    drop(state);
                    one.into_iter().chain(other).for_each(Wake::wake);
                }
            }
        }
    }
}

impl<B> State<B> {
    /// The first sender in line, and the first receiver, a task.
    fn pair<T>(&mut self) -> (Option<Wake>, Option<Wake>)
    where
        B: Buffer<T>,
    {
        let Some((node, claim)) = self.senders.claim_front() else { return (None, None) };
        if node.gives_later() {
            self.promised += 1;
            // SAFETY: it is claimed, and gives later.
            unsafe { Grant::room().give(node.slot()) };
            return (Some(claim.done(0)), None);
        }
        // SAFETY: it is claimed.
        let value = unsafe { place::take_from(node) };
        let sent = claim.done(0);
        match self.deliver(value) {
            Ok(received) => (Some(sent), Some(received)),
            Err(value) => {
                self.buffer.push(value);
                (Some(sent), None)
            }
        }
    }
}
