//! [`RecursiveRwLock`]: readers do not wait behind writers that wait.

use super::RawRwLockRecursive;

/// An [`RwLock`](super::RwLock) that a thread may read while it reads already.
///
/// A reader waits only for a writer that has the lock, not for one that waits for it; so writers
/// may starve where there are always readers. The rest is as it is there.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::sync::Arc;
/// use sync::RecursiveRwLock;
///
/// let lock = Arc::new(RecursiveRwLock::new(5));
/// let first = lock.read();
/// let inner = lock.clone();
/// let writer = sward::spawn(move || *inner.write() += 1);
/// // Whether or not the writer waits already.
/// let second = lock.read();
/// assert_eq!(*first, *second);
/// drop((first, second));
/// writer.join().unwrap();
/// ```
pub type RecursiveRwLock<T> = lock_api::RwLock<RawRwLockRecursive, T>;

/// The right to read what a [`RecursiveRwLock`] holds; unlocks when it is dropped.
pub type RecursiveRwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLockRecursive, T>;

/// The right to write what a [`RecursiveRwLock`] holds; unlocks when it is dropped.
pub type RecursiveRwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLockRecursive, T>;

/// The right to read what a [`RecursiveRwLock`] holds, and to become its writer.
pub type RecursiveRwLockUpgradableReadGuard<'a, T> =
    lock_api::RwLockUpgradableReadGuard<'a, RawRwLockRecursive, T>;

/// As [`RecursiveRwLockReadGuard`], for a part of the data.
pub type MappedRecursiveRwLockReadGuard<'a, T> =
    lock_api::MappedRwLockReadGuard<'a, RawRwLockRecursive, T>;

/// As [`RecursiveRwLockWriteGuard`], for a part of the data.
pub type MappedRecursiveRwLockWriteGuard<'a, T> =
    lock_api::MappedRwLockWriteGuard<'a, RawRwLockRecursive, T>;

/// As [`RecursiveRwLockReadGuard`], for a lock in an `Arc`, which it keeps alive.
pub type ArcRecursiveRwLockReadGuard<T> = lock_api::ArcRwLockReadGuard<RawRwLockRecursive, T>;

/// As [`RecursiveRwLockWriteGuard`], for a lock in an `Arc`, which it keeps alive.
pub type ArcRecursiveRwLockWriteGuard<T> = lock_api::ArcRwLockWriteGuard<RawRwLockRecursive, T>;

/// As [`RecursiveRwLockUpgradableReadGuard`], for a lock in an `Arc`, which it keeps alive.
pub type ArcRecursiveRwLockUpgradableReadGuard<T> =
    lock_api::ArcRwLockUpgradableReadGuard<RawRwLockRecursive, T>;
