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
    Generator { coroutine: Coroutine::new(|y, ()| body(y)), over: Over::default() }
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
pub struct Generator<T> {
    coroutine: Coroutine<(), T, ()>,
    over: Over,
}

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
        &self.coroutine
    }
}

/// Whether there was a value less than was asked for. (Its coroutine may go on even then: if it has
/// transferred to another, which has ended.)
#[derive(Debug, Default)]
pub(crate) struct Over(bool);

impl Over {
    /// The next value of `coroutine`, as an iterator.
    #[inline(always)]
    pub(crate) fn next<T>(&mut self, coroutine: &Coroutine<(), T, ()>) -> Option<T> {
        if self.0 {
            return None;
        }
        match coroutine.turn(()) {
            Ok(Exit::Yield(value)) => return Some(value),
            Ok(Exit::Panic(payload)) => resume_unwind(payload),
            // It is over, or runs already, since it was its own body that has asked.
            _ => self.0 = true,
        }
        None
    }
}

impl<T> Iterator for Generator<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.over.next(&self.coroutine)
    }
}

impl<T> FusedIterator for Generator<T> {}

impl<T> fmt::Debug for Generator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Generator").field(&self.coroutine).finish()
    }
}
