//! `after`, `at` and `tick`: the clock is the sender.
//!
//! 1. There is a value from `next` on, until it is taken. Nobody puts it there: those that
//!    receive wait until then, and look.

use std::fmt;
use std::time::{Duration, Instant};

use crate::channel::Buffer;

/// When there is a value, which is that moment.
pub(crate) struct Clock<T> {
    /// `None`: never again.
    next: Option<Instant>,
    /// `None`: just once.
    period: Option<Duration>,
    /// `T` is `Instant` in every clock there is. These say so without a cast.
    value: fn(Instant) -> T,
    moment: fn(T) -> Instant,
}

impl Clock<Instant> {
    pub(crate) fn new(next: Option<Instant>, period: Option<Duration>) -> Self {
        Self { next, period, value: |moment| moment, moment: |value| value }
    }
}

impl<T> Buffer<T> for Clock<T> {
    const CAN_BE_FULL: bool = true;
    const HAS_ROOM: bool = false;

    fn is_full(&self, _: usize) -> bool {
        self.len() == 1
    }

    fn push(&mut self, _: T) {
        unreachable!("nobody sends to a clock")
    }

    fn pop(&mut self) -> Option<T> {
        let now = Instant::now();
        let moment = self.next.filter(|next| *next <= now)?;
        // Ticks that nobody took are not made up for.
        self.next = self.period.and_then(|period| now.checked_add(period));
        Some((self.value)(moment))
    }

    fn put_back(&mut self, value: T) {
        self.next = Some((self.moment)(value));
    }

    fn len(&self) -> usize {
        self.next.is_some_and(|next| next <= Instant::now()).into()
    }

    fn capacity(&self) -> Option<usize> {
        Some(1)
    }

    fn take(&mut self) -> Self {
        // There is nothing to be dropped.
        self.next = None;
        Self { next: None, period: None, ..*self }
    }

    fn close(&mut self) {
        // What has come is still to be had.
        self.next = self.next.filter(|next| *next <= Instant::now());
        self.period = None;
    }

    fn ready_at(&self) -> Option<Instant> {
        self.next
    }
}

impl<T> fmt::Debug for Clock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("next", &self.next).field("period", &self.period).finish()
    }
}
