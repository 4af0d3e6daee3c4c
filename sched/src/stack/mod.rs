//! Memory for stacks: slots of slabs (`slab.rs`), each with a guard at its lower end.
//!
//! ```text
//!   low                                                              top
//!   │ guard: 64 KiB, no access │ usable, committed page by page … ◀─ base │ `Top` │ colour │
//! ```
//!
//! The kernel commits pages as they are touched. A guard installed by `guard.rs` does not
//! split the mapping on Linux 6.13 and later, so the number of stacks is not bounded by
//! `vm.max_map_count` there.
//!
//! Stacks begin at one of eight *colours*, 320 bytes apart: the same lines of all of them
//! would otherwise share a few sets of the caches. A yield among 1000 threads takes 11.7 ns
//! instead of 13.1, among 100 the same (medians of 25 runs in turn; four colours of 512 bytes:
//! 12.6, of 1024: 13.5). What a thread needs that does little still fits into the highest page:
//! a million parked ones take as much memory as without.

mod class;
mod error;
mod guard;
mod overflow;
mod pool;
mod registry;
pub(crate) mod room;
mod slab;
mod top;
mod usage;

use std::num::NonZeroUsize;
use std::ptr;

pub(crate) use self::class::Class;
pub use self::error::NoStack;
pub(crate) use self::guard::GUARD_SIZE;
pub use self::guard::refuse_marks;
pub(crate) use self::overflow::AltStack;
pub(crate) use self::pool::StackPool;
pub use self::top::Top;
pub(crate) use self::top::{InScope, Plain};
pub use self::usage::stack_usage;

/// Usable bytes of a stack when nothing else is asked for: 256 KiB of address space
/// with the guard.
pub const DEFAULT_STACK_SIZE: usize = 256 * 1024 - GUARD_SIZE;

/// The least that a stack is rounded up to: room for a panic to print its backtrace.
pub const MIN_STACK_SIZE: usize = 64 * 1024;

const PAGE: usize = 4096;

const COLOURS: usize = 8;

/// Between two colours: aligned as a stack must be, and whole lines of the cache.
const COLOUR_STEP: usize = 320;

/// Where a stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    low: usize,
    class: Class,
}

impl Extent {
    pub(crate) fn class(self) -> Class {
        self.class
    }

    /// Above the guard.
    pub(crate) fn usable_low(self) -> usize {
        self.low + GUARD_SIZE
    }

    /// One past the highest byte.
    pub(crate) fn top(self) -> usize {
        self.low + self.class.bytes()
    }

    /// Where the stack begins, downwards. (Its [`Top`] lies above.)
    pub(crate) fn base(self) -> usize {
        let colour = self.low / self.class.bytes() % COLOURS * COLOUR_STEP;
        self.top() - colour - size_of::<Top>()
    }

    /// Whether `address` is in the usable part.
    pub(crate) fn contains(self, address: usize) -> bool {
        (self.usable_low()..self.top()).contains(&address)
    }

    /// Whether `address` is in the stack or its guard.
    pub(crate) fn spans(self, address: usize) -> bool {
        (self.low..self.top()).contains(&address)
    }

    /// Gives the whole pages below `address` back to the system. They are zero when they are
    /// touched again. `false`: the system did not want them, and nothing has happened.
    ///
    /// # Safety
    ///
    /// The stack exists, and nothing in use lies below `address`, which is in it.
    pub(crate) unsafe fn give_back_below(self, address: usize) -> bool {
        let end = address & !(PAGE - 1);
        // SAFETY: the caller's promise.
        end <= self.usable_low() || unsafe { give_back(self.usable_low(), end) }
    }
}

/// Gives pages back to the system.
///
/// # Safety
///
/// They are of stacks, and hold nothing in use. (Guards may be among them.)
unsafe fn give_back(start: usize, end: usize) -> bool {
    let pointer = ptr::with_exposed_provenance_mut(start);
    // `FREE` would leave them in the process' resident memory. Where memory is locked this
    // fails, and is meant to.
    // SAFETY: the caller's promise.
    unsafe { libc::madvise(pointer, end - start, libc::MADV_DONTNEED) == 0 }
}

/// One stack.
#[derive(Debug)]
pub struct Stack(Extent);

impl Stack {
    /// A stack with at least `usable` bytes above its guard.
    pub(crate) fn new(usable: usize) -> Result<Self, NoStack> {
        Self::of_class(Class::of(usable)?)
    }

    pub(crate) fn of_class(class: Class) -> Result<Self, NoStack> {
        slab::take(class).map(Self)
    }

    pub(crate) fn extent(&self) -> Extent {
        self.0
    }

    /// Drops all of them, with fewer calls of the system than one by one.
    pub(crate) fn drop_all(stacks: Vec<Self>) {
        let mut extents: Vec<_> = stacks.iter().map(Self::extent).collect();
        stacks.into_iter().for_each(std::mem::forget);
        // SAFETY: each was a stack's, which nobody runs on: as in `drop`.
        unsafe { slab::put_all(&mut extents) };
    }
}

// SAFETY: the range is ours, aligned to pages, at least `MIN_STACK_SIZE` long, and
// its lower end is a guard.
unsafe impl corosensei::stack::Stack for Stack {
    fn base(&self) -> NonZeroUsize {
        // SAFETY: the end of a mapping is not null.
        unsafe { NonZeroUsize::new_unchecked(self.0.base()) }
    }

    fn limit(&self) -> NonZeroUsize {
        // SAFETY: the start of a mapping is not null: `MAP_FIXED` was not asked for.
        unsafe { NonZeroUsize::new_unchecked(self.0.low) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: it is given back once, here or in `drop_all`; nobody runs on it, since
        // whoever owns a stack owns the runner on it (context.rs, 2 and 3), or the coroutine.
        unsafe { slab::put_all(&mut [self.0]) };
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn the_whole_of_a_stack_can_be_written() {
        let stack = Stack::new(DEFAULT_STACK_SIZE).unwrap();
        let extent = stack.extent();
        assert_eq!(extent.top() - extent.usable_low(), DEFAULT_STACK_SIZE);
        let low = ptr::with_exposed_provenance_mut::<u8>(extent.usable_low());
        // SAFETY: exactly the usable part.
        unsafe { low.write_bytes(1, DEFAULT_STACK_SIZE) };
    }

    #[test]
    fn neighbours_differ_in_colour_and_all_leave_room_in_the_highest_page() {
        let class = Class::of(DEFAULT_STACK_SIZE).unwrap();
        let base = |i| {
            let extent = Extent { low: (7 << 12) + i * class.bytes(), class };
            extent.base() - extent.low
        };
        let mut bases: Vec<_> = (0..COLOURS).map(base).collect();
        assert!(bases.iter().all(|base| base % 64 == 0 && base % PAGE >= 1728));
        bases.sort();
        bases.dedup();
        assert_eq!(bases.len(), COLOURS);
        assert_eq!(base(0), base(COLOURS));
    }

    #[test]
    fn the_guard_has_no_access() {
        let stack = Stack::new(MIN_STACK_SIZE).unwrap();
        let low = ptr::with_exposed_provenance::<u8>(stack.extent().low);
        // The kernel itself tries to read the byte for `write` and reports EFAULT.
        let mut pipe = [0; 2];
        // SAFETY: room for two descriptors; then a read by the kernel, which checks.
        unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            for offset in [0, GUARD_SIZE / 2, GUARD_SIZE - 1] {
                let written = libc::write(pipe[1], low.add(offset).cast(), 1);
                assert_eq!(written, -1);
                assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EFAULT));
            }
            assert_eq!(libc::write(pipe[1], low.add(GUARD_SIZE).cast(), 1), 1);
            libc::close(pipe[0]);
            libc::close(pipe[1]);
        }
    }

    #[test]
    fn what_is_given_back_is_clean() {
        let stack = Stack::new(MIN_STACK_SIZE).unwrap();
        let extent = stack.extent();
        let low = ptr::with_exposed_provenance_mut::<u8>(extent.usable_low());
        // SAFETY: the usable part, in use by nobody.
        unsafe {
            low.write_bytes(1, MIN_STACK_SIZE);
            extent.give_back_below(extent.top() - 1);
            assert_eq!(low.read(), 0);
            assert_eq!(low.add(MIN_STACK_SIZE - PAGE - 1).read(), 0);
            assert_eq!(low.add(MIN_STACK_SIZE - PAGE).read(), 1);
        }
    }
}
