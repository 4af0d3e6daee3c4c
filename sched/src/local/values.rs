//! The values of one thread. The numbers are those of `local.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
// not modelled: a list into which one gets, and never out
use std::sync::atomic::{AtomicPtr, Ordering};

use super::AccessError;
use crate::cancel;
use crate::current;
use crate::report::report;
use crate::stack::InScope;
use crate::thread::{Header, drop_quietly_with};

/// A value on the heap, of a type that is known to its key.
#[repr(C)]
pub(super) struct Value<T> {
    head: Head,
    clone: Option<fn(&T) -> T>,
    pub(super) value: T,
}

/// Of a value whose type is not known here.
pub(super) struct Head {
    drop: unsafe fn(NonNull<Head>),
    clone: unsafe fn(NonNull<Head>) -> Option<NonNull<Head>>,
}

impl<T> Value<T> {
    pub(super) fn of(value: T, clone: Option<fn(&T) -> T>) -> NonNull<Head> {
        let head = Head { drop: Self::drop, clone: Self::clone };
        NonNull::from(Box::leak(Box::new(Self { head, clone, value }))).cast()
    }

    /// # Safety
    ///
    /// For this and the next: `head` is that of a `Value<T>`, and from `of`. The caller owns it.
    unsafe fn drop(head: NonNull<Head>) {
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(head.cast::<Self>().as_ptr()) });
    }

    /// Another of it, if it is one that is inherited.
    ///
    /// # Safety
    ///
    /// It stays until this has returned.
    unsafe fn clone(head: NonNull<Head>) -> Option<NonNull<Head>> {
        // SAFETY: the caller's promise.
        let value = unsafe { head.cast::<Self>().as_ref() };
        value.clone.map(|clone| Self::of(clone(&value.value), value.clone))
    }
}

/// What a thread has of a key.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    /// It has not asked yet.
    Empty,
    /// It runs the initialiser.
    Beginning,
    Value(NonNull<Head>),
    /// It ends, and has dropped it (5).
    Gone,
}

/// The values of one thread.
pub(crate) struct Locals {
    slots: RefCell<Vec<Slot>>,
    /// How many use them just now (4).
    under_way: Cell<usize>,
    /// Those that stayed before, if these do.
    stayed: Cell<*mut Self>,
}

// SAFETY: all values are `Send` (2).
unsafe impl Send for Locals {}

impl Locals {
    fn new() -> Self {
        let (slots, under_way) = (RefCell::new(Vec::new()), Cell::new(0));
        Self { slots, under_way, stayed: Cell::new(ptr::null_mut()) }
    }

    /// Begins to use the current thread's.
    #[inline]
    pub(super) fn current() -> Result<UnderWay, AccessError> {
        match current::with_own(|own| own.locals.get()) {
            Some(locals) => Ok(UnderWay::begin(locals)),
            None => Ok(UnderWay::begin(Self::begin()?)),
        }
    }

    #[cold]
    fn begin() -> Result<NonNull<Self>, AccessError> {
        // The locals of an OS thread are dropped with its thread-locals: after that, nobody would.
        if current::green_thread().is_null() && !current::ends_locals() {
            return Err(AccessError);
        }
        let locals = NonNull::from(Box::leak(Box::new(Self::new())));
        current::with_own(|own| own.locals.set(locals));
        Ok(locals)
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Slot {
        self.slots.borrow().get(index).copied().unwrap_or(Slot::Empty)
    }

    pub(super) fn set(&self, index: usize, slot: Slot) {
        let mut slots = self.slots.borrow_mut();
        if slots.len() <= index {
            slots.resize(index + 1, Slot::Empty);
        }
        slots[index] = slot;
    }

    /// Takes one out, of which there will be no other.
    fn pop(&self) -> Option<NonNull<Head>> {
        self.slots.borrow_mut().iter_mut().find_map(|slot| match *slot {
            Slot::Value(value) => {
                *slot = Slot::Gone;
                Some(value)
            }
            _ => None,
        })
    }

    /// Drops all values. `false`: some are borrowed, and stay for ever (4).
    pub(super) fn clear(&self, of: Option<&Header>) -> bool {
        while self.under_way.get() == 0 {
            let Some(value) = self.pop() else { return true };
            // SAFETY: it was in a slot, and no more; nobody borrows it.
            let drops = || cancel::uncancellable(|| unsafe { (value.as_ref().drop)(value) });
            if let Err(payload) = catch_unwind(AssertUnwindSafe(drops)) {
                // The hook has said where.
                if let Some(thread) = of {
                    report(format_args!("  in a local's destructor, of {}", thread.describe()));
                }
                drop_quietly_with(|| drop(payload));
            }
        }
        false
    }

    /// They stay for ever, where leak checkers find them.
    #[cold]
    pub(super) fn stay(this: NonNull<Self>) {
        static LAST: AtomicPtr<Locals> = AtomicPtr::new(ptr::null_mut());
        // Relaxed: nobody looks.
        let _ = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            // SAFETY: nobody drops them.
            unsafe { this.as_ref() }.stayed.set(last);
            Some(this.as_ptr())
        });
    }

    /// Clones what is inherited.
    pub(super) fn inherited() -> Option<Box<Self>> {
        let under_way = UnderWay::begin(current::with_own(|own| own.locals.get())?);
        let theirs = under_way.locals();
        let mut copy: Option<Box<Self>> = None;
        // A clone may ask for values that were not there before.
        let mut index = 0;
        while index < theirs.slots.borrow().len() {
            if let Slot::Value(value) = theirs.get(index)
                // SAFETY: it stays as long as this is under way (4).
                && let Some(clone) = unsafe { (value.as_ref().clone)(value) }
            {
                copy.get_or_insert_with(|| Box::new(Self::new())).set(index, Slot::Value(clone));
            }
            index += 1;
        }
        copy
    }
}

/// Of locals that no thread has, or not yet.
impl Drop for Locals {
    fn drop(&mut self) {
        self.clear(None);
    }
}

impl fmt::Debug for Locals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locals").finish_non_exhaustive()
    }
}

/// Somebody uses the values of a thread: one that is on its stack, but perhaps not of that thread, by
/// the time that it is over (4).
pub(super) struct UnderWay {
    of: NonNull<Locals>,
    _in_scope: InScope,
}

impl UnderWay {
    #[inline]
    fn begin(of: NonNull<Locals>) -> Self {
        let this = Self { of, _in_scope: InScope::enter() };
        this.locals().under_way.update(|count| count + 1);
        this
    }

    #[inline]
    pub(super) fn locals(&self) -> &Locals {
        // SAFETY: the current thread's when this began; they stay because of this (4).
        unsafe { self.of.as_ref() }
    }
}

impl Drop for UnderWay {
    #[inline]
    fn drop(&mut self) {
        self.locals().under_way.update(|count| count - 1);
    }
}
