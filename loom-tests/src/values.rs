//! What the models send: values that are dropped once, and only by who may look into them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward_sched::primitive::UnsafeCell;

/// Counts how often each of its values was dropped. The counts are no part of the model.
#[derive(Clone, Debug)]
pub struct Tally(Arc<[AtomicUsize]>);

/// A value of a [`Tally`]. loom sees to it that whoever drops it has seen it made.
#[derive(Debug)]
pub struct Value {
    /// Which one it is.
    pub number: usize,
    inside: UnsafeCell<usize>,
    tally: Tally,
}

impl Tally {
    /// For so many values.
    pub fn new(values: usize) -> Self {
        Self((0..values).map(|_| AtomicUsize::new(0)).collect())
    }

    /// Each is to be made once.
    pub fn value(&self, number: usize) -> Value {
        let inside = UnsafeCell::new(0);
        // SAFETY: nobody else knows it yet.
        inside.with_mut(|inside| unsafe { *inside = number });
        Value { number, inside, tally: self.clone() }
    }

    /// # Panics
    ///
    /// Unless every value has been dropped once.
    pub fn check(&self) {
        for (number, drops) in self.0.iter().enumerate() {
            let drops = drops.load(Ordering::Relaxed);
            assert_eq!(drops, 1, "value {number} was dropped {drops} times");
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.tally.0[self.number].fetch_add(1, Ordering::Relaxed);
        if !std::thread::panicking() {
            // SAFETY: it is ours.
            assert_eq!(self.inside.with(|inside| unsafe { *inside }), self.number);
        }
    }
}
