//! A thread that polls a future (`sched/src/block_on.rs`): it hears of every wake, and sees what was
//! done before.
#![cfg(sward_loom)]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::mpsc::{Sender, channel};
use loom::thread::{self, JoinHandle};
use sward_loom_tests::check;
use sward_sched::block_on;
use sward_sched::primitive::Mutant;

/// Something that another thread does when it is asked to, and then says so.
struct Errand {
    asked: Option<Sender<Waker>>,
    is_done: Arc<AtomicBool>,
    running: JoinHandle<()>,
}

impl Errand {
    fn new() -> Self {
        let (asked, asks) = channel::<Waker>();
        let is_done = Arc::new(AtomicBool::new(false));
        let done = is_done.clone();
        let running = thread::spawn(move || {
            let waker = asks.recv().unwrap();
            // Relaxed: that it is seen is the waker's doing.
            done.store(true, Ordering::Relaxed);
            // Twice: one of them may come after the end.
            waker.wake_by_ref();
            waker.wake();
        });
        Self { asked: Some(asked), is_done, running }
    }

    fn poll(&mut self, waker: &Waker) -> bool {
        if let Some(asked) = self.asked.take() {
            asked.send(waker.clone()).unwrap();
        }
        self.is_done.load(Ordering::Relaxed)
    }
}

fn run<const N: usize>() {
    let mut errands = [(); N].map(|()| Errand::new());
    block_on(poll_fn(|context| {
        let done =
            errands.iter_mut().filter_map(|it| it.poll(context.waker()).then_some(())).count();
        if done == N { Poll::Ready(()) } else { Poll::Pending }
    }));
    errands.into_iter().for_each(|errand| errand.running.join().unwrap());
}

#[test]
fn poll_against_wake() {
    check("poll_against_wake", &[Mutant::BellRelaxed, Mutant::BellUnheard], run::<1>);
}

/// One poll may be all that comes of two wakes.
#[test]
fn poll_against_two_wakes() {
    check("poll_against_two_wakes", &[Mutant::BellRelaxed, Mutant::BellUnheard], run::<2>);
}
