//! A semaphore: so many at a time, first come, first served.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
mod polling;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use polling::{block_on, poll_once};
use settings::{Handle, LONG, Setting, join_all, settle, until};
use sward_sched::{time::sleep, unblock, yield_now};
use sward_sync::{AcquireTimeoutError, Semaphore, TryAcquireError};

in_every_setting!(
    so_many_at_a_time,
    permits_are_held_across_blocking_calls,
    the_line_is_served_in_order,
    threads_in_line_are_served_once,
    a_big_request_holds_back_small_ones,
    newcomers_do_not_pass_the_line,
    nothing_is_had_at_once_by_who_asks_for_nothing,
    timeouts_end_in_time_and_leave_no_trace,
    a_big_one_whose_time_is_up_lets_small_ones_go_on,
    timed_waits_are_served,
    close_sends_all_away,
    a_panic_gives_permits_back,
    tasks_and_threads_share_it,
    a_dropped_task_leaves_the_line,
    a_dropped_task_gives_back_what_it_was_handed,
    permits_may_be_added_before_and_after,
);

/// Waits until somebody stands in line before a permit that is there.
fn until_somebody_waits(semaphore: &Semaphore) {
    assert!(semaphore.available_permits() > 0);
    until(|| semaphore.try_acquire().is_err());
}

/// Lets them wait, as far as can be seen.
fn in_line<T>(waiting: &[Handle<T>]) {
    settle();
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
}

fn so_many_at_a_time(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(3));
    let inside = Arc::new(AtomicUsize::new(0));
    let visiting = setting.spawn_many(9, {
        let (semaphore, inside) = (semaphore.clone(), inside.clone());
        move |i| {
            for round in 0..30 {
                let permits = (i + round) % 3 + 1;
                let permit = semaphore.acquire_many(permits as u32).unwrap();
                assert!(inside.fetch_add(permits, Ordering::Relaxed) + permits <= 3);
                yield_now();
                inside.fetch_sub(permits, Ordering::Relaxed);
                drop(permit);
            }
        }
    });
    join_all(visiting);
    assert_eq!(semaphore.available_permits(), 3);
    assert!(semaphore.try_acquire_many(3).is_ok());
}

fn permits_are_held_across_blocking_calls(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(2));
    let inside = Arc::new(AtomicUsize::new(0));
    let visiting = setting.spawn_many(6, {
        let (semaphore, inside) = (semaphore.clone(), inside.clone());
        move |i| {
            for round in 0..4 {
                let _permit = semaphore.clone().acquire_owned().unwrap();
                assert!(inside.fetch_add(1, Ordering::Relaxed) < 2);
                match (i + round) % 3 {
                    0 => yield_now(),
                    1 => sleep(Duration::from_micros(50)),
                    _ => assert_eq!(unblock(move || i), i),
                }
                inside.fetch_sub(1, Ordering::Relaxed);
            }
        }
    });
    join_all(visiting);
    assert_eq!(semaphore.available_permits(), 2);
}

fn the_line_is_served_in_order(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(1));
    let own = semaphore.clone();
    let first = setting.spawn(move || own.acquire_many(2).unwrap().forget());
    until_somebody_waits(&semaphore);
    let mut behind: Vec<_> = (0..4).map(|_| Box::pin(semaphore.acquire_async())).collect();
    behind.iter_mut().for_each(|task| assert!(poll_once(task.as_mut()).is_pending()));
    semaphore.add_permits(1);
    first.join();
    for next in 0..4 {
        assert!(behind[next..].iter_mut().all(|task| poll_once(task.as_mut()).is_pending()));
        semaphore.add_permits(1);
        assert_eq!(semaphore.available_permits(), 0);
        let Poll::Ready(permit) = poll_once(behind[next].as_mut()) else { panic!("it is next") };
        permit.unwrap().forget();
    }
}

fn threads_in_line_are_served_once(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(0));
    let served = Arc::new(AtomicUsize::new(0));
    let waiting = setting.spawn_many(5, {
        let (semaphore, served) = (semaphore.clone(), served.clone());
        move |_| {
            semaphore.acquire().unwrap().forget();
            served.fetch_add(1, Ordering::Relaxed);
        }
    });
    for so_far in 0..5 {
        settle();
        assert_eq!(served.load(Ordering::Relaxed), so_far);
        semaphore.add_permits(1);
        until(|| served.load(Ordering::Relaxed) == so_far + 1);
    }
    join_all(waiting);
}

fn a_big_request_holds_back_small_ones(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(1));
    let own = semaphore.clone();
    let big = setting.spawn(move || own.acquire_many(3).unwrap().forget());
    until_somebody_waits(&semaphore);
    let small = setting.spawn_many(2, {
        let semaphore = semaphore.clone();
        move |_| semaphore.acquire().unwrap().forget()
    });
    in_line(&small);
    // Enough for those behind.
    semaphore.add_permits(1);
    in_line(&small);
    assert_eq!(semaphore.available_permits(), 2);
    semaphore.add_permits(1);
    big.join();
    in_line(&small);
    semaphore.add_permits(2);
    join_all(small);
    assert_eq!(semaphore.available_permits(), 0);
}

fn newcomers_do_not_pass_the_line(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(1));
    let own = semaphore.clone();
    let waiting = [setting.spawn(move || own.acquire_many(2).unwrap().forget())];
    until_somebody_waits(&semaphore);
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    let late = semaphore.acquire_deadline(Instant::now());
    assert_eq!(late.unwrap_err(), AcquireTimeoutError::Timeout);
    assert!(poll_once(Box::pin(semaphore.acquire_async()).as_mut()).is_pending());
    semaphore.add_permits(1);
    join_all(waiting);
}

fn nothing_is_had_at_once_by_who_asks_for_nothing(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(0));
    let own = semaphore.clone();
    let waiting = [setting.spawn(move || own.acquire().is_err())];
    in_line(&waiting);
    assert_eq!(semaphore.acquire_many(0).unwrap().num_permits(), 0);
    assert!(semaphore.try_acquire_many(0).is_ok());
    assert!(block_on(semaphore.acquire_many_async(0)).is_ok());
    semaphore.close();
    assert!(semaphore.acquire_many(0).is_err());
    assert_eq!(join_all(waiting), [true]);
}

fn timeouts_end_in_time_and_leave_no_trace(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(0));
    let trying = setting.spawn_many(4, {
        let semaphore = semaphore.clone();
        move |i| {
            for round in 0..100 {
                let timeout = Duration::from_micros(((i + round) % 4 * 10) as u64);
                let start = Instant::now();
                let late = semaphore.acquire_timeout(timeout).unwrap_err();
                assert_eq!(late, AcquireTimeoutError::Timeout);
                assert!(start.elapsed() >= timeout);
            }
        }
    });
    join_all(trying);
    semaphore.add_permits(1);
    // Nobody is in line.
    assert!(semaphore.try_acquire().is_ok());
}

fn a_big_one_whose_time_is_up_lets_small_ones_go_on(setting: &Setting) {
    for _ in 0..20 {
        let semaphore = Arc::new(Semaphore::new(1));
        let own = semaphore.clone();
        let big =
            setting.spawn(move || own.acquire_many_timeout(2, Duration::from_micros(300)).is_ok());
        let small = setting.spawn_many(3, {
            let semaphore = semaphore.clone();
            move |_| drop(semaphore.acquire().unwrap())
        });
        join_all(small);
        assert!(!big.join());
        assert_eq!(semaphore.available_permits(), 1);
    }
}

fn timed_waits_are_served(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(0));
    let waiting = setting.spawn_many(3, {
        let semaphore = semaphore.clone();
        move |i| {
            let permit = match i {
                0 => semaphore.acquire_timeout(LONG),
                1 => semaphore.acquire_timeout(Duration::MAX),
                _ => semaphore.acquire_deadline(Instant::now() + LONG),
            };
            permit.unwrap().forget();
        }
    });
    in_line(&waiting);
    semaphore.add_permits(3);
    join_all(waiting);
    assert_eq!(semaphore.available_permits(), 0);
}

fn close_sends_all_away(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(1));
    let held = semaphore.acquire().unwrap();
    let mut task = Box::pin(semaphore.acquire_async());
    assert!(poll_once(task.as_mut()).is_pending());
    let waiting = setting.spawn_many(4, {
        let semaphore = semaphore.clone();
        move |i| match i {
            0 => semaphore.acquire_timeout(LONG).unwrap_err() == AcquireTimeoutError::Closed,
            1 => block_on(semaphore.acquire_async()).is_err(),
            2 => semaphore.clone().acquire_many_owned(5).is_err(),
            _ => semaphore.acquire().is_err(),
        }
    });
    in_line(&waiting);
    semaphore.close();
    assert!(semaphore.is_closed());
    assert_eq!(join_all(waiting), [true; 4]);
    assert!(block_on(task).is_err());
    // Who has one keeps it, and may give it back, which serves nobody.
    drop(held);
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert!(semaphore.acquire().is_err());
    assert!(block_on(semaphore.clone().acquire_owned_async()).is_err());
    semaphore.close();
}

fn a_panic_gives_permits_back(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(2));
    let panicking: Vec<Handle<()>> = setting.spawn_many(4, {
        let semaphore = semaphore.clone();
        move |_| {
            let _permits = semaphore.acquire_many(2).unwrap();
            yield_now();
            // Without the hook's message.
            resume_unwind(Box::new("on purpose"));
        }
    });
    panicking.into_iter().for_each(|handle| assert!(handle.outcome().is_err()));
    assert_eq!(semaphore.available_permits(), 2);
}

fn tasks_and_threads_share_it(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(2));
    let inside = Arc::new(AtomicUsize::new(0));
    let visiting = setting.spawn_many(8, {
        let (semaphore, inside) = (semaphore.clone(), inside.clone());
        move |i| {
            for _ in 0..40 {
                let permit = match i % 3 {
                    0 => block_on(semaphore.clone().acquire_owned_async()),
                    1 => semaphore.clone().acquire_owned(),
                    _ => block_on(semaphore.clone().acquire_many_owned_async(2)),
                };
                let permit = permit.unwrap();
                let permits = permit.num_permits();
                assert!(inside.fetch_add(permits, Ordering::Relaxed) + permits <= 2);
                yield_now();
                inside.fetch_sub(permits, Ordering::Relaxed);
            }
        }
    });
    join_all(visiting);
    assert_eq!(semaphore.available_permits(), 2);
}

fn a_dropped_task_leaves_the_line(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(1));
    let mut big = Box::pin(semaphore.acquire_many_async(2));
    assert!(poll_once(big.as_mut()).is_pending());
    let small = setting.spawn_many(3, {
        let semaphore = semaphore.clone();
        move |_| drop(semaphore.acquire().unwrap())
    });
    in_line(&small);
    drop(big);
    join_all(small);
    assert!(semaphore.try_acquire().is_ok());
}

fn a_dropped_task_gives_back_what_it_was_handed(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(0));
    let mut handed = Box::pin(semaphore.acquire_many_async(2));
    assert!(poll_once(handed.as_mut()).is_pending());
    semaphore.add_permits(2);
    assert_eq!(semaphore.available_permits(), 0);
    let behind = setting.spawn_many(2, {
        let semaphore = semaphore.clone();
        move |_| semaphore.acquire().unwrap().forget()
    });
    in_line(&behind);
    drop(handed);
    join_all(behind);
    assert_eq!(semaphore.available_permits(), 0);
}

fn permits_may_be_added_before_and_after(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(0));
    let taking = setting.spawn_many(6, {
        let semaphore = semaphore.clone();
        move |_| (0..20).for_each(|_| semaphore.acquire().unwrap().forget())
    });
    let adding = setting.spawn_many(3, {
        let semaphore = semaphore.clone();
        move |_| (0..20).for_each(|_| semaphore.add_permits(2))
    });
    join_all(adding);
    join_all(taking);
    assert_eq!(semaphore.available_permits(), 0);
}
