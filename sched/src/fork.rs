//! A process that forks while a runtime lives: in the child its workers are gone, and nothing that
//! waits for them would ever return. The child may only replace itself (`exec`) or end (`_exit`);
//! whatever else it asks of sward panics and says so.
//!
//! 1. Workers do not exist in the child. If one of them has forked, the child handler takes
//!    it out of the thread-local, so that its code, too, is that of a plain OS thread there. Hence
//!    it is enough to look where such a thread comes in: [`check`] before it starts, runs, joins
//!    or waits for anything; [`check_return`] where a green thread or a blocking job ends.
//! 2. The flag is seen by the child's only thread, which has set it: `Relaxed`.

use std::sync::Once;
// not modelled: loom has no processes
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::current;
use crate::report::report;

/// Runtimes that have not quite ended.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Whether this process is the child of one that had some when it forked.
static IS_CHILD: AtomicBool = AtomicBool::new(false);

const WHY: &str = "this process was forked from one with a sward runtime, whose workers do not \
                   exist here: it may only `exec` or `_exit`";

/// One per runtime, until it has shut down.
#[derive(Debug)]
pub(crate) struct Alive(());

impl Alive {
    pub(crate) fn new() -> Self {
        static WATCH: Once = Once::new();
        WATCH.call_once(|| {
            // SAFETY: the handler takes no lock and allocates nothing. (If there is no memory
            // for it, forks go unnoticed.)
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

extern "C" fn in_child() {
    if ALIVE.load(Ordering::Relaxed) > 0 {
        IS_CHILD.store(true, Ordering::Relaxed);
        current::set_worker(std::ptr::null());
    }
}

#[inline]
pub(crate) fn is_child() -> bool {
    IS_CHILD.load(Ordering::Relaxed)
}

/// Panics in a forked child.
#[inline]
#[track_caller]
pub(crate) fn check() {
    if is_child() {
        refuse();
    }
}

#[cold]
#[track_caller]
fn refuse() -> ! {
    panic!("{WHY}");
}

/// A green thread, or a job of the blocking pool, has forked, and has come to its end in the child.
#[cold]
pub(crate) fn check_return() {
    if is_child() {
        report(format_args!("sward: {WHY}, but the thread that has forked returns; exiting"));
        // SAFETY: nothing is run or freed.
        unsafe { libc::_exit(101) };
    }
}
