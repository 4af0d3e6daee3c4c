//! Stand-ins that loom can see into.
#![allow(
    clippy::new_without_default,
    reason = "they stand in for types whose `new` is what is used"
)]

pub use loom::sync::atomic;
pub use loom::thread::Builder as ThreadBuilder;
pub use loom::thread_local;

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Duration;

use loom::sync::Arc;

/// Whether `mutant` is the one named by `SWARD_MUTANT`.
pub fn broken(mutant: super::Mutant) -> bool {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN
        .get_or_init(|| std::env::var("SWARD_MUTANT").ok())
        .as_ref()
        .is_some_and(|name| *name == format!("{mutant:?}"))
}

/// In a model a panic is a failure, and its threads share one count.
pub const PANICS_UNWIND: bool = false;

/// loom has no time: every push wakes whoever could help, and no decision goes by the
/// clock (loom runs each execution again, and it must take the same course).
pub const NAPS: bool = false;

/// There is no time.
pub fn wake_on_time() {}

/// loom's cell, with `Default`.
#[derive(Debug)]
pub struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// A cell that holds `value`.
    pub fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer for reading.
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.0.with(f)
    }

    /// Calls `f` with a pointer for writing.
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(f)
    }
}

/// loom's mutex with parking_lot's interface.
#[derive(Debug)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

/// The guard of [`Mutex`].
#[derive(Debug)]
pub struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    /// A mutex that holds `value`.
    pub fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap()
    }

    /// Locks.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap()))
    }
}

impl<T> std::ops::Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().unwrap()
    }
}

impl<T> std::ops::DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().unwrap()
    }
}

/// What [`Lock`] is in a normal build: for its own model.
pub use super::lock::Lock as ShippedLock;
pub use super::pointer_lock::PointerLock as ShippedPointerLock;

/// A lock is a lock.
pub type Lock<T> = Mutex<T>;
/// The guard of [`Lock`].
pub type LockGuard<'a, T> = MutexGuard<'a, T>;

impl<T> Mutex<T> {
    /// What [`ShippedLock::version`] is: nobody hesitates in a model.
    pub fn version(&self) -> u32 {
        0
    }
}

/// A lock around a pointer is a lock.
#[derive(Debug)]
pub struct PointerLock<T>(Mutex<*const T>);

/// The guard of [`PointerLock`].
#[derive(Debug)]
pub struct PointerGuard<'a, T>(MutexGuard<'a, *const T>);

impl<T> PointerLock<T> {
    /// Around null.
    pub fn new() -> Self {
        Self(Mutex::new(std::ptr::null()))
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.0.lock().is_null()
    }

    /// Locks.
    pub fn lock(&self) -> PointerGuard<'_, T> {
        PointerGuard(self.0.lock())
    }
}

impl<T> PointerGuard<'_, T> {
    /// The pointer.
    pub fn value(&self) -> *const T {
        *self.0
    }

    /// Unlocks, with this as the pointer from now on.
    pub fn unlock(mut self, value: *const T) {
        *self.0 = value;
    }
}

/// loom's condition variable with parking_lot's interface.
#[derive(Debug)]
pub struct Condvar(loom::sync::Condvar, atomic::AtomicBool);

impl Condvar {
    /// A condition variable.
    pub fn new() -> Self {
        Self(loom::sync::Condvar::new(), atomic::AtomicBool::new(false))
    }

    /// Wakes one.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits to be notified.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        guard.0 = guard.0.take().map(|inner| self.0.wait(inner).unwrap());
    }

    /// Waits to be notified. loom has no time: it times out when the model calls
    /// [`expire`](Self::expire).
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> WaitTimeout {
        self.wait(guard);
        WaitTimeout(self.1.swap(false, atomic::Ordering::Relaxed))
    }

    /// Time is up for one who waits, or for the next that is woken: then both at once.
    pub fn expire(&self) {
        self.1.store(true, atomic::Ordering::Relaxed);
        self.0.notify_one();
    }
}

/// What parking_lot's `WaitTimeoutResult` says.
#[derive(Debug)]
pub struct WaitTimeout(bool);

impl WaitTimeout {
    /// Whether the time is up.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

/// A word to sleep on: what the kernel promises of a futex, in loom's terms.
#[derive(Clone, Debug)]
pub struct Futex(Arc<(loom::sync::Mutex<()>, loom::sync::Condvar)>);

impl Futex {
    /// Its part beside the word.
    pub fn new() -> Self {
        Self(Arc::new((loom::sync::Mutex::new(()), loom::sync::Condvar::new())))
    }

    /// Sleeps if `word` holds `expected`, until woken. loom has no time.
    pub fn wait(&self, word: &atomic::AtomicU32, expected: u32, _: Option<Duration>) {
        // As in the kernel, the word is compared under the lock that a waker takes.
        let asleep = self.0.0.lock().unwrap();
        if word.load(atomic::Ordering::Relaxed) == expected {
            drop(self.0.1.wait(asleep).unwrap());
        }
    }

    /// Wakes one that sleeps.
    pub fn wake(&self, _: *const atomic::AtomicU32) {
        drop(self.0.0.lock().unwrap());
        self.0.1.notify_one();
    }
}

/// Words in which others only ever exchange. loom takes a store and an exchange just before it
/// for unordered, and lets whoever stored read what that exchange left. No machine does: an
/// exchange comes right after what it reads. So here it is one, too.
pub trait StoreAlone {
    /// What is in it.
    type Value;
    /// A store, by somebody who knows what the others may have put there meanwhile.
    fn store_alone(&self, value: Self::Value, order: atomic::Ordering);
}

impl<T> StoreAlone for atomic::AtomicPtr<T> {
    type Value = *mut T;

    fn store_alone(&self, value: *mut T, order: atomic::Ordering) {
        self.swap(value, order);
    }
}

impl StoreAlone for atomic::AtomicU32 {
    type Value = u32;

    fn store_alone(&self, value: u32, order: atomic::Ordering) {
        self.swap(value, order);
    }
}

/// A model fails when one thread checks this while, for all that orders them, another drops it.
#[derive(Debug)]
pub struct Presence(UnsafeCell<()>);

impl Presence {
    /// It is there from now on.
    pub fn new() -> Self {
        Self(UnsafeCell::new(()))
    }

    /// It should be there still.
    pub fn check(&self) {
        self.0.with(|_| ());
    }
}

// SAFETY: to find out who shares it is what it is for.
unsafe impl Send for Presence {}
// SAFETY: as above.
unsafe impl Sync for Presence {}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.with_mut(|_| ());
    }
}

/// One round of a spin loop: lets another thread run.
pub fn spin() {
    loom::thread::yield_now();
}

/// The same.
pub fn relax(_: &mut u32) {
    spin();
}

/// The stand-in for `crossbeam_deque`.
pub mod deque {
    use super::*;
    use loom::sync::atomic::{AtomicUsize, Ordering};

    /// What came of an attempt to steal.
    #[derive(Debug)]
    pub enum Steal<T> {
        /// Nothing there.
        Empty,
        /// One item (a batch is one item here).
        Success(T),
        /// Lost a race: not the same as empty. The stand-in never loses one.
        Retry,
    }

    #[derive(Debug)]
    struct Queue<T> {
        items: loom::sync::Mutex<VecDeque<T>>,
        len: AtomicUsize,
    }

    impl<T> Queue<T> {
        fn new() -> Self {
            Self { items: loom::sync::Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) }
        }

        fn push(&self, item: T) {
            let mut items = self.items.lock().unwrap();
            items.push_back(item);
            self.len.store(items.len(), Ordering::Release);
        }

        fn pop(&self) -> Option<T> {
            let mut items = self.items.lock().unwrap();
            let item = items.pop_front();
            self.len.store(items.len(), Ordering::Release);
            item
        }

        fn steal(&self) -> Steal<T> {
            match self.pop() {
                Some(item) => Steal::Success(item),
                None => Steal::Empty,
            }
        }

        fn len(&self) -> usize {
            self.len.load(Ordering::Relaxed)
        }
    }

    /// The owner's end.
    #[derive(Debug)]
    pub struct Worker<T>(Arc<Queue<T>>);

    impl<T> Worker<T> {
        /// An empty queue. (The stand-in's order is first in, first out.)
        pub fn new_lifo() -> Self {
            Self(Arc::new(Queue::new()))
        }

        /// An empty queue.
        pub fn new_fifo() -> Self {
            Self::new_lifo()
        }

        /// The thieves' end.
        pub fn stealer(&self) -> Stealer<T> {
            Stealer(self.0.clone())
        }

        /// Adds at the back.
        pub fn push(&self, item: T) {
            self.0.push(item);
        }

        /// Takes from the front.
        pub fn pop(&self) -> Option<T> {
            self.0.pop()
        }

        /// How many there are.
        pub fn len(&self) -> usize {
            self.0.len()
        }

        /// Whether there are none.
        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    /// The thieves' end.
    #[derive(Debug, Clone)]
    pub struct Stealer<T>(Arc<Queue<T>>);

    impl<T> Stealer<T> {
        /// Takes one.
        pub fn steal_batch_and_pop(&self, _: &Worker<T>) -> Steal<T> {
            self.0.steal()
        }

        /// Takes one.
        pub fn steal(&self) -> Steal<T> {
            self.0.steal()
        }

        /// How many there are.
        pub fn len(&self) -> usize {
            self.0.len()
        }

        /// Whether there are none.
        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    /// A queue that anybody may push to.
    #[derive(Debug)]
    pub struct Injector<T>(Queue<T>);

    impl<T> Injector<T> {
        /// An empty queue.
        pub fn new() -> Self {
            Self(Queue::new())
        }

        /// Adds at the back.
        pub fn push(&self, item: T) {
            self.0.push(item);
        }

        /// Takes one.
        pub fn steal(&self) -> Steal<T> {
            self.0.steal()
        }

        /// Takes one.
        pub fn steal_batch_with_limit_and_pop(&self, _: &Worker<T>, _: usize) -> Steal<T> {
            self.0.steal()
        }

        /// How many there are.
        pub fn len(&self) -> usize {
            self.0.len()
        }

        /// Whether there are none.
        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }
}

/// A function that is `const` in a normal build.
#[doc(hidden)]
#[macro_export]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) -> $ret $body
    };
}

/// The value of a constant that no model uses, because it could not be made here.
#[doc(hidden)]
#[macro_export]
macro_rules! unless_model {
    ($value:expr) => {
        panic!("loom's atomics are made at run time")
    };
}
