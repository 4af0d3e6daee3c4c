//! Ticks at a fixed rate. Names and policies are tokio's.

use std::time::{Duration, Instant};

use super::wait_until;

/// A tick that comes no later than this is on time: what comes after it is not moved.
const TOLERANCE: Duration = Duration::from_millis(5);

/// Ticks every `period`, the first time at once.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::Duration;
///
/// let mut interval = sward::time::interval(Duration::from_millis(2));
/// let first = interval.tick();
/// let second = interval.tick();
/// assert_eq!(second - first, Duration::from_millis(2));
/// ```
///
/// # Panics
///
/// When `period` is zero.
#[must_use = "an interval does nothing until `tick` is called"]
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks every `period`, the first time at `start`.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now() + Duration::from_millis(2);
/// let mut interval = sward::time::interval_at(start, Duration::from_millis(1));
/// assert_eq!(interval.tick(), start);
/// ```
///
/// # Panics
///
/// When `period` is zero.
#[must_use = "an interval does nothing until `tick` is called"]
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval must not be zero");
    Interval { next: Some(start), period, missed: MissedTick::default() }
}

/// Ticks at a fixed rate: see [`interval()`].
///
/// ```
/// # use sward_sched as sward;
/// use std::time::{Duration, Instant};
/// use sward::time::{MissedTick, interval};
///
/// let mut interval = interval(Duration::from_millis(1));
/// interval.set_missed_tick_behavior(MissedTick::Skip);
/// let start = Instant::now();
/// for _ in 0..3 {
///     interval.tick();
/// }
/// assert!(start.elapsed() >= Duration::from_millis(2));
/// ```
#[derive(Debug)]
pub struct Interval {
    /// `None`: beyond what the clock can say.
    next: Option<Instant>,
    period: Duration,
    missed: MissedTick,
}

impl Interval {
    /// Waits for the next tick, and returns when it was due.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::{Duration, Instant};
    ///
    /// let mut interval = sward::time::interval(Duration::from_millis(1));
    /// for _ in 0..3 {
    ///     let due = interval.tick();
    ///     assert!(Instant::now() >= due);
    /// }
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread, until then. A tick that is due
    /// already, or was missed, returns at once.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](crate::park) does; the tick is still to come.
    pub fn tick(&mut self) -> Instant {
        wait_until(self.next);
        let due = self.next.expect("a wait for ever does not end");
        self.next = self.missed.next(due, Instant::now(), self.period);
        due
    }

    /// Makes the next tick come one period from now.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::{Duration, Instant};
    ///
    /// let period = Duration::from_millis(2);
    /// let mut interval = sward::time::interval(period);
    /// let start = Instant::now();
    /// interval.reset();
    /// assert!(interval.tick() >= start + period);
    /// ```
    pub fn reset(&mut self) {
        self.next = Instant::now().checked_add(self.period);
    }

    /// The time between two ticks.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let interval = sward::time::interval(Duration::from_secs(1));
    /// assert_eq!(interval.period(), Duration::from_secs(1));
    /// ```
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What happens after ticks that were missed; [`MissedTick::Burst`] unless set.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    /// use sward::time::{MissedTick, interval};
    ///
    /// let interval = interval(Duration::from_secs(1));
    /// assert_eq!(interval.missed_tick_behavior(), MissedTick::Burst);
    /// ```
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTick {
        self.missed
    }

    /// Says what is to happen after ticks that were missed.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    /// use sward::time::{MissedTick, interval};
    ///
    /// let mut interval = interval(Duration::from_secs(1));
    /// interval.set_missed_tick_behavior(MissedTick::Delay);
    /// assert_eq!(interval.missed_tick_behavior(), MissedTick::Delay);
    /// ```
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTick) {
        self.missed = behavior;
    }
}

/// What an [`Interval`] does when [`tick`](Interval::tick) is called, or returns, too late.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::{Duration, Instant};
/// use sward::time::{MissedTick, interval_at};
///
/// // Due an hour ago, and every minute since.
/// let Some(start) = Instant::now().checked_sub(Duration::from_secs(3600)) else { return };
/// let minute = Duration::from_secs(60);
/// let mut interval = interval_at(start, minute);
/// assert_eq!(interval.tick(), start);
/// assert_eq!(interval.tick(), start + minute);
/// interval.set_missed_tick_behavior(MissedTick::Skip);
/// assert_eq!(interval.tick(), start + 2 * minute);
/// // `interval.tick()` would wait for the next full minute now.
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTick {
    /// Ticks that were missed come at once, one after the other, until none is late.
    #[default]
    Burst,
    /// The next tick comes one period after the late one, and so on from there. (Being late
    /// by less than five milliseconds, and less than a period, does not count.)
    Delay,
    /// Ticks that were missed never come; the next is the first that is not late.
    Skip,
}

impl MissedTick {
    /// When the tick comes after the one that was `due` and comes `now`.
    fn next(self, due: Instant, now: Instant, period: Duration) -> Option<Instant> {
        let late = now.saturating_duration_since(due);
        match self {
            Self::Delay if late >= period.min(TOLERANCE) => now.checked_add(period),
            Self::Skip if late >= period => {
                let since = Duration::from_nanos_u128(late.as_nanos() % period.as_nanos());
                now.checked_add(period - since)
            }
            _ => due.checked_add(period),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(100);

    fn after(policy: MissedTick, late: Duration) -> Duration {
        let due = Instant::now();
        policy.next(due, due + late, PERIOD).unwrap() - due
    }

    #[test]
    fn a_tick_on_time_is_followed_by_the_next_one_period_later() {
        for policy in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
            assert_eq!(after(policy, Duration::ZERO), PERIOD);
            assert_eq!(after(policy, Duration::from_millis(4)), PERIOD);
        }
    }

    #[test]
    fn a_late_tick_is_followed_as_the_policy_says() {
        let late = Duration::from_millis(250);
        assert_eq!(after(MissedTick::Burst, late), PERIOD);
        assert_eq!(after(MissedTick::Delay, late), late + PERIOD);
        assert_eq!(after(MissedTick::Skip, late), Duration::from_millis(300));
        // One that is due right now has been missed.
        assert_eq!(after(MissedTick::Skip, 2 * PERIOD), 3 * PERIOD);
        assert_eq!(after(MissedTick::Delay, PERIOD / 2), PERIOD + PERIOD / 2);
        assert_eq!(after(MissedTick::Skip, PERIOD / 2), PERIOD);
    }

    #[test]
    fn a_tick_beyond_the_clock_never_comes() {
        let due = Instant::now();
        let late = due + Duration::from_secs(1);
        for policy in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
            assert_eq!(policy.next(due, late, Duration::MAX), None);
        }
    }
}
