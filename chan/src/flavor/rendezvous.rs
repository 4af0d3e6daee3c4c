//! `bounded(0)`: a value goes from hand to hand or not at all.

use crate::channel::Buffer;

/// No room: a sender waits until somebody receives.
#[derive(Debug)]
pub(crate) struct Nothing;

impl<T> Buffer<T> for Nothing {
    const CAN_BE_FULL: bool = true;

    #[inline]
    fn is_full(&self) -> bool {
        true
    }

    fn push(&mut self, _: T) {
        unreachable!("a rendezvous has no room")
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        None
    }

    fn len(&self) -> usize {
        0
    }

    fn capacity(&self) -> Option<usize> {
        Some(0)
    }

    fn take(&mut self) -> Self {
        Self
    }
}
