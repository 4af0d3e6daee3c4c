//! Room for one value of a type that is not known here: four words of its own, or memory from the
//! heap. Whether a value is in it is known to whoever uses it; it never drops one.

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr;

use sward_sched::primitive::UnsafeCell;

const WORDS: usize = 4;

pub(super) struct Store {
    words: UnsafeCell<[MaybeUninit<u64>; WORDS]>,
    heap: Cell<Option<(*mut u8, Layout)>>,
}

impl Store {
    pub(super) fn new() -> Self {
        Self { words: UnsafeCell::new([MaybeUninit::uninit(); WORDS]), heap: Cell::new(None) }
    }

    /// Where a `T` is to be, while the store does not move. For the same type each time.
    pub(super) fn place<T>(&self) -> *mut T {
        if size_of::<T>() <= size_of::<[u64; WORDS]>() && align_of::<T>() <= align_of::<u64>() {
            return self.words.with_mut(|words| words.cast());
        }
        if self.heap.get().is_none() {
            let layout = Layout::new::<T>();
            let memory = match layout.size() {
                0 => ptr::without_provenance_mut(layout.align()),
                // SAFETY: its size is not zero.
                _ => unsafe { alloc::alloc(layout) },
            };
            if memory.is_null() {
                alloc::handle_alloc_error(layout);
            }
            self.heap.set(Some((memory, layout)));
        }
        self.heap.get().map_or(ptr::null_mut(), |(memory, _)| memory.cast())
    }

    /// Puts a value in.
    pub(super) fn put<T>(&self, value: T) {
        // SAFETY: it is room for a `T`, and nobody else's just now.
        unsafe { self.place::<T>().write(value) };
    }

    /// Takes the value out.
    ///
    /// # Safety
    ///
    /// There is one, of this type.
    pub(super) unsafe fn take<T>(&self) -> T {
        // SAFETY: the caller's promise.
        unsafe { self.place::<T>().read() }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some((memory, layout)) = self.heap.get()
            && layout.size() > 0
        {
            // SAFETY: allocated in `place`, with this layout.
            unsafe { alloc::dealloc(memory, layout) };
        }
    }
}
