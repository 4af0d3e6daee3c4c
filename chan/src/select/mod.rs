//! Waiting for the first of several things: the algorithm under [`select!`](crate::select) and
//! [`Select`](crate::Select), after Go's `selectgo` and crossbeam's `run_select`.
//!
//! 1. Try each case, in random order (or in the given one), until one can be done.
//! 2. None: get in line for one after the other, in that order, with one waiter for all. Each is looked at again
//!    under its channel's lock; if one can be done by now, the waiter is withdrawn, and it begins
//!    again.
//! 3. Wait. Whoever claims the waiter hands over, or takes, the value of one case. Others that find
//!    it in their line cannot claim it any more.
//! 4. Leave all lines. So a case that was not chosen leaves no trace.
//!
//! One that does not wait, or no longer, and finds no case in (1) gets in line, too, and withdraws
//! when it stands in all lines: at that moment all cases had to wait. (To look at one after the
//! other would miss a case that is ready at each moment, but not always the same.)
//!
//! A waiter that was told to look again (a channel was closed, a timer moved, a deadline passed)
//! begins again, too. Two selects that face each other find one another in (2) or (1); if both
//! withdraw at the same moment they begin again in another random order.
//!
//! Rejected: Go's way, to lock all channels at once in the order of their addresses (it sorts, and
//! it holds n locks while it looks); one thread for each case (may loses messages that way).

mod case;
mod dynamic;
mod macros;
mod operation;
mod selected;
mod store;

use std::time::{Duration, Instant};

use smallvec::SmallVec;
use sward_sched::checkpoint;
use sward_sched::dump::Wait as Seen;
use sward_sched::internal::{Outcome, Reason, Waiter, charge, raise_cancel, random};
use sward_sched::primitive::{Mutant, broken};

pub use self::case::{
    Case, JoinArm, JoinCase, RecvCase, SendCase, TokenArm, WaitArm, WaitCase, recv_case, send_case,
};
pub use self::dynamic::Select;
pub use self::selected::SelectedOperation;
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
    discarding(cases, wait, Order::Random)
}

/// Does the first of the cases that can be done, and says which.
pub fn choose_biased(cases: &mut [&mut dyn Case], wait: Wait) -> Option<usize> {
    discarding(cases, wait, Order::AsGiven)
}

/// What losing cases would have sent is dropped while the others are still in their places: if that
/// panics, what the chosen one has received is dropped, too, and not leaked.
fn discarding(cases: &mut [&mut dyn Case], wait: Wait, order: Order) -> Option<usize> {
    let chosen = run(cases, wait, order, false);
    for (index, case) in cases.iter_mut().enumerate() {
        if Some(index) != chosen {
            case.discard();
        }
    }
    chosen
}

/// `gives_later`: those that send have no value yet. `None`: the time is up.
pub(crate) fn run(
    cases: &mut [&mut dyn Case],
    wait: Wait,
    order: Order,
    gives_later: bool,
) -> Option<usize> {
    let mut order = Turns::new(cases.len(), order);
    let mut in_line = InLine::For(wait);
    match wait {
        Wait::Never => _ = charge(),
        _ => checkpoint(),
    }
    loop {
        if let Some(index) = attempt(cases, &mut order) {
            return Some(index);
        }
        // One look at one case is a look at all cases at the same moment.
        if in_line.is_over() && cases.len() < 2 {
            return None;
        }
        // Where it is put goes by what it waits for.
        let all_send = cases.iter().all(|case| case.sends());
        let waiter = if all_send { Waiter::sending() } else { Waiter::new() };
        let waiter = if gives_later { waiter.giving_later() } else { waiter };
        match wait_in_line(cases, &order, &mut in_line, &waiter) {
            Ended::Chosen(index) => return Some(index),
            Ended::AllWait => return None,
            Ended::Unknown => {}
        }
    }
}

/// What is still to be waited for.
enum InLine {
    For(Wait),
    Until(Option<Instant>),
}

impl InLine {
    /// Whether the time is up; then the line is where one sees whether all have to wait.
    fn is_over(&self) -> bool {
        match self {
            Self::For(wait) => matches!(wait, Wait::Never),
            Self::Until(until) => until.is_some_and(|until| until <= Instant::now()),
        }
    }

    /// Until when to wait.
    fn until(&mut self) -> Option<Instant> {
        let until = match *self {
            Self::For(Wait::For(timeout)) => Instant::now().checked_add(timeout),
            Self::For(Wait::Until(deadline)) => Some(deadline),
            Self::For(Wait::Never | Wait::Forever) => None,
            Self::Until(until) => until,
        };
        *self = Self::Until(until);
        until
    }
}

/// How it went in line.
enum Ended {
    /// This case is done.
    Chosen(usize),
    /// There was a moment, after the time was up, at which all had to wait.
    AllWait,
    /// Look again.
    Unknown,
}

/// Does one that can be done.
#[inline]
fn attempt(cases: &mut [&mut dyn Case], order: &mut Turns) -> Option<usize> {
    (0..cases.len()).map(|turn| order.draw(turn)).find(|index| cases[*index].attempt())
}

/// Whose turn it is: a permutation of the cases.
struct Turns {
    indices: SmallVec<[u32; 8]>,
    order: Order,
}

impl Turns {
    #[inline]
    fn new(len: usize, order: Order) -> Self {
        Self { indices: (0..len as u32).collect(), order }
    }

    /// Decides whose turn it is, of those that have not had theirs (Fisher and Yates).
    #[inline]
    fn draw(&mut self, turn: usize) -> usize {
        let left = (self.indices.len() - turn) as u64;
        if self.order == Order::Random && left > 1 {
            // The high bits of a product: no division.
            let other = turn + ((u128::from(random()) * u128::from(left)) >> 64) as usize;
            self.indices.swap(turn, other);
        }
        self.indices[turn] as usize
    }

    /// Whose turn it was.
    #[inline]
    fn get(&self, turn: usize) -> usize {
        self.indices[turn] as usize
    }
}

/// What a thread that waits in a select tells of it to a dump.
struct Arms<'a, 'c>(&'a [&'c mut (dyn Case + 'c)]);

// SAFETY: the cases stay in place, and are not changed, until the wait has returned; what they tell is
// of their channels, threads and timers.
static SELECT: Reason = unsafe { Reason::with("select", Arms::look) };

impl Arms<'_, '_> {
    /// # Safety
    ///
    /// `arms` are there.
    unsafe fn look(arms: *const (), wait: &mut Seen) {
        wait.object = 0;
        // SAFETY: the caller's promise.
        let Arms(cases) = unsafe { &*arms.cast::<Arms<'_, '_>>() };
        wait.arms.extend(cases.iter().map(|case| case.look()));
    }
}

/// Steps 2 to 4.
fn wait_in_line(
    cases: &mut [&mut dyn Case],
    order: &Turns,
    wait: &mut InLine,
    waiter: &Waiter,
) -> Ended {
    let is_over = wait.is_over();
    let mut until = if is_over { None } else { wait.until() };
    let mut in_line = 0;
    while in_line < cases.len() {
        // SAFETY: the waiter, and the cases behind their references, stay in place until all have
        // left below. Nothing between here and there unwinds.
        match unsafe { cases[order.get(in_line)].enlist(waiter) } {
            Enlisted::Until(None) => {}
            Enlisted::Until(Some(at)) => until = Some(until.map_or(at, |until| until.min(at))),
            Enlisted::No => break,
        }
        in_line += 1;
    }
    let all_in_line = in_line == cases.len();
    let outcome = if (is_over || !all_in_line) && waiter.withdraw() {
        None
    } else {
        let arms = Arms(cases);
        waiter.is_about(&SELECT, &raw const arms);
        Some(waiter.wait(until))
    };
    let was_claimed = matches!(outcome, Some(Outcome::Done(_)));
    let mut ended = match outcome {
        None if all_in_line => Ended::AllWait,
        _ => Ended::Unknown,
    };
    for index in (0..in_line).map(|turn| order.get(turn)) {
        if broken(Mutant::LoserStaysInLine) && (matches!(ended, Ended::Chosen(_)) || !was_claimed) {
            continue;
        }
        // SAFETY: it is in line, or was taken out by whoever ended the wait.
        if unsafe { cases[index].leave(was_claimed) } {
            ended = Ended::Chosen(index);
        }
    }
    if outcome == Some(Outcome::Cancelled) {
        raise_cancel();
    }
    ended
}
