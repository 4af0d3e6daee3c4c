//! Where a coroutine lies: its [`Core`](crate::core::Core) at the top of its stack, and below it all that
//! it runs. So to make one takes no memory but a stack, which is still in the cache when it was used last.
//!
//! ```text
//!   low                                                           top
//!   │ guard │ usable …  ◀─ frames of its body │ `Core` │ `Top` │ colour │
//! ```

use std::num::NonZeroUsize;
use std::ptr::{self, NonNull};

use sward_sched::internal::{NoStack, Stack};

/// A stack, less what is at its top.
#[derive(Debug)]
pub(crate) struct Below {
    stack: Stack,
    base: NonZeroUsize,
}

impl Below {
    /// A stack with room for a `T` right below its `Top`.
    #[inline]
    pub(crate) fn with_room<T>(usable: Option<usize>) -> Result<(Self, NonNull<T>), NoStack> {
        const {
            assert!(size_of::<T>().is_multiple_of(16) && size_of::<T>() <= 1024, "it fits");
        }
        let stack = Stack::for_coroutine(usable)?;
        let base = ptr::from_ref(stack.top()).addr() - size_of::<T>();
        let room = NonNull::new(ptr::with_exposed_provenance_mut(base));
        let room = room.expect("a stack does not end at 0");
        Ok((Self { stack, base: room.addr() }, room))
    }

    /// Keeps it for the next coroutine.
    #[inline]
    pub(crate) fn put(self) {
        self.stack.put();
    }
}

// SAFETY: a part of one that is: less than a page is missing at its top, which is aligned as before.
unsafe impl corosensei::stack::Stack for Below {
    #[inline]
    fn base(&self) -> NonZeroUsize {
        self.base
    }

    #[inline]
    fn limit(&self) -> NonZeroUsize {
        corosensei::stack::Stack::limit(&self.stack)
    }
}
