//! From the paths of the command line to lists of files.

use std::fs;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ignore::WalkBuilder;

use crate::job::Failure;

/// Files to read. Handed on by the dozen, because a hand-over costs as much as
/// reading a small file does.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) failures: Vec<Failure>,
}

impl Batch {
    const FILES: usize = 64;

    fn is_empty(&self) -> bool {
        self.files.is_empty() && self.failures.is_empty()
    }
}

/// Walks `paths` and gives every file to `send`, in batches, until `send` breaks off.
pub(crate) fn walk(paths: &[PathBuf], mut send: impl FnMut(Batch) -> ControlFlow<()>) {
    let mut batch = Batch::default();
    let flow = find(paths, |found| {
        match found {
            Ok(file) => batch.files.push(file),
            Err(failure) => batch.failures.push(failure),
        }
        if batch.files.len() + batch.failures.len() < Batch::FILES {
            return ControlFlow::Continue(());
        }
        send(std::mem::take(&mut batch))
    });
    if flow.is_continue() && !batch.is_empty() {
        // The last batch: there is nothing left to break off.
        let _ = send(batch);
    }
}

/// Adds up the sizes of the files, for a progress bar, ahead of the readers.
pub(crate) fn measure(paths: &[PathBuf], total: &AtomicU64) {
    let _ = find(paths, |found| {
        if let Some(metadata) = found.ok().and_then(|file| fs::metadata(file).ok()) {
            total.fetch_add(metadata.len(), Ordering::Relaxed);
        }
        ControlFlow::Continue(())
    });
}

type Found = Result<PathBuf, Failure>;

fn find(paths: &[PathBuf], mut found: impl FnMut(Found) -> ControlFlow<()>) -> ControlFlow<()> {
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => found(Ok(path.clone()))?,
            Ok(metadata) if metadata.is_dir() => find_below(path, &mut found)?,
            // To open a FIFO would wait for a writer, perhaps for ever.
            Ok(_) => found(Err(Failure::unreadable(path, "neither a file nor a directory")))?,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                found(Err(Failure::missing(path, &error)))?;
            }
            Err(error) => found(Err(Failure::unreadable(path, error)))?,
        }
    }
    ControlFlow::Continue(())
}

fn find_below(root: &Path, found: &mut impl FnMut(Found) -> ControlFlow<()>) -> ControlFlow<()> {
    // A .gitignore counts outside a git repository too: an unpacked archive has none.
    for entry in WalkBuilder::new(root).require_git(false).build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                found(Ok(entry.into_path()))?;
            }
            Ok(_) => {}
            Err(error) => found(Err(Failure::in_walk(&error)))?,
        }
    }
    ControlFlow::Continue(())
}
