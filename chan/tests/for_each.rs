//! `Receiver::for_each`: a crew works a channel off.

#[macro_use]
mod settings;

use std::collections::HashSet;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use settings::*;
use sward_chan::{bounded, unbounded};
use sward_sched::primitive::Mutex;
use sward_sched::runtime::Builder;
use sward_sched::time::{sleep, timeout};
use sward_sched::{checkpoint, spawn, yield_now};

in_every_setting! {
    each_value_is_worked_off_once,
    a_crew_that_is_idle_most_of_the_time_misses_nothing,
    several_crews_share_a_channel,
    a_panic_ends_the_crew_and_comes_back,
    a_channel_that_is_closed_already_has_no_work,
    what_a_crew_had_is_gone_when_it_returns,
}

fn each_value_is_worked_off_once(setting: &Setting) {
    const VALUES: usize = 2000;
    for (n, capacity) in [(1, 0), (3, 1), (8, 16), (100, 7)] {
        let (sender, receiver) = bounded(capacity);
        let sending = setting.spawn_many(2, move |from| {
            (0..VALUES / 2).for_each(|i| sender.send(from * VALUES / 2 + i).unwrap());
        });
        let seen = Arc::new(Mutex::new(vec![0; VALUES]));
        let sees = seen.clone();
        receiver
            .for_each(n, move |i: usize| {
                if i.is_multiple_of(5) {
                    yield_now();
                }
                sees.lock()[i] += 1;
            })
            .unwrap();
        join_all(sending);
        assert!(seen.lock().iter().all(|times| *times == 1));
        assert!(receiver.is_empty());
    }
}

fn a_crew_that_is_idle_most_of_the_time_misses_nothing(setting: &Setting) {
    let (sender, receiver) = unbounded();
    let count = Arc::new(AtomicUsize::new(0));
    let counts = count.clone();
    let working = setting.spawn(move || {
        receiver.for_each(4, move |()| _ = counts.fetch_add(1, Ordering::Relaxed)).unwrap();
    });
    for i in 0..200 {
        sender.send(()).unwrap();
        // One by one, and sometimes several: then it is idle again.
        if !i % 3 == 0 {
            until(|| count.load(Ordering::Relaxed) == i + 1);
        }
    }
    until(|| count.load(Ordering::Relaxed) == 200);
    drop(sender);
    working.join();
}

fn several_crews_share_a_channel(setting: &Setting) {
    let (sender, receiver) = bounded(4);
    let count = Arc::new(AtomicUsize::new(0));
    let crews = setting.spawn_many(3, {
        let (receiver, count) = (receiver.clone(), count.clone());
        move |n| {
            receiver.for_each(n + 1, move |()| _ = count.fetch_add(1, Ordering::Relaxed)).unwrap();
        }
    });
    (0..1000).for_each(|_| sender.send(()).unwrap());
    sender.close();
    join_all(crews);
    assert_eq!(count.load(Ordering::Relaxed) + receiver.len(), 1000);
}

fn a_panic_ends_the_crew_and_comes_back(_: &Setting) {
    for n in [1, 4] {
        let (sender, receiver) = unbounded();
        (0..100).for_each(|i| sender.send(i).unwrap());
        let count = Arc::new(AtomicUsize::new(0));
        let counts = count.clone();
        let work = move |i: i32| {
            counts.fetch_add(1, Ordering::Relaxed);
            assert!(i != 10, "ten");
        };
        // The sender is still there: without the panic it would wait.
        let error = receiver.for_each(n, work).unwrap_err();
        assert!(error.is_panic());
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "ten");
        // What nobody took is still there.
        assert_eq!(count.load(Ordering::Relaxed) + receiver.len(), 100);
        assert_eq!(sender.len(), receiver.len());
    }
}

fn a_channel_that_is_closed_already_has_no_work(_: &Setting) {
    let (sender, receiver) = bounded(2);
    sender.send(7).unwrap();
    drop(sender);
    let sum = Arc::new(AtomicUsize::new(0));
    let sums = sum.clone();
    receiver.for_each(3, move |i| _ = sums.fetch_add(i, Ordering::Relaxed)).unwrap();
    assert_eq!(sum.load(Ordering::Relaxed), 7);
    receiver.for_each(3, |_| unreachable!()).unwrap();
}

fn what_a_crew_had_is_gone_when_it_returns(setting: &Setting) {
    for round in 0..200 {
        let (sender, receiver) = bounded(16);
        let sending = setting.spawn({
            let sender = sender.clone();
            move || {
                (1..=20).for_each(|i| _ = sender.send(i));
                sender.close();
            }
        });
        let sum = Arc::new(AtomicUsize::new(0));
        let sums = sum.clone();
        let fails = round % 8 == 0;
        let work = move |i| {
            sums.fetch_add(i, Ordering::Relaxed);
            if fails && i == 20 {
                resume_unwind(Box::new("twenty"));
            }
        };
        assert_eq!(receiver.for_each(4, work).is_err(), fails);
        let sum = Arc::try_unwrap(sum).unwrap().into_inner();
        // A hand may have come too late with a value, when another failed.
        let rest: usize = receiver.try_iter().sum();
        assert_eq!(sum + rest, 210);
        assert!(fails || rest == 0);
        drop(receiver);
        assert!(sender.send(0).is_err());
        sending.join();
    }
}

#[test]
fn a_crew_of_none_is_refused() {
    let (_sender, receiver) = bounded::<()>(0);
    let panic = catch_unwind(AssertUnwindSafe(|| receiver.for_each(0, |()| {}))).unwrap_err();
    assert!(panic.downcast::<&str>().unwrap().contains("at least one thread"));
}

#[test]
fn a_caller_whose_time_is_up_leaves_the_rest_in_the_channel() {
    limited(|| {
        for workers in [1, 2] {
            runtime(workers).run(|| {
                let (sender, receiver) = bounded(8);
                let count = Arc::new(AtomicUsize::new(0));
                let counts = count.clone();
                let work = move |()| _ = counts.fetch_add(1, Ordering::Relaxed);
                sender.send(()).unwrap();
                let brief = Duration::from_millis(20);
                assert!(timeout(brief, || receiver.for_each(3, work)).is_err());
                until(|| count.load(Ordering::Relaxed) == 1);
                // Nobody takes these.
                (0..8).for_each(|_| sender.send(()).unwrap());
                settle();
                assert_eq!((count.load(Ordering::Relaxed), receiver.len()), (1, 8));
                // The crew holds no receiver any more, and the function is gone.
                until(|| Arc::strong_count(&count) == 1);
                drop(receiver);
                assert!(sender.is_disconnected());
            });
        }
    });
}

/// Waits in the middle of a receive, in which it is woken.
struct Stalls {
    reached: AtomicBool,
    goes_on: AtomicBool,
}

impl Wake for Stalls {
    fn wake(self: Arc<Self>) {
        self.reached.store(true, Ordering::Release);
        until(|| self.goes_on.load(Ordering::Acquire));
    }
}

#[test]
fn what_is_received_after_the_caller_has_left_goes_back() {
    on_every_runtime(|rt| {
        let (sender, receiver) = bounded(1);
        sender.send(1).unwrap();
        let stalls = Arc::new(Stalls { reached: false.into(), goes_on: false.into() });
        let waker = Waker::from(stalls.clone());
        // Gets the room of the first, and is woken by whoever receives that.
        let mut sending = pin!(sender.send_async(2));
        assert!(sending.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let calls = Arc::new(AtomicUsize::new(0));
        let working = rt.spawn({
            let (receiver, calls) = (receiver.clone(), calls.clone());
            move || receiver.for_each(1, move |_| _ = calls.fetch_add(1, Ordering::Relaxed))
        });
        until(|| stalls.reached.load(Ordering::Acquire));
        working.cancel();
        assert!(working.join().unwrap_err().is_cancelled());
        stalls.goes_on.store(true, Ordering::Release);
        until(|| Arc::strong_count(&calls) == 1);
        assert_eq!(calls.load(Ordering::Relaxed), 0);
        assert_eq!([receiver.recv(), receiver.recv()], [Ok(1), Ok(2)]);
    });
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("the waker");
    }
}

/// One hand tells another of a value, and ends it before it comes: so it passes that on to a task
/// whose waker panics.
#[test]
fn a_waker_that_panics_keeps_nobody_from_leaving() {
    limited(|| {
        runtime(1).run(|| {
            let (sender, receiver) = unbounded();
            let work = {
                let sender = sender.clone();
                move |()| {
                    sender.send(()).unwrap();
                    panic!("the call");
                }
            };
            let working = spawn({
                let receiver = receiver.clone();
                move || receiver.for_each(2, work)
            });
            settle();
            let mut receiving = pin!(receiver.recv_async());
            let waker = Waker::from(Arc::new(Panics));
            assert!(receiving.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            sender.send(()).unwrap();
            let error = working.join().unwrap().unwrap_err();
            assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "the call");
            let mut context = Context::from_waker(Waker::noop());
            assert_eq!(receiving.poll(&mut context), Poll::Ready(Ok(())));
        });
    });
}

/// A panic that is not the first stays with its hand, so that goes away, too.
#[test]
fn nothing_is_left_of_a_crew_that_has_ended() {
    on_every_runtime(|rt| {
        rt.run(|| {
            let (sender, receiver) = unbounded();
            (0..2).for_each(|_| sender.send(()).unwrap());
            let (begun, token) = (AtomicUsize::new(0), Arc::new(()));
            let panic = token.clone();
            let work = move |()| {
                begun.fetch_add(1, Ordering::Relaxed);
                until(|| begun.load(Ordering::Relaxed) == 2);
                resume_unwind(Box::new(panic.clone()));
            };
            assert!(receiver.for_each(3, work).unwrap_err().is_panic());
            until(|| Arc::strong_count(&token) == 1);
        });
    });
}

#[test]
fn a_shutdown_ends_the_crew() {
    limited(|| {
        let (sender, receiver) = bounded::<()>(0);
        let rt = runtime(2);
        let working = rt.spawn(move || receiver.for_each(4, |()| sleep(LONG)));
        sender.send(()).unwrap();
        assert!(rt.shutdown(LONG));
        // The caller, or before it the call.
        let error = working.join().map_or_else(|error| error, |result| result.unwrap_err());
        assert!(error.is_cancelled());
        until(|| sender.is_disconnected());
    });
}

/// All that begin on one worker, and then get work for the CPU, end up on both.
#[test]
fn hands_that_began_on_one_worker_use_all() {
    limited(|| {
        if thread::available_parallelism().unwrap().get() < 2 {
            return;
        }
        let rt = Builder::new().workers(2).build().unwrap();
        let workers = rt.run(|| {
            let (sender, receiver) = bounded(64);
            let workers = Arc::new(Mutex::new(HashSet::new()));
            let seen = workers.clone();
            let working = spawn(move || {
                receiver.for_each(8, move |busy: Duration| {
                    let start = Instant::now();
                    while start.elapsed() < busy {
                        checkpoint();
                    }
                    if !busy.is_zero() {
                        seen.lock().insert(thread::current().id());
                    }
                })
            });
            // They have all been at work once, in turn, and wait.
            (0..100).for_each(|_| sender.send(Duration::ZERO).unwrap());
            settle();
            // Until both have been seen; on a busy machine a worker may come late.
            while workers.lock().len() < 2 {
                sender.send(Duration::from_millis(1)).unwrap();
            }
            drop(sender);
            working.join().unwrap().unwrap();
            workers.lock().len()
        });
        assert_eq!(workers, 2);
    });
}
