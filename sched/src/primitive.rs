//! The concurrency primitives that the rest of the workspace is built from:
//! std's in a normal build, loom's under `--cfg sward_loom`.
//!
//! `sched`, `chan` and `sync` take atomics, cells, locks, thread-locals and OS
//! threads from here and nowhere else (clippy's `disallowed-types` and `cargo xtask
//! test` keep it so), so that the very source that ships runs under the model checker.
//!
//! The one thing that cannot be modelled from inside is `crossbeam-deque`. Under
//! loom [`deque`] is a stand-in: a locked queue whose `is_empty` is a bare atomic
//! load, as weak as the real one's. What the models prove about the deque is
//! therefore how *we* use it, not crossbeam's code.

mod lock;
#[cfg(sward_loom)]
mod model;
mod mutant;
mod pointer_lock;
#[cfg(not(sward_loom))]
mod real;

#[cfg(sward_loom)]
pub use self::model::*;
pub use self::mutant::Mutant;
#[cfg(not(sward_loom))]
pub use self::real::*;
