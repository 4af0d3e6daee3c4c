//! What deadlines cost while they are kept, and what it costs to end what waits, or to tell of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sward::time::timeout;
use sward::{JoinHandle, chan, dump, spawn, yield_now};

use crate::Workload;
use crate::measure::{Figure::Best, timed};

pub(crate) const ALL: &[Workload] = &[
    ("timeout_empty", 2_000_000, Best(timeout_empty)),
    ("chan_0_timeout", 1_000_000, Best(chan_0_timeout)),
    ("cancel_100k", 100_000, Best(cancel)),
    ("dump_100k", 100_000, Best(dumped)),
    ("dump_100k_pause", 1, Best(dump_pause)),
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

/// So many threads that wait, once all do; for as long as the sender is there.
fn waiting(threads: u64) -> (Vec<JoinHandle<()>>, chan::Sender<()>) {
    let (ready, all_ready) = chan::bounded(threads as usize);
    let (never, waiting) = chan::bounded::<()>(0);
    let start = |_| {
        let (ready, waiting) = (ready.clone(), waiting.clone());
        spawn(move || {
            ready.send(()).unwrap();
            waiting.recv().unwrap();
        })
    };
    let handles: Vec<_> = (0..threads).map(start).collect();
    all_ready.iter().take(handles.len()).for_each(drop);
    (handles, never)
}

/// They are told of, as text.
fn dumped(threads: u64) -> Duration {
    let (handles, _never) = waiting(threads);
    let took = timed(|| assert!(dump().to_string().lines().count() > 1));
    end(handles);
    took
}

/// For how long a thread that has work to do is kept from it while 100 000 others are told of.
fn dump_pause(_: u64) -> Duration {
    let (handles, _never) = waiting(100_000);
    let is_over = Arc::new(AtomicBool::new(false));
    let works = {
        let is_over = is_over.clone();
        spawn(move || {
            let (mut before, mut longest) = (Instant::now(), Duration::ZERO);
            while !is_over.load(Ordering::Acquire) {
                yield_now();
                let now = Instant::now();
                longest = longest.max(now - before);
                before = now;
            }
            longest
        })
    };
    let dump = dump();
    is_over.store(true, Ordering::Release);
    let longest = works.join().unwrap();
    assert!(dump.threads.len() > handles.len());
    end(handles);
    longest
}

fn end(handles: Vec<JoinHandle<()>>) {
    handles.iter().for_each(JoinHandle::cancel);
    handles.into_iter().for_each(|handle| drop(handle.join()));
}

/// They are cancelled, and joined.
fn cancel(threads: u64) -> Duration {
    let (handles, _never) = waiting(threads);
    timed(|| {
        handles.iter().for_each(JoinHandle::cancel);
        for handle in handles {
            assert!(handle.join().unwrap_err().is_cancelled());
        }
    })
}
