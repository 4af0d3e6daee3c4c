//! `bounded(0)`: a value goes from hand to hand or not at all. `never()` is one that nobody sends
//! to.

use std::collections::VecDeque;

use crate::channel::Buffer;

/// No room: a sender waits until somebody receives. Here are only values that have been received
/// by tasks, and for which these are yet to come.
#[derive(Debug)]
pub(crate) struct Received<T>(VecDeque<T>);

impl<T> Received<T> {
    pub(crate) fn new() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Buffer<T> for Received<T> {
    const CAN_BE_FULL: bool = true;
    const HAS_ROOM: bool = false;

    #[inline]
    fn is_full(&self, _: usize) -> bool {
        true
    }

    fn push(&mut self, value: T) {
        self.0.push_back(value);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    fn put_back(&mut self, value: T) {
        self.0.push_front(value);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn capacity(&self) -> Option<usize> {
        Some(0)
    }

    fn take(&mut self) -> Self {
        Self(std::mem::take(&mut self.0))
    }
}
