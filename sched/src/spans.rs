//! Keeps the spans of `tracing` with the green thread that has entered them (feature
//! `tracing`; without it this file is nothing).
//!
//! Which spans are entered is known to the subscriber alone, and for each *OS* thread:
//! `tracing-subscriber`'s registry has a stack of them in a thread-local. So before a green
//! thread leaves its stack, its spans are exited, innermost first, and when it comes back
//! they are entered again in their old order. To the subscriber that is what it sees of an
//! async task between two polls: time away is idle time. `tracing` has no call that lists
//! them, but `current_span`, and after each exit it names the next one.
//!
//! 1. Between two green threads the default subscriber has nothing entered on a worker. So
//!    what a thread finds when it leaves is its own.
//! 2. A thread's spans come back to the subscriber that they were taken from, whatever the
//!    default is by then.
//! 3. What a subscriber does here, it does as code of the OS thread: the green thread is
//!    about to leave, its waiter lies in wait lists, and a second wait would take the wake
//!    of the first. While it is called no green thread is current, so all that blocks blocks
//!    the OS thread instead, and never switches.
//! 4. No panic of a subscriber leaves this file: the frames above have registered what
//!    nobody would take back. It is reported and goes no further; the span counts as exited,
//!    or entered, which it is when a layer above the registry panics.
//!
//! A span that was entered twice is exited twice. The registry does not name the second
//! entry as the current span but the first, and on exit forgets the last; so the second
//! entry may move outwards to the first, which cannot be told from outside.
//!
//! The ids need no `clone_span`: the guard of an entered span lies on the stack that waits
//! and keeps the span open. Only a guard that was forgotten does not. Then a number is
//! entered that stands for nothing, or, much later, for another span: wrong, but no worse
//! than what a forgotten guard does to an OS thread. The price of certainty would be two
//! writes to the count of each span, which threads share, at each switch; and a `try_close`
//! here might be the last, and run the subscriber's export of the span at this place.
//!
//! Not kept: spans of a subscriber that is not the default; spans of one that does not track
//! the current span (it keeps no stack to mix up); the default itself, where `set_default`
//! has changed it for this OS thread (there is no call to take it away); what is entered
//! when a thread ends, because its guard was forgotten.

#[cfg(not(feature = "tracing"))]
pub(crate) use self::absent::leave;
#[cfg(feature = "tracing")]
pub(crate) use self::kept::leave;

#[cfg(not(feature = "tracing"))]
mod absent {
    use crate::worker::Worker;

    pub(crate) struct Left;

    #[inline(always)]
    pub(crate) fn leave(_: &Worker) -> Left {
        Left
    }

    impl Left {
        #[inline(always)]
        pub(crate) fn come_back(self) {}
    }
}

#[cfg(feature = "tracing")]
mod kept {
    use std::mem;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::ptr;

    use smallvec::SmallVec;
    use tracing_core::dispatcher::{self, Dispatch};
    use tracing_core::span::Id;

    use crate::current;
    use crate::report::report;
    use crate::worker::Worker;

    /// More than that are not exited: a subscriber whose current span is the same after
    /// each exit must not keep the thread here for ever.
    const MOST: usize = 1024;

    /// So many need no memory from the heap.
    const USUALLY: usize = 4;

    /// What a green thread had entered when it left.
    #[must_use = "the spans are to be entered again"]
    pub(crate) struct Left(Option<Spans>);

    struct Spans {
        /// (2)
        of: Dispatch,
        innermost_first: SmallVec<[Id; USUALLY]>,
    }

    /// Exits the spans of the current green thread, which is about to leave `worker`.
    #[inline]
    pub(crate) fn leave(worker: &Worker) -> Left {
        Left(if dispatcher::has_been_set() { exit_all(worker) } else { None })
    }

    impl Left {
        /// Enters them again: the green thread runs again.
        #[inline]
        pub(crate) fn come_back(self) {
            if let Some(spans) = self.0 {
                enter_all(spans);
            }
        }
    }

    /// Never inlined, as [`enter_all`] is not: each looks up thread-locals, of the OS thread
    /// that it is on.
    #[inline(never)]
    fn exit_all(worker: &Worker) -> Option<Spans> {
        as_os_thread(worker, || {
            let (of, innermost) = quietly(|| {
                dispatcher::get_default(|of| current_span(of).map(|id| (of.clone(), id)))
            })??;
            let mut spans = Spans { of, innermost_first: SmallVec::new() };
            let mut next = Some(innermost);
            while let Some(id) = next {
                let exited = quietly(|| spans.of.exit(&id)).is_some();
                next = quietly(|| current_span(&spans.of)).flatten();
                let stuck = !exited && next.as_ref() == Some(&id);
                spans.innermost_first.push(id);
                if stuck || spans.innermost_first.len() == MOST {
                    break;
                }
            }
            Some(spans)
        })
    }

    #[inline(never)]
    fn enter_all(spans: Spans) {
        // SAFETY: a green thread runs on a worker.
        as_os_thread(unsafe { &*current::worker() }, || {
            for id in spans.innermost_first.iter().rev() {
                quietly(|| spans.of.enter(id));
            }
            // It may be the last of the subscriber, which is dropped then.
            quietly(|| drop(spans.of));
        });
    }

    /// `None` also when `of` does not know.
    fn current_span(of: &Dispatch) -> Option<Id> {
        of.current_span().into_inner().map(|(id, _)| id)
    }

    /// Calls `f` as code of the OS thread (3). It must not unwind.
    fn as_os_thread<R>(worker: &Worker, f: impl FnOnce() -> R) -> R {
        let thread = worker.current();
        worker.set_current(ptr::null());
        let value = f();
        worker.set_current(thread);
        value
    }

    /// Calls `f`, which belongs to the subscriber. `None`: it panicked (4).
    fn quietly<R>(f: impl FnOnce() -> R) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(value) => Some(value),
            Err(payload) => {
                // The destructor of a payload may panic, too: it is leaked.
                mem::forget(payload);
                report(format_args!(
                    "sward: the tracing subscriber panicked when a green thread was switched; \
                     its panic is dropped, and spans may be wrong from here on"
                ));
                None
            }
        }
    }
}
