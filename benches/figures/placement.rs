//! Work that ought to use every core: whether it does depends on where threads are put.

use std::time::Duration;

use sward::{chan, spawn};

use crate::measure::{Figure::Middle, Work, timed};
use crate::{Workload, join_all};

const JOB: Duration = Duration::from_micros(50);

pub(crate) const ALL: &[Workload] = &[
    ("pool_2_0", 2_000, Middle(|jobs| pool(2, 0, jobs))),
    ("pool_2_4", 2_000, Middle(|jobs| pool(2, 4, jobs))),
    ("pool_2_64", 2_000, Middle(|jobs| pool(2, 64, jobs))),
    ("pool_4_0", 2_000, Middle(|jobs| pool(4, 0, jobs))),
    ("pool_4_4", 2_000, Middle(|jobs| pool(4, 4, jobs))),
    ("pool_4_64", 2_000, Middle(|jobs| pool(4, 64, jobs))),
    ("pool_8_0", 2_000, Middle(|jobs| pool(8, 0, jobs))),
    ("pool_8_4", 2_000, Middle(|jobs| pool(8, 4, jobs))),
    ("pool_8_64", 2_000, Middle(|jobs| pool(8, 64, jobs))),
    ("children_50us", 1_000, Middle(|pairs| children(Duration::from_micros(50), pairs))),
    ("children_5ms", 20, Middle(|pairs| children(Duration::from_millis(5), pairs))),
    ("handlers_1000", 500_000, Middle(handlers)),
    ("rw_pairs", 2_000_000, Middle(rw_pairs)),
];

/// Threads that wait for jobs, and their parent, which then hands jobs out.
fn pool(threads: usize, capacity: usize, jobs: u64) -> Duration {
    let work = Work::lasting(JOB);
    let (sender, receiver) = chan::bounded::<Work>(capacity);
    let (ready, all_ready) = chan::bounded(threads);
    let start = |_| {
        let (receiver, ready) = (receiver.clone(), ready.clone());
        spawn(move || {
            ready.send(()).unwrap();
            receiver.iter().for_each(Work::run);
        })
    };
    let handles: Vec<_> = (0..threads).map(start).collect();
    all_ready.iter().take(threads).for_each(drop);
    timed(|| {
        (0..jobs).for_each(|_| sender.send(work).unwrap());
        drop(sender);
        join_all(handles);
    })
}

/// Again and again, two threads that compute for so long, and their parent waits.
fn children(long: Duration, pairs: u64) -> Duration {
    let work = Work::lasting(long);
    timed(|| (0..pairs).for_each(|_| join_all([(); 2].map(|()| spawn(move || work.run())))))
}

/// 1000 threads that wait at once, each for its own messages; their parent sends one to
/// each in turn, and hears all the answers before the next turn.
fn handlers(messages: u64) -> Duration {
    const THREADS: usize = 1000;
    let (answer, answers) = chan::bounded(THREADS);
    let start = |_| {
        let answer = answer.clone();
        let (sender, receiver) = chan::bounded::<u64>(1);
        spawn(move || receiver.iter().for_each(|message| answer.send(message).unwrap()));
        sender
    };
    let senders: Vec<_> = (0..THREADS).map(start).collect();
    timed(|| {
        for turn in 0..messages.div_ceil(THREADS as u64) {
            senders.iter().for_each(|sender| sender.send(turn).unwrap());
            assert!(answers.iter().take(THREADS).all(|answer| answer == turn));
        }
    })
}

/// 8 pairs of a reader and a writer, each over a channel of its own.
fn rw_pairs(messages: u64) -> Duration {
    const PAIRS: u64 = 8;
    let each = messages.div_ceil(PAIRS);
    timed(|| {
        let start = |_| {
            let (sender, receiver) = chan::bounded(16);
            let reader = spawn(move || assert_eq!(receiver.iter().count() as u64, each));
            spawn(move || (0..each).for_each(|i| sender.send(i).unwrap()));
            reader
        };
        let readers: Vec<_> = (0..PAIRS).map(start).collect();
        join_all(readers);
    })
}
