//! One value, once: an answer to a question.
//!
//! ```
//! # use sward_chan as chan;
//! # use sward_sched as sward;
//! use chan::oneshot;
//!
//! let (question, questions) = chan::bounded::<(u64, oneshot::Sender<u64>)>(4);
//! sward::spawn(move || {
//!     for (number, answer) in questions {
//!         // Whoever asked may have gone.
//!         let _ = answer.send(number * number);
//!     }
//! });
//! let (sender, answer) = oneshot::channel();
//! question.send((7, sender)).unwrap();
//! assert_eq!(answer.recv(), Ok(49));
//! ```
//!
//! [`channel`] makes one allocation, and a send or a receive that need not wait is one atomic
//! operation. To send never waits; to receive parks the green thread or blocks the OS thread, or
//! is awaited: the [`Receiver`] is a future.

// state.rs has the protocol and what is shared; party.rs how an end waits, transfer.rs how it gives
// and takes; sender.rs and receiver.rs what users see of it.
mod party;
mod receiver;
mod sender;
mod state;
mod transfer;

pub use self::receiver::Receiver;
pub use self::sender::Sender;
pub use crate::error::{RecvError, RecvTimeoutError, SendError, TryRecvError};

use self::state::Shared;

/// A channel for one value.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::oneshot::channel();
/// sward_sched::spawn(move || sender.send("hello"));
/// assert_eq!(receiver.recv(), Ok("hello"));
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Shared::new();
    (Sender::new(shared), Receiver::new(shared))
}
