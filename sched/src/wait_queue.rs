//! A wait list with a lock of its own, in one word: what locks are made of, beside a word of state.
//!
//! 1. The word is the list's while it is free; while it is locked the list is in the guard.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::const_fn;
use crate::primitive::{PointerGuard, PointerLock};
use crate::wait_list::{Node, WaitList};

/// First come, first served, behind a lock.
pub struct WaitQueue {
    lock: PointerLock<Node>,
}

// SAFETY: the lock orders all access to the list and its nodes (wait_list.rs, 1).
unsafe impl Send for WaitQueue {}
// SAFETY: as above.
unsafe impl Sync for WaitQueue {}

// Nothing panics while it is locked.
impl UnwindSafe for WaitQueue {}
impl RefUnwindSafe for WaitQueue {}

/// The list, locked. Nothing blocks, or panics, or is users' code before it is dropped.
#[must_use]
pub struct WaitQueueGuard<'a> {
    list: WaitList,
    guard: ManuallyDrop<PointerGuard<'a, Node>>,
}

impl WaitQueue {
    const_fn! {
        /// Nobody waits.
        pub fn new() -> Self {
            Self { lock: PointerLock::new() }
        }
    }

    /// Whether nobody waits of whom the caller knows: whoever got in line before something that
    /// the caller has seen is seen here. Does not lock.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.lock.is_null()
    }

    /// Locks the list.
    #[inline]
    pub fn lock(&self) -> WaitQueueGuard<'_> {
        let guard = self.lock.lock();
        WaitQueueGuard { list: WaitList::from_head(guard.value()), guard: ManuallyDrop::new(guard) }
    }
}

impl Deref for WaitQueueGuard<'_> {
    type Target = WaitList;

    #[inline]
    fn deref(&self) -> &WaitList {
        &self.list
    }
}

impl Drop for WaitQueueGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: it is not touched again.
        let guard = unsafe { ManuallyDrop::take(&mut self.guard) };
        guard.unlock(self.list.head());
    }
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue").field("is_empty", &self.is_empty()).finish()
    }
}

impl fmt::Debug for WaitQueueGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.fmt(f)
    }
}
