//! What becomes of a runtime that shuts down in a program built with `panic = "abort"`, where
//! nothing can be unwound: threads that wait are left as they are, and may still end by
//! themselves. And of a group, which would have to cancel threads if it failed: it does not begin.
//! `cargo xtask test panic-abort` builds it so and runs it; built as usual, the same threads are
//! cancelled.
//!
//! With the word `panic` a green thread panics: that ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sward_sched::runtime::{Builder, Runtime};
use sward_sched::{TaskGroup, join, park, spawn, unblock, yield_now};

const UNWINDS: bool = cfg!(panic = "unwind");

fn main() {
    if std::env::args().any(|word| word == "panic") {
        drop(Builder::new().workers(2).build().unwrap().spawn(|| panic!("as it should")).join());
        println!("the process goes on");
        return;
    }
    let start = || Builder::new().workers(2);
    for rt in [start(), migrating(start())].map(|builder| builder.build().unwrap()) {
        wait_in(rt);
    }
    // With nobody who waits it is a shutdown as any.
    let rt = start().build().unwrap();
    assert_eq!(rt.run(|| spawn(|| unblock(|| 7)).join().unwrap()), 7);
    assert!(rt.shutdown(Duration::from_secs(60)));
    // What might have to cancel does not begin.
    let mut begun = false;
    let done = TaskGroup::new().run(|group| {
        begun = true;
        group.spawn(|| Ok::<(), ()>(()));
    });
    assert_eq!((begun, done.is_ok()), (UNWINDS, UNWINDS));
    assert_eq!(join!(1, 2), (1, 2));
    println!("all as expected, {}", if UNWINDS { "unwinding" } else { "aborting" });
}

fn migrating(builder: Builder) -> Builder {
    // SAFETY: the threads below hold nothing that is tied to an OS thread.
    unsafe { builder.allow_migration() }
}

fn wait_in(rt: Runtime) {
    let begun = Arc::new(AtomicBool::new(false));
    let begins = begun.clone();
    let waits = rt.spawn(move || {
        begins.store(true, Ordering::Release);
        park();
        7
    });
    // One that has not begun is dropped by a shutdown, unwinding or not.
    rt.run(|| {
        while !begun.load(Ordering::Acquire) {
            yield_now();
        }
    });
    let asked = Instant::now();
    let in_time = rt.shutdown(Duration::from_millis(50));
    assert_eq!((in_time, waits.is_finished()), (UNWINDS, UNWINDS));
    assert!(UNWINDS || asked.elapsed() >= Duration::from_millis(50));
    waits.thread().unpark();
    match waits.join() {
        Ok(value) => assert_eq!((value, UNWINDS), (7, false)),
        Err(error) => assert!(UNWINDS && error.is_cancelled()),
    }
}
