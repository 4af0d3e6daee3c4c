//! Adds up what the jobs bring.
//!
//! A file counts as a whole or not at all, and the byte that spoils a big one may come
//! last. So the words of a big file gather in a map of its own until its last job is in.

use std::collections::HashMap;

use crate::counts::Counts;
use crate::job::{Chunk, End, FileId, Job, Sizes, Summary};
use crate::progress::Progress;

/// The result so far.
pub(crate) struct Tally {
    pub(crate) files: u64,
    pub(crate) skipped: u64,
    pub(crate) bytes: u64,
    /// Paths of the command line that are not there, and all others that failed.
    pub(crate) missing: u64,
    pub(crate) unreadable: u64,
    pub(crate) totals: Counts,
    /// Jobs that came in.
    jobs: u64,
    unfinished: HashMap<FileId, BigFile>,
    kept_words: usize,
    progress: Progress,
}

/// A big file of which not all jobs are in.
#[derive(Default)]
struct BigFile {
    words: Counts,
    jobs: u64,
    end: Option<End>,
}

impl Tally {
    pub(crate) fn new(sizes: Sizes, progress: Progress) -> Self {
        Tally {
            files: 0,
            skipped: 0,
            bytes: 0,
            missing: 0,
            unreadable: 0,
            totals: Counts::default(),
            jobs: 0,
            unfinished: HashMap::new(),
            kept_words: sizes.kept_words,
            progress,
        }
    }

    /// Takes everything out of a tokenised job.
    pub(crate) fn absorb(&mut self, job: &mut Job) {
        self.jobs += 1;
        self.progress.advance(job.text.len());
        self.add_summary(&job.summary);
        match job.chunk.take() {
            None => self.totals.add_all(&job.counts),
            Some(chunk) => self.add_chunk(chunk, &job.counts),
        }
        job.counts.clear(self.kept_words);
    }

    fn add_summary(&mut self, summary: &Summary) {
        self.files += summary.files;
        self.skipped += summary.skipped;
        self.bytes += summary.bytes;
        for failure in &summary.failures {
            self.progress.warn(failure);
            match failure.missing {
                true => self.missing += 1,
                false => self.unreadable += 1,
            }
        }
    }

    fn add_chunk(&mut self, chunk: Chunk, counts: &Counts) {
        let file = self.unfinished.entry(chunk.file).or_default();
        file.words.add_all(counts);
        file.jobs += 1;
        file.end = file.end.or(chunk.end);
        let Some(end) = file.end.filter(|end| end.jobs == file.jobs) else {
            return;
        };
        let words = self.unfinished.remove(&chunk.file).unwrap_or_default().words;
        if end.clean {
            self.totals.absorb(words);
        }
    }

    /// The end: `started` jobs should have come in.
    ///
    /// # Panics
    ///
    /// If one is missing. A tokeniser that panics takes its job with it, and a number
    /// that looks right and is not would be worse.
    pub(crate) fn finish(self, started: u64) -> Self {
        assert_eq!(self.jobs, started, "jobs got lost");
        assert!(self.unfinished.is_empty(), "big files without an end");
        self.progress.finish();
        self
    }
}
