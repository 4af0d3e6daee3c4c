//! [`Coroutine`]: the handle by which one is resumed.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe, resume_unwind};
use std::ptr::NonNull;
use std::thread::panicking;

use sward_sched::internal::drop_quietly_with;

use crate::builder::Builder;
use crate::core::{Closed, Core, Entered, Exit, Head, Phase, report_leak};
use crate::error::{CloseError, NotClosed, ResumeError, Why};
use crate::running::CoroutineId;
use crate::state::{State, Status};
use crate::yielder::Yielder;

/// A function that can be suspended, with a value, and resumed, with another.
///
/// ```
/// # use sward_coroutine as coroutine;
/// use coroutine::{Coroutine, State};
///
/// let greeter = Coroutine::new(|y, name: &str| {
///     let other = y.suspend(format!("hello {name}"));
///     format!("goodbye {name} and {other}")
/// });
/// assert_eq!(greeter.resume("Ada").unwrap(), State::Yielded("hello Ada".to_owned()));
/// let last = greeter.resume("Grace").unwrap();
/// assert_eq!(last, State::Complete("goodbye Ada and Grace".to_owned()));
/// ```
///
/// `Input` is what it is resumed with, `Yield` what it suspends with, and `Return` what it returns in
/// the end. It does nothing before it is resumed for the first time.
///
/// It is resumed by a shared reference, so that it may be known to others while it runs: to those that
/// it resumes, or transfers to, and to itself. (`Rc` makes several handles of one.)
///
/// It has a stack of [`DEFAULT_STACK_SIZE`](sward_sched::DEFAULT_STACK_SIZE) bytes ([`Builder`] makes
/// others), of which it uses a page of memory (4 KiB) until it needs more. A finished one gives
/// it back.
///
/// # Dropping it
///
/// [Closes](Self::close) it. If that panics, so does the drop, unless the thread panics already; and if it
/// suspends again, its stack is leaked, and a line on stderr says so. In a program that cannot unwind
/// (`panic = "abort"`), the stack of one that has begun and not ended is leaked.
///
/// One that runs just then (it was [transferred](Yielder::transfer) to) is closed when it leaves; a panic of that
/// goes no further than the hook.
///
/// # Aborts
///
/// To run one in a thread that panics (as a drop may), and to suspend one that does, takes a small stack,
/// now and then an OS thread, to keep the one's panic from the other. When there is no memory for that the
/// process ends, with a line that says so. (Of coroutines that end one another each takes one.)
///
/// A destructor that panics while the coroutine unwinds, because it was closed, dropped or thrown at, or by a
/// panic of its own, ends the process, as everywhere in Rust.
pub struct Coroutine<Input, Yield, Return> {
    /// `None`: it has finished. Otherwise it is there ([`Core`], 1).
    core: Cell<Option<NonNull<Core<Input, Yield, Return>>>>,
    id: u64,
}

impl<Input, Yield, Return> Coroutine<Input, Yield, Return> {
    /// A coroutine that is to run `body`, with the first input and a [`Yielder`] to suspend by.
    ///
    /// ```
    /// # use sward_coroutine::Coroutine;
    /// let echo = Coroutine::new(|y, first| y.suspend(first));
    /// assert_eq!(echo.resume(1).unwrap().yielded(), Some(1));
    /// assert_eq!(echo.resume(2).unwrap().complete(), Some(2));
    /// ```
    ///
    /// (A body of which the compiler cannot tell what it returns says so itself:
    /// `|y, ()| -> Option<String> { … }`.) One which never suspends says nothing of what it might suspend
    /// with, so the type has to:
    ///
    /// ```
    /// # use sward_coroutine::Coroutine;
    /// let next = Coroutine::<u32, (), u32>::new(|_, n| n + 1);
    /// assert_eq!(next.resume(1).unwrap().complete(), Some(2));
    /// ```
    ///
    /// What it borrows must be `'static` (see the [module](crate)):
    ///
    /// ```compile_fail
    /// # use sward_coroutine::Coroutine;
    /// let text = String::from("short-lived");
    /// let borrows = Coroutine::new(|y, ()| y.suspend(text.len()));
    /// ```
    ///
    /// And it stays in the thread in which it was made:
    ///
    /// ```compile_fail
    /// # use sward_coroutine::Coroutine;
    /// let echo = Coroutine::new(|y, first: u32| y.suspend(first));
    /// std::thread::spawn(move || echo.resume(1));
    /// ```
    ///
    /// # Panics
    ///
    /// When no stack can be had, with the limit that was met and the way out. [`Builder::build`] returns
    /// an error instead.
    #[inline]
    #[track_caller]
    pub fn new<F>(body: F) -> Self
    where
        F: FnOnce(&Yielder<Input, Yield, Return>, Input) -> Return + 'static,
        Input: 'static,
        Yield: 'static,
        Return: 'static,
    {
        // Not by `unwrap_or_else`, which would hide where the caller is.
        match Builder::new().build(body) {
            Ok(coroutine) => coroutine,
            Err(error) => panic!("no stack for a coroutine: {error}"),
        }
    }

    /// # Safety
    ///
    /// It is there, and no other handle has it.
    #[inline]
    pub(crate) unsafe fn from_core(core: NonNull<Core<Input, Yield, Return>>) -> Self {
        // SAFETY: the caller's promise.
        let id = unsafe { core.as_ref() }.top().id();
        Self { core: Cell::new(Some(core)), id }
    }

    /// The core, if `check` finds nothing against it.
    #[inline]
    pub(crate) fn core(
        &self,
        check: fn(&Core<Input, Yield, Return>) -> Result<(), Why>,
    ) -> Result<NonNull<Core<Input, Yield, Return>>, Why> {
        let core = self.core.get().ok_or(Why::Finished)?;
        // SAFETY: it is there.
        check(unsafe { core.as_ref() })?;
        Ok(core)
    }

    /// [`resume`](Self::resume), but for what its panic is.
    #[inline(always)]
    pub(crate) fn turn(&self, input: Input) -> Result<Exit<Yield, Return>, ResumeError<Input>> {
        let core = match self.core(Core::check) {
            Ok(core) => core,
            Err(why) => return Err(ResumeError { why, value: input }),
        };
        // SAFETY: checked just now.
        unsafe {
            Ok(match Core::enter(core, Phase::Active, MaybeUninit::new(input)) {
                // By far the most frequent.
                Entered::Yield(value) if core.as_ref().head.phase.get() != Phase::Transferring => {
                    Exit::Yield(value.assume_init())
                }
                entered => self.end_turn(core, entered),
            })
        }
    }

    /// # Safety
    ///
    /// `entered` is what came of entering `core`, which is this one's, just now.
    #[inline(never)]
    unsafe fn end_turn(
        &self,
        core: NonNull<Core<Input, Yield, Return>>,
        entered: Entered<Yield, Return>,
    ) -> Exit<Yield, Return> {
        // SAFETY: the caller's promise.
        let exit = unsafe { Core::exit(core, entered) };
        // It may be another that has left, after transfers; and this one may have been resumed, and
        // ended, by that.
        self.settle();
        exit
    }

    /// Gives its stack back if it is done.
    fn settle(&self) {
        if let Some(core) = self.core.get()
            // SAFETY: it is there.
            && unsafe { core.as_ref() }.head.phase.get() == Phase::Done
        {
            self.core.set(None);
            // SAFETY: it is done, and has no other handle. (If its scope ends just now, `free` leaves it to
            // that.)
            unsafe { Core::free(core) };
        }
    }

    /// Runs it until it suspends or returns. The first input is its body's argument, each other is what
    /// [`suspend`](Yielder::suspend) returns there. (If it [transfers](Yielder::transfer) to another, what
    /// is returned here is that one's.)
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, State};
    /// let adder = Coroutine::new(|y, first: i32| first + y.suspend(()));
    /// assert_eq!(adder.resume(3).unwrap(), State::Yielded(()));
    /// assert_eq!(adder.resume(4).unwrap(), State::Complete(7));
    /// ```
    ///
    /// # Blocking
    ///
    /// As its body: code that blocks in there parks the green thread that resumes it, or blocks the OS
    /// thread.
    ///
    /// # Cancellation
    ///
    /// A blocking call inside unwinds when the green thread is cancelled, or its time is up; the
    /// coroutine ends with that, and it goes on in the caller. Not if the caller unwinds already, and
    /// resumes it in a destructor: then nothing is raised in it, as in
    /// [`uncancellable`](sward_sched::uncancellable).
    ///
    /// # Errors
    ///
    /// [`ResumeError`], with the input: it has finished, or runs already.
    ///
    /// # Panics
    ///
    /// With the panic of its body, which is then done. When it was [closed](Self::close), has suspended in
    /// a destructor instead, and comes to its end now.
    #[inline(always)]
    #[track_caller]
    pub fn resume(&self, input: Input) -> Result<State<Yield, Return>, ResumeError<Input>> {
        Ok(match self.turn(input)? {
            Exit::Yield(value) => State::Yielded(value),
            exit => state(exit),
        })
    }

    /// As [`resume`](Self::resume), but raises `payload` where it is suspended, as
    /// [`resume_unwind`] does: silently.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, State};
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    ///
    /// let careful = Coroutine::new(|y, ()| {
    ///     match catch_unwind(AssertUnwindSafe(|| y.suspend("waits"))) {
    ///         Ok(()) => "as usual",
    ///         Err(payload) => payload.downcast_ref::<&str>().copied().unwrap(),
    ///     }
    /// });
    /// careful.resume(()).unwrap();
    /// let end = careful.throw(Box::new("something went wrong"));
    /// assert_eq!(end.unwrap(), State::Complete("something went wrong"));
    /// ```
    ///
    /// One that has not begun is done at once.
    ///
    /// # Blocking
    ///
    /// As [`resume`](Self::resume).
    ///
    /// # Cancellation
    ///
    /// As [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// [`ResumeError`], with the payload: it has finished, or runs already; or it has suspended in a
    /// destructor while it unwinds, where nothing can be raised; or it has begun and the
    /// program cannot unwind (`panic = "abort"`).
    ///
    /// # Panics
    ///
    /// With what was thrown, unless its body catches it, or with another panic of its body.
    pub fn throw(
        &self,
        payload: Box<dyn Any + Send>,
    ) -> Result<State<Yield, Return>, ResumeError<Box<dyn Any + Send>>> {
        match self.core(Core::check_raise) {
            Ok(core) => {
                // SAFETY: just now.
                let exit = unsafe { Core::raise(core, Some(payload)) };
                self.settle();
                Ok(state(exit))
            }
            Err(why) => Err(ResumeError { why, value: payload }),
        }
    }

    /// Ends it: it unwinds from where it is suspended, so its destructors run. If it has finished
    /// already, nothing happens.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, Status};
    /// # use std::{cell::Cell, rc::Rc};
    /// struct Bell(Rc<Cell<bool>>);
    /// impl Drop for Bell {
    ///     fn drop(&mut self) {
    ///         self.0.set(true);
    ///     }
    /// }
    ///
    /// let has_rung = Rc::new(Cell::new(false));
    /// let bell = Bell(has_rung.clone());
    /// let holds = Coroutine::new(move |y, ()| {
    ///     let _bell = bell;
    ///     y.suspend(());
    ///     unreachable!("it is not resumed again");
    /// });
    /// holds.resume(()).unwrap();
    /// holds.close().unwrap();
    /// assert!(has_rung.get());
    /// assert_eq!(holds.status(), Status::Done);
    /// assert!(holds.close().is_ok());
    /// ```
    ///
    /// A body that catches the unwinding may return nevertheless; what it returns is dropped.
    ///
    /// # Blocking
    ///
    /// As its destructors.
    ///
    /// # Cancellation
    ///
    /// As [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// [`CloseError`]: it has suspended again instead, or transferred, and can be resumed, or closed, once
    /// more; or it runs; or it has begun, and cannot unwind: because it does so already, and has suspended
    /// in a destructor, or because the program cannot (`panic = "abort"`).
    ///
    /// # Panics
    ///
    /// With a panic of its body, if that catches the unwinding; of what a body that has not begun has
    /// captured; or of the destructor of what it returns, or suspends with, instead.
    ///
    /// # Aborts
    ///
    /// When a destructor panics while it unwinds, as everywhere in Rust.
    pub fn close(&self) -> Result<(), CloseError<Yield>> {
        let core = match self.core(Core::check_raise) {
            Ok(core) => core,
            Err(Why::Finished) => return Ok(()),
            Err(why) => return Err(CloseError(NotClosed::Because(why))),
        };
        // SAFETY: just now.
        let exit = unsafe { Core::raise(core, None) };
        self.settle();
        match exit {
            Exit::Panic(payload) => resume_unwind(payload),
            // It may be another that has left last.
            _ if self.core.get().is_none() => Ok(()),
            Exit::Yield(value) => Err(CloseError(NotClosed::Yielded(value))),
            Exit::Return(_) | Exit::Closed => Err(CloseError(NotClosed::Because(Why::Transferred))),
        }
    }

    /// What it is doing.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, Status};
    /// let once = Coroutine::new(|y, ()| y.suspend(()));
    /// assert_eq!(once.status(), Status::Suspended);
    /// once.resume(()).unwrap();
    /// once.resume(()).unwrap();
    /// assert_eq!(once.status(), Status::Done);
    /// ```
    pub fn status(&self) -> Status {
        // SAFETY: it is there.
        let Some(core) = self.core.get().map(|core| unsafe { core.as_ref() }) else {
            return Status::Done;
        };
        match core.head.phase.get() {
            Phase::Done => Status::Done,
            phase if !phase.is_active() => Status::Suspended,
            _ if core.top().is_here() => Status::Running,
            _ => Status::Normal,
        }
    }

    /// Its number.
    ///
    /// ```
    /// # use sward_coroutine::{Coroutine, running};
    /// let known = Coroutine::new(|y, ()| y.suspend(running()));
    /// assert_eq!(known.resume(()).unwrap().yielded().unwrap(), Some(known.id()));
    /// ```
    pub fn id(&self) -> CoroutineId {
        CoroutineId(self.id)
    }
}

impl<Input, Yield, Return> Drop for Coroutine<Input, Yield, Return> {
    #[inline]
    fn drop(&mut self) {
        if let Some(core) = self.core.take() {
            // SAFETY: it is there, and has no other handle.
            end(unsafe { Head::end(core.cast()) });
        }
    }
}

/// What came of a turn, for who has resumed it.
#[track_caller]
fn state<Yield, Return>(exit: Exit<Yield, Return>) -> State<Yield, Return> {
    match exit {
        Exit::Yield(value) => State::Yielded(value),
        Exit::Return(value) => State::Complete(value),
        Exit::Panic(payload) => resume_unwind(payload),
        Exit::Closed => panic!(
            "the coroutine has no result: it was closed, had suspended in a destructor instead, and \
             has come to its end now"
        ),
    }
}

/// What is said of a coroutine that was to end with its handle.
fn end(closed: Closed) {
    match closed {
        Closed::Done => {}
        Closed::Panicked(payload) if !panicking() => resume_unwind(payload),
        Closed::Panicked(payload) => drop_quietly_with(|| drop(payload)),
        Closed::Not(Why::CannotUnwind) => {}
        Closed::Again | Closed::Not(_) => report_leak(),
    }
}

// What a panic leaves behind is a coroutine that is done.
impl<Input, Yield, Return> UnwindSafe for Coroutine<Input, Yield, Return> {}
impl<Input, Yield, Return> RefUnwindSafe for Coroutine<Input, Yield, Return> {}

impl<Input, Yield, Return> fmt::Debug for Coroutine<Input, Yield, Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, status) = (self.id, self.status());
        f.debug_struct("Coroutine")
            .field("id", &id)
            .field("status", &status)
            .finish_non_exhaustive()
    }
}
