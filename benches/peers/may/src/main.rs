//! The workloads of `cargo xtask bench`, as users of may write them: coroutines, may's locks,
//! and its channels, which are unbounded.
//!
//! Left out: `spawn` and `skynet`, which end in "out of memory" (each coroutine alive has
//! mappings of its own, and the system allows some 65 000), and whatever needs a channel
//! of bounded capacity: `chan_*` (but `chan_unbounded`), `sieve`, `pool_*`, `rw_pairs`. Where
//! one message is in flight at a time, as in round trips, an unbounded channel does the same
//! work (but not in `timers_*`, where receivers are to wait). `latency_busy` and
//! `timer_lateness_busy` never end: a coroutine that yields in a loop starves those that are
//! spawned or woken from outside. `sleepers_100k` dies as `spawn` does. And `select_4` would
//! wait for ever: its `select!` takes values for arms that lose.

#[path = "../../../common/measure.rs"]
#[allow(dead_code, reason = "it serves programs that have more workloads")]
mod measure;

mod core;
mod latency;
mod locks;
mod timers;

use std::process::ExitCode;
use std::time::Duration;

use may::coroutine::JoinHandle;
use may::{go, sync::mpsc};

use measure::{Contender, Options, timed};

/// may has one scheduler, which is global.
struct May;

type Inside = fn(u64) -> Duration;
type Workload = measure::Workload<May, Inside>;

fn main() -> ExitCode {
    measure::main(&[core::ALL, locks::ALL, latency::ALL, timers::ALL])
}

impl Contender for May {
    type Inside = Inside;

    fn start(options: &Options) -> Result<Self, String> {
        if let Some(flag) = options.flags.first() {
            return Err(format!("no option {flag}"));
        }
        may::config().set_workers(options.workers);
        Ok(Self)
    }

    fn run(&self, workload: Self::Inside, operations: u64) -> Duration {
        go!(move || workload(operations)).join().unwrap()
    }
}

fn join_all<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) {
    handles.into_iter().for_each(|handle| drop(handle.join().unwrap()));
}

/// Runs a coroutine for each body; the clock starts when all of them run.
fn all_at_once<F>(bodies: impl ExactSizeIterator<Item = F>) -> Duration
where
    F: FnOnce() + Send + 'static,
{
    let (ready, all_ready) = mpsc::channel();
    let start = |body: F| {
        let ready = ready.clone();
        // One for each, since it has one receiver.
        let (go, going) = mpsc::channel::<()>();
        let handle = go!(move || {
            ready.send(()).unwrap();
            going.recv().unwrap_err();
            body();
        });
        (go, handle)
    };
    let (go, handles): (Vec<_>, Vec<_>) = bodies.map(start).unzip();
    all_ready.iter().take(handles.len()).for_each(drop);
    timed(|| {
        drop(go);
        join_all(handles);
    })
}
