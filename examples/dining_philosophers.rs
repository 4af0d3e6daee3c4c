//! Five philosophers sit around a table, with a fork between each two of them. To eat, one needs both
//! forks beside him. Each takes the left one first, and when all have done so, nobody can go on
//! (Dijkstra, "Hierarchical ordering of sequential processes", 1971).
//!
//! ```text
//! cargo run --example dining_philosophers             # they starve, and sward says why
//! cargo run --example dining_philosophers -- --polite # each takes the lower fork first
//! ```
//!
//! In most languages such a program just hangs. Here, a tenth of a second after the last philosopher
//! has reached for his second fork, this is on stderr, and `main` panics:
//!
//! ```text
//! sward: deadlock: all green threads wait, and nothing is left that could wake one of them
//! 6 green threads: 6 waiting, 0 ready, 0 running, 0 not started
//! deadlock: #2 'Plato' waits for a lock of #3 'Kant', #3 'Kant' waits for a lock of #4 'Hume', ..
//!
//! #1 'main' [join for 0.123 s] 0x56178893be90 of #2 'Plato'
//!     spawned at examples/dining_philosophers.rs:59:1, on worker 0
//!
//! #2 'Plato' [mutex for 0.113 s] 0x56178893c0d8 held by #3 'Kant'
//!     spawned at examples/dining_philosophers.rs:71:14 by #1 'main', on worker 0
//! ..
//! ```
//!
//! Read it from the top. *All wait*: nobody computes, sleeps, or waits for the world outside, so there is
//! nothing to wait for. *deadlock:* names the ring: who waits for whose lock. Then each thread, with
//! what it waits for (a `mutex`, at that address), since when, who holds it, and where it was spawned:
//! `main` only joins Plato, and is no part of the ring. To break it, take locks in an order that is the
//! same everywhere: that is `--polite`.
//!
//! A program that hangs for another reason tells the same to whoever asks: `sward::dump()`, or
//! `kill -QUIT` if its runtime was built with `dump_on_sigquit`.

use std::sync::Arc;
use std::time::Duration;

use sward::sync::Mutex;
use sward::time::sleep;

const NAMES: [&str; 5] = ["Plato", "Kant", "Hume", "Locke", "Hypatia"];

/// How often each has eaten with it.
type Fork = Mutex<u32>;

/// Takes both forks, the first of which is given first.
fn dine(first: &Fork, second: &Fork) {
    let mut first = first.lock();
    // Time enough for all to have one.
    sleep(Duration::from_millis(10));
    let mut second = second.lock();
    *first += 1;
    *second += 1;
}

#[sward::main]
fn main() {
    let is_polite = std::env::args().any(|arg| arg == "--polite");
    let forks: Arc<[Fork; 5]> = Arc::new(Default::default());
    let philosophers = [0, 1, 2, 3, 4].map(|seat| {
        let forks = forks.clone();
        let (left, right) = (seat, (seat + 1) % 5);
        let (first, second) = match is_polite {
            true => (left.min(right), left.max(right)),
            false => (left, right),
        };
        sward::go!(name = NAMES[seat]; move || dine(&forks[first], &forks[second]))
    });
    for philosopher in philosophers {
        philosopher.join().unwrap();
    }
    let meals: u32 = forks.iter().map(|fork| *fork.lock()).sum::<u32>() / 2;
    println!("{meals} philosophers have eaten");
}
