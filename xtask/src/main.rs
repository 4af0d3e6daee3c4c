//! The chores of this repository: `cargo xtask test | loom | stress | sanitize | bench`.
//!
//! One file per command. `cargo.rs` knows what cargo builds and where it puts it;
//! `process.rs` runs a child within a time limit and kills all of it beyond that.

use std::path::Path;
use std::process::ExitCode;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};

mod bench;
mod cargo;
mod examples;
mod loom;
mod primitives;
mod process;
mod sanitize;
mod stress;
mod test;

/// Why a command failed, in words for the person who ran it.
type Error = Box<dyn std::error::Error>;
type Result<T = ()> = std::result::Result<T, Error>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of this repository")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must hold before a commit, stopping at the first failure
    Test(test::Options),
    /// The loom models, at preemption bounds 1, 2, .. in turn
    Loom(loom::Options),
    /// Every test binary many times over: plain, on one CPU, and beside busy loops
    Stress(stress::Options),
    /// The thread and the address sanitizer, over programs and tests
    Sanitize(sanitize::Options),
    /// The side-by-side figures: ours and our peers', same work, same machine, in turn
    Bench(bench::Options),
}

/// For counts of which none would be a success that tried nothing.
fn at_least_one() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(1..)
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Cargo sets this to the folder of this package, one below the repository's.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let result = match root.map(std::env::set_current_dir) {
        Some(Ok(())) => match arguments.command {
            Command::Test(options) => test::run(&options),
            Command::Loom(options) => loom::run(&options),
            Command::Stress(options) => stress::run(&options),
            Command::Sanitize(options) => sanitize::run(&options),
            Command::Bench(options) => bench::run(&options),
        },
        _ => Err("the repository is not where this was built; build it anew".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
