//! Channels for [sward](https://docs.rs/sward): Go's semantics under
//! crossbeam-channel's names. Users depend on `sward` and find them in `sward::chan`.
//!
//! Any number of senders and receivers, from green threads and OS threads alike:
//! whoever must wait parks its green thread or blocks its OS thread. A value is
//! received exactly once, comes back in an error, or is dropped exactly once.
//!
//! | made by | capacity | a send waits |
//! |---|---|---|
//! | [`bounded(0)`](bounded) | none: a rendezvous | until a receiver takes the value |
//! | [`bounded(n)`](bounded) | `n` | while `n` values are queued |
//! | [`unbounded()`](unbounded) | memory | never |
//!
//! Those that wait are served first come, first served.

mod channel;
mod ends;
mod error;
mod flavor;
mod receiver;
mod sender;

pub use self::error::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
pub use self::receiver::{IntoIter, Iter, Receiver, TryIter};
pub use self::sender::Sender;

use std::sync::Arc;

use self::ends::Ends;
use self::flavor::Flavor;

/// A channel that queues up to `capacity` values. With 0 it is a rendezvous: a send
/// and a receive happen together, and the value goes from hand to hand.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded(1);
/// sender.send("first").unwrap();
/// assert!(sender.try_send("second").unwrap_err().is_full());
/// assert_eq!(receiver.recv(), Ok("first"));
/// ```
///
/// # Panics
///
/// When there is no memory for the queue.
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    pair(match capacity {
        0 => Flavor::rendezvous(),
        capacity => Flavor::bounded(capacity),
    })
}

/// A channel that queues as many values as memory holds: a send never waits.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::unbounded();
/// for i in 0..1000 {
///     sender.send(i).unwrap();
/// }
/// drop(sender);
/// assert_eq!(receiver.iter().sum::<i32>(), 499_500);
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    pair(Flavor::unbounded())
}

fn pair<T>(flavor: Flavor<T>) -> (Sender<T>, Receiver<T>) {
    let ends = Arc::new(Ends::new(flavor));
    (Sender::first(ends.clone()), Receiver::first(ends))
}
