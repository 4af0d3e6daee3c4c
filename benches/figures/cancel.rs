//! What deadlines cost while they are kept, and what it costs to end what waits.

use std::time::Duration;

use sward::time::timeout;
use sward::{JoinHandle, chan, spawn};

use crate::Workload;
use crate::measure::{Figure::Best, timed};

pub(crate) const ALL: &[Workload] = &[
    ("timeout_empty", 2_000_000, Best(timeout_empty)),
    ("chan_0_timeout", 1_000_000, Best(chan_0_timeout)),
    ("cancel_100k", 100_000, Best(cancel)),
];

const HOUR: Duration = Duration::from_secs(3600);

fn timeout_empty(times: u64) -> Duration {
    timed(|| (0..times).for_each(|i| assert_eq!(timeout(HOUR, || i), Ok(i))))
}

/// As `chan_0`, with an hour for each receipt.
fn chan_0_timeout(messages: u64) -> Duration {
    let (sender, receiver) = chan::bounded(0);
    timed(|| {
        let sending = spawn(move || (0..messages).for_each(|i| sender.send(i).unwrap()));
        for i in 0..messages {
            assert_eq!(timeout(HOUR, || receiver.recv()), Ok(Ok(i)));
        }
        sending.join().unwrap();
    })
}

/// So many threads that wait are cancelled, and joined.
fn cancel(threads: u64) -> Duration {
    let (ready, all_ready) = chan::bounded(threads as usize);
    let (_never, waiting) = chan::bounded::<()>(0);
    let start = |_| {
        let (ready, waiting) = (ready.clone(), waiting.clone());
        spawn(move || {
            ready.send(()).unwrap();
            waiting.recv().unwrap();
        })
    };
    let handles: Vec<_> = (0..threads).map(start).collect();
    all_ready.iter().take(handles.len()).for_each(drop);
    timed(|| {
        handles.iter().for_each(JoinHandle::cancel);
        for handle in handles {
            assert!(handle.join().unwrap_err().is_cancelled());
        }
    })
}
