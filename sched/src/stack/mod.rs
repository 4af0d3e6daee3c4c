//! Memory for stacks: one private mapping each, with a guard at its lower end.
//!
//! ```text
//!   low                                                              high
//!   │ guard: 16 KiB, no access │ usable, committed page by page … ◀─ base │
//! ```
//!
//! The kernel commits pages as they are touched. Mappings that lie side by side and
//! have equal flags share one VMA, and a guard installed by `guard.rs` does not
//! split it, so the number of stacks is not bounded by `vm.max_map_count` on
//! Linux 6.13 and later.

mod guard;

use std::io;
use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};

pub(crate) use self::guard::GUARD_SIZE;

/// Usable bytes of a stack when nothing else is asked for: 256 KiB of address space
/// with the guard.
pub const DEFAULT_STACK_SIZE: usize = 256 * 1024 - GUARD_SIZE;

/// The least that a stack is rounded up to: room for a panic to print its backtrace.
pub const MIN_STACK_SIZE: usize = 64 * 1024;

const PAGE: usize = 4096;

/// One stack.
#[derive(Debug)]
pub(crate) struct Stack {
    low: NonNull<u8>,
    len: usize,
}

// SAFETY: it is memory, owned.
unsafe impl Send for Stack {}

impl Stack {
    /// A stack with at least `usable` bytes above its guard.
    pub(crate) fn new(usable: usize) -> io::Result<Self> {
        let len = usable
            .max(MIN_STACK_SIZE)
            .checked_next_multiple_of(PAGE)
            .and_then(|usable| usable.checked_add(GUARD_SIZE))
            .ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: a new private mapping touches nothing that exists.
        let low = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK,
                -1,
                0,
            )
        };
        if low == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: mmap does not return null here (`MAP_FIXED` was not asked for).
        let stack = Self { low: unsafe { NonNull::new_unchecked(low.cast()) }, len };
        // One stack's first touch must not commit its neighbours'. Where the kernel
        // has no huge pages this fails, and nothing is lost.
        // SAFETY: advice on our own mapping.
        unsafe { libc::madvise(low, len, libc::MADV_NOHUGEPAGE) };
        // SAFETY: the lowest bytes of our own mapping, in use by nobody.
        unsafe { guard::install(low) }?;
        Ok(stack)
    }
}

// SAFETY: the range is ours, aligned to pages, at least `MIN_STACK_SIZE` long, and
// its lower end is a guard.
unsafe impl corosensei::stack::Stack for Stack {
    fn base(&self) -> NonZeroUsize {
        // SAFETY: the end of a mapping is not null.
        unsafe { NonZeroUsize::new_unchecked(self.low.as_ptr() as usize + self.len) }
    }

    fn limit(&self) -> NonZeroUsize {
        // SAFETY: a pointer that is not null.
        unsafe { NonZeroUsize::new_unchecked(self.low.as_ptr() as usize) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: made by mmap in `new` with this length; nobody runs on it, since
        // whoever owns a stack owns the runner on it (context.rs, 2 and 3).
        let result = unsafe { libc::munmap(self.low.as_ptr().cast(), self.len) };
        debug_assert_eq!(result, 0, "munmap: {}", io::Error::last_os_error());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corosensei::stack::Stack as _;

    #[test]
    fn the_whole_of_a_stack_can_be_written() {
        let stack = Stack::new(DEFAULT_STACK_SIZE).unwrap();
        let usable = stack.base().get() - stack.limit().get() - GUARD_SIZE;
        assert_eq!(usable, DEFAULT_STACK_SIZE);
        // SAFETY: exactly the usable part.
        unsafe { stack.low.as_ptr().add(GUARD_SIZE).write_bytes(1, usable) };
    }

    #[test]
    fn sizes_are_rounded_up_to_pages_and_to_the_minimum() {
        for (asked, usable) in [(0, MIN_STACK_SIZE), (MIN_STACK_SIZE + 1, MIN_STACK_SIZE + PAGE)] {
            let stack = Stack::new(asked).unwrap();
            assert_eq!(stack.base().get() - stack.limit().get() - GUARD_SIZE, usable);
        }
    }

    #[test]
    fn impossible_sizes_are_errors() {
        for size in [usize::MAX, usize::MAX - GUARD_SIZE, 1 << 60] {
            assert!(Stack::new(size).is_err());
        }
    }

    #[test]
    fn the_guard_has_no_access() {
        let stack = Stack::new(MIN_STACK_SIZE).unwrap();
        // The kernel itself tries to read the byte for `write` and reports EFAULT.
        let mut pipe = [0; 2];
        // SAFETY: room for two descriptors; then a read by the kernel, which checks.
        unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            for offset in [0, GUARD_SIZE / 2, GUARD_SIZE - 1] {
                let written = libc::write(pipe[1], stack.low.as_ptr().add(offset).cast(), 1);
                assert_eq!(written, -1);
                assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EFAULT));
            }
            assert_eq!(libc::write(pipe[1], stack.low.as_ptr().add(GUARD_SIZE).cast(), 1), 1);
            libc::close(pipe[0]);
            libc::close(pipe[1]);
        }
    }
}
