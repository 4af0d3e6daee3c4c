//! What the benches share.

use sward::{Runtime, runtime::Builder};

/// One worker: what is measured here is our own work, not the machine's cache lines.
pub(crate) fn one_worker() -> Runtime {
    Builder::new().workers(1).build().unwrap()
}
