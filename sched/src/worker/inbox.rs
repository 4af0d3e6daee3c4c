//! Threads that others have woken, on their way to the worker they belong to; and fresh
//! ones that are to begin there (`placement.rs`).
//!
//! A lock-free stack through [`Header::next`] that its owner (or the monitor, when the owner
//! does not come to it) takes whole and turns around, so that each batch is served first come, first served (Treiber 1986; the
//! whole-list `swap` leaves no room for ABA).
//!
//! 1. The push that finds the inbox empty owes the owner a look at whether it
//!    sleeps. The others need not: that first pusher has not looked yet, or the
//!    owner has seen the inbox since.

use std::ptr;

use crate::primitive::atomic::{AtomicPtr, Ordering};
use crate::primitive::{Mutant, broken};
use crate::thread::{Header, Runnable};

/// The way for other OS threads to give a started thread back to its worker.
#[derive(Debug)]
pub(crate) struct Inbox(AtomicPtr<Header>);

impl Inbox {
    pub(crate) fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Adds `thread`. `true`: the caller must notify the owner (1).
    pub(crate) fn push(&self, thread: Runnable) -> bool {
        let thread = thread.into_raw();
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            // SAFETY: the right to run it is ours, so its queue link is, too.
            unsafe { (*thread).next.set(head) };
            // Release: pairs with the Acquire in `take_all`; the link and all that
            // the waker did are seen by the owner.
            match self.0.compare_exchange_weak(
                head,
                thread.cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return head.is_null() && !broken(Mutant::InboxPushSilent),
                Err(now) => head = now,
            }
        }
    }

    /// Whether there is nothing in it.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: a hint, or ordered by the fence in `Idle::sleep`.
        self.0.load(Ordering::Relaxed).is_null()
    }

    /// Takes everything out, oldest first, and says how many there were.
    pub(crate) fn take_all(&self, mut f: impl FnMut(Runnable)) -> u64 {
        if self.is_empty() {
            return 0;
        }
        let all = if broken(Mutant::InboxTakenTwice) {
            let seen = self.0.load(Ordering::Acquire);
            self.0.store(ptr::null_mut(), Ordering::Relaxed);
            seen
        } else {
            // Acquire: pairs with the Release in `push`.
            self.0.swap(ptr::null_mut(), Ordering::Acquire)
        };
        let mut newest = all.cast_const();
        let mut oldest = ptr::null();
        while !newest.is_null() {
            // SAFETY: what is in the inbox is owned by it, and now by us.
            let next = unsafe { (*newest).next.replace(oldest) };
            oldest = newest;
            newest = next;
        }
        let mut count = 0;
        while !oldest.is_null() {
            count += 1;
            // SAFETY: as above; each is taken out once.
            unsafe {
                let next = (*oldest).next.get();
                f(Runnable::from_raw(oldest));
                oldest = next;
            }
        }
        count
    }
}
