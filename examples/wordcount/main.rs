//! Counts the words of files and folders, on green threads.
//!
//! ```text
//! walker ─paths→ readers ─texts→ one go! per text ─counts→ merger
//!                   ↑                                        │
//!                   └─────────────── empty jobs ─────────────┘
//! ```
//!
//! Every arrow is a bounded channel. Jobs go round in a circle, and there are only so
//! many of them: that bounds the memory. Walking and reading block, so they run on
//! `unblock`'s OS threads, at the same channels as the green threads.

#![forbid(unsafe_code)]

mod cli;
mod counts;
mod generate;
mod job;
mod progress;
mod read;
mod report;
mod tally;
mod text;
mod walk;

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use cli::Cli;
use job::{Job, Sizes};
use progress::Progress;
use read::Reader;
use sward::chan::{Receiver, Sender, bounded};
use sward::{go, unblock};
use tally::Tally;
use walk::Batch;

fn main() -> ExitCode {
    cli::run(|cli, progress| {
        let sizes = cli.sizes();
        let runtime = sward::runtime::Builder::new().workers(sizes.workers).build()?;
        runtime.run(|| count(cli, sizes, progress))
    })
}

fn count(cli: &Cli, sizes: Sizes, progress: Progress) -> io::Result<Tally> {
    let (batches_in, batches) = bounded(sizes.batches);
    let (texts_in, texts) = bounded(sizes.jobs);
    let (counted_in, counted) = bounded(sizes.jobs);
    let (empty_in, empty) = bounded(sizes.jobs);
    for _ in 0..sizes.jobs {
        let _ = empty_in.send(Job::default());
    }

    if let Some(total) = progress.total() {
        let paths = cli.paths.clone();
        go!(move || unblock(move || walk::measure(&paths, &total)));
    }
    let paths = cli.paths.clone();
    let mut sources = vec![go!(move || unblock(move || walk_into(&paths, &batches_in)))];
    for index in 0..sizes.readers {
        let reader = Reader::new(index, sizes.job_bytes);
        let (batches, empty, texts_in) = (batches.clone(), empty.clone(), texts_in.clone());
        sources.push(go!(move || unblock(move || read_all(reader, &batches, &empty, &texts_in))));
    }
    drop((batches, empty, texts_in));
    let dispatcher = go!(dispatch(texts, counted_in));

    let mut tally = Tally::new(sizes, progress);
    for mut job in &counted {
        tally.absorb(&mut job);
        // The readers may be through already.
        let _ = empty_in.send(job);
    }
    drop(empty_in);
    let started = dispatcher.join().map_err(io::Error::other)?;
    sources.into_iter().try_for_each(|source| source.join().map_err(io::Error::other))?;
    Ok(tally.finish(started))
}

fn walk_into(paths: &[PathBuf], batches: &Sender<Batch>) {
    walk::walk(paths, |batch| match batches.send(batch) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    });
}

/// Turns batches of files into jobs with text.
fn read_all(
    mut reader: Reader,
    batches: &Receiver<Batch>,
    empty: &Receiver<Job>,
    texts: &Sender<Job>,
) {
    let mut spare = None;
    for batch in batches {
        reader.start(batch);
        while let Some(mut job) = spare.take().or_else(|| empty.recv().ok()) {
            if !reader.fill(&mut job) {
                spare = Some(job);
                break;
            }
            if texts.send(job).is_err() {
                return;
            }
        }
    }
}

/// Starts a green thread for each text, and says how many.
///
/// A thread that has not started yet may start on any worker; one that has stays where
/// it is. So it is one thread per job, and not one per worker with many jobs, that keeps
/// all workers busy.
fn dispatch(texts: Receiver<Job>, counted: Sender<Job>) -> u64 {
    let mut started = 0;
    for mut job in texts {
        let counted = counted.clone();
        go!(move || {
            let counted = CloseOnPanic(counted);
            job.tokenise();
            let _ = counted.0.send(job);
        });
        started += 1;
    }
    started
}

/// The job of a tokeniser that panics is lost, and the circle would come to a halt: so
/// the merger is told that nothing more comes, and finds that a job is missing.
struct CloseOnPanic(Sender<Job>);

impl Drop for CloseOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}
