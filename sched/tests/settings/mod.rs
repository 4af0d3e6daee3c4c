//! What the tests of the scheduler have in common: runtimes, the watch that ends a test that
//! hangs, and ways to wait for what others do.

// Each test program uses its part of it.
#![allow(dead_code)]

use std::hint::black_box;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use sward_sched::runtime::{Builder, Runtime};
use sward_sched::{JoinHandle, park, yield_now};

/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(100);

/// A longer time than any wait in a test that works.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A runtime whose threads stay where they started.
pub(crate) fn runtime(workers: usize) -> Runtime {
    Builder::new().workers(workers).build().expect("a runtime starts")
}

/// A runtime whose threads migrate.
pub(crate) fn migrating(workers: usize) -> Runtime {
    // SAFETY: the threads of these tests hold nothing across a blocking call that is tied to
    // an OS thread; `os_thread` is the only use of a thread-local, and not inlined.
    unsafe { Builder::new().allow_migration() }.workers(workers).build().expect("a runtime starts")
}

/// A green thread that migrates, whatever its runtime's others do.
pub(crate) fn migrates() -> sward_sched::Builder {
    // SAFETY: as in `migrating`.
    unsafe { sward_sched::Builder::new().allow_migration() }
}

/// The OS thread that this is called on.
#[inline(never)]
pub(crate) fn os_thread() -> ThreadId {
    black_box(thread::current().id())
}

/// Whether std counts a panic on this OS thread.
#[inline(never)]
pub(crate) fn panicking() -> bool {
    black_box(thread::panicking())
}

/// Waits for what another thread does.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        yield_now();
    }
}

/// Waits for what another thread does, and keeps this OS thread meanwhile.
pub(crate) fn hog_until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::hint::spin_loop();
    }
}

/// A number that several threads count up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::AcqRel)
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// What counts its end.
    pub(crate) fn on_drop(&self) -> Counted {
        Counted(self.clone())
    }
}

/// Counts one when it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(Count);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.add();
    }
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

/// Names what the process that [`in_child`] starts is to do.
const CHILD: &str = "SWARD_TEST_CHILD";

/// Whether this process is one that [`in_child`] has started.
pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test called `test` of this program again, alone, in a process of its own where
/// [`is_child`]. The process is killed when it hangs.
pub(crate) fn in_child(test: &str) -> std::process::Output {
    let program = std::env::current_exe().expect("the test program has a path");
    let mut command = std::process::Command::new(program);
    command.args(["--exact", test, "--nocapture"]).env(CHILD, "1");
    output(command)
}

/// The output of `command`, which is killed when it hangs.
pub(crate) fn output(mut command: std::process::Command) -> std::process::Output {
    use std::process::Stdio;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What these programs leave behind, they leave on purpose.
    command.env("ASAN_OPTIONS", "detect_leaks=0");
    let child = command.spawn().expect("the program runs");
    let pid = child.id();
    let (ended, watch) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let output = child.wait_with_output().expect("it is our child");
        ended.send(()).expect("the watch waits");
        output
    });
    if watch.recv_timeout(LIMIT).is_err() {
        let _ = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
        panic!("the child process hangs");
    }
    waiting.join().expect("it has sent its word")
}

/// Runs `test` in both modes, on one worker and on several.
pub(crate) fn everywhere(test: fn(&Runtime)) {
    limited(move || {
        for workers in [1, 2, 4] {
            test(&runtime(workers));
            test(&migrating(workers));
        }
    });
}

/// A thread that has begun, and counts its end.
pub(crate) fn begun(
    rt: &Runtime,
    end: &Count,
    f: impl FnOnce() + Send + 'static,
) -> JoinHandle<()> {
    let (begun, counted) = (Count::default(), end.on_drop());
    let thread = rt.spawn({
        let begun = begun.clone();
        move || {
            let _counted = counted;
            begun.add();
            f();
        }
    });
    until(|| begun.get() == 1);
    thread
}

/// Waits for what never comes.
pub(crate) fn forever() {
    loop {
        park();
    }
}
