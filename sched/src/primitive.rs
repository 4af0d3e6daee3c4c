//! The concurrency primitives that the rest of the workspace is built from:
//! std's in a normal build, loom's under `--cfg sward_loom`.
//!
//! `sched`, `chan` and `sync` take atomics, cells, locks, thread-locals and OS
//! threads from here and nowhere else (clippy's `disallowed-types` and `cargo xtask
//! test` keep it so), so that the very source that ships runs under the model checker.
//!
//! The one thing that cannot be modelled from inside is `crossbeam-deque`. Under
//! loom [`deque`] is a stand-in: a locked queue whose `is_empty` is a bare atomic
//! load, as weak as the real one's. What the models prove about the deque is
//! therefore how *we* use it, not crossbeam's code.

mod lock;
mod mutant;

#[cfg(sward_loom)]
pub use self::model::*;
pub use self::mutant::Mutant;
#[cfg(not(sward_loom))]
pub use self::real::*;

#[cfg(not(sward_loom))]
mod real {
    pub use std::sync::atomic;
    pub use std::thread::Builder as ThreadBuilder;
    pub use std::thread_local;

    pub use crossbeam_deque as deque;
    pub use parking_lot::{Condvar, Mutex, MutexGuard};

    pub use super::lock::{Lock, LockGuard};

    use std::time::Duration;

    use self::atomic::AtomicU32;

    /// Whether `mutant` is the one to be tried: never, outside the models.
    #[inline(always)]
    pub const fn broken(_: super::Mutant) -> bool {
        false
    }

    /// Whether a green thread may be in the middle of an unwinding when it blocks.
    pub const PANICS_UNWIND: bool = cfg!(panic = "unwind");

    /// Whether a worker sleeps with a timeout while others are busy, and so makes up for a
    /// wake that was not worth its price.
    pub const NAPS: bool = true;

    /// A cell whose accesses the model checker can see.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    #[expect(clippy::disallowed_types, reason = "this is what the others are to use")]
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// A cell that holds `value`.
        #[inline]
        #[expect(clippy::disallowed_types, reason = "as above")]
        pub const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Calls `f` with a pointer for reading.
        #[inline(always)]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Calls `f` with a pointer for writing.
        #[inline(always)]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// A word to sleep on, as the kernel has it.
    #[derive(Clone, Debug)]
    pub struct Futex;

    impl Futex {
        /// Its part beside the word: none.
        #[expect(clippy::new_without_default, reason = "loom's has no default either")]
        pub const fn new() -> Self {
            Self
        }

        /// Sleeps if `word` holds `expected`, until woken, until the timeout, or for no
        /// reason at all.
        pub fn wait(&self, word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
            futex_wait(word, expected, timeout);
        }

        /// Wakes one that sleeps on `word`, which may be gone by now.
        pub fn wake(&self, word: *const AtomicU32) {
            futex_wake(word);
        }
    }

    fn futex_wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        let timespec = timeout.map(|t| libc::timespec {
            tv_sec: t.as_secs().min(i64::MAX as u64) as libc::time_t,
            tv_nsec: t.subsec_nanos().into(),
        });
        let timespec = timespec.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the word is live for the call and the timespec is null or live.
        // Every error (EAGAIN, EINTR, ETIMEDOUT) is a reason to look again.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                expected,
                timespec,
            );
        }
    }

    fn futex_wake(word: *const AtomicU32) {
        // SAFETY: the kernel uses the address as a key and does not read it.
        unsafe {
            libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1);
        }
    }

    /// From now on this OS thread wakes up when its timeouts end, or a microsecond later.
    /// Otherwise Linux takes another 50 to wake it together with others: a sleep of a
    /// millisecond was 75 µs late, and is 25.
    pub fn wake_on_time() {
        const SLACK_NANOS: libc::c_ulong = 1000;
        // SAFETY: it changes a number in the kernel. If it is refused, sleeps end later.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, SLACK_NANOS) };
    }

    /// A store to a word in which others only ever exchange, by somebody who knows what they
    /// may have put there meanwhile.
    #[inline(always)]
    pub fn store_alone<T>(word: &atomic::AtomicPtr<T>, value: *mut T, order: atomic::Ordering) {
        word.store(value, order);
    }

    /// One round of a spin loop.
    #[inline]
    pub fn spin() {
        std::hint::spin_loop();
    }

    /// One round of a loop that waits for a few instructions of another OS thread: after a while it
    /// leaves the processor to it.
    pub fn relax(round: &mut u32) {
        *round += 1;
        if *round < 100 { spin() } else { std::thread::yield_now() }
    }
}

#[cfg(sward_loom)]
#[allow(
    clippy::new_without_default,
    reason = "they stand in for types whose `new` is what is used"
)]
mod model {
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

    /// A store to a word in which others only ever exchange. loom takes it and an exchange just
    /// before it for unordered, and lets whoever stored read what that exchange left. No
    /// machine does: an exchange comes right after what it reads. So here it is one, too.
    pub fn store_alone<T>(word: &atomic::AtomicPtr<T>, value: *mut T, order: atomic::Ordering) {
        word.swap(value, order);
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
}
