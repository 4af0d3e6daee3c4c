//! `bounded(n)`: a ring.

use std::collections::VecDeque;

use crate::channel::Buffer;

/// Room for a fixed number of values, allocated at once.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    values: VecDeque<T>,
    capacity: usize,
}

impl<T> Ring<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { values: VecDeque::with_capacity(capacity), capacity }
    }
}

impl<T> Buffer<T> for Ring<T> {
    const CAN_BE_FULL: bool = true;
    const HAS_ROOM: bool = true;

    #[inline]
    fn is_full(&self, promised: usize) -> bool {
        self.values.len() + promised >= self.capacity
    }

    #[inline]
    fn push(&mut self, value: T) {
        self.values.push_back(value);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.values.pop_front()
    }

    fn put_back(&mut self, value: T) {
        self.values.push_front(value);
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn capacity(&self) -> Option<usize> {
        Some(self.capacity)
    }

    fn take(&mut self) -> Self {
        Self { values: std::mem::take(&mut self.values), capacity: self.capacity }
    }
}
