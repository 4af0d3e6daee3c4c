//! [`generator`](fn@generator): a coroutine as an iterator.

use std::fmt;
use std::iter::FusedIterator;
use std::panic::resume_unwind;

use crate::core::Exit;
use crate::coroutine::Coroutine;
use crate::yielder::Yielder;

/// An iterator over what `body` suspends with.
///
/// ```
/// # use sward_coroutine as coroutine;
/// let fibonacci = coroutine::generator(|y| {
///     let (mut a, mut b) = (0u64, 1);
///     loop {
///         y.suspend(a);
///         (a, b) = (b, a + b);
///     }
/// });
/// assert_eq!(fibonacci.take(8).collect::<Vec<_>>(), [0, 1, 1, 2, 3, 5, 8, 13]);
/// ```
///
/// `body` runs while somebody asks for the next value, in whoever asks. What it borrows must be
/// `'static`; [`Scope::generator`](crate::Scope::generator) is for others.
///
/// # Panics
///
/// As [`Coroutine::new`].
#[inline]
#[track_caller]
pub fn generator<T, F>(body: F) -> Generator<T>
where
    T: 'static,
    F: FnOnce(&Yielder<(), T>) + 'static,
{
    Generator(Coroutine::new(|y, ()| body(y)))
}

/// An iterator over what a coroutine suspends with ([`generator`](fn@generator)). When it is dropped the
/// coroutine is [closed](Coroutine::close).
///
/// ```
/// # use sward_coroutine::generator;
/// let mut two = generator(|y| {
///     y.suspend("one");
///     y.suspend("two");
/// });
/// assert_eq!((two.next(), two.next()), (Some("one"), Some("two")));
/// assert_eq!((two.next(), two.next()), (None, None));
/// ```
///
/// # Panics
///
/// [`next`](Iterator::next) panics with the panic of its body; after that there are no more values.
pub struct Generator<T>(Coroutine<(), T, ()>);

impl<T> Generator<T> {
    /// The coroutine, to [delegate](Yielder::delegate) to it, or to ask for its
    /// [status](Coroutine::status).
    ///
    /// ```
    /// # use sward_coroutine::generator;
    /// let three = generator(|y| {
    ///     y.suspend(1);
    ///     let rest = generator(|y| [2, 3].into_iter().for_each(|n| y.suspend(n)));
    ///     y.delegate(rest.coroutine(), ()).unwrap();
    /// });
    /// assert_eq!(three.collect::<Vec<_>>(), [1, 2, 3]);
    /// ```
    pub fn coroutine(&self) -> &Coroutine<(), T, ()> {
        &self.0
    }
}

/// The next value of one that is asked as an iterator.
#[inline(always)]
pub(crate) fn next<T>(of: &Coroutine<(), T, ()>) -> Option<T> {
    match of.turn(()) {
        Ok(Exit::Yield(value)) => Some(value),
        Ok(Exit::Panic(payload)) => resume_unwind(payload),
        // It is over, or runs already, since it was its own body that has asked.
        _ => None,
    }
}

impl<T> Iterator for Generator<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        next(&self.0)
    }
}

impl<T> FusedIterator for Generator<T> {}

impl<T> fmt::Debug for Generator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Generator").field(&self.0).finish()
    }
}
