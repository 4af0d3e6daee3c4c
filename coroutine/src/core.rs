//! The part of a coroutine that lies on its own stack ([`Core`]), and how it is entered and left.
//!
//! 1. A core is made by `new` and stays where it is until `free`, which is called once it is `Done`: by
//!    the handle ([`Coroutine`](crate::Coroutine)), or, of a handle that a scope has survived, by the
//!    scope, or, of one that was dropped while it ran, by whoever had it entered.
//! 2. All of it is touched by one OS thread, or green thread, alone: nothing here is `Send`.
//! 3. `body` is touched by `enter`, of one that is not `Active`, and by `free`. So what runs in it
//!    cannot enter it, nor end it.
//! 4. Whoever runs is told which coroutine is its innermost (`sched`'s `Own`): `enter` says so, and who
//!    leaves, says so itself, before.
//! 5. No panic crosses from one stack to another, or is counted twice: a body's ends at its root and is
//!    passed on as a value; and where code runs on another stack while this one unwinds, in either
//!    direction, its panics are put aside.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::thread::panicking;

use corosensei::{Coroutine as Body, CoroutineResult, Yielder as RawYielder};
use sward_sched::internal::{Innermost, NoStack, PanicsAside, with_own};

use crate::error::Why;
use crate::scope::Registered;
use crate::stack::Below;
use crate::yielder::Yielder;

/// What one panics with.
pub(crate) type Payload = Box<dyn Any + Send>;

/// What a coroutine is entered with.
pub(crate) enum Order<I> {
    Input(I),
    Throw(Payload),
    Close,
}

/// What one leaves with that goes on.
pub(crate) enum Left<Y, R> {
    Yield(Y),
    Transfer(Hop<Y, R>),
}

/// What came of entering one.
pub(crate) enum Exit<Y, R> {
    Yield(Y),
    Return(R),
    Panic(Payload),
    /// Another is to be entered in its place.
    Transfer(Hop<Y, R>),
}

/// A coroutine that is to be entered, of which the type of its input is not known.
pub(crate) struct Hop<Y, R> {
    to: NonNull<Head>,
    /// On the stack of whom it comes from, who does not touch it again.
    input: *mut (),
    enter: unsafe fn(NonNull<Head>, *mut ()) -> Exit<Y, R>,
}

/// What a coroutine that is closed unwinds with: its number.
pub(crate) struct Closing(u64);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// It has not begun.
    Fresh,
    Suspended,
    /// Suspended in a destructor, while it unwinds: to raise something there would abort.
    Unwinding,
    /// Entered, and not left.
    Active,
    Done,
}

/// What is known of a core whatever its types.
#[repr(C)]
pub(crate) struct Head {
    pub(crate) id: u64,
    pub(crate) phase: Cell<Phase>,
    /// It has lost its handle while it was active.
    is_orphan: Cell<bool>,
    /// What was the innermost when it was entered.
    outer: Cell<Innermost>,
    pub(crate) registered: Registered,
    pub(crate) vtable: &'static VTable,
}

/// For a core of any types. Each is given one that is there.
pub(crate) struct VTable {
    pub(crate) close: unsafe fn(NonNull<Head>) -> Closed,
    pub(crate) free: unsafe fn(NonNull<Head>),
}

/// What came of closing one.
pub(crate) enum Closed {
    /// It is done.
    Done,
    /// It is, and so panicked.
    Panicked(Payload),
    /// It has suspended again.
    Again,
    /// It could not be tried.
    Not(Why),
}

#[repr(C)]
pub(crate) struct Core<I, Y, R> {
    pub(crate) head: Head,
    /// By which its body leaves, once it has begun.
    raw: Cell<*const RawYielder<Order<I>, Left<Y, R>>>,
    body: UnsafeCell<ManuallyDrop<OnStack<I, Y, R>>>,
}

/// The body, on its stack, below its core.
type OnStack<I, Y, R> = Body<Order<I>, Left<Y, R>, Result<R, Payload>, Below>;

/// Bodies that are larger lie on the heap.
const LARGEST_BODY: usize = 4096;

impl<I, Y, R> Core<I, Y, R> {
    const VTABLE: VTable = VTable { close: Self::close_erased, free: Self::free_erased };

    /// A coroutine on a stack with `usable` bytes (the usual, if `None`).
    ///
    /// # Safety
    ///
    /// What `body` has borrowed, and what values of the three types have, stays until the coroutine is
    /// done. If it is leaked, that is for ever.
    #[inline]
    pub(crate) unsafe fn new<F>(usable: Option<usize>, body: F) -> Result<NonNull<Self>, NoStack>
    where
        F: FnOnce(&Yielder<I, Y, R>, I) -> R,
    {
        if size_of::<F>() > LARGEST_BODY {
            let body = Box::new(body);
            // SAFETY: the caller's promise.
            return unsafe { Self::with_small(usable, move |y: &_, input| body(y, input)) };
        }
        // SAFETY: the caller's promise.
        unsafe { Self::with_small(usable, body) }
    }

    /// # Safety
    ///
    /// As `new`.
    #[inline]
    unsafe fn with_small<F>(usable: Option<usize>, body: F) -> Result<NonNull<Self>, NoStack>
    where
        F: FnOnce(&Yielder<I, Y, R>, I) -> R,
    {
        let (stack, core, id) = Below::with_room::<Self>(usable)?;
        let root = move |raw: &RawYielder<Order<I>, Left<Y, R>>, order| {
            // SAFETY: (1): it is freed when this has returned.
            unsafe { core.as_ref() }.root(raw, order, body)
        };
        // SAFETY: the caller's promise.
        let body = unsafe { OnStack::with_stack_unchecked(stack, root) };
        let head = Head {
            id,
            phase: Cell::new(Phase::Fresh),
            is_orphan: Cell::new(false),
            outer: Cell::new(Innermost::NONE),
            registered: Registered::new(),
            vtable: const { &Self::VTABLE },
        };
        let (raw, body) = (Cell::new(ptr::null()), UnsafeCell::new(ManuallyDrop::new(body)));
        // SAFETY: room for just that, on a stack that is ours.
        unsafe { core.write(Self { head, raw, body }) };
        Ok(core)
    }

    /// All that runs on its stack.
    fn root<F>(
        &self,
        raw: &RawYielder<Order<I>, Left<Y, R>>,
        order: Order<I>,
        body: F,
    ) -> Result<R, Payload>
    where
        F: FnOnce(&Yielder<I, Y, R>, I) -> R,
    {
        self.raw.set(raw);
        let yielder = Yielder::new(self);
        let result = catch_unwind(AssertUnwindSafe(|| match order {
            Order::Input(input) => Ok(body(&yielder, input)),
            Order::Throw(payload) => {
                drop(body);
                Err(payload)
            }
            Order::Close => {
                drop(body);
                Err(self.closing())
            }
        }));
        with_own(|own| own.leave(self.head.outer.get()));
        result.unwrap_or_else(Err)
    }

    /// What it is to unwind with when it is closed.
    pub(crate) fn closing(&self) -> Payload {
        Box::new(Closing(self.head.id))
    }

    /// Whether it may be entered with a value.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Why> {
        match self.head.phase.get() {
            Phase::Fresh | Phase::Suspended | Phase::Unwinding => Ok(()),
            Phase::Active => Err(Why::Running),
            Phase::Done => Err(Why::Finished),
        }
    }

    /// Whether it may be entered to have something raised.
    pub(crate) fn check_raise(&self) -> Result<(), Why> {
        match self.head.phase.get() {
            Phase::Unwinding => Err(Why::Unwinding),
            Phase::Suspended if cfg!(not(panic = "unwind")) => Err(Why::CannotUnwind),
            _ => self.check(),
        }
    }

    /// Runs it, and those to which it transfers, until one of them suspends or ends.
    ///
    /// # Safety
    ///
    /// It is there, and `check` has said that it may be.
    #[inline]
    pub(crate) unsafe fn run(this: NonNull<Self>, order: Order<I>) -> Exit<Y, R> {
        // SAFETY: the caller's promise.
        match unsafe { Self::enter(this, order) } {
            // SAFETY: it comes from `enter`.
            Exit::Transfer(hop) => unsafe { hop.follow() },
            exit => exit,
        }
    }

    /// Runs it until it leaves.
    ///
    /// # Safety
    ///
    /// As `run`.
    #[inline]
    unsafe fn enter(this: NonNull<Self>, order: Order<I>) -> Exit<Y, R> {
        // SAFETY: the caller's promise.
        let Self { head, body, .. } = unsafe { this.as_ref() };
        // (5)
        let aside = panicking().then(PanicsAside::begin);
        head.outer.set(with_own(|own| own.enter(head.id)));
        head.phase.set(Phase::Active);
        // SAFETY: (3): it was not active.
        let result = unsafe { (*body.get()).resume(order) };
        if let Some(aside) = aside {
            aside.end();
        }
        match result {
            CoroutineResult::Yield(Left::Yield(value)) => Exit::Yield(value),
            CoroutineResult::Yield(Left::Transfer(hop)) => Exit::Transfer(hop),
            CoroutineResult::Return(result) => {
                head.phase.set(Phase::Done);
                result.map_or_else(Exit::Panic, Exit::Return)
            }
        }
    }

    /// # Safety
    ///
    /// As `run`, of a core of these types; `input` is an `I` that nobody else reads.
    unsafe fn enter_erased(head: NonNull<Head>, input: *mut ()) -> Exit<Y, R> {
        // SAFETY: the caller's promise.
        unsafe { Self::enter(head.cast(), Order::Input(input.cast::<I>().read())) }
    }

    /// Leaves it, as the code that runs in it, to whoever has entered it.
    ///
    /// # Panics
    ///
    /// When it is not what runs, or may not suspend.
    #[inline]
    #[track_caller]
    pub(crate) fn leave(&self, left: Left<Y, R>) -> Order<I> {
        let head = &self.head;
        let may_leave = with_own(|own| {
            let may_leave = own.innermost().id == head.id && own.may_suspend();
            if may_leave {
                own.leave(head.outer.get());
            }
            may_leave
        });
        if !may_leave {
            self.panic_must_stay();
        }
        // (5)
        let aside = panicking().then(PanicsAside::begin);
        head.phase.set(if aside.is_some() { Phase::Unwinding } else { Phase::Suspended });
        // SAFETY: the root has set it, and is where it was: it is what runs.
        let order = unsafe { (*self.raw.get()).suspend(left) };
        if let Some(aside) = aside {
            aside.end();
        }
        order
    }

    #[cold]
    #[track_caller]
    fn panic_must_stay(&self) -> ! {
        if with_own(|own| own.innermost().id) == self.head.id {
            panic!(
                "a coroutine cannot suspend inside a call that is to end before it goes on, and that \
                 it has entered itself: `scope`, `timeout`, `uncancellable`, `with` of a local, a \
                 group, `block_in_place`; leave that first, or enter it outside of the coroutine"
            );
        }
        panic!(
            "a yielder is for its own coroutine, and this code runs in another (which that one has \
             resumed), or in none"
        );
    }

    /// Has it enter another, by `Left::Transfer`.
    pub(crate) fn hop_to(this: NonNull<Self>, input: &mut ManuallyDrop<I>) -> Hop<Y, R> {
        let input = ptr::from_mut(input).cast();
        Hop { to: this.cast(), input, enter: Self::enter_erased }
    }

    /// Ends it, if it has not ended; it stays where it is.
    ///
    /// # Safety
    ///
    /// It is there.
    pub(crate) unsafe fn close(this: NonNull<Self>) -> Result<(), NotClosed<Y>> {
        // SAFETY: the caller's promise.
        let core = unsafe { this.as_ref() };
        match core.check_raise() {
            Ok(()) => {}
            Err(Why::Finished) => return Ok(()),
            Err(why) => return Err(NotClosed::Not(why)),
        }
        let id = core.head.id;
        // SAFETY: the caller's promise, and it was checked.
        match unsafe { Self::run(this, Order::Close) } {
            Exit::Yield(value) => Err(NotClosed::Yielded(value)),
            Exit::Panic(payload) if payload.downcast_ref::<Closing>().is_none_or(|c| c.0 != id) => {
                Err(NotClosed::Panicked(payload))
            }
            _ => Ok(()),
        }
    }

    /// # Safety
    ///
    /// As `close`, of a core of these types.
    unsafe fn close_erased(head: NonNull<Head>) -> Closed {
        // SAFETY: the caller's promise.
        match unsafe { Self::close(head.cast()) } {
            Ok(()) => Closed::Done,
            Err(NotClosed::Panicked(payload)) => Closed::Panicked(payload),
            Err(NotClosed::Yielded(_)) => Closed::Again,
            Err(NotClosed::Not(why)) => Closed::Not(why),
        }
    }

    /// # Safety
    ///
    /// (1), of a core of these types.
    #[inline]
    unsafe fn free_erased(head: NonNull<Head>) {
        let this = head.cast::<Self>();
        // SAFETY: the caller's promise: it is done, so nothing runs on the stack, and nobody looks at
        // it again.
        unsafe {
            head.as_ref().registered.leave();
            let body = ManuallyDrop::take(&mut *this.as_ref().body.get());
            body.into_stack().put();
        }
    }
}

/// Why one was not closed.
pub(crate) enum NotClosed<Y> {
    Yielded(Y),
    /// (It is done.)
    Panicked(Payload),
    Not(Why),
}

impl Head {
    /// Its handle is dropped, or it has none any more: ends it, and frees it as soon as it is done.
    ///
    /// # Safety
    ///
    /// It is there, and nobody but who enters it just now, if anybody does, looks at it again.
    pub(crate) unsafe fn end(this: NonNull<Self>) -> Closed {
        // SAFETY: the caller's promise.
        let head = unsafe { this.as_ref() };
        if head.phase.get() == Phase::Active {
            head.is_orphan.set(true);
            return Closed::Done;
        }
        // SAFETY: as above.
        let closed = unsafe { (head.vtable.close)(this) };
        if head.phase.get() == Phase::Done {
            // SAFETY: (1), and as above.
            unsafe { (head.vtable.free)(this) };
        }
        closed
    }
}

impl<Y, R> Hop<Y, R> {
    /// Enters those to which others transfer, until one does not.
    ///
    /// # Safety
    ///
    /// It comes from `enter`.
    #[cold]
    unsafe fn follow(self) -> Exit<Y, R> {
        let mut hop = self;
        let mut orphans = Vec::new();
        let mut exit = loop {
            // SAFETY: who has transferred holds a handle of it, and has checked that it may be
            // entered; nothing has run since.
            let exit = unsafe { (hop.enter)(hop.to, hop.input) };
            // SAFETY: it was active until now, so it was not freed.
            if unsafe { hop.to.as_ref() }.is_orphan.get() {
                orphans.push(hop.to);
            }
            match exit {
                Exit::Transfer(next) => hop = next,
                exit => break exit,
            }
        };
        for orphan in orphans {
            // SAFETY: it has no handle, and is entered no more: a transfer needs a handle.
            if let Closed::Panicked(payload) = unsafe { Head::end(orphan) } {
                exit = Exit::Panic(payload);
            }
        }
        exit
    }
}
