//! The task of a green thread, closure and result, and the two ways to hold it: a counted
//! reference ([`RawTask`]), and the right to run it ([`Runnable`]). The numbered invariants are
//! those of header.rs.

use std::alloc::Layout;
use std::cell::Cell;
use std::fmt;
use std::mem;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr::{self, NonNull};

use super::block;
use super::completion::{Completion, OnFinish};
use super::header::{Header, Options, VTable, Waiting};
use super::state::RunState;
use crate::cancel;
use crate::current;
use crate::error::JoinError;
use crate::local;
use crate::primitive::atomic::{AtomicBool, Ordering};
use crate::primitive::{Mutex, UnsafeCell};
use crate::scope::Members;
use crate::wait_list::WaitList;
use crate::waiter::Waiter;
use crate::worker::{self, Origin, ParkedLinks};

#[repr(C)]
struct Task<F, T, S> {
    header: Header,
    /// Where the task's scope is, or nothing: see [`Within`].
    within: S,
    payload: UnsafeCell<Payload<F, T>>,
}

/// The [`scope`](crate::scope()) that a task belongs to, if any.
pub(crate) trait Within: Copy + 'static {
    const IS_MEMBER: bool;
    fn members(&self) -> Option<&Members>;
}

impl Within for () {
    const IS_MEMBER: bool = false;

    fn members(&self) -> Option<&Members> {
        None
    }
}

impl Within for MemberOf {
    const IS_MEMBER: bool = true;

    fn members(&self) -> Option<&Members> {
        // SAFETY: it outlives its members (scope.rs, 1); of a task, this asks only who is one, or
        // who has its handle.
        Some(unsafe { self.0.as_ref() })
    }
}

/// A member's scope.
#[derive(Clone, Copy)]
pub(crate) struct MemberOf(NonNull<Members>);

impl MemberOf {
    /// # Safety
    ///
    /// The members have counted it, and are there until it has left, and until its handle is gone
    /// (or for ever out of reach).
    pub(crate) unsafe fn new(members: &Members) -> Self {
        Self(NonNull::from(members))
    }
}

/// What each task of a scope begins with.
#[repr(C)]
struct Member {
    header: Header,
    within: MemberOf,
}

/// Whether this code runs in one of `members`.
pub(crate) fn is_member_of(members: &Members) -> bool {
    let header = current::green_thread();
    // SAFETY: the current thread's header is alive, and its task begins like that if it is a member.
    unsafe {
        header.as_ref().is_some_and(|header| header.vtable.is_member)
            && ptr::eq((*header.cast::<Member>()).within.0.as_ptr(), members)
    }
}

enum Payload<F, T> {
    Closure(F),
    Result(Result<T, JoinError>),
    Taken,
}

impl<F: FnOnce() -> T, T, S: Within> Task<F, T, S> {
    const VTABLE: VTable = VTable {
        is_member: S::IS_MEMBER,
        run: Self::run,
        abandon: Self::abandon,
        drop_result: Self::drop_result,
        take_result: Self::take_result,
        dealloc: Self::dealloc,
    };

    /// Puts `with` in the payload's place.
    ///
    /// # Safety
    ///
    /// For this and all below: `header` is that of a `Task<F, T, S>`, with the
    /// provenance of the whole task, and (2) gives the payload to the caller.
    unsafe fn replace(header: NonNull<Header>, with: Payload<F, T>) -> Payload<F, T> {
        let task = header.cast::<Self>();
        // SAFETY: `repr(C)` puts the header first; the caller's promise for the rest.
        unsafe { (*task.as_ptr()).payload.with_mut(|p| mem::replace(&mut *p, with)) }
    }

    unsafe fn run(header: NonNull<Header>) {
        // SAFETY: the caller's promise.
        let Payload::Closure(closure) = (unsafe { Self::replace(header, Payload::Taken) }) else {
            unreachable!("a green thread is started once");
        };
        let result = catch_unwind(AssertUnwindSafe(closure)).map_err(|panic| {
            // SAFETY: the caller's promise: the task is alive.
            unsafe { header.as_ref() }.failed(panic)
        });
        if let Err(error) = &result {
            // SAFETY: the caller's promise.
            unsafe { Self::note_failure(header, error) };
        }
        // SAFETY: the caller's promise. What is replaced is `Taken`.
        unsafe { Self::replace(header, Payload::Result(result)) };
    }

    unsafe fn note_failure(header: NonNull<Header>, error: &JoinError) {
        // SAFETY: the caller's promise.
        if let Some(members) = unsafe { Self::members(header) } {
            members.note_failure(error);
        }
    }

    unsafe fn abandon(header: NonNull<Header>, error: JoinError) {
        // SAFETY: the caller's promise.
        unsafe { Self::note_failure(header, &error) };
        // SAFETY: the caller's promise.
        drop_quietly(unsafe { Self::replace(header, Payload::Result(Err(error))) });
    }

    unsafe fn members<'a>(header: NonNull<Header>) -> Option<&'a Members> {
        // SAFETY: the caller's promise.
        unsafe { &(*header.cast::<Self>().as_ptr()).within }.members()
    }

    unsafe fn drop_result(header: NonNull<Header>) {
        // SAFETY: the caller's promise.
        let (payload, members) =
            unsafe { (Self::replace(header, Payload::Taken), Self::members(header)) };
        match (payload, members) {
            (Payload::Result(Err(error)), Some(members)) => members.keep_failure(error),
            (payload, _) => drop(payload),
        }
    }

    unsafe fn take_result(header: NonNull<Header>, into: *mut ()) {
        // SAFETY: the caller's promise.
        let Payload::Result(result) = (unsafe { Self::replace(header, Payload::Taken) }) else {
            unreachable!("a result is taken once");
        };
        if let Err(error) = &result {
            // SAFETY: the caller's promise.
            let members = unsafe { Self::members(header) };
            members.inspect(|members| members.forget_failure(error));
        }
        // SAFETY: the caller passes room for a `Result<T, JoinError>`.
        unsafe { into.cast::<Result<T, JoinError>>().write(result) };
    }

    unsafe fn dealloc(header: NonNull<Header>) {
        // SAFETY: (1): nobody else is left. The memory is of this layout, from `new`.
        unsafe {
            // For the models: everything that the others did comes before this.
            (*header.cast::<Self>().as_ptr()).payload.with_mut(|_| ());
            ptr::drop_in_place(header.cast::<Self>().as_ptr());
            match current::worker().as_ref() {
                Some(worker) => worker.free(header.cast(), Layout::new::<Self>()),
                None => block::free(header.cast(), Layout::new::<Self>()),
            }
        }
    }
}

/// Drops a user's value where nobody is there to take the panic of its destructor.
fn drop_quietly<V>(value: V) {
    drop_quietly_with(|| drop(value));
}

/// Calls what drops something whose panic, if it does, counts for nothing.
pub fn drop_quietly_with(f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        // The hook has printed it. If the payload's destructor panics, what that panic carries
        // is leaked: its destructor might panic again.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(payload);
        }
    }
}

/// A counted reference to a green thread's task.
pub(crate) struct RawTask(NonNull<Header>);

// SAFETY: what a reference gives access to is atomic, locked, or ruled by (2) and
// (4); the types of closure and result are checked where the task is made.
unsafe impl Send for RawTask {}
// SAFETY: as above.
unsafe impl Sync for RawTask {}

impl RawTask {
    /// A task that has not started: its handle and the right to run it.
    ///
    /// # Safety
    ///
    /// `F` and `T` must be fit to run and to be dropped on another OS thread, and
    /// outlive the task: `Send + 'static`, unless the caller sees to both himself.
    pub(crate) unsafe fn new<F, T, S: Within>(
        closure: F,
        id: NonZeroU64,
        options: Options,
        location: &'static Location<'static>,
        within: S,
    ) -> (Self, Runnable)
    where
        F: FnOnce() -> T,
    {
        let layout = Layout::new::<Task<F, T, S>>();
        // SAFETY: a worker in the thread-local is alive, and nothing here blocks.
        let worker = unsafe { current::worker().as_ref() };
        let memory = match worker {
            Some(worker) => worker.allocate(layout),
            None => block::allocate(layout),
        };
        let task = Task::<F, T, S> {
            header: Header {
                completion: Completion::new(),
                joiner: Cell::new(ptr::null()),
                vtable: const { &Task::<F, T, S>::VTABLE },
                migrates: options.migrates,
                is_local: options.is_local,
                priority: options.priority,
                is_refused: Cell::new(false),
                run_state: RunState::new(),
                next: Cell::new(ptr::null()),
                parked_links: ParkedLinks::new(),
                waiter: UnsafeCell::new(ptr::null()),
                home: Cell::new(ptr::null()),
                runner: Cell::new(ptr::null()),
                cancel_asked: AtomicBool::new(false),
                waiting: Mutex::new(Waiting {
                    parked: WaitList::new(),
                    token: false,
                    cancel_at: ptr::null(),
                }),
                origin: Origin::of(worker),
                id,
                location,
                rare: options.rare,
            },
            within,
            payload: UnsafeCell::new(Payload::Closure(closure)),
        };
        // SAFETY: memory for just that.
        unsafe { memory.cast().write(task) };
        let header = memory.cast::<Header>();
        (Self(header), Runnable(header))
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: (1): this reference keeps it alive.
        unsafe { self.0.as_ref() }
    }

    /// Whether both are references to the same thread.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Another reference to the task of `header`.
    ///
    /// # Safety
    ///
    /// `header` must have come from a live task's reference.
    pub(crate) unsafe fn from_header(header: NonNull<Header>) -> Self {
        // SAFETY: the caller's promise.
        unsafe { header.as_ref() }.completion.retain();
        Self(header)
    }

    /// Tells the thread to unwind, from its current wait or the next one.
    ///
    /// A thread that is on its stack comes to see it: before it waits (`Waiter::wait`), or when
    /// it has left its stack to wait. There the two sides must not miss each other:
    ///
    /// - one that migrates has a state word that both sides change (`RunState::ask`);
    /// - a sticky one is told of by a message to its worker, who looks at it between two turns;
    ///   and before it has waited for the first time its worker is not known, but then that
    ///   looks under this same lock.
    pub(crate) fn cancel(&self) {
        let header = self.header();
        // Relaxed: what follows orders it.
        if header.cancel_asked.swap(true, Ordering::Relaxed) {
            return;
        }
        if header.migrates {
            if header.run_state.ask() {
                // SAFETY: it migrates; this reference keeps it alive.
                unsafe { worker::cancel_if_parked(self.0.as_ptr()) };
            }
            return;
        }
        let waiting = header.waiting.lock();
        // SAFETY: a worker does not go away before its threads have finished, and this one
        // would have taken the pointer back by then, under this lock.
        if let Some(at) = unsafe { waiting.cancel_at.as_ref() } {
            at.cancel(self.clone(), || drop(waiting));
        }
    }

    /// Makes `waiter` the one to be woken when the thread is over. `false`: it is over.
    ///
    /// # Safety
    ///
    /// The caller is the join handle. If `true`, the waiter stays in place until it has
    /// been woken, or `forget_joiner` has returned.
    pub(crate) unsafe fn set_joiner(&self, waiter: &Waiter) -> bool {
        self.header().joiner.set(waiter);
        self.header().completion.transition_to_joiner()
    }

    /// The wait has ended, perhaps otherwise: nobody will touch the waiter any more.
    pub(crate) fn forget_joiner(&self) {
        // One that may not have been the joiner's doing: so it looks whether it was. Whoever
        // finishes writes it before it ends the wait, and no more when it has not.
        if !self.header().joiner.get().is_null() {
            self.header().completion.transition_from_joiner();
        }
    }

    /// Gives the join handle's reference up, and the result, now or when it is there.
    ///
    /// # Safety
    ///
    /// The caller is the join handle, and has not taken the result.
    #[inline]
    pub(crate) unsafe fn detach(self) {
        if self.header().completion.transition_to_detached() {
            // The reference has gone with it.
            mem::forget(self);
        } else {
            // SAFETY: finished, so the result is the handle's (2).
            unsafe { drop_result(self.0) };
        }
    }

    /// Moves the result out.
    ///
    /// # Safety
    ///
    /// The thread's result is a `T`, it has finished, the caller is its join handle
    /// and calls this once.
    pub(crate) unsafe fn take_result<T>(&self) -> Result<T, JoinError> {
        let mut result = mem::MaybeUninit::<Result<T, JoinError>>::uninit();
        // SAFETY: the caller's promise: right type, right time, once (2).
        unsafe {
            (self.header().vtable.take_result)(self.0, result.as_mut_ptr().cast());
            result.assume_init()
        }
    }
}

impl Clone for RawTask {
    fn clone(&self) -> Self {
        // SAFETY: it comes from this reference.
        unsafe { Self::from_header(self.0) }
    }
}

impl Drop for RawTask {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this reference is given up here.
        unsafe { release(self.0) };
    }
}

impl fmt::Debug for RawTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header().fmt(f)
    }
}

/// Gives one reference up.
///
/// # Safety
///
/// The caller owns that reference.
#[inline]
unsafe fn release(header: NonNull<Header>) {
    // SAFETY: the caller's reference keeps it alive up to here.
    let task = unsafe { header.as_ref() };
    if task.completion.release() {
        // SAFETY: (1): that was the last one.
        unsafe { (task.vtable.dealloc)(header) };
    }
}

/// Drops the result.
///
/// # Safety
///
/// It is there, and the caller's (2).
unsafe fn drop_result(header: NonNull<Header>) {
    // SAFETY: the caller's promise.
    unsafe { (header.as_ref().vtable.drop_result)(header) };
}

/// The right to run a green thread, and one reference to it.
///
/// It must not be lost: a thread whose right to run is dropped waits for ever. So
/// it has no destructor that would do so silently; [`Runnable::finish`] ends it.
#[derive(Debug)]
#[must_use = "a green thread whose right to run is lost never runs again"]
pub(crate) struct Runnable(NonNull<Header>);

// SAFETY: as for `RawTask`; a started sticky thread only passes through others'
// hands on the way to its own worker's inbox.
unsafe impl Send for Runnable {}

impl Runnable {
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: (1): this reference keeps it alive.
        unsafe { self.0.as_ref() }
    }

    /// Its task, with the provenance of the whole of it, unlike [`header`](Self::header).
    #[inline]
    pub(crate) fn as_ptr(&self) -> *const Header {
        self.0.as_ptr()
    }

    #[inline]
    pub(crate) fn into_raw(self) -> *const Header {
        self.0.as_ptr()
    }

    /// # Safety
    ///
    /// `header` came from `into_raw` or `as_ptr`, and the right to run is the caller's:
    /// given up by `into_raw`, or won by [`RunState::transition_to_woken`].
    #[inline]
    pub(crate) unsafe fn from_raw(header: *const Header) -> Self {
        // SAFETY: the caller's promise: it is a task's.
        Self(unsafe { NonNull::new_unchecked(header.cast_mut()) })
    }

    /// Runs the closure to its end (or, if it is refused, drops it), on the stack that this
    /// is called on; then it is to be [`finish`](Self::finish)ed. The closure is called
    /// through a pointer, so never inlined: a runner calls one after the other, on whichever OS
    /// thread it is by then, and no thread-local's address may be kept from one to the next.
    ///
    /// # Safety
    ///
    /// The thread has not started yet.
    #[inline]
    pub(crate) unsafe fn run(&self) {
        let header = self.header();
        // SAFETY: the vtable is this task's, and `self` is the right to run it (2).
        unsafe {
            if header.is_refused.get() {
                // Destructors that wait do so, as they would if the thread were unwinding.
                cancel::uncancellable(|| {
                    (header.vtable.abandon)(self.0, header.cut_short());
                });
            } else {
                (header.vtable.run)(self.0);
            }
        }
    }

    /// Ends the thread with `error`, dropping its closure.
    ///
    /// # Safety
    ///
    /// The thread has not started yet.
    pub(crate) unsafe fn abandon(self, error: JoinError) {
        // SAFETY: as in `run`.
        unsafe {
            (self.header().vtable.abandon)(self.0, error);
            local::abandon(self.header().take_inherited(), self.header());
        }
        self.finish(|_| {});
    }

    /// The result is written: tells whoever waits for it, and gives the thread up. When
    /// nobody wants the result it is dropped here, which may block. `before` is called when
    /// nothing of the kind is left to do, perhaps more than once.
    #[inline]
    pub(crate) fn finish(self, before: impl Fn(&Header)) {
        let task = self.header();
        // Looked up here: what follows may give the task up. That it leaves comes last.
        let _leaves = task.vtable.is_member.then(|| {
            // SAFETY: then it is one.
            Leaves(unsafe { (*self.0.cast::<Member>().as_ptr()).within })
        });
        before(task);
        match task.completion.transition_to_finished() {
            OnFinish::Nothing => {}
            OnFinish::DropResult => {
                // SAFETY: no handle, so the result is ours (2).
                drop_quietly_with(|| cancel::uncancellable(|| unsafe { drop_result(self.0) }));
                before(task);
                if task.vtable.is_member {
                    task.completion.note_end();
                }
                // SAFETY: `self` owns the reference.
                unsafe { release(self.0) };
            }
            OnFinish::WakeJoiner => {
                let joiner = NonNull::new(task.joiner.get().cast_mut());
                let joiner = joiner.expect("a joiner is set before it is announced");
                // SAFETY: the joiner and, through its reference, the task stay until its claim
                // is done, or it is served (completion.rs, 3).
                match unsafe { Waiter::claim(joiner) } {
                    None => task.completion.serve(),
                    Some(claim) if claim.is_task() => {
                        task.joiner.set(ptr::null());
                        // Its waker is users' code, which runs in this thread still, and may
                        // block: so the task stays until that has returned.
                        task.completion.retain();
                        claim.done(0).wake();
                        before(task);
                        // SAFETY: the reference from above.
                        unsafe { release(self.0) };
                    }
                    Some(claim) => {
                        task.joiner.set(ptr::null());
                        claim.done(0).wake();
                    }
                }
            }
        }
    }
}

/// Leaves its scope when it is dropped.
struct Leaves(MemberOf);

impl Drop for Leaves {
    fn drop(&mut self) {
        // SAFETY: it has been counted, and nothing of it is left but what its handle has.
        unsafe { Members::leave(self.0.0) };
    }
}

#[cfg(all(test, not(sward_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_task_without_captures_is_small() {
        fn size_of_task<F: FnOnce() -> T, T>(_: F) -> usize {
            size_of::<Task<F, T, ()>>()
        }
        let size = size_of_task(|| ());
        assert!(size <= 224, "{size}");
    }
}
