//! Guards: memory below a stack that faults when it is touched.
//!
//! Linux 6.13 and later mark pages as guards in the page table
//! (`MADV_GUARD_INSTALL`) without splitting the mapping. Older kernels answer
//! `EINVAL`, as newer ones do under `mlockall(MCL_FUTURE)`; then the guard is a
//! `PROT_NONE` range, which costs two entries of `vm.max_map_count` for each stack
//! (65 530 by default, so about 32 000 stacks).
//!
//! One call for each guard: `process_madvise` takes many at a time and permits it on
//! oneself, but what takes the time is the page table. Measured on 6.18: 2.2 µs one by one,
//! 1.9 to 2.2 in batches of 16 to 256.

use std::ffi::c_void;
use std::io;

use super::NoStack;
use super::error::Step;

/// Bytes of a guard. Rust probes every page of a large frame; C code may not, and
/// steps over a narrower guard: one of 16 KiB takes 1 µs less when a stack is made, and lets
/// a buffer of 64 KiB reach into the next stack.
pub(crate) const GUARD_SIZE: usize = 64 * 1024;

/// From the kernel's `asm-generic/mman-common.h`.
const MADV_GUARD_INSTALL: i32 = 102;

/// How the guards of one mapping are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Marks in the page table, as far as is known.
    Marks,
    /// The kernel has refused a mark in this mapping.
    Ranges,
}

impl Kind {
    /// What to try first in a new mapping.
    pub(super) fn first() -> Self {
        if marks_are_refused() { Self::Ranges } else { Self::Marks }
    }

    /// Makes the `GUARD_SIZE` bytes at `low` fault.
    ///
    /// # Safety
    ///
    /// They are mapped, belong to the caller, and hold nothing.
    pub(super) unsafe fn install(&mut self, low: *mut c_void) -> Result<(), NoStack> {
        if *self == Self::Marks {
            // SAFETY: the caller's promise.
            if unsafe { libc::madvise(low, GUARD_SIZE, MADV_GUARD_INSTALL) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::EINVAL) {
                return Err(NoStack::new(Step::Guard, error));
            }
            *self = Self::Ranges;
        }
        // SAFETY: the caller's promise.
        if unsafe { libc::mprotect(low, GUARD_SIZE, libc::PROT_NONE) } == 0 {
            return Ok(());
        }
        Err(NoStack::new(Step::Range, io::Error::last_os_error()))
    }
}

// not modelled: for tests, which set it before there are threads
static REFUSED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

fn marks_are_refused() -> bool {
    // not modelled: as above
    REFUSED.load(std::sync::atomic::Ordering::Relaxed)
}

/// Goes on as if the kernel did not know marks: new mappings get `PROT_NONE` ranges.
pub fn refuse_marks() {
    // not modelled: as above
    REFUSED.store(true, std::sync::atomic::Ordering::Relaxed);
}
