//! `send_async`, `recv_async`, `stream`: tasks at the ends of a channel, beside threads.

#[macro_use]
mod settings;
mod tasks;
mod values;

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use futures_core::{FusedStream, Stream};
use settings::*;
use sward_chan::{
    Receiver, RecvError, Select, Sender, TryRecvError, after, at, bounded, never, select, tick,
    unbounded,
};
use tasks::{Meddler, Wakes, forget, poll, run};
use values::Tally;

in_every_setting! {
    each_value_is_received_once,
    a_pipeline_of_tasks_and_threads_keeps_the_order,
    tasks_that_give_up_lose_nothing,
}

fn channels<T>() -> [(Sender<T>, Receiver<T>); 4] {
    [bounded(0), bounded(1), bounded(5), unbounded()]
}

fn each_value_is_received_once(setting: &Setting) {
    const EACH: usize = 300;
    for (sender, receiver) in channels() {
        let sending = setting.spawn_many(4, move |from| {
            for i in 0..EACH {
                match from % 2 {
                    0 => run(sender.send_async(from * EACH + i)).unwrap(),
                    _ => sender.send(from * EACH + i).unwrap(),
                }
            }
        });
        let receiving = setting.spawn_many(4, move |to| {
            let mut seen = Vec::new();
            match to {
                0 => {
                    while let Ok(value) = run(receiver.recv_async()) {
                        seen.push(value);
                    }
                }
                1 => seen.extend(receiver),
                2 => {
                    let mut stream = pin!(receiver.stream());
                    let next = |stream: &mut std::pin::Pin<&mut sward_chan::RecvStream<'_, _>>| {
                        run(std::future::poll_fn(|context| stream.as_mut().poll_next(context)))
                    };
                    while let Some(value) = next(&mut stream) {
                        seen.push(value);
                    }
                    assert!(stream.is_terminated());
                }
                _ => {
                    while let Ok(value) = receiver.recv() {
                        seen.push(value);
                    }
                }
            }
            // Of each sender in the order in which it sent.
            for from in 0..4 {
                let of_one = seen.iter().filter(|value| **value / EACH == from);
                assert!(of_one.is_sorted());
            }
            seen
        });
        join_all(sending);
        let mut seen: Vec<_> = join_all(receiving).into_iter().flatten().collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..4 * EACH));
    }
}

fn a_pipeline_of_tasks_and_threads_keeps_the_order(setting: &Setting) {
    const VALUES: usize = 300;
    let (first, mut last) = bounded(0);
    let stages: Vec<_> = (0..6)
        .map(|stage| {
            let (sender, next) = bounded(stage % 3);
            let from = std::mem::replace(&mut last, next);
            setting.spawn(move || {
                while let Ok(value) = run(from.recv_async()) {
                    match stage % 2 {
                        0 => run(sender.send_async(value)).unwrap(),
                        _ => sender.send(value).unwrap(),
                    }
                }
            })
        })
        .collect();
    let sending = setting.spawn(move || (0..VALUES).for_each(|i| first.send(i).unwrap()));
    assert!(last.iter().eq(0..VALUES));
    sending.join();
    join_all(stages);
}

/// Futures are polled a few times and dropped, among threads that go on.
fn tasks_that_give_up_lose_nothing(setting: &Setting) {
    const VALUES: usize = 500;
    for (sender, receiver) in channels() {
        let tally = Tally::new(VALUES);
        let giving_up = setting.spawn_many(2, {
            let receiver = receiver.clone();
            move |polls| {
                let mut got = Vec::new();
                loop {
                    let mut receiving = pin!(receiver.recv_async());
                    let (_, waker) = Wakes::new();
                    for _ in 0..=polls {
                        if let Poll::Ready(value) = poll(receiving.as_mut(), &waker) {
                            match value {
                                Ok(value) => got.push(value),
                                Err(RecvError) => return got.len(),
                            }
                            break;
                        }
                        sward_sched::yield_now();
                    }
                }
            }
        });
        let sending = setting.spawn({
            let tally = tally.clone();
            move || {
                for number in 0..VALUES {
                    let mut sending = pin!(sender.send_async(tally.value(number)));
                    let (_, waker) = Wakes::new();
                    // Given up after one look now and then: then the value is dropped with it, or
                    // has been received already.
                    while poll(sending.as_mut(), &waker).is_pending() && number % 3 != 0 {
                        sward_sched::yield_now();
                    }
                }
            }
        });
        let received = receiver.iter().count();
        sending.join();
        let others: usize = join_all(giving_up).into_iter().sum();
        assert!(received + others <= VALUES);
        assert!(received + others >= VALUES - VALUES.div_ceil(3));
        drop(receiver);
        tally.check();
    }
}

#[test]
fn a_value_goes_past_a_future_that_was_dropped_after_it_was_told() {
    for capacity in [0, 1, 3] {
        let (sender, receiver) = bounded(capacity);
        let (wakes, waker) = Wakes::new();
        let mut told = Box::pin(receiver.recv_async());
        assert!(poll(told.as_mut(), &waker).is_pending());
        let mut next = Box::pin(receiver.recv_async());
        let (next_wakes, next_waker) = Wakes::new();
        assert!(poll(next.as_mut(), &next_waker).is_pending());
        sender.try_send(7).unwrap();
        assert_eq!((wakes.count(), next_wakes.count()), (1, 0));
        drop(told);
        assert_eq!(next_wakes.count(), 1);
        assert_eq!(poll(next.as_mut(), &next_waker), Poll::Ready(Ok(7)));
    }
}

#[test]
fn a_thread_in_line_gets_what_a_dropped_future_was_told_of() {
    limited(|| {
        let (sender, receiver) = bounded(0);
        let (_, waker) = Wakes::new();
        let mut told = Box::pin(receiver.recv_async());
        assert!(poll(told.as_mut(), &waker).is_pending());
        let waiting = thread::spawn({
            let receiver = receiver.clone();
            move || receiver.recv()
        });
        settle();
        sender.send(7).unwrap();
        drop(told);
        assert_eq!(waiting.join().unwrap(), Ok(7));
    });
}

#[test]
fn a_forgotten_future_keeps_no_value_and_stops_no_line() {
    limited(|| {
        for capacity in [0, 2] {
            let (sender, receiver) = bounded(capacity);
            let receiver: &'static Receiver<_> = Box::leak(Box::new(receiver));
            let (_, waker) = Wakes::new();
            let mut forgotten = Box::pin(receiver.recv_async());
            assert!(poll(forgotten.as_mut(), &waker).is_pending());
            forget(forgotten);
            let waiting = thread::spawn(move || [receiver.recv(), receiver.recv()]);
            sender.send(1).unwrap();
            sender.send(2).unwrap();
            assert_eq!(waiting.join().unwrap(), [Ok(1), Ok(2)]);
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        }
    });
}

#[test]
fn a_forgotten_sender_s_value_is_received_in_its_turn() {
    let (sender, receiver) = bounded(0);
    let sender: &'static Sender<_> = Box::leak(Box::new(sender));
    let (_, waker) = Wakes::new();
    let mut forgotten = Box::pin(sender.send_async("forgotten"));
    assert!(poll(forgotten.as_mut(), &waker).is_pending());
    forget(forgotten);
    assert_eq!(receiver.try_recv(), Ok("forgotten"));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn whoever_comes_first_may_have_it_and_the_task_stays_first_in_line() {
    let (sender, receiver) = bounded(1);
    let (wakes, waker) = Wakes::new();
    let mut told = Box::pin(receiver.recv_async());
    let mut behind = Box::pin(receiver.recv_async());
    assert!(poll(told.as_mut(), &waker).is_pending());
    assert!(poll(behind.as_mut(), &waker).is_pending());
    sender.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(poll(told.as_mut(), &waker).is_pending());
    sender.send(2).unwrap();
    assert_eq!(wakes.count(), 2);
    assert_eq!(poll(told.as_mut(), &waker), Poll::Ready(Ok(2)));
    assert!(poll(behind.as_mut(), &waker).is_pending());
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    let (sender, receiver) = bounded(0);
    let (first, first_waker) = Wakes::new();
    let (second, second_waker) = Wakes::new();
    let mut receiving = pin!(receiver.recv_async());
    assert!(poll(receiving.as_mut(), &first_waker).is_pending());
    assert!(poll(receiving.as_mut(), &second_waker).is_pending());
    sender.send(7).unwrap();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(poll(receiving, &first_waker), Poll::Ready(Ok(7)));
}

#[test]
fn a_close_wakes_tasks_and_gives_values_back() {
    let (sender, receiver) = bounded(1);
    sender.send(0).unwrap();
    let (wakes, waker) = Wakes::new();
    let mut sending = pin!(sender.send_async(7));
    assert!(poll(sending.as_mut(), &waker).is_pending());
    receiver.close();
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(Err(error)) = poll(sending, &waker) else { panic!("it is closed") };
    assert_eq!(error.into_inner(), 7);
    assert_eq!(run(receiver.recv_async()), Ok(0));
    assert_eq!(run(receiver.recv_async()), Err(RecvError));

    let (sender, receiver) = bounded::<i32>(0);
    let mut receiving = pin!(receiver.recv_async());
    assert!(poll(receiving.as_mut(), &waker).is_pending());
    drop(sender);
    assert_eq!(wakes.count(), 2);
    assert_eq!(poll(receiving, &waker), Poll::Ready(Err(RecvError)));
}

#[test]
fn a_future_that_was_not_polled_leaves_no_trace() {
    let tally = Tally::new(1);
    let (sender, receiver) = bounded(0);
    drop(sender.send_async(tally.value(0)));
    drop(receiver.recv_async());
    tally.check();
    assert!(matches!(receiver.try_recv(), Err(TryRecvError::Empty)));
}

#[test]
fn a_task_meets_a_select_that_sends_later() {
    limited(|| {
        for sends in [true, false] {
            let (sender, receiver) = bounded(0);
            let selecting = thread::spawn(move || {
                let mut select = Select::new();
                select.send(&sender);
                let operation = select.select();
                settle();
                if sends {
                    operation.send(&sender, 7).unwrap();
                } else {
                    // It panics here.
                    drop(operation);
                }
            });
            let got = run(receiver.recv_async());
            assert_eq!(got, if sends { Ok(7) } else { Err(RecvError) });
            assert_eq!(selecting.join().is_ok(), sends);
        }
    });
}

#[test]
fn clocks_tick_for_tasks() {
    limited(|| {
        let start = Instant::now();
        let brief = Duration::from_millis(3);
        assert!(run(after(brief).recv_async()).unwrap() >= start + brief);
        assert_eq!(run(at(start).recv_async()), Ok(start));
        let ticks = tick(brief);
        let moments = [(); 3].map(|()| run(ticks.recv_async()).unwrap());
        assert!(moments.is_sorted() && moments[2] >= start + 3 * brief);
        let (_, waker) = Wakes::new();
        assert!(poll(pin!(after(LONG).recv_async()), &waker).is_pending());
        assert!(poll(pin!(never::<i32>().recv_async()), &waker).is_pending());
    });
}

#[test]
fn a_waker_may_use_the_channel() {
    let (sender, receiver) = bounded(0);
    let (again, meddling) = (receiver.clone(), Arc::new(sender.clone()));
    let waker = Meddler::waker(move || {
        let _ = (again.try_recv(), meddling.try_send(8), again.len());
    });
    let mut receiving = Box::pin(receiver.recv_async());
    assert!(poll(receiving.as_mut(), &waker).is_pending());
    drop(waker);
    sender.try_send(7).unwrap();
    // The waker has taken it. What it has sent then met nobody.
    let (_, waker) = Wakes::new();
    assert!(poll(receiving.as_mut(), &waker).is_pending());
    drop(receiving);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_waker_that_panics_keeps_nobody_asleep() {
    let (sender, receiver) = bounded::<i32>(0);
    let panicking = Meddler::waker(|| assert!(thread::panicking(), "a waker that panics"));
    let (wakes, waker) = Wakes::new();
    let mut first = Box::pin(receiver.recv_async());
    let mut second = Box::pin(receiver.recv_async());
    assert!(poll(first.as_mut(), &panicking).is_pending());
    assert!(poll(second.as_mut(), &waker).is_pending());
    forget(panicking);
    let closing = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sender.close()));
    // The hook has reported it.
    assert!(closing.is_ok());
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(second.as_mut(), &waker), Poll::Ready(Err(RecvError)));
}

#[test]
fn a_stream_ends_once() {
    let (sender, receiver) = unbounded();
    sender.send(1).unwrap();
    let mut stream = pin!(receiver.stream());
    let mut next = || run(std::future::poll_fn(|context| stream.as_mut().poll_next(context)));
    assert_eq!(next(), Some(1));
    drop(sender);
    assert_eq!([next(), next()], [None, None]);
    assert!(stream.is_terminated());
}

#[test]
fn futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    let (sender, receiver) = unbounded::<std::cell::Cell<i32>>();
    is_send(sender.send_async(std::cell::Cell::new(1)));
    is_send(receiver.recv_async());
    is_send(receiver.stream());
}

#[test]
fn a_waker_that_panics_loses_and_doubles_nothing() {
    for capacity in [0, 1] {
        let tally = Tally::new(2);
        let (sender, receiver) = bounded(capacity);
        let receive = || {
            let panicking = Meddler::waker(|| assert!(thread::panicking(), "a waker that panics"));
            let mut receiving = Box::pin(receiver.recv_async());
            assert!(poll(receiving.as_mut(), &panicking).is_pending());
            forget(panicking);
            receiving
        };
        let told = receive();
        assert!(run(sender.send_async(tally.value(0))).is_ok());
        drop(told);
        assert_eq!(receiver.try_recv().ok().map(|value| value.number), Some(0));
        let told = receive();
        select! { send(sender, tally.value(1)) -> sent => assert!(sent.is_ok()) }
        drop(told);
        assert_eq!(receiver.try_recv().ok().map(|value| value.number), Some(1));
        tally.check();
    }
}

#[test]
fn a_clock_wakes_the_last_waker_and_for_each_tick() {
    limited(|| {
        let ticks = tick(Duration::from_millis(2));
        let (_, first) = Wakes::new();
        let (wakes, second) = Wakes::new();
        let mut receiving = pin!(ticks.recv_async());
        if poll(receiving.as_mut(), &first).is_pending() {
            // Others take a tick or two, and it waits on.
            for _ in 0..3 {
                let seen = wakes.count();
                if poll(receiving.as_mut(), &second).is_ready() {
                    return;
                }
                until(|| wakes.count() > seen);
                let _ = ticks.try_recv();
            }
            assert!(run(receiving).is_ok());
        }
    });
}

#[test]
fn a_clock_that_is_closed_stays_so() {
    for ticks in
        [tick(Duration::from_millis(1)), after(Duration::from_millis(1)), at(Instant::now())]
    {
        until(|| !ticks.is_empty());
        ticks.close();
        assert!(ticks.recv().is_ok());
        thread::sleep(Duration::from_millis(3));
        assert_eq!(ticks.try_recv(), Err(TryRecvError::Disconnected));
    }
}

#[test]
fn whoever_watches_hears_of_what_a_task_was_told() {
    limited(|| {
        let (sender, receiver) = bounded(0);
        let (_, waker) = Wakes::new();
        let mut told = pin!(receiver.recv_async());
        assert!(poll(told.as_mut(), &waker).is_pending());
        let watching = thread::spawn({
            let receiver = receiver.clone();
            move || {
                let mut select = Select::new();
                select.recv(&receiver);
                select.ready();
                receiver.try_recv()
            }
        });
        settle();
        sender.send(7).unwrap();
        assert_eq!(watching.join().unwrap(), Ok(7));
    });
}
