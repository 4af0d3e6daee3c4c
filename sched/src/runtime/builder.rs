//! [`Builder`]: what a runtime is to be like, and how its OS threads are started.
//!
//! 1. Each OS thread is counted as a party before it is started, and when it cannot be, no more.
//!    So an error ends those before it, by a shutdown like any other, and a runtime that is
//!    returned has all its workers, begun (`setup.rs`, 1), and its monitor.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use super::Runtime;
use crate::deadlock::OurThread;
use crate::dump;
use crate::fork;
use crate::monitor::Monitor;
use crate::primitive::{NAPS, ThreadBuilder};
use crate::setup::{Beginnings, Setup};
use crate::sigquit;
use crate::stack::{Class, DEFAULT_STACK_SIZE};
use crate::unblock::unblock;
use crate::worker::{Queues, Shared, Worker, spawn_error};

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
    dumps_on_sigquit: bool,
    setup: Setup,
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
        let setup = Setup::default();
        Self {
            workers: None,
            stack_size: DEFAULT_STACK_SIZE,
            migrates: false,
            dumps_on_sigquit: false,
            setup,
        }
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

    /// How many bytes of stack each green thread can use, but for some two thousand that the
    /// runtime itself may take of them, unless its own
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

    /// What the names of its OS threads begin with, as debuggers and `top -H` show them: the
    /// workers are `<prefix>-worker-0` and so on, those of [`unblock`](crate::unblock())
    /// `<prefix>-unblock`. The usual prefix is `sward`. Linux shows the first 15 bytes.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::runtime::Builder::new().workers(1).thread_name("db").build()?;
    /// let name = rt.run(|| std::thread::current().name().map(str::to_owned));
    /// assert_eq!(name.as_deref(), Some("db-worker-0"));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn thread_name(mut self, prefix: impl Into<String>) -> Self {
        self.setup.name = prefix.into();
        self
    }

    /// Calls `f` on each worker's OS thread, with the worker's number (from 0), before it runs any
    /// green thread: to attach it to a profiler or a C library, say, or to set its
    /// priority. [`build`](Self::build) waits until all have returned.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let started = Arc::new(AtomicUsize::new(0));
    /// let count = started.clone();
    /// let rt = sward::runtime::Builder::new()
    ///     .workers(2)
    ///     .on_worker_start(move |_index| {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// assert_eq!(started.load(Ordering::Relaxed), 2);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// A panic of `f` is an error of `build`. It is not called for the OS threads of
    /// [`unblock`](crate::unblock()) and of [dedicated](crate::Builder::dedicated) threads. Of
    /// several calls of this method the last one counts.
    pub fn on_worker_start(mut self, f: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.setup.on_start = Some(Arc::new(f));
        self
    }

    /// Calls `f` on each worker's OS thread, with the worker's number, after it has run its last
    /// green thread. [`Runtime::shutdown`] waits for it. A worker that has not begun
    /// ([`on_worker_start`](Self::on_worker_start)), or does not end, does not call it; the
    /// global runtime's never end.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let stopped = Arc::new(AtomicUsize::new(0));
    /// let count = stopped.clone();
    /// let rt = sward::runtime::Builder::new()
    ///     .workers(2)
    ///     .on_worker_stop(move |_index| {
    ///         count.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// drop(rt);
    /// assert_eq!(stopped.load(Ordering::Relaxed), 2);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// A panic of `f` is reported on stderr, and the worker ends. Of several calls of this method
    /// the last one counts.
    pub fn on_worker_stop(mut self, f: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.setup.on_stop = Some(Arc::new(f));
        self
    }

    /// Confines each worker to the cores that `f` gives for its number (from 0): to one, so that
    /// its caches stay warm, or all of them to the cores of one NUMA node. Without it the
    /// workers may run wherever the OS thread may that calls [`build`](Self::build).
    ///
    /// ```
    /// # use sward_sched as sward;
    /// // `|index| [index]` would give each worker a core of its own.
    /// let rt = sward::runtime::Builder::new().workers(2).worker_affinity(|_index| [0]).build();
    /// # if let Err(error) = &rt {
    /// #     assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    /// # }
    ///
    /// let error = sward::runtime::Builder::new().worker_affinity(|_| [9999]).build().unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    /// ```
    ///
    /// The OS threads of [`unblock`](crate::unblock()) and of
    /// [dedicated](crate::Builder::dedicated) threads are not confined; those that a green thread
    /// starts itself (`std::thread::spawn`) inherit its worker's cores, as always on Linux.
    pub fn worker_affinity<F, I>(mut self, f: F) -> Self
    where
        F: Fn(usize) -> I + Send + Sync + 'static,
        I: IntoIterator<Item = usize>,
    {
        self.setup.cores = Some(Arc::new(move |index| f(index).into_iter().collect()));
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

    /// Has this process print a [dump](crate::dump()) of all its green threads on stderr whenever it gets
    /// a SIGQUIT (`kill -QUIT`, or Ctrl-\\ on a terminal), instead of ending. For as long as it lives,
    /// whatever becomes of this runtime.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::runtime::Builder::new().dump_on_sigquit(true).build()?;
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// The signal's handler only wakes an OS thread, which is there for this alone. Other handlers of
    /// the signal are called, too.
    pub fn dump_on_sigquit(mut self, dumps: bool) -> Self {
        self.dumps_on_sigquit = dumps;
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
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread, that calls it while
    /// [`on_worker_start`](Self::on_worker_start) and what
    /// [`worker_affinity`](Self::worker_affinity) asks for are under way; otherwise never blocks.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no workers at all, for stacks larger than any address space, for cores
    /// that this process may not use, and for a zero byte in the name; the panic of a hook as
    /// `Other`; what the system says when it cannot start an OS thread. Workers that have started are ended, as by dropping the runtime.
    ///
    /// # Panics
    ///
    /// In a process that was forked from one with a runtime.
    #[track_caller]
    pub fn build(&self) -> io::Result<Runtime> {
        fork::check();
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
        if let Err(error) = Class::of(self.stack_size) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error.to_string()));
        }
        let setup = self.setup.ready()?;
        if self.dumps_on_sigquit {
            sigquit::listen()?;
        }
        let (shared, queues) = Shared::new(workers, self.stack_size, self.migrates, setup);
        dump::enlist(&shared);
        // From here on an error drops the runtime, which ends the workers so far.
        let runtime = Runtime { shared, ended: false };
        let beginnings = Beginnings::of(workers);
        for (index, queues) in queues.into_iter().enumerate() {
            start_worker(&runtime.shared, index, queues, &beginnings)?;
        }
        // loom has no time, and so no use for it.
        if NAPS {
            start_monitor(&runtime.shared)?;
        }
        if runtime.shared.setup.has_beginning() {
            unblock(move || beginnings.wait())?;
        }
        Ok(runtime)
    }
}

fn start_worker(
    shared: &Arc<Shared>,
    index: usize,
    queues: Queues,
    beginnings: &Arc<Beginnings>,
) -> io::Result<()> {
    shared.party_enters();
    let (theirs, beginnings) = (shared.clone(), beginnings.clone());
    let work = move || {
        let _ours = OurThread::begin();
        if beginnings.tell(theirs.setup.begin(index)) {
            Worker::run(theirs, index, queues);
        } else {
            theirs.party_leaves();
        }
    };
    let name = shared.setup.thread_name(format_args!("worker-{index}"));
    ThreadBuilder::new().name(name).spawn(work).map(drop).map_err(|error| {
        shared.party_leaves();
        spawn_error(&format!("worker {} of {}", index + 1, shared.remotes.len()), error)
    })
}

fn start_monitor(shared: &Arc<Shared>) -> io::Result<()> {
    let watched = shared.clone();
    shared.party_enters();
    let watch = move || {
        let _ours = OurThread::begin();
        Monitor::run(&watched);
        // It may have put threads there when everybody else had looked for the last time.
        watched.refuse_injected();
        watched.party_leaves();
    };
    let started = ThreadBuilder::new().name(shared.setup.thread_name("monitor")).spawn(watch);
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
