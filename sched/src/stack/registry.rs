//! Where the slabs are, for the handler of overflows (`overflow.rs`), and for code that asks on what
//! stack it runs (`top.rs`), to look up without a lock and without memory.
//!
//! A list that only grows, by entries that are used again: as long as the largest number of
//! slabs that there were at a time.
//!
//! 1. An entry is written by whoever has claimed it, by setting `start` from `VACANT` to
//!    `CLAIMED`, and stays in place for ever.

use std::ptr;

// not modelled: nothing is handed over; who looks has nothing to wait for
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};

use super::{Class, Extent};

const VACANT: usize = 0;

/// No mapping begins here.
const CLAIMED: usize = 1;

/// A slab, or none at present.
#[derive(Debug)]
pub(super) struct Entry {
    start: AtomicUsize,
    end: AtomicUsize,
    class: AtomicUsize,
    next: *const Self,
}

// SAFETY: atomics, and a pointer to a static that never changes.
unsafe impl Sync for Entry {}

/// How often `enter` was called.
static ENTERED: AtomicUsize = AtomicUsize::new(1);

static FIRST: AtomicPtr<Entry> = AtomicPtr::new(ptr::null_mut());

/// Makes a slab known.
pub(super) fn enter(start: usize, len: usize, class: Class) -> &'static Entry {
    let claim = |entry: &&Entry| {
        let start = &entry.start;
        // Acquire: pairs with the Release in `leave`.
        start.compare_exchange(VACANT, CLAIMED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    };
    let entry = entries().find(claim).unwrap_or_else(add);
    // Pairs with the fence in `find`: whoever sees what follows sees that it is claimed.
    fence(Ordering::Release);
    entry.end.store(start + len, Ordering::Relaxed);
    entry.class.store(class.index(), Ordering::Relaxed);
    // Release: pairs with the Acquire in `find`.
    entry.start.store(start, Ordering::Release);
    // Relaxed: whoever runs on a stack of this slab has got it from who made it, and so sees this.
    ENTERED.fetch_add(1, Ordering::Relaxed);
    entry
}

/// A number that changes whenever a slab becomes known.
#[inline]
pub(super) fn entered() -> usize {
    ENTERED.load(Ordering::Relaxed)
}

/// The slab of `entry` is about to be unmapped.
pub(super) fn leave(entry: &Entry) {
    // Release: pairs with the Acquire in `enter`.
    entry.start.store(VACANT, Ordering::Release);
}

/// The stack, or room for one, that `address` is in. Async-signal-safe.
pub(super) fn find(address: usize) -> Option<Extent> {
    entries().find_map(|entry| {
        // Acquire: pairs with the Release in `enter`.
        let start = entry.start.load(Ordering::Acquire);
        let end = entry.end.load(Ordering::Relaxed);
        if start <= CLAIMED || !(start..end).contains(&address) {
            return None;
        }
        let class = entry.class.load(Ordering::Relaxed);
        // It may have become another slab's meanwhile. Pairs with the fence in `enter`.
        fence(Ordering::Acquire);
        if entry.start.load(Ordering::Relaxed) != start {
            return None;
        }
        let class = Class::from_index(class);
        let low = address - (address - start) % class.bytes();
        Some(Extent { low, class })
    })
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    // Acquire: pairs with the Release in `add`.
    let mut next: *const Entry = FIRST.load(Ordering::Acquire);
    std::iter::from_fn(move || {
        // SAFETY: (1): null, or an entry, which stays for ever.
        let entry = unsafe { next.as_ref() }?;
        next = entry.next;
        Some(entry)
    })
}

/// One more entry, claimed.
fn add() -> &'static Entry {
    let mut first = FIRST.load(Ordering::Relaxed);
    let entry = Box::leak(Box::new(Entry {
        start: AtomicUsize::new(CLAIMED),
        end: AtomicUsize::new(0),
        class: AtomicUsize::new(0),
        next: first,
    }));
    // Release: pairs with the Acquire in `entries`.
    while let Err(now) =
        FIRST.compare_exchange_weak(first, entry, Ordering::Release, Ordering::Relaxed)
    {
        first = now;
        entry.next = now;
    }
    entry
}
