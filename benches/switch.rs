//! Going from one green thread to another. `cargo bench --bench switch`

#![forbid(unsafe_code)]

mod common;

use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use sward::{Thread, current, go, park, yield_now};

fn switch(c: &mut Criterion) {
    let runtime = common::one_worker();
    let mut group = c.benchmark_group("switch");
    group.bench_function("yield, 1 thread", |b| runtime.run(|| b.iter(yield_now)));
    for threads in [2, 100] {
        group.bench_function(format!("yield, {threads} threads"), |b| {
            // The time of one yield: all threads make as many as criterion asks for.
            b.iter_custom(|times| {
                runtime.run(|| {
                    let handles: Vec<_> = (0..threads)
                        .map(|_| go!(move || (0..times).for_each(|_| yield_now())))
                        .collect();
                    let start = Instant::now();
                    handles.into_iter().for_each(|handle| handle.join().unwrap());
                    start.elapsed() / threads
                })
            });
        });
    }
    group.bench_function("unpark and park, round trip", |b| {
        b.iter_custom(|times| {
            runtime.run(|| {
                let main = current();
                let partner = go!(move || (0..times).for_each(|_| park_and_wake(&main)));
                let thread = partner.thread();
                let start = Instant::now();
                for _ in 0..times {
                    thread.unpark();
                    park();
                }
                start.elapsed()
            })
        });
    });
    group.finish();
}

fn park_and_wake(other: &Thread) {
    park();
    other.unpark();
}

criterion_group!(benches, switch);
criterion_main!(benches);
