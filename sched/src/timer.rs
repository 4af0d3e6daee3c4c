//! Deadlines of green threads: a heap that points at nodes on their stacks.
//!
//! A 4-ary min-heap. An entry is 16 bytes, the deadline and the number of a *slot*, and
//! nothing else moves when the heap does: the slot points at the node, and the node, on the
//! stack of whoever waits, knows its slot. So sifting stays within one array, and of all the
//! stacks, each in pages of its own, only those of threads that come or go are touched.
//!
//! Cancelling empties the slot and leaves the entry where it is, O(1). Entries like that go
//! when they come to the front, or when they are more than those that are set: then all are
//! swept out at once, which is O(1) for each. Setting and firing are O(log n).
//!
//! 1. A heap is touched by its worker alone, or it is behind a lock (`worker/timers.rs`).
//! 2. A node is in the heap from `insert` until it fires or is removed, and its owner
//!    removes it before it, or the waiter, goes away. So the waiter of a timer that is due is
//!    in place as long as the heap is held.
//! 3. The first entry is of a timer that is set: nobody wakes up for a cancelled one.
//! 4. A slot is free, or one entry has its number, whether it is empty or not.
//! 5. Among equal deadlines the timer that was set first fires first (until 2^32 more have
//!    been set).
//!
//! Rejected: nodes that know their place in the heap, so that a cancelled entry goes at once.
//! Each step of each sift then writes to another thread's stack. And a wheel of timers, which
//! is O(1) throughout: at full resolution a timer passes through five or more of its levels
//! before it fires, and what a worker that goes to sleep wants to know, the first deadline, is
//! what a wheel knows only roughly.

use std::cell::Cell;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use crate::primitive::{Mutant, broken};
use crate::waiter::Waiter;

const ABSENT: u32 = u32::MAX;
const ARITY: usize = 4;

/// So many empty slots and cancelled entries are never worth a sweep.
const SPARE: usize = 64;

/// A deadline of a waiter, on the stack of whoever waits.
#[derive(Debug)]
pub(crate) struct TimerNode {
    slot: Cell<u32>,
    waiter: NonNull<Waiter>,
}

impl TimerNode {
    /// A timer, not set, for `waiter`.
    pub(crate) fn new(waiter: NonNull<Waiter>) -> Self {
        Self { slot: Cell::new(ABSENT), waiter }
    }
}

/// Nanoseconds, then the number of the timer, then that of its slot: in the order in which
/// timers fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    fn new(nanos: u64, number: u32, slot: u32) -> Self {
        Self(u128::from(nanos) << 64 | u128::from(number) << 32 | u128::from(slot))
    }

    fn nanos(self) -> u64 {
        (self.0 >> 64) as u64
    }

    fn slot(self) -> u32 {
        self.0 as u32
    }

    fn in_slot(self, slot: u32) -> Self {
        Self(self.0 >> 32 << 32 | u128::from(slot))
    }
}

/// Deadlines of one worker.
#[derive(Debug)]
pub(crate) struct Timers {
    /// What the nanoseconds of the entries count from.
    start: Instant,
    heap: Vec<Entry>,
    /// `None`: free, or of a cancelled entry.
    slots: Vec<Option<NonNull<TimerNode>>>,
    free: Vec<u32>,
    /// Cancelled entries in the heap.
    cancelled: usize,
    /// Timers set so far.
    count: u32,
}

// SAFETY: nodes are touched by whoever holds the heap (1), and by the thread that made one
// while it is in no heap.
unsafe impl Send for Timers {}

impl Timers {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            heap: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            cancelled: 0,
            count: 0,
        }
    }

    /// Sets the timer. `true`: it is the first to fire now.
    pub(crate) fn insert(&mut self, deadline: Instant, node: &TimerNode) -> bool {
        debug_assert_eq!(node.slot.get(), ABSENT);
        let nanos = deadline.saturating_duration_since(self.start).as_nanos();
        let Ok(nanos) = u64::try_from(nanos) else {
            // In more than 500 years: never.
            return false;
        };
        let slot = self.fill_slot(NonNull::from(node));
        node.slot.set(slot);
        self.count = self.count.wrapping_add(1);
        let place = self.heap.len();
        self.heap.push(Entry::new(nanos, self.count, slot));
        self.sift_up(place) == 0
    }

    fn fill_slot(&mut self, node: NonNull<TimerNode>) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(node);
            return slot;
        }
        let slot = u32::try_from(self.slots.len()).expect("a thread is more than 16 bytes");
        self.slots.push(Some(node));
        slot
    }

    /// Cancels the timer, if it has not fired. `true`: another is the first to fire now, or
    /// none is left.
    pub(crate) fn remove(&mut self, node: &TimerNode) -> bool {
        let slot = node.slot.replace(ABSENT);
        if slot == ABSENT || broken(Mutant::TimerNotRemoved) {
            return false;
        }
        let was_first = self.heap[0].slot() == slot;
        self.slots[slot as usize] = None;
        self.cancelled += 1;
        self.tidy();
        was_first
    }

    /// The first deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let first = self.heap.first()?;
        // It was an `Instant` before.
        Some(self.start + Duration::from_nanos(first.nanos()))
    }

    /// Takes out the first timer whose deadline is not after `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<NonNull<Waiter>> {
        let first = *self.heap.first()?;
        let now = now.checked_duration_since(self.start)?.as_nanos();
        if u128::from(first.nanos()) > now {
            return None;
        }
        let node = self.slots[first.slot() as usize].take().expect("the first entry is set (3)");
        self.pop_first();
        self.tidy();
        // SAFETY: (2): a node in the heap is live.
        let node = unsafe { node.as_ref() };
        node.slot.set(ABSENT);
        Some(node.waiter)
    }

    /// Takes the first entry out; its slot is empty.
    fn pop_first(&mut self) {
        let first = self.heap.swap_remove(0);
        self.free.push(first.slot());
        if !self.heap.is_empty() {
            self.sift_down(0);
        }
    }

    /// Keeps (3), and what is cancelled or free from being more than what is set.
    fn tidy(&mut self) {
        let set = self.heap.len() - self.cancelled;
        if self.cancelled > set + SPARE || self.slots.len() > ARITY * (set + SPARE) {
            self.sweep();
        }
        while let Some(first) = self.heap.first()
            && self.slots[first.slot() as usize].is_none()
        {
            self.pop_first();
            self.cancelled -= 1;
        }
    }

    /// Takes out all cancelled entries, and gives up memory that is much too large.
    #[cold]
    fn sweep(&mut self) {
        let Self { heap, slots, free, .. } = self;
        heap.retain(|entry| {
            let is_set = slots[entry.slot() as usize].is_some();
            if !is_set {
                free.push(entry.slot());
            }
            is_set
        });
        self.cancelled = 0;
        for place in (0..self.heap.len().div_ceil(ARITY)).rev() {
            self.sift_down(place);
        }
        if self.slots.len() > ARITY * (self.heap.len() + SPARE) {
            self.renumber();
        }
    }

    /// Moves all timers to the first slots.
    fn renumber(&mut self) {
        let mut slots = Vec::with_capacity(self.heap.len() + SPARE);
        for entry in &mut self.heap {
            let node = self.slots[entry.slot() as usize].expect("nothing is cancelled");
            *entry = entry.in_slot(slots.len() as u32);
            // SAFETY: (2): a node in the heap is live.
            unsafe { node.as_ref() }.slot.set(entry.slot());
            slots.push(Some(node));
        }
        self.slots = slots;
        self.free = Vec::new();
        self.heap.shrink_to(self.heap.len() + SPARE);
    }

    /// Returns where the entry at `place` goes.
    fn sift_up(&mut self, mut place: usize) -> usize {
        let entry = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.heap[parent] <= entry {
                break;
            }
            self.heap[place] = self.heap[parent];
            place = parent;
        }
        self.heap[place] = entry;
        place
    }

    fn sift_down(&mut self, mut place: usize) {
        let entry = self.heap[place];
        loop {
            let first = place * ARITY + 1;
            let children = first..(first + ARITY).min(self.heap.len());
            let Some(least) = children.min_by_key(|&child| self.heap[child]) else { break };
            if entry <= self.heap[least] {
                break;
            }
            self.heap[place] = self.heap[least];
            place = least;
        }
        self.heap[place] = entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> TimerNode {
        TimerNode::new(NonNull::dangling())
    }

    fn nodes(count: usize) -> Vec<TimerNode> {
        (0..count).map(|_| node()).collect()
    }

    const fn nanos(count: u64) -> Duration {
        Duration::from_nanos(count)
    }

    /// All entries, slots and nodes agree, and there are not many more than are set.
    fn check(timers: &Timers, set: usize) {
        let Timers { heap, slots, free, cancelled, .. } = timers;
        assert_eq!(heap.len() - cancelled, set);
        assert!(*cancelled <= set + SPARE);
        assert!(slots.len() <= ARITY * (set + SPARE));
        assert_eq!(slots.len(), heap.len() + free.len());
        let is_set = |entry: &&Entry| slots[entry.slot() as usize].is_some();
        assert_eq!(heap.iter().filter(is_set).count(), set);
        assert!(heap.iter().take(1).all(|first| is_set(&first)));
        for place in 1..heap.len() {
            assert!(heap[(place - 1) / ARITY] < heap[place]);
        }
    }

    #[test]
    fn timers_fire_in_order_and_cancelled_ones_never() {
        let nodes = nodes(1000);
        let mut timers = Timers::new();
        let start = timers.start;
        // A permutation of 0..1000 milliseconds.
        let millis = |i: usize| (i * 617 + 11) % 1000;
        for (i, node) in nodes.iter().enumerate() {
            timers.insert(start + Duration::from_millis(millis(i) as u64), node);
        }
        for node in nodes.iter().step_by(3) {
            timers.remove(node);
            timers.remove(node);
        }
        let expected: Vec<_> = {
            let mut left: Vec<_> = (0..1000).filter(|i| i % 3 != 0).map(millis).collect();
            left.sort_unstable();
            left
        };
        let mut fired = Vec::new();
        while let Some(next) = timers.next_deadline() {
            assert!(timers.pop_due(next - nanos(1)).is_none());
            assert!(timers.pop_due(next).is_some());
            fired.push((next - start).as_millis() as usize);
            check(&timers, expected.len() - fired.len());
        }
        assert_eq!(fired, expected);
        assert!(nodes.iter().all(|node| node.slot.get() == ABSENT));
    }

    #[test]
    fn equal_deadlines_fire_in_the_order_in_which_they_were_set() {
        let nodes = nodes(1000);
        let mut timers = Timers::new();
        let at = timers.start + nanos(1);
        for node in &nodes {
            timers.insert(at, node);
        }
        for node in &nodes {
            assert_ne!(node.slot.get(), ABSENT);
            assert!(timers.pop_due(at).is_some());
            assert_eq!(node.slot.get(), ABSENT);
        }
        check(&timers, 0);
    }

    #[test]
    fn what_was_cancelled_takes_no_memory() {
        const MANY: usize = 100_000;
        let nodes = nodes(MANY);
        let mut timers = Timers::new();
        let start = timers.start;
        for (i, node) in nodes.iter().enumerate() {
            // Later and later ones: none comes to the front by itself.
            timers.insert(start + nanos(3_600_000_000_000 + i as u64), node);
        }
        check(&timers, MANY);
        // One that stays, in the last slot, and all others, oldest last.
        for (i, node) in nodes[..MANY - 1].iter().enumerate().rev() {
            timers.remove(node);
            if i % 1000 == 0 {
                check(&timers, i + 1);
            }
        }
        check(&timers, 1);
        assert!(timers.heap.capacity() <= ARITY * 2 * SPARE);
        assert!(timers.slots.capacity() <= ARITY * 2 * SPARE);
        timers.remove(&nodes[MANY - 1]);
        check(&timers, 0);
        assert!(timers.next_deadline().is_none());
    }

    #[test]
    fn setting_and_cancelling_says_whether_the_first_has_changed() {
        let nodes = nodes(3);
        let mut timers = Timers::new();
        let start = timers.start;
        assert!(timers.insert(start + nanos(20), &nodes[0]));
        assert!(!timers.insert(start + nanos(30), &nodes[1]));
        assert!(timers.insert(start + nanos(10), &nodes[2]));
        assert!(!timers.remove(&nodes[1]));
        assert!(timers.remove(&nodes[2]));
        assert!(!timers.remove(&nodes[2]));
        assert!(timers.remove(&nodes[0]));
    }

    #[test]
    fn a_deadline_long_past_is_due_and_one_beyond_all_reason_never() {
        let past = Instant::now() - Duration::from_secs(1);
        let nodes = nodes(2);
        let mut timers = Timers::new();
        let centuries = Duration::from_secs(600 * 365 * 24 * 3600);
        assert!(!timers.insert(Instant::now() + centuries, &nodes[0]));
        assert!(timers.insert(past, &nodes[1]));
        assert!(timers.pop_due(Instant::now()).is_some());
        assert!(timers.pop_due(Instant::now() + 2 * centuries).is_none());
        assert!(!timers.remove(&nodes[0]));
    }

    /// Against a list that is searched from end to end.
    #[test]
    fn any_order_of_setting_cancelling_and_firing() {
        let nodes = nodes(300);
        let mut timers = Timers::new();
        let start = timers.start;
        let mut model: Vec<(u64, usize)> = Vec::new();
        let mut random = 1u64;
        for _ in 0..30_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let i = (random >> 8) as usize % nodes.len();
            let at = (random >> 20) % 1000;
            if random.is_multiple_of(8) {
                let now = start + nanos(at / 4);
                let due = model.iter().copied().filter(|&(then, _)| then <= at / 4).min();
                let fired = timers.pop_due(now);
                assert_eq!(fired.is_some(), due.is_some());
                if let Some((then, _)) = due {
                    // Which of those that are equal, the model does not know.
                    let gone =
                        |&(at, i): &(u64, usize)| at == then && nodes[i].slot.get() == ABSENT;
                    let place = model.iter().position(gone).unwrap();
                    model.swap_remove(place);
                }
            } else if let Some(place) = model.iter().position(|&(_, set)| set == i) {
                model.swap_remove(place);
                timers.remove(&nodes[i]);
            } else {
                model.push((at, i));
                timers.insert(start + nanos(at), &nodes[i]);
            }
            check(&timers, model.len());
        }
    }
}
