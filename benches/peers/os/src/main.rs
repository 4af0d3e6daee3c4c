//! The workloads of `cargo xtask bench` between OS threads: over crossbeam's channels, or
//! with `--kanal` over kanal's.

#![forbid(unsafe_code)]

#[path = "../../../common/measure.rs"]
#[allow(dead_code, reason = "it serves programs that have more workloads")]
mod measure;
#[path = "../../../common/os_threads.rs"]
mod os_threads;

use std::process::ExitCode;
use std::time::Duration;

use measure::{Contender, Figure::Best, Options};
use os_threads::{Channels, hand_over};

/// There is nothing to start.
struct OsThreads;

type Inside = fn(u64) -> Duration;
type Workload = measure::Workload<OsThreads, Inside>;

fn main() -> ExitCode {
    if std::env::args().any(|arg| arg == "--kanal") {
        return measure::main(&[Kanal::ALL]);
    }
    measure::main(&[Crossbeam::ALL])
}

impl Contender for OsThreads {
    type Inside = Inside;

    fn start(options: &Options) -> Result<Self, String> {
        if let Some(flag) = options.flags.iter().find(|flag| *flag != "--kanal") {
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
