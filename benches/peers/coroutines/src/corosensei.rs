//! corosensei, on stacks as it makes them, and on one that is used over and over: the floor.

use std::iter;
use std::time::Duration;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, ScopedCoroutine};

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

pub(crate) const REUSED: &[Workload] = &[
    ("coroutine_create", 10_000_000, Best(create_reused)),
    ("coroutine_new", 10_000_000, Best(new_reused)),
];

type Generator = Coroutine<(), u64, ()>;

/// So many numbers.
fn counter(values: u64) -> Generator {
    Coroutine::new(move |yielder, ()| (0..values).for_each(|value| yielder.suspend(value)))
}

/// The same, through so many levels of coroutines, each of which passes on what the next one
/// says: there is nothing for that, so it is a loop.
fn passed_on(levels: u32, values: u64) -> Generator {
    if levels == 0 {
        return counter(values);
    }
    let mut inner = passed_on(levels - 1, values);
    Coroutine::new(move |yielder, ()| {
        while let Some(value) = inner.resume(()).as_yield() {
            yielder.suspend(value);
        }
    })
}

fn sum(values: u64, mut generator: Generator) -> Duration {
    timed(|| {
        let sum: u64 = iter::from_fn(|| generator.resume(()).as_yield()).sum();
        assert_eq!(sum, values * (values - 1) / 2);
    })
}

/// A number goes in and comes out one higher, again and again.
fn exchange(times: u64) -> Duration {
    let mut adder: Coroutine<u64, u64, u64> = Coroutine::new(|yielder, mut value| {
        loop {
            value = yielder.suspend(value + 1);
        }
    });
    timed(|| {
        let last = (0..times).fold(0, |value, _| adder.resume(value).as_yield().unwrap());
        assert_eq!(last, times);
    })
}

/// Coroutines that return at once.
fn create(times: u64) -> Duration {
    timed(|| {
        for i in 0..times {
            let mut coroutine: Coroutine<u64, (), u64> = Coroutine::new(|_, input| input);
            assert_eq!(coroutine.resume(i).as_return(), Some(i));
        }
    })
}

/// Coroutines that never run.
fn new(times: u64) -> Duration {
    timed(|| (0..times).for_each(|i| drop(Coroutine::<(), (), _>::new(move |_, ()| i))))
}

fn create_reused(times: u64) -> Duration {
    let mut stack = DefaultStack::default();
    timed(|| {
        for i in 0..times {
            let coroutine: ScopedCoroutine<u64, (), u64, _> =
                ScopedCoroutine::with_stack(&mut stack, |_, input| input);
            let returned = coroutine.scope(|mut coroutine| coroutine.resume(i).as_return());
            assert_eq!(returned, Some(i));
        }
    })
}

fn new_reused(times: u64) -> Duration {
    let mut stack = DefaultStack::default();
    timed(|| {
        for i in 0..times {
            drop(ScopedCoroutine::<(), (), _, _>::with_stack(&mut stack, move |_, ()| i));
        }
    })
}
