//! The arms that crossbeam-channel does not have: `join` and `wait`.

use std::time::Duration;

use sward_chan::{select, select_biased, unbounded};
use sward_sched::time::Timer;
use sward_sched::{JoinError, JoinHandle, park, spawn};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn join_gives_the_result_of_the_thread() {
    let mut handle = spawn(|| 7);
    select! {
        join(handle) -> result => {
            let result: Result<i32, JoinError> = result;
            assert_eq!(result.unwrap(), 7);
        }
    }
    let mut cancelled = spawn(park);
    cancelled.cancel();
    let error = select!(join(cancelled) -> result => result.unwrap_err());
    assert!(error.is_cancelled());
}

#[test]
fn wait_ends_when_the_timer_has_elapsed() {
    let mut timer = Timer::after(SHORT);
    select! {
        wait(timer) => assert!(timer.is_elapsed()),
    }
    timer.reset(LONG);
    select! {
        wait(timer) => unreachable!(),
        default => timer.reset(SHORT),
    }
    select! { wait(timer) => {} }
}

#[test]
fn handles_and_timers_stay_when_another_arm_is_chosen() {
    let (sender, receiver) = unbounded();
    let (done, is_done) = unbounded::<()>();
    let mut handle = spawn(move || is_done.recv().is_err());
    let mut timer = Timer::after(LONG);
    (0..3).for_each(|n| sender.send(n).unwrap());
    let mut done = Some(done);
    let mut received = 0;
    let result = loop {
        select_biased! {
            join(handle) -> result => break result,
            recv(receiver) -> value => {
                assert!(value.is_ok());
                received += 1;
            }
            wait(timer) => unreachable!(),
            default(SHORT) => drop(done.take()),
        }
    };
    assert!(result.unwrap());
    assert_eq!(received, 3);
    timer.reset(SHORT);
    timer.wait();
}

#[test]
fn any_place_will_do() {
    struct Job {
        handle: JoinHandle<i32>,
        limit: Box<Timer>,
    }
    fn by_reference(handle: &mut JoinHandle<i32>, timer: &mut Timer) -> i32 {
        select! {
            join(handle) -> result => result.unwrap(),
            wait(timer) => 0,
        }
    }
    let job = || Job { handle: spawn(|| 1), limit: Box::new(Timer::after(LONG)) };
    let mut one = job();
    assert_eq!(by_reference(&mut one.handle, &mut one.limit), 1);

    let mut list = [job(), job()];
    let sum = list.iter_mut().map(|job| {
        select! {
            join(job.handle) -> result => result.unwrap(),
            wait(job.limit) => 0,
        }
    });
    assert_eq!(sum.sum::<i32>(), 2);

    let mut list = [spawn(|| 2), spawn(|| 3)];
    select! {
        join(list[1]) -> result => assert_eq!(result.unwrap(), 3),
        wait(Timer::after(LONG)) => unreachable!(),
    }
    let mut boxed = Box::new(spawn(|| 4));
    select! {
        join(*boxed) -> result => assert_eq!(result.unwrap(), 4),
    }
    let mut some = Some(spawn(|| 5));
    select! {
        join(some.as_mut().unwrap()) -> result => assert_eq!(result.unwrap(), 5),
    }
}
