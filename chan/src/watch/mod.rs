//! The latest value, for all who look: configuration, progress, a signal to stop.
//!
//! ```
//! # use sward_chan as chan;
//! # use sward_sched as sward;
//! use chan::watch;
//!
//! let (sender, mut receiver) = watch::channel("starting");
//! let watching = sward::spawn(move || {
//!     let mut seen = vec![*receiver.borrow_and_update()];
//!     while receiver.changed().is_ok() {
//!         seen.push(*receiver.borrow_and_update());
//!     }
//!     seen
//! });
//! sender.send("running").unwrap();
//! drop(sender);
//! // It may have missed those in between, but not the last.
//! assert_eq!(watching.join().unwrap().last(), Some(&"running"));
//! ```
//!
//! There is always a value, and a receiver knows whether it has seen the latest. Who looks gets a
//! [`Ref`]: a snapshot, which is cheap, and kept for as long as one likes, across blocking calls,
//! too. It holds nobody up, and nothing is locked by it; the value in it goes when its last `Ref`
//! has gone and there is a newer one. The price: [`send_modify`](Sender::send_modify) works on a
//! clone, which takes the place of the value when it is done.

// state.rs has the value, and the turns of those who modify it; sender.rs and receiver.rs the ends;
// `announced.rs` of the crate how receivers wait.
//
// Rejected: tokio's way, a guard of a lock around the value. A green thread that keeps one across a
// blocking call keeps the sender waiting, and its worker with it, on which the first may have to run.
mod changed_async;
mod receiver;
mod sender;
mod state;

pub use self::changed_async::ChangedFuture;
pub use self::receiver::Receiver;
pub use self::sender::Sender;
pub use self::state::Ref;
pub use crate::error::{RecvError, RecvTimeoutError, SendError};

use std::sync::Arc;

use self::state::Shared;

/// A channel that holds the latest value, which is `initial` at first. The receiver has seen that.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, mut receiver) = chan::watch::channel(1);
/// assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
/// sender.send(2).unwrap();
/// assert_eq!(receiver.has_changed(), Ok(true));
/// assert_eq!(*receiver.borrow_and_update(), 2);
/// ```
pub fn channel<T>(initial: T) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared::new(initial));
    (Sender::first(shared.clone()), Receiver::first(shared))
}
