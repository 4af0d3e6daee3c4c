//! Which coroutine this is.

use std::fmt;

use sward_sched::internal::Top;

/// What tells one coroutine from all others, for as long as the program runs.
///
/// ```
/// # use sward_coroutine::Coroutine;
/// let (a, b) = (Coroutine::new(|y, ()| y.suspend(())), Coroutine::new(|y, ()| y.suspend(())));
/// assert_ne!(a.id(), b.id());
/// println!("{}", a.id());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CoroutineId(pub(crate) u64);

impl fmt::Display for CoroutineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The coroutine that this code runs in, the innermost if there are several: that which
/// [`is_yieldable`] is about. `None`: in none.
///
/// ```
/// # use sward_coroutine::{Coroutine, running};
/// let known = Coroutine::new(|y, ()| y.suspend(running()));
/// assert_eq!(known.resume(()).unwrap().yielded().unwrap(), Some(known.id()));
/// assert_eq!(running(), None);
/// ```
///
/// A green thread is not a coroutine in this sense, and code in a green thread that a coroutine has
/// spawned does not run in that coroutine.
pub fn running() -> Option<CoroutineId> {
    Top::with_current(|top| top.map(|top| CoroutineId(top.id())))
}

/// Whether this code runs in a coroutine that may suspend here: not inside a sward
/// [`scope`](sward_sched::scope()), [`timeout`](sward_sched::time::timeout) or the like that it has
/// entered itself.
///
/// ```
/// # use sward_coroutine::{Coroutine, is_yieldable};
/// # use sward_sched as sward;
/// let asks = Coroutine::new(|y, ()| {
///     y.suspend((is_yieldable(), sward::uncancellable(is_yieldable)));
/// });
/// assert_eq!(asks.resume(()).unwrap().yielded(), Some((true, false)));
/// assert!(!is_yieldable());
/// ```
pub fn is_yieldable() -> bool {
    Top::with_current(|top| top.is_some_and(Top::may_leave))
}
