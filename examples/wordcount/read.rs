//! From lists of files to texts for the tokenisers. All of this blocks.
//!
//! Small files are packed together until a job is full; a file that does not fit into
//! one job is handed out in chunks. Which of the two a file is turns out while it is
//! read: its length on disk may be a lie (`/proc`), or change meanwhile.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::vec;

use crate::job::{Chunk, End, Failure, FileId, Job};
use crate::text::{NotText, whole_words};
use crate::walk::Batch;

/// Reads the files of one batch after the other.
pub(crate) struct Reader {
    job_bytes: usize,
    /// The next big file.
    next: FileId,
    files: vec::IntoIter<PathBuf>,
    failures: Vec<Failure>,
    open: Option<Open>,
    unread: Unread,
}

/// A file of which something is still to be handed out: what of it was read already is
/// in `Reader::unread`.
struct Open {
    path: PathBuf,
    file: File,
    /// The file's end was seen.
    ended: bool,
    /// Handed out so far, of a big file: length and number of jobs.
    bytes: u64,
    jobs: u64,
}

/// Bytes that were read and not handed out.
#[derive(Default)]
struct Unread {
    buffer: Vec<u8>,
    len: usize,
}

impl Reader {
    /// `index` tells the big files of one reader from those of another.
    pub(crate) fn new(index: usize, job_bytes: usize) -> Self {
        Reader {
            job_bytes,
            next: (index, 0),
            files: Vec::new().into_iter(),
            failures: Vec::new(),
            open: None,
            unread: Unread::default(),
        }
    }

    /// The files to read next. The last batch must be used up.
    pub(crate) fn start(&mut self, batch: Batch) {
        self.files = batch.files.into_iter();
        self.failures = batch.failures;
    }

    /// Puts as much into `job` as goes in. False: nothing, the batch is used up.
    pub(crate) fn fill(&mut self, job: &mut Job) -> bool {
        job.reset(self.job_bytes);
        job.summary.failures.append(&mut self.failures);
        while let Some(mut open) = self.open.take().or_else(|| self.open_next(job)) {
            // Room for one byte more than a job takes, to see whether the file ends there.
            if let Err(error) = self.unread.fill_up(&mut open, self.job_bytes + 1) {
                self.give_up(&open, job, error);
                if job.chunk.is_some() {
                    return true;
                }
                continue;
            }
            let small = open.ended && open.jobs == 0;
            if small && job.text.len() + self.unread.len <= self.job_bytes {
                self.whole_file(job);
            } else if job.is_blank() {
                self.chunk(open, job);
                return true;
            } else {
                self.open = Some(open);
                return true;
            }
        }
        !job.is_blank()
    }

    fn open_next(&mut self, job: &mut Job) -> Option<Open> {
        for path in self.files.by_ref() {
            match File::open(&path) {
                Ok(file) => return Some(Open { path, file, ended: false, bytes: 0, jobs: 0 }),
                Err(error) => job.summary.failures.push(Failure::unreadable(&path, error)),
            }
        }
        None
    }

    /// Adds a file that was read to its end.
    fn whole_file(&mut self, job: &mut Job) {
        match whole_words(self.unread.bytes(), true) {
            Ok(text) => {
                job.text.push_str(text);
                // Keeps the last word of this file from the first of the next.
                job.text.push('\n');
                job.summary.files += 1;
                job.summary.bytes += text.len() as u64;
            }
            Err(NotText) => job.summary.skipped += 1,
        }
        self.unread.clear(self.job_bytes);
    }

    /// Makes `job` the next chunk of a big file.
    fn chunk(&mut self, mut open: Open, job: &mut Job) {
        let len = loop {
            match whole_words(self.unread.bytes(), open.ended) {
                // A word longer than all that was read. Twice as much then, so that going
                // over its start again and again stays cheap.
                Ok("") if !open.ended => {
                    let more = 2 * self.unread.len;
                    if let Err(error) = self.unread.fill_up(&mut open, more) {
                        return self.give_up(&open, job, error);
                    }
                }
                Ok(text) => {
                    job.text.push_str(text);
                    break text.len();
                }
                Err(NotText) => {
                    job.summary.skipped += 1;
                    return self.end_chunks(&open, job, false);
                }
            }
        };
        self.unread.consume(len);
        open.bytes += len as u64;
        if open.ended && self.unread.len == 0 {
            job.summary.files += 1;
            job.summary.bytes += open.bytes;
            self.end_chunks(&open, job, true);
        } else {
            job.chunk = Some(Chunk { file: self.next, end: None });
            open.jobs += 1;
            self.open = Some(open);
        }
    }

    /// Leaves a file that cannot be read on.
    fn give_up(&mut self, open: &Open, job: &mut Job, error: io::Error) {
        job.summary.failures.push(Failure::unreadable(&open.path, error));
        if open.jobs > 0 {
            self.end_chunks(open, job, false);
        } else {
            self.unread.clear(self.job_bytes);
        }
    }

    /// Makes `job` the last one of a big file.
    fn end_chunks(&mut self, open: &Open, job: &mut Job, clean: bool) {
        let end = End { jobs: open.jobs + 1, clean };
        job.chunk = Some(Chunk { file: self.next, end: Some(end) });
        self.next.1 += 1;
        self.unread.clear(self.job_bytes);
    }
}

impl Unread {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    /// Reads until `target` bytes are there, or the file ends.
    fn fill_up(&mut self, open: &mut Open, target: usize) -> io::Result<()> {
        if self.buffer.len() < target {
            self.buffer.resize(target, 0);
        }
        while !open.ended && self.len < target {
            match open.file.read(&mut self.buffer[self.len..target]) {
                Ok(0) => open.ended = true,
                Ok(n) => self.len += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn consume(&mut self, n: usize) {
        self.buffer.copy_within(n..self.len, 0);
        self.len -= n;
    }

    /// Empties the buffer, and gives back what a giant word made it grow by.
    fn clear(&mut self, keep: usize) {
        self.len = 0;
        self.buffer.truncate(keep + 1);
        self.buffer.shrink_to(keep + 1);
    }
}
