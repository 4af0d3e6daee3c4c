//! [`wrap`]: a coroutine as a function.

use crate::coroutine::Coroutine;
use crate::state::State;
use crate::yielder::Yielder;

/// A coroutine that is resumed by calling it: Lua's `coroutine.wrap`.
///
/// ```
/// # use sward_coroutine as coroutine;
/// use coroutine::State;
///
/// let mut count = coroutine::wrap(|y, step: u32| {
///     let (mut n, mut step) = (0, step);
///     while n < 10 {
///         n += step;
///         step = y.suspend(n);
///     }
///     "ten"
/// });
/// assert_eq!(count(2), State::Yielded(2));
/// assert_eq!(count(9), State::Yielded(11));
/// assert_eq!(count(1), State::Complete("ten"));
/// ```
///
/// It is closed when the function is dropped. Who wants to ask for its status, or to close it, keeps the
/// [`Coroutine`] itself.
///
/// # Panics
///
/// As [`Coroutine::new`]. The function panics with the panic of the body, and when it is called after
/// the end.
#[track_caller]
pub fn wrap<Input, Yield, Return, F>(body: F) -> impl FnMut(Input) -> State<Yield, Return>
where
    F: FnOnce(&Yielder<Input, Yield, Return>, Input) -> Return + 'static,
    Input: 'static,
    Yield: 'static,
    Return: 'static,
{
    let coroutine = Coroutine::new(body);
    move |input| match coroutine.resume(input) {
        Ok(state) => state,
        Err(error) => panic!("{error}"),
    }
}
