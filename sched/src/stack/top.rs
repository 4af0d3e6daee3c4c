//! What lies at the top of each stack, above where it begins: whose coroutine's it is, if it is one's.
//! There code that runs on the stack finds it, by the stack pointer alone.
//!
//! So a coroutine that is entered or left tells nobody, and no thread has to know which are under way in
//! it. A yielder knows its own stack, and asks whether it is called there ([`Top::may_leave`]). A call
//! that a coroutine must not suspend out of ([`InScope`]) looks for the stack that it is on, and closes
//! it meanwhile.
//!
//! 1. The memory above a stack is zero when the stack is new: there is no coroutine. A coroutine writes it
//!    when it takes the stack, and clears it before it gives it back.
//! 2. The stack that code runs on stays where it is, and so does its top.
//! 3. A stack that is none of ours (that of an OS thread, or of other libraries' coroutines) has no top.
//!    It is known by its absence from the registry. What was learned of that is kept, for the 64 KiB around
//!    ([`Plain`]); should other stacks be mapped there later, a coroutine may be allowed to suspend where
//!    it should not, and nothing worse.

use std::cell::Cell;
use std::ptr;

use super::{Extent, registry};
use crate::current;

/// At the top of a stack.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Top {
    /// Of the coroutine; 0: it is no coroutine's.
    id: Cell<u64>,
    /// The lowest address of the stack.
    low: Cell<usize>,
    /// How many bytes from there on are the stack, if it may be left; 0: it may not.
    open: Cell<usize>,
    /// How many calls are under way that the coroutine must not suspend out of.
    scopes: Cell<usize>,
}

impl Top {
    /// The stack below becomes that of the coroutine with this number.
    #[inline]
    pub(super) fn begin(&self, id: u64, low: usize) {
        self.id.set(id);
        self.low.set(low);
        self.open.set(self.span());
        self.scopes.set(0);
    }

    /// The coroutine is over.
    #[inline]
    pub(super) fn end(&self) {
        self.id.set(0);
    }

    #[inline]
    fn span(&self) -> usize {
        ptr::from_ref(self).addr() - self.low.get()
    }

    /// The number of the coroutine.
    #[inline]
    pub fn id(&self) -> u64 {
        self.id.get()
    }

    /// Whether the code that asks runs on the stack.
    #[inline(always)]
    pub fn is_here(&self) -> bool {
        stack_pointer().wrapping_sub(self.low.get()) < self.span()
    }

    /// Whether the code that asks runs on the stack, and not in a scope that it has entered there.
    #[inline(always)]
    pub fn may_leave(&self) -> bool {
        stack_pointer().wrapping_sub(self.low.get()) < self.open.get()
    }

    /// Calls `f` with that of the coroutine that the code which asks runs in.
    pub fn with_current<R>(f: impl FnOnce(Option<&Self>) -> R) -> R {
        let here = stack_pointer();
        if current::with_own(|own| own.plain.has(here)) {
            return f(None);
        }
        // SAFETY: the code runs on a stack that has it (2).
        let top = registry::find(here).map(|extent| unsafe { &*extent.top_record() });
        if top.is_none() {
            current::with_own(|own| own.plain.learn(here));
        }
        f(top.filter(|top| top.id.get() != 0))
    }
}

impl Extent {
    /// See [`Top`].
    #[inline]
    pub(crate) fn top_record(self) -> *const Top {
        ptr::with_exposed_provenance(self.base())
    }
}

/// Where the stack pointer is.
#[inline(always)]
fn stack_pointer() -> usize {
    let here: usize;
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: it reads a register.
    unsafe {
        std::arch::asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: it reads a register.
    unsafe {
        std::arch::asm!("mov {}, sp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    {
        let local = 0u8;
        here = std::hint::black_box(&raw const local).addr();
    }
    here
}

/// A part of a stack that is no coroutine's.
#[derive(Debug)]
pub(crate) struct Plain {
    low: Cell<usize>,
    len: Cell<usize>,
}

impl Plain {
    /// Of an OS thread, of which nothing is known yet (3).
    pub(crate) const fn unknown() -> Self {
        Self { low: Cell::new(0), len: Cell::new(0) }
    }

    /// Of a green thread: all of its stack.
    pub(crate) fn all_of(extent: Extent) -> Self {
        let low = extent.usable_low();
        Self { low: Cell::new(low), len: Cell::new(extent.base() - low) }
    }

    #[inline]
    pub(crate) fn has(&self, address: usize) -> bool {
        address.wrapping_sub(self.low.get()) < self.len.get()
    }

    /// (3)
    #[cold]
    fn learn(&self, address: usize) {
        const WINDOW: usize = 64 * 1024;
        self.low.set(address & !(WINDOW - 1));
        self.len.set(WINDOW);
    }
}

/// Users' code is called that must return, or unwind, to its caller before a coroutine suspends
/// beyond it. It lies on the stack that it is about.
#[derive(Debug)]
pub(crate) struct InScope(Option<&'static Top>);

impl InScope {
    #[inline]
    pub(crate) fn enter() -> Self {
        if current::with_own(|own| own.plain.has(stack_pointer())) {
            return Self(None);
        }
        Self::enter_elsewhere()
    }

    #[cold]
    fn enter_elsewhere() -> Self {
        Top::with_current(|top| {
            // SAFETY: it is there as long as what lies on the stack (2), as this does.
            let top = top.map(|top| unsafe { &*ptr::from_ref(top) });
            if let Some(top) = top {
                top.scopes.set(top.scopes.get() + 1);
                top.open.set(0);
            }
            Self(top)
        })
    }
}

impl Drop for InScope {
    #[inline]
    fn drop(&mut self) {
        if let Some(top) = self.0 {
            top.scopes.set(top.scopes.get() - 1);
            if top.scopes.get() == 0 {
                top.open.set(top.span());
            }
        }
    }
}
