//! What is printed in the end, and the exit code.

use std::fmt::{self, Display};
use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use crate::tally::Tally;

/// What `--json` prints.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    files: u64,
    skipped: u64,
    bytes: u64,
    words: u64,
    distinct: usize,
    seconds: f64,
    top: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    word: &'a str,
    count: u64,
}

impl<'a> Report<'a> {
    pub(crate) fn new(tally: &'a Tally, top: usize, elapsed: Duration) -> Self {
        let entry = |(word, count)| Entry { word, count };
        Report {
            files: tally.files,
            skipped: tally.skipped,
            bytes: tally.bytes,
            words: tally.totals.words(),
            distinct: tally.totals.distinct(),
            seconds: elapsed.as_secs_f64(),
            top: tally.totals.top(top).into_iter().map(entry).collect(),
        }
    }

    pub(crate) fn json(&self) -> io::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

/// The form for people.
impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Counts to the left: how wide a word is shown is the terminal's own business.
        let width = self.top.first().map_or(0, |entry| entry.count.to_string().len());
        for Entry { word, count } in &self.top {
            let share = 100.0 * *count as f64 / self.words as f64;
            writeln!(f, "{count:>width$}  {share:5.2} %  {word}")?;
        }
        if !self.top.is_empty() {
            writeln!(f)?;
        }
        let Report { files, skipped, bytes, words, distinct, seconds, .. } = self;
        let per_second = |n: f64| n / seconds.max(1e-9);
        writeln!(
            f,
            "{files} files, {skipped} skipped, {bytes} bytes, {words} words, {distinct} distinct, \
             {seconds:.3} s: {:.0} words/s, {:.0} files/s, {:.1} MB/s",
            per_second(*words as f64),
            per_second(*files as f64),
            per_second(*bytes as f64 / 1e6),
        )
    }
}

/// What went wrong while counting, as an exit code.
pub(crate) fn exit_code(tally: &Tally) -> u8 {
    match (tally.missing, tally.unreadable) {
        (0, 0) => 0,
        (0, _) => 1,
        _ => 2,
    }
}

/// Prints `text` and ends with `code`. A reader that has seen enough (`| head`) is no
/// error; that is why this is not `print!`, which panics then.
pub(crate) fn print(text: &str, code: u8) -> ExitCode {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            fail(format_args!("standard output: {error}"), 1)
        }
        _ => ExitCode::from(code),
    }
}

/// Prints an error and ends with `code`.
pub(crate) fn fail(message: impl Display, code: u8) -> ExitCode {
    let _ = writeln!(stderr(), "error: {message}");
    ExitCode::from(code)
}
