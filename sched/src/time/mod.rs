//! Waiting for time to pass.
//!
//! Whatever waits here, or with a timeout elsewhere, waits for at least as long as it was
//! told to, to the nanosecond, and as little longer as the system and the other threads of
//! its worker allow. A time too far away for the clock never comes.

mod interval;
mod timer;

use std::time::{Duration, Instant};

pub use self::interval::{Interval, MissedTick, interval, interval_at};
pub use self::timer::{Timer, TimerHandle};
use crate::cancel;
pub use crate::cancel::{TimeoutError, timeout};
use crate::waiter::{Outcome, Reason, Waiter};

static SLEEP: Reason = Reason::new("sleep");

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
    let deadline = Instant::now().checked_add(duration);
    if Waiter::new().because(&SLEEP).wait_ahead(deadline) == Outcome::Cancelled {
        cancel::raise();
    }
}

/// Waits until `deadline`, or a little longer.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::{Duration, Instant};
///
/// let deadline = Instant::now() + Duration::from_millis(2);
/// sward::time::sleep_until(deadline);
/// assert!(Instant::now() >= deadline);
/// ```
///
/// # Blocking
///
/// Parks the green thread, or blocks the OS thread. A deadline that has passed returns at
/// once.
///
/// # Cancellation
///
/// Unwinds the thread as [`park`](crate::park) does.
pub fn sleep_until(deadline: Instant) {
    wait_until(Some(deadline));
}

/// `None`: for ever.
fn wait_until(deadline: Option<Instant>) {
    if Waiter::new().because(&SLEEP).wait(deadline) == Outcome::Cancelled {
        cancel::raise();
    }
}
