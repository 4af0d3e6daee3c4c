//! What a broadcast channel holds: the last values, and who has still to see each. All of it under
//! one lock; no users' code runs here.
//!
//! Values are numbered in the order in which they are sent. A receiver's *position* is the number
//! of the value that it gets next.
//!
//! 1. `slots[i]` holds value number `first + i`. There are `capacity` of them at most.
//! 2. A slot's `unseen` is the number of receivers that were there when the value was sent and
//!    have not seen it, nor gone. Receivers pass values in order, so it never falls from one slot
//!    to the next; and a slot of which it is 0 is taken out.
//! 3. So a position before `first` is one of a receiver that has been overtaken.

use std::collections::VecDeque;
use std::sync::Arc;

use super::error::TryRecvError;

pub(super) struct Queue<T> {
    slots: VecDeque<Slot<T>>,
    first: u64,
    capacity: usize,
    senders: usize,
    receivers: usize,
    closed: bool,
}

pub(super) struct Slot<T> {
    value: Arc<T>,
    unseen: usize,
}

impl<T> Queue<T> {
    /// Empty, with one sender, and one receiver at position 0.
    pub(super) fn new(capacity: usize) -> Self {
        let slots = VecDeque::new();
        Self { slots, first: 0, capacity, senders: 1, receivers: 1, closed: false }
    }

    /// The number of the value that is sent next.
    pub(super) fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn senders(&self) -> usize {
        self.senders
    }

    pub(super) fn receivers(&self) -> usize {
        self.receivers
    }

    /// Nothing will be sent any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed || self.senders == 0
    }

    /// Adds a value. `Ok`: how many will see it, and the one that had to go; `Err`: nobody would.
    pub(super) fn push(&mut self, value: Arc<T>) -> Result<(usize, Option<Arc<T>>), Arc<T>> {
        if self.closed || self.receivers == 0 {
            return Err(value);
        }
        let mut gone = None;
        if self.slots.len() == self.capacity {
            gone = self.slots.pop_front();
            self.first += 1;
        }
        self.slots.push_back(Slot { value, unseen: self.receivers });
        Ok((self.receivers, gone.map(|slot| slot.value)))
    }

    /// The value at `position`, which moves on, also if there is none because it is too old.
    pub(super) fn next(&mut self, position: &mut u64) -> Result<Arc<T>, TryRecvError> {
        if *position < self.first {
            let missed = self.first - *position;
            *position = self.first;
            return Err(TryRecvError::Lagged(missed));
        }
        let Some(slot) = self.slots.get_mut((*position - self.first) as usize) else {
            return Err(if self.is_closed() { TryRecvError::Closed } else { TryRecvError::Empty });
        };
        *position += 1;
        slot.unseen -= 1;
        if slot.unseen > 0 {
            return Ok(slot.value.clone());
        }
        // (2): it is the first.
        self.first += 1;
        let slot = self.slots.pop_front();
        Ok(slot.expect("it was looked at").value)
    }

    /// `true`: nobody has closed it before.
    pub(super) fn close(&mut self) -> bool {
        !std::mem::replace(&mut self.closed, true)
    }

    pub(super) fn add_sender(&mut self) {
        self.senders += 1;
    }

    /// `true`: that was the last.
    pub(super) fn remove_sender(&mut self) -> bool {
        self.senders -= 1;
        self.senders == 0
    }

    /// Returns its position.
    pub(super) fn add_receiver(&mut self) -> u64 {
        self.receivers += 1;
        self.end()
    }

    /// Returns what nobody has to see any more, to be dropped.
    pub(super) fn remove_receiver(&mut self, position: u64) -> Vec<Slot<T>> {
        self.receivers -= 1;
        let skipped = position.saturating_sub(self.first) as usize;
        self.slots.iter_mut().skip(skipped).for_each(|slot| slot.unseen -= 1);
        let seen = self.slots.partition_point(|slot| slot.unseen == 0);
        self.first += seen as u64;
        self.slots.drain(..seen).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(values: std::ops::Range<i32>) -> Queue<i32> {
        let mut queue = Queue::new(3);
        values.for_each(|i| drop(queue.push(Arc::new(i)).unwrap()));
        queue
    }

    #[test]
    fn a_value_stays_until_all_have_seen_it() {
        let (mut one, mut queue) = (0, queue(0..2));
        let mut other = queue.add_receiver();
        assert_eq!(other, 2);
        assert_eq!(queue.push(Arc::new(2)).unwrap().0, 2);
        assert_eq!(queue.len(), 3);
        assert_eq!(*queue.next(&mut other).unwrap(), 2);
        for i in 0..3 {
            assert_eq!((queue.len(), *queue.next(&mut one).unwrap()), (3 - i, i as i32));
        }
        assert_eq!((queue.len(), queue.next(&mut one)), (0, Err(TryRecvError::Empty)));
    }

    #[test]
    fn the_oldest_goes_and_is_missed() {
        let (mut position, mut queue) = (0, queue(0..3));
        let (_, gone) = queue.push(Arc::new(3)).unwrap();
        assert_eq!(gone.as_deref(), Some(&0));
        assert_eq!(queue.next(&mut position), Err(TryRecvError::Lagged(1)));
        assert_eq!(*queue.next(&mut position).unwrap(), 1);
    }

    #[test]
    fn what_a_receiver_leaves_goes_with_it_unless_others_want_it() {
        let mut queue = queue(0..2);
        let other = queue.add_receiver();
        drop(queue.push(Arc::new(2)));
        assert_eq!((queue.remove_receiver(0).len(), queue.len()), (2, 1));
        assert_eq!((queue.remove_receiver(other).len(), queue.len()), (1, 0));
        assert!(queue.push(Arc::new(3)).is_err());
    }
}
