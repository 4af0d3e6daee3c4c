//! All operations of channels at random, over ten channels, from threads of all kinds; see that no
//! value is lost or comes twice, and that each pair of sender and receiver keeps its order.
//!
//! `cargo xtask stress channels` runs it. A run is a series of rounds. The seed of the first is the
//! run's, and each has the seed after that of the one before; so every round can be run as the
//! first of a run of its own. A round's seed determines its plan: channels, threads, and for each
//! thread the operations with their values and timeouts, one after the other (`plan/`). When the
//! threads run, and so what comes of each operation, is as the machine has it: a round that failed
//! does the same operations again, and may pass.

mod actor;
mod check;
mod future;
mod keeper;
mod plan;
mod random;
mod round;
mod sabotage;
mod select;
mod value;
mod watch;

use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::plan::Plan;
use crate::round::{Done, Round};
use crate::sabotage::Sabotage;
use crate::watch::Watch;

#[derive(Parser)]
#[command(about = "All channel operations at random, from threads of all kinds")]
struct Arguments {
    /// The seed of the first round; without it another one each time
    #[arg(long, value_name = "N", value_parser = seed)]
    seed: Option<u64>,
    /// So many rounds at most
    #[arg(long, value_name = "R")]
    rounds: Option<u64>,
    /// For so many minutes; one if the number of rounds is not given either
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// Each round so often in a row
    #[arg(long, default_value_t = 1, value_name = "T")]
    repeat: u64,
    /// A round that takes more seconds hangs
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS")]
    limit: f64,
    /// Prints the plan of the first round, and does nothing
    #[arg(long)]
    show: bool,
    /// A mistake to be made in each round, to see that it is noticed
    #[arg(long, hide = true)]
    sabotage: Option<Sabotage>,
}

/// Decimal, or hexadecimal after `0x`.
fn seed(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let first = arguments.seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    let minutes = match (arguments.minutes, arguments.rounds) {
        (None, None) => Some(1.0),
        (minutes, _) => minutes,
    };
    let limit = minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    println!("seed {first:#x}");
    if arguments.show {
        print!("{}", Plan::draw(first));
        return ExitCode::SUCCESS;
    }
    let watch = Watch::start(Duration::from_secs_f64(arguments.limit));
    let start = Instant::now();
    let (mut rounds, mut total) = (0, Done::default());
    for number in 0..arguments.rounds.unwrap_or(u64::MAX) {
        for _ in 0..arguments.repeat {
            if limit.is_some_and(|limit| start.elapsed() >= limit) {
                return report(rounds, total, start);
            }
            let round = Round::new(first.wrapping_add(number), arguments.sabotage);
            watch.turn_to(Some(&round));
            match round.run() {
                Ok(done) => {
                    rounds += 1;
                    total.operations += done.operations;
                    total.received += done.received;
                }
                Err(failures) => return fail(round.seed, &failures),
            }
            watch.turn_to(None);
        }
    }
    report(rounds, total, start)
}

fn report(rounds: u64, total: Done, start: Instant) -> ExitCode {
    let Done { operations, received } = total;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{rounds} rounds in {seconds:.1} s: {operations} operations, {received} values received"
    );
    ExitCode::SUCCESS
}

fn fail(seed: u64, failures: &[String]) -> ExitCode {
    eprintln!("stress: round {seed:#x} failed:");
    failures.iter().for_each(|failure| eprintln!("- {failure}"));
    tell_replay(seed);
    ExitCode::FAILURE
}

/// How to do the same again.
fn tell_replay(seed: u64) {
    eprintln!(
        "the same operations again, as often as it takes (the schedule is another each time):\n  \
         cargo xtask stress channels --seed {seed:#x} --rounds 1 --repeat 1000"
    );
}
