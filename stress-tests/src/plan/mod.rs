//! What a round does: its channels, its threads, and what each of them does in turn, with which
//! values and timeouts. All of it follows from the round's seed (`draw.rs`).

mod draw;

use std::fmt;
use std::time::Duration;

pub(crate) const CHANNELS: usize = 10;

#[derive(Debug)]
pub(crate) struct Plan {
    /// Of the runtime whose threads stay.
    pub(crate) workers: usize,
    /// Of the one whose threads migrate.
    pub(crate) migrating_workers: usize,
    /// Where the async tasks are polled.
    pub(crate) executors: Vec<Kind>,
    pub(crate) channels: Vec<ChannelPlan>,
    pub(crate) threads: Vec<ThreadPlan>,
    pub(crate) values: Vec<ValuePlan>,
    /// What the keeper may send, by channel: from the first to before the last.
    pub(crate) stock: Vec<(u32, u32)>,
    /// How often the keeper helps when nothing moves, before it closes all channels.
    pub(crate) patience: usize,
}

#[derive(Debug)]
pub(crate) struct ChannelPlan {
    /// 0: a rendezvous. `None`: unbounded.
    pub(crate) capacity: Option<usize>,
    /// The ends that the keeper holds to the end of the round. Without one of them the last thread
    /// to let go of its own closes the channel.
    pub(crate) keeps: Keeps,
    /// Whether futures in its lines may be forgotten: the checks know less then.
    pub(crate) forgets: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    Both,
    Sender,
    Receiver,
}

#[derive(Debug)]
pub(crate) struct ValuePlan {
    pub(crate) sender: usize,
    pub(crate) channel: usize,
    /// Counts the values of this sender for this channel.
    pub(crate) sequence: u32,
}

#[derive(Debug)]
pub(crate) struct ThreadPlan {
    pub(crate) kind: Kind,
    pub(crate) senders: Vec<usize>,
    pub(crate) receivers: Vec<usize>,
    pub(crate) operations: Vec<Op>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Green,
    Migrating,
    Dedicated,
    Os,
    /// Async, on the executor of this number.
    Task(usize),
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, migrating_workers, executors, patience, .. } = self;
        writeln!(f, "workers {workers} and {migrating_workers}, executors {executors:?}")?;
        writeln!(f, "the keeper helps {patience} times")?;
        for (at, channel) in self.channels.iter().enumerate() {
            writeln!(f, "channel {at}: {channel:?}, stock {:?}", self.stock[at])?;
        }
        for (at, ThreadPlan { kind, senders, receivers, operations }) in
            self.threads.iter().enumerate()
        {
            writeln!(
                f,
                "thread {at} ({kind:?}) sends to {senders:?}, receives from {receivers:?}"
            )?;
            operations.iter().try_for_each(|op| writeln!(f, "    {op:?}"))?;
        }
        Ok(())
    }
}

impl Kind {
    /// Whether it can be ended from outside.
    pub(crate) fn is_cancellable(self) -> bool {
        self != Self::Os
    }
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Never,
    Forever,
    For(Duration),
    /// Until so much later.
    Until(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Sender,
    Receiver,
}

/// A case of a select.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arm {
    pub(crate) channel: usize,
    /// The value to send; `None`: it receives.
    pub(crate) value: Option<u32>,
}

/// What limits a `select!`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    None,
    Default,
    DefaultIn(Duration),
    /// `recv(after(..))`.
    After(Duration),
    /// `wait(timer)`.
    Timer(Duration),
}

/// What becomes of the operation that a `Select` has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Complete,
    YieldAndComplete,
    /// It is dropped by unwinding.
    Unwind,
}

/// How far a future is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polls {
    ToTheEnd,
    /// First with a waker that does nothing.
    WithTwoWakers,
    ThenDrop(usize),
    ThenForget(usize),
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Send {
        channel: usize,
        value: u32,
        wait: Wait,
    },
    Recv {
        channel: usize,
        wait: Wait,
    },
    Iter {
        channel: usize,
        count: usize,
    },
    TryIter {
        channel: usize,
        count: usize,
    },
    Select {
        arms: Vec<Arm>,
        limit: Limit,
        is_biased: bool,
    },
    Dynamic {
        arms: Vec<Arm>,
        wait: Wait,
        is_biased: bool,
        then: Then,
    },
    Ready {
        arms: Vec<Arm>,
        wait: Wait,
    },
    SendAsync {
        channel: usize,
        value: u32,
        polls: Polls,
    },
    /// Two sends at once, the first polled first.
    SendBoth {
        channel: usize,
        values: [u32; 2],
    },
    RecvAsync {
        channel: usize,
        polls: Polls,
    },
    Stream {
        channel: usize,
        count: usize,
    },
    Renew {
        channel: usize,
        side: Side,
    },
    LetGo {
        channel: usize,
        side: Side,
    },
    Close {
        channel: usize,
        side: Side,
    },
    Cancel {
        thread: usize,
    },
    Yield,
    Within {
        limit: Duration,
        op: Box<Op>,
    },
}
