//! `cargo xtask sanitize`: sward under the thread and the address sanitizer.
//!
//! Both are compiler flags that are not stable, and std stays as it was built. So the thread
//! sanitizer is given a plain program (`sanitizer-tests`), which has its own words on that;
//! the address sanitizer the tests of `sched`, `chan`, `sync`, `coroutine` and the facade as well. Each must find
//! out the canary that is there for it, or the run has proved nothing.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::cargo::{self, Binary, cargo};
use crate::process::{capture, shown};

const TARGET: &str = "x86_64-unknown-linux-gnu";
const LIMIT: Duration = Duration::from_secs(300);
/// Tests that stand where the sanitizer does: between a program and its OS threads or faults; those
/// that count mappings and memory, of which it has its own; that of programs that are not built; and
/// that of programs whose threads never end, so that what they have is never freed.
const LEFT_OUT: [&str; 6] = ["os_threads", "overflow", "cycles", "stacks", "wordcount", "deadlock"];
const PROGRAM: &str = "sward-sanitizer-tests";

#[derive(Clone, Copy, clap::ValueEnum)]
enum Sanitizer {
    Thread,
    Address,
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this one
    #[arg(value_enum)]
    sanitizer: Option<Sanitizer>,
}

impl Sanitizer {
    fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Address => "address",
        }
    }

    /// How it is told of, and the program that it must accuse, and of what.
    fn flags(self) -> &'static str {
        match self {
            // A stack of calls of its own would be torn by our switches: it keeps none.
            Self::Thread => {
                "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer \
                 -Cllvm-args=-tsan-instrument-func-entry-exit=0 --cfg crossbeam_sanitize_thread"
            }
            Self::Address => "-Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer",
        }
    }

    fn canary(self) -> (&'static str, &'static str) {
        match self {
            Self::Thread => ("canary_race", "data race"),
            Self::Address => ("canary_free", "heap-use-after-free"),
        }
    }

    /// A build of `words` under it.
    fn build(self, words: &[&str]) -> Command {
        let folder = Path::new("target/sanitize").join(self.name());
        let mut command = cargo(words.iter().copied());
        command.args(["--locked", "--target", TARGET, "--target-dir"]).arg(folder);
        // It takes an unstable flag; the compiler is the one that builds everything else.
        command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", self.flags());
        command.env_remove("CARGO_ENCODED_RUSTFLAGS");
        if let Self::Address = self {
            // It must be told of our stacks.
            command.args(["--features", "corosensei/sanitizer"]);
        }
        command
    }
}

pub(crate) fn run(options: &Options) -> Result {
    let all = [Sanitizer::Thread, Sanitizer::Address];
    for sanitizer in options.sanitizer.map_or(all.to_vec(), |it| vec![it]) {
        println!("== {} sanitizer", sanitizer.name());
        run_program(sanitizer)?;
        if let Sanitizer::Address = sanitizer {
            run_tests(sanitizer)?;
        }
    }
    Ok(())
}

fn run_program(sanitizer: Sanitizer) -> Result {
    let mut build = sanitizer.build(&["build", "-p", PROGRAM, "-p", "sward-sched"]);
    let programs = cargo::binaries(&mut build)?;
    let program = programs.iter().find(|it| it.name == PROGRAM).ok_or("it was not built")?;
    let listed = capture(Command::new(&program.path).arg("--list"), LIMIT)?;
    let (canary, accusation) = sanitizer.canary();
    let scenarios: Vec<_> = listed.stdout.lines().collect();
    if !listed.success() || !scenarios.contains(&canary) {
        return Err(format!("{PROGRAM} --list: {}\n{}", listed.how(), listed.stderr).into());
    }
    for scenario in scenarios {
        let mut command = watched(program);
        let ended = capture(command.arg(scenario), LIMIT)?;
        let found = ended.stderr.contains("Sanitizer");
        let as_expected = match scenario {
            it if it == canary => found && ended.stderr.contains(accusation),
            it if it.starts_with("canary") => continue,
            _ => ended.success() && !found,
        };
        if !as_expected {
            let how = ended.how();
            return Err(
                format!("{scenario}: {how}\n{}\nrerun: {}", ended.stderr, shown(&command)).into()
            );
        }
        println!("{scenario:12} {:7.2} s", ended.took.as_secs_f64());
    }
    Ok(())
}

fn run_tests(sanitizer: Sanitizer) -> Result {
    let packages = ["sward-sched", "sward-chan", "sward-sync", "sward-coroutine", "sward"];
    let packages = packages.iter().flat_map(|package| ["-p", package]);
    let words: Vec<_> =
        ["test", "--lib", "--tests", "--no-run"].into_iter().chain(packages).collect();
    let tests = cargo::binaries(&mut sanitizer.build(&words))?;
    if tests.is_empty() {
        return Err("no test was built".into());
    }
    for test in tests {
        if LEFT_OUT.contains(&test.name.as_str()) {
            println!("{} is left out, as `LEFT_OUT` says", test.name);
            continue;
        }
        let ended = capture(watched(&test).current_dir(&test.package), LIMIT)?;
        let package = test.package.file_name().unwrap_or_default().display().to_string();
        let name = format!("{package}: {}", test.name);
        if !ended.success() {
            return Err(format!("{name}: {}\n{}{}", ended.how(), ended.stdout, ended.stderr).into());
        }
        println!("{name:24} {:7.2} s", ended.took.as_secs_f64());
    }
    Ok(())
}

fn watched(binary: &Binary) -> Command {
    let mut command = Command::new(&binary.path);
    let suppressions =
        std::env::current_dir().unwrap_or_default().join("sanitizer-tests/thread.supp");
    command.env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()));
    command.env("CARGO_MANIFEST_DIR", &binary.package);
    command
}
