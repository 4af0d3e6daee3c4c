//! From one end to the other: the value, or that there will be none, or that none is wanted. The
//! numbers are those of the invariants in `state.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::thread::panicking;

use sward_sched::primitive::atomic::Ordering;
use sward_sched::primitive::{Mutant, broken};

use super::state::{
    CLOSED, End, RECEIVER_GONE, RECEIVER_WAITS, SENDER_GONE, SENDER_WAITS, SENT, Shared, UNSENT,
};

/// What the receiver finds.
pub(super) enum Found<T> {
    Value(T),
    /// There is none, and none will come.
    Nothing,
    /// None yet.
    NotYet,
}

impl<T> Shared<T> {
    pub(super) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close` and `drop_receiver`: what the receiver did
        // before is seen.
        self.state.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Sends. `Ok`: the sender is gone, and so may be what is shared.
    ///
    /// # Safety
    ///
    /// By the sender, which has not ended.
    pub(super) unsafe fn send(this: NonNull<Self>, value: T) -> Result<(), T> {
        // SAFETY: the sender has not gone (4).
        let shared = unsafe { this.as_ref() };
        // Relaxed: `end` looks again.
        if shared.state.load(Ordering::Relaxed) & CLOSED != 0 {
            return Err(value);
        }
        // SAFETY: (2): the place is the sender's.
        shared.value.with_mut(|place| unsafe { (*place).write(value) });
        // SAFETY: the caller's promise.
        match unsafe { Self::end(this, SENT) } {
            true => Ok(()),
            // SAFETY: (2): it still is, and it is full.
            false => Err(shared.value.with(|place| unsafe { (*place).assume_init_read() })),
        }
    }

    /// The sender goes without having sent.
    ///
    /// # Safety
    ///
    /// By the sender, which has not ended.
    pub(super) unsafe fn drop_sender(this: NonNull<Self>) {
        // SAFETY: the caller's promise.
        unsafe { Self::end(this, UNSENT) };
    }

    /// The sender ends with `event`, and is gone; `false`: it may not send any more.
    ///
    /// # Safety
    ///
    /// By the sender, which has not ended. For `SENT` the value is in its place.
    unsafe fn end(this: NonNull<Self>, event: u32) -> bool {
        // SAFETY: the sender has not gone (4).
        let shared = unsafe { this.as_ref() };
        // Release: pairs with the Acquire in `take`, `listen` and `unlisten`; the value is seen.
        // Acquire: pairs with the Release in `listen`; the receiver's party is seen, and with that
        // in `drop_receiver`, for the one who frees.
        let order = match broken(Mutant::OneshotSentRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::AcqRel,
        };
        let mut state = shared.state.load(Ordering::Relaxed);
        loop {
            let is_refused = event == SENT && state & CLOSED != 0;
            if is_refused && !broken(Mutant::OneshotSentAfterClose) {
                return false;
            }
            let is_awaited = state & RECEIVER_WAITS != 0 && !broken(Mutant::OneshotSentSilently);
            // (4)
            let gone = if is_awaited { 0 } else { SENDER_GONE };
            let next = state | event | gone;
            match shared.state.compare_exchange_weak(state, next, order, Ordering::Relaxed) {
                Err(now) => state = now,
                Ok(_) => {
                    // SAFETY: the event was set over `WAITS`; or this was the last touch (4).
                    unsafe {
                        if is_awaited {
                            Self::tell(this, End::Receiver, SENDER_GONE);
                        } else if state & RECEIVER_GONE != 0 {
                            Self::free(this);
                        }
                    }
                    return true;
                }
            }
        }
    }

    /// The receiver takes nothing any more but what has been sent.
    ///
    /// # Safety
    ///
    /// By the receiver.
    pub(super) unsafe fn close(this: NonNull<Self>) {
        // SAFETY: the receiver has not gone (4).
        let shared = unsafe { this.as_ref() };
        // Release: pairs with the Acquire in `is_closed`, `listen` and `unlisten`. Acquire: pairs
        // with the Release in `listen`; the sender's party is seen.
        let state = shared.state.fetch_or(CLOSED, Ordering::AcqRel);
        if state & CLOSED == 0 && state & SENDER_WAITS != 0 {
            // SAFETY: the event was set over `WAITS`.
            unsafe { Self::tell(this, End::Sender, 0) };
        }
    }

    /// Takes the value, with which the receiver is gone, and so may be what is shared.
    ///
    /// # Safety
    ///
    /// By the receiver.
    #[inline]
    pub(super) unsafe fn take(this: NonNull<Self>) -> Found<T> {
        // SAFETY: the receiver has not gone (4).
        let shared = unsafe { this.as_ref() };
        // Acquire: pairs with the Release in `end`; the value is seen.
        let state = shared.state.load(Ordering::Acquire);
        if state & SENT != 0 {
            // SAFETY: `SENT`.
            return Found::Value(unsafe { Self::take_sent(this, state) });
        }
        if state & (UNSENT | CLOSED) != 0 { Found::Nothing } else { Found::NotYet }
    }

    /// # Safety
    ///
    /// By the receiver, which has seen `SENT` in `state`.
    unsafe fn take_sent(this: NonNull<Self>, state: u32) -> T {
        // SAFETY: the receiver has not gone (4).
        let shared = unsafe { this.as_ref() };
        // SAFETY: (2): the place is the receiver's, and full.
        let value = shared.value.with(|place| unsafe { (*place).assume_init_read() });
        // Release and Acquire: pair with each other in the two ends; who frees sees what the other
        // did. No need of them where the sender's was seen already.
        let is_last = state & SENDER_GONE != 0
            || shared.state.fetch_or(RECEIVER_GONE, Ordering::AcqRel) & SENDER_GONE != 0;
        if is_last {
            // SAFETY: both are gone (4).
            unsafe { Self::free(this) };
        }
        value
    }

    /// The receiver goes; a value that it has not taken comes back to be dropped.
    ///
    /// # Safety
    ///
    /// By the receiver.
    pub(super) unsafe fn drop_receiver(this: NonNull<Self>) -> Option<T> {
        // SAFETY: the receiver has not gone (4).
        let shared = unsafe { this.as_ref() };
        // Acquire, here and below: pairs with the Release in `end`, for the value, and for the one
        // who frees.
        let mut state = shared.state.load(Ordering::Acquire);
        loop {
            if state & SENT != 0 {
                // SAFETY: `SENT`.
                return Some(unsafe { Self::take_sent(this, state) });
            }
            if state & (CLOSED | SENDER_WAITS) == SENDER_WAITS {
                // Wakes, and that is users' code: if it panics the receiver goes nevertheless.
                // SAFETY: the caller's promise.
                let close = || unsafe { Self::close(this) };
                let told = catch_unwind(AssertUnwindSafe(close));
                // Comes here no more: it is closed.
                // SAFETY: as above.
                let value = unsafe { Self::drop_receiver(this) };
                if let Err(panic) = told
                    && !panicking()
                {
                    drop(value);
                    resume_unwind(panic);
                }
                return value;
            }
            let next = state | CLOSED | RECEIVER_GONE;
            // Release: pairs with the Acquire in `end` and `is_closed`.
            let went = shared.state.compare_exchange_weak(
                state,
                next,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match went {
                Err(now) => state = now,
                Ok(_) => {
                    if state & SENDER_GONE != 0 {
                        // SAFETY: both are gone (4).
                        unsafe { Self::free(this) };
                    }
                    return None;
                }
            }
        }
    }
}
