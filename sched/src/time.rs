//! Waiting for time to pass.

use std::time::{Duration, Instant};

use crate::cancel;
pub use crate::cancel::{TimeoutError, timeout};
use crate::waiter::{Outcome, Waiter};

/// Waits for at least `duration`.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// sward::time::sleep(Duration::from_millis(2));
/// assert!(start.elapsed() >= Duration::from_millis(2));
/// ```
///
/// # Blocking
///
/// Parks the green thread, or blocks the OS thread. A duration too long for the clock
/// is for ever; zero returns at once.
///
/// # Cancellation
///
/// Unwinds the thread as [`park`](crate::park) does.
pub fn sleep(duration: Duration) {
    if duration.is_zero() {
        return;
    }
    if Waiter::new().wait(Instant::now().checked_add(duration)) == Outcome::Cancelled {
        cancel::raise();
    }
}
