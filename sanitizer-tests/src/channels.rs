//! Boxes through channels, by every way there is.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use sward_chan::{self as chan, Receiver, Select, Sender, select};
use sward_sched::{Runtime, Thread, current, park, spawn, yield_now};

use crate::{join_all, runtime};

pub(crate) fn channels(rt: &Runtime) {
    for capacity in [0, 1, 16] {
        rt.run(|| relay(chan::bounded(capacity)));
    }
    rt.run(|| relay(chan::unbounded()));
}

/// Four send boxes, eight in the middle add to them, and one counts.
fn relay((sender, middle): (Sender<Box<u64>>, Receiver<Box<u64>>)) {
    let (on, counting) = chan::bounded(3);
    let sending = (0..4).map(|_| {
        let sender = sender.clone();
        spawn(move || (0..500).for_each(|i| sender.send(Box::new(i)).unwrap()))
    });
    let sending: Vec<_> = sending.collect();
    let adding = (0..8).map(|i| {
        let (middle, on) = (middle.clone(), on.clone());
        spawn(move || {
            for mut it in &middle {
                *it += 1;
                on.send(it).unwrap();
            }
            while middle.recv_timeout(Duration::from_micros(i)).is_ok() {}
        })
    });
    let adding: Vec<_> = adding.collect();
    drop((sender, on));
    assert_eq!(counting.iter().map(|it| *it).sum::<u64>(), 4 * (1..=500).sum::<u64>());
    join_all(sending);
    join_all(adding);
}

const EACH: u64 = 500;

type Ends = [(Sender<Box<u64>>, Receiver<Box<u64>>); 3];

/// Each sends numbers on one of three channels, in another way, and receives from all, likewise.
pub(crate) fn selects(rt: &Runtime) {
    let ends: Ends = [chan::bounded(0), chan::bounded(2), chan::unbounded()];
    let sum = Arc::new(AtomicU64::new(0));
    rt.run(|| {
        let trading = (0..8).map(|i| {
            let (ends, sum) = (ends.clone(), sum.clone());
            spawn(move || trade(i, &ends, &sum))
        });
        let trading: Vec<_> = trading.collect();
        let [(_, a), (_, b), (_, c)] = &ends;
        // The last of them would have nobody to meet.
        let (meeting, met) = (a.clone(), sum.clone());
        let meeting = spawn(move || meeting.iter().for_each(|it| add(&met, *it)));
        join_all(trading);
        a.close();
        meeting.join().unwrap();
        let left = [a, b, c].into_iter().flat_map(Receiver::try_iter).map(|it| *it).sum::<u64>();
        assert_eq!(sum.load(Ordering::Relaxed) + left, 8 * (1..=EACH).sum::<u64>());
    });
}

fn add(sum: &AtomicU64, it: u64) {
    sum.fetch_add(it, Ordering::Relaxed);
}

fn trade(i: usize, ends: &Ends, sum: &AtomicU64) {
    let [(_, a), (_, b), (_, c)] = ends;
    for number in 1..=EACH {
        let (sender, _) = &ends[(i + number as usize) % 3];
        let mut unsent = Some(Box::new(number));
        while let Some(value) = unsent.take() {
            match number % 3 {
                0 => select! {
                    send(sender, value) -> sent => sent.unwrap(),
                    recv(a) -> it => { add(sum, *it.unwrap()); unsent = Some(Box::new(number)); }
                    recv(b) -> it => { add(sum, *it.unwrap()); unsent = Some(Box::new(number)); }
                    recv(c) -> it => { add(sum, *it.unwrap()); unsent = Some(Box::new(number)); }
                },
                _ => {
                    let mut select = Select::new();
                    let sends = select.send(sender);
                    let receivers = [a, b, c];
                    let first = receivers.map(|receiver| select.recv(receiver))[0];
                    let operation = select.select();
                    let index = operation.index();
                    if index == sends {
                        operation.send(sender, value).unwrap();
                    } else {
                        add(sum, *operation.recv(receivers[index - first]).unwrap());
                        unsent = Some(value);
                    }
                }
            }
        }
    }
}

struct Unparks(Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unparks(current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => park(),
        }
    }
}

/// Tasks and threads at both sides, and futures that are given up.
pub(crate) fn tasks(rt: &Runtime) {
    for (sender, receiver) in [chan::bounded(0), chan::bounded(3)] {
        let sending = (0..4).map(|i| {
            let sender = sender.clone();
            rt.spawn(move || {
                for number in 1..=EACH {
                    match i % 2 {
                        0 => block_on(sender.send_async(Box::new(number))).unwrap(),
                        _ => sender.send(Box::new(number)).unwrap(),
                    }
                }
            })
        });
        let sending: Vec<_> = sending.collect();
        drop(sender);
        let receiving = (0..4).map(|i| {
            let receiver = receiver.clone();
            rt.spawn(move || {
                let mut sum = 0;
                loop {
                    if i == 0 {
                        let mut given_up = pin!(receiver.recv_async());
                        let mut context = Context::from_waker(Waker::noop());
                        if let Poll::Ready(Ok(it)) = given_up.as_mut().poll(&mut context) {
                            sum += *it;
                        }
                        yield_now();
                    }
                    let it = if i < 2 { block_on(receiver.recv_async()) } else { receiver.recv() };
                    match it {
                        Ok(it) => sum += *it,
                        Err(_) => return sum,
                    }
                }
            })
        });
        let received: u64 = join_all(receiving.collect::<Vec<_>>()).into_iter().sum();
        assert_eq!(received, 4 * (1..=EACH).sum::<u64>());
        join_all(sending);
    }
}

/// What a crew's function keeps in a thread-local that is neither `Send` nor `Sync`.
pub(crate) fn crews() {
    thread_local!(static SUM: Rc<Cell<u64>> = Rc::default());
    let rt = runtime();
    let total = Arc::new(AtomicU64::new(0));
    rt.run(|| {
        let (sender, receiver) = chan::bounded(4);
        let sending = spawn(move || {
            for number in 1..=4 * EACH {
                sender.send(Box::new(number)).unwrap();
                if number % 64 == 0 {
                    sward_sched::time::sleep(Duration::from_micros(100));
                }
            }
        });
        let adds = total.clone();
        let add = move |it: Box<u64>| {
            let mine = SUM.with(Rc::clone);
            mine.set(mine.get() + *it);
            if it.is_multiple_of(5) {
                yield_now();
            }
            SUM.with(Rc::clone).set(mine.get() + 1);
            adds.fetch_add(*it, Ordering::Relaxed);
        };
        receiver.for_each(8, add).unwrap();
        sending.join().unwrap();
    });
    assert_eq!(total.load(Ordering::Relaxed), (1..=4 * EACH).sum::<u64>());
}
