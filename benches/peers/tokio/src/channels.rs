//! Values handed from task to task.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::measure::Figure::Best;
use crate::{Workload, all_at_once};

pub(crate) const ALL: &[Workload] = &[
    ("rendezvous", 500_000, Best(|trips| Box::pin(round_trips::<Mpsc>(1, trips)))),
    ("pairs_100", 500_000, Best(|trips| Box::pin(round_trips::<Mpsc>(100, trips)))),
    ("chan_0", 1_000_000, Best(|messages| Box::pin(one_to_one::<Mpsc>(0, messages)))),
    ("chan_1", 1_000_000, Best(|messages| Box::pin(one_to_one::<Mpsc>(1, messages)))),
    ("chan_128", 2_000_000, Best(|messages| Box::pin(one_to_one::<Mpsc>(128, messages)))),
    ("chan_4_4_0", 1_000_000, Best(|messages| Box::pin(many_to_many(4, 0, messages)))),
    ("chan_4_4_128", 2_000_000, Best(|messages| Box::pin(many_to_many(4, 128, messages)))),
    ("chan_100_100_16", 1_000_000, Best(|messages| Box::pin(many_to_many(100, 16, messages)))),
    ("ring_1000", 500_000, Best(|hops| Box::pin(ring::<Mpsc>(hops)))),
];

/// Those of the above that are on tokio's channels there.
pub(crate) const KANAL: &[Workload] = &[
    ("rendezvous", 500_000, Best(|trips| Box::pin(round_trips::<Kanal>(1, trips)))),
    ("pairs_100", 500_000, Best(|trips| Box::pin(round_trips::<Kanal>(100, trips)))),
    ("chan_0", 1_000_000, Best(|messages| Box::pin(one_to_one::<Kanal>(0, messages)))),
    ("chan_1", 1_000_000, Best(|messages| Box::pin(one_to_one::<Kanal>(1, messages)))),
    ("chan_128", 2_000_000, Best(|messages| Box::pin(one_to_one::<Kanal>(128, messages)))),
    ("ring_1000", 500_000, Best(|hops| Box::pin(ring::<Kanal>(hops)))),
];

/// Whose channels.
trait Channels: 'static {
    type Sender: Send + Sync + 'static;
    type Receiver: Send + 'static;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64) -> impl Future<Output = ()> + Send;
    /// `None`: there are no senders left.
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;
}

struct Mpsc;

impl Channels for Mpsc {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(capacity.max(1))
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.unwrap();
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await
    }
}

struct Kanal;

impl Channels for Kanal {
    type Sender = kanal::AsyncSender<u64>;
    type Receiver = kanal::AsyncReceiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        kanal::bounded_async(capacity)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.unwrap();
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

/// So many pairs share the trips, each over two channels of its own.
async fn round_trips<C: Channels>(pairs: usize, trips: u64) -> Duration {
    let each = trips.div_ceil(pairs as u64);
    let pair = |_| {
        let (there, mut arriving) = C::bounded(0);
        let (back, mut returning) = C::bounded(0);
        tokio::spawn(async move {
            while let Some(i) = C::recv(&mut arriving).await {
                C::send(&back, i).await;
            }
        });
        async move {
            for i in 0..each {
                C::send(&there, i).await;
                assert_eq!(C::recv(&mut returning).await, Some(i));
            }
        }
    };
    all_at_once((0..pairs).map(pair)).await
}

async fn one_to_one<C: Channels>(capacity: usize, messages: u64) -> Duration {
    let (sender, mut receiver) = C::bounded(capacity);
    let start = Instant::now();
    tokio::spawn(async move {
        for i in 0..messages {
            C::send(&sender, i).await;
        }
    });
    let mut received = 0;
    while C::recv(&mut receiver).await.is_some() {
        received += 1;
    }
    assert_eq!(received, messages);
    start.elapsed()
}

/// So many senders and as many receivers on one channel.
async fn many_to_many(tasks: u64, capacity: usize, messages: u64) -> Duration {
    let each = messages.div_ceil(tasks);
    let (sender, receiver) = kanal::bounded_async(capacity);
    let start = Instant::now();
    let receive = |_| {
        let receiver = receiver.clone();
        tokio::spawn(async move {
            let mut received = 0;
            while receiver.recv().await.is_ok() {
                received += 1;
            }
            received
        })
    };
    let receiving: Vec<_> = (0..tasks).map(receive).collect();
    for _ in 0..tasks {
        let sender = sender.clone();
        tokio::spawn(async move {
            for i in 0..each {
                sender.send(i).await.unwrap();
            }
        });
    }
    drop(sender);
    let mut received = 0;
    for receiver in receiving {
        received += receiver.await.unwrap();
    }
    assert_eq!(received, tasks * each);
    start.elapsed()
}

/// A token goes from hand to hand, `hops` times, around 1000 tasks.
async fn ring<C: Channels>(hops: u64) -> Duration {
    const TASKS: u64 = 1000;
    let (first, mut last) = C::bounded(0);
    for _ in 0..TASKS {
        let (sender, next) = C::bounded(0);
        let mut from = std::mem::replace(&mut last, next);
        tokio::spawn(async move {
            while let Some(token) = C::recv(&mut from).await {
                C::send(&sender, token).await;
            }
        });
    }
    let start = Instant::now();
    for round in 0..hops.div_ceil(TASKS) {
        C::send(&first, round).await;
        assert_eq!(C::recv(&mut last).await, Some(round));
    }
    start.elapsed()
}
