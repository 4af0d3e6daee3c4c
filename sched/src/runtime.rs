//! [`Runtime`]: a set of workers. One, the global, starts by itself when it is first
//! needed and lasts as long as the process; others are made by [`Builder`].
//!
//! 1. A shutdown waits for all *parties* of its runtime (`Shared::parties`). So none of them may
//!    wait for it: a worker of its own, dedicated ones included, and an OS thread that drops
//!    the closure of one of its threads have another OS thread wait instead.

mod builder;

use std::fmt;
use std::io;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub use self::builder::Builder;
use crate::cancel::uncancellable;
use crate::current;
use crate::fork;
use crate::join::JoinHandle;
use crate::launch::{run_on, spawn_on};
use crate::metrics::Metrics;
use crate::primitive::ThreadBuilder;
use crate::report::report;
use crate::thread::Options;
use crate::unblock::unblock;
use crate::worker::{Shared, spawn_error};

/// For how long dropping a runtime waits for its threads to unwind.
const DROP_TIMEOUT: Duration = Duration::from_secs(1);

/// Workers, and the green threads on them, apart from those of other runtimes.
///
/// Programs that need one only use the global one through [`spawn`](crate::spawn())
/// and [`run`](crate::run); a runtime of one's own has another number of workers, or
/// an end.
///
/// ```
/// # use sward_sched as sward;
/// let rt = sward::runtime::Builder::new().workers(2).build()?;
/// let greeting = rt.spawn(|| "hello");
/// assert_eq!(rt.run(|| greeting.join().unwrap()), "hello");
/// # std::io::Result::Ok(())
/// ```
///
/// Dropping it is a [`shutdown`](Self::shutdown) of one second.
pub struct Runtime {
    shared: Arc<Shared>,
    /// `shutdown` has been called, and there is nothing left to do for `drop`.
    ended: bool,
}

impl Runtime {
    /// A runtime with one worker for each core that this process may use.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::Runtime::new()?;
    /// assert_eq!(rt.run(|| 7), 7);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn new() -> io::Result<Self> {
        Builder::new().build()
    }

    /// Starts a green thread here, as [`spawn`](crate::spawn()) does.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::Runtime::new()?;
    /// assert_eq!(rt.spawn(|| 7).join().unwrap(), 7);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// A runtime that shuts down starts nothing more. Nobody has a `Runtime` to call this on
    /// then; but its threads that still run may go on spawning ([`spawn`](crate::spawn())). The
    /// closures are dropped, on an OS thread of [`unblock`](crate::unblock())'s, and
    /// [`join`](JoinHandle::join) returns an error that [`is_cancelled`].
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Panics
    ///
    /// In a forked child: see the crate's front page.
    ///
    /// [`is_cancelled`]: crate::JoinError::is_cancelled
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        fork::check();
        spawn_on(f, &self.shared, Options::default().inheriting(), Location::caller())
    }

    /// Runs `f` as a green thread here, waits for it and returns its value, as
    /// [`run`](crate::run) does.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::Runtime::new()?;
    /// let words = ["green", "threads"];
    /// assert_eq!(rt.run(|| words.concat()), "greenthreads");
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Blocking
    ///
    /// Blocks the OS thread, or parks the green thread, that calls it.
    ///
    /// # Cancellation
    ///
    /// None: what `f` borrows must not go away before it is over.
    ///
    /// # Panics
    ///
    /// As [`run`](crate::run), but that this runtime is there.
    #[track_caller]
    pub fn run<F, T>(&self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        fork::check();
        run_on(f, &self.shared, "main", Location::caller())
    }

    /// What its workers have done so far.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::runtime::Builder::new().workers(2).build()?;
    /// rt.run(|| sward::spawn(|| ()).join().unwrap());
    /// let metrics = rt.metrics();
    /// assert_eq!(metrics.workers.len(), 2);
    /// assert!(metrics.workers.iter().map(|worker| worker.turns).sum::<u64>() >= 2);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.shared)
    }

    /// How many of its threads wait, as a dump sees it; also after its end.
    #[cfg(sward_loom)]
    pub fn count_waiting(&self) -> impl FnOnce() -> usize + Send + 'static {
        let shared = self.shared.clone();
        move || shared.count_waiting()
    }

    /// Ends the runtime: threads that have not started are dropped, those that wait
    /// are unwound from their blocking call, those that run are unwound from their
    /// next. All their handles resolve ([`JoinError::is_cancelled`]). Then its OS
    /// threads end, but for those inside a closure given to [`unblock`], which end after
    /// it.
    ///
    /// Returns `true` when that took no longer than `timeout`. Otherwise whatever is
    /// still unfinished (a thread that computes without blocking, that sleeps in C or std, or
    /// that catches the unwinding and goes on) keeps its worker and its memory until it is
    /// finished, and a line on stderr says how many there are. Closures of threads that have not
    /// started are dropped one after the other; one whose destructor blocks keeps no other.
    ///
    /// From one of the runtime's own threads, and from the destructor of a closure that
    /// one of them was to run, it returns `false` at once, and another OS thread sees to
    /// the rest.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::time::Duration;
    ///
    /// let rt = sward::Runtime::new()?;
    /// let blocked = rt.spawn(sward::park);
    /// assert!(rt.shutdown(Duration::from_secs(10)));
    /// assert!(blocked.join().unwrap_err().is_cancelled());
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread of another runtime, or blocks the OS thread.
    ///
    /// Under `panic = "abort"` nothing can be unwound: threads that wait are left where
    /// they are, and reported.
    ///
    /// # Cancellation
    ///
    /// Unwinds a green thread of another runtime as [`park`](crate::park) does; this shutdown goes
    /// on. (Dropping the runtime is no such point.)
    ///
    /// # Panics
    ///
    /// In a forked child: see the crate's front page.
    ///
    /// [`JoinError::is_cancelled`]: crate::JoinError::is_cancelled
    pub fn shutdown(mut self, timeout: Duration) -> bool {
        fork::check();
        self.ended = true;
        end(&self.shared, timeout)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // In a forked child there is nobody to end.
        if !self.ended && !fork::is_child() {
            // A destructor is no place to unwind from.
            uncancellable(|| end(&self.shared, DROP_TIMEOUT));
        }
    }
}

impl UnwindSafe for Runtime {}
impl RefUnwindSafe for Runtime {}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

fn end(shared: &Arc<Shared>, timeout: Duration) -> bool {
    let deadline = Instant::now().checked_add(timeout);
    shared.close();
    // SAFETY: a worker in the thread-local is alive, and nothing blocks meanwhile.
    let worker = unsafe { current::worker().as_ref() };
    let is_party = worker.is_some_and(|worker| Arc::ptr_eq(worker.runtime(), shared))
        || current::refusing() == Arc::as_ptr(shared);
    let shared = shared.clone();
    if is_party {
        // (1)
        let name = shared.setup.thread_name("shutdown");
        let watch = move || {
            shared.setup.leave_cores();
            finish_shutdown(&shared, deadline)
        };
        if let Err(error) = ThreadBuilder::new().name(name).spawn(watch) {
            let error = spawn_error("the OS thread that watches a shutdown", error);
            report(format_args!("sward: {error}"));
        }
        return false;
    }
    unblock(move || finish_shutdown(&shared, deadline))
}

fn finish_shutdown(shared: &Shared, deadline: Option<Instant>) -> bool {
    let done = shared.wait_for_parties(deadline);
    shared.blocking.close();
    if !done {
        report(format_args!(
            "sward: a runtime did not shut down in time: {} of its green threads have not \
             finished, and keep their stacks and their workers until they do; those that never \
             started may still have destructors to run",
            shared.unfinished(),
        ));
    }
    done
}

/// The runtime of threads that nobody gave another, started when first asked for.
#[track_caller]
pub(crate) fn global() -> &'static Arc<Shared> {
    fork::check();
    static GLOBAL: OnceLock<Runtime> = OnceLock::new();
    let runtime = GLOBAL.get_or_init(|| match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => panic!("sward's global runtime did not start: {error}"),
    });
    &runtime.shared
}
