//! The scheduler under [sward](https://docs.rs/sward): stackful green threads on
//! work-stealing workers, and the one primitive by which everything waits.
//!
//! Users depend on `sward`, which re-exports what is public here. The sibling crates
//! build channels and locks from [`internal`].

mod affinity;
mod arms;
mod block_on;
mod builder;
mod cancel;
mod cancel_token;
mod context;
mod current;
mod deadlock;
mod dedicated;
mod driver;
pub mod dump;
mod error;
mod fork;
mod group;
mod join;
mod join_future;
mod launch;
mod local;
mod macros;
mod metrics;
mod monitor;
mod os_parker;
mod own;
mod park;
#[doc(hidden)]
pub mod primitive;
mod refused;
mod report;
pub mod runtime;
mod scope;
mod setup;
mod sigquit;
mod spans;
mod spawn;
mod stack;
mod thread;
pub mod time;
mod timer;
mod unblock;
mod unwinding;
mod wait_list;
mod wait_queue;
mod waiter;
mod worker;

pub use self::block_on::block_on;
pub use self::builder::Builder;
pub use self::cancel::uncancellable;
pub use self::cancel_token::{CancelFuture, CancelGuard, CancelToken};
pub use self::dump::dump;
pub use self::error::JoinError;
pub use self::group::{Group, GroupError, TaskGroup, race};
pub use self::join::{JoinHandle, LocalJoinHandle};
pub use self::join_future::JoinFuture;
pub use self::local::{AccessError, LocalKey};
pub use self::metrics::{Metrics, WorkerMetrics, metrics};
pub use self::park::{checkpoint, park, yield_now};
pub use self::runtime::Runtime;
pub use self::scope::{Scope, ScopedJoinHandle, scope};
pub use self::spawn::{run, spawn, spawn_local};
pub use self::stack::{DEFAULT_STACK_SIZE, MIN_STACK_SIZE, stack_usage};
pub use self::thread::{Thread, ThreadId, current};
pub use self::unblock::{block_in_place, unblock};
pub use self::worker::{Placement, Priority};

/// What channels and locks are built from. Not for users: it may change at any time,
/// and its contracts are not all checked.
#[doc(hidden)]
pub mod internal {
    pub use crate::arms::{JoinArm, TimerArm, TokenArm};
    pub use crate::cancel::raise as raise_cancel;
    pub use crate::current::{charge, identity, random, runs_as};
    #[cfg(sward_loom)]
    pub use crate::group::{ModelChild, ModelGroup};
    pub use crate::group::{joined, race_in, unfailing, value_into};
    pub use crate::launch::Home;
    pub use crate::park::{give_way, hesitate, may_hesitate};
    pub use crate::report::report;
    #[cfg(sward_loom)]
    pub use crate::scope::ModelScope;
    pub use crate::scope::value_of;
    pub use crate::stack::{NoStack, Stack, Top, refuse_marks as refuse_guard_marks};
    pub use crate::thread::drop_quietly_with;
    pub use crate::unwinding::PanicsAside;
    pub use crate::wait_list::{Node, WaitList, Wakes};
    pub use crate::wait_queue::{WaitQueue, WaitQueueGuard};
    pub use crate::waiter::{
        Claim, Outcome, OwnWaker, Reason, TaskWaiter, Waiter, Wake, wake_task,
    };
    pub use crate::worker::Idle;
    #[cfg(sward_loom)]
    pub use crate::worker::model;
}
