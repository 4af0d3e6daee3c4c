//! What a task costs that waits.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::measure::Figure::{Bytes, Second};
use crate::measure::resident;
use crate::{Tokio, Workload, join_all};

pub(crate) const ALL: &[Workload] = &[
    (
        "parked_1m",
        1_000_000,
        Second(|tasks| Box::pin(async move { Parked::start(tasks).await.end().await })),
    ),
    ("parked_1m_bytes", 1_000_000, Bytes(parked_bytes)),
];

/// Tasks that wait for what comes at the end only.
struct Parked {
    handles: Vec<JoinHandle<()>>,
    over: watch::Sender<()>,
    /// Until the last one waited.
    time: Duration,
}

impl Parked {
    async fn start(tasks: u64) -> Self {
        let start = Instant::now();
        let (member, mut begun) = mpsc::channel::<()>(1);
        let (over, end) = watch::channel(());
        let body = |_| {
            let (member, mut end) = (member.clone(), end.clone());
            tokio::spawn(async move {
                drop(member);
                end.changed().await.unwrap_err();
            })
        };
        let handles = (0..tasks).map(body).collect();
        drop(member);
        assert!(begun.recv().await.is_none());
        Self { handles, over, time: start.elapsed() }
    }

    async fn end(self) -> Duration {
        drop(self.over);
        join_all(self.handles).await;
        self.time
    }
}

/// Resident memory of so many that wait, when as many have been there before.
fn parked_bytes(tokio: &Tokio, tasks: u64) -> f64 {
    let before = resident();
    let run = async move {
        Parked::start(tasks).await.end().await;
        let parked = Parked::start(tasks).await;
        let bytes = resident().saturating_sub(before) as f64 / tasks as f64;
        parked.end().await;
        bytes
    };
    tokio.runtime.block_on(tokio.runtime.spawn(run)).unwrap()
}
