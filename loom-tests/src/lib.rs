//! Runs a loom model, and then the same model with one part of the protocol taken out,
//! which must fail.
//!
//! Everything here exists only under `--cfg sward_loom`; run it by `cargo xtask loom`.
#![cfg(sward_loom)]

pub mod channel;
pub mod task;
mod values;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sward_sched::Runtime;
use sward_sched::primitive::Mutant;
use sward_sched::runtime::Builder;

pub use self::values::{Tally, Value};

/// A mutant that has not ended by then, nor in [`TIMES`] as long as the whole model took, hangs: a
/// list that it has torn, for one, may have become a ring. It has been noticed then.
const MUTANT_LIMIT: Duration = Duration::from_secs(20);

/// A mutant that does no harm takes about as long as the whole model.
const TIMES: u32 = 20;

/// Whether the threads of a model's runtime are sticky or migrate: what others do with one that
/// waits differs.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// They stay: their worker is told what is to be done with them.
    Sticky,
    /// Whoever has to do with one takes it, or holds it.
    Migrating,
}

/// A runtime of one worker.
///
/// # Panics
///
/// When it cannot be started.
pub fn runtime(mode: Mode) -> Runtime {
    let builder = Builder::new().workers(1);
    let builder = match mode {
        Mode::Sticky => builder,
        // SAFETY: nothing in the models is tied to an OS thread.
        Mode::Migrating => unsafe { builder.allow_migration() },
    };
    builder.build().expect("a runtime starts")
}

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

/// As [`check`], for a model too large for more than `at_most` preemptions.
///
/// # Panics
///
/// As [`check`].
pub fn check_up_to(
    at_most: usize,
    test: &str,
    mutants: &[Mutant],
    model: impl Fn() + Send + Sync + 'static,
) {
    if at_most > 0 && explored() >= at_most {
        println!("{test}: not beyond preemption bound {at_most}, which has been run");
        return;
    }
    let start = Instant::now();
    let bound = explore(at_most, test, model);
    let limit = MUTANT_LIMIT + TIMES * start.elapsed();
    let is_mutant = std::env::var_os("SWARD_MUTANT").is_some();
    // At the very bound at which the whole model has just passed, so that nothing but the
    // mutant can be what fails. Some need two preemptions to show.
    if !is_mutant && (bound >= 2 || bound == at_most) {
        for mutant in mutants {
            assert!(fails(test, *mutant, limit), "{test}: mutant {mutant:?} was not noticed");
            println!("{test}: mutant {mutant:?} killed");
        }
    }
}

/// Up to which bound `cargo xtask loom` has just run all models.
fn explored() -> usize {
    std::env::var("SWARD_EXPLORED").ok().and_then(|bound| bound.parse().ok()).unwrap_or(0)
}

/// Returns the number of preemptions that it allowed.
fn explore(at_most: usize, test: &str, model: impl Fn() + Send + Sync + 'static) -> usize {
    let executions = Arc::new(AtomicU64::new(0));
    let count = executions.clone();
    let start = Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    let bound = builder.preemption_bound.unwrap_or(at_most).min(at_most);
    builder.preemption_bound = Some(bound);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!(
        "{test}: {} executions at preemption bound {bound} in {:.1?}",
        executions.load(Ordering::Relaxed),
        start.elapsed()
    );
    bound
}

fn fails(test: &str, mutant: Mutant, limit: Duration) -> bool {
    let this = std::env::current_exe().expect("the test binary has a path");
    let mut child = Command::new(this)
        .args(["--exact", test])
        .env("SWARD_MUTANT", format!("{mutant:?}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the test binary can be run again");
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return !status.success();
        }
        if start.elapsed() > limit {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            println!("{test}: mutant {mutant:?} hangs");
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
