//! Runtimes come and go, and leave nothing behind: no OS thread, descriptor or mapping.
//!
//! One test alone in its program, since it counts what the whole process has.

mod settings;

use std::fs;
use std::time::Duration;

use settings::{LONG, limited, migrating, runtime};
use sward_sched::{Builder, Runtime, park, spawn, time, unblock, yield_now};

const CYCLES: usize = 200;

/// Mappings come and go a few at a time, as malloc and the cache of OS threads' stacks please; what is
/// left over in each cycle would be hundreds.
const SLACK: usize = 40;

#[derive(Debug)]
struct Holdings {
    os_threads: usize,
    descriptors: usize,
    mappings: usize,
}

impl Holdings {
    fn now() -> Self {
        let entries = |folder: &str| fs::read_dir(folder).expect("Linux has it").count();
        Self {
            os_threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
            mappings: fs::read_to_string("/proc/self/maps").expect("the same").lines().count(),
        }
    }
}

/// A bit of everything, some of it still under way at the end.
fn cycle(rt: Runtime, by_drop: bool) {
    let parked = rt.spawn(park);
    rt.run(|| {
        let threads: Vec<_> = (0..20u64)
            .map(|i| {
                spawn(move || {
                    match i % 4 {
                        0 => yield_now(),
                        1 => time::sleep(Duration::from_micros(i)),
                        2 => assert_eq!(unblock(move || i), i),
                        _ => Builder::new().dedicated().spawn(yield_now).join().unwrap(),
                    }
                    i
                })
            })
            .collect();
        assert_eq!(threads.into_iter().map(|it| it.join().unwrap()).sum::<u64>(), 190);
        (0..20).for_each(|_| drop(spawn(park)));
        (0..5).for_each(|_| drop(Builder::new().stack_size(100 << 10).spawn(park)));
    });
    let fresh: Vec<_> = (0..20).map(|i| rt.spawn(move || i)).collect();
    if by_drop {
        drop(rt);
    } else {
        assert!(rt.shutdown(LONG));
    }
    assert!(parked.join().unwrap_err().is_cancelled());
    assert!(fresh.into_iter().all(|thread| thread.is_finished()));
}

fn cycles(count: usize) {
    for i in 0..count {
        cycle(if i % 2 == 0 { runtime(2) } else { migrating(2) }, i % 4 < 2);
    }
}

#[test]
fn two_hundred_runtimes_leave_nothing_behind() {
    limited(|| {
        // What is allocated once for all is there after these.
        cycles(20);
        settle(None);
        let before = Holdings::now();
        cycles(CYCLES);
        settle(Some(before.os_threads));
        let after = Holdings::now();
        assert_eq!(after.os_threads, before.os_threads, "{before:?} {after:?}");
        assert_eq!(after.descriptors, before.descriptors, "{before:?} {after:?}");
        assert!(after.mappings <= before.mappings + SLACK, "{before:?} {after:?}");
    });
}

/// A runtime has ended when its OS threads have no more to do; the last of them is gone a moment
/// later. Waits for that.
fn settle(os_threads: Option<usize>) {
    let wanted = os_threads.unwrap_or(3);
    while Holdings::now().os_threads > wanted {
        std::thread::yield_now();
    }
}
