//! Guards: memory below a stack that faults when it is touched.
//!
//! Linux 6.13 and later mark pages as guards in the page table
//! (`MADV_GUARD_INSTALL`) without splitting the mapping. Older kernels answer
//! `EINVAL`, as newer ones do under `mlockall(MCL_FUTURE)`; then the guard is a
//! `PROT_NONE` range, which costs two entries of `vm.max_map_count` for each stack
//! (65 530 by default, so about 32 000 stacks).

use std::ffi::c_void;
use std::io;

/// Bytes of a guard. Rust probes every page of a large frame; C code may not, and
/// steps over a narrower guard.
pub(crate) const GUARD_SIZE: usize = 16 * 1024;

/// From the kernel's `asm-generic/mman-common.h`.
const MADV_GUARD_INSTALL: i32 = 102;

/// Makes the `GUARD_SIZE` bytes at `low` fault.
///
/// # Safety
///
/// They are mapped, belong to the caller, and hold nothing.
pub(super) unsafe fn install(low: *mut c_void) -> io::Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if libc::madvise(low, GUARD_SIZE, MADV_GUARD_INSTALL) == 0
            || libc::mprotect(low, GUARD_SIZE, libc::PROT_NONE) == 0
        {
            return Ok(());
        }
    }
    Err(io::Error::last_os_error())
}
