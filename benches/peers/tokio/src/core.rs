//! Switching and spawning.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking, yield_now};

use crate::measure::Figure::Best;
use crate::{Workload, all_at_once};

pub(crate) const ALL: &[Workload] = &[
    ("yield_1", 1_000_000, Best(|times| Box::pin(yields(1, times)))),
    ("yield_100", 2_000_000, Best(|times| Box::pin(yields(100, times)))),
    ("spawn", 1_000_000, Best(|tasks| Box::pin(spawn_all(tasks)))),
    ("spawn_join", 200_000, Best(|times| Box::pin(spawn_join(times)))),
    ("scope_1", 200_000, Best(|tasks| Box::pin(sets(1, tasks)))),
    ("scope_100", 1_000_000, Best(|tasks| Box::pin(sets(100, tasks)))),
    ("scope_1m", 1_000_000, Best(|tasks| Box::pin(sets(tasks, tasks)))),
    ("group_1", 200_000, Best(|tasks| Box::pin(sets(1, tasks)))),
    ("group_100", 1_000_000, Best(|tasks| Box::pin(sets(100, tasks)))),
    ("group_1m", 1_000_000, Best(|tasks| Box::pin(sets(tasks, tasks)))),
    ("fib_22", 28_656, Best(|spawns| Box::pin(fib_22(spawns)))),
    ("skynet", 1_111_111, Best(|tasks| Box::pin(skynet(tasks)))),
    ("shutdown_100k", 100_000, Best(|tasks| Box::pin(shutdown(tasks)))),
];

/// `tasks` yield `times` in all.
async fn yields(tasks: usize, times: u64) -> Duration {
    let each = times / tasks as u64;
    let body = move |_| async move {
        for _ in 0..each {
            yield_now().await;
        }
    };
    all_at_once((0..tasks).map(body)).await
}

/// All are done when the last sender is dropped, as tokio's own guide waits for tasks.
async fn spawn_all(tasks: u64) -> Duration {
    let start = Instant::now();
    let (member, mut group) = mpsc::channel::<()>(1);
    for _ in 0..tasks {
        let member = member.clone();
        tokio::spawn(async move { drop(member) });
    }
    drop(member);
    assert!(group.recv().await.is_none());
    start.elapsed()
}

async fn spawn_join(times: u64) -> Duration {
    let start = Instant::now();
    for i in 0..times {
        assert_eq!(tokio::spawn(async move { i }).await.unwrap(), i);
    }
    start.elapsed()
}

/// Join sets of so many tasks each, one after the other, and in all so many tasks.
async fn sets(each: u64, tasks: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..tasks / each {
        let mut set = JoinSet::new();
        (0..each).for_each(|_| drop(set.spawn(async {})));
        while let Some(joined) = set.join_next().await {
            joined.unwrap();
        }
    }
    start.elapsed()
}

/// fib(22), or the first number that takes as many spawns as asked for.
async fn fib_22(spawns: u64) -> Duration {
    #[expect(clippy::manual_async_fn, reason = "it spawns itself, so it must say that it is Send")]
    fn fib(n: u64) -> impl Future<Output = u64> + Send {
        async move {
            if n < 2 {
                return n;
            }
            let other = tokio::spawn(fib(n - 2));
            Box::pin(fib(n - 1)).await + other.await.unwrap()
        }
    }
    // fib(n) makes one spawn less than fib(n + 1) is.
    let numbers = std::iter::successors(Some((1, 1)), |&(now, next)| Some((next, now + next)));
    let n = numbers.take_while(|&(_, next)| next - 1 < spawns).count() as u64 + 1;
    let start = Instant::now();
    assert!(fib(n).await > 0);
    start.elapsed()
}

/// A 10-ary tree of at most so many tasks counts its leaves: each task hears from its
/// children and tells its parent.
async fn skynet(tasks: u64) -> Duration {
    #[expect(clippy::manual_async_fn, reason = "it spawns itself, so it must say that it is Send")]
    fn node(parent: mpsc::Sender<u64>, leaves: u64) -> impl Future<Output = ()> + Send {
        async move {
            if leaves == 1 {
                return parent.send(1).await.unwrap();
            }
            let (sender, mut counts) = mpsc::channel(1);
            for _ in 0..10 {
                tokio::spawn(node(sender.clone(), leaves / 10));
            }
            let mut sum = 0;
            for _ in 0..10 {
                sum += counts.recv().await.unwrap();
            }
            parent.send(sum).await.unwrap();
        }
    }
    // Trees of 1, 11, 111, .. tasks.
    let trees = std::iter::successors(Some(1), |leaves| Some(leaves * 10));
    let leaves = trees.take_while(|leaves| leaves * 10 / 9 <= tasks).last().unwrap_or(1);
    let (sender, mut count) = mpsc::channel(1);
    let start = Instant::now();
    tokio::spawn(node(sender, leaves));
    assert_eq!(count.recv().await, Some(leaves));
    start.elapsed()
}

/// A further runtime, of as many workers, ends with so many tasks waiting in it.
async fn shutdown(tasks: u64) -> Duration {
    let workers = Handle::current().metrics().num_workers();
    let runtime = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
    let (ready, mut all_ready) = mpsc::channel(1024);
    for _ in 0..tasks {
        let ready = ready.clone();
        runtime.spawn(async move {
            ready.send(()).await.unwrap();
            pending::<()>().await;
        });
    }
    for _ in 0..tasks {
        all_ready.recv().await.unwrap();
    }
    // A task may not wait for it.
    let ending = spawn_blocking(move || {
        let start = Instant::now();
        runtime.shutdown_timeout(Duration::from_secs(100));
        start.elapsed()
    });
    ending.await.unwrap()
}
