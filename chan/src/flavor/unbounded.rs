//! `unbounded()`: a list of segments, so that no send ever copies what is queued, and
//! memory goes back as the queue is worked off.
//!
//! 1. Only the first and the last segment may be other than full, and none but the only
//!    one is empty.

use std::collections::VecDeque;

use crate::channel::Buffer;

/// Values in a segment.
const SEGMENT: usize = 64;

/// As much room as memory has.
#[derive(Debug)]
pub(crate) struct Segments<T> {
    segments: VecDeque<VecDeque<T>>,
    /// An empty segment, kept so that a queue that hovers around a boundary does not
    /// allocate.
    spare: Option<VecDeque<T>>,
    len: usize,
}

impl<T> Segments<T> {
    pub(crate) fn new() -> Self {
        Self { segments: VecDeque::from([VecDeque::with_capacity(SEGMENT)]), spare: None, len: 0 }
    }
}

impl<T> Buffer<T> for Segments<T> {
    const CAN_BE_FULL: bool = false;
    const HAS_ROOM: bool = true;

    #[inline]
    fn is_full(&self, _: usize) -> bool {
        false
    }

    #[inline]
    fn push(&mut self, value: T) {
        self.len += 1;
        if let Some(last) = self.segments.back_mut()
            && last.len() < SEGMENT
        {
            return last.push_back(value);
        }
        let mut segment = self.spare.take().unwrap_or_else(|| VecDeque::with_capacity(SEGMENT));
        segment.push_back(value);
        self.segments.push_back(segment);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        let first = self.segments.front_mut()?;
        let value = first.pop_front()?;
        self.len -= 1;
        if first.is_empty() && self.segments.len() > 1 {
            self.spare = self.segments.pop_front();
        }
        Some(value)
    }

    fn put_back(&mut self, value: T) {
        self.len += 1;
        match self.segments.front_mut() {
            Some(first) => first.push_front(value),
            None => self.segments.push_front(VecDeque::from([value])),
        }
    }

    fn len(&self) -> usize {
        self.len
    }

    fn capacity(&self) -> Option<usize> {
        None
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self { segments: VecDeque::new(), spare: None, len: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_leave_in_the_order_they_came_across_segments() {
        let mut queue = Segments::new();
        let (mut sent, mut received) = (0, 0);
        for round in [1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 5 * SEGMENT, 3] {
            for _ in 0..round {
                queue.push(sent);
                sent += 1;
            }
            for _ in 0..round / 2 {
                assert_eq!(queue.pop(), Some(received));
                received += 1;
            }
            assert_eq!(queue.len(), sent - received);
        }
        while let Some(value) = queue.pop() {
            assert_eq!(value, received);
            received += 1;
        }
        assert_eq!((received, queue.len()), (sent, 0));
    }

    #[test]
    fn a_worked_off_queue_keeps_two_segments_at_most() {
        let mut queue = Segments::new();
        (0..100 * SEGMENT).for_each(|i| queue.push(i));
        while queue.pop().is_some() {}
        assert_eq!(queue.segments.len(), 1);
        assert!(queue.spare.is_some());
    }
}
