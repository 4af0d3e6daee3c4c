//! Concurrent programs written straight down the page: green threads that block
//! whenever they like, channels and locks that know of them.
//!
//! ```
//! use sward::{chan, go};
//!
//! #[sward::main]
//! fn main() {
//!     let (sender, receiver) = chan::bounded(4);
//!     for i in 1..=3 {
//!         let sender = sender.clone();
//!         go!(move || sender.send(i * i).unwrap());
//!     }
//!     drop(sender);
//!     println!("{}", receiver.iter().sum::<i32>());
//!     # assert_eq!(receiver.iter().count(), 0);
//! }
//! ```
//!
//! It prints 14. Each [`go!`] starts a *green thread*: a closure with a small stack of
//! its own, run by a few OS threads (the *workers*, one for each core). Where it has to
//! wait, for a value, a lock, a result, some time, it is *parked*, and its worker runs
//! another one. A switch takes a few nanoseconds, a parked thread a page of memory.
//!
//! | to | use |
//! |---|---|
//! | start a green thread | [`go!`], [`spawn()`], [`Builder`] |
//! | wait for its result, or learn of its panic | [`JoinHandle::join`] |
//! | lend them what is here, until all have finished | [`scope`](fn@scope) |
//! | end all when one fails; collect results; limit how many there are | [`TaskGroup`] |
//! | do several things at a time, or what is done first | [`join!`], [`try_join!`], [`race!`] |
//! | run a program on green threads | [`main`](macro@main), [`run`], [`Runtime`] |
//! | pass values, also between green threads, OS threads and async tasks | [`chan`] |
//! | work a channel off on all cores | [`chan::Receiver::for_each`] |
//! | wait for the first of several things | [`select!`], [`select_biased!`] |
//! | share state | [`sync`] |
//! | keep a value for each thread, or hand it down to children | [`local!`] |
//! | wait for time to pass, or no longer than some time; tick; move a deadline | [`time`] |
//! | tell many to stop, each when it suits | [`CancelToken`] |
//! | end a thread that waits, or keep that from happening | [`JoinHandle::cancel`], [`uncancellable`] |
//! | call code that blocks its OS thread | [`unblock`], [`block_in_place`], [`Builder::dedicated`] |
//! | let others run, or wait to be woken | [`checkpoint`], [`yield_now`], [`park`] |
//! | suspend a function, with a value; make values for a `for` loop | [`coroutine`] |
//! | start what is not `Send` | [`spawn_local`] |
//! | say which thread goes first, or where | [`Builder::priority`], [`Builder::placement`] |
//! | see what the workers do | [`metrics`] |
//!
//! # Where threads run
//!
//! A thread that has not begun may be taken by any worker that has nothing to do. Once it
//! has begun it stays on its worker, so nothing on its stack ever moves to another OS
//! thread: values that are not `Send`, borrows of thread-locals and the like are as safe
//! across a blocking call as they are in an OS thread. The price: threads that have
//! begun on one worker share that core. For work that should spread, start one
//! thread for each piece. (Children of one parent that wait are dealt out over the workers;
//! [`Placement`] says otherwise.)
//!
//! Programs that promise to hold nothing across a blocking call that is tied to an OS thread
//! may let their threads migrate: [`runtime::Builder::allow_migration`],
//! `#[sward::main(unsafe(migrate))]`.
//!
//! # Ending a thread
//!
//! A thread ends when its closure returns or panics. What waits can be ended from outside:
//! [`JoinHandle::cancel`], the shutdown of a [`Runtime`], and, up to its own frame,
//! [`time::timeout`] all unwind the thread from its blocking call, as a panic would, but
//! silently. So destructors run, locks are unlocked, and values that were being sent are
//! dropped or delivered, never both. Nothing is raised between two blocking calls, in a thread
//! that is unwinding already, or inside [`uncancellable`].
//!
//! ```
//! use std::time::Duration;
//! use sward::{chan, go, time};
//!
//! let (sender, receiver) = chan::bounded(0);
//! let echo = go!(move || receiver.iter().for_each(|line: &str| println!("{line}")));
//! let sent = time::timeout(Duration::from_secs(5), || sender.send("hello"));
//! assert!(sent.is_ok());
//! echo.cancel();
//! assert!(echo.join().unwrap_err().is_cancelled());
//! ```
//!
//! What cannot be ended this way: a loop that computes without a [`checkpoint`]; a call that
//! blocks the OS thread; frames of `extern "C"` functions, which must not be unwound (put an
//! `uncancellable` around callbacks). A `std::sync::LazyLock` or `Once` whose initialiser is
//! unwound stays poisoned; those of [`sync`] do not. Programs built with `panic = "abort"` cannot end threads at all.
//!
//! # What still blocks a worker
//!
//! Green threads take turns of their own accord: one that computes for long without
//! blocking, or that blocks its *OS* thread, keeps its worker from the others on it.
//!
//! | instead of | use |
//! |---|---|
//! | `std::thread::sleep` | [`time::sleep`] |
//! | a `std` lock that is held across any call here that *can* block | [`sync::Mutex`] |
//! | `std::sync::LazyLock`, `OnceLock` or `Once` whose initialiser can block | [`sync::LazyLock`], [`sync::OnceLock`], [`sync::Once`] |
//! | `std::sync::mpsc`, `std::thread::park`, `JoinHandle` of an OS thread | [`chan`], [`park`], [`JoinHandle`] |
//! | reading files, name lookups, child processes, C libraries that wait | the same inside [`unblock`] |
//! | a long loop | the same with a [`checkpoint`] in it |
//!
//! Receiving, locking, and sending to channels that can be full are checkpoints themselves. While a thread keeps its worker
//! nevertheless, other workers take over the threads that have not begun there; those that have
//! begun wait.
//!
//! # When a program hangs
//!
//! [`dump()`] tells of each green thread what it waits for and since when, who has the lock that it
//! waits for, who spawned it and where; as text, as JSON, or on SIGQUIT
//! ([`runtime::Builder::dump_on_sigquit`]). Threads that wait for each other's locks in a ring are
//! named first.
//!
//! When all green threads wait, and nothing is left that could ever wake one, [`run`] panics with that
//! dump. Not before: an OS thread that is none of sward's might wake somebody, so in a process that
//! has any (as the test harness has), or that waits for a signal, a job in [`unblock`], or a future,
//! nothing is said.
//!
//! # The end of a program, and forks
//!
//! When `main` returns, threads that still run are not waited for, as in Go; `process::exit`
//! may be called anywhere. A [`Runtime`] of one's own ends by [`Runtime::shutdown`], which unwinds
//! what waits; with `panic = "abort"`, where nothing unwinds, it leaves and reports it.
//!
//! Workers do not survive a `fork`: while a runtime lives (the global one does from its first use), a
//! forked child may only `exec` or `_exit`, as `std::process::Command` does. To spawn, join or wait
//! there panics with a message that says so; what takes a lock that another thread held at
//! that moment may hang, as in any program with several OS threads. Fork before the first use
//! of sward instead.
//!
//! # Features
//!
//! `tracing`: the spans that a green thread has entered stay its own. Subscribers keep them
//! for each OS thread, so without it a span that is entered across a blocking call is taken
//! for that of whichever thread runs next on the worker. With it spans are exited when
//! their thread blocks and entered again when it goes on. It follows the default subscriber
//! of the process; one that `set_default` has set for an OS thread is seen by all that run
//! there. A new thread is in no span until it enters one.

#![forbid(unsafe_code)]

/// README's programs are compiled and run, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// So are those of the longer pages.
#[cfg(doctest)]
#[doc = include_str!("../docs/coroutines.md")]
mod coroutines {}

#[cfg(doctest)]
#[doc = include_str!("../docs/from-crossbeam.md")]
mod from_crossbeam {}

#[cfg(doctest)]
#[doc = include_str!("../docs/locks.md")]
mod locks {}

#[cfg(doctest)]
#[doc = include_str!("../docs/soundness.md")]
mod soundness {}

#[cfg(doctest)]
#[doc = include_str!("../docs/structure.md")]
mod structure {}

pub use sward_chan as chan;
pub use sward_chan::{select, select_biased};
pub use sward_coroutine as coroutine;
pub use sward_macros::{go, main, test};
pub use sward_sched::{
    AccessError, Builder, CancelFuture, CancelGuard, CancelToken, DEFAULT_STACK_SIZE, Group,
    GroupError, JoinError, JoinFuture, JoinHandle, LocalJoinHandle, LocalKey, MIN_STACK_SIZE,
    Metrics, Placement, Priority, Runtime, Scope, ScopedJoinHandle, TaskGroup, Thread, ThreadId,
    WorkerMetrics, block_in_place, block_on, checkpoint, current, dump, join, local, metrics, park,
    race, run, runtime, scope, spawn, spawn_local, stack_usage, time, try_join, unblock,
    uncancellable, yield_now,
};
pub use sward_sync as sync;
