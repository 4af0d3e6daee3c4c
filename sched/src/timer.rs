//! Deadlines of one worker's green threads: a heap of nodes on their stacks.
//!
//! A 4-ary min-heap whose entries know their node, and whose nodes know their place
//! in the heap: setting and cancelling are O(log n), a cancelled timer leaves no
//! trace, and nothing is allocated for each timer beyond an entry.
//!
//! 1. A heap belongs to one worker, which alone sets timers in it; a thread that has gone on
//!    elsewhere cancels from there, so there is a lock around it.
//! 2. A node is in the heap from `insert` until it fires or is removed, and its owner
//!    removes it before it, or the waiter, goes away. So under the lock the waiter of a
//!    timer that is due is in place.

use std::cell::Cell;
use std::ptr::NonNull;
use std::time::Instant;

use crate::waiter::Waiter;

const ABSENT: usize = usize::MAX;
const ARITY: usize = 4;

/// A deadline of a waiter, on the stack of whoever waits.
#[derive(Debug)]
pub(crate) struct TimerNode {
    place: Cell<usize>,
    waiter: NonNull<Waiter>,
}

impl TimerNode {
    /// A timer, not set, for `waiter`.
    pub(crate) fn new(waiter: NonNull<Waiter>) -> Self {
        Self { place: Cell::new(ABSENT), waiter }
    }
}

// SAFETY: nodes are touched by whoever holds the lock (1), and by the thread that made one
// while it is in no heap.
unsafe impl Send for Timers {}

#[derive(Debug)]
struct Entry {
    deadline: Instant,
    node: NonNull<TimerNode>,
}

impl Entry {
    fn settle(&self, place: usize) {
        // SAFETY: (2): a node in the heap is live.
        unsafe { self.node.as_ref() }.place.set(place);
    }
}

/// All deadlines of one worker.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: Vec<Entry>,
}

impl Timers {
    /// Sets the timer.
    pub(crate) fn insert(&mut self, deadline: Instant, node: &TimerNode) {
        debug_assert_eq!(node.place.get(), ABSENT);
        self.heap.push(Entry { deadline, node: NonNull::from(node) });
        self.sift_up(self.heap.len() - 1);
    }

    /// Cancels the timer, if it has not fired.
    pub(crate) fn remove(&mut self, node: &TimerNode) {
        let place = node.place.replace(ABSENT);
        if place == ABSENT {
            return;
        }
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            let place = self.sift_up(place);
            self.sift_down(place);
        }
    }

    /// The first deadline.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.heap.first().map(|entry| entry.deadline)
    }

    /// Takes out the first timer whose deadline is not after `now`.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<NonNull<Waiter>> {
        let first = self.heap.first().filter(|entry| entry.deadline <= now)?;
        // SAFETY: (2): a node in the heap is live.
        let node = unsafe { first.node.as_ref() };
        self.remove(node);
        Some(node.waiter)
    }

    fn sift_up(&mut self, mut place: usize) -> usize {
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.heap[parent].deadline <= self.heap[place].deadline {
                break;
            }
            self.heap.swap(parent, place);
            self.heap[place].settle(place);
            place = parent;
        }
        self.heap[place].settle(place);
        place
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let children = place * ARITY + 1..(place * ARITY + 1 + ARITY).min(self.heap.len());
            let least = children.min_by_key(|&child| self.heap[child].deadline);
            match least {
                Some(least) if self.heap[least].deadline < self.heap[place].deadline => {
                    self.heap.swap(least, place);
                    self.heap[place].settle(place);
                    place = least;
                }
                _ => break,
            }
        }
        self.heap[place].settle(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn node() -> TimerNode {
        TimerNode::new(NonNull::dangling())
    }

    #[test]
    fn timers_fire_in_order_and_cancelled_ones_never() {
        let start = Instant::now();
        let nodes: Vec<_> = (0..1000).map(|_| node()).collect();
        let mut timers = Timers::default();
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
            assert!(timers.pop_due(next - Duration::from_nanos(1)).is_none());
            assert!(timers.pop_due(next).is_some());
            fired.push((next - start).as_millis() as usize);
        }
        assert_eq!(fired, expected);
        assert!(nodes.iter().all(|node| node.place.get() == ABSENT));
    }
}
