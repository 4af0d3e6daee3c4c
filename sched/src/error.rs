//! Why a green thread has no result: [`JoinError`].

use std::any::Any;
use std::fmt;
use std::io;

use crate::primitive::Mutex;
use crate::stack::NoStack;

/// Why [`JoinHandle::join`](crate::JoinHandle::join) has no value to return.
///
/// ```
/// # use sward_sched as sward;
/// let error = sward::spawn(|| panic!("no luck")).join().unwrap_err();
/// assert!(error.is_panic());
/// assert!(error.to_string().contains("no luck"));
/// ```
pub struct JoinError(Box<Why>);

/// Boxed, because every task has room for an error, and few ever have one.
struct Why {
    /// The name and number of the green thread, for messages.
    thread: String,
    kind: Kind,
}

enum Kind {
    /// The payload, in a mutex only because it is not `Sync` and the error is.
    Panic(Mutex<Box<dyn Any + Send>>, Option<String>),
    Cancelled {
        /// Somebody asked for it; not only its runtime shut down.
        asked: bool,
    },
    NoStack(NoStack),
    NoOsThread(io::Error),
}

impl JoinError {
    pub(crate) fn panic(thread: String, payload: Box<dyn Any + Send>) -> Self {
        let message = panic_message(payload.as_ref()).map(str::to_owned);
        Self::new(thread, Kind::Panic(Mutex::new(payload), message))
    }

    pub(crate) fn cancelled(thread: String, asked: bool) -> Self {
        Self::new(thread, Kind::Cancelled { asked })
    }

    pub(crate) fn no_stack(thread: String, error: NoStack) -> Self {
        Self::new(thread, Kind::NoStack(error))
    }

    pub(crate) fn no_os_thread(thread: String, error: io::Error) -> Self {
        Self::new(thread, Kind::NoOsThread(error))
    }

    fn new(thread: String, kind: Kind) -> Self {
        Self(Box::new(Why { thread, kind }))
    }

    /// Whether the thread panicked.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// assert!(sward::spawn(|| panic!()).join().unwrap_err().is_panic());
    /// ```
    pub fn is_panic(&self) -> bool {
        matches!(self.0.kind, Kind::Panic(..))
    }

    /// Whether the thread was stopped before it had a result: it was
    /// [cancelled](crate::JoinHandle::cancel), or its runtime was shut down, while it waited or
    /// before it ever ran.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::Runtime::new()?;
    /// let blocked = rt.spawn(sward::park);
    /// drop(rt);
    /// assert!(blocked.join().unwrap_err().is_cancelled());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.kind, Kind::Cancelled { .. })
    }

    /// Whether its runtime was shut down, and nobody had cancelled it.
    pub(crate) fn is_shutdown(&self) -> bool {
        matches!(self.0.kind, Kind::Cancelled { asked: false })
    }

    /// Whether the thread never began because there was no stack for it. The message says which
    /// limit of the system was met, and what can be done about it; the closure has been dropped.
    /// Later threads run as soon as there is memory again.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let error = sward::Builder::new().stack_size(1 << 50).spawn(|| ()).join().unwrap_err();
    /// assert!(error.is_no_stack() && !error.is_panic());
    /// ```
    pub fn is_no_stack(&self) -> bool {
        matches!(self.0.kind, Kind::NoStack(_))
    }

    /// The system's number for why there was no stack (`ENOMEM`, most often), if that is what
    /// happened.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let error = sward::Builder::new().stack_size(1 << 50).spawn(|| ()).join().unwrap_err();
    /// assert_eq!(error.no_stack_errno(), Some(12));
    /// ```
    pub fn no_stack_errno(&self) -> Option<i32> {
        self.no_stack_reason()?.raw_os_error()
    }

    /// Why there was no stack for the thread to run on, if that is what happened.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let handle = sward::Builder::new().stack_size(1 << 50).spawn(|| ());
    /// let error = handle.join().unwrap_err();
    /// assert!(error.no_stack_reason().is_some());
    /// assert!(error.to_string().contains("stack"));
    /// ```
    pub fn no_stack_reason(&self) -> Option<&io::Error> {
        match &self.0.kind {
            Kind::NoStack(error) => Some(error.os_error()),
            _ => None,
        }
    }

    /// The payload of the panic.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let error = sward::spawn(|| panic!("no luck")).join().unwrap_err();
    /// assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "no luck");
    /// ```
    ///
    /// # Panics
    ///
    /// When the thread did not panic ([`try_into_panic`](Self::try_into_panic)
    /// gives the error back instead).
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.try_into_panic().unwrap_or_else(|error| panic!("not a panic: {error}"))
    }

    /// The payload of the panic.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let error = sward::spawn(|| panic!("no luck")).join().unwrap_err();
    /// assert!(error.try_into_panic().is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// This error itself when the thread did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        let Why { thread, kind } = *self.0;
        match kind {
            Kind::Panic(payload, _) => Ok(payload.into_inner()),
            kind => Err(Self::new(thread, kind)),
        }
    }

    /// Goes on with the panic in the caller, or panics with this error's message.
    #[track_caller]
    pub(crate) fn resume(self) -> ! {
        match self.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a panic said, if it said it in words.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = &self.0.thread;
        match &self.0.kind {
            Kind::Panic(_, Some(message)) => write!(f, "{thread} panicked: {message}"),
            Kind::Panic(_, None) => write!(f, "{thread} panicked"),
            Kind::Cancelled { asked: true } => {
                write!(f, "{thread} was cancelled before it had a result")
            }
            Kind::Cancelled { asked: false } => {
                write!(f, "{thread} has no result: its runtime was shut down")
            }
            Kind::NoStack(error) => write!(f, "{thread} could not start: no stack: {error}"),
            Kind::NoOsThread(error) => write!(f, "{thread} could not start: {error}"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            Kind::NoStack(error) => Some(error.os_error()),
            Kind::NoOsThread(error) => Some(error),
            _ => None,
        }
    }
}
