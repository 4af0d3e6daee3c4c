//! Why there is no stack, and what to do about it.

use std::fmt;
use std::io;

/// What was being done when the system refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing has been asked of the system: no address space is that large.
    Size,
    /// Mapping memory.
    Map,
    /// Marking a guard in the page table.
    Guard,
    /// Making a guard of a range without access.
    Range,
}

/// No stack can be had now.
#[derive(Debug)]
pub struct NoStack {
    step: Step,
    os: io::Error,
}

impl NoStack {
    pub(super) fn new(step: Step, os: io::Error) -> Self {
        Self { step, os }
    }

    pub(super) fn too_large() -> Self {
        Self::new(Step::Size, io::Error::from_raw_os_error(libc::ENOMEM))
    }

    /// What the system said.
    pub fn os_error(&self) -> &io::Error {
        &self.os
    }

    /// The limit that was met, and the way out.
    fn remedy(&self) -> &'static str {
        match (self.step, self.os.raw_os_error()) {
            (Step::Size, _) => {
                "the `stack_size` asked for is larger than any address space: ask for less"
            }
            (Step::Map, Some(libc::EAGAIN)) => {
                "memory is locked by `mlockall`, and RLIMIT_MEMLOCK is reached: raise `ulimit -l`"
            }
            (Step::Map, _) if has_address_limit() => {
                "the limit on address space, RLIMIT_AS, is reached: raise `ulimit -v`, ask for a \
                 smaller `stack_size`, or run fewer threads at a time"
            }
            (Step::Map, _) => {
                "the system has no memory or address space for it: ask for a smaller `stack_size` \
                 or run fewer threads at a time; with `vm.overcommit_memory` = 2 see \
                 `vm.overcommit_ratio`; a process with very many mappings may have reached \
                 `vm.max_map_count`"
            }
            (Step::Guard, _) => {
                "there is no memory for the page tables of its guard: raise the memory limit of \
                 the container or cgroup, or run fewer threads at a time"
            }
            (Step::Range, _) => {
                "its guard needs two more mappings than `vm.max_map_count` allows: raise it \
                 (`sysctl -w vm.max_map_count=...`), use Linux 6.13 or later without `mlockall`, \
                 where guards need none, or run fewer threads at a time"
            }
        }
    }
}

impl fmt::Display for NoStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.os, self.remedy())
    }
}

/// Whether `ulimit -v` says anything.
fn has_address_limit() -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: room for the answer.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) } == 0;
    known && limit.rlim_cur != libc::RLIM_INFINITY
}
