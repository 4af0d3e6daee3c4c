//! Coroutines for [sward](https://docs.rs/sward): functions that suspend themselves, with a value, and
//! are resumed, with another. Users depend on `sward` and find them in `sward::coroutine`.
//!
//! ```
//! # use sward_coroutine as coroutine;
//! use coroutine::{Coroutine, State};
//!
//! let average = Coroutine::new(|y, first: f64| {
//!     let (mut sum, mut count) = (first, 1.0);
//!     loop {
//!         sum += y.suspend(sum / count);
//!         count += 1.0;
//!         if count == 3.0 {
//!             return sum;
//!         }
//!     }
//! });
//! assert_eq!(average.resume(1.0).unwrap(), State::Yielded(1.0));
//! assert_eq!(average.resume(3.0).unwrap(), State::Yielded(2.0));
//! assert_eq!(average.resume(5.0).unwrap(), State::Complete(9.0));
//! assert!(average.resume(7.0).unwrap_err().is_finished());
//! ```
//!
//! A coroutine has a stack of its own, as a green thread has: any function that it calls may
//! suspend it. But no scheduler runs it: who [resumes](Coroutine::resume) it does, then and
//! there, until it suspends or returns. So two of them never run at the same time, nothing
//! that they share needs a lock, and no runtime is needed: they work in any OS thread.
//!
//! In a green thread, code in a coroutine may call whatever blocks: then the whole thread is parked,
//! with the coroutine and with whoever has resumed it, and goes on where it was.
//!
//! | to | use |
//! |---|---|
//! | make values one by one, for a `for` loop | [`generator`](fn@generator) |
//! | pass values both ways | [`Coroutine`] |
//! | end one half-way | [`Coroutine::close`], or drop it |
//! | raise an error where it is suspended | [`Coroutine::throw`] |
//! | have another do a part of it | [`Yielder::delegate`] |
//! | go on in another, rather than back | [`Yielder::transfer`] |
//! | borrow what is outside of it | [`scoped`](fn@scoped) |
//! | know which one this is | [`running`], [`is_yieldable`], [`Coroutine::status`] |
//!
//! # Threads
//!
//! Coroutines are not `Send`: what lies on the stack of one that has begun may belong to its OS thread.
//! To have one run elsewhere, move the closure there, and make it there.
//!
//! One that is kept in a `std` thread-local is closed when the OS thread ends. It must not be suspended then
//! inside `with` of another thread-local, which may have been dropped before it: the one thing that no
//! library can see to (`docs/soundness.md` has the program).
//!
//! # Green threads
//!
//! Where green threads [migrate](sward_sched::runtime::Builder::allow_migration): a coroutine is not `Send`, so
//! keep none across a call that blocks, nor call what blocks inside of one, unless the promise that was made there
//! holds for all that it and its body hold.
//!
//! # What can be borrowed
//!
//! Values and bodies are `'static`. A coroutine may be leaked ([`std::mem::forget`] is safe), with
//! whatever is on its stack under way for ever, so nothing there may be borrowed from outside, unless
//! somebody sees to it that it ends in time: that is what [`scoped`](fn@scoped) does.
//!
//! # Panics and the end
//!
//! A body's panic goes on in whoever has resumed it, and the coroutine is [done](Status::Done). One
//! that is dropped while it is suspended is [closed](Coroutine::close): it unwinds from there, so its
//! destructors run. (With `panic = "abort"` nothing unwinds: its stack is leaked.)
//!
//! # Source
//!
//! Knuth, *The Art of Computer Programming* 1.4.2, after Conway, "Design of a Separable
//! Transition-Diagram Compiler", 1963. The four states, `wrap` and `close` are Lua's (de Moura,
//! Rodriguez and Ierusalimschy, "Coroutines in Lua", 2004), as is the reduction of symmetric coroutines to
//! asymmetric ones (de Moura and Ierusalimschy, "Revisiting Coroutines", 2009); `throw` and delegation are
//! Python's (PEP 342, PEP 380).

mod builder;
mod core;
mod coroutine;
mod error;
mod generator;
mod running;
mod scope;
mod stack;
mod state;
mod wrap;
mod yielder;

pub use self::builder::Builder;
pub use self::coroutine::Coroutine;
pub use self::error::{CloseError, ResumeError};
pub use self::generator::{Generator, generator};
pub use self::running::{CoroutineId, is_yieldable, running};
pub use self::scope::{Scope, ScopedCoroutine, ScopedGenerator, scoped};
pub use self::state::{State, Status};
pub use self::wrap::wrap;
pub use self::yielder::Yielder;
