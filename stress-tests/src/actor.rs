//! One who takes part in a round: its ends of the channels, and how it does the operations of its
//! plan, one after the other. What comes of each goes into the ledger and the round's traces.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sward_chan::{self as chan, Receiver, RecvTimeoutError, SendError, Sender};
use sward_sched::{time, yield_now};

use crate::future::{block_on, yield_once};
use crate::plan::{CHANNELS, Kind, Op, Side, ThreadPlan, Wait};
use crate::round::Round;
use crate::sabotage::Sabotage;
use crate::value::{Fate, Value, note};

pub(crate) struct Actor {
    pub(crate) round: Arc<Round>,
    /// Its number; the keeper's is that after the last thread's.
    me: usize,
    pub(crate) senders: [Option<Sender<Value>>; CHANNELS],
    pub(crate) receivers: [Option<Receiver<Value>>; CHANNELS],
}

/// Why a value was not sent, and the value.
pub(crate) enum Unsent {
    /// There was no room, or no time.
    Waiting(Value),
    Closed(Value),
}

/// Why there is no value.
enum Missing {
    Waiting,
    Closed,
}

impl From<SendError<Value>> for Unsent {
    fn from(error: SendError<Value>) -> Self {
        Self::Closed(error.into_inner())
    }
}

impl Actor {
    pub(crate) fn new(round: Arc<Round>, me: usize) -> Self {
        Self { round, me, senders: Default::default(), receivers: Default::default() }
    }

    /// A thread of the plan, with ends of its own.
    pub(crate) fn with_ends(
        round: &Arc<Round>,
        me: usize,
        channels: &[(Sender<Value>, Receiver<Value>)],
    ) -> Self {
        let mut actor = Self::new(round.clone(), me);
        let ThreadPlan { senders, receivers, .. } = &round.plan.threads[me];
        for &channel in senders {
            actor.senders[channel] = Some(channels[channel].0.clone());
        }
        for &channel in receivers {
            actor.receivers[channel] = Some(channels[channel].1.clone());
        }
        actor
    }

    /// Does all that is planned, in a thread.
    pub(crate) fn run(mut self) {
        let round = self.round.clone();
        for op in self.begin_each(&round) {
            self.perform(op);
        }
        if round.takes(Sabotage::Hang) {
            let _ = chan::never::<()>().recv();
        }
    }

    /// Does all that is planned, in a task.
    pub(crate) async fn run_as_task(mut self) {
        let round = self.round.clone();
        for op in self.begin_each(&round) {
            match op {
                Op::Yield => yield_once().await,
                op if op.is_asynchronous() => self.perform_async(op).await,
                op => self.perform(op),
            }
        }
    }

    /// Its operations; which one it is at is there for the watch to see.
    fn begin_each<'a>(&self, round: &'a Round) -> impl Iterator<Item = &'a Op> + use<'a> {
        let me = self.me;
        round.plan.threads[me].operations.iter().inspect(move |_| {
            // Relaxed: a counter that is only looked at.
            round.traces[me].begun.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn perform(&mut self, op: &Op) {
        match op {
            Op::Send { channel, value, wait } => self.send(*channel, *value, *wait),
            Op::Recv { channel, wait } => self.recv(*channel, *wait),
            Op::Iter { channel, count } => {
                let values = self.receivers[*channel].iter().flat_map(Receiver::iter);
                values.take(*count).for_each(|value| self.received(*channel, value));
            }
            Op::TryIter { channel, count } => {
                let values = self.receivers[*channel].iter().flat_map(Receiver::try_iter);
                values.take(*count).for_each(|value| self.received(*channel, value));
            }
            Op::Select { arms, limit, is_biased } => self.select(arms, *limit, *is_biased),
            Op::Dynamic { arms, wait, is_biased, then } => {
                self.select_dynamically(arms, *wait, *is_biased, *then);
            }
            Op::Ready { arms, wait } => self.wait_until_ready(arms, *wait),
            Op::SendAsync { .. }
            | Op::SendBoth { .. }
            | Op::RecvAsync { .. }
            | Op::Stream { .. } => block_on(self.perform_async(op)),
            Op::Renew { channel, side: Side::Sender } => {
                self.senders[*channel] = self.senders[*channel].clone();
            }
            Op::Renew { channel, side: Side::Receiver } => {
                self.receivers[*channel] = self.receivers[*channel].clone();
            }
            Op::LetGo { channel, side: Side::Sender } => self.senders[*channel] = None,
            Op::LetGo { channel, side: Side::Receiver } => self.receivers[*channel] = None,
            Op::Close { channel, side } => self.close(*channel, *side),
            Op::Cancel { thread } => self.round.cancel(*thread),
            Op::Yield => yield_now(),
            Op::Within { limit, op } => self.perform_within(*limit, op),
        }
    }

    fn perform_within(&mut self, limit: Duration, op: &Op) {
        let start = Instant::now();
        if let Err(error) = time::timeout(limit, || self.perform(op))
            && (!error.is_elapsed() || start.elapsed() < limit)
        {
            self.fail(format!("a timeout of {limit:?} was up after {:?}", start.elapsed()));
        }
    }

    fn close(&self, channel: usize, side: Side) {
        match side {
            Side::Sender => self.senders[channel].as_ref().map(Sender::close),
            Side::Receiver => self.receivers[channel].as_ref().map(Receiver::close),
        };
    }

    pub(crate) fn send(&self, channel: usize, id: u32, wait: Wait) {
        let Some(sender) = &self.senders[channel] else { return };
        let start = Instant::now();
        let value = Value::new(id);
        let timed = |error: chan::SendTimeoutError<_>| match error {
            chan::SendTimeoutError::Timeout(value) => Unsent::Waiting(value),
            chan::SendTimeoutError::Disconnected(value) => Unsent::Closed(value),
        };
        let result = match wait {
            Wait::Never => sender.try_send(value).map_err(|error| match error {
                chan::TrySendError::Full(value) => Unsent::Waiting(value),
                chan::TrySendError::Disconnected(value) => Unsent::Closed(value),
            }),
            Wait::Forever => sender.send(value).map_err(Unsent::from),
            Wait::For(timeout) => sender.send_timeout(value, timeout).map_err(timed),
            Wait::Until(later) => sender.send_deadline(value, start + later).map_err(timed),
        };
        if let Err(Unsent::Waiting(_)) = result {
            self.check_time(start, wait);
        }
        self.sent(channel, id, result);
    }

    /// What came of a send.
    pub(crate) fn sent(&self, channel: usize, id: u32, result: Result<(), impl Into<Unsent>>) {
        let value = match result.map_err(Into::into) {
            Ok(()) => return note(id, Fate::Sent),
            Err(Unsent::Waiting(value)) => value,
            Err(Unsent::Closed(value)) => {
                if self.senders[channel].as_ref().is_some_and(|it| !it.is_closed()) {
                    self.fail(format!("a send on channel {channel}, which is open, was refused"));
                }
                value
            }
        };
        note(id, Fate::Returned);
        if value.id() != id || !value.is_whole() {
            self.fail(format!("value {id} was sent and {value:?} came back"));
        }
    }

    pub(crate) fn recv(&self, channel: usize, wait: Wait) {
        let Some(receiver) = &self.receivers[channel] else { return };
        let start = Instant::now();
        let timed = |error| match error {
            RecvTimeoutError::Timeout => Missing::Waiting,
            RecvTimeoutError::Disconnected => Missing::Closed,
        };
        let result = match wait {
            Wait::Never => receiver.try_recv().map_err(|error| match error {
                chan::TryRecvError::Empty => Missing::Waiting,
                chan::TryRecvError::Disconnected => Missing::Closed,
            }),
            Wait::Forever => receiver.recv().map_err(|_| Missing::Closed),
            Wait::For(timeout) => receiver.recv_timeout(timeout).map_err(timed),
            Wait::Until(later) => receiver.recv_deadline(start + later).map_err(timed),
        };
        match result {
            Ok(value) => self.received(channel, value),
            Err(Missing::Waiting) => self.check_time(start, wait),
            Err(Missing::Closed) => self.check_closed(channel),
        }
    }

    /// A value has come.
    pub(crate) fn received(&self, channel: usize, value: Value) {
        let origin = self.round.plan.values.get(value.id() as usize);
        if !value.is_whole() || origin.is_none_or(|origin| origin.channel != channel) {
            return self.fail(format!("channel {channel} gave {value:?}, from {origin:?}"));
        }
        if self.round.takes(Sabotage::Lose) {
            return std::mem::forget(value);
        }
        let copy = self.round.takes(Sabotage::Double).then(|| value.counterfeit());
        value.note_received();
        self.round.traces[self.me].log(&self.round, value.id());
        if let Some(copy) = copy {
            copy.note_received();
        }
    }

    /// A receive, or a case that received, was told that there will be nothing more.
    pub(crate) fn check_closed(&self, channel: usize) {
        if self.receivers[channel].as_ref().is_some_and(|it| !it.is_closed()) {
            self.fail(format!("a receive on channel {channel}, which is open, was refused"));
        }
    }

    /// The time was said to be up.
    pub(crate) fn check_time(&self, start: Instant, wait: Wait) {
        match wait {
            Wait::For(limit) | Wait::Until(limit) if start.elapsed() < limit => {
                self.fail(format!("{limit:?} were up after {:?}", start.elapsed()));
            }
            Wait::Forever => self.fail("an endless wait was given up".to_owned()),
            _ => {}
        }
    }

    pub(crate) fn fail(&self, what: String) {
        let kind = self.round.plan.threads.get(self.me).map_or(Kind::Os, |plan| plan.kind);
        self.round.fail(format!("thread {} ({kind:?}): {what}", self.me));
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.round.traces[self.me].ended.store(true, Ordering::Relaxed);
        self.round.running.fetch_sub(1, Ordering::Relaxed);
    }
}
