//! The books of a round, when everybody has ended:
//!
//! 1. A value that was created is dropped once (or never, in a future that was forgotten).
//! 2. One whose send succeeded was received once; at most once if the channel was given up by its
//!    last receiver. One that was not sent, or came back, was not received.
//! 3. What a receiver got from one sender through one channel came in the order in which it was
//!    sent. Each value that was put back, by a selected receive that was given up, may be found
//!    behind such as were sent after it: once.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use crate::plan::{CHANNELS, Keeps};
use crate::round::{Done, Round};
use crate::value::{Account, Fate, account, take_late};

/// Not more of a kind are told.
const TOLD: usize = 5;

pub(crate) fn check(round: &Round) -> Done {
    let late = take_late();
    if late > 0 {
        round.fail(format!("{late} values were dropped that are none, or of an earlier round"));
    }
    let wrong: Vec<_> = (0..round.plan.values.len()).filter_map(|id| wrong(round, id)).collect();
    tell(round, wrong);
    check_order(round);
    Done {
        operations: round.begun(),
        received: round.traces.iter().map(|trace| trace.received().len() as u64).sum(),
    }
}

/// What is wrong with the account of a value.
fn wrong(round: &Round, id: usize) -> Option<String> {
    let account = account(id);
    let Account { created, received, dropped, fate } = account;
    if created == 0 {
        return None;
    }
    let plan = &round.plan.values[id];
    let keeps = round.plan.channels[plan.channel].keeps;
    let expected = match fate {
        Fate::Kept | Fate::Returned => 0..=0,
        Fate::Sent if keeps == Keeps::Sender => 0..=1,
        Fate::Sent => 1..=1,
        Fate::GivenUp | Fate::Forgotten => 0..=1,
    };
    let drops = if fate == Fate::Forgotten { received } else { 1 };
    // A forgotten one may come to a channel that is given up.
    let may_be_discarded = fate == Fate::Forgotten && keeps == Keeps::Sender && dropped == 1;
    let is_right =
        created == 1 && expected.contains(&received) && (dropped == drops || may_be_discarded);
    (!is_right).then(|| {
        let what = match (received, dropped) {
            (2.., _) | (_, 2..) => "came twice",
            (1, _) if *expected.end() == 0 => "came though it was not sent",
            (0, _) if *expected.start() == 1 => "was lost",
            (_, 0) => "was lost",
            _ => "has a wrong account",
        };
        format!("value {id} {what}: {account:?}, {plan:?}")
    })
}

fn check_order(round: &Round) {
    let mut descents = [0; CHANNELS];
    let mut told = Vec::new();
    for (receiver, trace) in round.traces.iter().enumerate() {
        let mut last: HashMap<(usize, usize), (u32, u32)> = HashMap::new();
        for &id in &*trace.received() {
            let plan = &round.plan.values[id as usize];
            let before = last.insert((plan.sender, plan.channel), (plan.sequence, id));
            if let Some((sequence, before)) = before
                && sequence > plan.sequence
            {
                descents[plan.channel] += 1;
                told.push(format!(
                    "thread {receiver} received value {id} after value {before}: wrong order of \
                     {plan:?}"
                ));
            }
        }
    }
    let allowed = |channel: usize| round.put_backs[channel].load(Ordering::Relaxed);
    if (0..CHANNELS).any(|channel| descents[channel] > allowed(channel)) {
        let allowed: Vec<_> = (0..CHANNELS).map(allowed).collect();
        told.push(format!("wrong orders by channel {descents:?}, values put back {allowed:?}"));
        told.reverse();
        tell(round, told);
    }
}

fn tell(round: &Round, mut failures: Vec<String>) {
    let left_out = failures.len().saturating_sub(TOLD);
    failures.truncate(TOLD);
    failures.into_iter().for_each(|what| round.fail(what));
    if left_out > 0 {
        round.fail(format!("and {left_out} more"));
    }
}
