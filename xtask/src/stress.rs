//! `cargo xtask stress`: every test binary many times over.
//!
//! Three circumstances bring out what one quiet run does not: plain; all threads on one
//! CPU, where a thread may lose it between any two instructions; and beside busy loops,
//! where workers run late and at odds with each other.
//!
//! `cargo xtask stress channels` and `.. deadlock`: programs of their own, in the same circumstances
//! (`program.rs`).

mod program;

use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::cargo::{self, Binary, cargo};
use crate::process::{Ended, capture, shown};
use crate::test::TRACING_TESTS;
use crate::{Result, at_least_one};

const LIMIT: Duration = Duration::from_secs(120);
/// Packages without a test that gains by being repeated.
const LEFT_OUT: [&str; 3] =
    ["--exclude=sward-loom-tests", "--exclude=sward-stress-tests", "--exclude=xtask"];

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    program: Option<Program>,
    /// Only the tests whose name contains this
    filter: Option<String>,
    /// How often each binary runs in each circumstance
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = at_least_one())]
    runs: u32,
}

/// What is no test binary.
#[derive(clap::Subcommand)]
enum Program {
    /// All channel operations at random, from threads of all kinds, with a seed
    Channels(program::Options),
    /// Programs that wait, but not for ever, and must not be taken for a deadlock
    Deadlock(program::Options),
}

#[derive(Clone, Copy, PartialEq)]
enum Circumstance {
    Plain,
    Pinned,
    Busy,
}

impl Circumstance {
    const ALL: [Self; 3] = [Self::Plain, Self::Pinned, Self::Busy];

    /// Those that there are on this machine.
    fn possible() -> Vec<Self> {
        let pinning = Command::new("taskset").arg("--version").output().is_ok();
        if !pinning {
            println!("no taskset here: the runs on one CPU are left out");
        }
        Self::ALL.into_iter().filter(|it| pinning || *it != Self::Pinned).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Pinned => "one CPU",
            Self::Busy => "busy",
        }
    }

    /// A command that runs `program` in it.
    fn command(self, program: &Path) -> Command {
        match self {
            Self::Plain | Self::Busy => Command::new(program),
            Self::Pinned => {
                let mut command = Command::new("taskset");
                command.args(["-c", "0"]).arg(program);
                command
            }
        }
    }

    /// What is beside it.
    fn load(self) -> Option<Load> {
        (self == Self::Busy).then(Load::new)
    }
}

pub(crate) fn run(options: &Options) -> Result {
    match &options.program {
        Some(Program::Channels(options)) => return program::run("sward-stress-tests", options),
        Some(Program::Deadlock(options)) => return program::run("sward-stress-deadlock", options),
        None => {}
    }
    let binaries = with_tests(test_binaries()?, options)?;
    if binaries.is_empty() {
        return Err("no test has such a name".into());
    }
    let circumstances = Circumstance::possible();
    println!("{:32} {:8} {:>6} {:>8} {:>8}", "binary", "", "runs", "failures", "s/run");
    let mut failures = 0;
    for binary in &binaries {
        for circumstance in &circumstances {
            let _load = circumstance.load();
            failures += stress(binary, *circumstance, options)?;
        }
    }
    match failures {
        0 => Ok(()),
        failures => Err(format!("{failures} runs failed").into()),
    }
}

fn test_binaries() -> Result<Vec<Binary>> {
    let packages = ["test", "--workspace", "--locked"].into_iter().chain(LEFT_OUT);
    let build = |targets: &[&'static str]| {
        let targets = targets.iter().copied().chain(["--no-run"]);
        cargo::binaries(&mut cargo(packages.clone().chain(targets)))
    };
    let mut binaries = build(&["--lib", "--tests"])?;
    binaries.extend(build(&TRACING_TESTS)?);
    Ok(binaries)
}

/// Keeps the binaries that have a test of the wanted name.
fn with_tests(mut binaries: Vec<Binary>, options: &Options) -> Result<Vec<Binary>> {
    let mut found = Vec::new();
    for binary in binaries.drain(..) {
        let mut command = Command::new(&binary.path);
        let list = command.args(&options.filter).arg("--list").output()?;
        if String::from_utf8_lossy(&list.stdout).lines().any(|line| line.ends_with(": test")) {
            found.push(binary);
        }
    }
    Ok(found)
}

/// Runs one binary in one circumstance; returns the number of failures.
fn stress(binary: &Binary, circumstance: Circumstance, options: &Options) -> Result<usize> {
    let mut command = circumstance.command(&binary.path);
    command.args(&options.filter).current_dir(&binary.package);
    command.env("CARGO_MANIFEST_DIR", &binary.package);
    let mut failures = 0;
    let mut total = Duration::ZERO;
    for run in 1..=options.runs {
        let ended = capture(&mut command, LIMIT)?;
        total += ended.took;
        if !ended.success() {
            failures += 1;
            report(&command, run, &ended);
        }
    }
    let package = binary.package.file_name().unwrap_or_default().display();
    println!(
        "{:32} {:8} {:6} {failures:8} {:8.3}",
        format!("{package}: {} ({})", binary.name, binary.kind),
        circumstance.name(),
        options.runs,
        (total / options.runs).as_secs_f64(),
    );
    Ok(failures)
}

fn report(command: &Command, run: u32, ended: &Ended) {
    println!("---- run {run} failed ({}): {}", ended.how(), shown(command));
    println!("{}{}----", ended.stdout, ended.stderr);
}

/// OS threads that keep every CPU busy until dropped.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn new() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let cpus = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = (0..cpus).map(|_| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        });
        Self { threads: threads.collect(), stop }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a busy loop does not panic");
        }
    }
}
