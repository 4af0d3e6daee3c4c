//! Values handed from thread to thread.

use std::hint::black_box;
use std::time::Duration;

use sward::chan::{self, Receiver, Sender, broadcast, oneshot, watch};
use sward::{select, spawn};

use crate::measure::{Figure::Best, nth_prime, timed};
use crate::{Workload, all_at_once, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("rendezvous", 500_000, Best(|trips| round_trips(1, trips))),
    ("pairs_100", 500_000, Best(|trips| round_trips(100, trips))),
    ("chan_0", 1_000_000, Best(|messages| to_one(1, chan::bounded(0), messages))),
    ("chan_1", 1_000_000, Best(|messages| to_one(1, chan::bounded(1), messages))),
    ("chan_128", 2_000_000, Best(|messages| to_one(1, chan::bounded(128), messages))),
    ("chan_unbounded", 2_000_000, Best(|messages| to_one(1, chan::unbounded(), messages))),
    ("chan_4_1_128", 2_000_000, Best(|messages| to_one(4, chan::bounded(128), messages))),
    ("chan_4_4_0", 1_000_000, Best(|messages| many_to_many(4, 0, messages))),
    ("chan_4_4_128", 2_000_000, Best(|messages| many_to_many(4, 128, messages))),
    ("chan_100_100_16", 1_000_000, Best(|messages| many_to_many(100, 16, messages))),
    ("chan_crowd_4", 1_000_000, Best(|messages| many_to_many(2, 16, messages))),
    ("chan_crowd_1000", 1_000_000, Best(|messages| many_to_many(500, 16, messages))),
    ("select_4", 1_000_000, Best(selects)),
    ("ring_1000", 500_000, Best(ring)),
    ("sieve", 500, Best(sieve)),
    ("for_each", 1_000_000, Best(for_each)),
    ("oneshot", 2_000_000, Best(oneshots)),
    ("broadcast_4", 500_000, Best(broadcasts)),
    ("watch", 200_000, Best(watches)),
];

/// So many pairs share the trips, each over two channels of its own.
fn round_trips(pairs: usize, trips: u64) -> Duration {
    let each = trips.div_ceil(pairs as u64);
    all_at_once((0..pairs).map(|_| {
        let (there, arriving) = chan::bounded(0);
        let (back, returning) = chan::bounded(0);
        spawn(move || arriving.iter().for_each(|i: u64| back.send(i).unwrap()));
        move || {
            for i in 0..each {
                there.send(i).unwrap();
                assert_eq!(returning.recv(), Ok(i));
            }
        }
    }))
}

/// So many senders, and their parent receives.
fn to_one(senders: u64, channel: (Sender<u64>, Receiver<u64>), messages: u64) -> Duration {
    let each = messages.div_ceil(senders);
    let (sender, receiver) = channel;
    timed(|| {
        let send = |_| {
            let sender = sender.clone();
            spawn(move || (0..each).for_each(|i| sender.send(i).unwrap()))
        };
        let sending: Vec<_> = (0..senders).map(send).collect();
        drop(sender);
        assert_eq!(receiver.iter().count() as u64, senders * each);
        join_all(sending);
    })
}

/// So many senders and as many receivers on one channel.
fn many_to_many(threads: u64, capacity: usize, messages: u64) -> Duration {
    let each = messages.div_ceil(threads);
    let (sender, receiver) = chan::bounded(capacity);
    timed(|| {
        let receive = |_| {
            let receiver = receiver.clone();
            spawn(move || receiver.iter().count() as u64)
        };
        let receiving: Vec<_> = (0..threads).map(receive).collect();
        for _ in 0..threads {
            let sender = sender.clone();
            spawn(move || (0..each).for_each(|i| sender.send(i).unwrap()));
        }
        drop(sender);
        let received: u64 = receiving.into_iter().map(|handle| handle.join().unwrap()).sum();
        assert_eq!(received, threads * each);
    })
}

/// 4 senders, each on a channel of its own of capacity 0, and one that selects over them.
fn selects(messages: u64) -> Duration {
    let each = messages.div_ceil(4);
    let [(s0, r0), (s1, r1), (s2, r2), (s3, r3)] = [(); 4].map(|()| chan::bounded::<u64>(0));
    let senders = [s0, s1, s2, s3];
    timed(|| {
        for sender in &senders {
            let sender = sender.clone();
            spawn(move || (0..each).for_each(|i| sender.send(i).unwrap()));
        }
        let mut sum = 0;
        for _ in 0..4 * each {
            // None ends before the others: `senders` are kept.
            let value = select! {
                recv(r0) -> value => value,
                recv(r1) -> value => value,
                recv(r2) -> value => value,
                recv(r3) -> value => value,
            };
            sum += value.unwrap();
        }
        assert_eq!(sum, 2 * each * (each - 1));
    })
}

/// A token goes from hand to hand, `hops` times, around 1000 threads.
fn ring(hops: u64) -> Duration {
    const THREADS: u64 = 1000;
    let (first, mut receiver) = chan::bounded::<u64>(0);
    let handles: Vec<_> = (0..THREADS)
        .map(|_| {
            let (sender, next) = chan::bounded(0);
            let from = std::mem::replace(&mut receiver, next);
            spawn(move || from.iter().for_each(|token| sender.send(token).unwrap()))
        })
        .collect();
    let time = timed(|| {
        for round in 0..hops.div_ceil(THREADS) {
            first.send(round).unwrap();
            assert_eq!(receiver.recv(), Ok(round));
        }
    });
    drop(first);
    join_all(handles);
    time
}

/// So many primes: a thread for each passes on what its own does not divide.
fn sieve(primes: u64) -> Duration {
    let last = nth_prime(primes);
    timed(|| {
        let (first, mut receiver) = chan::bounded(0);
        spawn(move || (2..=last).for_each(|n| first.send(n).unwrap()));
        let mut found = 0;
        while let Ok(prime) = receiver.recv() {
            found += 1;
            let (sender, left) = chan::bounded(0);
            let numbers = std::mem::replace(&mut receiver, left);
            spawn(move || {
                let left = numbers.iter().filter(|n| n % prime != 0);
                left.for_each(|n| sender.send(n).unwrap());
            });
        }
        assert_eq!(found, primes);
    })
}

/// One sender, and 8 threads for what it sends, with next to nothing to do.
fn for_each(messages: u64) -> Duration {
    let (sender, receiver) = chan::bounded(128);
    timed(|| {
        let sending = spawn(move || (0..messages).for_each(|i| sender.send(i).unwrap()));
        receiver.for_each(8, |i| _ = black_box(i)).unwrap();
        sending.join().unwrap();
    })
}

/// A channel for each value, which is there when it is received.
fn oneshots(times: u64) -> Duration {
    timed(|| {
        for i in 0..times {
            let (sender, receiver) = oneshot::channel();
            sender.send(i).unwrap();
            assert_eq!(receiver.recv(), Ok(i));
        }
    })
}

/// One sender, and 4 that receive all it sends: after as many as the channel holds, it hears from
/// each.
fn broadcasts(messages: u64) -> Duration {
    const CAPACITY: usize = 128;
    let rounds = messages.div_ceil(CAPACITY as u64);
    let (sender, receiver) = broadcast::channel(CAPACITY);
    let (had_all, all_had) = chan::bounded(4);
    let bodies = [(); 4].map(|()| {
        let (mut receiver, had_all) = (sender.subscribe(), had_all.clone());
        move || {
            for round in 0..rounds {
                (0..CAPACITY).for_each(|_| assert_eq!(receiver.recv(), Ok(round)));
                had_all.send(()).unwrap();
            }
        }
    });
    drop(receiver);
    timed(|| {
        let receiving = bodies.map(spawn);
        for round in 0..rounds {
            (0..CAPACITY).for_each(|_| assert_eq!(sender.send(round), Ok(4)));
            all_had.iter().take(4).for_each(drop);
        }
        join_all(receiving);
    })
}

/// A round trip over two: one value there, and its like back.
fn watches(trips: u64) -> Duration {
    let (there, mut arriving) = watch::channel(0);
    let (back, mut returning) = watch::channel(0);
    timed(|| {
        let answering = spawn(move || {
            while arriving.changed().is_ok() {
                back.send(*arriving.borrow_and_update()).unwrap();
            }
        });
        for i in 1..=trips {
            there.send(i).unwrap();
            returning.changed().unwrap();
            assert_eq!(*returning.borrow_and_update(), i);
        }
        drop(there);
        answering.join().unwrap();
    })
}
