//! How many senders and receivers a channel has left.

use std::fmt;

use sward_sched::dump::Wait;
use sward_sched::internal::{Reason, Waiter};
use sward_sched::primitive::atomic::{AtomicUsize, Ordering};
use sward_sched::primitive::{Mutant, broken};

use crate::flavor::Flavor;

/// A channel and the counts of its two ends: two cache lines, of which the first has what every
/// send and receive touch.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Ends<T> {
    pub(crate) channel: Flavor<T>,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

/// What a wait for a channel is for, as a dump shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    reason: &'static Reason,
    ends: *const (),
}

impl About {
    /// That of `waiter`.
    #[inline]
    pub(crate) fn of(self, waiter: Waiter) -> Waiter {
        waiter.about(self.reason, self.ends)
    }
}

impl<T> Ends<T> {
    /// What a wait to send is for.
    #[inline]
    pub(crate) fn sending(&self) -> About {
        // SAFETY: a thread that waits has an end of the channel.
        let reason = const { &unsafe { Reason::with("send", Self::look) } };
        About { reason, ends: std::ptr::from_ref(self).cast() }
    }

    /// What a wait to receive is for.
    #[inline]
    pub(crate) fn receiving(&self) -> About {
        // SAFETY: as above.
        let reason = const { &unsafe { Reason::with("receive", Self::look) } };
        About { reason, ends: std::ptr::from_ref(self).cast() }
    }

    /// # Safety
    ///
    /// `ends` are a channel's, and stay.
    unsafe fn look(ends: *const (), wait: &mut Wait) {
        // SAFETY: the caller's promise.
        unsafe { &*ends.cast::<Self>() }.tell(wait);
    }

    /// What a select's arm tells of it.
    pub(crate) fn seen(&self, kind: &'static str) -> Wait {
        let mut wait = Wait::new(kind, std::ptr::null());
        self.tell(&mut wait);
        wait
    }

    /// Tells a dump of this channel. Locks it for a moment.
    fn tell(&self, wait: &mut Wait) {
        wait.object = std::ptr::from_ref(self).addr();
        wait.len = Some(self.channel.len());
        wait.capacity = self.channel.capacity();
        wait.senders = Some(self.senders());
        wait.receivers = Some(self.receivers());
    }

    /// With one of each.
    pub(crate) fn new(channel: Flavor<T>) -> Self {
        Self { channel, senders: AtomicUsize::new(1), receivers: AtomicUsize::new(1) }
    }

    /// How many senders there are; by the time it is read there may be others.
    pub(crate) fn senders(&self) -> usize {
        // Relaxed: nothing goes by it.
        self.senders.load(Ordering::Relaxed)
    }

    /// How many receivers there are, likewise.
    pub(crate) fn receivers(&self) -> usize {
        // Relaxed: as above.
        self.receivers.load(Ordering::Relaxed)
    }

    /// What an end shows of itself.
    pub(crate) fn fmt_as(&self, end: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(end)
            .field("len", &self.channel.len())
            .field("capacity", &self.channel.capacity())
            .field("senders", &self.senders())
            .field("receivers", &self.receivers())
            .field("is_closed", &self.channel.is_closed())
            .finish()
    }

    pub(crate) fn add_sender(&self) {
        // Relaxed: a new one is made from one that exists.
        self.senders.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_receiver(&self) {
        // Relaxed: as above.
        self.receivers.fetch_add(1, Ordering::Relaxed);
    }

    /// `true`: that was the last.
    pub(crate) fn remove_sender(&self) -> bool {
        // Relaxed: what they sent is ordered by the channel's lock, which the last one
        // takes after this to close it. That last one is really last: nobody can make
        // another from none.
        count_down(&self.senders)
    }

    /// `true`: that was the last.
    pub(crate) fn remove_receiver(&self) -> bool {
        // Relaxed: as above.
        count_down(&self.receivers)
    }
}

/// `true`: to nothing.
fn count_down(ends: &AtomicUsize) -> bool {
    if broken(Mutant::LastEndUnnoticed) {
        let before = ends.load(Ordering::Relaxed);
        ends.store(before - 1, Ordering::Relaxed);
        return before == 1;
    }
    ends.fetch_sub(1, Ordering::Relaxed) == 1
}

#[cfg(all(test, not(sward_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_idle_channel_is_small() {
        // Beside it are the two counts of the `Arc`, and what is queued.
        let size = size_of::<Ends<u64>>() + align_of::<Ends<u64>>().max(2 * size_of::<usize>());
        assert!(size < 200, "{size}");
        assert_eq!(size_of::<crate::Sender<u64>>(), size_of::<usize>());
        assert_eq!(size_of::<crate::Receiver<u64>>(), size_of::<usize>());
    }
}
