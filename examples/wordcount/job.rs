//! The unit of work, and how many of them there are.
//!
//! A `Job` goes round: reader (fills the text) → tokeniser (fills the counts) →
//! merger (empties it) → reader. There is a fixed number of them, so whoever holds one
//! holds the permit to work, and memory is bounded whatever the input is.

use std::fmt::{self, Display};
use std::io;
use std::path::Path;

use crate::counts::Counts;

/// Text for one tokeniser: some whole files, or one chunk of a big one.
#[derive(Default)]
pub(crate) struct Job {
    pub(crate) text: String,
    pub(crate) counts: Counts,
    /// What else happened while the text was read.
    pub(crate) summary: Summary,
    /// Set when `text` is a chunk.
    pub(crate) chunk: Option<Chunk>,
}

impl Job {
    /// Counts the words of the text. This is where the processor time goes.
    pub(crate) fn tokenise(&mut self) {
        crate::text::count_words(&self.text, &mut self.counts);
    }

    /// Makes ready for the next text. `keep` is for the buffer: a giant word's is given back.
    pub(crate) fn reset(&mut self, keep: usize) {
        self.text.clear();
        self.text.shrink_to(2 * keep);
        self.summary = Summary::default();
        self.chunk = None;
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.text.is_empty() && self.chunk.is_none() && self.summary == Summary::default()
    }
}

/// Files that were finished, in one way or another.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Summary {
    /// Counted files.
    pub(crate) files: u64,
    /// Files that are no text.
    pub(crate) skipped: u64,
    /// Length of the counted files.
    pub(crate) bytes: u64,
    pub(crate) failures: Vec<Failure>,
}

/// A part of a file that is too big for one job.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) file: FileId,
    /// Set in the last job of the file.
    pub(crate) end: Option<End>,
}

/// A big file: which reader read it, and its number there.
pub(crate) type FileId = (usize, u64);

/// How a big file ended. Jobs overtake each other, so the merger has to be told how
/// many there were.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) jobs: u64,
    /// All of it was text and was read: its words count.
    pub(crate) clean: bool,
}

/// A path that could not be counted.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    /// Named on the command line, and not there.
    pub(crate) missing: bool,
    message: String,
}

impl Failure {
    pub(crate) fn missing(path: &Path, error: &io::Error) -> Self {
        let message = format!("error: {}: {error}", path.display());
        Failure { missing: true, message }
    }

    pub(crate) fn unreadable(path: &Path, reason: impl Display) -> Self {
        let message = format!("warning: {}: {reason}", path.display());
        Failure { missing: false, message }
    }

    /// `error` names the path itself.
    pub(crate) fn in_walk(error: &ignore::Error) -> Self {
        let message = format!("warning: {error}");
        Failure { missing: false, message }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Numbers that both programs share, so that they can be compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Tokenisers that run at the same time.
    pub(crate) workers: usize,
    /// OS threads that read. One of them feeds about ten tokenisers from the page cache;
    /// the others are there for slow disks. Also the number of big files at a time.
    pub(crate) readers: usize,
    /// Jobs that go round: one in each worker, two ready, one at each reader, some at
    /// the merger.
    pub(crate) jobs: usize,
    /// Text in a job.
    pub(crate) job_bytes: usize,
    /// Words that an emptied job may keep.
    pub(crate) kept_words: usize,
    /// Lists of paths between the walker and the readers.
    pub(crate) batches: usize,
}

impl Sizes {
    pub(crate) fn for_workers(workers: usize) -> Self {
        // All jobs' texts together. Their maps take up to ten times as much at worst.
        const TEXT: usize = 4 << 20;
        let readers = workers.clamp(2, 8);
        let jobs = 3 * workers + readers + 2;
        let job_bytes = (TEXT / jobs).clamp(16 << 10, 256 << 10);
        Sizes { workers, readers, jobs, job_bytes, kept_words: job_bytes / 16, batches: 8 }
    }
}
