//! Values from one green thread to another. `cargo bench --bench chan`

#![forbid(unsafe_code)]

mod common;

use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use sward::{chan, go};

fn channels(c: &mut Criterion) {
    let runtime = common::one_worker();
    let mut group = c.benchmark_group("chan");
    group.bench_function("rendezvous, round trip", |b| {
        runtime.run(|| {
            let (there, arriving) = chan::bounded::<u64>(0);
            let (back, returning) = chan::bounded::<u64>(0);
            go!(move || arriving.iter().for_each(|value| back.send(value).unwrap()));
            b.iter(|| {
                there.send(7).unwrap();
                returning.recv().unwrap()
            });
        });
    });
    for (name, capacity) in
        [("0", Some(0)), ("1", Some(1)), ("128", Some(128)), ("unbounded", None)]
    {
        group.bench_function(format!("one to one, capacity {name}"), |b| {
            b.iter_custom(|times| {
                runtime.run(|| {
                    let (sender, receiver) = capacity.map_or_else(chan::unbounded, chan::bounded);
                    let start = Instant::now();
                    go!(move || (0..times).for_each(|i| sender.send(i).unwrap()));
                    assert_eq!(receiver.iter().count() as u64, times);
                    start.elapsed()
                })
            });
        });
    }
    group.bench_function("send and receive in one thread", |b| {
        let (sender, receiver) = chan::bounded(1);
        runtime.run(|| {
            b.iter(|| {
                sender.send(7).unwrap();
                receiver.recv().unwrap()
            });
        });
    });
    group.finish();
}

criterion_group!(benches, channels);
criterion_main!(benches);
