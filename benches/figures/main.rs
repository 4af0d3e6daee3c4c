//! One figure a line, for `cargo xtask bench` to set beside other runtimes':
//! `figures [--workers N] [--migrate] [WORKLOAD]…`. What is printed, and how it is
//! measured, is in `../common/measure.rs`; `../peers` has the same workloads as the users
//! of other runtimes would write them.

#![deny(unsafe_code)]

#[path = "../common/measure.rs"]
mod measure;
#[path = "../common/os_threads.rs"]
mod os_threads;

mod cancel;
mod channels;
mod core;
mod coroutines;
mod latency;
mod locks;
mod os_channels;
mod placement;
mod stacks;
mod timers;

use std::process::ExitCode;
use std::time::Duration;

use sward::runtime::Builder;
use sward::{JoinHandle, Runtime, chan, spawn};

use measure::{Contender, Options, timed};

struct Sward {
    runtime: Runtime,
    workers: usize,
}

type Inside = fn(u64) -> Duration;
type Workload = measure::Workload<Sward, Inside>;

fn main() -> ExitCode {
    measure::main(&[
        core::ALL,
        locks::ALL,
        channels::ALL,
        os_channels::ALL,
        placement::ALL,
        latency::ALL,
        cancel::ALL,
        stacks::ALL,
        timers::ALL,
        coroutines::ALL,
    ])
}

impl Contender for Sward {
    type Inside = Inside;

    fn start(options: &Options) -> Result<Self, String> {
        let mut builder = Builder::new().workers(options.workers);
        for flag in &options.flags {
            builder = match flag.as_str() {
                "--migrate" => allow_migration(builder),
                _ => return Err(format!("no option {flag}")),
            };
        }
        let runtime = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { runtime, workers: options.workers })
    }

    fn run(&self, workload: Self::Inside, operations: u64) -> Duration {
        self.runtime.run(|| workload(operations))
    }
}

#[allow(unsafe_code, reason = "the one thing of sward that its users must promise something for")]
fn allow_migration(builder: Builder) -> Builder {
    // SAFETY: what the workloads hold across blocking calls are numbers, and handles of
    // sward's, which belong to no OS thread.
    unsafe { builder.allow_migration() }
}

fn join_all<T: 'static>(handles: impl IntoIterator<Item = JoinHandle<T>>) {
    handles.into_iter().for_each(|handle| drop(handle.join().unwrap()));
}

/// Runs a green thread for each body; the clock starts when all of them run.
fn all_at_once<F>(bodies: impl ExactSizeIterator<Item = F>) -> Duration
where
    F: FnOnce() + Send + 'static,
{
    let (ready, all_ready) = chan::bounded(bodies.len());
    let (go, going) = chan::bounded::<()>(0);
    let start = |body: F| {
        let (ready, going) = (ready.clone(), going.clone());
        spawn(move || {
            ready.send(()).unwrap();
            // Closed when all are to go.
            going.recv().unwrap_err();
            body();
        })
    };
    let handles: Vec<_> = bodies.map(start).collect();
    all_ready.iter().take(handles.len()).for_each(drop);
    timed(|| {
        drop(go);
        join_all(handles);
    })
}
