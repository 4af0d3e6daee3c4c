//! A worker's deadlines. They are in `Remote`, under a lock, because a thread may cancel one
//! from another worker; but as long as there are none nobody comes near that lock.

use std::time::Instant;

use super::{Remote, Worker};
use crate::current;
use crate::timer::TimerNode;

impl Worker {
    /// Sets a timer on this worker. Returns where it is, for `cancel_timer`.
    pub(crate) fn set_timer(&self, deadline: Instant, timer: &TimerNode) -> *const Remote {
        let mut timers = self.remote().timers.lock();
        timers.insert(deadline, timer);
        self.next_deadline.set(timers.next_deadline());
        self.remote()
    }

    /// Cancels a timer that was set at `remote`, if it has not fired. (Cancelled from
    /// elsewhere, it may still wake its worker once, for nothing.)
    ///
    /// # Safety
    ///
    /// `remote` is what `set_timer` returned, and its runtime is still there.
    pub(crate) unsafe fn cancel_timer(remote: *const Remote, timer: &TimerNode) {
        // SAFETY: the caller's promise.
        let mut timers = unsafe { &*remote }.timers.lock();
        timers.remove(timer);
        // SAFETY: a worker in the thread-local is alive.
        if let Some(worker) = unsafe { current::worker().as_ref() }
            && worker.is_home(remote)
        {
            worker.next_deadline.set(timers.next_deadline());
        }
    }

    #[inline]
    pub(super) fn fire_timers(&self) {
        if self.next_deadline.get().is_some() {
            self.fire_timers_until(Instant::now());
        }
    }

    /// Ends the waits whose deadline has passed.
    fn fire_timers_until(&self, now: Instant) {
        while self.next_deadline.get().is_some_and(|deadline| deadline <= now) {
            let fired = self.remote().fire_timer(now);
            self.next_deadline.set(fired.next);
            if let Some(wake) = fired.wake {
                wake.wake();
            }
        }
    }
}
