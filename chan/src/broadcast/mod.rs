//! Every receiver gets every value: news for all who care.
//!
//! ```
//! # use sward_chan as chan;
//! # use sward_sched as sward;
//! use chan::broadcast;
//!
//! let (sender, receiver) = broadcast::channel(16);
//! let listeners = [receiver, sender.subscribe()].map(|mut receiver| {
//!     sward::spawn(move || (receiver.recv().unwrap(), receiver.recv().unwrap()))
//! });
//! assert_eq!(sender.send("one"), Ok(2));
//! sender.send("two").unwrap();
//! for listener in listeners {
//!     assert_eq!(listener.join().unwrap(), ("one", "two"));
//! }
//! ```
//!
//! The channel holds the last `capacity` values, each until all have received it. To send never
//! waits: when there are more, the oldest goes, and a receiver that had not got that far is told so,
//! and how many it has missed ([`RecvError::Lagged`]); then it goes on with the oldest that is there.
//!
//! Each receiver gets a clone, but the last one the value itself, if no other is still making its
//! clone of it. Clones are made by the receivers, side by side, so values are shared between
//! threads: they are `Sync`. While one is being made nobody waits for it, and one that panics harms
//! nobody else; that receiver has had its value.

// queue.rs has what the channel holds, sender.rs and receiver.rs the ends, `announced.rs` of the
// crate how receivers wait.
//
// Values are in `Arc`s: receivers take one under the lock, and clone or drop what is in it after. So
// users' code never runs under a lock, nor does one user's `clone` keep another from anything.
// Rejected: tokio's way, a lock for each slot that is held while the value is cloned (a `clone` that
// blocks would block the sender, and a switch of threads is possible there); a clone for each
// receiver made by the sender (it pays for all, and is where the panics end up).

mod error;
mod queue;
mod receiver;
mod recv_async;
mod sender;

pub use self::error::{RecvError, RecvTimeoutError, TryRecvError};
pub use self::receiver::Receiver;
pub use self::recv_async::RecvFuture;
pub use self::sender::Sender;
pub use crate::error::SendError;

use std::sync::Arc;

use self::queue::Queue;
use crate::announced::Announced;

type Shared<T> = Arc<Announced<Queue<T>>>;

/// A channel that holds the last `capacity` values for each of its receivers.
///
/// ```
/// # use sward_chan as chan;
/// use chan::broadcast::{self, RecvError};
///
/// let (sender, mut receiver) = broadcast::channel(2);
/// (1..=5).for_each(|i| assert!(sender.send(i).is_ok()));
/// assert_eq!(receiver.recv(), Err(RecvError::Lagged(3)));
/// assert_eq!((receiver.recv(), receiver.recv()), (Ok(4), Ok(5)));
/// ```
///
/// # Panics
///
/// When `capacity` is 0: a value that is not held can be received by nobody.
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a broadcast channel holds one value at least; its capacity cannot be 0");
    let shared = Arc::new(Announced::new(Queue::new(capacity)));
    (Sender::first(shared.clone()), Receiver::at(shared, 0))
}
