//! The process ends while green threads run: from wherever, at once, and with the right status.
//!
//! A program without the usual harness, since its own `main` is what is tested: run without
//! `SWARD_EXIT` it runs itself once for each way to end.

#[path = "settings/mod.rs"]
mod settings;

use std::process::{Command, exit};
use std::time::Duration;

use settings::{Count, migrating, output, runtime, until};
use sward_sched::{Builder, Runtime, park, run, spawn, time, unblock, yield_now};

const WAY: &str = "SWARD_EXIT";

/// Name, status, how.
const WAYS: &[(&str, i32, fn())] = &[
    ("main_returns", 0, || drop(spawn(busy))),
    ("main_returns_from_run", 0, || run(crowd)),
    ("main_panics", 101, || panic!("as it should")),
    ("main_panics_in_run", 101, || run(|| panic!("as it should"))),
    ("a_green_thread_exits", 3, || on_each(|| exit(3))),
    ("a_green_thread_exits_detached", 4, || {
        let rt = runtime(2);
        rt.run(crowd);
        drop(rt.spawn(|| exit(4)));
        rt.run(park);
    }),
    ("unblock_exits", 5, || on_each(|| unblock(|| exit(5)))),
    ("a_dedicated_thread_exits", 6, || {
        on_each(|| drop(Builder::new().dedicated().spawn(|| exit(6)).join()))
    }),
    ("a_destructor_exits_while_its_thread_is_cancelled", 7, || {
        struct Exits;
        impl Drop for Exits {
            fn drop(&mut self) {
                exit(7);
            }
        }
        let rt = runtime(2);
        rt.run(crowd);
        let begun = Count::default();
        let counts = begun.clone();
        drop(rt.spawn(move || {
            let _exits = Exits;
            counts.add();
            park();
        }));
        until(|| begun.get() == 1);
        rt.shutdown(Duration::from_secs(50));
    }),
    ("main_returns_while_another_thread_shuts_down", 0, || {
        let rt = migrating(2);
        rt.run(crowd);
        std::thread::spawn(move || rt.shutdown(Duration::from_secs(50)));
    }),
];

/// The last one is chosen by the process's number: all are tried in the long run.
fn on_each(f: fn()) {
    let kinds: [fn() -> Runtime; 4] =
        [|| runtime(1), || runtime(2), || migrating(1), || migrating(2)];
    kinds[std::process::id() as usize % 4]().run(|| {
        crowd();
        f();
    });
    unreachable!("it has ended the process");
}

fn busy() {
    loop {
        std::hint::spin_loop();
    }
}

/// Threads that wait, run, and block OS threads.
fn crowd() {
    let begun = Count::default();
    let ways: [fn(); 5] = [
        park,
        || time::sleep(Duration::from_secs(1000)),
        || unblock(|| std::thread::sleep(Duration::from_secs(1000))),
        || {
            loop {
                yield_now();
            }
        },
        || spawn(park).join().unwrap(),
    ];
    for way in ways.into_iter().cycle().take(50) {
        let begun = begun.clone();
        drop(spawn(move || {
            begun.add();
            way();
        }));
    }
    drop(Builder::new().dedicated().spawn(busy));
    until(|| begun.get() == 50);
}

fn main() {
    if let Ok(wanted) = std::env::var(WAY) {
        let (.., how) = WAYS.iter().find(|(name, ..)| *name == wanted).expect("a way");
        return how();
    }
    let words: Vec<_> = std::env::args().skip(1).collect();
    let is_listed = words.iter().any(|word| word == "--list");
    let filter: Vec<_> = words.iter().filter(|word| !word.starts_with('-')).collect();
    for (name, status, _) in WAYS {
        if !filter.is_empty() && !filter.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        if is_listed {
            println!("{name}: test");
            continue;
        }
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        let ended = output({
            command.env(WAY, name);
            command
        });
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(*status), "{name}: {}\n{stderr}", ended.status);
        println!("test {name} ... ok");
    }
}
