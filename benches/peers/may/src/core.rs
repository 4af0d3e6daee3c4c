//! Switching, spawning, handing values over, and work for every core.

use std::time::Duration;

use may::coroutine::{scope, yield_now};
use may::go;
use may::sync::mpsc;

use crate::measure::Figure::{Best, Middle};
use crate::measure::{Work, timed};
use crate::{Workload, all_at_once, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("yield_1", 1_000_000, Best(|times| yields(1, times))),
    ("yield_100", 2_000_000, Best(|times| yields(100, times))),
    // Ten and more microseconds each.
    ("spawn_join", 20_000, Best(spawn_join)),
    ("scope_1", 20_000, Best(|coroutines| scopes(1, coroutines))),
    ("scope_100", 20_000, Best(|coroutines| scopes(100, coroutines))),
    ("group_1", 20_000, Best(|coroutines| scopes(1, coroutines))),
    ("group_100", 20_000, Best(|coroutines| scopes(100, coroutines))),
    ("fib_22", 28_656, Best(fib_22)),
    ("rendezvous", 500_000, Best(|trips| round_trips(1, trips))),
    ("pairs_100", 500_000, Best(|trips| round_trips(100, trips))),
    ("chan_unbounded", 2_000_000, Best(one_to_one)),
    ("ring_1000", 500_000, Best(ring)),
    ("children_50us", 1_000, Middle(|pairs| children(Duration::from_micros(50), pairs))),
    ("children_5ms", 20, Middle(|pairs| children(Duration::from_millis(5), pairs))),
    ("handlers_1000", 500_000, Middle(handlers)),
];

/// `coroutines` yield `times` in all.
fn yields(coroutines: usize, times: u64) -> Duration {
    let each = times / coroutines as u64;
    all_at_once((0..coroutines).map(|_| move || (0..each).for_each(|_| yield_now())))
}

fn spawn_join(times: u64) -> Duration {
    timed(|| {
        for i in 0..times {
            assert_eq!(go!(move || i).join().unwrap(), i);
        }
    })
}

/// Scopes of so many coroutines each, one after the other, and in all so many coroutines.
fn scopes(each: u64, coroutines: u64) -> Duration {
    timed(|| {
        for _ in 0..coroutines / each {
            // SAFETY: the scope is not left but by returning.
            scope(|s| (0..each).for_each(|_| drop(unsafe { s.spawn(|| ()) })));
        }
    })
}

/// fib(22), or the first number that takes as many spawns as asked for.
fn fib_22(spawns: u64) -> Duration {
    fn fib(n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        let other = go!(move || fib(n - 2));
        fib(n - 1) + other.join().unwrap()
    }
    // fib(n) makes one spawn less than fib(n + 1) is.
    let numbers = std::iter::successors(Some((1, 1)), |&(now, next)| Some((next, now + next)));
    let n = numbers.take_while(|&(_, next)| next - 1 < spawns).count() as u64 + 1;
    timed(|| assert!(fib(n) > 0))
}

/// So many pairs share the trips, each over two channels of its own.
fn round_trips(pairs: usize, trips: u64) -> Duration {
    let each = trips.div_ceil(pairs as u64);
    all_at_once((0..pairs).map(|_| {
        let (there, arriving) = mpsc::channel();
        let (back, returning) = mpsc::channel();
        go!(move || arriving.iter().for_each(|i: u64| back.send(i).unwrap()));
        move || {
            for i in 0..each {
                there.send(i).unwrap();
                assert_eq!(returning.recv(), Ok(i));
            }
        }
    }))
}

fn one_to_one(messages: u64) -> Duration {
    let (sender, receiver) = mpsc::channel();
    timed(|| {
        let sending = go!(move || (0..messages).for_each(|i| sender.send(i).unwrap()));
        assert_eq!(receiver.iter().count() as u64, messages);
        sending.join().unwrap();
    })
}

/// A token goes from hand to hand, `hops` times, around 1000 coroutines.
fn ring(hops: u64) -> Duration {
    const COROUTINES: u64 = 1000;
    let (first, mut last) = mpsc::channel::<u64>();
    for _ in 0..COROUTINES {
        let (sender, next) = mpsc::channel();
        let from = std::mem::replace(&mut last, next);
        go!(move || from.iter().for_each(|token| sender.send(token).unwrap()));
    }
    timed(|| {
        for round in 0..hops.div_ceil(COROUTINES) {
            first.send(round).unwrap();
            assert_eq!(last.recv(), Ok(round));
        }
    })
}

/// Again and again, two coroutines that compute for so long, and their parent waits.
fn children(long: Duration, pairs: u64) -> Duration {
    let work = Work::lasting(long);
    timed(|| (0..pairs).for_each(|_| join_all([(); 2].map(|()| go!(move || work.run())))))
}

/// 1000 coroutines that wait at once, each for its own messages; their parent sends one
/// to each in turn, and hears all the answers before the next turn.
fn handlers(messages: u64) -> Duration {
    const COROUTINES: usize = 1000;
    let (answer, answers) = mpsc::channel();
    let start = |_| {
        let answer = answer.clone();
        let (sender, receiver) = mpsc::channel::<u64>();
        go!(move || receiver.iter().for_each(|message| answer.send(message).unwrap()));
        sender
    };
    let senders: Vec<_> = (0..COROUTINES).map(start).collect();
    timed(|| {
        for turn in 0..messages.div_ceil(COROUTINES as u64) {
            senders.iter().for_each(|sender| sender.send(turn).unwrap());
            assert!(answers.iter().take(COROUTINES).all(|answer| answer == turn));
        }
    })
}
