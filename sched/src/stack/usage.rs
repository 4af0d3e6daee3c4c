//! How much of a stack has been used: the pages that the kernel has committed since the stack
//! was clean, and in the lowest of them the bytes from the first one that is not zero.
//!
//! Painting the stack with a pattern would be as exact everywhere, and commit all of it.

use std::ptr;

use super::{Extent, PAGE};
use crate::current;

/// Pages asked for at a time: what this takes of the stack that it measures.
const ASKED: usize = 128;

/// How many bytes of its stack the current green thread has used at most so far, if it was
/// spawned with [`Builder::measure_stack`](crate::Builder::measure_stack).
///
/// ```
/// # use sward_sched as sward;
/// #[inline(never)]
/// fn deep() {
///     std::hint::black_box(&mut [1u8; 50_000]);
/// }
/// let handle = sward::Builder::new().measure_stack(true).spawn(|| {
///     let before = sward::stack_usage().unwrap();
///     deep();
///     (before, sward::stack_usage().unwrap())
/// });
/// let (before, after) = handle.join().unwrap();
/// assert!(before < 50_000 && (50_000..sward::DEFAULT_STACK_SIZE).contains(&after));
///
/// assert_eq!(sward::run(sward::stack_usage), None);
/// ```
///
/// Exact but for zeros at the lower end, and whole pages (4 KiB) that the thread has skipped. It
/// is `None` in threads of other kinds, and where the process has locked its memory
/// (`mlockall`). Pages that were swapped out do not count.
///
/// # Blocking
///
/// Never blocks.
pub fn stack_usage() -> Option<usize> {
    // SAFETY: the current green thread runs, so its task and its runner are there.
    unsafe { current::green_thread().as_ref()?.runner.get().as_ref() }?.usage()
}

impl Extent {
    /// Sets to zero what of its page lies below `address`.
    ///
    /// # Safety
    ///
    /// As for `give_back_below`.
    pub(crate) unsafe fn zero_page_below(self, address: usize) -> bool {
        let start = (address & !(PAGE - 1)).max(self.usable_low());
        // SAFETY: the caller's promise: ours, and in use by nobody.
        unsafe {
            ptr::with_exposed_provenance_mut::<u8>(start).write_bytes(0, address - start);
        }
        true
    }

    /// The bytes from the lowest that is not as it was when the stack was clean.
    pub(crate) fn touched(self) -> usize {
        let Some(page) = self.lowest_resident() else { return 0 };
        let words = (page..page + PAGE).step_by(size_of::<u64>());
        let is_set = |address: &usize| {
            let word = ptr::with_exposed_provenance::<u64>(*address);
            // SAFETY: a word of a page of a stack of ours. It may be of a live frame, the
            // caller's own, too: so it is read as it is, whatever the compiler knows of it.
            unsafe { word.read_volatile() != 0 }
        };
        self.base() - words.into_iter().find(is_set).unwrap_or(page)
    }

    /// The lowest page that the kernel has committed.
    fn lowest_resident(self) -> Option<usize> {
        let mut resident = [0u8; ASKED];
        for start in (self.usable_low()..self.top()).step_by(ASKED * PAGE) {
            let pages = ((self.top() - start) / PAGE).min(ASKED);
            let address = ptr::with_exposed_provenance_mut(start);
            // SAFETY: pages of a mapping of ours, and a byte for each.
            if unsafe { libc::mincore(address, pages * PAGE, resident.as_mut_ptr()) } != 0 {
                return None;
            }
            if let Some(page) = resident[..pages].iter().position(|byte| byte & 1 != 0) {
                return Some(start + page * PAGE);
            }
        }
        None
    }
}
