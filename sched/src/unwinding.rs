//! Keeps std's count of panics with the green thread that panics.
//!
//! std counts the panics in flight for each *OS* thread: `std::thread::panicking()`, the
//! poisoning of std's mutexes, and our own rule that a thread which unwinds is not
//! cancelled, all ask that count. So a green thread that leaves its stack while it unwinds
//! (a destructor blocks) must take its share along, and bring it back.
//!
//! There is no call for that, but a *weight* does it: a coroutine that unwinds, and is
//! suspended in a destructor. Where it was begun the count went up by one; where it is
//! resumed and its unwinding ends, the count goes down by one. To take a panic away
//! from this OS thread, end a weight that was begun elsewhere or earlier; to bring one
//! back, begin a weight, and keep it for the next time. A worker's first weight is begun
//! on an OS thread that lives for nothing else.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::panicking;

use corosensei::{Coroutine, Yielder};

use crate::primitive::ThreadBuilder;
use crate::report::report;
use crate::stack::{MIN_STACK_SIZE, Stack};

/// A coroutine in the middle of its unwinding.
struct Weight(Coroutine<(), (), (), Stack>);

// SAFETY: all that lies on its stack is made in `begin`: a payload that is `Send`, and the
// unwinder's state, which belongs to that stack and not to any OS thread. std's count is
// looked up anew when the unwinding ends.
unsafe impl Send for Weight {}

impl Weight {
    /// Adds one to this OS thread's count.
    fn begin() -> io::Result<Self> {
        struct Suspended<'a>(&'a Yielder<(), ()>);
        impl Drop for Suspended<'_> {
            fn drop(&mut self) {
                self.0.suspend(());
            }
        }
        let mut body = Coroutine::with_stack(Stack::new(MIN_STACK_SIZE)?, |yielder, ()| {
            let unwound = catch_unwind(AssertUnwindSafe(|| -> Infallible {
                let _suspended = Suspended(yielder);
                resume_unwind(Box::new(()))
            }));
            drop(unwound);
        });
        body.resume(());
        Ok(Self(body))
    }

    /// Takes one from this OS thread's count.
    fn end(mut self) {
        self.0.resume(());
    }
}

/// The weights that a worker has in stock.
#[derive(Default)]
pub(crate) struct Weights(RefCell<Vec<Weight>>);

impl Weights {
    /// Takes this OS thread's count to zero and says by how much. With no memory for a
    /// first weight the rest of the count stays where it is.
    #[cold]
    pub(crate) fn take_away(&self) -> u32 {
        let mut count = 0;
        while panicking() {
            let weight = self.0.borrow_mut().pop().or_else(begin_elsewhere);
            let Some(weight) = weight else { break };
            weight.end();
            count += 1;
        }
        count
    }

    /// Adds so much to this OS thread's count.
    #[cold]
    pub(crate) fn bring_back(&self, count: u32) {
        for _ in 0..count {
            match Weight::begin() {
                Ok(weight) => self.0.borrow_mut().push(weight),
                // Without it the thread would go on as if it did not panic, and std's
                // count would end below zero.
                Err(error) => {
                    report(format_args!("sward: no stack to keep count of panics: {error}"));
                    std::process::abort();
                }
            }
        }
    }
}

impl Drop for Weights {
    /// A weight cannot just be dropped: it would unwind while it unwinds. It ends where its
    /// minus one does no harm.
    fn drop(&mut self) {
        let weights = ManuallyDrop::new(self.0.take());
        if !weights.is_empty() {
            let end = || ManuallyDrop::into_inner(weights).into_iter().for_each(Weight::end);
            // Without an OS thread their stacks are leaked.
            let _ = ThreadBuilder::new().spawn(end);
        }
    }
}

fn begin_elsewhere() -> Option<Weight> {
    let thread = ThreadBuilder::new().spawn(Weight::begin).ok()?;
    thread.join().ok()?.ok()
}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Weights").field(&self.0.borrow().len()).finish()
    }
}
