//! Mutual exclusion: [`Mutex`] and the types that come with it.

mod lock_async;
mod raw;

pub use self::lock_async::{LockFuture, MutexAsync};
pub use self::raw::RawMutex;

/// Data that one thread or task at a time may use.
///
/// A green thread that must wait is parked, an OS thread blocked, and a task that calls
/// [`lock_async`](MutexAsync::lock_async) pends. The guard may be held across blocking calls, and
/// may be sent to another thread. There is no poisoning: a panic unlocks.
///
/// All other methods (`try_lock_for`, `get_mut`, `lock_arc`, …) are those of
/// [`lock_api::Mutex`]. Locking is fair in the long run: those that have been
/// passed by for half a millisecond get the lock handed over.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::sync::Arc;
/// use sync::Mutex;
///
/// static TOTAL: Mutex<u64> = Mutex::new(0);
///
/// let adding: Vec<_> = (1..=10).map(|i| sward::spawn(move || *TOTAL.lock() += i)).collect();
/// adding.into_iter().for_each(|handle| handle.join().unwrap());
/// assert_eq!(*TOTAL.lock(), 55);
/// ```
///
/// # Blocking
///
/// `lock` parks the green thread, or blocks the OS thread. Whoever unlocks wakes the first
/// in line; should that one's worker be busy with a long computation, those behind it wait
/// as well, as they do behind any holder that is slow to go on.
///
/// # Cancellation
///
/// None: a thread that is cancelled, or whose time is up, while it waits for a lock gets the
/// lock, and is unwound from its next blocking call. One that is unwound while it holds a lock
/// unlocks it.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;

/// The right to use what a [`Mutex`] holds; unlocks when it is dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// As [`MutexGuard`], for a part of the data.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// As [`MutexGuard`], for a mutex in an `Arc`, which it keeps alive.
pub type ArcMutexGuard<T> = lock_api::ArcMutexGuard<RawMutex, T>;
