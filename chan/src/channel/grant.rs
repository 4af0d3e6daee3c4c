//! Selected senders, whose value comes later: the dynamic [`Select`](crate::Select) chooses
//! an operation, and only then is told what to send.
//!
//! 1. A grant is used once, by `send_granted`, or given back. One that is leaked keeps its room,
//!    or its partner, for ever.
//! 2. Where there is room it is granted: `promised` counts it, and others find that much less.
//! 3. Where there is none, a thread that receives becomes the partner. It is claimed, so it stands
//!    by, whatever happens to it, until the value is there; or the grant is given back: then it looks
//!    again. Nobody becomes a partner while there are values that tasks were told of: a receiver in
//!    line gets the oldest, and the sender the room of that.
//! 4. A task cannot stand by: its future may vanish. A sender that meets one is granted room beyond
//!    the capacity, and what it sends is for whoever comes first. So on a channel without room a
//!    value may wait for a receiver then: if the task goes, or others serve it.
//! 5. A selected sender in line stands in nobody's way: those behind it that have a value go first.
//!
//! Rejected: promises that keep a task for the sender that met it. Other senders would have to wait
//! beside a task that waits, and each of six events would have to look whom it keeps apart.

use sward_sched::internal::{Claim, Node, Outcome, Reason, WaitList, Waiter, Wake, Wakes};
use sward_sched::primitive::{Mutant, broken};

use super::place::{Place, Slot};
use super::{Buffer, Channel, Guard, State};
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

    /// Gives it to a sender that waits.
    ///
    /// # Safety
    ///
    /// The slot is that of a sender that is claimed, not yet `done`, and gives later.
    unsafe fn give(self, slot: *mut ()) {
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
    static STANDS_BY: Reason = Reason::new("receive");
    let waiter = Waiter::new().because(&STANDS_BY);
    let place = Place::new(waiter, Slot::<T>::empty());
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
    /// The first sender in line that has a value; if there is none, the first that gives later.
    #[inline]
    pub(super) fn claim_sender(&self) -> Option<(&Node, Claim)> {
        while let Some(first) = self.senders.first() {
            if first.gives_later() && !broken(Mutant::SelectedSenderFirst) {
                return self.claim_past_later();
            }
            if let Some(claimed) = self.senders.claim_first() {
                return Some(claimed);
            }
        }
        None
    }

    #[cold]
    fn claim_past_later(&self) -> Option<(&Node, Claim)> {
        let with_value = self.senders.claim_first_that(|node| !node.gives_later());
        with_value.or_else(|| self.senders.claim_front())
    }

    /// Where a task waits, the first selected sender in line gets room, if there is none.
    fn refill_beside_task(&mut self) -> Option<Wake> {
        // Threads may still stand in line whose wait has ended: what is sent is not for them.
        if self.senders.is_empty() || !self.receivers.has_task() || broken(Mutant::SecondNotGranted)
        {
            return None;
        }
        let (node, claim) = self.senders.claim_first_that(Node::gives_later)?;
        let slot = node.slot();
        // SAFETY: it is claimed, and gives later.
        Some(unsafe { self.promise(slot, claim) })
    }

    /// Grants a claimed sender, which gives later, room.
    ///
    /// # Safety
    ///
    /// `slot` and `claim` are its own.
    pub(super) unsafe fn promise(&mut self, slot: *mut (), claim: Claim) -> Wake {
        self.promised += 1;
        // SAFETY: the caller's promise.
        unsafe { Grant(Kind::Room).give(slot) };
        claim.done(0)
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
        if !state.buffer.is_full(state.promised) {
            state.promised += 1;
            return Reserved::Granted(Grant(Kind::Room));
        }
        while let Some(first) = state.receivers.first() {
            if first.is_task() {
                state.promised += 1;
                return Reserved::Granted(Grant(Kind::Room));
            }
            let State { receivers, buffer, promised, .. } = &mut *state;
            // Those before it have ended their wait otherwise.
            let Some((node, claim)) = receivers.claim_first() else { continue };
            let oldest = if broken(Mutant::PartnerPassesValues) { None } else { buffer.pop() };
            let Some(oldest) = oldest else {
                return Reserved::Granted(Grant(Kind::Partner { slot: node.slot(), claim }));
            };
            // SAFETY: receivers lend an empty slot, and we claimed it (`mod.rs`, 2).
            unsafe { node.slot().cast::<T>().write(oldest) };
            *promised += 1;
            let wake = claim.done(0);
            drop(state);
            wake.wake();
            return Reserved::Granted(Grant(Kind::Room));
        }
        Reserved::Full
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
                let delivered = match broken(Mutant::GrantedUndelivered) {
                    true => Err(value),
                    false => state.deliver(value),
                };
                let received = delivered.map_or_else(
                    |value| {
                        state.buffer.push(value);
                        None
                    },
                    Some,
                );
                self.leave_promise::<T>(state, received);
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
                let mut state = self.state.lock();
                state.promised -= 1;
                self.leave_promise::<T>(state, None);
            }
        }
    }

    /// Unlocks when there is a promise less: what room there is now is the first sender's in line;
    /// and another selected sender may stand there beside a task, which waits for the promise (4).
    fn leave_promise<T>(&self, mut state: Guard<'_, B>, received: Option<Wake>)
    where
        B: Buffer<T>,
    {
        let sent = if broken(Mutant::GrantNotSettled) {
            None
        } else {
            state.refill::<T>().or_else(|| state.refill_beside_task())
        };
        let watchers = [&state.room_watchers, &state.value_watchers].map(WaitList::close);
        drop(state);
        received.into_iter().chain(sent).for_each(Wake::wake);
        watchers.into_iter().for_each(Wakes::wake_all);
    }
}
