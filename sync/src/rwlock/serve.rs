//! Who is let in when somebody leaves, and from where in line.
//!
//! 1. Whoever may enter is let in, from the front of the line: is told to *compete*, as for a mutex,
//!    or is *handed* the lock when it is starved or the other leaves fairly. Nobody is served past a
//!    waiting writer, except where readers are recursive; but those behind an upgradable reader
//!    that must wait for another pass it. (Readers that were handed the lock each time, and still
//!    slept on another worker, kept the next writer waiting, and all others behind it: lock and
//!    workers took turns to sleep.)
//! 2. A writer is handed the lock when the last plain reader leaves: others have been held back for
//!    its sake. Readers that were told, whenever they come, are not held back by those writers that
//!    wait: most stand behind them. So a writer behind such readers need not be told: they see to it
//!    when they leave, or if they do not come. Where readers are recursive, those behind a writer
//!    that is told are, too: it may lose to others, beside whom they might read.
//! 3. An upgrader is always handed it, wherever in line it stands, and before all others: it has
//!    what keeps writers out. (It gets in line at the front; but a writer that was told to compete
//!    and has lost may stand before it.)
//! 4. What is given up goes over in one step, with what the first that is handed the lock gets:
//!    nobody comes in between.
//! 5. One that is let in may have given up waiting at that moment. What it got is taken back, or
//!    goes to the next.

use sward_sched::internal::{Claim, Node, WaitList, Wakes};
use sward_sched::primitive::atomic::Ordering;
use sward_sched::primitive::{Mutant, broken};

use super::RawRwLock;
use super::state::{READER, Request, UPGRADABLE, UPGRADING, WAITERS, WAITING_WRITER, WRITER};
use crate::acquire::{COMPETE, HANDED, Ticket};

/// What was done for one in line.
enum Served {
    LetIn,
    /// It must wait: those behind it are looked at.
    Passed,
    /// It has given up, and is in no line any more. It may have been counted for a moment, and whoever
    /// left in that moment did not look into the line.
    Gone,
    /// Nobody behind it is looked at.
    Last,
}

/// What goes over from who leaves to those in line.
struct Turn {
    /// What is given up; once somebody was handed the lock, nothing.
    held: usize,
    /// Nobody need compete.
    fair: bool,
    /// Somebody was told to compete.
    told: bool,
    /// An upgradable reader was.
    told_upgradable: bool,
    /// The threads that were: to hear of it when the lock is given up.
    later: WaitList,
    wakes: Wakes,
}

impl Turn {
    fn new(held: usize, fair: bool) -> Self {
        let (later, wakes) = (WaitList::new(), Wakes::none());
        Self { held, fair, told: false, told_upgradable: false, later, wakes }
    }

    /// # Safety
    ///
    /// The claim was made through this node, which is in no list now.
    unsafe fn tell(&mut self, node: &Node, claim: Claim) {
        self.told = true;
        // SAFETY: the caller's promise.
        unsafe {
            if node.is_task() {
                // It looks under the queue's lock.
                self.wakes.add(node, claim, COMPETE);
            } else {
                claim.put_aside();
                self.later.push_back(node);
            }
        }
    }
}

impl<const RECURSIVE: bool> RawRwLock<RECURSIVE> {
    /// Gives up `held`, which may be nothing, and lets in whoever may enter then. Nobody need
    /// compete if it is `fair`. Under the queue's lock; the batch is woken after it.
    pub(super) fn serve(&self, line: &WaitList, held: usize, fair: bool) -> Wakes {
        let mut turn = Turn::new(held, fair);
        if self.state() & UPGRADING != 0 && !holds_upgrader_back(line) {
            debug_assert_eq!(held, 0, "the upgrader has all that can be given up");
            self.serve_upgrader(line, &mut turn.wakes);
            return turn.wakes;
        }
        let mut at = line.first();
        while let Some(node) = at {
            // SAFETY: it is in this line.
            at = unsafe { line.behind(node) };
            // SAFETY: as above.
            match unsafe { self.serve_one(line, node, &mut turn) } {
                Served::LetIn if broken(Mutant::OneReaderServed) => break,
                Served::LetIn | Served::Passed => {}
                Served::Gone if broken(Mutant::PassedNotServedAgain) => {}
                Served::Gone => at = line.first(),
                Served::Last => break,
            }
        }
        self.give_up(turn.held, line);
        while let Some((node, claim)) = turn.later.claim_first_or_resume() {
            // SAFETY: it was claimed through this node.
            unsafe { turn.wakes.add(node, claim, COMPETE) };
        }
        turn.wakes
    }

    /// # Safety
    ///
    /// `node` is in this line.
    unsafe fn serve_one(&self, line: &WaitList, node: &Node, turn: &mut Turn) -> Served {
        // SAFETY: the caller's promise.
        let ticket = unsafe { Ticket::<Request>::of(node) };
        let request = ticket.request;
        let competes = !turn.fair && !ticket.is_starved();
        let may_enter = match request {
            Request::Write if turn.told => false,
            Request::Upgradable if turn.told_upgradable => false,
            _ if competes => request.grant(self.state() - turn.held, true, RECURSIVE).is_some(),
            _ => self.grant(request, turn.held),
        };
        if !may_enter {
            let has_writer = self.state() & WRITER & !turn.held != 0;
            let may_be_passed = RECURSIVE || request == Request::Upgradable;
            return if may_be_passed && !has_writer { Served::Passed } else { Served::Last };
        }
        if !competes {
            turn.held = 0;
        }
        // SAFETY: the caller's promise.
        let Some(claim) = (unsafe { line.claim(node) }) else {
            match request {
                _ if competes => {}
                Request::Write => turn.held = WRITER,
                _ if broken(Mutant::GoneReaderCounted) => {}
                _ => self.take_back(request),
            }
            return Served::Gone;
        };
        // SAFETY: it was claimed through this node, in this line.
        unsafe {
            match competes {
                true => turn.tell(node, claim),
                false => {
                    if request != Request::Read {
                        // Until it runs, and says so.
                        self.forget_owner();
                    }
                    turn.wakes.add(node, claim, HANDED);
                }
            }
        }
        if request == Request::Write {
            if !competes && broken(Mutant::HandOverUnlocks) {
                turn.held = WRITER;
            }
            // Counted no more, together with what is given up; that is small, and this the upper
            // half.
            turn.held += WAITING_WRITER;
            let may_lose_to_readers = RECURSIVE && competes && !broken(Mutant::WriterToldAlone);
            return if may_lose_to_readers { Served::LetIn } else { Served::Last };
        }
        turn.told_upgradable |= competes && request == Request::Upgradable;
        Served::LetIn
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
