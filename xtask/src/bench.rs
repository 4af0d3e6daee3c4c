//! `cargo xtask bench`: the same work in sward and in Go, in turn, on this machine.
//!
//! Each program prints `workload<TAB>nanoseconds per operation`, the best of several
//! tries inside one process. The programs take turns, round by round, so that a machine
//! that slows down slows down all of them; the table shows the median of the rounds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cargo::{self, cargo};
use crate::process::shown;
use crate::{Result, at_least_one};

const GO_SOURCE: &str = "benches/peers/go";
const WORKERS: [usize; 2] = [1, 2];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these workloads
    names: Vec<String>,
    /// How often each program runs
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = at_least_one())]
    rounds: u32,
}

/// Nanoseconds by workload, one for each round.
type Figures = BTreeMap<String, Vec<f64>>;

/// One program with so many workers.
struct Contender {
    title: String,
    command: Command,
    figures: Figures,
}

pub(crate) fn run(options: &Options) -> Result {
    let ours = build_ours()?;
    let go = match go_toolchain() {
        Some(go) => Some(build_go(&go)?),
        None => {
            println!("no Go here (neither SWARD_GO nor `go` in PATH): ours alone");
            None
        }
    };
    let mut contenders = Vec::new();
    for workers in WORKERS {
        let mut command = Command::new(&ours);
        command.arg("--workers").arg(workers.to_string());
        contenders.push(Contender::new(format!("sward {workers}"), command));
    }
    for workers in WORKERS {
        let Some(go) = &go else { break };
        let mut command = Command::new(go);
        command.env("GOMAXPROCS", workers.to_string());
        contenders.push(Contender::new(format!("Go {workers}P"), command));
    }
    // The order of the programs' own output is the order of the table.
    let mut order = Vec::new();
    for round in 1..=options.rounds {
        println!("round {round} of {}", options.rounds);
        for contender in &mut contenders {
            contender.run(&options.names, &mut order)?;
        }
    }
    print_table(&contenders, &order);
    Ok(())
}

impl Contender {
    fn new(title: String, command: Command) -> Self {
        Self { title, command, figures: Figures::new() }
    }

    fn run(&mut self, names: &[String], order: &mut Vec<String>) -> Result {
        let mut command = Command::new(self.command.get_program());
        command.args(self.command.get_args()).args(names);
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("{}: {}", shown(&command), output.status).into());
        }
        for (name, nanoseconds) in figures(&String::from_utf8_lossy(&output.stdout))? {
            if !order.contains(&name) {
                order.push(name.clone());
            }
            self.figures.entry(name).or_default().push(nanoseconds);
        }
        Ok(())
    }

    fn median(&self, workload: &str) -> Option<f64> {
        self.figures.get(workload).and_then(|rounds| median(rounds))
    }
}

fn build_ours() -> Result<PathBuf> {
    let mut build = cargo(["build", "--profile", "bench", "--bench", "figures", "--locked"]);
    let binaries = cargo::binaries(&mut build)?;
    let figures = binaries.into_iter().find(|binary| binary.name == "figures");
    Ok(figures.ok_or("cargo built no bench `figures`")?.path)
}

fn go_toolchain() -> Option<PathBuf> {
    let go = std::env::var_os("SWARD_GO").map_or_else(|| "go".into(), PathBuf::from);
    let version = Command::new(&go).arg("version").output().ok()?;
    print!("{}", String::from_utf8_lossy(&version.stdout));
    version.status.success().then_some(go)
}

/// Builds the Go program without looking for anything on the network.
fn build_go(go: &Path) -> Result<PathBuf> {
    let binary = std::env::current_dir()?.join("target/peers/go-figures");
    let mut command = Command::new(go);
    command.arg("build").arg("-o").arg(&binary).arg(".").current_dir(GO_SOURCE);
    command.env("GOFLAGS", "-mod=mod").env("GOPROXY", "off").env("GOTOOLCHAIN", "local");
    cargo::run(&mut command).map_err(|error| format!("{}: {error}", shown(&command)))?;
    Ok(binary)
}

/// The lines `workload<TAB>nanoseconds`.
fn figures(stdout: &str) -> Result<Vec<(String, f64)>> {
    let figure = |line: &str| {
        let (name, nanoseconds) = line.split_once('\t')?;
        Some((name.to_owned(), nanoseconds.trim().parse().ok()?))
    };
    let lines = stdout.lines().filter(|line| !line.is_empty());
    lines.map(|line| figure(line).ok_or_else(|| format!("not a figure: {line:?}").into())).collect()
}

fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// A row for each workload, in ns; with Go, also ours over Go's at each worker count
/// (below 1: ours is faster).
fn print_table(contenders: &[Contender], order: &[String]) {
    let with_go = contenders.len() > WORKERS.len();
    print!("\n{:14}", "ns");
    for contender in contenders {
        print!(" {:>10}", contender.title);
    }
    for workers in WORKERS.iter().filter(|_| with_go) {
        print!(" {:>10}", format!("ratio {workers}"));
    }
    println!();
    for workload in order {
        print!("{workload:14}");
        let medians: Vec<_> = contenders.iter().map(|it| it.median(workload)).collect();
        for median in &medians {
            print!(" {:>10}", median.map_or("-".into(), |ns| format!("{ns:.1}")));
        }
        if with_go {
            let (ours, go) = medians.split_at(WORKERS.len());
            for ratio in ours.iter().zip(go).map(|(ours, go)| Some((*ours)? / (*go)?)) {
                print!(" {:>10}", ratio.map_or("-".into(), |ratio| format!("{ratio:.2}")));
            }
        }
        println!();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_line_by_line() {
        let read = figures("yield_1\t12.5\n\nspawn\t 40\n").unwrap();
        assert_eq!(read, [("yield_1".to_owned(), 12.5), ("spawn".to_owned(), 40.0)]);
        assert!(figures("yield_1 12.5\n").is_err());
        assert!(figures("yield_1\tfast\n").is_err());
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
