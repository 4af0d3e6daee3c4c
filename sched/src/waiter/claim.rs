//! The other side of a wait: whoever ends it, and owes a wake for that. The numbers are those of
//! `waiter.rs`.

use std::ptr::NonNull;

use super::{CANCELLED, CATCHING, CLAIMED, CLOSED, DONE, OwnWaker, TIMED_OUT, Waiter, Waiting};
use crate::os_parker::OsUnparker;
use crate::primitive::atomic::Ordering;
use crate::primitive::{Mutant, broken};
use crate::thread::{Header, Runnable};
use crate::worker::Worker;

impl Waiter {
    /// Claims the wait: the caller will hand something over. `None`: it has ended
    /// otherwise, or somebody else has claimed it.
    ///
    /// # Safety
    ///
    /// `this` is still in a wait list, or otherwise known to be live, at this moment
    /// (it is while `wait` has not returned).
    #[inline]
    pub unsafe fn claim(this: NonNull<Self>) -> Option<Claim> {
        // SAFETY: the caller's promise.
        let waiter = unsafe { this.as_ref() };
        // Relaxed: it decides who goes on; the lock of the wait list, or whatever else
        // led the caller to the waiter, orders what the waiting side wrote.
        let won = waiter.transition(CLAIMED, CATCHING, Ordering::Relaxed);
        let parks = won.or_else(|| broken(Mutant::ClaimTwice).then_some(true))?;
        Some(Claim { waiter: this, parks })
    }

    /// As [`claim`](Self::claim); and goes on with a claim that was [put aside](Claim::put_aside).
    ///
    /// # Safety
    ///
    /// As for [`claim`](Self::claim). A waiter that is claimed is so by a claim that was put aside,
    /// and that nobody else goes on with.
    #[inline]
    pub(crate) unsafe fn claim_or_resume(this: NonNull<Self>) -> Option<Claim> {
        // SAFETY: the caller's promise.
        unsafe {
            Self::claim(this).or_else(|| {
                // Relaxed: as in `claim`.
                let state = this.as_ref().state.load(Ordering::Relaxed);
                matches!(state, CLAIMED | CATCHING)
                    // Whether it has stopped watching is seen when it ends.
                    .then_some(Claim { waiter: this, parks: false })
            })
        }
    }

    /// Ends the wait because what it waits for is closed. `true`: the caller owes
    /// the wake ([`Waiter::wake_handle`]); otherwise the waiter may be gone.
    ///
    /// # Safety
    ///
    /// As for [`claim`](Self::claim).
    pub unsafe fn close(this: NonNull<Self>) -> bool {
        // SAFETY: the caller's promise.
        unsafe { this.as_ref() }.leave(CLOSED) == Some(true)
    }

    /// Ends the wait because its deadline has passed.
    ///
    /// # Safety
    ///
    /// As for [`claim`](Self::claim).
    pub(crate) unsafe fn time_out(this: NonNull<Self>) -> Option<Wake> {
        // SAFETY: the caller's promise; after `leave` (2) keeps it alive.
        unsafe { (this.as_ref().leave(TIMED_OUT) == Some(true)).then(|| Self::wake_handle(this)) }
    }

    /// Ends the wait because its thread is to unwind.
    ///
    /// # Safety
    ///
    /// As for [`claim`](Self::claim), and its thread is off its stack.
    pub(crate) unsafe fn cancel(this: NonNull<Self>) -> Option<Wake> {
        // SAFETY: as in `time_out`.
        unsafe {
            let waiter = this.as_ref();
            let ended = waiter.cancellable.get() && waiter.leave(CANCELLED) == Some(true);
            ended.then(|| Self::wake_handle(this))
        }
    }

    /// The wake that the caller owes.
    ///
    /// # Safety
    ///
    /// The caller has moved `this` out of `WAITING` and not yet woken it.
    #[inline]
    pub(crate) unsafe fn wake_handle(this: NonNull<Self>) -> Wake {
        // SAFETY: the caller's promise, and (2).
        match unsafe { &this.as_ref().thread } {
            Waiting::Green(thread) => Wake(WakeTarget::Green(*thread)),
            Waiting::Os(parker) => Wake(WakeTarget::Os(parker.unparker())),
            // SAFETY: (5): the lock is held, and the waker beside its waiter.
            Waiting::Task(waker) => match unsafe { (**waker).take() } {
                Some(waker) => Wake(WakeTarget::Task(waker)),
                None => Wake(WakeTarget::Nobody),
            },
        }
    }
}

/// A wait that the holder is about to end by handing something over.
#[derive(Debug)]
#[must_use = "a claimed waiter waits for `done`"]
pub struct Claim {
    waiter: NonNull<Waiter>,
    /// Whether the thread was about to park, or has: otherwise it watched.
    parks: bool,
}

impl Claim {
    /// Nothing will be handed over: the wait ends as [`Outcome::Closed`](super::Outcome::Closed),
    /// and its thread looks again.
    pub fn release(self) -> Wake {
        self.end(CLOSED)
    }

    /// The waiter stays claimed, and its node goes into another list, whose owner goes on with the
    /// claim.
    pub fn put_aside(self) {}

    /// Whether it is a task's.
    pub(crate) fn is_task(&self) -> bool {
        // SAFETY: claimed and not done: (2).
        unsafe { self.waiter.as_ref() }.is_task()
    }

    /// What was promised is in place.
    #[inline]
    pub fn done(self, case: u32) -> Wake {
        self.end(DONE + case)
    }

    #[inline]
    fn end(self, state: u32) -> Wake {
        // SAFETY: claimed and not yet woken: (2).
        let (waiter, wake) = unsafe { (self.waiter.as_ref(), Waiter::wake_handle(self.waiter)) };
        // Release: pairs with the Acquire in `outcome`; the slot is seen.
        let release =
            if broken(Mutant::DoneRelaxed) { Ordering::Relaxed } else { Ordering::Release };
        waiter.presence.check();
        if self.parks {
            waiter.state.store(state, release);
            return wake;
        }
        // It has stopped watching since if it is in `CLAIMED`.
        let parks = waiter.state.swap(state, release) == CLAIMED;
        if parks && !broken(Mutant::WatchEndsUnseen) { wake } else { Wake(WakeTarget::Nobody) }
    }
}

/// The one wake that is owed to a thread whose wait has ended.
#[derive(Debug)]
#[must_use = "the thread sleeps until `wake` is called"]
pub struct Wake(WakeTarget);

#[derive(Debug)]
enum WakeTarget {
    Green(*const Header),
    Os(OsUnparker),
    Task(OwnWaker),
    /// The thread has seen it by itself.
    Nobody,
}

// SAFETY: `wake` may be called from anywhere: the inbox and `RunState` are made for it.
unsafe impl Send for Wake {}

impl Wake {
    /// Whether somebody sleeps until then.
    pub(crate) fn is_owed(&self) -> bool {
        !matches!(self.0, WakeTarget::Nobody)
    }

    /// Makes the thread runnable. Call it with no lock held.
    #[inline]
    pub fn wake(self) {
        match self.0 {
            // SAFETY: (2): the thread cannot finish before this wake reaches it.
            WakeTarget::Green(thread) => unsafe {
                // A sticky thread that has not left its stack yet goes into its worker's
                // inbox, and its worker comes to that later.
                if !(*thread).migrates || (*thread).run_state.transition_to_woken() {
                    // The right to run it is ours now.
                    Worker::schedule(Runnable::from_raw(thread));
                }
            },
            // SAFETY: (2): the OS thread does not return from `wait` before it.
            WakeTarget::Os(parker) => unsafe { parker.unpark() },
            WakeTarget::Task(waker) => waker.wake(),
            WakeTarget::Nobody => {}
        }
    }
}
