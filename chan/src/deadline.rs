//! How long to wait.

use std::time::{Duration, Instant};

use sward_sched::internal::{Outcome, Waiter};

/// How long to wait, if need be.
#[derive(Clone, Copy)]
pub(crate) enum Deadline {
    Never,
    At(Instant),
    /// From the moment at which there is nothing for it but to wait: what is there already is
    /// had without a look at the clock.
    In(Duration),
}

impl Deadline {
    /// Waits, but not beyond `limit`. From the first time on the deadline is fixed.
    #[inline]
    pub(crate) fn wait(&mut self, waiter: &Waiter, limit: Option<Instant>) -> Outcome {
        let until = match (*self, limit) {
            (Self::Never, limit) => limit,
            (Self::At(deadline), None) => Some(deadline),
            (Self::At(deadline), Some(limit)) => Some(deadline.min(limit)),
            (Self::In(timeout), limit) => {
                let deadline = Instant::now().checked_add(timeout);
                *self = deadline.map_or(Self::Never, Self::At);
                if limit.is_none() && !timeout.is_zero() {
                    // It is known to be ahead: one look at the clock is enough.
                    return waiter.wait_ahead(deadline);
                }
                return self.wait(waiter, limit);
            }
        };
        waiter.wait(until)
    }

    pub(crate) fn has_passed(self) -> bool {
        matches!(self, Self::At(deadline) if deadline <= Instant::now())
    }
}
