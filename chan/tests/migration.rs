//! Channels between threads that migrate: waits that begin on one worker and end on another.

mod settings;
mod values;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::Duration;

use settings::{LONG, limited, migrating, runtime, until};
use sward_chan::{RecvTimeoutError, SendTimeoutError, bounded};
use sward_sched::{JoinHandle, Placement, current, park, spawn, spawn_local, yield_now};
use values::{CAPACITIES, Tally, channel};

/// A migrating thread that begins on the worker of the one that calls this.
fn begin_here<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // SAFETY: as in `migrating`; `os_thread` is the only use of a thread-local, and not inlined.
    let builder = unsafe { sward_sched::Builder::new().allow_migration() };
    builder.placement(Placement::WithParent).spawn(f)
}

#[inline(never)]
fn os_thread() -> ThreadId {
    black_box(std::thread::current().id())
}

/// Waits, and keeps this OS thread meanwhile.
fn hog_until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::hint::spin_loop();
    }
}

#[test]
fn a_timer_is_cancelled_from_another_worker_than_it_was_set_on() {
    limited(|| {
        for rt in [migrating(2), runtime(2), migrating(4)] {
            for _ in 0..20 {
                rt.run(|| spawn_local(from_elsewhere).join().unwrap());
            }
        }
    });
}

/// This thread stays on its worker, and keeps it while others get on elsewhere.
fn from_elsewhere() {
    let here = os_thread();
    let (begun, went_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let channels: Vec<_> = (0..20).map(|_| bounded::<u32>(0)).collect();
    let waiting: Vec<_> = channels
        .iter()
        .enumerate()
        .map(|(i, (_, receiver))| {
            let (begun, went_on) = (begun.clone(), went_on.clone());
            let receiver = receiver.clone();
            begin_here(move || {
                begun.fetch_add(1, Ordering::AcqRel);
                // All deadlines differ, so the timers lie at all places of the heap.
                let timeout = LONG + Duration::from_millis(i as u64 * 7 % 20);
                assert_eq!(receiver.recv_timeout(timeout), Ok(7));
                assert_ne!(os_thread(), here);
                went_on.fetch_add(1, Ordering::AcqRel);
                // And again, with a timer of the worker that it is on now, which does fire.
                let again = receiver.recv_timeout(Duration::from_micros(50));
                assert_eq!(again, Err(RecvTimeoutError::Timeout));
            })
        })
        .collect();
    until(|| begun.load(Ordering::Acquire) == 20);
    // `send` might give this one's turn away.
    channels.iter().for_each(|(sender, _)| hog_until(|| sender.try_send(7).is_ok()));
    hog_until(|| went_on.load(Ordering::Acquire) == 20);
    waiting.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_timeout_comes_although_the_worker_that_set_it_is_kept() {
    limited(|| {
        for rt in [migrating(2), runtime(2)] {
            rt.run(|| {
                let hog = spawn_local(|| {
                    let over = Arc::new(AtomicUsize::new(0));
                    let (begun, (_sender, receiver)) = (over.clone(), bounded::<()>(0));
                    let started = Arc::new(AtomicUsize::new(0));
                    let flag = started.clone();
                    let waiting = begin_here(move || {
                        flag.store(1, Ordering::Release);
                        let end = receiver.recv_timeout(Duration::from_micros(100));
                        begun.store(1, Ordering::Release);
                        end
                    });
                    until(|| started.load(Ordering::Acquire) == 1);
                    hog_until(|| over.load(Ordering::Acquire) == 1);
                    assert_eq!(waiting.join().unwrap(), Err(RecvTimeoutError::Timeout));
                });
                hog.join().unwrap();
            });
        }
    });
}

#[test]
fn every_value_arrives_once_whatever_times_out_on_the_way() {
    const SENDERS: usize = 8;
    const EACH: usize = 200;
    limited(|| {
        for workers in [1, 2, 4] {
            for capacity in CAPACITIES {
                let rt = migrating(workers);
                let tally = Tally::new(SENDERS * EACH);
                let (sender, receiver) = channel(capacity);
                let senders: Vec<_> = (0..SENDERS)
                    .map(|i| {
                        let (sender, tally) = (sender.clone(), tally.clone());
                        rt.spawn(move || {
                            for j in 0..EACH {
                                let mut value = tally.value(i * EACH + j);
                                let timeout = Duration::from_micros((j % 5) as u64 * 20);
                                while let Err(error) = sender.send_timeout(value, timeout) {
                                    assert!(matches!(error, SendTimeoutError::Timeout(_)));
                                    value = error.into_inner();
                                    yield_now();
                                }
                            }
                        })
                    })
                    .collect();
                drop(sender);
                let receivers: Vec<_> = (0..SENDERS)
                    .map(|i| {
                        let receiver = receiver.clone();
                        rt.spawn(move || {
                            let mut sum = 0;
                            let timeout = Duration::from_micros(i as u64 % 4 * 15);
                            loop {
                                match receiver.recv_timeout(timeout) {
                                    Ok(value) => sum += value.number,
                                    Err(RecvTimeoutError::Timeout) => yield_now(),
                                    Err(RecvTimeoutError::Disconnected) => break sum,
                                }
                            }
                        })
                    })
                    .collect();
                senders.into_iter().for_each(|thread| thread.join().unwrap());
                let sum: usize = receivers.into_iter().map(|thread| thread.join().unwrap()).sum();
                let count = SENDERS * EACH;
                assert_eq!(sum, count * (count - 1) / 2);
                assert_eq!(tally.dropped(), count);
                assert!(rt.shutdown(LONG));
            }
        }
    });
}

#[test]
fn a_chain_of_many_hands_values_on() {
    limited(|| {
        for workers in [1, 2, 4] {
            let rt = migrating(workers);
            let (first, mut receiver) = bounded(0);
            let mut threads = Vec::new();
            for i in 0..500 {
                let (sender, next) = channel(CAPACITIES[i % 4]);
                let before = std::mem::replace(&mut receiver, next);
                threads.push(rt.spawn(move || {
                    before.iter().for_each(|value: usize| sender.send(value + 1).unwrap());
                }));
            }
            let feeding = rt.spawn(move || (0..20).for_each(|i| first.send(i).unwrap()));
            let arrived: Vec<_> = receiver.iter().collect();
            assert_eq!(arrived, (500..520).collect::<Vec<_>>());
            feeding.join().unwrap();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(rt.shutdown(LONG));
        }
    });
}

#[test]
fn a_shutdown_in_the_middle_of_it_all_drops_every_value_once() {
    limited(|| {
        for round in 0..12 {
            let rt = migrating([1, 2, 4][round % 3]);
            let made = Arc::new(AtomicUsize::new(0));
            let tally = Tally::new(30_000);
            let (sender, receiver) = channel(CAPACITIES[round % 4]);
            let handles: Vec<_> = (0..100)
                .map(|i| {
                    let (sender, receiver) = (sender.clone(), receiver.clone());
                    let (tally, made) = (tally.clone(), made.clone());
                    rt.spawn(move || {
                        loop {
                            match i % 4 {
                                0 => drop(receiver.recv()),
                                1 => drop(receiver.recv_timeout(Duration::from_micros(20))),
                                2 if made.load(Ordering::Relaxed) > 20_000 => park(),
                                2 => {
                                    let value = tally.value(made.fetch_add(1, Ordering::Relaxed));
                                    drop(sender.send(value));
                                }
                                _ => {
                                    let me = current();
                                    drop(spawn(move || me.unpark()));
                                    park();
                                }
                            }
                        }
                    })
                })
                .collect::<Vec<JoinHandle<()>>>();
            until(|| made.load(Ordering::Relaxed) > 200 * round);
            assert!(rt.shutdown(LONG));
            assert!(handles.into_iter().all(|it| it.join().unwrap_err().is_cancelled()));
            drop((sender, receiver));
            assert_eq!(tally.dropped(), made.load(Ordering::Relaxed));
        }
    });
}
