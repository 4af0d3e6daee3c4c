//! What whoever runs keeps for itself, and nobody else touches: a green thread, on its runner
//! (`context.rs`), or an OS thread (`current.rs`).
//!
//! 1. Code with stacks of its own may leave the calls that change this in the wrong order. So nothing
//!    here points to what lies on a stack, and each of them looks up again whose it is when it ends:
//!    there may come a wrong deadline of it, and nothing worse.

use std::cell::Cell;

use crate::cancel::Terms;
use crate::local::Place;
use crate::stack::Plain;
use crate::thread::Header;

/// Whoever runs, as code sees it that runs in it.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) terms: Cell<Terms>,
    /// Of its next `timeout`.
    serial: Cell<u32>,
    pub(crate) locals: Place,
    /// Its stack.
    pub(crate) plain: Plain,
}

impl Own {
    pub(crate) const fn new(plain: Plain) -> Self {
        Self { terms: Cell::new(Terms::NONE), serial: Cell::new(0), locals: Place::new(), plain }
    }

    /// For a runner: `thread` begins there.
    ///
    /// # Safety
    ///
    /// The caller owns the right to run it.
    #[inline]
    pub(crate) unsafe fn begin(&self, thread: &Header) {
        self.terms.set(Terms::NONE);
        // SAFETY: the caller's promise.
        unsafe { self.locals.begin(thread) };
    }

    /// A number for its next `timeout`.
    pub(crate) fn next_serial(&self) -> u32 {
        self.serial.replace(self.serial.get().wrapping_add(1))
    }
}
