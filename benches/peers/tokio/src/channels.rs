//! Values handed from task to task.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::families::{Channels, Flume, Mpsc, Receiver, Sender};
use crate::measure::{Figure::Best, nth_prime};
use crate::{Workload, all_at_once, join_all};

/// Those of one receiver a channel.
pub(crate) trait Single: Channels {
    const SINGLE: &[Workload] = &[
        ("rendezvous", 500_000, Best(|n| Box::pin(round_trips::<Self>(1, n)))),
        ("pairs_100", 500_000, Best(|n| Box::pin(round_trips::<Self>(100, n)))),
        ("chan_0", 1_000_000, Best(|n| Box::pin(to_one(1, Self::bounded(0), n)))),
        ("chan_1", 1_000_000, Best(|n| Box::pin(to_one(1, Self::bounded(1), n)))),
        ("chan_128", 2_000_000, Best(|n| Box::pin(to_one(1, Self::bounded(128), n)))),
        ("chan_unbounded", 2_000_000, Best(|n| Box::pin(to_one(1, Self::unbounded(), n)))),
        ("chan_4_1_128", 2_000_000, Best(|n| Box::pin(to_one(4, Self::bounded(128), n)))),
        ("ring_1000", 500_000, Best(|n| Box::pin(ring::<Self>(n)))),
        ("sieve", 500, Best(|n| Box::pin(sieve::<Self>(n)))),
    ];
}

impl<C: Channels> Single for C {}

/// Those of several.
pub(crate) trait Shared: Channels<Receiver: Clone> {
    const SHARED: &[Workload] = &[
        ("chan_4_4_0", 1_000_000, Best(|n| Box::pin(many_to_many::<Self>(4, 0, n)))),
        ("chan_4_4_128", 2_000_000, Best(|n| Box::pin(many_to_many::<Self>(4, 128, n)))),
        ("chan_100_100_16", 1_000_000, Best(|n| Box::pin(many_to_many::<Self>(100, 16, n)))),
        ("chan_crowd_4", 1_000_000, Best(|n| Box::pin(many_to_many::<Self>(2, 16, n)))),
        ("chan_crowd_1000", 1_000_000, Best(|n| Box::pin(many_to_many::<Self>(500, 16, n)))),
        ("for_each", 1_000_000, Best(|n| Box::pin(for_each::<Self>(n)))),
    ];
}

impl<C: Channels<Receiver: Clone>> Shared for C {}

/// Those of receipts that are given up. Not kanal's: they lose the values that come meanwhile.
pub(crate) trait Selected: Channels {
    const SELECTED: &[Workload] =
        &[("select_4", 1_000_000, Best(|n| Box::pin(selects::<Self>(n))))];
}

impl Selected for Mpsc {}
impl Selected for Flume {}

/// So many pairs share the trips, each over two channels of its own.
async fn round_trips<C: Channels>(pairs: usize, trips: u64) -> Duration {
    let each = trips.div_ceil(pairs as u64);
    let pair = |_| {
        let (there, mut arriving) = C::bounded(0);
        let (back, mut returning) = C::bounded(0);
        tokio::spawn(async move {
            while let Some(i) = arriving.recv().await {
                back.send(i).await;
            }
        });
        async move {
            for i in 0..each {
                there.send(i).await;
                assert_eq!(returning.recv().await, Some(i));
            }
        }
    };
    all_at_once((0..pairs).map(pair)).await
}

/// So many senders, and their parent receives.
async fn to_one(senders: u64, channel: (impl Sender, impl Receiver), messages: u64) -> Duration {
    let each = messages.div_ceil(senders);
    let (sender, mut receiver) = channel;
    let start = Instant::now();
    for _ in 0..senders {
        tokio::spawn(send_all(sender.clone(), each));
    }
    drop(sender);
    assert_eq!(count(&mut receiver).await, senders * each);
    start.elapsed()
}

/// So many senders and as many receivers on one channel.
async fn many_to_many<C: Shared>(tasks: u64, capacity: usize, messages: u64) -> Duration {
    let each = messages.div_ceil(tasks);
    let (sender, receiver) = C::bounded(capacity);
    let start = Instant::now();
    let receive = |_| {
        let mut receiver = receiver.clone();
        tokio::spawn(async move { count(&mut receiver).await })
    };
    let receiving: Vec<_> = (0..tasks).map(receive).collect();
    for _ in 0..tasks {
        tokio::spawn(send_all(sender.clone(), each));
    }
    drop(sender);
    let mut received = 0;
    for receiver in receiving {
        received += receiver.await.unwrap();
    }
    assert_eq!(received, tasks * each);
    start.elapsed()
}

/// One sender, and 8 tasks for what it sends, with next to nothing to do.
async fn for_each<C: Shared>(messages: u64) -> Duration {
    let (sender, receiver) = C::bounded(128);
    let start = Instant::now();
    let work = |_| {
        let mut receiver = receiver.clone();
        tokio::spawn(async move {
            while let Some(i) = receiver.recv().await {
                black_box(i);
            }
        })
    };
    let working: Vec<_> = (0..8).map(work).collect();
    tokio::spawn(send_all(sender, messages));
    join_all(working).await;
    start.elapsed()
}

async fn send_all(sender: impl Sender, messages: u64) {
    for i in 0..messages {
        sender.send(i).await;
    }
}

async fn count(receiver: &mut impl Receiver) -> u64 {
    let mut received = 0;
    while receiver.recv().await.is_some() {
        received += 1;
    }
    received
}

/// 4 senders, each on a channel of its own of capacity 0, and one that selects over them.
async fn selects<C: Channels>(messages: u64) -> Duration {
    let each = messages.div_ceil(4);
    let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| C::bounded(0)).unzip();
    let [a, b, c, d] = &mut receivers[..] else { unreachable!() };
    let start = Instant::now();
    for sender in &senders {
        tokio::spawn(send_all(sender.clone(), each));
    }
    let mut sum = 0;
    for _ in 0..4 * each {
        // None ends before the others: `senders` are kept.
        let value = tokio::select! {
            value = a.recv() => value,
            value = b.recv() => value,
            value = c.recv() => value,
            value = d.recv() => value,
        };
        sum += value.unwrap();
    }
    assert_eq!(sum, 2 * each * (each - 1));
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
            while let Some(token) = from.recv().await {
                sender.send(token).await;
            }
        });
    }
    let start = Instant::now();
    for round in 0..hops.div_ceil(TASKS) {
        first.send(round).await;
        assert_eq!(last.recv().await, Some(round));
    }
    start.elapsed()
}

/// So many primes: a task for each passes on what its own does not divide.
async fn sieve<C: Channels>(primes: u64) -> Duration {
    let last = nth_prime(primes);
    let start = Instant::now();
    let (first, mut receiver) = C::bounded(0);
    tokio::spawn(async move {
        for n in 2..=last {
            first.send(n).await;
        }
    });
    let mut found = 0;
    while let Some(prime) = receiver.recv().await {
        found += 1;
        let (sender, left) = C::bounded(0);
        let mut numbers = std::mem::replace(&mut receiver, left);
        tokio::spawn(async move {
            while let Some(n) = numbers.recv().await {
                if n % prime != 0 {
                    sender.send(n).await;
                }
            }
        });
    }
    assert_eq!(found, primes);
    start.elapsed()
}
