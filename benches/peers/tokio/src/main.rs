//! The workloads of `cargo xtask bench`, as users of tokio write them: tasks instead of
//! threads, and of tokio's own channels `mpsc`, which has no capacity 0 (it gets 1) and
//! one receiver; jobs for several are on kanal's.
//!
//! With `--kanal` or `--flume`, the workloads about channels, on theirs.

#![forbid(unsafe_code)]

#[path = "../../../common/measure.rs"]
mod measure;

mod cancel;
mod channels;
mod core;
mod families;
mod latency;
mod locks;
mod own_channels;
mod placement;
mod stacks;
mod timers;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use channels::{Selected, Shared, Single};
use families::{Flume, Kanal, Mpsc};
use measure::{Contender, Options};

struct Tokio {
    runtime: Runtime,
    workers: usize,
}

type Inside = fn(u64) -> Pin<Box<dyn Future<Output = Duration> + Send>>;
type Workload = measure::Workload<Tokio, Inside>;

fn main() -> ExitCode {
    let has = |flag| std::env::args().any(|arg| arg == flag);
    if has("--kanal") {
        return measure::main(&[Kanal::SINGLE, Kanal::SHARED]);
    }
    if has("--flume") {
        return measure::main(&[Flume::SINGLE, Flume::SHARED, Flume::SELECTED]);
    }
    measure::main(&[
        core::ALL,
        locks::ALL,
        Mpsc::SINGLE,
        Mpsc::SELECTED,
        own_channels::ALL,
        placement::ALL,
        latency::ALL,
        cancel::ALL,
        stacks::ALL,
        timers::ALL,
    ])
}

impl Contender for Tokio {
    type Inside = Inside;

    fn start(options: &Options) -> Result<Self, String> {
        let known = ["--kanal", "--flume"];
        if let Some(flag) = options.flags.iter().find(|flag| !known.contains(&flag.as_str())) {
            return Err(format!("no option {flag}"));
        }
        let runtime =
            Builder::new_multi_thread().worker_threads(options.workers).enable_time().build();
        Ok(Self { runtime: runtime.map_err(|error| error.to_string())?, workers: options.workers })
    }

    /// In a task of its own: what `block_on` itself runs is not on a worker.
    fn run(&self, workload: Self::Inside, operations: u64) -> Duration {
        self.runtime.block_on(self.runtime.spawn(workload(operations))).unwrap()
    }
}

async fn join_all<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) {
    for handle in handles {
        handle.await.unwrap();
    }
}

/// Runs a task for each body; the clock starts when all of them run.
async fn all_at_once<F>(bodies: impl ExactSizeIterator<Item = F> + Send) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    let (ready, mut all_ready) = mpsc::channel(bodies.len());
    let (go, going) = watch::channel(false);
    let start = |body: F| {
        let (ready, mut going) = (ready.clone(), going.clone());
        tokio::spawn(async move {
            ready.send(()).await.unwrap();
            going.wait_for(|&go| go).await.unwrap();
            body.await;
        })
    };
    let handles: Vec<_> = bodies.map(start).collect();
    for _ in &handles {
        all_ready.recv().await.unwrap();
    }
    let start = Instant::now();
    go.send(true).unwrap();
    join_all(handles).await;
    start.elapsed()
}
