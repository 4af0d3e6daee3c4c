//! The values that go through the channels, and the ledger in which each has a line.
//!
//! The ledger is static, so that a value that is dropped twice, or long after its round, is an
//! entry in it and not a fault of memory. All its accesses are Relaxed: the checks read it after
//! the threads of the round have been joined.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::random::mix;

/// No round has more values.
pub(crate) const MOST: usize = 1 << 14;

/// What the sending side knows of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fate {
    /// It was not sent: a case that lost, or an operation that was unwound.
    Kept,
    /// The send has succeeded.
    Sent,
    /// It came back in an error.
    Returned,
    /// It was in a future that was given up. Somebody may have received it before.
    GivenUp,
    /// It is in a future that was forgotten: received in its turn, or never dropped.
    Forgotten,
}

const FATES: [Fate; 5] = [Fate::Kept, Fate::Sent, Fate::Returned, Fate::GivenUp, Fate::Forgotten];

struct Line {
    created: AtomicU8,
    received: AtomicU8,
    dropped: AtomicU8,
    fate: AtomicU8,
}

/// What has become of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) created: u8,
    pub(crate) received: u8,
    pub(crate) dropped: u8,
    pub(crate) fate: Fate,
}

static LEDGER: [Line; MOST] = [const {
    Line {
        created: AtomicU8::new(0),
        received: AtomicU8::new(0),
        dropped: AtomicU8::new(0),
        fate: AtomicU8::new(0),
    }
}; MOST];

/// The round that the ledger is of.
static ROUND: AtomicU32 = AtomicU32::new(0);

/// Values of earlier rounds that were dropped in this one.
static LATE: AtomicU32 = AtomicU32::new(0);

/// A value: its number, and enough to see that it is whole.
#[derive(Debug)]
pub(crate) struct Value {
    id: u32,
    round: u32,
    mark: u64,
}

fn mark(id: u32, round: u32) -> u64 {
    mix(u64::from(id) << 32 | u64::from(round))
}

impl Value {
    /// The value of this number.
    pub(crate) fn new(id: u32) -> Self {
        LEDGER[id as usize].created.fetch_add(1, Ordering::Relaxed);
        let round = ROUND.load(Ordering::Relaxed);
        Self { id, round, mark: mark(id, round) }
    }

    /// A second one of the same number: what a channel that is broken might make.
    pub(crate) fn counterfeit(&self) -> Self {
        Self { ..*self }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Whether it is what was sent, and not some other memory.
    pub(crate) fn is_whole(&self) -> bool {
        self.mark == mark(self.id, self.round) && self.round == ROUND.load(Ordering::Relaxed)
    }

    /// Somebody has received it.
    pub(crate) fn note_received(&self) {
        LEDGER[self.id as usize].received.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if self.is_whole() {
            LEDGER[self.id as usize].dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            LATE.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What the sending side says of a value.
pub(crate) fn note(id: u32, fate: Fate) {
    LEDGER[id as usize].fate.store(fate as u8, Ordering::Relaxed);
}

/// A new round, of so many values.
pub(crate) fn open_ledger(values: usize) {
    ROUND.fetch_add(1, Ordering::Relaxed);
    for line in &LEDGER[..values] {
        for entry in [&line.created, &line.received, &line.dropped, &line.fate] {
            entry.store(0, Ordering::Relaxed);
        }
    }
}

pub(crate) fn account(id: usize) -> Account {
    let line = &LEDGER[id];
    Account {
        created: line.created.load(Ordering::Relaxed),
        received: line.received.load(Ordering::Relaxed),
        dropped: line.dropped.load(Ordering::Relaxed),
        fate: FATES[usize::from(line.fate.load(Ordering::Relaxed))],
    }
}

/// How many values were dropped that are none, or none of this round.
pub(crate) fn take_late() -> u32 {
    LATE.swap(0, Ordering::Relaxed)
}
