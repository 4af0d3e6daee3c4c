//! What the workspace is built from.

pub use std::sync::atomic;
pub use std::thread::Builder as ThreadBuilder;
pub use std::thread_local;

pub use crossbeam_deque as deque;
pub use parking_lot::{Condvar, Mutex, MutexGuard};

pub use super::lock::{Lock, LockGuard};
pub use super::pointer_lock::{PointerGuard, PointerLock};

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

/// Words in which others only ever exchange.
pub trait StoreAlone {
    /// What is in it.
    type Value;
    /// A store, by somebody who knows what the others may have put there meanwhile.
    fn store_alone(&self, value: Self::Value, order: atomic::Ordering);
}

impl<T> StoreAlone for atomic::AtomicPtr<T> {
    type Value = *mut T;

    #[inline(always)]
    fn store_alone(&self, value: *mut T, order: atomic::Ordering) {
        self.store(value, order);
    }
}

impl StoreAlone for AtomicU32 {
    type Value = u32;

    #[inline(always)]
    fn store_alone(&self, value: u32, order: atomic::Ordering) {
        self.store(value, order);
    }
}

/// For models: finds out who touches something that is gone. Here it does nothing.
#[derive(Debug, Default)]
pub struct Presence;

impl Presence {
    /// It is there from now on.
    #[inline(always)]
    pub const fn new() -> Self {
        Self
    }

    /// It should be there still.
    #[inline(always)]
    pub fn check(&self) {}
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

/// A function that is `const`; not so in models, whose atomics are made at run time.
#[doc(hidden)]
#[macro_export]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        $(#[$meta])*
        $vis const fn $name($($arg: $ty),*) -> $ret $body
    };
}

/// The value of a constant that no model uses, because it could not be made there.
#[doc(hidden)]
#[macro_export]
macro_rules! unless_model {
    ($value:expr) => {
        $value
    };
}
