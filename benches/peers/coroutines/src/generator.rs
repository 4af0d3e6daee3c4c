//! The crate `generator`, which may is made of.

use std::time::Duration;

use generator::{Generator, Gn, done};

use crate::Workload;
use crate::measure::{Figure::Best, timed};

pub(crate) const ALL: &[Workload] = &[
    ("coroutine_resume", 10_000_000, Best(|values| sum(values, counter(values)))),
    ("coroutine_value", 10_000_000, Best(exchange)),
    // Some microseconds each: a stack is mapped and unmapped.
    ("coroutine_create", 20_000, Best(create)),
    ("coroutine_new", 20_000, Best(new)),
    ("coroutine_delegate", 1_000_000, Best(|values| sum(values, passed_on(10, values)))),
];

/// So many numbers.
fn counter(values: u64) -> Generator<'static, (), u64> {
    Gn::new_scoped(move |mut scope| {
        (0..values).for_each(|value| scope.yield_with(value));
        done!()
    })
}

/// The same, through so many levels of generators.
fn passed_on(levels: u32, values: u64) -> Generator<'static, (), u64> {
    if levels == 0 {
        return counter(values);
    }
    let inner = passed_on(levels - 1, values);
    Gn::new_scoped(move |mut scope| {
        scope.yield_from(inner);
        done!()
    })
}

fn sum(values: u64, generator: Generator<'static, (), u64>) -> Duration {
    timed(|| assert_eq!(generator.sum::<u64>(), values * (values - 1) / 2))
}

/// A number goes in and comes out one higher, again and again.
fn exchange(times: u64) -> Duration {
    let mut adder = Gn::<u64>::new_scoped(|mut scope| {
        let mut value = scope.get_yield().unwrap();
        loop {
            value = scope.yield_(value + 1).unwrap();
        }
    });
    timed(|| assert_eq!((0..times).fold(0, |value, _| adder.send(value)), times))
}

/// Generators that return at once.
fn create(times: u64) -> Duration {
    timed(|| {
        for i in 0..times {
            let mut generator =
                Gn::<u64>::new_scoped(|mut scope| scope.get_yield().unwrap_or_default());
            assert_eq!(generator.send(i), i);
        }
    })
}

/// Generators that never run.
fn new(times: u64) -> Duration {
    timed(|| (0..times).for_each(|i| drop(Gn::<()>::new_scoped(move |_| i))))
}
