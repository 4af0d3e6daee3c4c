//! The threads of a worker that have parked at least once and are unfinished, in a list
//! through [`Header::parked_links`](crate::thread::Header), so that a shutdown finds them.

use std::ptr::NonNull;

use super::Worker;
use crate::thread::Header;
use crate::waiter::Waiter;

impl Worker {
    #[inline]
    pub(super) fn list_parked(&self, header: &Header) {
        let links = &header.parked_links;
        if links.listed.replace(true) {
            return;
        }
        let first = self.parked.replace(header);
        links.next.set(first);
        // SAFETY: threads in the list are unfinished.
        if let Some(first) = unsafe { first.as_ref() } {
            first.parked_links.prev.set(header);
        }
    }

    #[inline]
    pub(super) fn unlist_parked(&self, header: &Header) {
        let links = &header.parked_links;
        if !links.listed.get() {
            return;
        }
        let (prev, next) = (links.prev.get(), links.next.get());
        // SAFETY: as in `list_parked`.
        unsafe {
            match prev.as_ref() {
                Some(prev) => prev.parked_links.next.set(next),
                None => self.parked.set(next),
            }
            if let Some(next) = next.as_ref() {
                next.parked_links.prev.set(prev);
            }
        }
    }

    /// The runtime closes: every parked thread is to unwind.
    pub(super) fn cancel_parked(&self) {
        let mut thread = self.parked.get();
        // SAFETY: threads in the list are unfinished; one that is parked runs only on
        // this worker, so its waiter stays in place while we look at it.
        while let Some(header) = unsafe { thread.as_ref() } {
            thread = header.parked_links.next.get();
            if header.run_state.is_parked() {
                let waiter = NonNull::new(header.waiter.get().cast_mut());
                // SAFETY: as above.
                if let Some(wake) = waiter.and_then(|w| unsafe { Waiter::cancel(w) }) {
                    wake.wake();
                }
            }
        }
    }
}
