//! The watch: an OS thread that ends the process, with a word on each thread of the round, when a
//! round takes too long.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::round::{Round, lock};

/// The round, and since when it runs.
type Watched = Arc<Mutex<Option<(Instant, Arc<Round>)>>>;

pub(crate) struct Watch(Watched);

impl Watch {
    pub(crate) fn start(limit: Duration) -> Self {
        let watched = Watched::default();
        let watch = Self(watched.clone());
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_millis(50));
                if let Some((since, round)) = &*lock(&watched)
                    && since.elapsed() > limit
                {
                    abort(round, limit);
                }
            }
        });
        watch
    }

    /// Another round begins, or, with `None`, the last one is over.
    pub(crate) fn turn_to(&self, round: Option<&Arc<Round>>) {
        *lock(&self.0) = round.map(|round| (Instant::now(), round.clone()));
    }
}

fn abort(round: &Round, limit: Duration) {
    eprintln!("stress: round {:#x} hangs: not done after {limit:?}", round.seed);
    eprintln!("channels: {:?}", round.plan.channels);
    for (me, thread) in round.plan.threads.iter().enumerate() {
        let trace = &round.traces[me];
        let begun = trace.begun.load(Ordering::Relaxed) as usize;
        let state = if trace.ended.load(Ordering::Relaxed) { "has ended" } else { "is at" };
        let last = begun.checked_sub(1).map(|last| &thread.operations[last]);
        let of = thread.operations.len();
        eprintln!("thread {me} ({:?}) {state} operation {begun} of {of}: {last:?}", thread.kind);
    }
    crate::tell_replay(round.seed);
    std::process::abort();
}
