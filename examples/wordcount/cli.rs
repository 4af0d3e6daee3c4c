//! The command line, and what the two programs do alike around the counting.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Instant;

use clap::Parser;

use crate::generate::Generator;
use crate::job::Sizes;
use crate::progress::Progress;
use crate::report::{self, Report};
use crate::tally::Tally;

/// Counts the words of files and folders.
///
/// A word is a UAX #29 word, in lower case. A file that is not UTF-8 text, or holds a
/// NUL, is skipped. Folders are walked as by `git`: what .gitignore names is left out,
/// and so are hidden files. Symbolic links in folders are not followed. A path given
/// twice counts twice.
///
/// Exit code: 0; 1 if something could not be read; 2 if a PATH is missing or an
/// argument is wrong.
#[derive(Debug, Parser)]
#[command(name = "wordcount")]
pub(crate) struct Cli {
    /// Files and folders
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,

    /// How many of the most frequent words to print
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,

    /// Print one JSON object: files, skipped, bytes, words, distinct, seconds, top
    #[arg(long)]
    json: bool,

    /// How many words are counted at the same time [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,

    /// Make test data in DIR, which must be empty or absent, instead of counting
    #[arg(long, value_name = "DIR", conflicts_with_all = ["paths", "top", "json", "workers"])]
    generate: Option<PathBuf>,

    /// Length of the test data together; K, M and G stand for powers of 1024
    #[arg(long, value_name = "BYTES", requires = "generate", default_value = "16M", value_parser = parse_size)]
    size: u64,

    /// How many files of test data [default: of 8 KiB each]
    #[arg(long, value_name = "N", requires = "generate", value_parser = clap::value_parser!(u64).range(1..))]
    files: Option<u64>,
}

impl Cli {
    pub(crate) fn sizes(&self) -> Sizes {
        let per_core = || available_parallelism().map_or(1, usize::from);
        Sizes::for_workers(self.workers.map_or_else(per_core, usize::from))
    }
}

/// The program, but for the counting, in which the two differ.
pub(crate) fn run(count: impl FnOnce(&Cli, Progress) -> io::Result<Tally>) -> ExitCode {
    let cli = Cli::parse();
    if let Some(dir) = &cli.generate {
        let files = cli.files.unwrap_or_else(|| cli.size.div_ceil(8 << 10).max(1));
        return match Generator::default().write_tree(dir, cli.size, files) {
            Ok(()) => report::print(
                &format!("{files} files, {} bytes in {}\n", cli.size, dir.display()),
                0,
            ),
            Err(error) => report::fail(format_args!("{}: {error}", dir.display()), 2),
        };
    }
    let start = Instant::now();
    let tally = match count(&cli, Progress::on_terminal()) {
        Ok(tally) => tally,
        Err(error) => return report::fail(error, 1),
    };
    let report = Report::new(&tally, cli.top, start.elapsed());
    let text = if cli.json { report.json() } else { Ok(report.to_string()) };
    match text {
        Ok(text) => report::print(&text, report::exit_code(&tally)),
        Err(error) => report::fail(error, 1),
    }
}

/// A number of bytes: `1000`, `64K`, `16M`, `1G`.
fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|error| format!("{error}"))?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}
