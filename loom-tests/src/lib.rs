//! Runs a loom model, and then the same model with one part of the protocol taken out,
//! which must fail.
//!
//! Everything here exists only under `--cfg sward_loom`; run it by `cargo xtask loom`.
#![cfg(sward_loom)]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sward_sched::primitive::Mutant;

/// Some mutants fail only after three preemptions; the search for a failure ends with
/// the first, so a higher bound costs little.
const MUTANT_BOUND: &str = "3";

/// A mutant that has not failed by then is a bug in the model, or in the mutant.
const MUTANT_LIMIT: Duration = Duration::from_secs(300);

/// Explores `model` and prints how many executions it took. `test` is the full name of
/// the calling test, by which each of the `mutants` is run in a process of its own
/// (loom may abort on a failure).
///
/// # Panics
///
/// When the model fails, or a mutant passes.
pub fn check(test: &str, mutants: &[Mutant], model: impl Fn() + Send + Sync + 'static) {
    check_up_to(usize::MAX, test, mutants, model);
}

/// As [`check`], for a model too large for more than `bound` preemptions.
///
/// # Panics
///
/// As [`check`].
pub fn check_up_to(
    bound: usize,
    test: &str,
    mutants: &[Mutant],
    model: impl Fn() + Send + Sync + 'static,
) {
    let mutant = std::env::var("SWARD_MUTANT").ok();
    let bound = if mutant.is_none() { bound } else { usize::MAX };
    explore(bound, test, model);
    if mutant.is_none() {
        for mutant in mutants {
            assert!(fails(test, *mutant), "{test}: mutant {mutant:?} was not noticed");
            println!("{test}: mutant {mutant:?} killed");
        }
    }
}

fn explore(at_most: usize, test: &str, model: impl Fn() + Send + Sync + 'static) {
    let executions = Arc::new(AtomicU64::new(0));
    let count = executions.clone();
    let start = Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(at_most).min(at_most));
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!(
        "{test}: {} executions at preemption bound {} in {:.1?}",
        executions.load(Ordering::Relaxed),
        builder.preemption_bound.unwrap_or(at_most),
        start.elapsed()
    );
}

fn fails(test: &str, mutant: Mutant) -> bool {
    let this = std::env::current_exe().expect("the test binary has a path");
    let mut child = Command::new(this)
        .args(["--exact", test])
        .env("SWARD_MUTANT", format!("{mutant:?}"))
        .env("LOOM_MAX_PREEMPTIONS", MUTANT_BOUND)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the test binary can be run again");
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return !status.success();
        }
        if start.elapsed() > MUTANT_LIMIT {
            child.kill().expect("it is our child");
            panic!("{test}: mutant {mutant:?} was still running after {MUTANT_LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
