//! Starting green threads. `cargo bench --bench spawn`

#![forbid(unsafe_code)]

mod common;

use criterion::{Criterion, criterion_group, criterion_main};
use sward::sync::WaitGroup;
use sward::{go, unblock};

fn spawn(c: &mut Criterion) {
    let runtime = common::one_worker();
    let mut group = c.benchmark_group("spawn");
    group.bench_function("spawn and join", |b| {
        runtime.run(|| b.iter(|| go!(move || 7).join().unwrap()));
    });
    group.bench_function("spawn 1000, wait for all", |b| {
        runtime.run(|| {
            b.iter(|| {
                let all = WaitGroup::new();
                for _ in 0..1000 {
                    let member = all.clone();
                    go!(move || drop(member));
                }
                all.wait();
            });
        });
    });
    group.bench_function("unblock", |b| runtime.run(|| b.iter(|| unblock(|| 7))));
    group.finish();
}

criterion_group!(benches, spawn);
criterion_main!(benches);
