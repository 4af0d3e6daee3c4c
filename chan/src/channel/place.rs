//! What a waiting side leaves in its place for the other.

use std::mem::MaybeUninit;

use sward_sched::internal::{Node, WaitList, Waiter};
use sward_sched::primitive::UnsafeCell;

/// Room for one value, lent to the other side.
pub(crate) struct Slot<T>(UnsafeCell<MaybeUninit<T>>);

/// All that a waiting side leaves on its stack for the other, and as little beside it as can
/// be: what the other side touches to hand a small value over to another core is one cache
/// line, or two.
#[repr(C, align(64))]
pub(crate) struct Place<T> {
    pub(super) waiter: Waiter,
    pub(super) node: Node,
    pub(super) slot: Slot<T>,
}

impl<T> Place<T> {
    #[inline]
    pub(super) fn new(waiter: Waiter, slot: Slot<T>) -> Self {
        Self { waiter, node: Node::unbound(), slot }
    }

    /// Gets in line.
    ///
    /// # Safety
    ///
    /// As for [`WaitList::push_back`]; the place does not move from here on.
    #[inline]
    pub(super) unsafe fn get_in_line(&self, line: &WaitList) {
        self.node.bind(&self.waiter, self.slot.lend());
        // SAFETY: the caller's promise.
        unsafe { line.push_back(&self.node) };
    }
}

impl<T> Slot<T> {
    pub(crate) fn empty() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    pub(crate) fn full(value: T) -> Self {
        Self(UnsafeCell::new(MaybeUninit::new(value)))
    }

    /// Puts a value into the empty slot.
    pub(crate) fn put(&self, value: T) {
        self.0.with_mut(|slot| {
            // SAFETY: nobody else looks at a slot that is not lent.
            unsafe { (*slot).write(value) };
        });
    }

    pub(crate) fn lend(&self) -> *mut () {
        self.0.with_mut(|slot| slot.cast())
    }

    /// # Safety
    ///
    /// There is a value in it, and the slot is the caller's (`mod.rs`, 2).
    pub(crate) unsafe fn take(&self) -> T {
        // SAFETY: the caller's promise.
        unsafe { self.0.with(|slot| (*slot).assume_init_read()) }
    }
}

/// Takes the value out of the slot of a claimed sender.
///
/// # Safety
///
/// `node` stood in the list of senders of a channel of `T`, is claimed, and does not give later.
pub(super) unsafe fn take_from<T>(node: &Node) -> T {
    // SAFETY: the caller's promise; senders lend a full slot (`mod.rs`, 2).
    unsafe { node.slot().cast::<T>().read() }
}
