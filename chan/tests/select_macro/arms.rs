//! The arms that crossbeam-channel does not have: `join` and `wait`.

use std::time::Duration;

use sward_chan::{select, select_biased, unbounded};
use sward_sched::time::Timer;
use sward_sched::{CancelToken, JoinError, JoinHandle, park, spawn};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_scoped_thread_is_joined() {
    let text = String::from("borrowed");
    let length = sward_sched::scope(|s| {
        let mut handle = s.spawn(|| text.len());
        let (_never, receiver) = sward_chan::bounded::<()>(0);
        select! {
            join(handle) -> result => result.unwrap(),
            recv(receiver) -> _ => unreachable!(),
        }
    });
    assert_eq!(length, 8);
    // The scope is not told of a failure that was seen here.
    let error = sward_sched::scope(|s| {
        let mut handle = s.spawn(|| panic!("no luck"));
        select!(join(handle) -> result => result.unwrap_err())
    });
    assert!(error.is_panic());
}

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

#[test]
fn wait_ends_when_the_token_is_cancelled() {
    let token = CancelToken::new();
    let (_sender, receiver) = unbounded::<()>();
    select! {
        wait(token) => unreachable!(),
        recv(receiver) -> _ => unreachable!(),
        default(SHORT) => {}
    }
    let cancelling = spawn({
        let token = token.clone();
        move || token.cancel()
    });
    let chosen = select! {
        recv(receiver) -> _ => "value",
        wait(token) => "token",
        wait(Timer::after(LONG)) => "timer",
    };
    assert_eq!(chosen, "token");
    cancelling.join().unwrap();
    // It stays so.
    select_biased! {
        wait(token) => {}
        default => unreachable!(),
    }
}

#[test]
fn one_token_may_stand_in_many_arms_of_many_selects() {
    let root = CancelToken::new();
    let below = root.child();
    let (sender, receiver) = unbounded::<()>();
    let waiting: Vec<_> = (0..8)
        .map(|i| {
            let (root, below, receiver, sender) =
                (root.clone(), below.clone(), receiver.clone(), sender.clone());
            let waits = move || {
                let place = Box::new(below.clone());
                let _open = sender;
                let by_reference = &below;
                select! {
                    wait(root) => {}
                    wait(by_reference) => {}
                    recv(receiver) -> _ => panic!("nothing was sent"),
                    wait(*place) => {}
                    wait(below) => {}
                    wait(place) => {}
                }
                assert!(root.is_cancelled() || below.is_cancelled());
            };
            if i % 2 == 0 { Ok(spawn(waits)) } else { Err(std::thread::spawn(waits)) }
        })
        .collect();
    // Somebody gives up beside them.
    select! {
        wait(below) => unreachable!(),
        wait(below) => unreachable!(),
        default(SHORT) => {}
    }
    root.cancel();
    for waiting in waiting {
        match waiting {
            Ok(green) => green.join().unwrap(),
            Err(os) => os.join().unwrap(),
        }
    }
}

#[test]
fn a_select_that_is_cancelled_leaves_its_token() {
    let token = CancelToken::new();
    let waiting = spawn({
        let token = token.clone();
        move || select! { wait(token) => {} wait(Timer::after(LONG)) => {} }
    });
    sward_sched::yield_now();
    waiting.cancel();
    assert!(waiting.join().unwrap_err().is_cancelled());
    assert!(!token.wait_timeout(SHORT));
    token.cancel();
}
