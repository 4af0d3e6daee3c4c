//! `cargo xtask bench`: the same work in sward and in its peers, in turn, on this machine.
//!
//! Each run is a process that does one workload with so many workers and prints its
//! figure (`benches/common/measure.rs` says how). The contenders take turns, round by
//! round, so that a machine that slows down slows down all of them; the tables show the
//! median of the rounds. Before and after each run the round trip of a cache line is
//! measured: a run during which it changes is done again.

mod contender;
mod line;
mod table;
mod workloads;

use std::num::NonZeroUsize;

use crate::{Result, at_least_one};
use contender::{Contender, Figure, Program};
use table::Results;
use workloads::Workload;

/// How often a run is done before its figure is taken, with a mark, in spite of a line
/// that changes all the time.
const ATTEMPTS: usize = 3;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these workloads
    names: Vec<String>,
    /// Print the names of the workloads
    #[arg(long)]
    list: bool,
    /// How often each program runs
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = at_least_one())]
    rounds: u32,
    /// With how many workers, in turn
    #[arg(long, value_delimiter = ',', default_values = ["1", "2"], value_name = "N")]
    workers: Vec<NonZeroUsize>,
    /// Only these contenders
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    contenders: Vec<Contender>,
}

/// One run that counts.
struct Run {
    figure: Figure,
    /// The line's round trip before and after it.
    line: Option<(f64, f64)>,
}

impl Run {
    fn line_changed(&self) -> bool {
        self.line.is_some_and(|(before, after)| line::changed(before, after))
    }
}

pub(crate) fn run(options: &Options) -> Result {
    if options.list {
        workloads::print();
        return Ok(());
    }
    let workloads = workloads::chosen(&options.names)?;
    let workers: Vec<_> = options.workers.iter().map(|workers| workers.get()).collect();
    let mut programs = Vec::new();
    for &contender in <Contender as clap::ValueEnum>::value_variants() {
        if options.contenders.is_empty() || options.contenders.contains(&contender) {
            programs.extend(Program::build(contender)?);
        }
    }
    if programs.is_empty() {
        return Err("none of those that are to be measured is here".into());
    }
    let mut results = Results::new(programs.iter().map(|program| program.contender).collect());
    let mut failures = Vec::new();
    for workload in &workloads {
        for _ in 0..options.rounds {
            for &workers in &workers {
                for program in programs.iter().filter(|program| program.has(workload)) {
                    let key = (workload.name, workers, program.contender);
                    if results.has_died(key) {
                        continue;
                    }
                    match steady_run(program, workload, workers) {
                        Ok(run) => results.add(key, run),
                        // The others' figures are still wanted.
                        Err(error) => {
                            results.add_death(key);
                            failures.push(error.to_string());
                        }
                    }
                }
            }
        }
        for &workers in &workers {
            println!("{}", results.summary(workload, workers));
        }
    }
    results.print_tables(&workloads, &workers);
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

/// Runs it until the machine stays the same meanwhile, or for the last time.
fn steady_run(program: &Program, workload: &Workload, workers: usize) -> Result<Run> {
    let mut attempt = 1;
    loop {
        let before = line::round_trip();
        let figure = program.run(workload, workers)?;
        let run = Run { figure, line: before.zip(line::round_trip()) };
        if !run.line_changed() || attempt == ATTEMPTS {
            return Ok(run);
        }
        attempt += 1;
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
