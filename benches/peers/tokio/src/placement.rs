//! Work that ought to use every core.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::measure::{Figure::Middle, Work};
use crate::{Workload, join_all};

const JOB: Duration = Duration::from_micros(50);

pub(crate) const ALL: &[Workload] = &[
    ("pool_2_0", 2_000, Middle(|jobs| Box::pin(pool(2, 0, jobs)))),
    ("pool_2_4", 2_000, Middle(|jobs| Box::pin(pool(2, 4, jobs)))),
    ("pool_2_64", 2_000, Middle(|jobs| Box::pin(pool(2, 64, jobs)))),
    ("pool_4_0", 2_000, Middle(|jobs| Box::pin(pool(4, 0, jobs)))),
    ("pool_4_4", 2_000, Middle(|jobs| Box::pin(pool(4, 4, jobs)))),
    ("pool_4_64", 2_000, Middle(|jobs| Box::pin(pool(4, 64, jobs)))),
    ("pool_8_0", 2_000, Middle(|jobs| Box::pin(pool(8, 0, jobs)))),
    ("pool_8_4", 2_000, Middle(|jobs| Box::pin(pool(8, 4, jobs)))),
    ("pool_8_64", 2_000, Middle(|jobs| Box::pin(pool(8, 64, jobs)))),
    ("children_50us", 1_000, Middle(|pairs| Box::pin(children(Duration::from_micros(50), pairs)))),
    ("children_5ms", 20, Middle(|pairs| Box::pin(children(Duration::from_millis(5), pairs)))),
    ("handlers_1000", 500_000, Middle(|messages| Box::pin(handlers(messages)))),
    ("rw_pairs", 2_000_000, Middle(|messages| Box::pin(rw_pairs(messages)))),
];

/// Tasks that wait for jobs, and their parent, which then hands jobs out.
async fn pool(tasks: usize, capacity: usize, jobs: u64) -> Duration {
    let work = Work::lasting(JOB);
    let (sender, receiver) = kanal::bounded_async::<Work>(capacity);
    let (ready, mut all_ready) = mpsc::channel(tasks);
    let start = |_| {
        let (receiver, ready) = (receiver.clone(), ready.clone());
        tokio::spawn(async move {
            ready.send(()).await.unwrap();
            while let Ok(job) = receiver.recv().await {
                job.run();
            }
        })
    };
    let handles: Vec<_> = (0..tasks).map(start).collect();
    for _ in 0..tasks {
        all_ready.recv().await.unwrap();
    }
    let start = Instant::now();
    for _ in 0..jobs {
        sender.send(work).await.unwrap();
    }
    drop(sender);
    join_all(handles).await;
    start.elapsed()
}

/// Again and again, two tasks that compute for so long, and their parent waits.
async fn children(long: Duration, pairs: u64) -> Duration {
    let work = Work::lasting(long);
    let start = Instant::now();
    for _ in 0..pairs {
        join_all([(); 2].map(|()| tokio::spawn(async move { work.run() }))).await;
    }
    start.elapsed()
}

/// 1000 tasks that wait at once, each for its own messages; their parent sends one to
/// each in turn, and hears all the answers before the next turn.
async fn handlers(messages: u64) -> Duration {
    const TASKS: usize = 1000;
    let (answer, mut answers) = mpsc::channel(TASKS);
    let start = |_| {
        let answer = answer.clone();
        let (sender, mut receiver) = mpsc::channel::<u64>(1);
        tokio::spawn(async move {
            while let Some(message) = receiver.recv().await {
                answer.send(message).await.unwrap();
            }
        });
        sender
    };
    let senders: Vec<_> = (0..TASKS).map(start).collect();
    let start = Instant::now();
    for turn in 0..messages.div_ceil(TASKS as u64) {
        for sender in &senders {
            sender.send(turn).await.unwrap();
        }
        for _ in 0..TASKS {
            assert_eq!(answers.recv().await, Some(turn));
        }
    }
    start.elapsed()
}

/// 8 pairs of a reader and a writer, each over a channel of its own.
async fn rw_pairs(messages: u64) -> Duration {
    const PAIRS: u64 = 8;
    let each = messages.div_ceil(PAIRS);
    let start = Instant::now();
    let pair = |_| {
        let (sender, mut receiver) = mpsc::channel(16);
        let reader = tokio::spawn(async move {
            let mut received = 0;
            while receiver.recv().await.is_some() {
                received += 1;
            }
            assert_eq!(received, each);
        });
        tokio::spawn(async move {
            for i in 0..each {
                sender.send(i).await.unwrap();
            }
        });
        reader
    };
    let readers: Vec<_> = (0..PAIRS).map(pair).collect();
    join_all(readers).await;
    start.elapsed()
}
