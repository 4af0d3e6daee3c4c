//! [`Runtime`]: a set of workers. One, the global, starts by itself when it is first
//! needed and lasts as long as the process; others are made by [`Builder`].

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crate::current;
use crate::join::JoinHandle;
use crate::launch::{run_on, spawn_on};
use crate::metrics::Metrics;
use crate::monitor::Monitor;
use crate::primitive::{NAPS, ThreadBuilder};
use crate::report::report;
use crate::stack::DEFAULT_STACK_SIZE;
use crate::thread::Options;
use crate::unblock::unblock;
use crate::worker::{Shared, Worker, spawn_error};

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
    /// # Blocking
    ///
    /// Never blocks.
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        spawn_on(f, &self.shared, Options::default(), Location::caller())
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
    /// As [`run`](crate::run).
    #[track_caller]
    pub fn run<F, T>(&self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
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

    /// Ends the runtime: threads that have not started are dropped, those that wait
    /// are unwound from their blocking call, those that run are unwound from their
    /// next. All their handles resolve ([`JoinError::is_cancelled`]). Then its OS
    /// threads end, but for those inside a closure given to [`unblock`], which end after
    /// it.
    ///
    /// Returns `true` when that took no longer than `timeout`. Otherwise whatever is
    /// still unfinished (a thread that computes without blocking, or that catches the
    /// unwinding and goes on) keeps its worker and its memory until it is finished,
    /// and a line on stderr says how many there are.
    ///
    /// From one of the runtime's own threads it returns `false` at once, and another OS
    /// thread sees to the rest.
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
    /// [`JoinError::is_cancelled`]: crate::JoinError::is_cancelled
    pub fn shutdown(mut self, timeout: Duration) -> bool {
        self.ended = true;
        end(&self.shared, timeout)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if !self.ended {
            end(&self.shared, DROP_TIMEOUT);
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
    let own = worker.is_some_and(|worker| Arc::ptr_eq(worker.runtime(), shared));
    let shared = shared.clone();
    if own {
        // This thread is itself one of those to be waited for.
        let watch = move || finish_shutdown(&shared, deadline);
        if let Err(error) = ThreadBuilder::new().name("sward-shutdown".to_owned()).spawn(watch) {
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

/// Makes a [`Runtime`].
///
/// ```
/// # use sward_sched as sward;
/// let rt = sward::runtime::Builder::new().workers(1).stack_size(64 << 10).build()?;
/// assert_eq!(rt.run(|| 7), 7);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is started before `build`"]
pub struct Builder {
    workers: Option<usize>,
    stack_size: usize,
    migrates: bool,
}

impl Builder {
    /// One worker for each core that this process may use, and stacks of the usual
    /// size.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::runtime::Builder::new().build()?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new() -> Self {
        Self { workers: None, stack_size: DEFAULT_STACK_SIZE, migrates: false }
    }

    /// How many workers, that is, how many green threads can run at the same moment.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::runtime::Builder::new().workers(1).build()?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// How many bytes of stack each green thread can use, unless its own
    /// [`Builder`](crate::Builder::stack_size) says otherwise. The usual is 192 KiB
    /// ([`DEFAULT_STACK_SIZE`]).
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::runtime::Builder::new().stack_size(2 << 20).build()?;
    /// rt.run(|| assert_eq!([1u8; 1 << 20].len(), 1 << 20));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }

    /// Lets threads that have started go on on whichever worker has time, as goroutines do.
    /// Then threads that talk to each other come together on one worker, and those that
    /// compute spread over all of them. Without it a thread stays on the worker that it
    /// started on, where nothing on its stack can be touched by another OS thread.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// // SAFETY: nothing that is tied to an OS thread is held across a blocking call here.
    /// let rt = unsafe { sward::runtime::Builder::new().allow_migration() }.build()?;
    /// let threads: Vec<_> = (0..10).map(|i| rt.spawn(move || i * i)).collect();
    /// let squares: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    /// assert_eq!(squares[9], 81);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Safety
    ///
    /// A *blocking call* is every one of sward's whose docs say that it parks the green thread,
    /// whether or not it has to wait this time; [`yield_now`](crate::yield_now) and
    /// [`checkpoint`](crate::checkpoint) are among them, and so is every send, receive and lock.
    /// After it, the code that follows may be on another OS thread. So in every thread of this
    /// runtime, all code of other crates included,
    ///
    /// 1. every value that is live across a blocking call is `Send`; or it is not, and all its
    ///    aliases lie on the same green thread's stack (an `Rc` of which no clone is elsewhere;
    ///    a `Cell` that is borrowed from below). A [`LocalJoinHandle`](crate::LocalJoinHandle) is
    ///    not to be held, or joined, in a thread that migrates;
    /// 2. nothing that belongs to an OS thread is held across one: a guard of a `std` or
    ///    `parking_lot` lock, an entered span or runtime context, a borrow inside
    ///    `LocalKey::with`, a raw pointer to a thread-local. (sward's own guards may be held:
    ///    they belong to the green thread.)
    /// 3. a function that uses a `thread_local!`, or calls such a one that may be inlined into
    ///    it, does not block between two uses: the compiler may keep the address from one to
    ///    the next. Put the uses into functions of their own that are `#[inline(never)]`.
    pub unsafe fn allow_migration(mut self) -> Self {
        self.migrates = true;
        self
    }

    /// Starts the workers.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let error = sward::runtime::Builder::new().workers(0).build().unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no workers at all; otherwise what the system says when it
    /// cannot start an OS thread. Those already started end again.
    pub fn build(&self) -> io::Result<Runtime> {
        let workers = match self.workers {
            Some(workers) => workers,
            None => available_parallelism().map_or(1, NonZeroUsize::get),
        };
        if workers == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a runtime needs at least one worker (without `workers` it has one for each core)",
            ));
        }
        let (shared, queues) = Shared::new(workers, self.stack_size, self.migrates);
        // From here on an error drops the runtime, which ends the workers so far.
        let runtime = Runtime { shared, ended: false };
        for (index, queue) in queues.into_iter().enumerate() {
            runtime.shared.party_enters();
            let shared = runtime.shared.clone();
            let started = ThreadBuilder::new()
                .name(format!("sward-worker-{index}"))
                .spawn(move || Worker::run(shared, index, queue));
            if let Err(error) = started {
                runtime.shared.party_leaves();
                let what = format!("worker {} of {workers}", index + 1);
                return Err(spawn_error(&what, error));
            }
        }
        // loom has no time, and so no use for it.
        if NAPS {
            start_monitor(&runtime.shared)?;
        }
        Ok(runtime)
    }
}

fn start_monitor(shared: &Arc<Shared>) -> io::Result<()> {
    let watched = shared.clone();
    shared.party_enters();
    let watch = move || {
        Monitor::run(&watched);
        // It may have put threads there when everybody else had looked for the last time.
        watched.refuse_injected();
        watched.party_leaves();
    };
    let started = ThreadBuilder::new().name("sward-monitor".to_owned()).spawn(watch);
    started.map(drop).map_err(|error| {
        shared.party_leaves();
        spawn_error("the monitor of the workers", error)
    })
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

/// The runtime of threads that nobody gave another, started when first asked for.
#[track_caller]
pub(crate) fn global() -> &'static Arc<Shared> {
    static GLOBAL: OnceLock<Runtime> = OnceLock::new();
    let runtime = GLOBAL.get_or_init(|| match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => panic!("sward's global runtime did not start: {error}"),
    });
    &runtime.shared
}
