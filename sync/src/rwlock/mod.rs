//! Many readers or one writer: [`RwLock`], [`RecursiveRwLock`] and the types that come with them.

mod lock_async;
mod raw;
mod recursive;
mod serve;
mod state;
mod traits;

pub use self::lock_async::{ReadFuture, RwLockAsync, UpgradableReadFuture, WriteFuture};
pub use self::raw::{RawRwLock, RawRwLockRecursive};
pub use self::recursive::{
    ArcRecursiveRwLockReadGuard, ArcRecursiveRwLockUpgradableReadGuard,
    ArcRecursiveRwLockWriteGuard, MappedRecursiveRwLockReadGuard, MappedRecursiveRwLockWriteGuard,
    RecursiveRwLock, RecursiveRwLockReadGuard, RecursiveRwLockUpgradableReadGuard,
    RecursiveRwLockWriteGuard,
};

/// Data that many may read at the same time, or one may write.
///
/// One of the readers may be *upgradable* ([`upgradable_read`](lock_api::RwLock::upgradable_read)):
/// it reads beside others, and becomes the writer when they have left, with nobody in between. A
/// writer may become a reader, or the upgradable one, in the same way.
///
/// Guards may be held across blocking calls, and may be sent to another thread. There is no
/// poisoning: a panic unlocks. All other methods (`try_read`, `try_write_for`, `read_arc`, …) are
/// those of [`lock_api::RwLock`], and those for async code of [`RwLockAsync`].
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::sync::Arc;
/// use sync::RwLock;
///
/// let primes = Arc::new(RwLock::new(vec![2, 3, 5]));
/// let writing = primes.clone();
/// let writer = sward::spawn(move || writing.write().push(7));
/// // Any number of these may go on at the same time.
/// assert_eq!(primes.read()[0], 2);
/// writer.join().unwrap();
/// assert_eq!(*primes.read(), [2, 3, 5, 7]);
/// ```
///
/// # Fairness
///
/// Nobody starves. A reader that comes while a writer waits gets in line behind it, so a thread
/// that reads already and reads *again* may wait for ever: for a writer that waits for it. A
/// [`RecursiveRwLock`] lets it in. When the last plain reader leaves, the first writer in line has
/// the lock. When a writer or the upgradable reader leaves, those that are first in line compete for
/// it with whoever comes by: readers, or one writer, until one has been passed by for half a
/// millisecond.
///
/// # Blocking
///
/// `read`, `write`, `upgradable_read` and `upgrade` park the green thread, or block the OS thread.
///
/// # Cancellation
///
/// None: a thread that is cancelled, or whose time is up, while it waits for a lock gets the lock,
/// and is unwound from its next blocking call. One that is unwound while it holds a lock unlocks
/// it.
///
/// # Panics
///
/// `read` and its kin, when there are more readers than can be counted: some billions, and some
/// ten thousand where pointers have 32 bits. `write` and its kin, when more writers wait than can be
/// counted: 268 million, or 16 thousand.
pub type RwLock<T> = lock_api::RwLock<RawRwLock, T>;

/// The right to read what an [`RwLock`] holds; unlocks when it is dropped.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;

/// The right to write what an [`RwLock`] holds; unlocks when it is dropped.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;

/// The right to read what an [`RwLock`] holds, and to become its writer; unlocks when it is
/// dropped.
///
/// ```
/// # use sward_sync as sync;
/// use sync::rwlock::{RwLock, RwLockUpgradableReadGuard};
///
/// let lock = RwLock::new(vec![1]);
/// let reading = lock.upgradable_read();
/// if !reading.contains(&2) {
///     RwLockUpgradableReadGuard::upgrade(reading).push(2);
/// }
/// assert_eq!(*lock.read(), [1, 2]);
/// ```
pub type RwLockUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRwLock, T>;

/// As [`RwLockReadGuard`], for a part of the data.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;

/// As [`RwLockWriteGuard`], for a part of the data.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

/// As [`RwLockReadGuard`], for a lock in an `Arc`, which it keeps alive.
pub type ArcRwLockReadGuard<T> = lock_api::ArcRwLockReadGuard<RawRwLock, T>;

/// As [`RwLockWriteGuard`], for a lock in an `Arc`, which it keeps alive.
pub type ArcRwLockWriteGuard<T> = lock_api::ArcRwLockWriteGuard<RawRwLock, T>;

/// As [`RwLockUpgradableReadGuard`], for a lock in an `Arc`, which it keeps alive.
pub type ArcRwLockUpgradableReadGuard<T> = lock_api::ArcRwLockUpgradableReadGuard<RawRwLock, T>;
