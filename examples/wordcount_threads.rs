//! `wordcount` over OS threads and crossbeam-channel, to compare with.
//!
//! All but the plumbing is shared with `wordcount`, sizes included. Here a fixed number of
//! OS threads tokenises; the operating system moves them between cores as need be.

#![forbid(unsafe_code)]

#[path = "wordcount/cli.rs"]
mod cli;
#[path = "wordcount/counts.rs"]
mod counts;
#[path = "wordcount/generate.rs"]
mod generate;
#[path = "wordcount/job.rs"]
mod job;
#[path = "wordcount/progress.rs"]
mod progress;
#[path = "wordcount/read.rs"]
mod read;
#[path = "wordcount/report.rs"]
mod report;
#[path = "wordcount/tally.rs"]
mod tally;
#[path = "wordcount/text.rs"]
mod text;
#[path = "wordcount/walk.rs"]
mod walk;

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use cli::Cli;
use crossbeam_channel::{Receiver, Sender, bounded};
use job::Job;
use progress::Progress;
use read::Reader;
use tally::Tally;
use walk::Batch;

fn main() -> ExitCode {
    cli::run(count)
}

fn count(cli: &Cli, progress: Progress) -> io::Result<Tally> {
    let sizes = cli.sizes();
    let (batches_in, batches) = bounded(sizes.batches);
    let (texts_in, texts) = bounded(sizes.jobs);
    let (counted_in, counted) = bounded(sizes.jobs);
    let (empty_in, empty) = bounded(sizes.jobs);
    for _ in 0..sizes.jobs {
        let _ = empty_in.send(Job::default());
    }

    if let Some(total) = progress.total() {
        let paths = cli.paths.clone();
        thread::spawn(move || walk::measure(&paths, &total));
    }
    let paths = cli.paths.clone();
    let mut sources = vec![thread::spawn(move || walk_into(&paths, &batches_in))];
    for index in 0..sizes.readers {
        let reader = Reader::new(index, sizes.job_bytes);
        let (batches, empty, texts_in) = (batches.clone(), empty.clone(), texts_in.clone());
        sources.push(thread::spawn(move || read_all(reader, &batches, &empty, &texts_in)));
    }
    drop((batches, empty, texts_in));
    let tokenisers: Vec<_> = (0..sizes.workers)
        .map(|_| {
            let (texts, counted) = (texts.clone(), counted_in.clone());
            thread::spawn(move || tokenise_all(&texts, &counted))
        })
        .collect();
    drop((texts, counted_in));

    let mut tally = Tally::new(sizes, progress);
    for mut job in &counted {
        tally.absorb(&mut job);
        // The readers may be through already.
        let _ = empty_in.send(job);
    }
    drop(empty_in);
    let mut started = 0;
    for tokeniser in tokenisers {
        started += tokeniser.join().map_err(|_| io::Error::other("a tokeniser panicked"))?;
    }
    for source in sources {
        source.join().map_err(|_| io::Error::other("the walker or a reader panicked"))?;
    }
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

/// Counts the words of one text after the other, and says how many there were.
fn tokenise_all(texts: &Receiver<Job>, counted: &Sender<Job>) -> u64 {
    let mut done = 0;
    for mut job in texts {
        job.tokenise();
        let _ = counted.send(job);
        done += 1;
    }
    done
}
