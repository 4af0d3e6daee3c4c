//! Coroutines, in OS threads outside the runtime.

use std::cell::OnceCell;
use std::iter;
use std::rc::Rc;
use std::time::Duration;

use sward::coroutine::{Coroutine, Generator, generator};
use sward::unblock;

use crate::measure::Figure::{Best, Bytes, Second};
use crate::measure::{resident, timed};
use crate::{Sward, Workload};

pub(crate) const ALL: &[Workload] = &[
    ("coroutine_resume", 10_000_000, Best(|n| unblock(move || sum(n, counter(n))))),
    ("coroutine_value", 10_000_000, Best(|n| unblock(move || exchange(n)))),
    ("coroutine_create", 10_000_000, Best(|n| unblock(move || create(n)))),
    ("coroutine_new", 10_000_000, Best(|n| unblock(move || new(n)))),
    ("coroutine_1m", 1_000_000, Second(|n| unblock(move || suspended(n).1))),
    ("coroutine_1m_bytes", 1_000_000, Bytes(suspended_bytes)),
    ("coroutine_delegate", 1_000_000, Best(|n| unblock(move || delegate(n)))),
    ("coroutine_transfer", 10_000_000, Best(|n| unblock(move || transfer(n)))),
];

/// So many numbers.
fn counter(values: u64) -> Generator<u64> {
    generator(move |yielder| (0..values).for_each(|value| yielder.suspend(value)))
}

fn sum(values: u64, numbers: impl Iterator<Item = u64>) -> Duration {
    timed(|| assert_eq!(numbers.sum::<u64>(), values * (values - 1) / 2))
}

/// A number goes in and comes out one higher, again and again.
fn exchange(times: u64) -> Duration {
    let adder: Coroutine<u64, u64, ()> = Coroutine::new(|yielder, mut value| {
        loop {
            value = yielder.suspend(value + 1);
        }
    });
    timed(|| {
        let next = |value, _| adder.resume(value).unwrap().yielded().unwrap();
        assert_eq!((0..times).fold(0, next), times);
    })
}

/// Coroutines that return at once.
fn create(times: u64) -> Duration {
    timed(|| {
        for i in 0..times {
            let coroutine: Coroutine<u64, (), u64> = Coroutine::new(|_, input| input);
            assert_eq!(coroutine.resume(i).unwrap().complete(), Some(i));
        }
    })
}

/// Coroutines that never run.
fn new(times: u64) -> Duration {
    timed(|| (0..times).for_each(|i| drop(Coroutine::<(), (), u64>::new(move |_, ()| i))))
}

type Numbers = Coroutine<(), u64, ()>;

/// So many that have yielded once, and how long that took.
fn suspended(number: u64) -> (Vec<Numbers>, Duration) {
    let mut coroutines = Vec::with_capacity(number as usize);
    let time = timed(|| {
        for i in 0..number {
            let coroutine = Numbers::new(move |yielder, ()| yielder.suspend(i));
            assert_eq!(coroutine.resume(()).unwrap().yielded(), Some(i));
            coroutines.push(coroutine);
        }
    });
    (coroutines, time)
}

/// Resident memory of each, when as many have been there before.
fn suspended_bytes(_: &Sward, number: u64) -> f64 {
    let before = resident();
    drop(suspended(number));
    let (coroutines, _) = suspended(number);
    resident().saturating_sub(before) as f64 / coroutines.len() as f64
}

/// A counter's numbers, through ten coroutines.
fn delegate(values: u64) -> Duration {
    fn passed_on(levels: u32, values: u64) -> Numbers {
        if levels == 0 {
            return Numbers::new(move |yielder, ()| (0..values).for_each(|i| yielder.suspend(i)));
        }
        let inner = passed_on(levels - 1, values);
        Numbers::new(move |yielder, ()| yielder.delegate(&inner, ()).unwrap())
    }
    let outermost = passed_on(10, values);
    sum(values, iter::from_fn(|| outermost.resume(()).unwrap().yielded()))
}

/// Two hand over to each other, so many times; nobody else runs in between.
fn transfer(times: u64) -> Duration {
    type Player = Coroutine<u64, (), u64>;
    let players: Rc<[OnceCell<Player>; 2]> = Rc::default();
    for (player, other) in [(0, 1), (1, 0)] {
        let table = players.clone();
        let play = Player::new(move |yielder, mut left| {
            while left > 0 {
                left = yielder.transfer(table[other].get().unwrap(), left - 1).unwrap();
            }
            left
        });
        players[player].set(play).unwrap();
    }
    let player = |player: usize| players[player].get().unwrap();
    let time = timed(|| assert_eq!(player(0).resume(times).unwrap().complete(), Some(0)));
    // One of them is still suspended, and it knows of the other.
    (0..2).for_each(|it| player(it).close().unwrap());
    time
}
