//! `cargo xtask stress channels` and `.. deadlock`: a program in `stress-tests`, which knows what it
//! does, for a while in each circumstance. That it would notice what is broken is tested there.

use std::time::Duration;

use super::Circumstance;
use crate::Result;
use crate::cargo::{self, cargo};
use crate::process::stream;

const PACKAGE: &str = "sward-stress-tests";
/// Beyond what it was given it may take so long. (A round that hangs it ends by itself.)
const GRACE: Duration = Duration::from_secs(300);
/// Without minutes it takes as long as its rounds take.
const ENDLESS: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(clap::Args)]
pub(super) struct Options {
    /// The seed of the first round; without it another one each time
    #[arg(long, value_name = "N")]
    seed: Option<String>,
    /// So many rounds in each circumstance, at most
    #[arg(long, value_name = "R")]
    rounds: Option<u64>,
    /// For so many minutes in all; one if the number of rounds is not given either
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// Each round so often in a row
    #[arg(long, value_name = "T")]
    repeat: Option<u64>,
    /// Prints what the first round does, and does nothing
    #[arg(long)]
    show: bool,
}

impl Options {
    fn minutes(&self) -> Option<f64> {
        self.minutes.or(self.rounds.is_none().then_some(1.0))
    }

    /// What the program is told of them, one of so many times that it is run.
    fn words(&self, runs: usize) -> Vec<String> {
        let minutes = self.minutes().map(|minutes| minutes / runs as f64);
        let word =
            |name: &str, value: Option<String>| value.map(|value| format!("--{name}={value}"));
        [
            word("seed", self.seed.clone()),
            word("rounds", self.rounds.map(|it| it.to_string())),
            word("minutes", minutes.map(|it| it.to_string())),
            word("repeat", self.repeat.map(|it| it.to_string())),
            self.show.then(|| "--show".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

pub(super) fn run(name: &str, options: &Options) -> Result {
    // Fast, with every debug assertion on.
    let mut build = cargo(["build", "--profile", "model", "--package", PACKAGE, "--locked"]);
    let programs = cargo::binaries(&mut build)?;
    let program = &programs.iter().find(|it| it.name == name).ok_or("it was not built")?.path;
    let mut circumstances = Circumstance::possible();
    if options.show {
        circumstances.truncate(1);
    }
    let limit = options.minutes().map_or(Ok(ENDLESS), |minutes| {
        Duration::try_from_secs_f64(minutes * 60.0).map(|limit| limit + GRACE)
    })?;
    let words = options.words(circumstances.len());
    for circumstance in circumstances {
        println!("== {}", circumstance.name());
        let _load = circumstance.load();
        let ended = stream(circumstance.command(program).args(&words), limit)?;
        if !ended.success() {
            return Err(format!("{}: {}", circumstance.name(), ended.how()).into());
        }
    }
    Ok(())
}
