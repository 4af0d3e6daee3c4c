//! How much address space is left where it is limited (`ulimit -v`). It is counted: to find out by
//! mapping as much would take it from others for a moment.
//!
//! Where nothing is left the process aborts: in the allocator, or in std, when an OS thread has got
//! its stack (2 MiB) but not the small one for its signals. No stack is worth that, nor is an OS
//! thread that others can do without. So stacks leave [`HEADROOM`], and OS threads half of it.

use std::fs::File;
use std::io::{self, Read};

use super::PAGE;

/// What stacks leave.
pub(super) const HEADROOM: usize = 16 << 20;

/// How many bytes may be mapped. `None`: that cannot be told.
pub(super) fn left() -> Option<usize> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: it writes to what it is given.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } == 0;
    if !known || limit.rlim_cur == libc::RLIM_INFINITY {
        return Some(usize::MAX);
    }
    let limit = usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX);
    used().map(|used| limit.saturating_sub(used))
}

/// The bytes that the process uses. `None`: it has no descriptor left to ask with, or no /proc.
/// Allocates nothing.
fn used() -> Option<usize> {
    let mut line = [0; 128];
    let len = File::open("/proc/self/statm").ok()?.read(&mut line).ok()?;
    let pages = str::from_utf8(&line[..len]).ok()?.split_whitespace().next()?;
    pages.parse::<usize>().ok()?.checked_mul(PAGE)
}

/// Whether one more OS thread can do no harm.
pub(crate) fn for_os_thread() -> io::Result<()> {
    match left() {
        Some(left) if left < HEADROOM / 2 => Err(io::Error::from_raw_os_error(libc::ENOMEM)),
        _ => Ok(()),
    }
}
