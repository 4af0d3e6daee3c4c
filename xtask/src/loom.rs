//! `cargo xtask loom`: the models under loom, bound by bound.
//!
//! A model that was cut short has proved nothing and still passes, and so has one
//! that was built without the cfg or matched no name. So: loom's own truncating
//! variables are refused, the flags go through `RUSTFLAGS` (which no configuration
//! file overrides), a run of no models fails, and the time limit is outside and fails.

use std::process::Command;
use std::time::Duration;

use crate::cargo::{self, cargo};
use crate::process::{shown, stream};
use crate::{Result, at_least_one};

/// What `cargo xtask test` explores.
pub(crate) const CI_BOUND: u32 = 2;

const CFG: &str = "--cfg sward_loom";
/// With flags of its own the build keeps out of the way of all others.
const BUILD: [&str; 7] =
    ["--target-dir", "target/loom", "--profile", "model", "-p", "sward-loom-tests", "--locked"];
/// Loom ends a model early, and passes it, when one of these is set.
const TRUNCATING: [&str; 2] = ["LOOM_MAX_DURATION", "LOOM_MAX_PERMUTATIONS"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only the models whose name contains this
    filter: Option<String>,
    /// The last preemption bound
    #[arg(long, default_value_t = CI_BOUND, value_name = "N", value_parser = at_least_one())]
    bound: u32,
    /// How long each bound may take
    #[arg(long, default_value_t = 15, value_name = "N")]
    limit_minutes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { filter: None, bound: CI_BOUND, limit_minutes: 15 }
    }
}

pub(crate) fn run(options: &Options) -> Result {
    for name in TRUNCATING {
        if std::env::var_os(name).is_some() {
            return Err(format!("{name} is set: loom would stop early and pass. Unset it").into());
        }
    }
    // Apart from the limit: compiling is not exploring.
    cargo::run(with_cfg(cargo(["test"]).args(BUILD).arg("--no-run")))?;
    for bound in 1..=options.bound {
        explore(options, bound)?;
    }
    Ok(())
}

fn explore(options: &Options, bound: u32) -> Result {
    println!("== loom, at most {bound} preemptions");
    let mut command = cargo(["test"]);
    command.args(BUILD).args(["--", "--nocapture", "--test-threads=1"]).args(&options.filter);
    with_cfg(&mut command)
        .env("LOOM_MAX_PREEMPTIONS", bound.to_string())
        // A model that goes no further has been run at its own bound.
        .env("SWARD_EXPLORED", (bound - 1).to_string());
    let ended = stream(&mut command, Duration::from_secs(60 * options.limit_minutes))?;
    let rerun = shown(&command);
    if !ended.success() {
        return Err(format!("loom at bound {bound}: {}\nrerun: {rerun}", ended.how()).into());
    }
    match models(&ended.stdout) {
        0 => Err(format!("loom at bound {bound}: not one model ran\nrerun: {rerun}").into()),
        models => {
            let seconds = ended.took.as_secs_f64();
            println!("== loom, at most {bound} preemptions: {models} models in {seconds:.1} s");
            Ok(())
        }
    }
}

/// Clippy of the code that only the model build compiles.
pub(crate) fn clippy() -> Command {
    let mut command = cargo(["clippy", "--all-targets"]);
    with_cfg(command.args(BUILD));
    command.args(["--", "-D", "warnings"]);
    command
}

fn with_cfg(command: &mut Command) -> &mut Command {
    command.env("RUSTFLAGS", CFG).env_remove("CARGO_ENCODED_RUSTFLAGS")
}

/// How many tests passed, going by libtest's closing lines.
fn models(stdout: &str) -> usize {
    let results = stdout.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|counts| counts.split(' ').next()?.parse::<usize>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_counted_over_all_binaries() {
        let stdout = "running 2 tests\ntest a ... ok\n\
            test result: ok. 2 passed; 0 failed; 0 ignored\n\
            test result: ok. 10 passed; 0 failed; 1 ignored\n";
        assert_eq!(models(stdout), 12);
        assert_eq!(models("test result: ok. 0 passed; 0 failed\n"), 0);
    }
}
