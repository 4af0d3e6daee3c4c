//! `cargo xtask test`: everything that must hold before a commit.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cargo::{self, Binary, cargo};
use crate::process::{capture, shown};
use crate::{Result, examples, loom, primitives};

/// The doctests and the tests of one build share their flags, so that nothing is
/// compiled twice; the models are built with a cfg and have a step of their own.
const NO_MODELS: [&str; 4] = ["--workspace", "--exclude", "sward-loom-tests", "--locked"];

/// What the feature `tracing` adds; the rest is built, and tested, without it.
pub(crate) const TRACING_TESTS: [&str; 6] =
    ["--features", "tracing", "--test", "spans", "--test", "no_subscriber"];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these steps
    steps: Vec<String>,
}

/// A step: its name, how to run it alone, and what it does.
struct Step {
    name: &'static str,
    rerun: String,
    run: Box<dyn Fn() -> Result>,
}

pub(crate) fn run(options: &Options) -> Result {
    let steps = chosen(steps(), &options.steps)?;
    let mut passed = Vec::new();
    for Step { name, rerun, run } in steps {
        println!("\n== {name}: {rerun}");
        let start = Instant::now();
        let result = run();
        let seconds = start.elapsed().as_secs_f64();
        if let Err(error) = result {
            summary(&passed);
            println!("{name:14} {seconds:8.1} s  FAILED: {error}");
            println!("\nstep `{name}` failed; to run it alone: cargo xtask test {name}");
            println!("{} passed, 1 failed", passed.len());
            std::process::exit(1);
        }
        passed.push((name, seconds));
    }
    summary(&passed);
    println!("{} passed, 0 failed", passed.len());
    Ok(())
}

/// Those of the steps that are named, or all.
fn chosen(mut steps: Vec<Step>, names: &[String]) -> Result<Vec<Step>> {
    if let Some(name) = names.iter().find(|name| steps.iter().all(|step| step.name != **name)) {
        let known: Vec<_> = steps.iter().map(|step| step.name).collect();
        return Err(format!("no step `{name}`; there are: {}", known.join(", ")).into());
    }
    steps.retain(|step| names.is_empty() || names.iter().any(|name| step.name == name));
    Ok(steps)
}

fn summary(passed: &[(&str, f64)]) {
    println!("\n== summary");
    for (name, seconds) in passed {
        println!("{name:14} {seconds:8.1} s  ok");
    }
}

fn steps() -> Vec<Step> {
    let mut docs = cargo(["doc", "--workspace", "--no-deps", "--locked"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    vec![
        command("format", cargo(["fmt", "--all", "--check"])),
        Step {
            name: "primitives",
            rerun: "as xtask/src/primitives.rs says".to_owned(),
            run: Box::new(primitives::check),
        },
        command(
            "clippy",
            cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        ),
        command("tracing-clippy", tracing_clippy()),
        command("loom-clippy", loom::clippy()),
        Step {
            name: "tests",
            rerun: shown(&unit_and_integration_tests()),
            run: Box::new(|| {
                // Integration tests run the examples as programs; `--examples` below
                // builds only the tests in them.
                cargo::run(&mut build_examples())?;
                cargo::run(&mut unit_and_integration_tests())
            }),
        },
        // All packages but few targets: so the dependencies are the ones built above.
        command("tracing", cargo(["test"].into_iter().chain(NO_MODELS).chain(TRACING_TESTS))),
        command("doctests", cargo(["test", "--doc"].into_iter().chain(NO_MODELS))),
        Step {
            name: "examples",
            rerun: "each as the table in xtask/src/examples.rs says".to_owned(),
            run: Box::new(|| examples::run(&built_examples()?)),
        },
        Step { name: "panic-abort", rerun: shown(&aborting_program()), run: Box::new(panic_abort) },
        command(
            "benches",
            cargo(["test", "--bench", "*"].into_iter().chain(NO_MODELS).chain(["--", "--test"])),
        ),
        Step {
            name: "loom",
            rerun: "cargo xtask loom".to_owned(),
            run: Box::new(|| loom::run(&loom::Options::default())),
        },
        command("docs", docs),
    ]
}

fn command(name: &'static str, command: Command) -> Step {
    let rerun = shown(&command);
    let command = std::cell::RefCell::new(command);
    Step { name, rerun, run: Box::new(move || cargo::run(&mut command.borrow_mut())) }
}

/// `--lib` of all packages: what stands on `sched` is to build with the feature, too.
fn tracing_clippy() -> Command {
    let words = ["clippy"].into_iter().chain(NO_MODELS).chain(["--lib"]).chain(TRACING_TESTS);
    cargo(words.chain(["--", "-D", "warnings"]))
}

fn unit_and_integration_tests() -> Command {
    let targets = ["--lib", "--bins", "--tests", "--examples"];
    cargo(["test"].into_iter().chain(NO_MODELS).chain(targets))
}

fn aborting_program() -> Command {
    let words = ["build", "--package", "sward-sched", "--example", "panic_abort"];
    cargo(words.into_iter().chain(["--profile", "abort", "--locked"]))
}

/// A runtime that can unwind nothing leaves what waits, and says so; a panic ends the process.
fn panic_abort() -> Result {
    const LIMIT: Duration = Duration::from_secs(60);
    let programs = cargo::binaries(&mut aborting_program())?;
    let program = &programs.first().ok_or("it was not built")?.path;
    let ended = capture(&mut Command::new(program), LIMIT)?;
    let reports = ended.stderr.matches("did not shut down in time: 1 of its").count();
    if !ended.success() || !ended.stdout.contains("aborting") || reports != 2 {
        return Err(format!("{}\n{}{}", ended.how(), ended.stdout, ended.stderr).into());
    }
    let ended = capture(Command::new(program).arg("panic"), LIMIT)?;
    if ended.status.is_none_or(|status| status.signal() != Some(SIGABRT)) {
        return Err(format!("after a panic: {}\n{}", ended.how(), ended.stdout).into());
    }
    Ok(())
}

/// What `abort` raises.
const SIGABRT: i32 = 6;

fn build_examples() -> Command {
    cargo(["build", "--examples"].into_iter().chain(NO_MODELS))
}

fn built_examples() -> Result<Vec<Binary>> {
    let mut binaries = cargo::binaries(&mut build_examples())?;
    binaries.retain(|binary| binary.kind == "example");
    Ok(binaries)
}
