//! What a coroutine has come to.

/// What became of a resumed coroutine.
///
/// ```
/// # use sward_coroutine as coroutine;
/// use coroutine::{Coroutine, State};
///
/// let once = Coroutine::new(|y, ()| {
///     y.suspend("a value");
///     "the result"
/// });
/// assert_eq!(once.resume(()).unwrap(), State::Yielded("a value"));
/// assert_eq!(once.resume(()).unwrap(), State::Complete("the result"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State<Yield, Return> {
    /// It is suspended, with this value.
    Yielded(Yield),
    /// It has returned this.
    Complete(Return),
}

impl<Yield, Return> State<Yield, Return> {
    /// What it has yielded.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, State};
    /// let once = Coroutine::new(|y, ()| y.suspend(7));
    /// assert_eq!(once.resume(()).unwrap().yielded(), Some(7));
    /// assert_eq!(once.resume(()).unwrap().yielded(), None);
    /// ```
    pub fn yielded(self) -> Option<Yield> {
        match self {
            Self::Yielded(value) => Some(value),
            Self::Complete(_) => None,
        }
    }

    /// What it has returned.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, State, Yielder};
    /// let sum = Coroutine::new(|_: &Yielder<_, (), _>, (a, b)| a + b);
    /// assert_eq!(sum.resume((3, 4)).unwrap().complete(), Some(7));
    /// ```
    pub fn complete(self) -> Option<Return> {
        match self {
            Self::Yielded(_) => None,
            Self::Complete(value) => Some(value),
        }
    }
}

/// What a coroutine is doing: Lua's four.
///
/// ```
/// # use sward_coroutine as coroutine;
/// use std::rc::Rc;
/// use coroutine::{Coroutine, Status};
///
/// let outer = Rc::new_cyclic(|outer: &std::rc::Weak<Coroutine<(), (), ()>>| {
///     let outer = outer.clone();
///     Coroutine::new(move |y, ()| {
///         let this = outer.upgrade().unwrap();
///         assert_eq!(this.status(), Status::Running);
///         let inner = Coroutine::new(move |y, ()| {
///             assert_eq!(this.status(), Status::Normal);
///             y.suspend(());
///         });
///         inner.resume(()).unwrap();
///         y.suspend(());
///     })
/// });
/// assert_eq!(outer.status(), Status::Suspended);
/// outer.resume(()).unwrap();
/// assert_eq!(outer.status(), Status::Suspended);
/// outer.resume(()).unwrap();
/// assert_eq!(outer.status(), Status::Done);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It has not begun, or has suspended: it can be resumed.
    Suspended,
    /// The code that asks runs in it.
    Running,
    /// It has been resumed and has not suspended, but is not what runs here: it has resumed
    /// another one, or the green thread that it is in waits.
    Normal,
    /// It has returned, panicked, or been closed. (Lua's "dead".)
    Done,
}
