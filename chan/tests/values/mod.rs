//! What is sent: values that count how often each was dropped, through channels of
//! every capacity.

// Each test program uses its part of it.
#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward_chan::{Receiver, Sender, bounded, unbounded};

/// A rendezvous, the smallest queue, a larger one, and one without bounds.
pub(crate) const CAPACITIES: [Option<usize>; 4] = [Some(0), Some(1), Some(5), None];

/// Those of them that can be full.
pub(crate) const BOUNDS: [usize; 3] = [0, 1, 5];

/// A channel of that capacity.
pub(crate) fn channel<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    match capacity {
        Some(capacity) => bounded(capacity),
        None => unbounded(),
    }
}

/// A full channel, holding `0..capacity`.
pub(crate) fn full(capacity: usize) -> (Sender<usize>, Receiver<usize>) {
    let (sender, receiver) = bounded(capacity);
    (0..capacity).for_each(|i| sender.send(i).unwrap());
    (sender, receiver)
}

/// Counts how often each of its values was dropped.
#[derive(Clone)]
pub(crate) struct Tally(Arc<[AtomicUsize]>);

/// A value of a [`Tally`].
pub(crate) struct Counted {
    pub(crate) number: usize,
    panics: bool,
    tally: Tally,
}

impl Tally {
    pub(crate) fn new(values: usize) -> Self {
        Self((0..values).map(|_| AtomicUsize::new(0)).collect())
    }

    /// Each is to be made once.
    pub(crate) fn value(&self, number: usize) -> Counted {
        Counted { number, panics: false, tally: self.clone() }
    }

    /// One whose destructor panics.
    pub(crate) fn bomb(&self, number: usize) -> Counted {
        Counted { number, panics: true, tally: self.clone() }
    }

    /// How many have been dropped.
    pub(crate) fn dropped(&self) -> usize {
        self.0.iter().map(|drops| drops.load(Ordering::SeqCst)).sum()
    }

    /// Fails unless every value has been dropped once.
    pub(crate) fn check(&self) {
        for (number, drops) in self.0.iter().enumerate() {
            let drops = drops.load(Ordering::SeqCst);
            assert_eq!(drops, 1, "value {number} was dropped {drops} times");
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.tally.0[self.number].fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "the destructor of value {} panics", self.number);
    }
}
