//! What the models look at when all is over.

use super::{Buffer, Channel};

/// What is left of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// How many values are in it, those beyond its capacity too.
    pub queued: usize,
    /// How much room selected senders have been promised.
    pub promised: usize,
    /// Whether anybody is still in line, or watches.
    pub in_line: bool,
}

impl<B> Channel<B> {
    pub(crate) fn left<T>(&self) -> Left
    where
        B: Buffer<T>,
    {
        let state = self.state.lock();
        let lists = [&state.senders, &state.receivers, &state.room_watchers, &state.value_watchers];
        Left {
            queued: state.buffer.len(),
            promised: state.promised,
            in_line: lists.iter().any(|list| !list.is_empty()),
        }
    }
}
