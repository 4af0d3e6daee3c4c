//! How a thread comes to its locals, and is rid of them. The numbers are those of `local.rs`.

use std::cell::Cell;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::{self, NonNull};

use super::values::Locals;
use crate::current;
use crate::primitive::UnsafeCell;
use crate::thread::Header;

/// Where the locals of a thread are.
#[derive(Debug)]
pub(crate) struct Place(Cell<*mut Locals>);

impl Place {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(ptr::null_mut()))
    }

    #[inline]
    pub(super) fn get(&self) -> Option<NonNull<Locals>> {
        NonNull::new(self.0.get())
    }

    /// From a box.
    pub(super) fn set(&self, locals: NonNull<Locals>) {
        self.0.set(locals.as_ptr());
    }

    /// For a runner: `thread` begins there, with what it has inherited.
    ///
    /// # Safety
    ///
    /// The caller owns the right to run it.
    #[inline]
    pub(crate) unsafe fn begin(&self, thread: &Header) {
        debug_assert!(self.get().is_none(), "the last thread's locals have ended (6)");
        // SAFETY: the caller's promise.
        if let Some(inherited) = unsafe { thread.take_inherited() } {
            self.0.set(Box::into_raw(inherited));
        }
    }

    /// The thread ends: drops its locals. May block. What is asked for after this is made anew.
    #[inline]
    pub(crate) fn end(&self, of: Option<&Header>) {
        if let Some(locals) = self.get() {
            self.end_with(locals, of);
        }
    }

    #[cold]
    fn end_with(&self, locals: NonNull<Locals>, of: Option<&Header>) {
        // SAFETY: this thread's, which stay until below.
        let are_gone = unsafe { locals.as_ref() }.clear(of);
        self.0.set(ptr::null_mut());
        match are_gone {
            // SAFETY: made from a box, by `begin` of either kind; nobody uses them, or finds them.
            true => drop(unsafe { Box::from_raw(locals.as_ptr()) }),
            false => Locals::stay(locals),
        }
    }
}

/// In a thread-local of each OS thread that has locals.
#[derive(Debug)]
pub(crate) struct EndsWithOsThread;

impl Drop for EndsWithOsThread {
    fn drop(&mut self) {
        // No worker is left in its own OS thread by then, so it is that one's.
        current::with_own(|own| own.locals.end(None));
    }
}

/// What a thread is to begin with: of those that are told so when they are made.
pub(crate) struct Inherited(UnsafeCell<Option<Box<Locals>>>);

// SAFETY: values are `Send`. (A model's cell is not.)
unsafe impl Send for Inherited {}
// SAFETY: only `take` looks into it, for one at a time.
unsafe impl Sync for Inherited {}

// As above.
impl UnwindSafe for Inherited {}
impl RefUnwindSafe for Inherited {}

impl Inherited {
    /// Clones of what is inherited from the current thread: users' code, which may block.
    #[cold]
    pub(crate) fn from_current() -> Self {
        Self(UnsafeCell::new(Locals::inherited()))
    }

    /// Before the task is made.
    pub(crate) fn is_some(&self) -> bool {
        // SAFETY: nobody else has it yet: the task is still to be made.
        self.0.with(|inherited| unsafe { (*inherited).is_some() })
    }

    /// # Safety
    ///
    /// The caller is the only one who may look at it just now.
    pub(crate) unsafe fn take(&self) -> Option<Box<Locals>> {
        // SAFETY: the caller's promise.
        self.0.with_mut(|inherited| unsafe { (*inherited).take() })
    }
}

impl Default for Inherited {
    fn default() -> Self {
        Self(UnsafeCell::new(None))
    }
}

impl fmt::Debug for Inherited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inherited")
    }
}

/// Drops what a thread has inherited that will never run.
pub(crate) fn abandon(inherited: Option<Box<Locals>>, of: &Header) {
    if let Some(locals) = inherited {
        locals.clear(Some(of));
    }
}
