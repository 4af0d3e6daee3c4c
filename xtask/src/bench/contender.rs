//! The programs that are set side by side: how each is built, and one run of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Result;
use super::workloads::{self, Unit, Workload};
use crate::cargo::{self, cargo};
use crate::process::{self, Ended, shown};

/// The longest workload takes about ten seconds.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Contender {
    /// Sward: started threads stay where they are
    Default,
    /// Sward: started threads may move
    Migrating,
    Go,
    Tokio,
    /// tokio with kanal's channels
    Kanal,
    /// tokio with flume's channels
    Flume,
    May,
    /// OS threads with crossbeam's channels and wait group
    Crossbeam,
    /// OS threads with kanal's channels
    KanalOs,
    /// OS threads with std's locks
    Std,
    /// OS threads with parking_lot's locks
    ParkingLot,
    Corosensei,
    /// corosensei's coroutines, all on one stack
    CorosenseiReused,
    /// The crate of that name
    Generator,
    /// Python's generators
    Python,
    /// Lua's coroutines
    Lua,
}

use Contender::{
    Corosensei, CorosenseiReused, Crossbeam, Default, Flume, Generator, Go, Kanal, KanalOs, Lua,
    May, Migrating, ParkingLot, Python, Std, Tokio,
};

impl Contender {
    pub(super) fn is_ours(self) -> bool {
        matches!(self, Default | Migrating)
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Default => "default",
            Migrating => "migrating",
            Go => "Go",
            Tokio => "tokio",
            Kanal => "kanal",
            Flume => "flume",
            May => "may",
            Crossbeam => "crossbeam",
            KanalOs => "kanal, OS threads",
            Std => "std",
            ParkingLot => "parking_lot",
            Corosensei => "corosensei",
            CorosenseiReused => "corosensei, one stack",
            Generator => "generator",
            Python => "Python",
            Lua => "Lua",
        }
    }

    fn flag(self) -> Option<&'static str> {
        match self {
            Migrating => Some("--migrate"),
            Kanal | KanalOs => Some("--kanal"),
            Flume => Some("--flume"),
            Std => Some("--std"),
            ParkingLot => Some("--parking-lot"),
            CorosenseiReused => Some("--reused"),
            Generator => Some("--generator"),
            Default | Go | Tokio | May | Crossbeam | Corosensei | Python | Lua => None,
        }
    }

    /// What an interpreter is to run.
    fn script(self) -> Option<&'static str> {
        match self {
            Python => Some("benches/peers/python/figures.py"),
            Lua => Some("benches/peers/lua/figures.lua"),
            _ => None,
        }
    }
}

/// A contender that is built.
pub(super) struct Program {
    pub(super) contender: Contender,
    /// Of itself, or of its interpreter.
    path: PathBuf,
    /// The names of those that it has.
    workloads: Vec<String>,
}

/// Nanoseconds or percent: one figure, or a median and a tail.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) tail: Option<f64>,
}

impl Program {
    /// `None`, with a word about it, where it cannot be had.
    pub(super) fn build(contender: Contender) -> Result<Option<Self>> {
        let path = match contender {
            Default | Migrating => Some(build_ours()?),
            Tokio | Kanal | Flume => Some(build_peer("tokio")?),
            May => Some(build_peer("may")?),
            Crossbeam | KanalOs | Std | ParkingLot => Some(build_peer("os")?),
            Corosensei | CorosenseiReused | Generator => Some(build_peer("coroutines")?),
            Go => installed("SWARD_GO", "go", "version")?.map(|go| build_go(&go)).transpose()?,
            Python => installed("SWARD_PYTHON", "python3", "--version")?,
            Lua => installed("SWARD_LUA", "lua5.4", "-v")?,
        };
        let Some(path) = path else { return Ok(None) };
        let mut program = Self { contender, path, workloads: Vec::new() };
        let listed = process::capture(program.command(1).arg("--list"), LIMIT)?;
        program.workloads = output(&listed)?.lines().map(str::to_owned).collect();
        // Each known to us.
        workloads::chosen(&program.workloads)?;
        Ok(Some(program))
    }

    pub(super) fn has(&self, workload: &Workload) -> bool {
        self.workloads.iter().any(|name| name == workload.name)
    }

    /// Runs it once.
    pub(super) fn run(&self, workload: &Workload, workers: usize) -> Result<Figure> {
        let mut command = self.command(workers);
        let ended = process::capture(command.arg(workload.name), LIMIT)?;
        let read = output(&ended).and_then(|stdout| figure(stdout, workload));
        read.map_err(|error| format!("{}: {error}", shown(&command)).into())
    }

    fn command(&self, workers: usize) -> Command {
        let mut command = Command::new(&self.path);
        command.args(self.contender.script()).args(self.contender.flag());
        command.arg("--workers").arg(workers.to_string());
        command
    }
}

/// What a program printed, if it came to a good end.
fn output(ended: &Ended) -> Result<&str> {
    if ended.success() {
        Ok(&ended.stdout)
    } else {
        Err(format!("{}\n{}", ended.how(), ended.stderr.trim_end()).into())
    }
}

/// The one line `workload<TAB>value`, or of delays `workload<TAB>median<TAB>tail`.
fn figure(stdout: &str, workload: &Workload) -> Result<Figure> {
    let line = stdout.strip_suffix('\n').unwrap_or(stdout);
    let mut words = line.split('\t');
    let name = words.next();
    let numbers: Option<Vec<f64>> =
        words.map(|word| word.parse().ok().filter(|number: &f64| number.is_finite())).collect();
    let figure = match (workload.unit, numbers.as_deref()) {
        (Unit::Delays, Some(&[value, tail])) => Some(Figure { value, tail: Some(tail) }),
        (Unit::Delays, _) => None,
        (_, Some(&[value])) => Some(Figure { value, tail: None }),
        _ => None,
    };
    let figure = figure.filter(|_| name == Some(workload.name));
    figure.ok_or_else(|| format!("not a figure of {}: {stdout:?}", workload.name).into())
}

fn build_ours() -> Result<PathBuf> {
    binary(&mut cargo(["build", "--profile", "bench", "--bench", "figures", "--locked"]))
}

/// A package of its own, with a lock file of its own; it shares our target folder, in a
/// folder below.
fn build_peer(name: &str) -> Result<PathBuf> {
    let manifest = format!("benches/peers/{name}/Cargo.toml");
    let mut build = cargo(["build", "--release", "--locked", "--manifest-path", &manifest]);
    binary(build.arg("--target-dir").arg(peers()?))
}

fn binary(build: &mut Command) -> Result<PathBuf> {
    let binaries = cargo::binaries(build)?;
    let figures = binaries.into_iter().find(|binary| binary.name.ends_with("figures"));
    Ok(figures.ok_or_else(|| format!("no figures from {}", shown(build)))?.path)
}

/// Where peers are built.
fn peers() -> Result<PathBuf> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Ok(std::env::current_dir()?.join(target).join("peers"))
}

/// A program that is no part of this repository, where the variable says, or else in the usual
/// places. `None`, with a word about it: nobody says where, and it is not there.
fn installed(variable: &str, name: &str, version: &str) -> Result<Option<PathBuf>> {
    let given = std::env::var_os(variable).map(PathBuf::from);
    let program = given.clone().unwrap_or_else(|| name.into());
    let why = match Command::new(&program).arg(version).output() {
        Ok(version) if version.status.success() => {
            print!("{}", String::from_utf8_lossy(&version.stdout));
            return Ok(Some(program));
        }
        Ok(version) => version.status.to_string(),
        Err(error) => error.to_string(),
    };
    match given {
        Some(path) => {
            Err(format!("{variable}={}: {why}: it is to name a `{name}`", path.display()).into())
        }
        None => {
            println!("no {name} here ({variable} is not set, and none in PATH): left out");
            Ok(None)
        }
    }
}

/// Builds the Go program without looking for anything on the network.
fn build_go(go: &Path) -> Result<PathBuf> {
    let binary = peers()?.join("go-figures");
    let mut command = Command::new(go);
    command.arg("build").arg("-o").arg(&binary).arg(".").current_dir("benches/peers/go");
    command.env("GOFLAGS", "-mod=mod").env("GOPROXY", "off").env("GOTOOLCHAIN", "local");
    cargo::run(&mut command).map_err(|error| format!("{}: {error}", shown(&command)))?;
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stdout: &str, name: &str) -> Option<Figure> {
        let workload = workloads::ALL.iter().find(|it| it.name == name).unwrap();
        figure(stdout, workload).ok()
    }

    #[test]
    fn a_cost_is_one_number() {
        assert_eq!(read("spawn\t40.5\n", "spawn"), Some(Figure { value: 40.5, tail: None }));
        for line in ["", "spawn\n", "spawn 40\n", "spawn\tfast\n", "spawn\tNaN\n", "spawn\t1\t2\n"]
        {
            assert_eq!(read(line, "spawn"), None, "{line:?}");
        }
        assert_eq!(read("mutex\t4\n", "spawn"), None);
        assert_eq!(read("spawn\t4\nmutex\t4\n", "spawn"), None);
    }

    #[test]
    fn delays_are_two() {
        let delays = Some(Figure { value: 900.0, tail: Some(4000.0) });
        assert_eq!(read("latency_idle\t900\t4000\n", "latency_idle"), delays);
        assert_eq!(read("latency_idle\t900\n", "latency_idle"), None);
    }
}
