//! The settings that every scenario runs in: green threads on one worker and on two, and
//! on two between which they migrate; OS threads; and a mixture. And the watch that ends a
//! test that hangs.

// Each test program uses its part of it.
#![allow(dead_code)]

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sward_sched::runtime::{Builder, Runtime};
use sward_sched::{JoinHandle, yield_now};

/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(100);

/// A longer time than any wait in a test that works.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Where the threads of a scenario run.
pub(crate) struct Setting {
    /// None: on OS threads only.
    runtime: Option<Runtime>,
    /// Every second thread is an OS thread.
    mixed: bool,
    spawned: AtomicUsize,
}

/// Runs the scenario on one worker.
pub(crate) fn one_worker(scenario: fn(&Setting)) {
    limited(move || Setting::new(Some(runtime(1)), false).run(scenario));
}

/// Runs the scenario on two workers.
pub(crate) fn two_workers(scenario: fn(&Setting)) {
    limited(move || Setting::new(Some(runtime(2)), false).run(scenario));
}

/// Runs the scenario on two workers whose threads migrate.
pub(crate) fn two_migrating(scenario: fn(&Setting)) {
    limited(move || Setting::new(Some(migrating(2)), false).run(scenario));
}

/// Runs the scenario on OS threads.
pub(crate) fn os_threads(scenario: fn(&Setting)) {
    limited(move || Setting::new(None, false).run(scenario));
}

/// Runs the scenario on two workers and OS threads.
pub(crate) fn mixed(scenario: fn(&Setting)) {
    limited(move || Setting::new(Some(runtime(2)), true).run(scenario));
}

/// One test for each scenario in each setting.
#[allow(unused_macros)]
macro_rules! in_every_setting {
    ($($scenario:ident),+ $(,)?) => {
        in_setting!(one_worker: $($scenario),+);
        in_setting!(two_workers: $($scenario),+);
        in_setting!(two_migrating: $($scenario),+);
        in_setting!(os_threads: $($scenario),+);
        in_setting!(mixed: $($scenario),+);
    };
}

#[allow(unused_macros)]
macro_rules! in_setting {
    ($setting:ident: $($scenario:ident),+) => {
        mod $setting {
            $(
                #[test]
                fn $scenario() {
                    crate::settings::$setting(super::$scenario);
                }
            )+
        }
    };
}

impl Setting {
    fn new(runtime: Option<Runtime>, mixed: bool) -> Self {
        Self { runtime, mixed, spawned: AtomicUsize::new(0) }
    }

    fn run(self, scenario: fn(&Self)) {
        match &self.runtime {
            Some(runtime) => runtime.run(|| scenario(&self)),
            None => scenario(&self),
        }
        if let Some(runtime) = self.runtime {
            assert!(runtime.shutdown(LONG), "the scenario left threads behind");
        }
    }

    /// Starts a thread.
    pub(crate) fn spawn<F, T>(&self, f: F) -> Handle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let number = self.spawned.fetch_add(1, Ordering::Relaxed);
        match &self.runtime {
            Some(runtime) if !(self.mixed && number.is_multiple_of(2)) => {
                Handle::Green(runtime.spawn(f))
            }
            _ => Handle::Os(thread::spawn(f)),
        }
    }

    /// Starts `count` threads that know their number.
    pub(crate) fn spawn_many<F, T>(&self, count: usize, f: F) -> Vec<Handle<T>>
    where
        F: FnOnce(usize) -> T + Clone + Send + 'static,
        T: Send + 'static,
    {
        let start = |i| {
            let f = f.clone();
            self.spawn(move || f(i))
        };
        (0..count).map(start).collect()
    }
}

/// A thread of a scenario.
pub(crate) enum Handle<T> {
    Green(JoinHandle<T>),
    Os(thread::JoinHandle<T>),
}

impl<T> Handle<T> {
    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Self::Green(handle) => handle.is_finished(),
            Self::Os(handle) => handle.is_finished(),
        }
    }

    /// The value, or the panic.
    pub(crate) fn outcome(self) -> thread::Result<T> {
        match self {
            Self::Green(handle) => handle.join().map_err(|error| error.into_panic()),
            Self::Os(handle) => {
                // To join an OS thread would block the worker, for which it may wait.
                until(|| handle.is_finished());
                handle.join()
            }
        }
    }

    /// The value. Goes on with the panic.
    pub(crate) fn join(self) -> T {
        self.outcome().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// The values of all.
pub(crate) fn join_all<T>(handles: impl IntoIterator<Item = Handle<T>>) -> Vec<T> {
    handles.into_iter().map(Handle::join).collect()
}

/// A runtime of its own.
pub(crate) fn runtime(workers: usize) -> Runtime {
    Builder::new().workers(workers).build().expect("a runtime starts")
}

/// A runtime of its own, whose threads migrate.
pub(crate) fn migrating(workers: usize) -> Runtime {
    // SAFETY: the threads of these tests hold nothing across a blocking call that is tied to
    // an OS thread; those that look where they are do it in a function of its own.
    unsafe { Builder::new().allow_migration() }.workers(workers).build().expect("a runtime starts")
}

/// Runs the test on one worker and on two, with threads that stay and threads that migrate.
pub(crate) fn on_every_runtime(test: impl Fn(&Runtime) + Send + 'static) {
    limited(move || {
        for workers in [1, 2] {
            test(&runtime(workers));
            test(&migrating(workers));
        }
    });
}

/// Waits for what another thread does.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        yield_now();
    }
}

/// Lets others run for a while. What they have done by then is not known.
pub(crate) fn settle() {
    let start = Instant::now();
    let mut turns = 0;
    // Beside a busy process each turn of an OS thread may cost a time slice.
    until(|| {
        turns += 1;
        turns > 200 || start.elapsed() > Duration::from_millis(5)
    });
}

/// Runs `test`, which fails when it does not end.
pub(crate) fn limited(test: impl FnOnce() + Send + 'static) {
    let (ended, watch) = mpsc::channel();
    let body = thread::spawn(move || {
        test();
        ended.send(()).expect("the watch waits");
    });
    if watch.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("the test hangs");
    }
    if let Err(panic) = body.join() {
        resume_unwind(panic);
    }
}
