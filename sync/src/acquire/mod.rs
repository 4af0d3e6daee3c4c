//! How one waits for a lock, whatever lock it is: a thread blocks, a task is polled.
//!
//! Each lock is a word of state and a [`WaitQueue`]. What differs is the state, and who may go
//! together with whom; that each lock says by [`Acquire`].
//!
//! 1. Whoever must wait says so in the state, and gets in line, in one section of the queue's lock.
//!    Whoever changes the state so that others may go on sees that somebody waits, and looks into
//!    the line under the same lock.
//! 2. The first in line is either *handed* what it asked for (the state says that it has it before
//!    it is woken), or told to *compete* for it with whoever comes by; if it loses it is the first
//!    in line again. (One that came from a condition variable gets in line like a newcomer.)
//! 3. One that was handed something and does not take it, because it is a future that goes away,
//!    releases it. One that was told to compete and does not passes that on. A future that is
//!    *forgotten* does neither: as with other crates' locks, it keeps what it was handed for ever.
//! 4. Wakers are cloned before the queue is locked, and woken or dropped after.

mod future;

use std::cell::Cell;
use std::time::{Duration, Instant};

use sward_sched::internal::{Node, Outcome, Reason, WaitList, WaitQueue, Waiter, Wakes};
use sward_sched::primitive::{Mutant, NAPS, broken, spin};

pub(crate) use self::future::Acquiring;

/// Cases of [`Outcome::Done`].
pub(crate) const COMPETE: u32 = 0;
pub(crate) const HANDED: u32 = 1;

/// Whoever has been passed by for so long is handed what it waits for by the next that releases it.
const STARVED: Duration = Duration::from_micros(500);

/// How often a newcomer looks again before it gets in line.
const SPINS: u32 = 8;

/// What can be waited for in line.
pub(crate) trait Acquire {
    /// What one asks for: a mode, a number of permits.
    type Request: Copy;

    /// Where they wait.
    fn queue(&self) -> &WaitQueue;

    /// Whether who asks for this gets in line before all others.
    fn goes_first(_: Self::Request) -> bool {
        false
    }

    /// Why one waits who asks for this; of the lock itself.
    fn reason(request: Self::Request) -> &'static Reason;

    /// Takes it, if nobody is in the way. `again`: it was this one's turn a moment ago.
    fn try_take(&self, request: Self::Request, again: bool) -> bool;

    /// Takes it, or says in the state that somebody waits, who then gets in line. `again`: as above.
    fn take_or_announce(&self, request: Self::Request, again: bool, line: &WaitList) -> Attempt;

    /// Somebody has left the line who asked for this: the state is told, and those behind may have
    /// become the first.
    fn leave(&self, request: Self::Request, line: &WaitList) -> Wakes;

    /// Somebody who was told to compete does not: if it is to be had, the next in line is told.
    fn pass_on(&self, line: &WaitList) -> Wakes;

    /// A task has it, of which nothing is known.
    fn is_a_tasks(&self, _: Self::Request) {}

    /// What was handed over comes back.
    fn release(&self, request: Self::Request);
}

/// What came of an attempt under the lock of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Taken,
    Wait,
    Closed,
}

/// Why it was not had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    TimedOut,
    Closed,
    /// The thread is to unwind: [`raise_cancel`](sward_sched::internal::raise_cancel).
    Cancelled,
}

/// What a node's slot points to: what its owner asks for, and whether it is being passed by.
#[derive(Debug)]
pub(crate) struct Ticket<R> {
    pub(crate) request: R,
    /// When it first competed and lost.
    lost: Cell<Option<Instant>>,
}

impl<R> Ticket<R> {
    pub(crate) fn new(request: R) -> Self {
        Self { request, lost: Cell::new(None) }
    }

    /// Its owner has competed, and lost. (Only then is the clock read: most never do.)
    fn has_lost(&self) {
        if NAPS && self.lost.get().is_none() {
            self.lost.set(Some(Instant::now()));
        }
    }

    /// Whether its owner is to have what it waits for before all others.
    pub(crate) fn is_starved(&self) -> bool {
        // Models have no time.
        NAPS && self.lost.get().is_some_and(|lost| lost.elapsed() >= STARVED)
    }

    pub(crate) fn slot(&self) -> *mut () {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// # Safety
    ///
    /// `node` stands in the line of a lock whose request this is, or was claimed there and is not
    /// done.
    pub(crate) unsafe fn of(node: &Node) -> &Self {
        // SAFETY: the caller's promise: the ticket lies beside its node.
        unsafe { &*node.slot().cast() }
    }
}

/// Looks a few times more, before one gets in line, whether it is to be had. Not in models.
pub(crate) fn spin_for(mut take: impl FnMut() -> bool) -> bool {
    let mut looks = || {
        let taken = take();
        if !taken {
            spin();
        }
        taken
    };
    NAPS && (0..SPINS).any(|_| looks())
}

/// Blocks until it is had, or until the deadline. `waiter` makes the waiter of each wait: one that
/// can be cancelled, or not.
#[cold]
pub(crate) fn acquire<L: Acquire>(
    lock: &L,
    request: L::Request,
    deadline: Option<Instant>,
    waiter: impl Fn() -> Waiter,
) -> Result<(), Refusal> {
    let ticket = Ticket::new(request);
    let mut again = false;
    loop {
        let waiter = waiter().about(L::reason(request), lock);
        let node = Node::new(&waiter, ticket.slot());
        {
            let line = lock.queue().lock();
            match lock.take_or_announce(request, again, &line) {
                Attempt::Taken => return Ok(()),
                Attempt::Closed => return Err(Refusal::Closed),
                Attempt::Wait => {}
            }
            // SAFETY: it stays here, and is removed below unless it was claimed or closed.
            unsafe { get_in_line(&line, &node, again || L::goes_first(request)) };
        }
        let refusal = match waiter.wait(deadline) {
            Outcome::Done(HANDED) => return Ok(()),
            Outcome::Done(_) if lock.try_take(request, true) => return Ok(()),
            Outcome::Done(_) => {
                ticket.has_lost();
                again = true;
                continue;
            }
            Outcome::TimedOut => Refusal::TimedOut,
            Outcome::Cancelled => Refusal::Cancelled,
            Outcome::Closed => Refusal::Closed,
        };
        let line = lock.queue().lock();
        // SAFETY: it is in this list, or in none.
        unsafe { line.remove(&node) };
        let wakes = match broken(Mutant::LeftSilently) {
            true => Wakes::none(),
            false => lock.leave(request, &line),
        };
        drop(line);
        wakes.wake_all();
        return Err(refusal);
    }
}

/// # Safety
///
/// As for [`WaitList::push_back`].
unsafe fn get_in_line(line: &WaitList, node: &Node, first: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        match first {
            true => line.push_front(node),
            false => line.push_back(node),
        }
    }
}
