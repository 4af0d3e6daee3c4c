//! What a channel's lock guards, and the two steps in which a value or its room goes to the first in
//! line. Whoever unlocks after such a step tells those that watch.

use sward_sched::internal::{WaitList, Wake, Wakes};
use sward_sched::primitive::{LockGuard, Mutant, broken};

use super::{Buffer, place};

/// The buffer, and who waits.
#[derive(Debug)]
#[repr(C)]
pub(super) struct State<B> {
    pub(super) buffer: B,
    pub(super) receivers: WaitList,
    pub(super) senders: WaitList,
    /// Who waits for the moment at which a send, or a receive, need not wait: `Select::ready`.
    pub(super) room_watchers: WaitList,
    pub(super) value_watchers: WaitList,
    /// Room that selected senders have, and have not used yet.
    pub(super) promised: usize,
    pub(super) closed: bool,
}

/// Whoever has locked it.
pub(super) type Guard<'a, B> = LockGuard<'a, State<B>>;

impl<B> State<B> {
    /// Hands `value` to the first in line, or puts it into the buffer for one to come for. The
    /// value comes back when there is nobody.
    #[inline]
    pub(super) fn deliver<T>(&mut self, value: T) -> Result<Wake, T>
    where
        B: Buffer<T>,
    {
        let Some((node, claim)) = self.receivers.claim_front() else { return Err(value) };
        if node.is_task() {
            self.buffer.push(value);
            return Ok(claim.done(0));
        }
        // Those that tasks were told of go first (`mod.rs`, 4).
        let value = match self.buffer.len() {
            0 => value,
            _ => {
                self.buffer.push(value);
                self.buffer.pop().expect("it is not empty")
            }
        };
        // SAFETY: receivers lend an empty slot, and we claimed it (`mod.rs`, 2).
        unsafe { node.slot().cast::<T>().write(value) };
        Ok(claim.done(0))
    }

    /// There is more room: the first sender in line gets it.
    #[inline]
    pub(super) fn refill<T>(&mut self) -> Option<Wake>
    where
        B: Buffer<T>,
    {
        let is_skipped = broken(Mutant::RefillSkipped);
        if is_skipped || self.senders.is_empty() || self.buffer.is_full(self.promised) {
            return None;
        }
        let (node, claim) = self.senders.claim_front()?;
        if node.gives_later() {
            let slot = node.slot();
            // SAFETY: it is claimed, and gives later.
            return Some(unsafe { self.promise(slot, claim) });
        }
        // SAFETY: it is claimed.
        self.buffer.push(unsafe { place::take_from(node) });
        Some(claim.done(0))
    }
}

/// Unlocks and tells those that watch, if there are any.
#[inline]
pub(super) fn unlock_and_tell<B>(state: Guard<'_, B>, watchers: impl Fn(&State<B>) -> &WaitList) {
    if watchers(&state).is_empty() || broken(Mutant::WatchersNotTold) {
        return;
    }
    tell(state, watchers);
}

#[cold]
fn tell<B>(state: Guard<'_, B>, watchers: impl Fn(&State<B>) -> &WaitList) {
    let told: Wakes = watchers(&state).close();
    drop(state);
    told.wake_all();
}
