//! The state word of a lock for readers and writers, and who may enter when.
//!
//! | bits | meaning |
//! |---|---|
//! | [`WRITER`] | somebody has the lock alone |
//! | [`UPGRADABLE`] | a reader has it that may become the writer |
//! | [`READERS`] | so many plain readers have it |
//! | [`UPGRADING`] | the upgradable reader waits for the plain ones to leave |
//! | [`WAITING_WRITERS`] | so many writers stand in line |
//! | [`WAITERS`] | somebody stands in line |
//!
//! 1. Of writer, upgradable reader and plain readers the last two go together, and nothing else.
//! 2. Those that wait are changed under the queue's lock alone.

use sward_sched::primitive::{Mutant, broken};

pub(super) const WAITERS: usize = 1;
pub(super) const UPGRADABLE: usize = 1 << 1;
pub(super) const WRITER: usize = 1 << 2;
pub(super) const UPGRADING: usize = 1 << 3;
pub(super) const READER: usize = 1 << 4;
pub(super) const WAITING_WRITER: usize = 1 << (usize::BITS / 16 * 9);

pub(super) const READERS: usize = WAITING_WRITER - READER;
pub(super) const WAITING_WRITERS: usize = !(WAITING_WRITER - 1);
pub(super) const HELD: usize = WRITER | UPGRADABLE | READERS;

/// Room is left for the upgradable reader, should it become a plain one.
pub(super) const MOST_READERS: usize = READERS - READER;

/// What one asks a lock for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Read,
    Upgradable,
    Write,
    /// By the upgradable reader.
    Upgrade,
}

impl Request {
    /// The state in which it has what it asks for; `None`: it must wait. Readers enter
    /// though writers wait if it is their turn (`in_turn`), or if they are `recursive`.
    #[inline]
    pub(super) fn grant(self, state: usize, in_turn: bool, recursive: bool) -> Option<usize> {
        let overtakes = in_turn || recursive || broken(Mutant::ReaderOvertakes);
        let held_back = if overtakes { 0 } else { UPGRADING | WAITING_WRITERS };
        let (in_the_way, granted) = match self {
            Self::Read => (WRITER | held_back, READER),
            Self::Upgradable => (WRITER | UPGRADABLE | held_back, UPGRADABLE),
            Self::Write => (HELD, WRITER),
            Self::Upgrade => (READERS, WRITER - UPGRADABLE),
        };
        (state & in_the_way == 0 && !self.is_one_too_many(state))
            .then(|| state.wrapping_add(granted))
    }

    /// Whether there are more readers than can be counted.
    #[inline]
    pub(super) fn is_one_too_many(self, state: usize) -> bool {
        matches!(self, Self::Read | Self::Upgradable) && state & READERS >= MOST_READERS
    }

    /// The state in which one more waits for this; `None`: that would be too many.
    pub(super) fn announce(self, state: usize) -> Option<usize> {
        if broken(Mutant::WaitUnannounced) {
            return Some(state);
        }
        let waits = state | WAITERS;
        match self {
            Self::Read | Self::Upgradable => (!self.is_one_too_many(state)).then_some(waits),
            Self::Write => waits.checked_add(WAITING_WRITER),
            Self::Upgrade => Some(waits | UPGRADING),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Request; 4] =
        [Request::Read, Request::Upgradable, Request::Write, Request::Upgrade];

    fn granted(state: usize) -> Vec<Request> {
        ALL.into_iter().filter(|request| request.grant(state, false, false).is_some()).collect()
    }

    #[test]
    fn who_may_enter() {
        use Request::{Read, Upgradable, Upgrade, Write};
        // An upgrade is asked for by the upgradable reader only.
        assert_eq!(granted(0), [Read, Upgradable, Write, Upgrade]);
        assert_eq!(granted(READER), [Read, Upgradable]);
        assert_eq!(granted(UPGRADABLE), [Read, Upgrade]);
        assert_eq!(granted(UPGRADABLE | READER), [Read]);
        assert_eq!(granted(WRITER), [Upgrade]);
        assert_eq!(granted(READER | WAITERS | WAITING_WRITER), []);
        assert_eq!(granted(WAITERS | WAITING_WRITER), [Write, Upgrade]);
        assert_eq!(granted(UPGRADABLE | READER | WAITERS | UPGRADING), []);
        assert_eq!(granted(UPGRADABLE | READER | WAITERS), [Read]);
        assert_eq!(granted(WAITERS), [Read, Upgradable, Write, Upgrade]);
    }

    #[test]
    fn recursive_readers_and_those_in_turn_are_not_held_back() {
        let state = READER | WAITERS | WAITING_WRITER;
        for (in_turn, recursive) in [(true, false), (false, true)] {
            assert_eq!(Request::Read.grant(state, in_turn, recursive), Some(state + READER));
            let state = Request::Upgradable.grant(state, in_turn, recursive).unwrap();
            assert_eq!(Request::Upgradable.grant(state, in_turn, recursive), None);
            assert_eq!(Request::Read.grant(WRITER, in_turn, recursive), None);
        }
    }

    #[test]
    fn what_cannot_be_counted_does_not_wait() {
        assert_eq!(Request::Write.announce(READER), Some(READER | WAITERS | WAITING_WRITER));
        assert_eq!(Request::Write.announce(READER | WAITING_WRITERS), None);
        assert_eq!(Request::Read.announce(WRITER), Some(WRITER | WAITERS));
        assert_eq!(Request::Read.announce(MOST_READERS), None);
    }

    #[test]
    fn an_upgrade_leaves_a_writer() {
        assert_eq!(Request::Upgrade.grant(UPGRADABLE | WAITERS, false, false), Some(WRITER | 1));
    }

    #[test]
    fn there_is_room_for_the_last_upgradable_reader_as_a_plain_one() {
        assert_eq!(Request::Read.grant(MOST_READERS, true, true), None);
        assert_eq!(Request::Upgradable.grant(MOST_READERS, true, true), None);
        let state = Request::Upgradable.grant(MOST_READERS - READER, false, false).unwrap();
        let state = Request::Read.grant(state, false, false).unwrap();
        let state = state - UPGRADABLE + READER;
        assert_eq!(state, READERS);
        assert_eq!(Request::Upgradable.grant(state, true, true), None);
    }
}
