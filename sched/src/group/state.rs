//! What a group knows of its children: who has a place, what they have returned, how it has ended.
//!
//! 1. A child is counted in `unfinished` from when it is let in until it settles; its result, if it has
//!    one, is there in the same step. So who finds neither a result nor anybody unfinished has had
//!    all.
//! 2. `taken` is how many have a place. It is not more than `limit`, and less only while nobody waits
//!    for a place. A child that waits in `spawn` has lent its own, so whoever has one either works or
//!    is about to give it on: places come back however many wait.
//! 3. The end is set once. From then on nobody gets in line, nobody who stood there stands there
//!    still, and places are not counted any more.
//! 4. Nothing of the users' is dropped, and nobody is woken, while it is locked.

use std::collections::VecDeque;
use std::mem;
use std::ptr;

use crate::error::JoinError;
use crate::primitive::{Mutant, Mutex, broken};
use crate::wait_list::{Node, WaitList};
use crate::waiter::{Outcome, Reason, Waiter};

static GROUP: Reason = Reason::new("group");

/// With their numbers, in the order in which they came.
pub(super) type Results<T> = VecDeque<(u64, T)>;

/// How a group has ended before its last child did.
#[derive(Debug)]
pub(super) enum End<E> {
    /// A child has returned this.
    Failed(E),
    /// A child has ended, and returned nothing. Its members know why, or else this says it.
    Lost(Option<JoinError>),
    /// Its owner unwinds.
    Left,
    /// As was asked for.
    Cancelled,
}

/// How a call of `spawn` goes on.
#[derive(Debug)]
pub(super) enum Entry {
    /// With a child of this number.
    Place(u64),
    /// So, too; it has the caller's own place.
    Lent(u64),
    /// It does not: the group has ended.
    Ended,
    /// It does not: the thread is to unwind.
    Told,
}

/// What a call of `next` finds.
#[derive(Debug)]
pub(super) enum Taken<T> {
    Result(T),
    /// There is none, and none will come.
    Nothing,
    /// The group has failed.
    Ended,
    /// The thread is to unwind.
    Told,
}

#[derive(Debug)]
pub(super) struct State<T, E>(Mutex<Inner<T, E>>);

#[derive(Debug)]
struct Inner<T, E> {
    limit: usize,
    taken: usize,
    unfinished: usize,
    /// How many numbers were given.
    numbered: u64,
    results: Results<T>,
    end: Option<End<E>>,
    /// Children that have lent their places. The last that did comes first: so no more of them wait
    /// at a time than a tree of children is deep, times the limit.
    lenders: WaitList,
    /// All others that wait for a place. First come, first served.
    line: WaitList,
    /// The owner, while it waits for a result.
    taker: WaitList,
}

impl<T, E> Inner<T, E> {
    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    fn has_failed(&self) -> bool {
        !matches!(self.end, None | Some(End::Cancelled))
    }
}

impl<T, E> State<T, E> {
    pub(super) fn new(limit: usize) -> Self {
        Self(Mutex::new(Inner {
            limit,
            taken: 0,
            unfinished: 0,
            numbered: 0,
            results: VecDeque::new(),
            end: None,
            lenders: WaitList::new(),
            line: WaitList::new(),
            taker: WaitList::new(),
        }))
    }

    /// Lets one more child in; waits for a place, if need be. One who `is_child` lends its own, and
    /// gets it back by [`regain`](Self::regain).
    pub(super) fn enter(&self, is_child: impl FnOnce() -> bool) -> Entry {
        let mut inner = self.0.lock();
        if inner.end.is_some() && !broken(Mutant::GroupEndUnseen) {
            return Entry::Ended;
        }
        let number = inner.number();
        if inner.taken < inner.limit {
            inner.taken += 1;
            inner.unfinished += 1;
            return Entry::Place(number);
        }
        if is_child() {
            inner.unfinished += 1;
            return Entry::Lent(number);
        }
        let waiter = Waiter::new().about(&GROUP, self);
        let node = Node::new(&waiter, ptr::null_mut());
        // SAFETY: the node stays here; it was taken out if the wait ends by a claim or a close, and
        // is below if not.
        unsafe { inner.line.push_back(&node) };
        drop(inner);
        match waiter.wait(None) {
            Outcome::Done(_) => Entry::Place(number),
            Outcome::Closed => Entry::Ended,
            Outcome::TimedOut | Outcome::Cancelled => {
                // SAFETY: it is in this list, or in none.
                unsafe { self.0.lock().line.remove(&node) };
                Entry::Told
            }
        }
    }

    /// Waits until the child that calls this has a place again. Nothing ends this but the group's
    /// end, as nothing ends a condition variable's wait for its mutex.
    pub(super) fn regain(&self) {
        let mut inner = self.0.lock();
        if inner.end.is_some() && !broken(Mutant::GroupEndUnseen) {
            return;
        }
        if inner.taken < inner.limit {
            inner.taken += 1;
            return;
        }
        let waiter = Waiter::uncancellable().about(&GROUP, self);
        let node = Node::new(&waiter, ptr::null_mut());
        // SAFETY: as in `enter`; the wait ends in no other way.
        unsafe { inner.lenders.push_front(&node) };
        drop(inner);
        waiter.wait(None);
    }

    /// A child ends, with this number and value or without. The value is given back when nobody
    /// will ask for it.
    pub(super) fn settle(&self, result: Option<(u64, T)>) -> Option<T> {
        let mut inner = self.0.lock();
        let has_result = result.is_some();
        let mut refused = None;
        match result {
            Some((_, value)) if inner.has_failed() => refused = Some(value),
            Some(result) => inner.results.push_back(result),
            None => {}
        }
        inner.unfinished -= 1;
        let taker = if (has_result || inner.unfinished == 0) && !broken(Mutant::TakerNotWoken) {
            inner.taker.claim_front().map(|(_, claim)| claim.done(0))
        } else {
            None
        };
        let next = if inner.end.is_some() || broken(Mutant::PlaceKept) {
            None
        } else if let Some((_, claim)) = inner.lenders.claim_front() {
            Some(claim.done(0))
        } else if let Some((_, claim)) = inner.line.claim_front() {
            // (1): it is let in.
            let wake = claim.done(0);
            inner.unfinished += 1;
            Some(wake)
        } else {
            inner.taken -= 1;
            None
        };
        drop(inner);
        for wake in [taker, next].into_iter().flatten() {
            wake.wake();
        }
        refused
    }

    /// The result that came first, when it is there. For the owner.
    pub(super) fn take(&self) -> Taken<T> {
        loop {
            let mut inner = self.0.lock();
            if inner.has_failed() {
                return Taken::Ended;
            }
            if let Some((_, value)) = inner.results.pop_front() {
                return Taken::Result(value);
            }
            if inner.unfinished == 0 {
                return Taken::Nothing;
            }
            let waiter = Waiter::new().about(&GROUP, self);
            let node = Node::new(&waiter, ptr::null_mut());
            // SAFETY: as in `enter`.
            unsafe { inner.taker.push_back(&node) };
            drop(inner);
            if matches!(waiter.wait(None), Outcome::TimedOut | Outcome::Cancelled) {
                // SAFETY: it is in this list, or in none.
                unsafe { self.0.lock().taker.remove(&node) };
                return Taken::Told;
            }
        }
    }

    /// Ends the group, if nobody has: then the children are to be told. All who wait for it are.
    pub(super) fn end(&self, end: End<E>) -> Result<(), End<E>> {
        let mut inner = self.0.lock();
        if inner.end.is_some() {
            return Err(end);
        }
        inner.end = Some(end);
        let wakes = [inner.lenders.close(), inner.line.close(), inner.taker.close()];
        drop(inner);
        wakes.into_iter().for_each(|wakes| wakes.wake_all());
        Ok(())
    }

    /// The results that nobody has taken, and how it has ended: when no child is left.
    pub(super) fn outcome(&self) -> (Results<T>, Option<End<E>>) {
        let mut inner = self.0.lock();
        (mem::take(&mut inner.results), inner.end.take())
    }

    pub(super) fn unfinished(&self) -> usize {
        self.0.lock().unfinished
    }

    #[cfg(sward_loom)]
    pub(super) fn taken(&self) -> usize {
        self.0.lock().taken
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.lock().end.is_some()
    }

    /// Whether its end is one that its owner is to hear of.
    pub(super) fn has_failed(&self) -> bool {
        self.0.lock().has_failed()
    }
}
