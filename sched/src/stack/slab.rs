//! Slabs: many stacks of one class side by side in one mapping. All runtimes of the process
//! share them.
//!
//! ```text
//!   low                                                                     high
//!   │ guard │ stack ◀─ base │ guard │ stack ◀─ base │ … │ room without guards yet │
//! ```
//!
//! Slabs that lie side by side are one entry of `vm.max_map_count` to the kernel. Their
//! guards are installed when stacks are asked for, 1, 4, 16 … 256 at a time: a few
//! threads pay for a few, and a million do not take the lock a million times.
//!
//! 1. A slot is in use (its stack is somebody's, or being cleaned), free (guarded, and clean),
//!    or unguarded. Those with an index of `guarded` and above are unguarded.
//! 2. A slab is unmapped when it has no slot in use, and at no other time.
//! 3. The lowest slab that has room goes first, so that the highest become empty.
//!
//! The lock is not one of the models': no user code and nothing that they know of runs under it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ptr;

// not modelled: see the head of this file
use parking_lot::{Mutex, MutexGuard};

use super::error::Step;
use super::guard::Kind;
use super::registry::{self, Entry};
use super::room::{self, HEADROOM};
use super::{Class, Extent, NoStack, give_back};

/// Bytes of the first slab of a class; each further one is twice as large.
const FIRST_SLAB: usize = 16 << 20;

/// Up to this. (One stack may be larger.)
const LARGEST_SLAB: usize = 256 << 20;

/// Guards are installed at most so many at a time.
const LARGEST_BATCH: usize = 256;

#[derive(Debug)]
struct Slab {
    entry: &'static Entry,
    slots: usize,
    guarded: usize,
    in_use: usize,
    free: Vec<usize>,
    guards: Kind,
}

/// The slabs of one class, by their address.
struct Slabs {
    mapped: BTreeMap<usize, Slab>,
    /// Those that have slots which are not in use.
    open: BTreeSet<usize>,
    batch: usize,
}

static CLASSES: [Mutex<Slabs>; Class::COUNT] = [const { Mutex::new(Slabs::new()) }; Class::COUNT];

fn slabs(class: Class) -> MutexGuard<'static, Slabs> {
    CLASSES[class.index()].lock()
}

/// Room for a stack, guarded and clean.
pub(super) fn take(class: Class) -> Result<Extent, NoStack> {
    let low = slabs(class).take(class)?;
    Ok(Extent { low, class })
}

/// Takes room back, and gives its memory to the system.
///
/// # Safety
///
/// All of it came from `take`, once for each time it is given here, and is not used any more.
pub(super) unsafe fn put_all(extents: &mut [Extent]) {
    extents.sort_unstable_by_key(|extent| (extent.class.index(), extent.low));
    for extents in extents.chunk_by(|a, b| a.class == b.class) {
        // SAFETY: the caller's promise.
        unsafe { put(extents[0].class, extents) };
    }
}

/// # Safety
///
/// As for `put_all`; and they are sorted, and all of `class`.
unsafe fn put(class: Class, extents: &[Extent]) {
    let mut kept = Vec::new();
    let mut empty = Vec::new();
    {
        let mut slabs = slabs(class);
        let mut rest = extents;
        while let Some(first) = rest.first() {
            let (start, slab) = slabs.of(first.low);
            let end = start + slab.slots * class.bytes();
            let (here, others) = rest.split_at(rest.partition_point(|it| it.low < end));
            rest = others;
            if here.len() == slab.in_use {
                empty.extend(slabs.remove(start));
            } else {
                kept.extend_from_slice(here);
            }
        }
    }
    for (start, slab) in empty {
        unmap(class, start, slab);
    }
    // What lies side by side goes in one call: DONTNEED leaves guards as they are.
    for run in kept.chunk_by(|a, b| a.low + class.bytes() == b.low) {
        // SAFETY: the caller's promise: slots in use (1), so still mapped (2).
        unsafe { give_back(run[0].usable_low(), run[run.len() - 1].top()) };
    }
    if kept.is_empty() {
        return;
    }
    let mut slabs = slabs(class);
    let emptied: Vec<_> = kept.iter().filter_map(|it| slabs.put_clean(it.low)).collect();
    drop(slabs);
    for (start, slab) in emptied {
        unmap(class, start, slab);
    }
}

/// Unmaps a slab that is nobody's and has no slot in use.
fn unmap(class: Class, start: usize, slab: Slab) {
    registry::leave(slab.entry);
    let len = slab.slots * class.bytes();
    // SAFETY: (2), and it was taken from the map by the caller.
    if unsafe { libc::munmap(ptr::with_exposed_provenance_mut(start), len) } == 0 {
        return;
    }
    // The middle of a large mapping cannot go when `vm.max_map_count` is reached. So it stays.
    // SAFETY: as above.
    unsafe { give_back(start, start + len) };
    let entry = registry::enter(start, len, class);
    let free = (0..slab.guarded).rev().map(|slot| start + slot * class.bytes()).collect();
    slabs(class).insert(start, Slab { entry, free, in_use: 0, ..slab });
}

impl Slabs {
    const fn new() -> Self {
        Self { mapped: BTreeMap::new(), open: BTreeSet::new(), batch: 1 }
    }

    fn take(&mut self, class: Class) -> Result<usize, NoStack> {
        let mut refused = None;
        for &start in &self.open {
            let slab = self.mapped.get_mut(&start).expect("an open slab is mapped");
            match slab.take(start, class, &mut self.batch) {
                Ok(low) => {
                    if slab.is_full() {
                        self.open.remove(&start);
                    }
                    return Ok(low);
                }
                Err(error) => refused = Some(error),
            }
        }
        if let Some(error) = refused {
            return Err(error);
        }
        let (start, slots) = map(class, self.mapped.len())?;
        let entry = registry::enter(start, slots * class.bytes(), class);
        let guards = Kind::first();
        let mut slab = Slab { entry, slots, guarded: 0, in_use: 0, free: Vec::new(), guards };
        match slab.take(start, class, &mut self.batch) {
            Ok(low) => {
                let is_full = slab.is_full();
                self.insert(start, slab);
                if is_full {
                    self.open.remove(&start);
                }
                Ok(low)
            }
            Err(error) => {
                registry::leave(slab.entry);
                // SAFETY: just mapped, and nobody's. Should it fail, addresses are lost.
                unsafe {
                    libc::munmap(ptr::with_exposed_provenance_mut(start), slots * class.bytes())
                };
                Err(error)
            }
        }
    }

    fn insert(&mut self, start: usize, slab: Slab) {
        self.mapped.insert(start, slab);
        self.open.insert(start);
    }

    fn remove(&mut self, start: usize) -> Option<(usize, Slab)> {
        self.open.remove(&start);
        let slab = self.mapped.remove(&start)?;
        if self.mapped.is_empty() {
            self.batch = 1;
        }
        Some((start, slab))
    }

    /// The slab that the slot at `low` is in.
    fn of(&mut self, low: usize) -> (usize, &mut Slab) {
        let slab = self.mapped.range_mut(..=low).next_back();
        let (&start, slab) = slab.expect("a slab with a slot in use is mapped (2)");
        (start, slab)
    }

    /// One slot in use less. Returns its slab if that was the last.
    fn put_clean(&mut self, low: usize) -> Option<(usize, Slab)> {
        let (start, slab) = self.of(low);
        slab.free.push(low);
        slab.in_use -= 1;
        if slab.in_use == 0 {
            return self.remove(start);
        }
        self.open.insert(start);
        None
    }
}

impl Slab {
    fn is_full(&self) -> bool {
        self.free.is_empty() && self.guarded == self.slots
    }

    /// A free slot, or one that gets its guard now, with some more.
    fn take(&mut self, start: usize, class: Class, batch: &mut usize) -> Result<usize, NoStack> {
        if self.free.is_empty() {
            self.install_guards(start, class, *batch)?;
            *batch = (*batch * 4).min(LARGEST_BATCH);
        }
        let low = self.free.pop().expect("there is one by now");
        self.in_use += 1;
        Ok(low)
    }

    /// Installs up to `batch` guards, and at least one.
    fn install_guards(&mut self, start: usize, class: Class, batch: usize) -> Result<(), NoStack> {
        let new = batch.min(self.slots - self.guarded);
        for installed in 0..new {
            let low = start + self.guarded * class.bytes();
            let pointer = ptr::with_exposed_provenance_mut(low);
            // SAFETY: unguarded (1), so nobody's.
            match unsafe { self.guards.install(pointer) } {
                Ok(()) => {}
                Err(error) if installed == 0 => return Err(error),
                Err(_) => break,
            }
            self.guarded += 1;
            self.free.push(low);
        }
        // The lowest goes first.
        self.free.reverse();
        Ok(())
    }
}

/// Maps a slab, of fewer stacks when there is no room for many: its address, and how many.
fn map(class: Class, slabs: usize) -> Result<(usize, usize), NoStack> {
    static COUNTED: Mutex<()> = Mutex::new(());
    // What one counts no other takes.
    let _counted = COUNTED.lock();
    let room = room::left().map(|left| left.saturating_sub(HEADROOM));
    // What cannot be counted is found out by mapping as much.
    let headroom = if room.is_none() { HEADROOM } else { 0 };
    let bytes = (FIRST_SLAB << slabs.min(8)).min(LARGEST_SLAB);
    let wanted = (bytes / class.bytes()).max(1);
    let mut slots = wanted.min(room.unwrap_or(usize::MAX) / class.bytes());
    let mut error = io::Error::from_raw_os_error(libc::ENOMEM);
    while slots > 0 {
        match map_bytes(headroom + slots * class.bytes()) {
            Ok(start) if headroom == 0 => return Ok((start, slots)),
            Ok(start) => {
                // SAFETY: the lower end of what was mapped just now. (The next slab will lie there.)
                unsafe { libc::munmap(ptr::with_exposed_provenance_mut(start), headroom) };
                return Ok((start + headroom, slots));
            }
            Err(refused) => (error, slots) = (refused, slots / 2),
        }
    }
    Err(NoStack::new(Step::Map, error))
}

fn map_bytes(len: usize) -> io::Result<usize> {
    const FLAGS: i32 =
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
    // SAFETY: a new private mapping touches nothing that exists.
    let start = unsafe {
        libc::mmap(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, FLAGS, -1, 0)
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // One stack's first touch must not commit its neighbours'. Where the kernel has no huge
    // pages this fails, and nothing is lost.
    // SAFETY: advice on our own mapping.
    unsafe { libc::madvise(start, len, libc::MADV_NOHUGEPAGE) };
    Ok(start.expose_provenance())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A class that no other test uses: these count its slabs.
    fn class() -> Class {
        Class::of(40 << 20).unwrap()
    }

    #[test]
    fn a_slab_is_unmapped_with_its_last_stack_and_not_before() {
        let mut taken: Vec<_> = (0..20).map(|_| take(class()).unwrap()).collect();
        assert!(slabs(class()).mapped.len() > 1);
        let mut kept = taken.split_off(7);
        // SAFETY: taken above.
        unsafe { put_all(&mut taken) };
        for extent in &kept {
            // SAFETY: the highest byte of a stack of ours.
            unsafe { ptr::with_exposed_provenance_mut::<u8>(extent.top() - 1).write(1) };
        }
        let again = take(class()).unwrap();
        assert!(!kept.contains(&again));
        kept.push(again);
        // SAFETY: as above.
        unsafe { put_all(&mut kept) };
        let slabs = slabs(class());
        assert!(slabs.mapped.is_empty() && slabs.open.is_empty());
        assert_eq!(slabs.batch, 1);
    }

    #[test]
    fn the_guard_of_each_is_found_by_its_address() {
        let extent = take(Class::of(1 << 30).unwrap()).unwrap();
        for address in [extent.low, extent.usable_low(), extent.top() - 1] {
            assert_eq!(registry::find(address), Some(extent));
        }
        // SAFETY: taken above.
        unsafe { put_all(&mut [extent]) };
        assert_eq!(registry::find(extent.low), None);
    }
}
