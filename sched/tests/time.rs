//! Waiting for time to pass: never early, in order, beside threads that are always ready or
//! never end their turn, at any length; timers that are moved, and ticks.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sward_sched::runtime::Builder;
use sward_sched::time::{Interval, MissedTick, Timer, interval, interval_at, sleep, sleep_until};
use sward_sched::{Placement, Runtime, park, spawn, yield_now};

const HOUR: Duration = Duration::from_secs(3600);
const LONG: Duration = Duration::from_secs(60);

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn workers(count: usize) -> Runtime {
    Builder::new().workers(count).build().unwrap()
}

fn migrating(count: usize) -> Runtime {
    // SAFETY: nothing here is tied to an OS thread.
    unsafe { Builder::new().workers(count).allow_migration() }.build().unwrap()
}

/// Computes until `done`; nobody else has a turn here meanwhile.
fn hog_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LONG, "it never came");
        spin_loop();
    }
}

#[test]
fn sleeping_is_never_shorter_than_asked_for() {
    for workers in [1, 2] {
        let rt = Builder::new().workers(workers).build().unwrap();
        rt.run(|| {
            let handles: Vec<_> = (0..200)
                .map(|i| {
                    spawn(move || {
                        let duration = Duration::from_micros(i * 37 % 5000);
                        let start = Instant::now();
                        sleep(duration);
                        assert!(start.elapsed() >= duration);
                    })
                })
                .collect();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        });
    }
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    let rt = Builder::new().workers(1).build().unwrap();
    let order = rt.run(|| {
        let woken = Arc::new(std::sync::Mutex::new(Vec::new()));
        let start = Instant::now();
        let handles: Vec<_> = [30, 10, 20]
            .map(|millis| {
                let woken = woken.clone();
                spawn(move || {
                    sleep((start + Duration::from_millis(millis)) - Instant::now());
                    woken.lock().unwrap().push(millis);
                })
            })
            .into();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        Arc::into_inner(woken).unwrap().into_inner().unwrap()
    });
    assert_eq!(order, [10, 20, 30]);
}

#[test]
fn a_yield_loop_does_not_hold_up_a_timer() {
    let rt = Builder::new().workers(1).build().unwrap();
    rt.run(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let busy = spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                yield_now();
            }
        });
        sleep(Duration::from_millis(5));
        stop.store(true, Ordering::Relaxed);
        busy.join().unwrap();
    });
}

#[test]
fn os_threads_sleep_too() {
    let start = Instant::now();
    sleep(Duration::from_millis(3));
    sleep(Duration::ZERO);
    assert!(start.elapsed() >= Duration::from_millis(3));
}

#[test]
fn a_sleep_of_for_ever_is_ended_by_a_shutdown() {
    let rt = Builder::new().workers(1).build().unwrap();
    let asleep = rt.spawn(|| sleep(Duration::MAX));
    assert!(rt.shutdown(Duration::from_secs(20)));
    assert!(asleep.join().unwrap_err().is_cancelled());
}

#[test]
fn a_deadline_is_met_by_sticky_and_migrating_threads_and_os_threads() {
    let until = || {
        let deadline = Instant::now() + millis(2);
        sleep_until(deadline);
        assert!(Instant::now() >= deadline);
        // It has passed.
        sleep_until(deadline);
    };
    until();
    for rt in [workers(1), migrating(2)] {
        let handles: Vec<_> = (0..50).map(|_| rt.spawn(until)).collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    }
}

#[test]
fn the_shortest_time_passes() {
    sleep(Duration::from_nanos(1));
    workers(1).run(|| (0..1000).for_each(|_| sleep(Duration::from_nanos(1))));
}

#[test]
fn equal_deadlines_end_in_the_order_in_which_they_were_set() {
    workers(1).run(|| {
        let deadline = Instant::now() + millis(30);
        let woken = Arc::new(Mutex::new(Vec::new()));
        let begun = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = (0..5000)
            .map(|i| {
                let (begun, woken) = (begun.clone(), woken.clone());
                spawn(move || {
                    let in_time = Instant::now() < deadline;
                    begun.lock().unwrap().push(i);
                    sleep_until(deadline);
                    assert!(Instant::now() >= deadline);
                    woken.lock().unwrap().push((i, in_time));
                })
            })
            .collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        let (begun, woken) = (begun.lock().unwrap(), woken.lock().unwrap());
        assert_eq!(woken.len(), 5000);
        // On a slow machine some did not have to wait.
        if woken.iter().all(|&(_, in_time)| in_time) {
            assert!(begun.iter().eq(woken.iter().map(|(i, _)| i)));
        }
    });
}

#[test]
fn a_pair_that_plays_ping_pong_does_not_hold_up_a_timer() {
    for rt in [workers(1), migrating(1)] {
        rt.run(|| {
            let stop = Arc::new(AtomicBool::new(false));
            let play = |partner: sward_sched::Thread, stop: Arc<AtomicBool>| {
                move || {
                    while !stop.load(Ordering::Relaxed) {
                        partner.unpark();
                        park();
                    }
                    partner.unpark();
                }
            };
            let main = sward_sched::current();
            let (one_stops, other_stops) = (stop.clone(), stop.clone());
            let one = spawn(move || {
                let other = spawn(play(sward_sched::current(), other_stops));
                play(other.thread(), one_stops)();
                other.join().unwrap();
                main.unpark();
            });
            sleep(millis(5));
            stop.store(true, Ordering::Relaxed);
            park();
            one.join().unwrap();
        });
    }
}

#[test]
fn a_migrating_thread_is_woken_although_its_worker_is_stuck() {
    let rt = migrating(2);
    for _ in 0..20 {
        rt.run(|| {
            let (sleeps, woken) =
                (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
            let (is_about_to, is_woken) = (sleeps.clone(), woken.clone());
            let sleeper =
                sward_sched::Builder::new().placement(Placement::WithParent).spawn(move || {
                    is_about_to.store(true, Ordering::Relaxed);
                    sleep(millis(2));
                    is_woken.store(true, Ordering::Relaxed);
                });
            while !sleeps.load(Ordering::Relaxed) {
                yield_now();
            }
            // Most often it was here that it went to sleep.
            hog_until(|| woken.load(Ordering::Relaxed));
            sleeper.join().unwrap();
        });
    }
}

#[test]
fn an_os_thread_is_woken_although_all_workers_are_stuck() {
    let rt = workers(2);
    let woken = Arc::new(AtomicBool::new(false));
    let stuck = Arc::new(AtomicUsize::new(0));
    let hogs = [(); 2].map(|()| {
        let (woken, stuck) = (woken.clone(), stuck.clone());
        rt.spawn(move || {
            stuck.fetch_add(1, Ordering::Relaxed);
            hog_until(|| woken.load(Ordering::Relaxed));
        })
    });
    hog_until(|| stuck.load(Ordering::Relaxed) == 2);
    sleep(millis(2));
    woken.store(true, Ordering::Relaxed);
    hogs.into_iter().for_each(|hog| hog.join().unwrap());
}

#[test]
fn a_sticky_thread_is_woken_once_its_worker_is_free_again() {
    workers(1).run(|| {
        let sleeper = spawn(|| {
            let start = Instant::now();
            sleep(millis(1));
            start.elapsed()
        });
        yield_now();
        let start = Instant::now();
        hog_until(|| start.elapsed() > millis(30));
        assert!(sleeper.join().unwrap() >= millis(1));
    });
}

#[test]
fn a_timer_an_hour_away_wakes_nobody() {
    for rt in [workers(2), migrating(2)] {
        let given_up = rt.spawn(|| {
            let mut timer = Timer::after(HOUR);
            let handle = timer.handle();
            let other = spawn(move || handle.reset(Duration::ZERO));
            timer.wait();
            other.join().unwrap();
        });
        let asleep = rt.spawn(|| sleep(HOUR));
        given_up.join().unwrap();
        let slept = || rt.metrics().workers.iter().map(|worker| worker.slept).sum::<u64>();
        // They go to sleep some time; from then on they stay there.
        let start = Instant::now();
        let mut before = slept();
        loop {
            std::thread::sleep(millis(200));
            let now = slept();
            if now == before {
                break;
            }
            before = now;
            assert!(start.elapsed() < LONG, "somebody wakes up again and again");
        }
        assert!(rt.shutdown(LONG));
        assert!(asleep.join().unwrap_err().is_cancelled());
    }
}

/// 30 000 timers, each set and given up, whose time comes soon after.
#[test]
fn nothing_fires_after_it_was_given_up() {
    const THREADS: usize = 100;
    for rt in [workers(1), workers(2), migrating(2)] {
        let may_go = Arc::new(AtomicBool::new(false));
        let all_wait = Arc::new(AtomicUsize::new(0));
        let start = |_| {
            let (may_go, all_wait) = (may_go.clone(), all_wait.clone());
            rt.spawn(move || {
                let begun = Instant::now();
                for _ in 0..300 {
                    give_up(millis(5));
                }
                // What had been set first would fire now, or soon.
                let wait = |ready: &AtomicBool| {
                    while !ready.load(Ordering::Relaxed) {
                        park();
                        assert!(ready.load(Ordering::Relaxed), "after {:?}", begun.elapsed());
                    }
                };
                all_wait.fetch_add(1, Ordering::Relaxed);
                wait(&may_go);
            })
        };
        let handles: Vec<_> = (0..THREADS).map(start).collect();
        hog_until(|| {
            sleep(millis(1));
            all_wait.load(Ordering::Relaxed) == THREADS
        });
        sleep(millis(10));
        may_go.store(true, Ordering::Relaxed);
        handles.iter().for_each(|handle| handle.thread().unpark());
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    }
}

/// Waits for `duration`, and is called away before.
fn give_up(duration: Duration) {
    let mut timer = Timer::after(duration);
    let handle = timer.handle();
    let other = spawn(move || handle.reset(Duration::ZERO));
    timer.wait();
    other.join().unwrap();
}

#[test]
fn a_timer_is_waited_for_until_the_last_time_it_was_set_to() {
    fn check() {
        let start = Instant::now();
        let mut timer = Timer::after(millis(2));
        let handle = timer.handle();
        let waiting = spawn(move || {
            timer.wait();
            // Once it has elapsed it stays so.
            timer.wait();
            assert!(timer.is_elapsed());
            Instant::now()
        });
        handle.reset_at(start + millis(15));
        let in_time = start.elapsed() < millis(2);
        assert_eq!(handle.deadline(), Some(start + millis(15)));
        let later = start + millis(20);
        // If it has not elapsed in between, on a slow machine.
        if handle.stop() && in_time {
            assert_eq!(handle.deadline(), None);
            handle.reset_at(later);
            assert!(waiting.join().unwrap() >= later);
        } else {
            // It has elapsed, or is stopped and was before.
            handle.reset(Duration::ZERO);
            assert!(waiting.join().unwrap() >= start + millis(2));
        }
    }
    check();
    workers(1).run(check);
    migrating(2).run(check);
}

#[test]
fn a_timer_set_to_a_nearer_time_ends_the_wait_then() {
    fn check() {
        let mut timer = Timer::after(Duration::MAX);
        assert_eq!(timer.deadline(), None);
        for nearer in [HOUR, millis(2)] {
            let handle = timer.handle();
            let set = spawn(move || handle.reset(nearer));
            if nearer == HOUR {
                set.join().unwrap();
                assert!(!timer.is_elapsed());
            } else {
                timer.wait();
                assert!(timer.is_elapsed());
                set.join().unwrap();
            }
        }
        timer.reset(millis(1));
        timer.wait();
        timer.reset_at(Instant::now());
        timer.wait();
    }
    check();
    workers(1).run(check);
    migrating(2).run(check);
}

#[test]
fn a_timer_outlives_the_thread_that_waited_for_it() {
    let rt = workers(1);
    let timer = Timer::after(HOUR);
    let handle = timer.handle();
    let waiting = rt.spawn(move || {
        let mut timer = timer;
        timer.wait();
    });
    assert!(rt.shutdown(LONG));
    assert!(waiting.join().unwrap_err().is_cancelled());
    // Nobody is there any more.
    handle.reset(Duration::ZERO);
    assert!(handle.is_elapsed());
}

#[test]
fn ticks_come_one_period_apart_and_never_early() {
    fn check() {
        let start = Instant::now() + millis(1);
        let period = Duration::from_micros(700);
        let mut interval = interval_at(start, period);
        for i in 0..10 {
            assert_eq!(interval.tick(), start + i * period);
            assert!(Instant::now() >= start + i * period);
        }
        assert_eq!(interval.period(), period);
    }
    check();
    workers(1).run(check);
}

/// Due for a while, ten milliseconds apart.
fn overdue(policy: MissedTick) -> (Interval, Instant) {
    let start = Instant::now();
    let mut interval = interval_at(start, millis(10));
    interval.set_missed_tick_behavior(policy);
    assert_eq!(interval.missed_tick_behavior(), policy);
    sleep_until(start + millis(35));
    (interval, start)
}

#[test]
fn missed_ticks_come_at_once_or_late_or_never() {
    let (mut burst, start) = overdue(MissedTick::Burst);
    for i in 0..5 {
        assert_eq!(burst.tick(), start + millis(10 * i));
    }
    let (mut delay, start) = overdue(MissedTick::Delay);
    assert_eq!(delay.tick(), start);
    assert!(delay.tick() >= start + millis(45));
    let (mut skip, start) = overdue(MissedTick::Skip);
    assert_eq!(skip.tick(), start);
    let next = skip.tick() - start;
    assert!(next >= millis(40) && next.as_nanos() % millis(10).as_nanos() == 0);
}

#[test]
fn an_interval_begins_anew_when_it_is_reset() {
    let mut interval = interval(millis(3));
    interval.tick();
    let start = Instant::now();
    interval.reset();
    assert!(interval.tick() >= start + millis(3));
}

#[test]
fn a_period_too_long_for_the_clock_is_one_tick_only() {
    let rt = workers(1);
    let ticked = Arc::new(AtomicBool::new(false));
    let has_ticked = ticked.clone();
    let ticking = rt.spawn(move || {
        let mut interval = interval(Duration::MAX);
        interval.tick();
        has_ticked.store(true, Ordering::Relaxed);
        interval.tick();
    });
    hog_until(|| ticked.load(Ordering::Relaxed));
    assert!(rt.shutdown(LONG));
    assert!(ticking.join().unwrap_err().is_cancelled());
}

#[test]
#[should_panic = "the period of an interval must not be zero"]
fn a_period_of_nothing_is_refused() {
    let _ = interval(Duration::ZERO);
}
