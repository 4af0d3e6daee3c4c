//! Cancelled threads and semaphores: no permit is lost, nobody waits for ever. And a crowd that
//! does all that can be done with a semaphore, in an order that its seed says.

mod polling;
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use polling::{block_on, poll_once};
use settings::{LONG, limited, migrating, on_every_runtime, runtime, settle, until};
use sward_sched::time::{sleep, timeout};
use sward_sched::{park, spawn, yield_now};
use sward_sync::{OwnedSemaphorePermit, Semaphore};

#[test]
fn who_is_cancelled_gives_permits_back() {
    on_every_runtime(|rt| {
        let semaphore = Arc::new(Semaphore::new(2));
        for _ in 0..20 {
            let own = semaphore.clone();
            let holding = rt.spawn(move || {
                let _permits = own.acquire_many(2).unwrap();
                park();
            });
            until(|| semaphore.available_permits() == 0);
            holding.cancel();
            assert!(semaphore.acquire_timeout(LONG).is_ok());
            assert!(holding.join().unwrap_err().is_cancelled());
            assert_eq!(semaphore.available_permits(), 2);
        }
    });
}

#[test]
fn who_is_cancelled_in_line_lets_those_behind_go_on() {
    on_every_runtime(|rt| {
        for _ in 0..20 {
            let semaphore = Arc::new(Semaphore::new(1));
            let own = semaphore.clone();
            let big = rt.spawn(move || own.acquire_many(2).map(drop));
            until(|| semaphore.try_acquire().is_err());
            let behind = |_| {
                let own = semaphore.clone();
                rt.spawn(move || own.acquire().map(drop))
            };
            let behind: Vec<_> = (0..3).map(behind).collect();
            let own = semaphore.clone();
            let outside = std::thread::spawn(move || own.acquire().map(drop));
            settle();
            assert!(behind.iter().all(|thread| !thread.is_finished()));
            big.cancel();
            assert!(big.join().unwrap_err().is_cancelled());
            behind.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
            outside.join().unwrap().unwrap();
            assert_eq!(semaphore.available_permits(), 1);
        }
    });
}

#[test]
fn a_timeout_around_it_lets_those_behind_go_on() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let semaphore = Arc::new(Semaphore::new(1));
            let own = semaphore.clone();
            let big = spawn(move || {
                timeout(Duration::from_millis(1), || own.acquire_many(2).map(drop)).is_err()
            });
            let own = semaphore.clone();
            let small = spawn(move || own.acquire().map(drop));
            small.join().unwrap().unwrap();
            assert!(big.join().unwrap());
            assert!(semaphore.try_acquire().is_ok());
        });
    });
}

#[test]
fn a_permit_for_one_who_is_cancelled_is_not_lost() {
    on_every_runtime(|rt| {
        for round in 0..100 {
            let semaphore = Arc::new(Semaphore::new(0));
            let own = semaphore.clone();
            let waiting = rt.spawn(move || own.acquire().map(drop));
            (0..round % 5).for_each(|_| yield_now());
            let own = semaphore.clone();
            let adding = std::thread::spawn(move || own.add_permits(1));
            waiting.cancel();
            let _ = waiting.join();
            adding.join().unwrap();
            assert!(semaphore.try_acquire().is_ok());
        }
    });
}

#[test]
fn a_shutdown_ends_all_that_wait_and_hold() {
    limited(|| {
        for workers in [1, 2] {
            for rt in [runtime(workers), migrating(workers)] {
                let semaphore = Arc::new(Semaphore::new(3));
                let visit = |i: u32| {
                    let own = semaphore.clone();
                    rt.spawn(move || {
                        let _permit = own.acquire_many(i % 3 + 1).unwrap();
                        park();
                    })
                };
                let visiting: Vec<_> = (0..20).map(visit).collect();
                settle();
                assert!(rt.shutdown(LONG));
                let ends = visiting.into_iter().map(|thread| thread.join());
                ends.for_each(|end| assert!(end.unwrap_err().is_cancelled()));
                assert!(semaphore.try_acquire_many(3).is_ok());
            }
        }
    });
}

const PERMITS: usize = 4;

/// What a crowd shares.
struct Room {
    semaphore: Arc<Semaphore>,
    inside: AtomicUsize,
}

impl Room {
    fn stay(&self, permit: OwnedSemaphorePermit, random: &mut Random) {
        let permits = permit.num_permits();
        let before = self.inside.fetch_add(permits, Ordering::Relaxed);
        // Leaves before the permit goes back, also by unwinding.
        let _stay = Stay(self, permits);
        assert!(before + permits <= PERMITS);
        match random.below(8) {
            0 => sleep(Duration::from_micros(20)),
            1..4 => yield_now(),
            _ => {}
        }
    }

    /// `None`: it is closed.
    fn visit(&self, random: &mut Random) -> Option<()> {
        let (semaphore, permits) =
            (self.semaphore.clone(), random.below(PERMITS as u64) as u32 + 1);
        let permit = match random.below(6) {
            0 => semaphore.acquire_owned().ok()?,
            1 => semaphore.acquire_many_owned(permits).ok()?,
            2 => match semaphore.try_acquire_many_owned(permits) {
                Ok(permit) => permit,
                Err(_) if self.semaphore.is_closed() => return None,
                Err(_) => return Some(()),
            },
            3 => {
                let micros = Duration::from_micros(random.below(60));
                match timeout(micros, || semaphore.acquire_many_owned(permits)) {
                    Ok(permit) => permit.ok()?,
                    Err(_) => return Some(()),
                }
            }
            4 => {
                let mut future = Box::pin(semaphore.acquire_many_owned_async(permits));
                let _ = poll_once(future.as_mut());
                yield_now();
                return Some(());
            }
            _ => block_on(semaphore.acquire_many_owned_async(permits)).ok()?,
        };
        self.stay(permit, random);
        Some(())
    }
}

/// With how many permits somebody is inside.
struct Stay<'a>(&'a Room, usize);

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(self.1, Ordering::Relaxed);
    }
}

/// xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[test]
fn a_crowd_keeps_to_the_permits_and_is_sent_home() {
    on_every_runtime(|rt| {
        for seed in 1..6 {
            let semaphore = Arc::new(Semaphore::new(PERMITS));
            let room = Arc::new(Room { semaphore: semaphore.clone(), inside: AtomicUsize::new(0) });
            let visits = Arc::new(AtomicUsize::new(0));
            let visitor = |number: u64| {
                let (room, visits) = (room.clone(), visits.clone());
                let mut random = Random(seed * 1000 + number + 1);
                move || {
                    while room.visit(&mut random).is_some() {
                        visits.fetch_add(1, Ordering::Relaxed);
                    }
                }
            };
            let green: Vec<_> = (0..10).map(|i| rt.spawn(visitor(i))).collect();
            let outside: Vec<_> = (10..12).map(|i| std::thread::spawn(visitor(i))).collect();
            // Some go in the middle of it.
            green.iter().take(3).enumerate().for_each(|(i, thread)| {
                until(|| visits.load(Ordering::Relaxed) > (i + 1) * 50);
                thread.cancel();
            });
            until(|| visits.load(Ordering::Relaxed) > 400);
            semaphore.close();
            for (i, thread) in green.into_iter().enumerate() {
                match thread.join() {
                    Ok(()) => {}
                    Err(error) => assert!(i < 3 && error.is_cancelled(), "{error}"),
                }
            }
            outside.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(semaphore.available_permits(), PERMITS);
        }
    });
}
