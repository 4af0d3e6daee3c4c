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
//! back, begin a weight, and keep it for the next time. With none in stock, some are
//! begun on an OS thread that lives for nothing else.
//!
//! 1. Between two green threads a worker's count is zero.
//! 2. With each panic that is away goes a spare stack: that of the weight that was ended for
//!    it. So to bring it back takes no memory, also on another worker.
//!
//! The price: while there is a weight, std's process-wide count is not zero, and each
//! question for it takes std a few nanoseconds more. A panic *hook* may block (`tests/panic.rs`
//! shows it with this std), but while it does it has std's lock of the hook: whoever sets or takes
//! the hook meanwhile waits for it, and holds his worker.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::panicking;

use corosensei::{Coroutine, Yielder};

use crate::current;
use crate::primitive::ThreadBuilder;
use crate::report::report;
use crate::stack::{MIN_STACK_SIZE, Stack};

/// A coroutine in the middle of its unwinding.
struct Weight(Coroutine<(), (), (), Stack>);

// SAFETY: all that lies on its stack is made in `begin`: a payload that is `Send`, and the
// unwinder's state, which belongs to that stack and not to any OS thread. Where std's count
// is, the frame that catches looks up for itself (`unwind_suspended`).
unsafe impl Send for Weight {}

impl Weight {
    /// Adds one to this OS thread's count.
    fn begin(stack: Stack) -> Self {
        let mut body = Coroutine::with_stack(stack, |yielder, ()| {
            let unwound = catch_unwind(AssertUnwindSafe(|| unwind_suspended(yielder)));
            drop(unwound);
        });
        body.resume(());
        Self(body)
    }

    /// Takes one from this OS thread's count.
    fn end(mut self) -> Stack {
        self.0.resume(());
        self.0.into_stack()
    }
}

/// Never inlined: its caller catches on another OS thread than this raises on, and must
/// not be told the address of this one's count.
#[inline(never)]
fn unwind_suspended(yielder: &Yielder<(), ()>) -> Infallible {
    struct Suspended<'a>(&'a Yielder<(), ()>);
    impl Drop for Suspended<'_> {
        fn drop(&mut self) {
            self.0.suspend(());
        }
    }
    let _suspended = Suspended(yielder);
    resume_unwind(Box::new(()))
}

/// Panics that a green thread has taken along: a stack for each (2).
pub(crate) struct Away(Vec<Stack>);

/// What a worker has in stock.
#[derive(Default)]
pub(crate) struct Weights {
    ready: RefCell<Vec<Weight>>,
    /// How many were begun the last time that there were too few.
    begun: Cell<usize>,
}

impl Weights {
    /// Takes this OS thread's count to zero, for `bring_back`.
    ///
    /// Aborts the process when there is no memory for a weight: the thread could not
    /// leave without its neighbours taking its panic for theirs.
    #[cold]
    pub(crate) fn take_away(&self) -> Away {
        let mut stacks = Vec::new();
        while panicking() {
            if self.ready.borrow().is_empty() {
                self.begin_elsewhere();
            }
            let weight = self.ready.borrow_mut().pop();
            let Some(weight) = weight else {
                report(format_args!(
                    "sward: a thread panics, and blocks, or has a coroutine run meanwhile; and there is \
                     no memory, or no OS thread, to keep its panic apart from others'; aborting"
                ));
                std::process::abort();
            };
            stacks.push(weight.end());
        }
        Away(stacks)
    }

    /// Adds to this OS thread's count what was taken away here, or on another worker.
    #[cold]
    pub(crate) fn bring_back(&self, away: Away) {
        for stack in away.0 {
            self.ready.borrow_mut().push(Weight::begin(stack));
        }
        if self.ready.borrow().len() > STOCK {
            let surplus = self.ready.borrow_mut().split_off(STOCK / 2);
            end_elsewhere(surplus);
        }
    }

    /// One weight, and each time twice as many.
    fn begin_elsewhere(&self) {
        let count = (self.begun.get() * 2).clamp(1, STOCK);
        self.begun.set(count);
        let begin = move || -> Vec<Weight> {
            (0..count).map_while(|_| Stack::new(MIN_STACK_SIZE).ok()).map(Weight::begin).collect()
        };
        if let Ok(thread) = ThreadBuilder::new().spawn(begin)
            && let Ok(mut weights) = thread.join()
        {
            self.ready.borrow_mut().append(&mut weights);
        }
    }

    /// Gives the stock up: no thread will come back to this worker.
    pub(crate) fn clear(&self) {
        end_elsewhere(self.ready.take());
    }
}

impl Drop for Weights {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The panics of the thread that this code runs in, while code runs that has none of its own: a
/// coroutine, or whoever has resumed one that suspends while it unwinds.
pub struct PanicsAside(Away);

impl PanicsAside {
    /// From here on the thread does not panic.
    ///
    /// Aborts as [`Weights::take_away`].
    #[cold]
    pub fn begin() -> Self {
        Self(current::with_weights(Weights::take_away))
    }

    /// It panics as before.
    #[cold]
    pub fn end(self) {
        current::with_weights(|weights| weights.bring_back(self.0));
    }
}

impl fmt::Debug for PanicsAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PanicsAside").field(&self.0.0.len()).finish()
    }
}

/// Weights that a worker keeps.
const STOCK: usize = 64;

/// A weight cannot just be dropped: it would unwind while it unwinds. It ends where its
/// minus one does no harm: on an OS thread that ends with it.
fn end_elsewhere(weights: Vec<Weight>) {
    if weights.is_empty() {
        return;
    }
    let weights = ManuallyDrop::new(weights);
    let end = || {
        for weight in ManuallyDrop::into_inner(weights) {
            drop(weight.end());
        }
    };
    // Without an OS thread their stacks are leaked.
    if let Ok(thread) = ThreadBuilder::new().spawn(end) {
        let _ = thread.join();
    }
}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Weights").field(&self.ready.borrow().len()).finish()
    }
}
