//! Why nothing was sent or received. Names, methods and messages are
//! crossbeam-channel's; a value that was not sent is in the error.

use std::error::Error;
use std::fmt;

/// The channel is closed, or has no receiver left. The value is in the error.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded(1);
/// drop(receiver);
/// assert_eq!(sender.send("back").unwrap_err().into_inner(), "back");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// Why [`try_send`](crate::Sender::try_send) did not send. The value is in the error.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded(0);
/// assert_eq!(sender.try_send(7), Err(chan::TrySendError::Full(7)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room, and (for a rendezvous) no receiver waiting.
    Full(T),
    /// The channel is closed, or has no receiver left.
    Disconnected(T),
}

/// Why [`send_timeout`](crate::Sender::send_timeout) did not send. The value is in the
/// error.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded(0);
/// let error = sender.send_timeout(7, std::time::Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error, chan::SendTimeoutError::Timeout(7));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// The time is up.
    Timeout(T),
    /// The channel is closed, or has no receiver left.
    Disconnected(T),
}

/// The channel is empty, and closed or without a sender.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded::<i32>(1);
/// drop(sender);
/// assert_eq!(receiver.recv(), Err(chan::RecvError));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

/// Why [`try_recv`](crate::Receiver::try_recv) has no value.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded::<i32>(1);
/// assert_eq!(receiver.try_recv(), Err(chan::TryRecvError::Empty));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is none now.
    Empty,
    /// There is none, and the channel is closed or has no sender left.
    Disconnected,
}

/// Why [`recv_timeout`](crate::Receiver::recv_timeout) has no value.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::bounded::<i32>(1);
/// let error = receiver.recv_timeout(std::time::Duration::from_millis(1)).unwrap_err();
/// assert!(error.is_timeout());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// The time is up.
    Timeout,
    /// There is none, and the channel is closed or has no sender left.
    Disconnected,
}

/// No operation of a [`Select`](crate::Select) can be done without waiting.
///
/// ```
/// # use sward_chan as chan;
/// assert_eq!(chan::Select::new().try_select().unwrap_err(), chan::TrySelectError);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrySelectError;

/// The time is up, and no operation of a [`Select`](crate::Select) could be done.
///
/// ```
/// # use sward_chan as chan;
/// let error = chan::Select::new().select_timeout(std::time::Duration::ZERO).unwrap_err();
/// assert_eq!(error, chan::SelectTimeoutError);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectTimeoutError;

/// All operations of a [`Select`](crate::Select) would have to wait.
///
/// ```
/// # use sward_chan as chan;
/// assert_eq!(chan::Select::new().try_ready(), Err(chan::TryReadyError));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryReadyError;

/// The time is up, and all operations of a [`Select`](crate::Select) would still have to wait.
///
/// ```
/// # use sward_chan as chan;
/// let error = chan::Select::new().ready_timeout(std::time::Duration::ZERO).unwrap_err();
/// assert_eq!(error, chan::ReadyTimeoutError);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyTimeoutError;

impl<T> SendError<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        let (Self::Full(value) | Self::Disconnected(value)) = self;
        value
    }

    /// Whether there was no room.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether nobody can receive any more.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected(_))
    }
}

impl<T> SendTimeoutError<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        let (Self::Timeout(value) | Self::Disconnected(value)) = self;
        value
    }

    /// Whether the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Whether nobody can receive any more.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected(_))
    }
}

impl TryRecvError {
    /// Whether there was none just then.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// Whether there will never be one again.
    pub fn is_disconnected(&self) -> bool {
        *self == Self::Disconnected
    }
}

impl RecvTimeoutError {
    /// Whether the time was up.
    pub fn is_timeout(&self) -> bool {
        *self == Self::Timeout
    }

    /// Whether there will never be one again.
    pub fn is_disconnected(&self) -> bool {
        *self == Self::Disconnected
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Disconnected(error.0)
    }
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Disconnected(error.0)
    }
}

impl From<RecvError> for TryRecvError {
    fn from(RecvError: RecvError) -> Self {
        Self::Disconnected
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(RecvError: RecvError) -> Self {
        Self::Disconnected
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "Full(..)" } else { "Disconnected(..)" })
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendTimeoutError(..)")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sending on a disconnected channel")
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() {
            "sending on a full channel"
        } else {
            "sending on a disconnected channel"
        })
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_timeout() {
            "timed out waiting on send operation"
        } else {
            "sending on a disconnected channel"
        })
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("receiving on an empty and disconnected channel")
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "receiving on an empty channel",
            Self::Disconnected => "receiving on an empty and disconnected channel",
        })
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "timed out waiting on receive operation",
            Self::Disconnected => "channel is empty and disconnected",
        })
    }
}

impl fmt::Display for TrySelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all operations in select would block")
    }
}

impl fmt::Display for SelectTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out waiting on select")
    }
}

impl fmt::Display for TryReadyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all operations in select would block")
    }
}

impl fmt::Display for ReadyTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out waiting on select")
    }
}

impl<T> Error for SendError<T> {}
impl<T> Error for TrySendError<T> {}
impl<T> Error for SendTimeoutError<T> {}
impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}
impl Error for TrySelectError {}
impl Error for SelectTimeoutError {}
impl Error for TryReadyError {}
impl Error for ReadyTimeoutError {}
