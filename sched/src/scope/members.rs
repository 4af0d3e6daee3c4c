//! Who is in a scope: [`Members`], which their owner waits for. The numbers are those of `scope.rs`.

use std::mem;
use std::ptr::{self, NonNull};
use std::time::Instant;

use crate::error::JoinError;
use crate::primitive::atomic::{AtomicUsize, Ordering};
use crate::primitive::{Mutant, Mutex, Presence, UnsafeCell, broken, relax};
use crate::report::report;
use crate::thread::{RawTask, drop_quietly_with};
use crate::waiter::{Outcome, Reason, Waiter};

/// The owner waits.
const WAITS: usize = 1;
/// The last member will not touch the scope any more.
const SERVED: usize = 2;
/// One that has not left.
const MEMBER: usize = 4;

/// So many references are kept before it is looked which of them are needed.
const ROOM: usize = 64;

/// Who has not left a scope, and what came of those who did.
#[derive(Debug)]
pub(crate) struct Members {
    state: AtomicUsize,
    /// The owner's waiter, while it waits.
    owner: UnsafeCell<*const Waiter>,
    /// How many have failed, and nobody has heard of it.
    unheard: AtomicUsize,
    /// How many have ended with their runtime, and nobody has heard of it.
    cut_short: AtomicUsize,
    rest: Mutex<Rest>,
    presence: Presence,
}

// SAFETY: `owner` is written before the step that announces it, and read by the last member after
// it has seen that (3).
unsafe impl Sync for Members {}

#[derive(Debug)]
struct Rest {
    threads: Vec<RawTask>,
    room: usize,
    is_cancelled: bool,
    /// The first failure that nobody will be told of but the owner.
    failure: Option<JoinError>,
    /// The first that ended with its runtime, of those that nobody asks.
    shut_down: Option<JoinError>,
}

impl Members {
    pub(crate) fn new() -> Self {
        let rest = Rest {
            threads: Vec::new(),
            room: ROOM,
            is_cancelled: false,
            failure: None,
            shut_down: None,
        };
        Self {
            state: AtomicUsize::new(0),
            owner: UnsafeCell::new(ptr::null()),
            unheard: AtomicUsize::new(0),
            cut_short: AtomicUsize::new(0),
            rest: Mutex::new(rest),
            presence: Presence::new(),
        }
    }

    /// One more. By the owner, or by a member.
    pub(crate) fn enter(&self) {
        // Relaxed: the caller keeps the owner from leaving.
        self.state.fetch_add(MEMBER, Ordering::Relaxed);
    }

    /// One less.
    ///
    /// # Safety
    ///
    /// It has been counted; nothing of it is left but what its handle has.
    pub(crate) unsafe fn leave(this: NonNull<Self>) {
        // SAFETY: the owner has yet to see this member leave (2).
        let members = unsafe { this.as_ref() };
        let order =
            if broken(Mutant::MemberLeavesRelaxed) { Ordering::Relaxed } else { Ordering::AcqRel };
        // Release: pairs with the Acquire of the owner, who sees what the member did. Acquire: pairs
        // with the Release in `wait`: the waiter is seen here; and with the other members', whose
        // traces the last one passes on.
        let before = members.state.fetch_sub(MEMBER, order);
        if before != MEMBER | WAITS {
            return;
        }
        // (3)
        members.presence.check();
        let owner = members.owner.with(|owner| {
            // SAFETY: it was announced.
            unsafe { *owner }
        });
        let owner = NonNull::new(owner.cast_mut()).expect("a waiter is set before it is announced");
        // SAFETY: it stays until it is woken, or served.
        match unsafe { Waiter::claim(owner) } {
            Some(claim) => claim.done(0).wake(),
            None if broken(Mutant::OwnerNotServed) => {}
            None => {
                // Release: pairs with the Acquire in `wait`.
                members.state.fetch_or(SERVED, Ordering::Release);
            }
        }
    }

    /// Waits until all have left. `false`: the wait has ended otherwise, and some have not.
    pub(crate) fn wait(&self, waiter: &Waiter, deadline: Option<Instant>) -> bool {
        static SCOPE: Reason = Reason::new("scope");
        waiter.is_about(&SCOPE, self);
        self.owner.with_mut(|owner| {
            // SAFETY: nobody reads it before it is announced.
            unsafe { *owner = waiter }
        });
        let announced = if broken(Mutant::OwnerUnannounced) { 0 } else { WAITS };
        // Release: pairs with the Acquire of the last member. Acquire: pairs with the Release of all.
        if self.state.fetch_or(announced, Ordering::AcqRel) < MEMBER {
            return true;
        }
        if matches!(waiter.wait(deadline), Outcome::Done(_)) {
            return true;
        }
        // Acquire: as above.
        if self.state.fetch_and(!WAITS, Ordering::AcqRel) >= MEMBER {
            return false;
        }
        // The last has seen that there is somebody to wake, and is between two instructions.
        let mut round = 0;
        // Acquire: pairs with the Release in `leave`.
        while self.state.load(Ordering::Acquire) & SERVED == 0 && !broken(Mutant::OwnerNotServed) {
            relax(&mut round);
        }
        true
    }

    /// Waits until all have left, whatever happens. `true`: the owner was told to unwind meanwhile,
    /// and `on_told` has told the members.
    pub(crate) fn wait_for_all(&self, on_told: impl FnOnce()) -> bool {
        // Acquire: as in `wait`.
        if self.state.load(Ordering::Acquire) < MEMBER || self.wait(&Waiter::new(), None) {
            return false;
        }
        on_told();
        while !self.wait(&Waiter::uncancellable(), None) {}
        true
    }

    /// Takes note of a member's thread.
    pub(crate) fn add(&self, thread: RawTask) {
        let mut rest = self.rest.lock();
        if rest.is_cancelled && !broken(Mutant::MemberAddedUncancelled) {
            drop(rest);
            return thread.cancel();
        }
        let mut finished = Vec::new();
        if rest.threads.len() >= rest.room {
            let of_use = |thread: &mut RawTask| thread.header().completion.is_finished();
            finished = rest.threads.extract_if(.., of_use).collect();
            rest.room = (rest.threads.len() * 2).max(ROOM);
        }
        rest.threads.push(thread);
        drop(rest);
        drop(finished);
    }

    /// How many have not left, for all that is known.
    pub(crate) fn unfinished(&self) -> usize {
        // Relaxed: a hint.
        self.state.load(Ordering::Relaxed) / MEMBER
    }

    /// Tells all members to end, those to come, too.
    pub(crate) fn cancel(&self) {
        let mut rest = self.rest.lock();
        rest.is_cancelled = true;
        let threads = mem::take(&mut rest.threads);
        drop(rest);
        threads.iter().for_each(RawTask::cancel);
    }

    /// A member has ended so.
    pub(crate) fn note_failure(&self, error: &JoinError) {
        // Relaxed: the owner looks when the member has left.
        if let Some(count) = self.count_of(error) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Somebody has been told.
    pub(crate) fn forget_failure(&self, error: &JoinError) {
        // Relaxed: as above.
        if let Some(count) = self.count_of(error) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Where it is counted. One that was cancelled has ended as it was asked to.
    fn count_of(&self, error: &JoinError) -> Option<&AtomicUsize> {
        match error.is_cancelled() {
            false => Some(&self.unheard),
            true => error.is_shutdown().then_some(&self.cut_short),
        }
    }

    /// Nobody will ask how a member has ended.
    pub(crate) fn keep_failure(&self, error: JoinError) {
        if error.is_cancelled() && !error.is_shutdown() {
            return;
        }
        let mut rest = self.rest.lock();
        let place = if error.is_shutdown() { &mut rest.shut_down } else { &mut rest.failure };
        if place.is_none() {
            *place = Some(error);
            return;
        }
        drop(rest);
        drop_quietly_with(|| drop(error));
    }

    /// Why a member has no result, when all have left: the first that panicked or could not start,
    /// or else the first that was cut short.
    pub(crate) fn take_failure(&self) -> Option<JoinError> {
        let mut rest = self.rest.lock();
        let (failure, shut_down) = (rest.failure.take(), rest.shut_down.take());
        failure.or(shut_down)
    }

    /// Goes on with a member's panic that nobody has heard of.
    pub(crate) fn raise_failure(&self) {
        // Relaxed: all have left.
        if self.unheard.load(Ordering::Relaxed) == 0 {
            return;
        }
        match self.rest.lock().failure.take() {
            Some(error) => error.resume(),
            None => panic!("a thread of this scope failed, and its handle was leaked"),
        }
    }

    /// Panics if a member has done nothing, or half of it, that nobody had cancelled.
    pub(crate) fn raise_cut_short(&self) {
        // Relaxed: as above.
        let count = self.cut_short.load(Ordering::Relaxed);
        assert!(
            count == 0,
            "{count} of this scope's threads have no result: their runtime was shut down"
        );
    }

    pub(crate) fn forget_failures(&self) {
        let failure = self.rest.lock().failure.take();
        drop_quietly_with(|| drop(failure));
    }
}

/// Members are about to lose what they borrow: something has unwound that never does.
pub(crate) struct Stays<'a>(pub(crate) &'a Members);

impl Drop for Stays<'_> {
    fn drop(&mut self) {
        // Relaxed: the owner has waited.
        if self.0.state.load(Ordering::Relaxed) >= MEMBER {
            report(format_args!("sward: a scope ended before its threads: the process is aborted"));
            std::process::abort();
        }
    }
}

/// A scope whose members are a model's threads.
#[cfg(sward_loom)]
#[derive(Debug)]
#[repr(transparent)]
pub struct ModelScope(Members);

#[cfg(sward_loom)]
impl ModelScope {
    /// With so many members.
    pub fn of(members: usize) -> Self {
        let scope = Self(Members::new());
        (0..members).for_each(|_| scope.0.enter());
        scope
    }

    /// A member leaves.
    ///
    /// # Safety
    ///
    /// It is one, and has not left; the scope is there until all have.
    pub unsafe fn leave(this: *const Self) {
        let members = NonNull::new(this.cast_mut()).expect("a scope");
        // SAFETY: the caller's promise. It is all that there is in it.
        unsafe { Members::leave(members.cast()) };
    }

    /// The owner waits until all have left, or for as long.
    pub fn wait(&self, deadline: Option<Instant>) -> bool {
        self.0.wait(&Waiter::new(), deadline)
    }
}

#[cfg(all(test, not(sward_loom)))]
mod tests {
    use super::*;
    use crate::scope::scope;

    #[test]
    fn the_list_of_members_is_as_long_as_need_be() {
        scope(|s| {
            let len = || s.members.rest.lock().threads.len();
            for _ in 0..10 * ROOM {
                s.spawn(|| ()).join().unwrap();
                assert!(len() <= ROOM);
            }
            for _ in 0..10 * ROOM {
                drop(s.spawn(|| ()));
                while s.members.unfinished() > 0 {
                    crate::yield_now();
                }
                assert!(len() <= ROOM);
            }
            let parked: Vec<_> = (0..2 * ROOM).map(|_| s.spawn(crate::park)).collect();
            for _ in 0..10 * ROOM {
                s.spawn(|| ()).join().unwrap();
                assert!((2 * ROOM..=4 * ROOM).contains(&len()));
            }
            parked.iter().for_each(|parked| parked.thread().unpark());
        });
    }
}
