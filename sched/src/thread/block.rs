//! Memory for tasks: blocks of one size, kept by each worker for its next tasks.
//!
//! Most tasks fit into a block; larger ones go to the allocator and back. A block is
//! freed where its last reference goes, which is often another worker than the one it
//! came from: so what is too much in one is handed to the others, [`BATCH`] at a time
//! (magazines: Bonwick and Adams, 2001). What nobody has asked for in a while goes back to
//! the allocator ([`SpareBlocks::trim`]).
//!
//! 1. Every block was allocated on its own, with [`LAYOUT`]. So any of them may go back
//!    to the allocator at any time, from anywhere.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::fmt;
use std::ptr::{self, NonNull};

use crate::primitive::Mutex;

/// A task with a few words of captures and a small result fits.
const LAYOUT: Layout = match Layout::from_size_align(256, 16) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

/// Blocks that change hands at once.
const BATCH: usize = 256;

/// Batches that a runtime keeps in any case: 2 MiB.
const KEPT: usize = 32;

/// A free block.
struct Free {
    next: *mut Free,
}

/// Exactly [`BATCH`] blocks.
struct Batch(NonNull<Free>);

// SAFETY: it is memory, owned.
unsafe impl Send for Batch {}

impl Drop for Batch {
    fn drop(&mut self) {
        free_all(self.0.as_ptr());
    }
}

/// The blocks that are left over in all workers of a runtime.
pub(crate) struct SpareBlocks(Mutex<Spare>);

struct Spare {
    batches: Vec<Batch>,
    /// The fewest there were since the last `trim`: so many were not needed.
    fewest: usize,
}

impl SpareBlocks {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Spare { batches: Vec::new(), fewest: 0 }))
    }

    fn take(&self) -> Option<Batch> {
        let mut spare = self.0.lock();
        let batch = spare.batches.pop();
        spare.fewest = spare.fewest.min(spare.batches.len());
        batch
    }

    fn put(&self, batch: Batch) {
        self.0.lock().batches.push(batch);
    }

    /// Gives half of what was not needed since the last call back to the allocator. `true`:
    /// there is more than is kept in any case, so it is to be called again after a while.
    pub(crate) fn trim(&self) -> bool {
        let mut spare = self.0.lock();
        let len = spare.batches.len();
        let keep = (len - spare.fewest / 2).max(KEPT).min(len);
        let surplus = spare.batches.split_off(keep);
        spare.fewest = keep;
        drop(spare);
        drop(surplus);
        keep > KEPT
    }
}

/// One worker's free blocks: a batch that is being used, and a full one or none.
pub(crate) struct Blocks {
    loose: Cell<*mut Free>,
    count: Cell<usize>,
    full: Cell<Option<Batch>>,
}

impl Blocks {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { loose: Cell::new(ptr::null_mut()), count: Cell::new(0), full: Cell::new(None) }
    }

    /// Memory for `layout`.
    #[inline]
    pub(crate) fn allocate(&self, layout: Layout, spare: &SpareBlocks) -> NonNull<u8> {
        if !fits(layout) {
            return allocate(layout);
        }
        let mut block = self.loose.get();
        if block.is_null() {
            block = self.refill(spare);
            if block.is_null() {
                return allocate(LAYOUT);
            }
        }
        // SAFETY: free blocks are ours, and their first word is the link.
        unsafe {
            self.loose.set((*block).next);
            self.count.set(self.count.get() - 1);
            NonNull::new_unchecked(block).cast()
        }
    }

    #[cold]
    fn refill(&self, spare: &SpareBlocks) -> *mut Free {
        let batch = self.full.take().or_else(|| spare.take());
        let Some(batch) = batch else { return ptr::null_mut() };
        let first = batch.0.as_ptr();
        std::mem::forget(batch);
        self.loose.set(first);
        self.count.set(BATCH);
        first
    }

    /// Takes memory back.
    ///
    /// # Safety
    ///
    /// It came from `allocate`, of any `Blocks` or of this module, for the same `layout`,
    /// and is not used any more.
    #[inline]
    pub(crate) unsafe fn free(&self, memory: NonNull<u8>, layout: Layout, spare: &SpareBlocks) {
        if !fits(layout) {
            // SAFETY: the caller's promise.
            return unsafe { free(memory, layout) };
        }
        if self.count.get() == BATCH {
            self.put_aside(spare);
        }
        let block = memory.cast::<Free>().as_ptr();
        // SAFETY: ours, and large enough.
        unsafe { block.write(Free { next: self.loose.get() }) };
        self.loose.set(block);
        self.count.set(self.count.get() + 1);
    }

    #[cold]
    fn put_aside(&self, spare: &SpareBlocks) {
        let Some(first) = NonNull::new(self.loose.replace(ptr::null_mut())) else { return };
        self.count.set(0);
        if let Some(batch) = self.full.replace(Some(Batch(first))) {
            spare.put(batch);
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        free_all(self.loose.get());
    }
}

/// Memory for `layout` on an OS thread that is no worker.
pub(crate) fn allocate(layout: Layout) -> NonNull<u8> {
    let layout = if fits(layout) { LAYOUT } else { layout };
    // SAFETY: no layout here has no size: a task has a header.
    let memory = unsafe { alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives memory back on an OS thread that is no worker.
///
/// # Safety
///
/// As for [`Blocks::free`].
pub(crate) unsafe fn free(memory: NonNull<u8>, layout: Layout) {
    let layout = if fits(layout) { LAYOUT } else { layout };
    // SAFETY: the caller's promise, and (1).
    unsafe { dealloc(memory.as_ptr(), layout) };
}

fn fits(layout: Layout) -> bool {
    layout.size() <= LAYOUT.size() && layout.align() <= LAYOUT.align()
}

fn free_all(mut block: *mut Free) {
    while !block.is_null() {
        // SAFETY: a list of free blocks, owned by the caller, and (1).
        unsafe {
            let next = (*block).next;
            dealloc(block.cast(), LAYOUT);
            block = next;
        }
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").field("loose", &self.count).finish_non_exhaustive()
    }
}

impl fmt::Debug for SpareBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpareBlocks").finish_non_exhaustive()
    }
}
