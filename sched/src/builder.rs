//! [`Builder`]: a green thread with a name or a stack size of its own.

use std::panic::Location;

use crate::current;
use crate::group::Group;
use crate::join::{JoinHandle, LocalJoinHandle};
use crate::launch::{spawn_here, spawn_on};
use crate::runtime;
use crate::scope::{Scope, ScopedJoinHandle};
use crate::thread::Options;
use crate::worker::{Placement, Priority};

/// Makes a green thread that differs from the usual.
///
/// ```
/// # use sward_sched as sward;
/// let handle = sward::Builder::new().name("deep").stack_size(1 << 20).spawn(|| {
///     sward::current().name().map(str::to_owned)
/// });
/// assert_eq!(handle.join().unwrap().as_deref(), Some("deep"));
/// ```
#[derive(Debug, Default)]
#[must_use = "nothing runs before `spawn`"]
pub struct Builder {
    options: Options,
}

impl Builder {
    /// The usual.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::Builder::new().spawn(|| ()).join().unwrap();
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// A name, for messages.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let handle = sward::Builder::new().name("scribe").spawn(|| panic!("no ink"));
    /// assert!(handle.join().unwrap_err().to_string().contains("'scribe'"));
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.rare().name = Some(name.into());
        self
    }

    /// How many bytes of stack the thread can use at least: with its guard of 64 KiB a stack
    /// takes a power of two of address space, and it has no less than
    /// [`MIN_STACK_SIZE`](crate::MIN_STACK_SIZE). Memory is committed as it is touched, so a
    /// large number costs address space only. Stacks are used again for threads that ask for
    /// about as much; those of the runtime's usual size are the fastest to get.
    ///
    /// A thread that needs more than it has ends the process, with a line on stderr that names
    /// it. [`measure_stack`](Self::measure_stack) helps to find out how much is enough.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let deep = sward::Builder::new().stack_size(8 << 20).spawn(|| {
    ///     let large = [1u8; 4 << 20];
    ///     large.iter().map(|&byte| u64::from(byte)).sum::<u64>()
    /// });
    /// assert_eq!(deep.join().unwrap(), 4 << 20);
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.rare().stack_size = Some(bytes);
        self
    }

    /// Lets the thread ask how much of its stack it has used ([`stack_usage`]). It begins some
    /// microseconds later; threads that do not ask for it pay nothing.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let handle = sward::Builder::new().measure_stack(true).spawn(sward::stack_usage);
    /// assert!(handle.join().unwrap().unwrap() < sward::DEFAULT_STACK_SIZE);
    /// ```
    ///
    /// [`stack_usage`]: crate::stack_usage
    pub fn measure_stack(mut self, measure: bool) -> Self {
        self.options.rare().measures_stack = measure;
        self
    }

    /// Where the thread begins; see [`Placement`].
    ///
    /// ```
    /// # use sward_sched as sward;
    /// use sward::Placement;
    ///
    /// sward::run(|| {
    ///     let here = std::thread::current().id();
    ///     let partner = sward::Builder::new()
    ///         .placement(Placement::WithParent)
    ///         .spawn(|| std::thread::current().id());
    ///     assert_eq!(partner.join().unwrap(), here);
    /// });
    /// ```
    pub fn placement(mut self, placement: Placement) -> Self {
        self.options.placement = placement;
        self
    }

    /// How soon the thread gets its turns; see [`Priority`]. Threads of low priority are not
    /// starved: they get at least about one turn of eight where turns are long, fewer where
    /// they are short. Nor are the others by those of high priority: of 33 turns they get one.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let rt = sward::runtime::Builder::new().workers(1).build()?;
    /// let order = rt.run(|| {
    ///     let (now, later) = (sward::Builder::new(), sward::Builder::new());
    ///     let later = later.priority(sward::Priority::Low).spawn(std::time::Instant::now);
    ///     let now = now.priority(sward::Priority::High).spawn(std::time::Instant::now);
    ///     now.join().unwrap() < later.join().unwrap()
    /// });
    /// assert!(order);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = priority;
        self
    }

    /// Gives the thread an OS thread of its own, for libraries that are tied to one: what
    /// blocks it blocks nobody else, and its thread-locals are its own. In all else it is a
    /// green thread. It costs what an OS thread does, and so does waking it.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let (parent, child) = sward::run(|| {
    ///     let alone = sward::Builder::new().dedicated().spawn(|| std::thread::current().id());
    ///     (std::thread::current().id(), alone.join().unwrap())
    /// });
    /// assert_ne!(parent, child);
    /// ```
    ///
    /// Threads that it spawns go where those of its parent do, except by
    /// [`spawn_local`](crate::spawn_local): those stay with it, and its OS thread lasts as
    /// long as they do. Its priority and placement mean nothing. When the OS thread cannot be
    /// started, [`join`](JoinHandle::join) says so.
    pub fn dedicated(mut self) -> Self {
        self.options.is_dedicated = true;
        self
    }

    /// Lets the thread go on on whichever worker has time, as a goroutine does, instead of
    /// on the one that it started on. See [`runtime::Builder::allow_migration`], which does
    /// so for all threads of a runtime.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// // SAFETY: a number is all that this thread holds while it sleeps.
    /// let builder = unsafe { sward::Builder::new().allow_migration() };
    /// let handle = builder.spawn(|| {
    ///     let before = 1;
    ///     sward::time::sleep(std::time::Duration::from_micros(1));
    ///     before + 1
    /// });
    /// assert_eq!(handle.join().unwrap(), 2);
    /// ```
    ///
    /// # Safety
    ///
    /// The contract of [`runtime::Builder::allow_migration`], for this thread.
    ///
    /// [`runtime::Builder::allow_migration`]: crate::runtime::Builder::allow_migration
    pub unsafe fn allow_migration(mut self) -> Self {
        self.options.migrates = true;
        self
    }

    /// Starts the thread, where [`spawn`](crate::spawn()) would.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// assert_eq!(sward::Builder::new().spawn(|| 7).join().unwrap(), 7);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// None here: when there is no memory for the stack at the moment the thread is to
    /// run, [`join`](JoinHandle::join) says so.
    ///
    /// # Panics
    ///
    /// When the global runtime is needed for the first time and cannot be started.
    #[inline]
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let location = Location::caller();
        // Before the worker is looked up: it may block.
        let options = self.options.inheriting();
        // SAFETY: a worker in the thread-local is alive, and nothing here blocks.
        match unsafe { current::worker().as_ref() } {
            Some(worker) => spawn_on(f, worker.runtime(), options, location),
            None => spawn_on(f, runtime::global(), options, location),
        }
    }

    /// Starts a thread of a scope, as [`Scope::spawn`] does.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let text = String::from("borrowed");
    /// let length = sward::scope(|s| {
    ///     let builder = sward::Builder::new().name("reader");
    ///     builder.spawn_scoped(s, || text.len()).join().unwrap()
    /// });
    /// assert_eq!(length, 8);
    /// ```
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        scope.spawn_with(self.options, f)
    }

    /// Starts a child of a group, as [`Group::spawn`] does.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let depths = sward::TaskGroup::new().collect(|group| {
    ///     let deep = sward::Builder::new().name("deep").stack_size(1 << 20);
    ///     deep.spawn_grouped(group, || Ok::<_, ()>(7));
    /// });
    /// assert_eq!(depths.unwrap(), [7]);
    /// ```
    ///
    /// # Blocking
    ///
    /// As [`Group::spawn`].
    ///
    /// # Cancellation
    ///
    /// As [`Group::spawn`].
    ///
    /// # Panics
    ///
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_grouped<'scope, F, T, E>(self, group: &'scope Group<'scope, '_, T, E>, f: F)
    where
        F: FnOnce() -> Result<T, E> + Send + 'scope,
        T: Send + 'scope,
        E: Send + 'scope,
    {
        group.spawn_with(self.options, f);
    }

    /// Starts a thread that need not be `Send`, as [`spawn_local`](crate::spawn_local) does.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// sward::run(|| {
    ///     let counts = std::rc::Rc::new(std::cell::Cell::new(0));
    ///     let theirs = counts.clone();
    ///     let builder = sward::Builder::new().name("counter");
    ///     builder.spawn_local(move || theirs.set(1)).join().unwrap();
    ///     assert_eq!(counts.get(), 1);
    /// });
    /// ```
    ///
    /// It stays on its worker, whatever else the builder or the runtime says.
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Panics
    ///
    /// In an OS thread that is no worker.
    #[inline]
    #[track_caller]
    pub fn spawn_local<F, T>(self, f: F) -> LocalJoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        // As in `spawn`.
        let options = self.options.inheriting();
        // SAFETY: a worker in the thread-local is alive, and nothing here blocks.
        match unsafe { current::worker().as_ref() } {
            Some(worker) => spawn_here(f, worker, options, Location::caller()),
            None => panic!(
                "`spawn_local` starts a green thread on the worker that it is called on, but this \
                 OS thread is no worker: call it in a green thread (`sward::run`), or use `spawn`"
            ),
        }
    }
}
