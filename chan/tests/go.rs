//! What Go's own tests ask of channels, where it needs no `select!` (for that see the other
//! `go_*.rs`). What `len` and `capacity` say at every capacity up to 199 is in `semantics.rs`.

#[macro_use]
mod settings;
mod values;

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use settings::{Handle, Setting, join_all, limited, migrating, runtime, settle};
use sward_chan::{Receiver, Sender, TryRecvError, after, bounded};
use sward_sched::{Runtime, checkpoint, time, yield_now};
use values::{CAPACITIES, channel, full};

in_every_setting!(
    who_can_not_go_on_waits_at_every_capacity,
    what_is_queued_at_a_close_comes_before_the_end_at_every_capacity,
    values_come_in_order_at_every_capacity,
    four_send_to_four_at_every_capacity,
    many_consumers_have_the_exact_count_and_sum,
    timers_go_off_while_two_play_ping_pong,
    a_sieve_finds_the_primes,
);

fn who_can_not_go_on_waits_at_every_capacity(setting: &Setting) {
    let mut waiting = Vec::new();
    let mut others = Vec::new();
    for capacity in [0, 1, 2, 3, 10, 100, 199] {
        let (sender, receiver) = full(0);
        waiting.push(setting.spawn(move || receiver.recv().map(drop).is_ok()));
        let (to_full, from_full) = full(capacity);
        waiting.push(setting.spawn(move || to_full.send(capacity).is_ok()));
        others.push((sender, from_full));
    }
    settle();
    assert!(!waiting.iter().any(Handle::is_finished));
    for (sender, from_full) in others {
        sender.send(1).unwrap();
        // As many as there were, and the one that waited.
        for expected in 0..=from_full.capacity().unwrap() {
            assert_eq!(from_full.recv(), Ok(expected));
        }
    }
    assert!(join_all(waiting).into_iter().all(|went_on| went_on));
}

fn what_is_queued_at_a_close_comes_before_the_end_at_every_capacity(setting: &Setting) {
    for capacity in 1..200 {
        let (sender, receiver) = full(capacity);
        let closing = setting.spawn(move || sender.close());
        for expected in 0..capacity {
            assert_eq!(receiver.recv(), Ok(expected));
        }
        assert!(receiver.recv().is_err());
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        assert!(closing.join());
    }
}

fn values_come_in_order_at_every_capacity(setting: &Setting) {
    for capacity in (0..10).chain([50, 100, 199]) {
        let (sender, receiver) = bounded(capacity);
        let sending = setting.spawn(move || (0..50).for_each(|i| sender.send(i).unwrap()));
        (0..50).for_each(|expected| assert_eq!(receiver.recv(), Ok(expected)));
        sending.join();
    }
}

fn four_send_to_four_at_every_capacity(setting: &Setting) {
    const EACH: usize = 50;
    for capacity in [0, 1, 2, 3, 10, 100, 199] {
        let (sender, receiver) = bounded(capacity);
        let receiving = setting.spawn_many(4, move |_| receiver.iter().collect::<Vec<_>>());
        join_all(setting.spawn_many(4, move |_| (0..EACH).for_each(|i| sender.send(i).unwrap())));
        let mut times = [0; EACH];
        join_all(receiving).concat().into_iter().for_each(|i: usize| times[i] += 1);
        assert_eq!(times, [4; EACH]);
    }
}

/// Through two channels, and workers between them that now and then give way.
fn many_consumers_have_the_exact_count_and_sum(setting: &Setting) {
    const WORKERS: usize = 23;
    const JOBS: usize = 500;
    const PRIMES: [usize; 10] = [2, 3, 7, 11, 13, 17, 19, 23, 27, 31];
    for capacity in CAPACITIES {
        let (jobs, todo) = channel(capacity);
        let (results, done) = channel(capacity);
        let workers = setting.spawn_many(WORKERS, move |i| {
            for job in &todo {
                if PRIMES[i % PRIMES.len()] == job {
                    yield_now();
                }
                results.send(job).unwrap();
            }
        });
        let feeding = setting.spawn(move || {
            (0..JOBS).for_each(|i| jobs.send(PRIMES[i % PRIMES.len()]).unwrap());
        });
        let results: Vec<_> = done.iter().collect();
        assert_eq!(results.len(), JOBS);
        assert_eq!(results.iter().sum::<usize>(), JOBS / 10 * PRIMES.iter().sum::<usize>());
        feeding.join();
        join_all(workers);
    }
}

/// Two that play until `stop`.
fn players(stop: impl Fn(usize) -> bool + Clone + Send) -> [impl FnOnce() + Send; 2] {
    fn play(ball: Receiver<usize>, other: Sender<usize>, stop: impl Fn(usize) -> bool) {
        for value in ball {
            // The end of one ends the other.
            if stop(value) || other.send(value + 1).is_err() {
                break;
            }
        }
    }
    let (to_first, first) = bounded(1);
    let (to_second, second) = bounded(0);
    to_first.send(0).unwrap();
    let ends = [(first, to_second), (second, to_first)];
    ends.map(|(ball, other)| {
        let stop = stop.clone();
        move || play(ball, other, stop)
    })
}

fn timers_go_off_while_two_play_ping_pong(setting: &Setting) {
    const A_WHILE: Duration = Duration::from_millis(1);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let players = players(move |_| stopped.load(Ordering::Relaxed));
    let playing = players.map(|player| setting.spawn(player));
    let timers = setting.spawn_many(3, |kind| match kind {
        0 => drop(after(A_WHILE).recv()),
        1 => assert!(bounded::<()>(0).1.recv_timeout(A_WHILE).is_err()),
        _ => time::sleep(A_WHILE),
    });
    join_all(timers);
    stop.store(true, Ordering::Relaxed);
    join_all(playing);
}

/// Two play beside a third that does `compute` all the time.
fn two_play_beside(rt: &Runtime, compute: fn()) {
    let over = Arc::new(AtomicBool::new(false));
    let (computing, (started, starts)) = (over.clone(), bounded(0));
    let third = rt.spawn(move || {
        started.send(()).unwrap();
        while !computing.load(Ordering::Relaxed) {
            compute();
        }
    });
    starts.recv().unwrap();
    let playing = players(|value| value > 1000).map(|player| rt.spawn(player));
    playing.into_iter().for_each(|player| player.join().unwrap());
    over.store(true, Ordering::Relaxed);
    third.join().unwrap();
}

#[test]
fn two_play_ping_pong_beside_one_that_never_gives_way() {
    limited(|| [runtime(2), migrating(2)].iter().for_each(|rt| two_play_beside(rt, spin_loop)));
}

#[test]
fn two_play_ping_pong_on_the_worker_of_one_that_computes() {
    limited(|| [runtime(1), migrating(1)].iter().for_each(|rt| two_play_beside(rt, checkpoint)));
}

fn a_sieve_finds_the_primes(setting: &Setting) {
    fn is_prime(n: &usize) -> bool {
        (2..*n).all(|i| !n.is_multiple_of(i))
    }
    let (first, mut numbers) = bounded(0);
    let feed = move || assert!((2..).any(|n: usize| first.send(n).is_err()));
    let mut threads = vec![setting.spawn(feed)];
    for expected in (2..).filter(is_prime).take(30) {
        let prime = numbers.recv().unwrap();
        assert_eq!(prime, expected);
        let (passing, filtered) = bounded(0);
        let unfiltered = std::mem::replace(&mut numbers, filtered);
        threads.push(setting.spawn(move || {
            let mut rest = unfiltered.iter().filter(|n| !n.is_multiple_of(prime));
            assert!(rest.any(|n| passing.send(n).is_err()));
        }));
    }
    // The last one cannot send any more and goes, and so one after the other.
    drop(numbers);
    join_all(threads);
}

fn chain_of_ten_thousand(setting: &Setting) {
    const LINKS: usize = 10_000;
    let (first, mut left) = bounded::<usize>(0);
    let mut links = Vec::with_capacity(LINKS);
    for _ in 0..LINKS {
        let (right, next_left) = bounded(0);
        links.push(setting.spawn(move || right.send(left.recv().unwrap() + 1).unwrap()));
        left = next_left;
    }
    first.send(0).unwrap();
    assert_eq!(left.recv(), Ok(LINKS));
    join_all(links);
}

#[test]
fn a_value_passes_through_a_chain_of_10k_on_one_worker() {
    settings::one_worker(chain_of_ten_thousand);
}

#[test]
fn a_value_passes_through_a_chain_of_10k_on_two_workers() {
    settings::two_workers(chain_of_ten_thousand);
}

#[test]
fn a_value_passes_through_a_chain_of_10k_that_migrate() {
    settings::two_migrating(chain_of_ten_thousand);
}
