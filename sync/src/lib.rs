//! Locks for [sward](https://docs.rs/sward)'s green threads, with parking_lot's names
//! and semantics. Users depend on `sward` and find them in `sward::sync`.
//!
//! Whoever must wait parks its green thread, or blocks its OS thread; both kinds may
//! use the same lock. Unlike a std mutex, one of these may be held across a blocking
//! call: those that wait for it leave their worker to others meanwhile.

mod acquire;
mod barrier;
pub mod condvar;
mod lazy_lock;
pub mod mutex;
mod notify;
mod once;
mod once_lock;
mod owner;
pub mod reentrant_mutex;
pub mod rwlock;
mod semaphore;
mod wait_group;

pub use self::barrier::{Barrier, BarrierWaitResult};
#[doc(no_inline)]
pub use self::condvar::{Condvar, WaitTimeoutResult};
pub use self::lazy_lock::LazyLock;
#[doc(no_inline)]
pub use self::mutex::{Mutex, MutexAsync, MutexGuard};
pub use self::notify::{NotifiedFuture, Notify};
pub use self::once::{Once, OnceState};
pub use self::once_lock::OnceLock;
#[doc(no_inline)]
pub use self::reentrant_mutex::{ReentrantMutex, ReentrantMutexGuard};
#[doc(no_inline)]
pub use self::rwlock::{
    RecursiveRwLock, RwLock, RwLockAsync, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard,
};
pub use self::semaphore::{
    AcquireError, AcquireTimeoutError, OwnedSemaphorePermit, Semaphore, SemaphorePermit,
    TryAcquireError,
};
pub use self::wait_group::WaitGroup;

/// What the models look at. Not for users.
#[cfg(sward_loom)]
#[doc(hidden)]
pub mod internal {
    use crate::mutex::{Mutex, RawMutex};
    use crate::rwlock::{RawRwLock, RawRwLockRecursive, RecursiveRwLock, RwLock};

    /// A mutex, made at run time.
    pub fn mutex<T>(value: T) -> Mutex<T> {
        Mutex::from_raw(RawMutex::new(), value)
    }

    /// A lock for readers and writers, made at run time.
    pub fn rwlock<T>(value: T) -> RwLock<T> {
        RwLock::from_raw(RawRwLock::new(), value)
    }

    /// One whose readers do not wait behind writers that wait.
    pub fn recursive_rwlock<T>(value: T) -> RecursiveRwLock<T> {
        RecursiveRwLock::from_raw(RawRwLockRecursive::new(), value)
    }
}
