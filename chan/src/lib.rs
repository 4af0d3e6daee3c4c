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
//! Those that wait in line are served first come, first served (an OS thread looks about for some
//! microseconds before it gets in line, where there is room for values). To wait for several operations at
//! once, and do the first that is ready: [`select!`], [`select_biased!`].
//!
//! And for what is no queue:
//!
//! | module | who gets what is sent | a send waits |
//! |---|---|---|
//! | [`oneshot`] | the receiver, one value | never |
//! | [`broadcast`] | every receiver, every value; those too slow are told what they missed | never |
//! | [`watch`] | whoever looks, the latest value | never |

mod announced;
pub mod broadcast;
mod channel;
mod deadline;
mod ends;
mod error;
mod flavor;
mod for_each;
pub mod oneshot;
mod receiver;
mod recv_async;
mod select;
mod send_async;
mod sender;
mod stream;
pub mod watch;

pub use self::error::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError,
};
pub use self::receiver::{IntoIter, Iter, Receiver, TryIter};
pub use self::recv_async::RecvFuture;
pub use self::select::{Select, SelectedOperation};
pub use self::send_async::SendFuture;
pub use self::sender::Sender;
pub use self::stream::RecvStream;

use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// A channel that holds one value, from `duration` on: that moment. A duration too long for the
/// clock is for ever.
///
/// ```
/// # use sward_chan as chan;
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let moment = chan::after(Duration::from_millis(2)).recv().unwrap();
/// assert!(moment >= start + Duration::from_millis(2) && moment <= Instant::now());
/// ```
///
/// As an arm of a [`select!`] it limits the wait: there a
/// `default(duration)` costs less. Of several receivers one gets the value; the others wait on.
#[must_use]
pub fn after(duration: Duration) -> Receiver<Instant> {
    clock(Instant::now().checked_add(duration), None)
}

/// A channel that holds one value, from `moment` on: that moment.
///
/// ```
/// # use sward_chan as chan;
/// use std::time::{Duration, Instant};
///
/// let soon = Instant::now() + Duration::from_millis(2);
/// assert_eq!(chan::at(soon).recv(), Ok(soon));
/// ```
#[must_use]
pub fn at(moment: Instant) -> Receiver<Instant> {
    clock(Some(moment), None)
}

/// A channel that gets a value each `period`: the moment. One that is not received before the
/// next is due is the only one: those missed are not made up for, and the next comes a `period`
/// after it was received.
///
/// ```
/// # use sward_chan as chan;
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let ticks = chan::tick(Duration::from_millis(1));
/// assert!(ticks.recv().unwrap() >= start + Duration::from_millis(1));
/// assert!(ticks.recv().unwrap() >= start + Duration::from_millis(2));
/// ```
///
/// For ticks that keep a rhythm there is [`interval`](sward_sched::time::interval).
#[must_use]
pub fn tick(period: Duration) -> Receiver<Instant> {
    clock(Instant::now().checked_add(period), Some(period))
}

/// A channel on which nothing ever comes, and which nobody closes but by
/// [`close`](Receiver::close).
///
/// ```
/// # use sward_chan as chan;
/// assert_eq!(chan::never::<i32>().try_recv(), Err(chan::TryRecvError::Empty));
/// ```
///
/// As an arm of a [`select!`] it switches the arm off.
#[must_use]
pub fn never<T>() -> Receiver<T> {
    // A sender that nobody has, and nobody drops.
    Receiver::first(Arc::new(Ends::new(Flavor::rendezvous())))
}

fn clock(next: Option<Instant>, period: Option<Duration>) -> Receiver<Instant> {
    Receiver::first(Arc::new(Ends::new(Flavor::clock(next, period))))
}

/// What the macros are made of. Not part of the public API.
#[doc(hidden)]
pub mod internal {
    pub use sward_macros::__select;

    pub use crate::select::{
        Case, JoinArm, JoinCase, RecvCase, SendCase, TokenArm, Wait, WaitArm, WaitCase, choose,
        choose_biased, recv_case, send_case,
    };

    /// What is left of the channel.
    #[cfg(sward_loom)]
    pub fn left<T>(receiver: &crate::Receiver<T>) -> crate::channel::Left {
        receiver.channel().left()
    }

    /// One of two: nested, one of many.
    #[derive(Debug)]
    pub enum Either<L, R> {
        Left(L),
        Right(R),
    }
}

fn pair<T>(flavor: Flavor<T>) -> (Sender<T>, Receiver<T>) {
    let ends = Arc::new(Ends::new(flavor));
    (Sender::first(ends.clone()), Receiver::first(ends))
}
