//! What deadlines cost while they are kept, and what it costs to end what waits.

use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use crate::Workload;
use crate::measure::Figure::Best;

pub(crate) const ALL: &[Workload] = &[
    ("timeout_empty", 2_000_000, Best(|times| Box::pin(timeout_empty(times)))),
    ("chan_0_timeout", 1_000_000, Best(|messages| Box::pin(chan_0_timeout(messages)))),
    ("cancel_100k", 100_000, Best(|tasks| Box::pin(cancel(tasks)))),
];

const HOUR: Duration = Duration::from_secs(3600);

async fn timeout_empty(times: u64) -> Duration {
    let start = Instant::now();
    for i in 0..times {
        assert_eq!(timeout(HOUR, async { i }).await, Ok(i));
    }
    start.elapsed()
}

/// As `chan_0`, with an hour for each receipt.
async fn chan_0_timeout(messages: u64) -> Duration {
    let (sender, mut receiver) = mpsc::channel(1);
    let start = Instant::now();
    let sending = tokio::spawn(async move {
        for i in 0..messages {
            sender.send(i).await.unwrap();
        }
    });
    for i in 0..messages {
        assert_eq!(timeout(HOUR, receiver.recv()).await, Ok(Some(i)));
    }
    sending.await.unwrap();
    start.elapsed()
}

/// So many tasks that wait are aborted, and joined.
async fn cancel(tasks: u64) -> Duration {
    // (tokio's channels have one receiver: they all wait for permits.)
    static NEVER: Semaphore = Semaphore::const_new(0);
    let (ready, mut all_ready) = mpsc::channel(tasks as usize);
    let mut handles = Vec::new();
    for _ in 0..tasks {
        let ready = ready.clone();
        handles.push(tokio::spawn(async move {
            ready.send(()).await.unwrap();
            NEVER.acquire().await.unwrap().forget();
        }));
    }
    for _ in 0..tasks {
        all_ready.recv().await.unwrap();
    }
    let start = Instant::now();
    handles.iter().for_each(|handle| handle.abort());
    for handle in handles {
        assert!(handle.await.unwrap_err().is_cancelled());
    }
    start.elapsed()
}
