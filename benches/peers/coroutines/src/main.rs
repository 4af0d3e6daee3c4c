//! The workloads of `cargo xtask bench` that are about coroutines: over corosensei, with
//! `--reused` with one stack for all that come after each other, with `--generator` over the
//! crate of that name.
//!
//! Left out: `coroutine_1m` and its bytes. Each stack of either is two mappings, and the system
//! allows a process some 65 000. And `coroutine_transfer`: all that their coroutines can do is to
//! go back to whoever resumed them, which is `coroutine_resume`.

#![forbid(unsafe_code)]

#[path = "../../../common/measure.rs"]
#[allow(dead_code, reason = "it serves programs that have more workloads")]
mod measure;

mod corosensei;
mod generator;

use std::process::ExitCode;
use std::time::Duration;

use measure::{Contender, Options};

/// There is nothing to start.
struct Coroutines;

type Inside = fn(u64) -> Duration;
type Workload = measure::Workload<Coroutines, Inside>;

fn main() -> ExitCode {
    let has = |flag| std::env::args().any(|arg| arg == flag);
    if has("--reused") {
        return measure::main(&[corosensei::REUSED]);
    }
    if has("--generator") {
        return measure::main(&[generator::ALL]);
    }
    measure::main(&[corosensei::ALL])
}

impl Contender for Coroutines {
    type Inside = Inside;

    fn start(options: &Options) -> Result<Self, String> {
        let known = ["--reused", "--generator"];
        if let Some(flag) = options.flags.iter().find(|flag| !known.contains(&flag.as_str())) {
            return Err(format!("no option {flag}"));
        }
        Ok(Self)
    }

    fn run(&self, workload: Self::Inside, operations: u64) -> Duration {
        workload(operations)
    }
}
