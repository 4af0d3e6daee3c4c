//! The context switch: corosensei behind the few verbs we need.
//!
//! A [`Runner`] is a stack with a coroutine on it that runs one green thread after
//! the other and suspends in between. Pooling runners rather than bare stacks saves
//! setting the coroutine up again for each thread.
//!
//! When a thread is over the runner asks [`AfterRun`] what next: if it has been given another
//! thread by then, it runs that one at once, without a switch.
//!
//! 1. `resume` is called by the worker that owns the runner, and never from a
//!    stack of ours; `suspend` by the code that runs on it.
//! 2. Between `Finished` and the next `begin` nothing that needs dropping is on the
//!    stack, so an idle runner may be dropped without unwinding.
//! 3. A runner whose thread has not finished is never dropped: it has no [`OwnedRunner`].
//! 4. What an idle runner has on its stack lies above [`Runner::idle_low`].

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr;

use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::own::Own;
use crate::primitive::UnsafeCell;
use crate::stack::{Class, Extent, NoStack, Plain, Stack};
use crate::thread::{Header, Runnable};

/// Why a stack was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspension {
    /// The thread goes to the back of the queue.
    Yielded,
    /// The thread waits to be woken.
    Parked,
    /// The thread is over, and so are those that the runner has run after it; the runner
    /// is free.
    Finished,
}

/// Called on a runner's stack when its thread's closure has returned. `true`: `begin` was
/// called for another thread.
pub(crate) type AfterRun = fn(&Runner) -> bool;

type Body = Coroutine<(), Suspension, Infallible, Stack>;

/// A stack, with a coroutine on it.
pub(crate) struct Runner {
    body: UnsafeCell<Option<Body>>,
    yielder: Cell<*const Yielder<(), Suspension>>,
    thread: Cell<*const Header>,
    extent: Extent,
    /// Where the frame of its body is, once that has begun.
    body_frame: Cell<usize>,
    memory: Cell<Memory>,
    /// Its thread's.
    own: Own,
}

/// What is known of the part of a stack that an idle runner does not use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// Nothing: a thread has run there.
    Used,
    /// It was given back, and no thread has run there since.
    GivenBack,
    /// It was clean when the thread that runs began.
    Measured,
}

/// The frames below that of a runner's body, when that is suspended, take no more than this:
/// they are corosensei's, some hundred bytes.
const SUSPENDED_FRAMES: usize = if cfg!(debug_assertions) { 4096 } else { 1024 };

impl Runner {
    /// A runner with a new stack.
    pub(crate) fn with_stack(class: Class, after: AfterRun) -> Result<OwnedRunner, NoStack> {
        let stack = Stack::of_class(class)?;
        let owned = OwnedRunner(Box::into_raw(Box::new(Self {
            body: UnsafeCell::new(None),
            yielder: Cell::new(ptr::null()),
            thread: Cell::new(ptr::null()),
            extent: stack.extent(),
            body_frame: Cell::new(0),
            memory: Cell::new(Memory::GivenBack),
            own: Own::new(Plain::all_of(stack.extent())),
        })));
        let address = owned.0;
        let body = Coroutine::with_stack(stack, move |yielder, ()| {
            // SAFETY: the runner outlives its body.
            let runner = unsafe { &*address };
            runner.yielder.set(yielder);
            let frame = 0u8;
            runner.body_frame.set((&raw const frame).addr());
            // Both calls go through pointers: user code, and the worker's, are never inlined
            // here, where the OS thread may change from one round to the next.
            let after = black_box(after);
            loop {
                {
                    // SAFETY: `begin` has put the right to run into this cell; `after`
                    // takes it back from the worker, so it is not used up here.
                    let thread = unsafe { Runnable::from_raw(runner.thread.get()) };
                    // SAFETY: `begin` is for threads that have not started.
                    unsafe {
                        runner.own.begin(thread.header());
                        thread.run();
                    }
                }
                if !after(runner) {
                    yielder.suspend(Suspension::Finished);
                }
            }
        });
        // SAFETY: nobody else knows of the runner yet.
        owned.body.with_mut(|slot| unsafe { *slot = Some(body) });
        Ok(owned)
    }

    /// Where its stack is.
    #[inline]
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    /// What its thread keeps for itself.
    #[inline]
    pub(crate) fn own(&self) -> &Own {
        &self.own
    }

    /// While it is idle nothing on its stack that lies below this is in use.
    fn idle_low(&self) -> usize {
        let frame = self.body_frame.get();
        // A body that has not begun is a few words at the base. (A sanitizer may keep locals
        // elsewhere.)
        let frame = if self.extent.contains(frame) { frame } else { self.extent.base() };
        (frame - SUSPENDED_FRAMES).max(self.extent.usable_low())
    }

    /// Gives it a thread that has not started; the next `resume` starts it, or its runner
    /// does so itself (`AfterRun`).
    #[inline]
    pub(crate) fn begin(&self, thread: *const Header) {
        self.memory.set(Memory::Used);
        self.thread.set(thread);
    }

    /// Makes the stack clean, so that `usage` can tell how far down it gets used. Between
    /// `begin` and the first `resume`.
    pub(crate) fn measure(&self) {
        let low = self.idle_low();
        // SAFETY: it is idle, and (4).
        if unsafe { self.extent.give_back_below(low) && self.extent.zero_page_below(low) } {
            self.memory.set(Memory::Measured);
        }
    }

    /// How many bytes of the stack have been used since `measure`, if that was called.
    pub(crate) fn usage(&self) -> Option<usize> {
        (self.memory.get() == Memory::Measured).then(|| self.extent.touched())
    }

    /// Runs its thread until it suspends.
    ///
    /// # Safety
    ///
    /// (1), and the caller owns the right to run the thread on it.
    #[inline]
    pub(crate) unsafe fn resume(&self) -> Suspension {
        // SAFETY: (1): a runner is resumed by one worker at a time. The coroutine
        // itself never reaches for `body`.
        let result =
            self.body.with_mut(|body| unsafe { (*body).as_mut().unwrap_unchecked().resume(()) });
        match result {
            CoroutineResult::Yield(suspension) => suspension,
            CoroutineResult::Return(never) => match never {},
        }
    }

    /// Leaves this stack, back to the worker that resumed it.
    ///
    /// # Safety
    ///
    /// (1): the caller runs on this runner.
    #[inline]
    pub(crate) unsafe fn suspend(&self, suspension: Suspension) {
        // SAFETY: the body set it before any thread's code ran, and it lives at the
        // base of the stack that the caller stands on.
        unsafe { (*self.yielder.get()).suspend(suspension) };
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("extent", &self.extent).finish_non_exhaustive()
    }
}

/// An idle runner and all that belongs to it. (Not a `Box`, which would claim that
/// its body does not point back to it.)
#[derive(Debug)]
pub(crate) struct OwnedRunner(*mut Runner);

// SAFETY: (2): an idle runner has nothing of any OS thread on its stack.
unsafe impl Send for OwnedRunner {}

impl OwnedRunner {
    /// Gives it up to the green thread that is about to run on it.
    pub(crate) fn into_raw(self) -> *const Runner {
        ManuallyDrop::new(self).0
    }

    /// Whether `give_back` has been called since a thread ran on it.
    pub(crate) fn is_given_back(&self) -> bool {
        self.memory.get() == Memory::GivenBack
    }

    /// Gives the memory of its stack back to the system, but for its highest page.
    pub(crate) fn give_back(&self) {
        // SAFETY: it is idle, and (4).
        unsafe { self.extent.give_back_below(self.idle_low()) };
        self.memory.set(Memory::GivenBack);
    }

    /// Its stack, of which all is free.
    fn into_stack(self) -> Stack {
        let runner = ManuallyDrop::new(self).0;
        // SAFETY: made by `Box::into_raw` and owned.
        let runner = unsafe { Box::from_raw(runner) };
        runner.body.with_mut(|body| {
            // SAFETY: nobody else knows of it any more. (2) and (3): nothing on the stack needs
            // to be dropped.
            unsafe {
                let mut body = (*body).take().expect("a runner has a body");
                body.force_reset();
                body.into_stack()
            }
        })
    }

    /// Drops all of them at once.
    pub(crate) fn drop_all(runners: impl IntoIterator<Item = Self>) {
        Stack::drop_all(runners.into_iter().map(Self::into_stack).collect());
    }

    /// Takes it back.
    ///
    /// # Safety
    ///
    /// `runner` came from `into_raw`, once, and is idle again.
    pub(crate) unsafe fn from_raw(runner: *const Runner) -> Self {
        Self(runner.cast_mut())
    }
}

impl Deref for OwnedRunner {
    type Target = Runner;

    fn deref(&self) -> &Runner {
        // SAFETY: it is owned.
        unsafe { &*self.0 }
    }
}

impl Drop for OwnedRunner {
    fn drop(&mut self) {
        drop(Self(self.0).into_stack());
    }
}
