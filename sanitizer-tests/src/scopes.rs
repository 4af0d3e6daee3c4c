//! Threads that borrow, and futures that threads wait for.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use sward_sched::time::timeout;
use sward_sched::{Runtime, block_on, scope, spawn, time, yield_now};

const ROUNDS: usize = 200;

/// What is lent is on the stack of whoever waits, which is used again at once.
pub(crate) fn scopes(rt: &Runtime) {
    fn sum(numbers: &mut [u64]) -> u64 {
        if numbers.len() < 4 {
            yield_now();
            numbers.iter_mut().for_each(|it| *it += 1);
            return numbers.iter().sum();
        }
        let (left, right) = numbers.split_at_mut(numbers.len() / 2);
        scope(|s| {
            let left = s.spawn(|| sum(left));
            sum(right) + left.join().unwrap()
        })
    }
    let run = || {
        for round in 0..ROUNDS {
            let mut numbers = vec![round as u64; 100];
            assert_eq!(sum(&mut numbers), 100 * (round as u64 + 1));
            // Nobody joins.
            scope(|s| numbers.iter_mut().for_each(|it| drop(s.spawn(|| *it = 7))));
            assert_eq!(numbers, [7; 100]);
        }
        for round in 0..ROUNDS as u64 / 4 {
            let mut slots = [0; 20];
            let late = timeout(Duration::from_micros(50 * round), || {
                scope(|s| {
                    for (i, slot) in slots.iter_mut().enumerate() {
                        s.spawn(move || {
                            *slot = 1;
                            time::sleep(Duration::from_micros(100 * i as u64));
                            *slot = 2;
                        });
                    }
                });
            });
            assert!(late.is_err() || slots == [2; 20]);
        }
    };
    rt.run(run);
    // The owner is an OS thread.
    run();
}

/// A thread waits for a task that waits for a thread.
pub(crate) fn futures(rt: &Runtime) {
    rt.run(|| {
        for round in 0..ROUNDS {
            let threads = (0..8).map(|i| {
                spawn(move || {
                    (0..(round + i) % 3).for_each(|_| yield_now());
                    vec![i; 10]
                })
            });
            let threads: Vec<_> = threads.collect();
            let mut kept = 0;
            block_on(async {
                for (i, thread) in threads.into_iter().enumerate() {
                    if i % 4 == 0 {
                        // Asked for, and left.
                        let mut joining = pin!(thread.into_future());
                        drop(joining.as_mut().poll(&mut Context::from_waker(Waker::noop())));
                    } else {
                        kept += thread.await.unwrap().len();
                    }
                }
            });
            assert_eq!(kept, 60);
        }
    });
}
