//! What whoever runs keeps for itself, and nobody else touches: a green thread, on its runner
//! (`context.rs`), or an OS thread (`current.rs`).
//!
//! 1. Code with stacks of its own may leave the calls that change this in the wrong order. So nothing
//!    here points to what lies on a stack, and each of them looks up again whose it is when it ends:
//!    there may come a wrong deadline of it, a wrong number of a coroutine, and nothing worse.
//! 2. A green thread begins with a clean one.

use std::cell::Cell;

use crate::cancel::Terms;
use crate::current;
use crate::local::Place;
use crate::thread::Header;

/// Whoever runs, as code sees it that runs in it.
#[derive(Debug)]
pub struct Own {
    pub(crate) terms: Cell<Terms>,
    /// Of its next `timeout`.
    serial: Cell<u32>,
    /// How many calls are under way that a coroutine must not suspend out of.
    scopes: Cell<u32>,
    innermost: Cell<Innermost>,
    pub(crate) locals: Place,
}

impl Own {
    pub(crate) const fn new() -> Self {
        Self {
            terms: Cell::new(Terms::NONE),
            serial: Cell::new(0),
            scopes: Cell::new(0),
            innermost: Cell::new(Innermost::NONE),
            locals: Place::new(),
        }
    }

    /// For a runner: `thread` begins there.
    ///
    /// # Safety
    ///
    /// The caller owns the right to run it.
    #[inline]
    pub(crate) unsafe fn begin(&self, thread: &Header) {
        // (2)
        self.terms.set(Terms::NONE);
        self.scopes.set(0);
        self.innermost.set(Innermost::NONE);
        // SAFETY: the caller's promise.
        unsafe { self.locals.begin(thread) };
    }

    /// A number for its next `timeout`.
    pub(crate) fn next_serial(&self) -> u32 {
        self.serial.replace(self.serial.get().wrapping_add(1))
    }

    /// How many calls are under way that a coroutine must not suspend out of: `scope` and its like,
    /// and `with` of locals.
    #[inline]
    fn depth(&self) -> usize {
        self.scopes.get() as usize + self.locals.under_way()
    }

    /// The coroutine that the code which asks runs in.
    #[inline]
    pub fn innermost(&self) -> Innermost {
        self.innermost.get()
    }

    /// Whether that may suspend here.
    #[inline]
    pub fn may_suspend(&self) -> bool {
        self.depth() == self.innermost.get().depth
    }

    /// The coroutine of that number is resumed. Returns which one was the innermost.
    #[inline]
    pub fn enter(&self, id: u64) -> Innermost {
        self.innermost.replace(Innermost { id, depth: self.depth() })
    }

    /// The innermost suspends, or ends.
    #[inline]
    pub fn leave(&self, outer: Innermost) {
        self.innermost.set(outer);
    }
}

/// A coroutine that runs.
#[derive(Clone, Copy, Debug)]
pub struct Innermost {
    /// Its number; 0: none.
    pub id: u64,
    /// `Own::depth` when it was resumed.
    depth: usize,
}

impl Innermost {
    /// None.
    pub const NONE: Self = Self { id: 0, depth: 0 };
}

/// Users' code is called that must return, or unwind, to its caller before a coroutine suspends
/// beyond it.
#[derive(Debug)]
pub(crate) struct InScope(());

impl InScope {
    pub(crate) fn enter() -> Self {
        current::with_own(|own| own.scopes.set(own.scopes.get() + 1));
        Self(())
    }
}

impl Drop for InScope {
    fn drop(&mut self) {
        // (1)
        current::with_own(|own| own.scopes.set(own.scopes.get().saturating_sub(1)));
    }
}
