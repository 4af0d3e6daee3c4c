//! tokio's own channels of other kinds: one value, news for all, the latest.

use std::time::{Duration, Instant};

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::measure::Figure::Best;
use crate::{Workload, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("oneshot", 2_000_000, Best(|times| Box::pin(oneshots(times)))),
    ("broadcast_4", 500_000, Best(|messages| Box::pin(broadcasts(messages)))),
    ("watch", 200_000, Best(|trips| Box::pin(watches(trips)))),
];

/// A channel for each value, which is there when it is received.
async fn oneshots(times: u64) -> Duration {
    let start = Instant::now();
    for i in 0..times {
        let (sender, receiver) = oneshot::channel();
        sender.send(i).unwrap();
        assert_eq!(receiver.await, Ok(i));
    }
    start.elapsed()
}

/// One sender, and 4 that receive all it sends: after as many as the channel holds, it hears from
/// each.
async fn broadcasts(messages: u64) -> Duration {
    const CAPACITY: usize = 128;
    let rounds = messages.div_ceil(CAPACITY as u64);
    let (sender, receiver) = broadcast::channel(CAPACITY);
    let (had_all, mut all_had) = mpsc::channel(4);
    let bodies = [(); 4].map(|()| {
        let (mut receiver, had_all) = (sender.subscribe(), had_all.clone());
        async move {
            for round in 0..rounds {
                for _ in 0..CAPACITY {
                    assert_eq!(receiver.recv().await, Ok(round));
                }
                had_all.send(()).await.unwrap();
            }
        }
    });
    drop(receiver);
    let start = Instant::now();
    let receiving = bodies.map(tokio::spawn);
    for round in 0..rounds {
        (0..CAPACITY).for_each(|_| assert_eq!(sender.send(round).unwrap(), 4));
        for _ in 0..4 {
            all_had.recv().await.unwrap();
        }
    }
    join_all(receiving).await;
    start.elapsed()
}

/// A round trip over two: one value there, and its like back.
async fn watches(trips: u64) -> Duration {
    let (there, mut arriving) = watch::channel(0);
    let (back, mut returning) = watch::channel(0);
    let start = Instant::now();
    let answering = tokio::spawn(async move {
        while arriving.changed().await.is_ok() {
            let value = *arriving.borrow_and_update();
            back.send(value).unwrap();
        }
    });
    for i in 1..=trips {
        there.send(i).unwrap();
        returning.changed().await.unwrap();
        assert_eq!(*returning.borrow_and_update(), i);
    }
    drop(there);
    answering.await.unwrap();
    start.elapsed()
}
