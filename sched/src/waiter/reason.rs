//! Why a thread waits, for those who ask: a [dump](crate::dump()).

use std::fmt;

use crate::dump::Wait;

/// Why a thread waits, and what can be told of the thing that it waits for.
#[derive(Clone, Copy)]
pub struct Reason {
    /// In one word: part of the format of dumps.
    pub(crate) kind: &'static str,
    look: unsafe fn(*const (), &mut Wait),
}

impl Reason {
    /// One of which there is nothing else to tell.
    pub const fn new(kind: &'static str) -> Self {
        Self { kind, look: |_, _| () }
    }

    /// One of whose object `look` can tell more. It runs on another OS thread, or on the worker that the
    /// waiting thread is on, between two turns: it must not block, panic, or run users' code.
    ///
    /// # Safety
    ///
    /// Whoever waits for this reason ([`Waiter::about`](super::Waiter::about)) names an object that
    /// `look` may be called with, on any OS thread, until the wait has returned.
    pub const unsafe fn with(kind: &'static str, look: unsafe fn(*const (), &mut Wait)) -> Self {
        Self { kind, look }
    }

    /// What there is to tell.
    ///
    /// # Safety
    ///
    /// `object` is that of a wait for this reason, which has not returned.
    pub(crate) unsafe fn look(&self, object: *const ()) -> Wait {
        let mut wait = Wait::new(self.kind, object);
        // SAFETY: the caller's promise, and that of whoever made this.
        unsafe { (self.look)(object, &mut wait) };
        wait
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reason").field(&self.kind).finish()
    }
}
