//! Who is let in when somebody leaves, and from where in line.
//!
//! 1. Whoever may enter is let in, from the front of the line. Readers are *handed* the lock, and so
//!    is an upgradable one that finds no other (those behind it pass it if it does). Nobody is
//!    served past a waiting writer, except where readers are recursive.
//! 2. A writer is handed the lock when the last reader leaves: others have been held back for its
//!    sake. From another writer it is told to *compete*, as for a mutex, and is handed it when it
//!    is starved or the other leaves fairly.
//! 3. An upgrader is always handed it, wherever in line it stands, and before all others: it has
//!    what keeps writers out. (It gets in line at the front; but a writer that was told to compete
//!    and has lost may stand before it.)
//! 4. What is given up goes over in one step, with what the first that is served gets: nobody comes
//!    in between.
//! 5. One that is let in may have given up waiting at that moment. What it got is taken back, or
//!    goes to the next.

use sward_sched::internal::{Claim, Node, WaitList, Wakes};
use sward_sched::primitive::atomic::Ordering;
use sward_sched::primitive::{Mutant, broken};

use super::RawRwLock;
use super::state::{READER, Request, UPGRADABLE, UPGRADING, WAITERS, WAITING_WRITER, WRITER};
use crate::acquire::{COMPETE, HANDED, Ticket};

/// What was done for one in line.
enum Served<'a> {
    Entered,
    /// It must wait: those behind it are looked at.
    Passed,
    /// It has given up, and is in no line any more. It was counted for a moment, and whoever left
    /// in that moment did not look into the line.
    Gone,
    /// A writer, behind whom nobody is looked at; this one is to be told to compete.
    Writer(Option<(&'a Node, Claim)>),
    Nobody,
}

impl<const RECURSIVE: bool> RawRwLock<RECURSIVE> {
    /// Gives up `held`, which may be nothing, and lets in whoever may enter then. Writers need not
    /// compete if it is `fair`. Under the queue's lock; the batch is woken after it.
    pub(super) fn serve(&self, line: &WaitList, mut held: usize, fair: bool) -> Wakes {
        let mut wakes = Wakes::none();
        if self.state() & UPGRADING != 0 && !holds_upgrader_back(line) {
            debug_assert_eq!(held, 0, "the upgrader has all that can be given up");
            self.serve_upgrader(line, &mut wakes);
            return wakes;
        }
        let mut told = None;
        let mut at = line.first();
        while let Some(node) = at {
            // SAFETY: it is in this line.
            at = unsafe { line.behind(node) };
            // SAFETY: as above.
            match unsafe { self.serve_one(line, node, &mut held, fair, &mut wakes) } {
                Served::Entered if broken(Mutant::OneReaderServed) => break,
                Served::Entered | Served::Passed => {}
                Served::Gone if broken(Mutant::PassedNotServedAgain) => {}
                Served::Gone => at = line.first(),
                Served::Writer(competes) => {
                    told = competes;
                    // Together with what is given up; `held` is small, and this the upper half.
                    held += WAITING_WRITER;
                    break;
                }
                Served::Nobody => break,
            }
        }
        self.give_up(held, line);
        if let Some((node, claim)) = told {
            // SAFETY: it was claimed through this node, in this line.
            unsafe { wakes.add(node, claim, COMPETE) };
        }
        wakes
    }

    /// # Safety
    ///
    /// `node` is in this line.
    unsafe fn serve_one<'a>(
        &self,
        line: &WaitList,
        node: &'a Node,
        held: &mut usize,
        fair: bool,
        wakes: &mut Wakes,
    ) -> Served<'a> {
        // SAFETY: the caller's promise.
        let ticket = unsafe { Ticket::<Request>::of(node) };
        let request = ticket.request;
        let competes = request == Request::Write && !fair && !ticket.is_starved();
        let may_enter = match competes {
            true => request.grant(self.state() - *held, true, RECURSIVE).is_some(),
            false => self.grant(request, *held),
        };
        if !may_enter {
            let has_writer = self.state() & WRITER & !*held != 0;
            let may_be_passed = RECURSIVE || request == Request::Upgradable;
            return if may_be_passed && !has_writer { Served::Passed } else { Served::Nobody };
        }
        if !competes {
            *held = 0;
        }
        // SAFETY: the caller's promise.
        let Some(claim) = (unsafe { line.claim(node) }) else {
            match request {
                Request::Write if competes => {}
                Request::Write => *held = WRITER,
                _ if broken(Mutant::GoneReaderCounted) => {}
                _ => self.take_back(request),
            }
            return Served::Gone;
        };
        if competes {
            return Served::Writer(Some((node, claim)));
        }
        // SAFETY: it was claimed through this node, in this line.
        unsafe { wakes.add(node, claim, HANDED) };
        if request != Request::Write {
            return Served::Entered;
        }
        if broken(Mutant::HandOverUnlocks) {
            *held = WRITER;
        }
        Served::Writer(None)
    }

    /// Lets the upgrader in when there are no readers any more.
    #[cold]
    fn serve_upgrader(&self, line: &WaitList, wakes: &mut Wakes) {
        let mut gone = 0;
        if self.grant(Request::Upgrade, 0) {
            // SAFETY: all nodes in this line have such a ticket.
            let upgrades =
                |node: &Node| unsafe { Ticket::<Request>::of(node) }.request == Request::Upgrade;
            match line.claim_first_that(upgrades) {
                // SAFETY: it was claimed through this node, in this line.
                Some((node, claim)) => unsafe {
                    gone = UPGRADING;
                    wakes.add(node, claim, HANDED);
                },
                // It has given up, and is about to say so.
                None => self.take_back(Request::Upgrade),
            }
        }
        self.give_up(gone, line);
    }

    /// Lets one in whose turn it is, in place of who gives up `held`.
    fn grant(&self, request: Request, held: usize) -> bool {
        let order = if broken(Mutant::GrantRelaxed) { Ordering::Release } else { Ordering::AcqRel };
        // Release: as for `held`; and Acquire, in its place: pairs with the Release of whoever left.
        let granted = self.state.fetch_update(order, Ordering::Relaxed, |state| {
            request.grant(state - held, true, RECURSIVE)
        });
        granted.is_ok()
    }

    /// Somebody was let in that had given up waiting.
    fn take_back(&self, request: Request) {
        let granted = match request {
            Request::Read => READER,
            Request::Upgradable => UPGRADABLE,
            Request::Write => WRITER,
            Request::Upgrade => WRITER - UPGRADABLE,
        };
        // Release: those that `grant` has acquired from are passed on.
        self.state.fetch_sub(granted, Ordering::Release);
    }

    /// Subtracts it, and `WAITERS` if nobody waits any more.
    pub(super) fn give_up(&self, mut sum: usize, line: &WaitList) {
        if line.is_empty() || broken(Mutant::SecondForgotten) {
            sum += self.state() & WAITERS;
        }
        if sum != 0 {
            // Release: pairs with the Acquire of whoever enters next.
            self.state.fetch_sub(sum, Ordering::Release);
        }
    }
}

/// For the mutant's sake.
fn holds_upgrader_back(line: &WaitList) -> bool {
    // SAFETY: it stands in this line.
    let request = |node| unsafe { Ticket::<Request>::of(node) }.request;
    broken(Mutant::UpgraderHeldBack) && line.first().map(request) == Some(Request::Write)
}
