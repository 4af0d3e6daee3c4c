//! What a stack costs: memory, and the time until something has run on it.

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use sward::runtime::Builder;
use sward::sync::WaitGroup;
use sward::{JoinHandle, park, spawn, time};

use crate::measure::Figure::{Best, Bytes, Second};
use crate::measure::{resident, timed};
use crate::{Sward, Workload, join_all};

pub(crate) const ALL: &[Workload] = &[
    ("parked_1m", 1_000_000, Second(|threads| Parked::start(threads, || ()).end())),
    ("parked_1m_bytes", 1_000_000, Bytes(parked_bytes)),
    ("burst_100k_bytes", 100_000, Bytes(burst_bytes)),
    ("spawn_new_stack", FEW, Best(|threads| two_pages_deep(threads, None))),
    ("spawn_pooled_stack", FEW, Best(|threads| two_pages_deep(threads, Some(Duration::ZERO)))),
    ("spawn_given_back", FEW, Best(|threads| two_pages_deep(threads, Some(GIVEN_BACK)))),
];

/// A runtime keeps so many stacks, but for their highest pages, when nobody needs them
const FEW: u64 = 250;

/// for so long.
const GIVEN_BACK: Duration = Duration::from_millis(2500);

/// Threads that wait for what comes at the end only.
struct Parked {
    handles: Vec<JoinHandle<()>>,
    /// Until the last one waited.
    time: Duration,
}

impl Parked {
    fn start(threads: u64, first: fn()) -> Self {
        let mut handles = Vec::with_capacity(threads as usize);
        let time = timed(|| {
            let begun = WaitGroup::new();
            for _ in 0..threads {
                let member = begun.clone();
                handles.push(spawn(move || {
                    first();
                    drop(member);
                    park();
                }));
            }
            begun.wait();
        });
        Self { handles, time }
    }

    fn end(self) -> Duration {
        self.handles.iter().for_each(|handle| handle.thread().unpark());
        join_all(self.handles);
        self.time
    }
}

/// Resident memory of so many parked threads, when as many have been there before.
fn parked_bytes(sward: &Sward, threads: u64) -> f64 {
    let before = resident();
    sward.runtime.run(|| Parked::start(threads, || ()).end());
    sward.runtime.run(|| {
        let parked = Parked::start(threads, || ());
        let bytes = resident().saturating_sub(before) as f64 / threads as f64;
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let tables = status.lines().find(|line| line.starts_with("VmPTE")).unwrap_or_default();
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default().lines().count();
        eprintln!("{threads} parked: {maps} mappings, {tables}");
        parked.end();
        bytes
    })
}

/// Resident memory for each of so many threads, 32 KiB deep, ten seconds after the last has ended.
fn burst_bytes(sward: &Sward, threads: u64) -> f64 {
    #[inline(never)]
    fn deep(levels: u32) -> u8 {
        let frame = black_box([levels as u8; 1024]);
        if levels == 0 { 0 } else { frame[5].wrapping_add(deep(levels - 1)) }
    }
    let before = resident();
    sward.runtime.run(|| Parked::start(threads, || _ = black_box(deep(32))).end());
    // Ten seconds for a hundred thousand.
    std::thread::sleep(Duration::from_micros(100) * threads as u32);
    resident().saturating_sub(before) as f64 / threads as f64
}

/// So many threads that use two pages of stack each, on new stacks, or on those that others
/// have left that long ago.
fn two_pages_deep(threads: u64, ago: Option<Duration>) -> Duration {
    #[inline(never)]
    fn deep() {
        black_box(&mut [0u8; 6000]);
    }
    let runtime = Builder::new().workers(1).build().unwrap();
    let start = || runtime.run(|| Parked::start(threads, deep).end());
    if let Some(ago) = ago {
        start();
        time::sleep(ago);
    }
    start()
}
