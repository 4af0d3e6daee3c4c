//! How the OS threads of a runtime are set up: their names, the cores that its workers run on,
//! and what the user wants done where a worker starts and stops.
//!
//! 1. A worker has *begun* when its cores are set and the start hook has returned; `build` waits
//!    for that, and fails if one has not. The stop hook is called on those that have begun, and no
//!    others.
//! 2. Hooks are called on the worker's OS thread while it is no worker: what blocks there blocks
//!    the OS thread.
//! 3. OS threads inherit the cores of whoever starts them. So those that workers start for
//!    other purposes leave them ([`Setup::leave_cores`]).

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::affinity::Cores;
use crate::error::panic_message;
use crate::fork;
use crate::primitive::{Condvar, Mutex};
use crate::report::report;

type Hook = Arc<dyn Fn(usize) + Send + Sync>;
type CoresOf = Arc<dyn Fn(usize) -> Vec<usize> + Send + Sync>;

/// What a runtime's builder was told of its OS threads.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) name: String,
    pub(crate) on_start: Option<Hook>,
    pub(crate) on_stop: Option<Hook>,
    pub(crate) cores: Option<CoresOf>,
    /// The cores of all that are no workers, if `cores` is given.
    others: Option<Cores>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { name: "sward".to_owned(), on_start: None, on_stop: None, cores: None, others: None }
    }
}

impl Setup {
    /// The same, about to be used by the calling OS thread.
    pub(crate) fn ready(&self) -> io::Result<Arc<Self>> {
        if self.name.contains('\0') {
            let message = "the name of an OS thread cannot contain a zero byte";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let others = if self.cores.is_some() { Some(Cores::current()?) } else { None };
        Ok(Arc::new(Self { others, ..self.clone() }))
    }

    /// The name of an OS thread.
    pub(crate) fn thread_name(&self, of: impl fmt::Display) -> String {
        format!("{}-{of}", self.name)
    }

    /// Whether a worker may fail to begin, or is to be waited for until it has.
    pub(crate) fn has_beginning(&self) -> bool {
        self.on_start.is_some() || self.cores.is_some()
    }

    /// On the OS thread of worker `index`, before anything else.
    pub(crate) fn begin(&self, index: usize) -> io::Result<()> {
        let begin = || {
            if let Some(cores) = &self.cores {
                Cores::from_numbers(cores(index))?.apply()?;
            }
            if let Some(hook) = &self.on_start {
                hook(index);
                fork::check_return();
            }
            io::Result::Ok(())
        };
        let panicked = |payload: Box<dyn Any + Send>| {
            let message = panic_message(payload.as_ref()).unwrap_or("no message").to_owned();
            let error = io::Error::other(format!("a hook of the builder panicked: {message}"));
            forget_if_it_panics(payload);
            Err(error)
        };
        let begun = catch_unwind(AssertUnwindSafe(begin)).unwrap_or_else(panicked);
        begun.map_err(|error| {
            io::Error::new(error.kind(), format!("worker {index} could not begin: {error}"))
        })
    }

    /// There too, after everything else.
    pub(crate) fn end(&self, index: usize) {
        let Some(hook) = &self.on_stop else { return };
        let hook = |index| {
            hook(index);
            fork::check_return();
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| hook(index))) {
            // std's hook has said what and where.
            report(format_args!("  in the stop hook of worker {index}; it ends nevertheless"));
            forget_if_it_panics(payload);
        }
    }

    /// The calling OS thread was started by a worker, but is none.
    pub(crate) fn leave_cores(&self) {
        if let Some(others) = &self.others {
            // It was the builder's own set, and may have shrunk since: then it stays as it is.
            let _ = others.apply();
        }
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("name", &self.name)
            .field("on_start", &self.on_start.is_some())
            .field("on_stop", &self.on_stop.is_some())
            .field("cores", &self.cores.is_some())
            .finish_non_exhaustive()
    }
}

fn forget_if_it_panics(payload: Box<dyn Any + Send>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
}

/// Who has begun, for `build` to wait for.
#[derive(Debug)]
pub(crate) struct Beginnings {
    state: Mutex<(usize, Option<io::Error>)>,
    told: Condvar,
}

impl Beginnings {
    pub(crate) fn of(workers: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new((workers, None)), told: Condvar::new() })
    }

    /// Whether the worker has begun.
    pub(crate) fn tell(&self, begun: io::Result<()>) -> bool {
        let mut state = self.state.lock();
        state.0 -= 1;
        let has_begun = begun.is_ok();
        if let Err(error) = begun {
            state.1.get_or_insert(error);
        }
        drop(state);
        self.told.notify_all();
        has_begun
    }

    /// Waits for all, and says why one has not begun.
    pub(crate) fn wait(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        while state.0 > 0 {
            self.told.wait(&mut state);
        }
        state.1.take().map_or(Ok(()), Err)
    }
}
