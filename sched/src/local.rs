//! Locals: a value of its own for each thread, green or not ([`local!`](crate::local!)).
//!
//! A thread's values lie in its [`Locals`], at the number of their key, each in a box of its own, so
//! that none moves when others come. Where the locals are is said in one word (a [`Place`]): the
//! runner's, for a green thread, or the OS thread's.
//!
//! 1. A key has its number alone, and so what lies there is of its type.
//! 2. Locals, and their place, are touched by the thread alone whose they are; before it begins, by
//!    whoever has the right to run it. Values are `Send`: a thread may change its worker.
//! 3. No users' code runs while the slots are borrowed.
//! 4. A reference to a value is given out to a `with` alone, which is counted as long as it is under
//!    way. A value is dropped only while none is; so when a thread ends within one (of a coroutine of
//!    somebody else's that is suspended there) its locals stay for ever, and the count in them.
//! 5. Each value of a thread is dropped once at its end, and its key is *gone* from then on, until
//!    all are. So the end comes to an end, whatever destructors do.
//! 6. A runner that is idle, or begins, has no locals but those that its thread has inherited.
//!
//! Rejected: std's `thread_local!` for each key beside (values would be another's after a switch, or
//! there would be two answers in an OS thread); a place in the task (a word for each thread, of which
//! most have no locals).

mod cells;
mod place;
mod values;

use std::any::type_name;
use std::fmt;
use std::ptr::NonNull;
// not modelled: numbers, each of which is handed out once, and a hint that is set once
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub(crate) use self::place::{EndsWithOsThread, Inherited, Place, abandon};
pub(crate) use self::values::Locals;
use self::values::{Head, Slot, Value};

/// Declares values of which each thread has its own, green or not: as
/// [`std::thread_local!`], whose values all green threads of a worker share.
///
/// ```
/// # use sward_sched as sward;
/// use std::cell::Cell;
///
/// sward::local! {
///     /// How often this thread has tried.
///     static TRIES: Cell<u32> = Cell::new(0);
///     /// Whose request it works for.
///     pub inherit static REQUEST: Cell<u64> = Cell::new(0);
/// }
///
/// TRIES.set(3);
/// REQUEST.set(42);
/// let child = sward::spawn(|| (TRIES.get(), REQUEST.get()));
/// assert_eq!(child.join().unwrap(), (0, 42));
/// ```
///
/// Each is a [`LocalKey`]. In OS threads it works as well: they have values of their own, too.
///
/// **Beginning.** A value is made by the thread itself, when it first asks for it. The initialiser
/// may block, and ask for other locals. If it panics, or is cancelled, it is as if nobody had asked.
///
/// **Inheritance.** A thread begins with a clone of each value `inherit static` that whoever spawns it
/// has at that moment. One that has not been asked for is not inherited: the new thread makes it
/// when it asks. The clone is made by the spawning thread, in `spawn` (or `run`, `Scope::spawn` and so
/// on): if that blocks, or panics, so does the spawn, and then nothing is started. The threads of
/// `Receiver::for_each` inherit nothing, nor do the OS threads on which [`unblock`](crate::unblock())
/// calls its closure.
///
/// **End.** Values are dropped when the closure of their thread has returned or unwound, before anybody
/// who joins it hears of that, in no certain order. Destructors run in the thread still: they may
/// block, from which nothing cancels them, spawn, and use other locals, but for those that have been
/// dropped ([`AccessError`]). When one panics the others run nevertheless, and the result of the
/// thread is what it is. A value that somebody borrows even then (a coroutine of another library that
/// is suspended inside a `with`) is leaked, and so are all of its thread.
///
/// Values are [`Send`], because green threads may go on on another OS thread; those that are
/// inherited are [`Clone`], too.
///
/// ```compile_fail
/// sward_sched::local! { static COUNT: std::rc::Rc<()> = std::rc::Rc::new(()); }
/// ```
///
/// ```compile_fail
/// struct Unique;
/// sward_sched::local! { inherit static ONE: Unique = Unique; }
/// ```
#[macro_export]
macro_rules! local {
    () => {};
    (
        $(#[$meta:meta])*
        $vis:vis static $name:ident: $type:ty = $init:expr $(; $($rest:tt)*)?
    ) => {
        $(#[$meta])*
        $vis static $name: $crate::LocalKey<$type> = $crate::LocalKey::__new(
            ::core::concat!(::core::module_path!(), "::", ::core::stringify!($name)),
            || $init,
        );
        $($crate::local! { $($rest)* })?
    };
    (
        $(#[$meta:meta])*
        $vis:vis inherit static $name:ident: $type:ty = $init:expr $(; $($rest:tt)*)?
    ) => {
        $(#[$meta])*
        $vis static $name: $crate::LocalKey<$type> = $crate::LocalKey::__inherited(
            ::core::concat!(::core::module_path!(), "::", ::core::stringify!($name)),
            || $init,
        );
        $($crate::local! { $($rest)* })?
    };
}

/// By which a thread gets at a value of its own: see [`local!`](crate::local!).
///
/// ```
/// # use sward_sched as sward;
/// use std::cell::RefCell;
///
/// sward::local! { static LOG: RefCell<Vec<String>> = RefCell::new(Vec::new()); }
///
/// LOG.with_borrow_mut(|log| log.push("begun".to_owned()));
/// assert_eq!(LOG.take(), ["begun"]);
/// assert!(sward::spawn(|| LOG.with_borrow(Vec::is_empty)).join().unwrap());
/// ```
pub struct LocalKey<T: 'static> {
    name: &'static str,
    /// Its number, plus one. 0: nobody has asked yet.
    number: AtomicUsize,
    init: fn() -> T,
    clone: Option<fn(&T) -> T>,
}

/// Whether some thread has had a value that is inherited. Most programs have none.
static IS_INHERITED: AtomicBool = AtomicBool::new(false);

/// Whether the current thread may have something to inherit from.
#[inline]
pub(crate) fn are_inherited() -> bool {
    // Relaxed: see where it is set.
    IS_INHERITED.load(Ordering::Relaxed)
}

impl<T: Send + 'static> LocalKey<T> {
    /// For `local!`.
    #[doc(hidden)]
    pub const fn __new(name: &'static str, init: fn() -> T) -> Self {
        Self { name, number: AtomicUsize::new(0), init, clone: None }
    }

    /// For `local!`.
    #[doc(hidden)]
    pub const fn __inherited(name: &'static str, init: fn() -> T) -> Self
    where
        T: Clone,
    {
        Self { name, number: AtomicUsize::new(0), init, clone: Some(T::clone) }
    }
}

impl<T: 'static> LocalKey<T> {
    /// Calls `f` with this thread's value, which is made if there is none yet.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::local! { static NAME: String = "nobody".to_owned(); }
    ///
    /// assert_eq!(NAME.with(String::len), 6);
    /// ```
    ///
    /// # Blocking
    ///
    /// As `f`, and the initialiser.
    ///
    /// # Panics
    ///
    /// When the value has been dropped, because the thread ends. When the initialiser asks for the
    /// very value that it is to make. With the panic of `f` or the initialiser.
    #[inline]
    #[track_caller]
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        match self.try_with(f) {
            Ok(result) => result,
            Err(AccessError) => self.panic_gone(),
        }
    }

    /// As [`with`](Self::with), but does not panic when the value has been dropped.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::local! { static SEVEN: u32 = 7; }
    ///
    /// assert_eq!(SEVEN.try_with(|seven| seven * 6), Ok(42));
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`with`](Self::with).
    ///
    /// # Errors
    ///
    /// [`AccessError`]: the thread ends, and the value has been dropped.
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with), but for the first case.
    #[inline]
    #[track_caller]
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        let under_way = Locals::current()?;
        let value = match under_way.locals().get(self.index()) {
            Slot::Value(value) => value,
            slot => self.begin(under_way.locals(), slot)?,
        };
        // SAFETY: (1). It stays as long as this is under way (4).
        Ok(f(unsafe { &value.cast::<Value<T>>().as_ref().value }))
    }

    /// The first time that its thread asks for it.
    #[cold]
    #[track_caller]
    fn begin(&'static self, locals: &Locals, slot: Slot) -> Result<NonNull<Head>, AccessError> {
        /// The initialiser has not returned.
        struct Beginning<'a>(&'a Locals, usize);
        impl Drop for Beginning<'_> {
            fn drop(&mut self) {
                self.0.set(self.1, Slot::Empty);
            }
        }
        match slot {
            Slot::Empty => {}
            Slot::Gone => return Err(AccessError),
            _ => panic!(
                "the initialiser of the local `{}` asks for the very value that it is to make",
                self.name
            ),
        }
        locals.set(self.index(), Slot::Beginning);
        let beginning = Beginning(locals, self.index());
        let value = (self.init)();
        std::mem::forget(beginning);
        let value = Value::of(value, self.clone);
        locals.set(self.index(), Slot::Value(value));
        if self.clone.is_some() {
            // Relaxed: of its own values a thread knows, or has been told.
            IS_INHERITED.store(true, Ordering::Relaxed);
        }
        Ok(value)
    }

    #[inline]
    fn index(&self) -> usize {
        // Relaxed: a number, and nothing else.
        match self.number.load(Ordering::Relaxed) {
            0 => self.take_number() - 1,
            number => number - 1,
        }
    }

    #[cold]
    fn take_number(&self) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let fresh = NEXT.fetch_add(1, Ordering::Relaxed);
        // Relaxed: as above. Another thread may have been faster.
        match self.number.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => fresh,
            Err(theirs) => theirs,
        }
    }

    #[cold]
    #[track_caller]
    fn panic_gone(&self) -> ! {
        panic!("the local `{}` has been dropped: its thread ends", self.name)
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalKey<{}>({})", type_name::<T>(), self.name)
    }
}

/// Why [`LocalKey::try_with`] has no value: the thread ends, and has dropped it.
///
/// ```
/// assert_eq!(sward_sched::AccessError.to_string(), "the local has been dropped: its thread ends");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is no more to it")]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the local has been dropped: its thread ends")
    }
}

impl std::error::Error for AccessError {}
