//! Values handed from thread to thread.

use std::time::Duration;

use sward::{chan, spawn};

use crate::measure::{Figure::Best, timed};
use crate::{Workload, all_at_once, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("rendezvous", 500_000, Best(|trips| round_trips(1, trips))),
    ("pairs_100", 500_000, Best(|trips| round_trips(100, trips))),
    ("chan_0", 1_000_000, Best(|messages| one_to_one(0, messages))),
    ("chan_1", 1_000_000, Best(|messages| one_to_one(1, messages))),
    ("chan_128", 2_000_000, Best(|messages| one_to_one(128, messages))),
    ("chan_4_4_0", 1_000_000, Best(|messages| many_to_many(4, 0, messages))),
    ("chan_4_4_128", 2_000_000, Best(|messages| many_to_many(4, 128, messages))),
    ("chan_100_100_16", 1_000_000, Best(|messages| many_to_many(100, 16, messages))),
    ("ring_1000", 500_000, Best(ring)),
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

fn one_to_one(capacity: usize, messages: u64) -> Duration {
    let (sender, receiver) = chan::bounded(capacity);
    timed(|| {
        let sending = spawn(move || (0..messages).for_each(|i| sender.send(i).unwrap()));
        assert_eq!(receiver.iter().count() as u64, messages);
        sending.join().unwrap();
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
