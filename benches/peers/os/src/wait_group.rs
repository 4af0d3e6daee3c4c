//! crossbeam's wait group.

use std::thread;
use std::time::Duration;

use crossbeam_utils::sync::WaitGroup;

use crate::Workload;
use crate::measure::{Figure::Best, timed};

pub(crate) const ALL: &[Workload] = &[("wait_group_1m", 1_000_000, Best(wait_group))];

/// 8 threads each add so many members between them, and then take them away.
fn wait_group(members: u64) -> Duration {
    const THREADS: u64 = 8;
    let each = members.div_ceil(THREADS) as usize;
    timed(|| {
        let group = WaitGroup::new();
        for _ in 0..THREADS {
            let member = group.clone();
            thread::spawn(move || drop(vec![member; each]));
        }
        group.wait();
    })
}
