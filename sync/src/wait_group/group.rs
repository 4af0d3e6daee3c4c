//! What the members of a group share, and when it goes: counted as `Arc` counts.
//!
//! 1. `members` counts the members, and says in its lowest bit whether anybody ever waited. It is
//!    never added to once there are none: who adds is a member.
//! 2. `references` counts those that wait, and one for all members together. Whoever gives the last
//!    one up frees the group.
//! 3. Who waits takes a reference, and says so, while it is a member. So the last member to
//!    leave knows in that one change of `members` whether anybody ever waited. If not, nobody else
//!    has a reference, and it frees the group at once.
//! 4. Otherwise it closes the line, and gives the members' reference up after that. The
//!    group is alive until then, whatever those that wait do: they may leave by themselves, or find
//!    that nobody is left before they are told. What remains is to wake those that stood
//!    in line: which touches them alone, who stay where they are until they are woken.
//! 5. Who waits looks at `members` and gets in line under one lock. If the last has closed the
//!    line before, that lock says so; and if not, it will.

use std::process;
use std::ptr::NonNull;

use sward_sched::internal::{Reason, WaitList, WaitQueue, Wakes};
use sward_sched::primitive::atomic::{AtomicUsize, Ordering};
use sward_sched::primitive::{Mutant, UnsafeCell, broken};

use crate::acquire::{Acquire, Attempt};

/// In `members`.
const WAITED_FOR: usize = 1;
const MEMBER: usize = 2;

/// More members than this are an accident with `mem::forget`, as for `Arc`.
const MAX_MEMBERS: usize = usize::MAX / 2;

pub(super) struct Group {
    members: AtomicUsize,
    references: AtomicUsize,
    queue: WaitQueue,
    /// Nothing. Models watch whether anybody is still here when it is freed.
    alive: UnsafeCell<()>,
}

// SAFETY: it is made for many threads; there is nothing in `alive`.
unsafe impl Sync for Group {}

/// A member's hold of its group.
pub(super) struct Member(NonNull<Group>);

/// The hold of one who waits.
pub(super) struct Reference(NonNull<Group>);

// SAFETY: a group may be used and freed by any thread (2).
unsafe impl Send for Member {}
// SAFETY: as above.
unsafe impl Sync for Member {}
// SAFETY: as above.
unsafe impl Send for Reference {}
// SAFETY: as above.
unsafe impl Sync for Reference {}

impl Group {
    fn look(&self) {
        self.alive.with(|_| {});
    }

    fn is_over(&self) -> bool {
        let order = match broken(Mutant::MembersLeftRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Acquire,
        };
        // Acquire: pairs with the Release of those that have left.
        self.members.load(order) / MEMBER == 0
    }

    /// # Safety
    ///
    /// `this` is the last that has anything to do with the group.
    unsafe fn free(this: NonNull<Self>) {
        // SAFETY: the caller's promise; it came from a box.
        let group = unsafe { Box::from_raw(this.as_ptr()) };
        group.alive.with_mut(|_| {});
    }

    /// # Safety
    ///
    /// `this` has a reference, which it gives up.
    unsafe fn release(this: NonNull<Self>) {
        // SAFETY: the reference keeps it alive.
        let group = unsafe { this.as_ref() };
        group.look();
        let order = match broken(Mutant::GroupReleasedRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Release,
        };
        // Release: pairs with the Acquire of the last.
        if group.references.fetch_sub(1, order) == 1 {
            // Acquire: pairs with the Release of all others.
            group.references.load(Ordering::Acquire);
            // SAFETY: it was the last (2).
            unsafe { Self::free(this) };
        }
    }
}

impl Member {
    /// Of a group of its own.
    pub(super) fn first() -> Self {
        let group = Group {
            members: AtomicUsize::new(MEMBER),
            references: AtomicUsize::new(1),
            queue: WaitQueue::new(),
            alive: UnsafeCell::new(()),
        };
        Self(NonNull::from(Box::leak(Box::new(group))))
    }

    fn group(&self) -> &Group {
        // SAFETY: (2): there is a member.
        unsafe { self.0.as_ref() }
    }

    pub(super) fn count(&self) -> usize {
        self.group().members.load(Ordering::Relaxed) / MEMBER
    }

    /// Leaves, to wait for the others.
    pub(super) fn leave_and_wait(self) -> Reference {
        // Relaxed: it is had through one that there is (3).
        self.group().references.fetch_add(1, Ordering::Relaxed);
        let reference = Reference(self.0);
        if !broken(Mutant::WaitedForUnsaid) {
            // Relaxed: whoever leaves last sees it, because this one leaves after it.
            self.group().members.fetch_or(WAITED_FOR, Ordering::Relaxed);
        }
        drop(self);
        reference
    }
}

impl Clone for Member {
    fn clone(&self) -> Self {
        // Relaxed: as above.
        if self.group().members.fetch_add(MEMBER, Ordering::Relaxed) > MAX_MEMBERS {
            process::abort();
        }
        Self(self.0)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.group().look();
        // Release: pairs with the Acquire here, and in `is_over`. Acquire: what all members did is seen
        // by those that the last one wakes. (The thread sanitizer sees no fences.)
        let order = match broken(Mutant::GroupFreedBlindly) {
            true => Ordering::Release,
            false => Ordering::AcqRel,
        };
        let before = self.group().members.fetch_sub(MEMBER, order);
        if before / MEMBER != 1 {
            return;
        }
        if before & WAITED_FOR == 0 {
            // SAFETY: (3).
            return unsafe { Group::free(self.0) };
        }
        if broken(Mutant::MembersReferenceGivenUpEarly) {
            // SAFETY: none.
            unsafe { Group::release(self.0) };
        }
        self.group().look();
        let wakes = match broken(Mutant::LastMemberSilent) {
            true => Wakes::none(),
            false => self.group().queue.lock().close(),
        };
        if !broken(Mutant::MembersReferenceGivenUpEarly) {
            // SAFETY: the members' (4).
            unsafe { Group::release(self.0) };
        }
        wakes.wake_all();
    }
}

impl Reference {
    pub(super) fn group(&self) -> &Group {
        // SAFETY: (2).
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: it is this one.
        unsafe { Group::release(self.0) };
    }
}

impl Acquire for Group {
    type Request = ();

    fn reason((): ()) -> &'static Reason {
        static REASON: Reason = Reason::new("wait_group");
        &REASON
    }

    fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn try_take(&self, (): (), _: bool) -> bool {
        self.is_over()
    }

    fn take_or_announce(&self, (): (), _: bool, _: &WaitList) -> Attempt {
        match self.is_over() && !broken(Mutant::EnlistNotRechecked) {
            true => Attempt::Taken,
            false => Attempt::Wait,
        }
    }

    fn leave(&self, (): (), _: &WaitList) -> Wakes {
        Wakes::none()
    }

    fn pass_on(&self, _: &WaitList) -> Wakes {
        Wakes::none()
    }

    fn release(&self, (): ()) {}
}
