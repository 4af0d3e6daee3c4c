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
//!    ([`Plain`]), as long as no slab is mapped.

use std::cell::Cell;
use std::ops::Range;
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
        let as_of = registry::entered();
        // SAFETY: the code runs on a stack that has it (2).
        let top = registry::find(here).map(|extent| unsafe { &*extent.top_record() });
        if top.is_none() {
            current::with_own(|own| own.plain.learn(here, as_of));
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

/// Where there is no coroutine's stack.
#[derive(Debug)]
pub(crate) struct Plain {
    /// A green thread's own, or none.
    own: Range<usize>,
    /// Learned (3).
    window: Cell<usize>,
    /// How often slabs had been mapped then.
    as_of: Cell<usize>,
}

const WINDOW: usize = 64 * 1024;

impl Plain {
    /// Of an OS thread, of which nothing is known yet.
    pub(crate) const fn unknown() -> Self {
        Self { own: 0..0, window: Cell::new(0), as_of: Cell::new(0) }
    }

    /// Of a green thread: all of its stack.
    pub(crate) fn all_of(extent: Extent) -> Self {
        Self { own: extent.usable_low()..extent.base(), ..Self::unknown() }
    }

    #[inline]
    pub(crate) fn has(&self, address: usize) -> bool {
        self.own.contains(&address)
            || address & !(WINDOW - 1) == self.window.get()
                && self.as_of.get() == registry::entered()
    }

    /// There is none at `address`. (A slab is larger than a window: one that reaches into it has one of
    /// its ends.)
    #[cold]
    fn learn(&self, address: usize, as_of: usize) {
        let window = address & !(WINDOW - 1);
        if registry::find(window).is_none() && registry::find(window + WINDOW - 1).is_none() {
            self.window.set(window);
            self.as_of.set(as_of);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{Class, Stack};

    #[test]
    fn what_was_learned_is_forgotten_when_a_slab_is_mapped() {
        let plain = Plain::unknown();
        let here = stack_pointer();
        assert!(!plain.has(here));
        // Another test may map one meanwhile.
        while !plain.has(here) {
            plain.learn(here, registry::entered());
        }
        let stack = Stack::of_class(Class::of(100 << 20).unwrap()).unwrap();
        assert!(!plain.has(here));
        // Nor is anything learned of what lies in a slab, or reaches into one.
        let inside = stack.extent().usable_low();
        for address in [inside, inside - 1, stack.extent().top() - 1] {
            plain.learn(address, registry::entered());
            assert!(!plain.has(address));
        }
    }
}
