//! What differs between flavours: where the values are that nobody waits for yet.
//!
//! A buffer is touched under its channel's lock alone, and by itself knows of nobody who waits.

use std::time::Instant;

/// Where a flavour keeps the values that nobody waits for yet.
pub(crate) trait Buffer<T> {
    /// Whether a sender may ever have to wait.
    const CAN_BE_FULL: bool;
    /// Whether values may be there without anybody who takes them.
    const HAS_ROOM: bool;
    /// Whether `push` must wait, when so much room has been promised to others.
    fn is_full(&self, promised: usize) -> bool;
    /// Adds a value; if there is no room, beyond its capacity.
    fn push(&mut self, value: T);
    /// The oldest.
    fn pop(&mut self) -> Option<T>;
    /// How many there are.
    fn len(&self) -> usize;
    /// How many there can be.
    fn capacity(&self) -> Option<usize>;
    /// Puts the oldest back to where it was; if there is no room, beyond the capacity.
    fn put_back(&mut self, value: T);
    /// All of them; leaves it empty.
    fn take(&mut self) -> Self;
    /// No values will come any more.
    fn close(&mut self) {}
    /// When there will be a value without anybody's doing.
    fn ready_at(&self) -> Option<Instant> {
        None
    }
}
