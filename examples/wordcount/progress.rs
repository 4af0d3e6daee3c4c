//! The progress bar: on a terminal, on stderr, driven by the merger.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar, or nothing.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Bytes that there are, as far as is known.
    total: Arc<AtomicU64>,
}

impl Progress {
    /// A bar if a person looks at both streams: in a pipe it would be noise.
    pub(crate) fn on_terminal() -> Self {
        let bar = if stderr().is_terminal() && stdout().is_terminal() {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        let style = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Progress { bar, total: Arc::default() }
    }

    /// Where the bytes to come are to be added up; nothing if nobody will see them.
    pub(crate) fn total(&self) -> Option<Arc<AtomicU64>> {
        (!self.bar.is_hidden()).then(|| Arc::clone(&self.total))
    }

    pub(crate) fn advance(&self, bytes: usize) {
        if !self.bar.is_hidden() {
            self.bar.set_length(self.total.load(Ordering::Relaxed));
            self.bar.inc(bytes as u64);
        }
    }

    /// Prints a line to stderr, clear of the bar. Not `eprintln!`, which panics when
    /// stderr is closed.
    pub(crate) fn warn(&self, message: impl Display) {
        self.bar.suspend(|| {
            let _ = writeln!(stderr(), "{message}");
        });
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
