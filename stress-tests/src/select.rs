//! The selects: `select!` and `select_biased!` in all their shapes, `Select`, and `Select::ready`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::time::Instant;

use sward_chan::{self as chan, Receiver, RecvError, Select, SelectedOperation, SendError, Sender};
use sward_sched::time::Timer;
use sward_sched::yield_now;

use crate::actor::Actor;
use crate::plan::{Arm, Limit, Then, Wait};
use crate::value::Value;

/// How many sends and receives a `select!` here may have.
pub(crate) const SHAPES: [(usize, usize); 8] =
    [(0, 2), (1, 1), (2, 0), (0, 3), (1, 2), (2, 1), (1, 3), (2, 2)];

/// What came of a `select!`, in which case of its kind.
enum Chosen {
    Sent(usize, Result<(), SendError<Value>>),
    Received(usize, Result<Value, RecvError>),
    /// None of those that the plan counts.
    Other,
}

/// A `select!` of some cases under each limit.
macro_rules! under_limit {
    ($select:ident, $limit:expr, { $($arms:tt)* }) => {
        match $limit {
            Limit::None => chan::$select! { $($arms)* },
            Limit::Default => chan::$select! { $($arms)* default => Chosen::Other },
            Limit::DefaultIn(limit) => {
                chan::$select! { default(limit) => Chosen::Other, $($arms)* }
            }
            Limit::After(limit) => {
                chan::$select! { $($arms)* recv(chan::after(limit)) -> _ => Chosen::Other }
            }
            Limit::Timer(limit) => {
                let mut timer = Timer::after(limit);
                chan::$select! { $($arms)* wait(timer) => Chosen::Other }
            }
        }
    };
}

/// A `select!` of so many sends and receives. (The cases of two sends are not next to each other.)
macro_rules! in_shape {
    ($select:ident, $limit:expr, $sends:ident, $value:ident, $receives:ident) => {
        match ($sends.len(), $receives.len()) {
            (0, 2) => under_limit!($select, $limit, {
                recv($receives[0]) -> it => Chosen::Received(0, it),
                recv($receives[1]) -> it => Chosen::Received(1, it),
            }),
            (1, 1) => under_limit!($select, $limit, {
                send($sends[0], $value()) -> it => Chosen::Sent(0, it),
                recv($receives[0]) -> it => Chosen::Received(0, it),
            }),
            (2, 0) => under_limit!($select, $limit, {
                send($sends[0], $value()) -> it => Chosen::Sent(0, it),
                send($sends[1], $value()) -> it => Chosen::Sent(1, it),
            }),
            (0, 3) => under_limit!($select, $limit, {
                recv($receives[0]) -> it => Chosen::Received(0, it),
                recv($receives[1]) -> it => Chosen::Received(1, it),
                recv($receives[2]) -> it => Chosen::Received(2, it),
            }),
            (1, 2) => under_limit!($select, $limit, {
                recv($receives[0]) -> it => Chosen::Received(0, it),
                send($sends[0], $value()) -> it => Chosen::Sent(0, it),
                recv($receives[1]) -> it => Chosen::Received(1, it),
            }),
            (2, 1) => under_limit!($select, $limit, {
                send($sends[0], $value()) -> it => Chosen::Sent(0, it),
                recv($receives[0]) -> it => Chosen::Received(0, it),
                send($sends[1], $value()) -> it => Chosen::Sent(1, it),
            }),
            (1, 3) => under_limit!($select, $limit, {
                recv($receives[0]) -> it => Chosen::Received(0, it),
                recv($receives[1]) -> it => Chosen::Received(1, it),
                send($sends[0], $value()) -> it => Chosen::Sent(0, it),
                recv($receives[2]) -> it => Chosen::Received(2, it),
            }),
            (2, 2) => under_limit!($select, $limit, {
                send($sends[0], $value()) -> it => Chosen::Sent(0, it),
                recv($receives[0]) -> it => Chosen::Received(0, it),
                send($sends[1], $value()) -> it => Chosen::Sent(1, it),
                recv($receives[1]) -> it => Chosen::Received(1, it),
            }),
            shape => unreachable!("{shape:?} is not in SHAPES"),
        }
    };
}

impl Actor {
    pub(crate) fn select(&self, arms: &[Arm], limit: Limit, is_biased: bool) {
        let (sending, receiving): (Vec<&Arm>, Vec<_>) =
            arms.iter().partition(|it| it.value.is_some());
        let senders: Option<Vec<&Sender<_>>> =
            sending.iter().map(|arm| self.senders[arm.channel].as_ref()).collect();
        let receivers: Option<Vec<&Receiver<_>>> =
            receiving.iter().map(|arm| self.receivers[arm.channel].as_ref()).collect();
        let (Some(senders), Some(receivers)) = (senders, receivers) else { return };
        let mut ids = sending.iter().filter_map(|arm| arm.value);
        let mut value = || Value::new(ids.next().expect("each send has a value"));
        let start = Instant::now();
        let chosen = match is_biased {
            false => in_shape!(select, limit, senders, value, receivers),
            true => in_shape!(select_biased, limit, senders, value, receivers),
        };
        match chosen {
            Chosen::Sent(at, result) => self.sent_by(sending[at], result),
            Chosen::Received(at, result) => self.received_by(receiving[at], result),
            Chosen::Other => match limit {
                Limit::DefaultIn(limit) | Limit::After(limit) | Limit::Timer(limit) => {
                    self.check_time(start, Wait::For(limit));
                }
                Limit::None | Limit::Default => {}
            },
        }
    }

    fn sent_by(&self, arm: &Arm, result: Result<(), SendError<Value>>) {
        self.sent(arm.channel, arm.value.expect("it is a send"), result);
    }

    fn received_by(&self, arm: &Arm, result: Result<Value, RecvError>) {
        match result {
            Ok(value) => self.received(arm.channel, value),
            Err(RecvError) => self.check_closed(arm.channel),
        }
    }

    /// A `Select` of these cases, unless it has let go of an end.
    fn selecting(&self, arms: &[Arm], is_biased: bool) -> Option<Select<'_>> {
        let mut select = if is_biased { Select::new_biased() } else { Select::new() };
        for arm in arms {
            match arm.value {
                Some(_) => select.send(self.senders[arm.channel].as_ref()?),
                None => select.recv(self.receivers[arm.channel].as_ref()?),
            };
        }
        Some(select)
    }

    pub(crate) fn select_dynamically(&self, arms: &[Arm], wait: Wait, is_biased: bool, then: Then) {
        let Some(mut select) = self.selecting(arms, is_biased) else { return };
        let start = Instant::now();
        let chosen = match wait {
            Wait::Never => select.try_select().ok(),
            Wait::Forever => Some(select.select()),
            Wait::For(limit) => select.select_timeout(limit).ok(),
            Wait::Until(later) => select.select_deadline(start + later).ok(),
        };
        let Some(operation) = chosen else { return self.check_time(start, wait) };
        let arm = &arms[operation.index()];
        // It goes back to the head if this is unwound, behind which others may have gone ahead.
        let put_backs = &self.round.put_backs[arm.channel];
        put_backs.fetch_add(u32::from(arm.value.is_none()), Ordering::Relaxed);
        match then {
            Then::Complete => {}
            Then::YieldAndComplete => yield_now(),
            Then::Unwind => return unwind_with(operation),
        }
        put_backs.fetch_sub(u32::from(arm.value.is_none()), Ordering::Relaxed);
        self.complete(arm, operation);
    }

    fn complete(&self, arm: &Arm, operation: SelectedOperation<'_>) {
        match (arm.value, &self.senders[arm.channel], &self.receivers[arm.channel]) {
            (Some(id), Some(sender), _) => {
                self.sent_by(arm, operation.send(sender, Value::new(id)));
            }
            (None, _, Some(receiver)) => self.received_by(arm, operation.recv(receiver)),
            _ => unreachable!("it was selected with its ends"),
        }
    }

    /// Waits until one of the cases need not wait, and tries it.
    pub(crate) fn wait_until_ready(&self, arms: &[Arm], wait: Wait) {
        let Some(mut select) = self.selecting(arms, false) else { return };
        let start = Instant::now();
        let ready = match wait {
            Wait::Never => select.try_ready().ok(),
            Wait::Forever => Some(select.ready()),
            Wait::For(limit) => select.ready_timeout(limit).ok(),
            Wait::Until(later) => select.ready_deadline(start + later).ok(),
        };
        match ready.map(|index| arms[index]) {
            Some(Arm { channel, value: Some(id) }) => self.send(channel, id, Wait::Never),
            Some(Arm { channel, value: None }) => self.recv(channel, Wait::Never),
            None => self.check_time(start, wait),
        }
    }
}

/// Drops it as a thread does that panics before it has completed it.
fn unwind_with(operation: SelectedOperation<'_>) {
    let unwinding = catch_unwind(AssertUnwindSafe(|| {
        let _dropped = operation;
        // No panic is reported.
        resume_unwind(Box::new(()));
    }));
    assert!(unwinding.is_err());
}
