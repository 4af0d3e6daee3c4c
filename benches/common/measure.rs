//! What the Rust programs that `cargo xtask bench` sets side by side have in common:
//! their command line, how they measure, and what they print.
//!
//! A program prints a line for each workload that is named, or for all that it has:
//! `workload<TAB>value`, or `workload<TAB>median<TAB>tail` for delays. With `--list` it
//! prints their names alone. `benches/peers/go/main.go` does the same in Go.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A runtime, and how its users write what runs on it.
pub(crate) trait Contender: Sized {
    /// Does so many operations inside the runtime and says how long they took.
    type Inside: Copy;

    fn start(options: &Options) -> Result<Self, String>;

    fn run(&self, workload: Self::Inside, operations: u64) -> Duration;
}

/// Name, number of operations, and the figure to take of them.
pub(crate) type Workload<C, Inside> = (&'static str, u64, Figure<C, Inside>);

pub(crate) enum Figure<C, Inside> {
    /// Nanoseconds an operation, the best of five: as fast as the machine can.
    Best(Inside),
    /// Nanoseconds an operation, the middle of five: where threads are put, and whether they
    /// get in each other's way, is part of what is measured, and so is bad luck with it.
    Middle(Inside),
    /// Nanoseconds an operation, the second time: the first has made memory ready.
    Second(Inside),
    /// Bytes of memory for each of so many.
    Bytes(fn(&C, u64) -> f64),
    /// So many delays, in nanoseconds: their median and their 99.9th percentile.
    Delays(fn(&C, u64) -> Vec<Duration>),
    /// CPU time over so many milliseconds, in percent of one core.
    Load(fn(&C, Duration) -> f64),
    /// What the one that got least got of all, in so many milliseconds, in percent.
    Share(fn(&C, Duration) -> f64),
}

#[derive(Default)]
pub(crate) struct Options {
    /// 0: as many as there are cores.
    pub(crate) workers: usize,
    /// What a contender alone knows, such as `--migrate`.
    pub(crate) flags: Vec<String>,
    /// Only see whether everything runs: what `cargo test --benches` passes.
    test: bool,
    list: bool,
    names: Vec<String>,
}

impl Options {
    fn parse() -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                // `cargo bench` adds it.
                "--bench" => {}
                "--test" => options.test = true,
                "--list" => options.list = true,
                "--workers" => {
                    let workers = args.next().and_then(|n| n.parse().ok());
                    options.workers = workers.ok_or("--workers needs a number")?;
                }
                flag if flag.starts_with("--") => options.flags.push(arg),
                _ => options.names.push(arg),
            }
        }
        if options.workers == 0 {
            let cores = std::thread::available_parallelism();
            options.workers = cores.map_err(|error| error.to_string())?.get();
        }
        Ok(options)
    }
}

/// The program: does what its command line asks for.
pub(crate) fn main<C: Contender>(workloads: &[&[Workload<C, C::Inside>]]) -> ExitCode {
    match Options::parse().and_then(|options| report(&options, workloads)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

fn report<C: Contender>(
    options: &Options,
    workloads: &[&[Workload<C, C::Inside>]],
) -> Result<(), String> {
    let all = || workloads.iter().copied().flatten();
    if let Some(name) = options.names.iter().find(|name| all().all(|(known, ..)| known != name)) {
        return Err(format!("no workload '{name}'; --list prints those there are"));
    }
    let contender = C::start(options)?;
    let chosen = |name: &str| options.names.is_empty() || options.names.iter().any(|it| it == name);
    for (name, operations, figure) in all().filter(|(name, ..)| chosen(name)) {
        if options.list {
            println!("{name}");
        } else {
            println!("{name}\t{}", taken(&contender, options, *operations, figure));
        }
    }
    Ok(())
}

/// The figure, as it is printed.
fn taken<C: Contender>(
    contender: &C,
    options: &Options,
    operations: u64,
    figure: &Figure<C, C::Inside>,
) -> String {
    let operations = if options.test { operations.div_ceil(1000) } else { operations };
    let sorted_tries = |workload| {
        let time = |_| contender.run(workload, operations).as_nanos() as f64 / operations as f64;
        let mut tries: Vec<_> = (0..if options.test { 1 } else { 5 }).map(time).collect();
        tries.sort_by(f64::total_cmp);
        tries
    };
    match *figure {
        Figure::Best(workload) => format!("{:.2}", sorted_tries(workload)[0]),
        Figure::Middle(workload) => {
            let tries = sorted_tries(workload);
            format!("{:.2}", tries[tries.len() / 2])
        }
        Figure::Second(workload) => {
            contender.run(workload, operations);
            let time = contender.run(workload, operations);
            format!("{:.2}", time.as_nanos() as f64 / operations as f64)
        }
        Figure::Bytes(workload) => format!("{:.0}", workload(contender, operations)),
        Figure::Delays(workload) => {
            let mut delays = workload(contender, operations);
            delays.sort();
            let rank = |share: f64| (delays.len() as f64 * share).ceil() as usize - 1;
            format!("{}\t{}", delays[rank(0.5)].as_nanos(), delays[rank(0.999)].as_nanos())
        }
        Figure::Load(workload) | Figure::Share(workload) => {
            format!("{:.3}", workload(contender, Duration::from_millis(operations.max(100))))
        }
    }
}

pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// CPU time that this process has used so far.
pub(crate) fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// CPU time that this process uses during `work`, in percent of one core.
pub(crate) fn load(work: impl FnOnce()) -> f64 {
    let before = cpu_time();
    let time = timed(work);
    (cpu_time() - before).as_secs_f64() / time.as_secs_f64() * 100.0
}

/// Bytes of memory that this process has, of the system's.
pub(crate) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}

/// Pure computing: dependent multiplications, which no compiler can shorten and every
/// language does in the same time.
#[derive(Clone, Copy)]
pub(crate) struct Work(u64);

impl Work {
    /// About so long; and, unlike [`Work::lasting`], as much in every program.
    pub(crate) const MICROSECOND: Self = Self(1000);

    /// About so long, when nothing else is on the core.
    pub(crate) fn lasting(time: Duration) -> Self {
        const SAMPLE: u64 = 50_000;
        /// The best of many, for the machine may be doing something else.
        static PER_NANOSECOND: LazyLock<f64> = LazyLock::new(|| {
            let best = (0..50).map(|_| timed(|| Work(SAMPLE).run())).min();
            SAMPLE as f64 / best.map_or(1.0, |best| best.as_nanos().max(1) as f64)
        });
        Self((time.as_nanos() as f64 * *PER_NANOSECOND) as u64)
    }

    pub(crate) fn run(self) {
        black_box(
            (0..self.0).fold(black_box(1), |x, i| (x ^ i).wrapping_mul(0x5851_f42d_4c95_7f2d)),
        );
    }
}

/// The least of them, in percent of their sum.
pub(crate) fn least_share(turns: impl IntoIterator<Item = u64>) -> f64 {
    let turns: Vec<_> = turns.into_iter().collect();
    let least = turns.iter().copied().min().unwrap_or_default();
    100.0 * least as f64 / turns.iter().sum::<u64>().max(1) as f64
}

/// Where a sieve for so many primes ends.
pub(crate) fn nth_prime(nth: u64) -> u64 {
    let mut primes: Vec<u64> = Vec::new();
    let candidates = (2..).filter(|n| {
        let is_prime = primes.iter().all(|prime| n % prime != 0);
        primes.extend(is_prime.then_some(n));
        is_prime
    });
    candidates.take(nth as usize).last().unwrap_or(1)
}

/// Calls `tick` so many times, `period` apart, on this OS thread; late ones catch up.
pub(crate) fn at_intervals(period: Duration, times: u64, mut tick: impl FnMut(u64)) {
    let start = Instant::now();
    for i in 0..times {
        tick(i);
        let next = start + period * (i as u32 + 1);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
