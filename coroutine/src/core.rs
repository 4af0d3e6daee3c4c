//! The part of a coroutine that lies on its own stack ([`Core`]), and how it is entered and left.
//!
//! 1. A core is made by `new` and stays where it is until it is `Done` and its stack is put back, once: by
//!    `free`, called for its handle ([`Coroutine`](crate::Coroutine)), or by whoever had it entered when
//!    its handle was dropped; while its scope ends, by that alone (scope.rs, 3), whoever has called `free`
//!    before.
//! 2. All of it is touched by one OS thread at a time: nothing here is `Send`. (Green threads of one worker
//!    may share one by an `Rc`.)
//! 3. `body` is touched by `enter`, of one that is not `Active`, and by `free`. So what runs in it
//!    cannot enter it, nor end it.
//! 4. It is left from its own stack only, and not from inside a scope that was entered there: what lies
//!    above it (`Top`) knows.
//! 5. No panic crosses from one stack to another, or is counted twice: a body's ends at its root and is
//!    passed on as a value; and where code runs on another stack while this one unwinds, in either
//!    direction, its panics are put aside.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::thread::panicking;

use corosensei::{Coroutine as Body, CoroutineResult, Yielder as RawYielder};
use sward_sched::internal::{NoStack, PanicsAside, Top, drop_quietly_with, report};
use sward_sched::uncancellable;

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

/// What came of entering one: a value, unless it is `Transferring`; or it is done.
pub(crate) type Entered<Y, R> = CoroutineResult<MaybeUninit<Y>, Result<R, Payload>>;

/// What came of running one, and those to which it has transferred.
pub(crate) enum Exit<Y, R> {
    Yield(Y),
    Return(R),
    Panic(Payload),
    /// It was closed.
    Closed,
}

/// A coroutine that is to be entered, of which the type of its input is not known.
pub(crate) struct Hop<Y, R> {
    to: NonNull<Head>,
    /// On the stack of whom it comes from, who does not touch it again.
    input: *mut (),
    enter: unsafe fn(NonNull<Head>, *mut ()) -> Left<Y, R>,
    /// What becomes of whom it comes from.
    phase: Phase,
}

/// Why one has left.
enum Left<Y, R> {
    For(Exit<Y, R>),
    /// To have another entered in its place.
    Hop(Hop<Y, R>),
}

/// What a coroutine that is closed unwinds with: its number.
pub(crate) struct Closing(u64);

/// What one is closed with that has not begun. (It takes no memory.)
struct NeverBegun;

/// What a coroutine is doing, and what was told to it, or it tells, on the way in or out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    /// It has not begun.
    Fresh,
    Suspended,
    /// Suspended in a destructor, while it unwinds: to raise something there would abort.
    Unwinding,
    /// It has just left to have another one entered: see `hop`.
    Transferring,
    /// Entered, and not left.
    Active,
    /// Entered, to raise what was `thrown`.
    Throwing,
    /// Entered, to unwind.
    Closing,
    Done,
}

impl Phase {
    #[inline]
    pub(crate) fn is_active(self) -> bool {
        Self::Active <= self && self < Self::Done
    }
}

/// What is known of a core whatever its types.
#[repr(C)]
pub(crate) struct Head {
    pub(crate) phase: Cell<Phase>,
    /// It has lost its handle while it was active.
    is_orphan: Cell<bool>,
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
    /// It has suspended again, or transferred.
    Again,
    /// It could not be tried.
    Not(Why),
}

#[repr(C, align(16))]
pub(crate) struct Core<I, Y, R> {
    pub(crate) head: Head,
    /// By which its body leaves, once it has begun.
    raw: Cell<*const RawYielder<MaybeUninit<I>, MaybeUninit<Y>>>,
    body: UnsafeCell<ManuallyDrop<OnStack<I, Y, R>>>,
    thrown: Cell<Option<Payload>>,
    hop: Cell<Option<Hop<Y, R>>>,
    /// It was told to unwind.
    is_closing: Cell<bool>,
}

/// The body, on its stack, below its core. What passes is a value, if `Phase` says so: small ones go in
/// a register.
type OnStack<I, Y, R> = Body<MaybeUninit<I>, MaybeUninit<Y>, Result<R, Payload>, Below>;

/// Bodies that are larger lie on the heap until they begin: corosensei takes no more than 1024 bytes.
const LARGEST_BODY: usize = 512;

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
        if size_of::<F>() > LARGEST_BODY || align_of::<F>() > LARGEST_BODY {
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
        let (stack, core) = Below::with_room::<Self>(usable)?;
        let root = move |raw: &RawYielder<_, _>, input| {
            // SAFETY: (1): it is freed when this has returned.
            unsafe { core.as_ref() }.root(raw, input, body)
        };
        // SAFETY: the caller's promise.
        let body = unsafe { OnStack::with_stack_unchecked(stack, root) };
        let head = Head {
            phase: Cell::new(Phase::Fresh),
            is_orphan: Cell::new(false),
            registered: Registered::new(),
            vtable: const { &Self::VTABLE },
        };
        let this = Self {
            head,
            raw: Cell::new(ptr::null()),
            body: UnsafeCell::new(ManuallyDrop::new(body)),
            thrown: Cell::new(None),
            hop: Cell::new(None),
            is_closing: Cell::new(false),
        };
        // SAFETY: room for just that, on a stack that is ours.
        unsafe { core.write(this) };
        Ok(core)
    }

    /// All that runs on its stack.
    fn root<F>(
        &self,
        raw: &RawYielder<MaybeUninit<I>, MaybeUninit<Y>>,
        input: MaybeUninit<I>,
        body: F,
    ) -> Result<R, Payload>
    where
        F: FnOnce(&Yielder<I, Y, R>, I) -> R,
    {
        self.raw.set(raw);
        let yielder = Yielder::new(self);
        // SAFETY: it was entered with this.
        let result = catch_unwind(AssertUnwindSafe(|| match unsafe { self.order(input) } {
            Order::Input(input) => Ok(body(&yielder, input)),
            Order::Throw(payload) => {
                drop(body);
                Err(payload)
            }
            Order::Close => {
                drop(body);
                Err(Box::new(NeverBegun) as Payload)
            }
        }));
        self.head.phase.set(Phase::Done);
        result.unwrap_or_else(Err)
    }

    /// What it was entered for.
    ///
    /// # Safety
    ///
    /// It was entered with `input`.
    #[inline(always)]
    unsafe fn order(&self, input: MaybeUninit<I>) -> Order<I> {
        if self.head.phase.get() == Phase::Active {
            // SAFETY: it is no order to raise something.
            return Order::Input(unsafe { input.assume_init() });
        }
        self.other_order()
    }

    #[cold]
    fn other_order(&self) -> Order<I> {
        match self.head.phase.replace(Phase::Active) {
            Phase::Throwing => Order::Throw(self.thrown.take().expect("something was thrown")),
            _ => {
                self.is_closing.set(true);
                Order::Close
            }
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    /// What lies above it.
    #[inline(always)]
    pub(crate) fn top(&self) -> &Top {
        let above = ptr::from_ref(self).addr() + size_of::<Self>();
        // SAFETY: it ends where that begins (stack.rs).
        unsafe { &*ptr::with_exposed_provenance(above) }
    }

    /// What it is to unwind with when it is closed.
    pub(crate) fn closing(&self) -> Payload {
        Box::new(Closing(self.top().id()))
    }

    /// Whether it may be entered with a value.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Why> {
        match self.head.phase.get() {
            Phase::Fresh | Phase::Suspended | Phase::Unwinding => Ok(()),
            Phase::Done => Err(Why::Finished),
            _ => Err(Why::Running),
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

    /// Has it run until it leaves.
    ///
    /// # Safety
    ///
    /// It is there, and may be entered: with an input, if `phase` is `Active`, which `check` says, or to
    /// have something raised, which `check_raise` does.
    #[inline(always)]
    pub(crate) unsafe fn enter(
        this: NonNull<Self>,
        phase: Phase,
        input: MaybeUninit<I>,
    ) -> Entered<Y, R> {
        if panicking() {
            // SAFETY: the caller's promise.
            return unsafe { Self::enter_panicking(this, phase, input) };
        }
        // SAFETY: the caller's promise.
        unsafe { Self::switch_to(this, phase, input) }
    }

    /// # Safety
    ///
    /// As `enter`.
    #[cold]
    unsafe fn enter_panicking(
        this: NonNull<Self>,
        phase: Phase,
        input: MaybeUninit<I>,
    ) -> Entered<Y, R> {
        // (5)
        let aside = PanicsAside::begin();
        // What a cancel raised in there would go on here, and abort.
        // SAFETY: the caller's promise.
        let entered = uncancellable(|| unsafe { Self::switch_to(this, phase, input) });
        aside.end();
        entered
    }

    /// # Safety
    ///
    /// As `enter`.
    #[inline(always)]
    unsafe fn switch_to(this: NonNull<Self>, phase: Phase, input: MaybeUninit<I>) -> Entered<Y, R> {
        // SAFETY: the caller's promise.
        let Self { head, body, .. } = unsafe { this.as_ref() };
        head.phase.set(phase);
        // SAFETY: (3): it was not active.
        unsafe { (*body.get()).resume(input) }
    }

    /// As `enter`, to have something raised where it is suspended, or else to have it unwind; and has those
    /// entered to which it transfers.
    ///
    /// # Safety
    ///
    /// It is there, and `check_raise` has said that it may be.
    #[cold]
    pub(crate) unsafe fn raise(this: NonNull<Self>, thrown: Option<Payload>) -> Exit<Y, R> {
        let phase = if thrown.is_some() { Phase::Throwing } else { Phase::Closing };
        // SAFETY: the caller's promise.
        unsafe {
            this.as_ref().thrown.set(thrown);
            let entered = Self::enter(this, phase, MaybeUninit::zeroed());
            Self::exit(this, entered)
        }
    }

    /// What came of entering it, and those to which it has transferred, if it has.
    ///
    /// # Safety
    ///
    /// `entered` is what came of entering it, just now.
    pub(crate) unsafe fn exit(this: NonNull<Self>, entered: Entered<Y, R>) -> Exit<Y, R> {
        // SAFETY: the caller's promise.
        match unsafe { Self::left(this, entered) } {
            Left::For(exit) => exit,
            // SAFETY: just now.
            Left::Hop(hop) => unsafe { hop.follow() },
        }
    }

    /// # Safety
    ///
    /// As `exit`.
    unsafe fn left(this: NonNull<Self>, entered: Entered<Y, R>) -> Left<Y, R> {
        match entered {
            CoroutineResult::Yield(value) => {
                // SAFETY: the caller's promise.
                let Self { head, hop, .. } = unsafe { this.as_ref() };
                match hop.take() {
                    Some(hop) => {
                        head.phase.set(hop.phase);
                        Left::Hop(hop)
                    }
                    // SAFETY: it has left otherwise than by `transfer`, which sets that, and so with a value.
                    None => Left::For(Exit::Yield(unsafe { value.assume_init() })),
                }
            }
            CoroutineResult::Return(Ok(value)) => Left::For(Exit::Return(value)),
            CoroutineResult::Return(Err(payload)) => {
                // SAFETY: as above.
                let id = unsafe { this.as_ref() }.top().id();
                let is_closed = match payload.downcast_ref() {
                    Some(Closing(of)) => *of == id,
                    None => payload.is::<NeverBegun>(),
                };
                Left::For(if is_closed { Exit::Closed } else { Exit::Panic(payload) })
            }
        }
    }

    /// # Safety
    ///
    /// As `enter`, of a core of these types; `input` is an `I` that nobody else reads.
    unsafe fn enter_erased(head: NonNull<Head>, input: *mut ()) -> Left<Y, R> {
        let this = head.cast::<Self>();
        // SAFETY: the caller's promise.
        unsafe {
            let input = MaybeUninit::new(input.cast::<I>().read());
            let entered = Self::enter(this, Phase::Active, input);
            Self::left(this, entered)
        }
    }

    /// Leaves it, as the code that runs in it, with a value.
    ///
    /// # Panics
    ///
    /// When it is not what runs, or may not suspend.
    // Always inlined, as are those that call it: the processor predicts where a function returns to by
    // the call that was the last, and if that was on another stack it is wrong, at the price of
    // several switches (26 ns instead of 3).
    #[inline(always)]
    #[track_caller]
    pub(crate) fn suspend(&self, value: Y) -> Order<I> {
        self.check_leave();
        if panicking() {
            return self.suspend_panicking(value);
        }
        self.head.phase.set(Phase::Suspended);
        self.switch_away(MaybeUninit::new(value))
    }

    #[cold]
    fn suspend_panicking(&self, value: Y) -> Order<I> {
        // (5)
        let aside = PanicsAside::begin();
        self.head.phase.set(Phase::Unwinding);
        let order = self.switch_away(MaybeUninit::new(value));
        aside.end();
        order
    }

    /// Leaves it, as the code that runs in it, to have another entered in its place.
    ///
    /// After `check_leave`.
    #[inline(always)]
    pub(crate) fn transfer(&self, hop: Hop<Y, R>) -> Order<I> {
        if panicking() {
            return self.transfer_panicking(hop);
        }
        self.hop.set(Some(hop));
        self.head.phase.set(Phase::Transferring);
        self.switch_away(MaybeUninit::zeroed())
    }

    #[cold]
    fn transfer_panicking(&self, hop: Hop<Y, R>) -> Order<I> {
        // (5)
        let aside = PanicsAside::begin();
        self.hop.set(Some(Hop { phase: Phase::Unwinding, ..hop }));
        self.head.phase.set(Phase::Transferring);
        let order = self.switch_away(MaybeUninit::zeroed());
        aside.end();
        order
    }

    /// Panics when it is not what runs, or may not suspend (4).
    #[inline(always)]
    #[track_caller]
    pub(crate) fn check_leave(&self) {
        if !self.top().may_leave() {
            self.panic_must_stay();
        }
    }

    #[inline(always)]
    fn switch_away(&self, value: MaybeUninit<Y>) -> Order<I> {
        // SAFETY: the root has set it, and is where it was: it is what runs.
        let input = unsafe { (*self.raw.get()).suspend(value) };
        // SAFETY: it was entered with this.
        unsafe { self.order(input) }
    }

    #[cold]
    #[track_caller]
    fn panic_must_stay(&self) -> ! {
        if self.top().is_here() {
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

    /// What it takes to enter it with an input that is left there.
    pub(crate) fn hop_to(this: NonNull<Self>, input: &mut ManuallyDrop<I>) -> Hop<Y, R> {
        let input = ptr::from_mut(input).cast();
        Hop { to: this.cast(), input, enter: Self::enter_erased, phase: Phase::Suspended }
    }

    /// # Safety
    ///
    /// It is there, and of these types; and stays, though it be done: it has no handle, or a scope that
    /// ends.
    unsafe fn close_erased(head: NonNull<Head>) -> Closed {
        let this = head.cast::<Self>();
        // SAFETY: the caller's promise.
        let core = unsafe { this.as_ref() };
        match core.check_raise() {
            Ok(()) => {}
            Err(Why::Finished) => return Closed::Done,
            Err(why) => return Closed::Not(why),
        }
        // What it leaves with is dropped in there: users' code.
        let result = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the caller's promise, and it was checked.
            match unsafe { Self::raise(this, None) } {
                Exit::Panic(payload) => Err(payload),
                Exit::Yield(_) | Exit::Return(_) | Exit::Closed => Ok(()),
            }
        }));
        // It may be another that has left last.
        match (core.head.phase.get(), result.unwrap_or_else(Err)) {
            (Phase::Done, Ok(())) => Closed::Done,
            (Phase::Done, Err(payload)) => Closed::Panicked(payload),
            (_, Ok(())) => Closed::Again,
            (_, Err(payload)) => {
                drop_quietly_with(|| drop(payload));
                Closed::Again
            }
        }
    }

    /// Gives its stack back, unless it belongs to a scope that ends, which does that itself.
    ///
    /// # Safety
    ///
    /// (1)
    #[inline]
    pub(crate) unsafe fn free(this: NonNull<Self>) {
        // SAFETY: the caller's promise: it is done, so nothing runs on the stack, and nobody looks at
        // it again.
        unsafe {
            let core = this.as_ref();
            if core.head.registered.leave() {
                ManuallyDrop::take(&mut *core.body.get()).into_stack().put();
            }
        }
    }

    /// # Safety
    ///
    /// As `free`, of a core of these types.
    unsafe fn free_erased(head: NonNull<Head>) {
        // SAFETY: the caller's promise.
        unsafe { Self::free(head.cast()) };
    }
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
        if head.phase.get().is_active() {
            // One of a scope is ended by that.
            head.is_orphan.set(!head.registered.is_somewhere());
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
        let exit = loop {
            // SAFETY: who has transferred holds a handle of it, and has checked that it may be
            // entered; nothing has run since.
            let left = unsafe { (hop.enter)(hop.to, hop.input) };
            // SAFETY: it was active until now, so it was not freed.
            if unsafe { hop.to.as_ref() }.is_orphan.get() {
                orphans.push(hop.to);
            }
            match left {
                Left::Hop(next) => hop = next,
                Left::For(exit) => break exit,
            }
        };
        for orphan in orphans {
            // SAFETY: it has no handle, and is entered no more: a transfer needs a handle.
            match unsafe { Head::end(orphan) } {
                Closed::Done | Closed::Not(Why::CannotUnwind) => {}
                Closed::Panicked(payload) => drop_quietly_with(|| drop(payload)),
                Closed::Again | Closed::Not(_) => report_leak(),
            }
        }
        exit
    }
}

/// Says of one without a handle that it did not end.
#[cold]
pub(crate) fn report_leak() {
    report(format_args!(
        "sward: a coroutine was dropped and did not end: it has suspended again while it was to unwind. \
         Its stack is leaked, with all that is on it"
    ));
}
