//! `mem::forget` of everything: guards, handles, futures, operations, runtimes. What it strands is
//! what the docs say; the object goes on, so do its neighbours, and the memory may be used again.
//!
//! Here is what no test of its own kind forgets already. `cargo xtask sanitize address` runs it, too.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
#[path = "../../chan/tests/tasks/mod.rs"]
mod tasks;

mod channels;
mod coroutines;
mod frames;
mod lines;
mod locks;
mod selects;
mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Long enough for a wait that is in vain.
const SHORT: Duration = Duration::from_millis(2);

/// Counts what is dropped.
#[derive(Clone, Default)]
struct Drops(Arc<AtomicUsize>);

struct Counted(Arc<AtomicUsize>);

impl Drops {
    fn counted(&self) -> Counted {
        Counted(self.0.clone())
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
