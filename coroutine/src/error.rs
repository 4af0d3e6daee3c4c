//! Why a coroutine cannot be resumed, or closed.

use std::fmt;

/// Why a coroutine was not resumed; with the value that was meant for it.
///
/// ```
/// # use sward_coroutine as coroutine;
/// use coroutine::{Coroutine, Yielder};
///
/// let done = Coroutine::new(|_: &Yielder<_, ()>, _: String| ());
/// done.resume("first".to_owned()).unwrap();
/// let error = done.resume("second".to_owned()).unwrap_err();
/// assert!(error.is_finished());
/// assert_eq!(error.to_string(), "the coroutine has finished, and cannot be resumed");
/// assert_eq!(error.into_inner(), "second");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ResumeError<T> {
    pub(crate) why: Why,
    pub(crate) value: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Running,
    Finished,
    /// Nothing can be raised in it: it has suspended in a destructor, while it unwound.
    Unwinding,
    /// Nothing can be raised at all.
    CannotUnwind,
    /// It was to end, and has transferred to another.
    Transferred,
}

impl Why {
    fn what(self) -> &'static str {
        match self {
            Self::Running => "the coroutine runs, or has resumed another and waits for that",
            Self::Finished => "the coroutine has finished, and cannot be resumed",
            Self::Unwinding => {
                "the coroutine has suspended in a destructor, while it unwinds: it can be resumed, \
                 but nothing can be raised in it"
            }
            Self::Transferred => "the coroutine has transferred to another while it was closed",
            Self::CannotUnwind => {
                "a coroutine that has begun is ended by unwinding: build the program without \
                 `panic = \"abort\"`"
            }
        }
    }
}

impl<T> ResumeError<T> {
    /// It runs already: it, or what it has resumed, has asked.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, Yielder};
    /// use std::rc::{Rc, Weak};
    ///
    /// let this = Rc::new_cyclic(|this: &Weak<Coroutine<u32, (), bool>>| {
    ///     let this = this.clone();
    ///     Coroutine::new(move |_: &Yielder<_, _, _>, n| {
    ///         this.upgrade().unwrap().resume(n).unwrap_err().is_running()
    ///     })
    /// });
    /// assert_eq!(this.resume(1).unwrap().complete(), Some(true));
    /// ```
    pub fn is_running(&self) -> bool {
        self.why == Why::Running
    }

    /// It has returned, panicked, or been closed.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, Yielder};
    /// let done = Coroutine::new(|_: &Yielder<_, ()>, ()| ());
    /// done.close().unwrap();
    /// assert!(done.resume(()).unwrap_err().is_finished());
    /// ```
    pub fn is_finished(&self) -> bool {
        self.why == Why::Finished
    }

    /// The value that was not taken.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, Yielder};
    /// let done = Coroutine::new(|_: &Yielder<_, ()>, _: u32| ());
    /// done.close().unwrap();
    /// assert_eq!(done.resume(7).unwrap_err().into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> fmt::Debug for ResumeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResumeError").field(&self.why).finish()
    }
}

impl<T> fmt::Display for ResumeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why.what())
    }
}

impl<T> std::error::Error for ResumeError<T> {}

/// Why a coroutine was not closed.
///
/// ```
/// # use sward_coroutine as coroutine;
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use coroutine::Coroutine;
///
/// let stubborn = Coroutine::new(|y, ()| {
///     let _ = catch_unwind(AssertUnwindSafe(|| y.suspend("first")));
///     y.suspend("once more");
/// });
/// stubborn.resume(()).unwrap();
/// let error = stubborn.close().unwrap_err();
/// assert!(error.to_string().contains("did not end when it was closed"));
/// assert_eq!(error.into_yielded(), Some("once more"));
/// stubborn.close().unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CloseError<Yield>(pub(crate) NotClosed<Yield>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotClosed<Yield> {
    Yielded(Yield),
    Because(Why),
}

impl<Yield> CloseError<Yield> {
    /// It runs: it, or what it has resumed, has asked.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, Yielder};
    /// use std::rc::{Rc, Weak};
    ///
    /// let this = Rc::new_cyclic(|this: &Weak<Coroutine<(), (), bool>>| {
    ///     let this = this.clone();
    ///     Coroutine::new(move |_: &Yielder<_, _, _>, ()| {
    ///         this.upgrade().unwrap().close().unwrap_err().is_running()
    ///     })
    /// });
    /// assert_eq!(this.resume(()).unwrap().complete(), Some(true));
    /// ```
    pub fn is_running(&self) -> bool {
        matches!(self.0, NotClosed::Because(Why::Running))
    }

    /// The value with which it, or one to which it has transferred, has suspended instead of ending, if that is
    /// why.
    ///
    /// See the example [above](Self).
    pub fn into_yielded(self) -> Option<Yield> {
        match self.0 {
            NotClosed::Yielded(value) => Some(value),
            NotClosed::Because(_) => None,
        }
    }
}

impl<Yield> fmt::Debug for CloseError<Yield> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("CloseError");
        match &self.0 {
            NotClosed::Yielded(_) => tuple.field(&format_args!("Yielded")).finish(),
            NotClosed::Because(why) => tuple.field(why).finish(),
        }
    }
}

impl<Yield> fmt::Display for CloseError<Yield> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            NotClosed::Yielded(_) => {
                "the coroutine did not end when it was closed: it, or one to which it has transferred, \
                 has suspended"
            }
            NotClosed::Because(why) => why.what(),
        })
    }
}

impl<Yield> std::error::Error for CloseError<Yield> {}
