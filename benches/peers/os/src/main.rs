//! The workloads of `cargo xtask bench` between OS threads: over crossbeam's channels, with
//! `--kanal` over kanal's; with `--std` on std's locks, with `--parking-lot` on parking_lot's.

#![forbid(unsafe_code)]

#[path = "../../../common/measure.rs"]
#[allow(dead_code, reason = "it serves programs that have more workloads")]
mod measure;
#[path = "../../../common/os_threads.rs"]
mod os_threads;

mod locks;
mod wait_group;

use std::process::ExitCode;
use std::time::Duration;

use locks::Contended;
use measure::{Contender, Figure::Best, Options};
use os_threads::{Channels, hand_over};

/// There is nothing to start.
struct OsThreads;

type Inside = fn(u64) -> Duration;
type Workload = measure::Workload<OsThreads, Inside>;

fn main() -> ExitCode {
    let has = |flag| std::env::args().any(|arg| arg == flag);
    if has("--kanal") {
        return measure::main(&[Kanal::ALL]);
    }
    if has("--std") {
        return measure::main(&[locks::Std::ALL]);
    }
    if has("--parking-lot") {
        return measure::main(&[locks::ParkingLot::ALL]);
    }
    measure::main(&[Crossbeam::ALL, wait_group::ALL])
}

impl Contender for OsThreads {
    type Inside = Inside;

    fn start(options: &Options) -> Result<Self, String> {
        let known = ["--kanal", "--std", "--parking-lot"];
        if let Some(flag) = options.flags.iter().find(|flag| !known.contains(&flag.as_str())) {
            return Err(format!("no option {flag}"));
        }
        Ok(Self)
    }

    fn run(&self, workload: Self::Inside, operations: u64) -> Duration {
        workload(operations)
    }
}

trait Workloads: Channels + Sized {
    const ALL: &[Workload] = &[
        ("os_chan_0", 50_000, Best(|messages| hand_over::<Self>(1, 0, messages))),
        ("os_chan_1", 50_000, Best(|messages| hand_over::<Self>(1, 1, messages))),
        ("os_chan_128", 1_000_000, Best(|messages| hand_over::<Self>(1, 128, messages))),
        ("os_chan_4_4_0", 50_000, Best(|messages| hand_over::<Self>(4, 0, messages))),
        ("os_chan_4_4_128", 1_000_000, Best(|messages| hand_over::<Self>(4, 128, messages))),
    ];
}

impl<C: Channels> Workloads for C {}

struct Crossbeam;

impl Channels for Crossbeam {
    type Sender = crossbeam_channel::Sender<u64>;
    type Receiver = crossbeam_channel::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        crossbeam_channel::bounded(capacity)
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).unwrap();
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

struct Kanal;

impl Channels for Kanal {
    type Sender = kanal::Sender<u64>;
    type Receiver = kanal::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        kanal::bounded(capacity)
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).unwrap();
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}
