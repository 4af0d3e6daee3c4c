//! Waiting for the first of several things: the algorithm under [`select!`](crate::select) and
//! [`Select`](crate::Select), after Go's `selectgo` and crossbeam's `run_select`.
//!
//! 1. Try each case, in random order (or in the given one), until one can be done.
//! 2. None: get in line for one after the other, with one waiter for all. Each is looked at again
//!    under its channel's lock; if one can be done by now, the waiter is withdrawn, and it begins
//!    again.
//! 3. Wait. Whoever claims the waiter hands over, or takes, the value of one case. Others that find
//!    it in their line cannot claim it any more.
//! 4. Leave all lines. So a case that was not chosen leaves no trace.
//!
//! A waiter that was told to look again (a channel was closed, a timer moved, a deadline passed)
//! begins again, too. Two selects that face each other find one another in (2) or (1); if both
//! withdraw at the same moment they begin again in another random order.
//!
//! Rejected: Go's way, to lock all channels at once in the order of their addresses (it sorts, and
//! it holds n locks while it looks); one thread for each case (may loses messages that way).

mod case;
mod dynamic;
mod operation;
mod store;

use std::time::{Duration, Instant};

use sward_sched::checkpoint;
use sward_sched::internal::{Outcome, Waiter, charge, raise_cancel, random};
use sward_sched::primitive::{Mutant, broken};

pub use self::case::{Case, JoinArm, JoinCase, RecvCase, SendCase, WaitArm, WaitCase};
pub use self::dynamic::{Select, SelectedOperation};
use crate::channel::Enlisted;

/// How long a select waits for a case.
#[derive(Clone, Copy, Debug)]
pub enum Wait {
    /// Not at all.
    Never,
    /// Until there is one.
    Forever,
    /// For so long at most.
    For(Duration),
    /// Until then at most.
    Until(Instant),
}

/// In which order cases that can be done are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Random,
    AsGiven,
}

/// Does one of the cases, chosen at random among those that can be done, and says which.
pub fn choose(cases: &mut [&mut dyn Case], wait: Wait) -> Option<usize> {
    run(cases, wait, Order::Random, Waiter::new)
}

/// Does the first of the cases that can be done, and says which.
pub fn choose_biased(cases: &mut [&mut dyn Case], wait: Wait) -> Option<usize> {
    run(cases, wait, Order::AsGiven, Waiter::new)
}

/// Waits in line with what `waiter` makes. `None`: the time is up.
pub(crate) fn run(
    cases: &mut [&mut dyn Case],
    wait: Wait,
    order: Order,
    waiter: fn() -> Waiter,
) -> Option<usize> {
    if let Wait::Never = wait {
        charge();
        return attempt(cases, order);
    }
    checkpoint();
    let mut is_over = false;
    let mut deadline = None;
    loop {
        if let Some(index) = attempt(cases, order) {
            return Some(index);
        }
        if is_over {
            return None;
        }
        let until = *deadline.get_or_insert_with(|| match wait {
            Wait::For(timeout) => Instant::now().checked_add(timeout),
            Wait::Until(deadline) => Some(deadline),
            Wait::Never | Wait::Forever => None,
        });
        if let Some(index) = wait_in_line(cases, until, &waiter()) {
            return Some(index);
        }
        is_over = until.is_some_and(|until| until <= Instant::now());
    }
}

/// Does one that can be done.
#[inline]
fn attempt(cases: &mut [&mut dyn Case], order: Order) -> Option<usize> {
    if order == Order::AsGiven || cases.len() < 2 {
        return cases.iter_mut().position(|case| case.attempt());
    }
    let mut shuffled = Shuffled::new(cases.len());
    (0..cases.len()).map(|i| shuffled.get(i)).find(|index| cases[*index].attempt())
}

/// A permutation that is made as far as it is asked for (Fisher and Yates).
struct Shuffled(smallvec::SmallVec<[u32; 16]>);

impl Shuffled {
    fn new(len: usize) -> Self {
        Self((0..len as u32).collect())
    }

    fn get(&mut self, i: usize) -> usize {
        let left = (self.0.len() - i) as u64;
        // The high bits of a product: no division.
        let other = i + ((u128::from(random()) * u128::from(left)) >> 64) as usize;
        self.0.swap(i, other);
        self.0[i] as usize
    }
}

/// Steps 2 to 4. `None`: look again.
fn wait_in_line(
    cases: &mut [&mut dyn Case],
    until: Option<Instant>,
    waiter: &Waiter,
) -> Option<usize> {
    let mut until = until;
    let mut in_line = 0;
    for case in &mut *cases {
        // SAFETY: the waiter, and the cases behind their references, stay in place until all have
        // left below. Nothing between here and there unwinds.
        match unsafe { case.enlist(waiter) } {
            Enlisted::Until(None) => {}
            Enlisted::Until(Some(at)) => until = Some(until.map_or(at, |until| until.min(at))),
            Enlisted::No => break,
        }
        in_line += 1;
    }
    let outcome =
        if in_line < cases.len() && waiter.withdraw() { None } else { Some(waiter.wait(until)) };
    let was_claimed = matches!(outcome, Some(Outcome::Done(_)));
    let mut done = None;
    for (index, case) in cases[..in_line].iter_mut().enumerate() {
        if broken(Mutant::LoserStaysInLine) && (done.is_some() || !was_claimed) {
            continue;
        }
        // SAFETY: it is in line, or was taken out by whoever ended the wait.
        if unsafe { case.leave(was_claimed) } {
            done = Some(index);
        }
    }
    if outcome == Some(Outcome::Cancelled) {
        raise_cancel();
    }
    done
}
