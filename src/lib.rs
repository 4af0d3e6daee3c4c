//! sward
#![forbid(unsafe_code)]
pub use sward_chan as chan;
pub use sward_sync as sync;
pub use sward_sched::{
    Builder, DEFAULT_STACK_SIZE, JoinError, JoinHandle, MIN_STACK_SIZE, Runtime, Thread, ThreadId,
    current, park, run, runtime, spawn, time, unblock, yield_now,
};
