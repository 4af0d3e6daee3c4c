//! A mutex that its holder may lock again: [`ReentrantMutex`].
//!
//! 1. Who holds it is known by a number that belongs to one thread, green or not, and is never
//!    given to another one: neither to the next green thread on the same stack, nor to the next OS
//!    thread with the same thread-locals. So a guard that is forgotten lets nobody in but its
//!    thread; once that has ended, nobody.
//! 2. A green thread keeps its number wherever it goes. What moves without being a migrating thread
//!    (`Receiver::for_each`) moves by ending one thread and starting another.

use std::num::NonZeroUsize;

use lock_api::GetThreadId;
use sward_sched::internal::identity;

use crate::mutex::RawMutex;

/// A [`Mutex`](crate::Mutex) that the thread which has it may lock again, as often as it likes; it
/// is unlocked with the last guard. Since there may be several guards they only give shared access:
/// the data is often a `Cell` or `RefCell`.
///
/// It belongs to the green thread, on whichever OS thread that runs, or to the OS thread where no
/// green one does. So guards cannot be sent to another thread. Nor is there a form for async code: a
/// task has no identity by which it could be known, and its executor's thread runs others.
///
/// All other methods (`try_lock`, `is_owned_by_current_thread`, `lock_arc`, …) are those of
/// [`lock_api::ReentrantMutex`].
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::cell::Cell;
/// use std::sync::Arc;
/// use sync::ReentrantMutex;
///
/// fn add(total: &ReentrantMutex<Cell<u32>>, amount: u32) {
///     let total = total.lock();
///     total.set(total.get() + amount);
/// }
///
/// let total = Arc::new(ReentrantMutex::new(Cell::new(0)));
/// let inner = total.clone();
/// let adding = sward::spawn(move || {
///     // Nobody sees one without the other.
///     let _both = inner.lock();
///     add(&inner, 2);
///     add(&inner, 3);
/// });
/// adding.join().unwrap();
/// assert_eq!(total.lock().get(), 5);
/// ```
///
/// # Blocking
///
/// As for [`Mutex`](crate::Mutex), unless the thread has it already: then it never blocks.
///
/// # Cancellation
///
/// None, as for [`Mutex`](crate::Mutex).
pub type ReentrantMutex<T> = lock_api::ReentrantMutex<RawMutex, RawThreadId, T>;

/// The right to look at what a [`ReentrantMutex`] holds; the last one of a thread unlocks when it
/// is dropped.
pub type ReentrantMutexGuard<'a, T> = lock_api::ReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// As [`ReentrantMutexGuard`], for a part of the data.
pub type MappedReentrantMutexGuard<'a, T> =
    lock_api::MappedReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// As [`ReentrantMutexGuard`], for a mutex in an `Arc`, which it keeps alive.
pub type ArcReentrantMutexGuard<T> = lock_api::ArcReentrantMutexGuard<RawMutex, RawThreadId, T>;

/// Tells threads apart, green ones and others.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use lock_api::GetThreadId;
/// use sync::reentrant_mutex::RawThreadId;
///
/// let here = RawThreadId.nonzero_thread_id();
/// let there = sward::spawn(|| RawThreadId.nonzero_thread_id()).join().unwrap();
/// assert_ne!(here, there);
/// assert_eq!(here, RawThreadId.nonzero_thread_id());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RawThreadId;

// SAFETY: (1).
unsafe impl GetThreadId for RawThreadId {
    const INIT: Self = Self;

    /// # Panics
    ///
    /// Where pointers have 32 bits, when there have been more threads than fit.
    #[inline]
    fn nonzero_thread_id(&self) -> NonZeroUsize {
        identity().try_into().expect("more threads were numbered than fit into a pointer")
    }
}
