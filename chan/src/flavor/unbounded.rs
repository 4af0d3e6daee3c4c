//! `unbounded()`: a list of segments, so that no send ever copies what is queued, and
//! memory goes back as the queue is worked off.
//!
//! 1. Of the values queued the oldest is at `front` of the first segment, and the newest before
//!    `back` of the last; each segment between is full. Only these places are initialised.
//! 2. There is no segment at all only before the first value, or the first after `take`. When nothing is queued
//!    there is one at most, and `front == back`.

use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;

use crate::channel::Buffer;

/// Values in a segment.
const SEGMENT: usize = 64;

struct Segment<T> {
    next: *mut Segment<T>,
    values: [MaybeUninit<T>; SEGMENT],
}

/// As much room as memory has.
pub(crate) struct Segments<T> {
    first: *mut Segment<T>,
    last: *mut Segment<T>,
    /// An empty segment or null, kept so that a queue that hovers around a boundary does not
    /// allocate.
    spare: *mut Segment<T>,
    front: u32,
    back: u32,
    len: usize,
}

// SAFETY: it owns its segments, and with them the values.
unsafe impl<T: Send> Send for Segments<T> {}

impl<T> Segments<T> {
    /// With a segment, unless that is large: the first send does not allocate.
    pub(crate) fn new() -> Self {
        let mut segments = Self::without_memory();
        if size_of::<Segment<T>>() <= 4096 {
            segments.add_segment();
        }
        segments
    }

    fn without_memory() -> Self {
        let null = ptr::null_mut();
        Self { first: null, last: null, spare: null, front: 0, back: 0, len: 0 }
    }

    /// An empty segment, of which nobody knows.
    fn segment(&mut self, next: *mut Segment<T>) -> *mut Segment<T> {
        if self.spare.is_null() {
            let mut segment = Box::<Segment<T>>::new_uninit();
            // SAFETY: the places for values need no initialising.
            unsafe {
                (&raw mut (*segment.as_mut_ptr()).next).write(next);
                return Box::into_raw(segment.assume_init());
            }
        }
        let segment = std::mem::replace(&mut self.spare, ptr::null_mut());
        // SAFETY: it is ours.
        unsafe { (*segment).next = next };
        segment
    }

    #[cold]
    fn add_segment(&mut self) {
        let segment = self.segment(ptr::null_mut());
        match self.last.is_null() {
            true => self.first = segment,
            // SAFETY: a segment of ours.
            false => unsafe { (*self.last).next = segment },
        }
        self.last = segment;
        self.back = 0;
    }

    /// The first segment has been worked off.
    #[cold]
    fn leave_segment(&mut self) {
        self.front = 0;
        if ptr::eq(self.first, self.last) {
            self.back = 0;
            return;
        }
        let empty = self.first;
        // SAFETY: a segment of ours.
        self.first = unsafe { (*empty).next };
        // SAFETY: the one that was kept is no longer needed.
        unsafe { free(std::mem::replace(&mut self.spare, empty)) };
    }
}

/// # Safety
///
/// `segment` is null, or a segment without values that nobody knows of.
unsafe fn free<T>(segment: *mut Segment<T>) {
    if !segment.is_null() {
        // SAFETY: the caller's promise; it comes from a box.
        drop(unsafe { Box::from_raw(segment) });
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
        if self.back as usize == SEGMENT || self.last.is_null() {
            self.add_segment();
        }
        // SAFETY: there is a last segment, and `back` is a free place of it (1).
        unsafe { (&mut (*self.last).values)[self.back as usize].write(value) };
        self.back += 1;
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        // SAFETY: the oldest is there (1), and no longer counts as queued.
        let value = unsafe { (&(*self.first).values)[self.front as usize].assume_init_read() };
        self.front += 1;
        if self.front as usize == SEGMENT {
            self.leave_segment();
        }
        Some(value)
    }

    fn put_back(&mut self, value: T) {
        if self.first.is_null() {
            return self.push(value);
        }
        match (self.front, self.len) {
            (0, 0) => (self.front, self.back) = (SEGMENT as u32, SEGMENT as u32),
            (0, _) => (self.first, self.front) = (self.segment(self.first), SEGMENT as u32),
            _ => {}
        }
        self.front -= 1;
        // SAFETY: a free place of the first segment, before the oldest (1).
        unsafe { (&mut (*self.first).values)[self.front as usize].write(value) };
        self.len += 1;
    }

    fn len(&self) -> usize {
        self.len
    }

    fn capacity(&self) -> Option<usize> {
        None
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::without_memory())
    }
}

impl<T> Drop for Segments<T> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
        // SAFETY: ours, and empty; when nothing is queued there is one segment at most (2).
        unsafe {
            free(self.first);
            free(self.spare);
        }
    }
}

impl<T> fmt::Debug for Segments<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segments").field("len", &self.len).finish_non_exhaustive()
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
        assert!(ptr::eq(queue.first, queue.last));
        assert!(!queue.spare.is_null());
    }

    #[test]
    fn what_is_put_back_is_the_oldest_again() {
        for queued in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1] {
            for popped in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1] {
                let mut queue = Segments::new();
                (0..popped + queued).for_each(|i| queue.push(i.to_string()));
                let gone: Vec<_> = (0..popped).map(|_| queue.pop().unwrap()).collect();
                gone.into_iter().rev().for_each(|value| queue.put_back(value));
                queue.put_back("first".to_owned());
                queue.push("last".to_owned());
                assert_eq!(queue.len(), popped + queued + 2);
                assert_eq!(queue.pop().as_deref(), Some("first"));
                (0..popped + queued).for_each(|i| assert_eq!(queue.pop(), Some(i.to_string())));
                assert_eq!(queue.pop().as_deref(), Some("last"));
                assert_eq!(queue.pop(), None);
            }
        }
    }

    #[test]
    fn what_is_left_is_dropped_once_wherever_it_was_taken_to() {
        let value = std::rc::Rc::new(());
        let mut queue = Segments::new();
        (0..3 * SEGMENT).for_each(|_| queue.push(value.clone()));
        queue.pop();
        let taken = queue.take();
        queue.put_back(value.clone());
        queue.push(value.clone());
        assert_eq!(std::rc::Rc::strong_count(&value), 3 * SEGMENT + 2);
        drop(taken);
        assert_eq!(std::rc::Rc::strong_count(&value), 3);
        drop(queue);
        assert_eq!(std::rc::Rc::strong_count(&value), 1);
    }
}
