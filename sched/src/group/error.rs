//! Why a group has no result: [`GroupError`].

use std::error::Error;
use std::fmt;

use crate::error::JoinError;

/// Why [`TaskGroup::run`](crate::TaskGroup::run) or [`collect`](crate::TaskGroup::collect) has no
/// value to return: what came first of all that went wrong. (A panic is no error: it is resumed.)
///
/// ```
/// # use sward_sched as sward;
/// let error = sward::TaskGroup::new()
///     .collect(|group| ["7", "x"].into_iter().for_each(|n| group.spawn(move || n.parse::<u32>())))
///     .unwrap_err();
/// assert!(error.is_failure());
/// assert_eq!(error.to_string(), "a thread of the group failed: invalid digit found in string");
/// ```
///
/// Where children return errors of any kind, which are no `Error` themselves, the error is one of them
/// or this one:
///
/// ```
/// # use sward_sched as sward;
/// type AnyError = Box<dyn std::error::Error + Send + Sync>;
///
/// fn total(numbers: &[&str]) -> Result<u32, AnyError> {
///     let numbers = sward::TaskGroup::new()
///         .collect(|group| numbers.iter().for_each(|n| group.spawn(|| Ok(n.parse::<u32>()?))))
///         .map_err(|error: sward::GroupError<AnyError>| match error.try_into_failure() {
///             Ok(error) => error,
///             Err(other) => other.to_string().into(),
///         })?;
///     Ok(numbers.iter().sum())
/// }
/// assert_eq!(total(&["6", "7"]).unwrap(), 13);
/// assert!(total(&["x"]).is_err());
/// ```
#[derive(Debug)]
pub struct GroupError<E>(Kind<E>);

#[derive(Debug)]
enum Kind<E> {
    Failed(E),
    Other(Other),
}

#[derive(Debug)]
enum Other {
    Elapsed,
    Lost(JoinError),
    CannotUnwind,
}

impl<E> GroupError<E> {
    pub(super) fn failed(error: E) -> Self {
        Self(Kind::Failed(error))
    }

    pub(super) fn elapsed() -> Self {
        Self(Kind::Other(Other::Elapsed))
    }

    pub(super) fn lost(error: JoinError) -> Self {
        Self(Kind::Other(Other::Lost(error)))
    }

    pub(super) fn cannot_unwind() -> Self {
        Self(Kind::Other(Other::CannotUnwind))
    }

    /// A child's error, or a panic with what else has happened, for callers who have no group in sight.
    #[track_caller]
    pub(super) fn failure_or_panic(self) -> E {
        match self.0 {
            Kind::Failed(error) => error,
            Kind::Other(other) => panic!("{other}"),
        }
    }

    /// Whether a child has returned an error.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let failed = sward::TaskGroup::new().run(|group| group.spawn(|| Err::<(), _>("no luck")));
    /// assert!(failed.unwrap_err().is_failure());
    /// ```
    pub fn is_failure(&self) -> bool {
        self.failure().is_some()
    }

    /// The error that a child has returned, if that is what happened.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let failed = sward::TaskGroup::new().run(|group| group.spawn(|| Err::<(), _>("no luck")));
    /// assert_eq!(failed.unwrap_err().failure(), Some(&"no luck"));
    /// ```
    pub fn failure(&self) -> Option<&E> {
        match &self.0 {
            Kind::Failed(error) => Some(error),
            Kind::Other(_) => None,
        }
    }

    /// The error that a child has returned.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let failed = sward::TaskGroup::new().run(|group| group.spawn(|| Err::<(), _>("no luck")));
    /// assert_eq!(failed.map_err(sward::GroupError::into_failure), Err("no luck"));
    /// ```
    ///
    /// # Panics
    ///
    /// When something else has happened ([`try_into_failure`](Self::try_into_failure) gives this
    /// error back instead).
    #[track_caller]
    pub fn into_failure(self) -> E {
        match self.0 {
            Kind::Failed(error) => error,
            Kind::Other(other) => panic!("what has happened is no error of a child's: {other}"),
        }
    }

    /// The error that a child has returned.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let failed = sward::TaskGroup::new().run(|group| group.spawn(|| Err::<(), _>("no luck")));
    /// assert_eq!(failed.unwrap_err().try_into_failure().unwrap(), "no luck");
    /// ```
    ///
    /// # Errors
    ///
    /// This error itself when something else has happened.
    pub fn try_into_failure(self) -> Result<E, Self> {
        match self.0 {
            Kind::Failed(error) => Ok(error),
            Kind::Other(other) => Err(Self(Kind::Other(other))),
        }
    }

    /// Whether the time was up first.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::time::Duration;
    /// let group = sward::TaskGroup::new().timeout(Duration::from_millis(1));
    /// let late = group.run(|group| group.spawn(|| Ok::<(), ()>(sward::park())));
    /// assert!(late.unwrap_err().is_elapsed());
    /// ```
    pub fn is_elapsed(&self) -> bool {
        matches!(self.0, Kind::Other(Other::Elapsed))
    }

    /// Why a child has returned nothing, if that is what happened: it could not start, or its runtime
    /// was shut down. (Or it panicked, and the group was run by a destructor, while its thread
    /// unwound.)
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let failed = sward::TaskGroup::new().run(|group| {
    ///     let builder = sward::Builder::new().stack_size(1 << 50);
    ///     builder.spawn_grouped(group, || Ok::<(), ()>(()));
    /// });
    /// assert!(failed.unwrap_err().join_error().unwrap().is_no_stack());
    /// ```
    pub fn join_error(&self) -> Option<&JoinError> {
        match &self.0 {
            Kind::Other(Other::Lost(error)) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elapsed => f.write_str("the group's time was up first"),
            Self::Lost(error) => error.fmt(f),
            Self::CannotUnwind => f.write_str(
                "a group needs a program that unwinds: build it without `panic = \"abort\"`",
            ),
        }
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Failed(error) => write!(f, "a thread of the group failed: {error}"),
            Kind::Other(other) => other.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Failed(error) => Some(error),
            Kind::Other(Other::Lost(error)) => Some(error),
            Kind::Other(_) => None,
        }
    }
}
