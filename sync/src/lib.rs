//! Locks for [sward](https://docs.rs/sward)'s green threads, with parking_lot's names
//! and semantics. Users depend on `sward` and find them in `sward::sync`.
//!
//! Whoever must wait parks its green thread, or blocks its OS thread; both kinds may
//! use the same lock. Unlike a std mutex, one of these may be held across a blocking
//! call: those that wait for it leave their worker to others meanwhile.

mod acquire;
mod barrier;
pub mod mutex;
mod notify;
mod semaphore;
mod wait_group;

pub use self::barrier::{Barrier, BarrierWaitResult};
#[doc(no_inline)]
pub use self::mutex::{Mutex, MutexAsync, MutexGuard};
pub use self::notify::{NotifiedFuture, Notify};
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

    /// A mutex, made at run time.
    pub fn mutex<T>(value: T) -> Mutex<T> {
        Mutex::from_raw(RawMutex::new(), value)
    }
}
