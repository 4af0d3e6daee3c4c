//! One value, once: it is received, comes back to its sender, or is dropped, each exactly once, and
//! whoever waits at either end is told.

#[macro_use]
mod settings;
mod tasks;
mod values;

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use settings::{LONG, Setting, join_all, limited, runtime, settle, until};
use sward_chan::oneshot::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use sward_chan::{RecvError, SendError};
use sward_sched::primitive::Mutex;
use sward_sched::{spawn, uncancellable, yield_now};
use tasks::{Meddler, Wakes, forget, poll, run};
use values::{Counted, Tally};

/// An alignment that is only used where it is counted what there is.
const ALIGN: usize = 512;
/// How many allocations of that alignment there are.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: it is the system's, which does all.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(usize::from(layout.align() == ALIGN), Ordering::SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(usize::from(layout.align() == ALIGN), Ordering::SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

in_every_setting!(
    a_value_is_received,
    a_sender_that_goes_is_noticed,
    a_receiver_that_goes_is_noticed,
    what_was_sent_before_a_close_is_received,
    one_can_wait_again_after_a_timeout,
    a_task_is_woken,
    each_value_is_dropped_once,
    a_large_value_and_none_at_all_arrive,
);

fn a_value_is_received(setting: &Setting) {
    let (sender, receiver) = channel();
    let receiving = setting.spawn(move || receiver.recv());
    settle();
    assert_eq!(sender.send(7), Ok(()));
    assert_eq!(receiving.join(), Ok(7));
    // The other way round.
    let (sender, receiver) = channel();
    assert_eq!(setting.spawn(move || sender.send(8)).join(), Ok(()));
    assert_eq!(receiver.recv(), Ok(8));
    // At once.
    for i in 0..200 {
        let (sender, receiver) = channel();
        let sending = setting.spawn(move || sender.send(i));
        assert_eq!(receiver.recv(), Ok(i));
        assert_eq!(sending.join(), Ok(()));
    }
}

fn a_sender_that_goes_is_noticed(setting: &Setting) {
    let (sender, receiver) = channel::<i32>();
    let receiving = setting.spawn(move || receiver.recv());
    settle();
    drop(sender);
    assert_eq!(receiving.join(), Err(RecvError));
    let (sender, mut receiver) = channel::<i32>();
    drop(sender);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    assert_eq!(receiver.recv(), Err(RecvError));
}

fn a_receiver_that_goes_is_noticed(setting: &Setting) {
    for closes in [true, false] {
        let (mut sender, mut receiver) = channel();
        let waiting = setting.spawn(move || {
            sender.closed();
            assert!(sender.is_closed());
            sender.closed();
            sender.send(7)
        });
        settle();
        assert!(!waiting.is_finished());
        if closes {
            receiver.close();
            assert_eq!(waiting.join(), Err(SendError(7)));
            assert_eq!(receiver.recv(), Err(RecvError));
        } else {
            drop(receiver);
            assert_eq!(waiting.join(), Err(SendError(7)));
        }
    }
}

fn what_was_sent_before_a_close_is_received(setting: &Setting) {
    let (sender, mut receiver) = channel();
    setting.spawn(move || sender.send(7).unwrap()).join();
    receiver.close();
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(7));
    receiver.close();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    // One way or the other, but not both.
    for _ in 0..200 {
        let (sender, mut receiver) = channel();
        let sending = setting.spawn(move || sender.send(7));
        yield_now();
        receiver.close();
        let received = receiver.try_recv().is_ok();
        assert_eq!(sending.join().is_ok(), received);
    }
}

fn one_can_wait_again_after_a_timeout(setting: &Setting) {
    let (sender, mut receiver) = channel();
    assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    let start = Instant::now();
    let brief = Duration::from_millis(2);
    assert_eq!(receiver.recv_timeout(brief), Err(RecvTimeoutError::Timeout));
    assert_eq!(receiver.recv_deadline(start + 2 * brief), Err(RecvTimeoutError::Timeout));
    assert!(start.elapsed() >= 2 * brief);
    let sending = setting.spawn(move || sender.send(7));
    assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(7));
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    assert_eq!(sending.join(), Ok(()));
}

fn a_task_is_woken(setting: &Setting) {
    let (sender, receiver) = channel();
    let receiving = setting.spawn(move || run(receiver));
    settle();
    sender.send(7).unwrap();
    assert_eq!(receiving.join(), Ok(7));
    let (mut sender, receiver) = channel::<i32>();
    let waiting = setting.spawn(move || run(sender.closed_async()));
    settle();
    drop(receiver);
    waiting.join();
}

/// Whatever the two ends do, and whenever.
fn each_value_is_dropped_once(setting: &Setting) {
    const ROUNDS: usize = 300;
    fn receive(mut receiver: Receiver<Counted>, how: usize) {
        match how {
            0 => drop(receiver.recv()),
            1 => drop(receiver),
            2 => drop(receiver.recv_timeout(Duration::from_micros(20))),
            3 => until(|| !matches!(receiver.try_recv(), Err(TryRecvError::Empty))),
            4 => drop(poll(Pin::new(&mut receiver), Waker::noop())),
            5 => {
                let _ = poll(Pin::new(&mut receiver), Waker::noop());
                drop(receiver.recv_timeout(Duration::ZERO));
                drop(run(&mut receiver));
            }
            _ => receiver.close(),
        }
    }
    fn send(sender: Sender<Counted>, value: Counted, how: usize) {
        match how {
            0 => drop(value),
            1 => run(async {
                let mut sender = sender;
                let _ = poll(pin!(sender.closed_async()), Waker::noop());
                drop(sender.send(value));
            }),
            _ => drop(sender.send(value)),
        }
    }
    let tally = Tally::new(ROUNDS);
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..ROUNDS).map(|_| channel()).unzip();
    let sending = setting.spawn({
        let tally = tally.clone();
        move || {
            for (i, sender) in senders.into_iter().enumerate() {
                send(sender, tally.value(i), i % 5);
                if i % 3 == 0 {
                    yield_now();
                }
            }
        }
    });
    let receiving = setting.spawn(move || {
        receivers.into_iter().enumerate().for_each(|(i, receiver)| receive(receiver, i % 7));
    });
    join_all([sending, receiving]);
    tally.check();
}

fn a_large_value_and_none_at_all_arrive(setting: &Setting) {
    #[repr(align(128))]
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Large([u64; 100]);

    let (sender, receiver) = channel();
    let sending = setting.spawn(move || sender.send(Large([7; 100])).is_ok());
    assert_eq!(receiver.recv(), Ok(Large([7; 100])));
    assert!(sending.join());
    let (sender, receiver) = channel();
    let sending = setting.spawn(move || sender.send(()));
    assert_eq!(receiver.recv(), Ok(()));
    assert_eq!(sending.join(), Ok(()));
}

#[test]
fn a_cancelled_receiver_takes_its_value_along() {
    limited(|| {
        runtime(2).run(|| {
            let tally = Tally::new(1);
            let (sender, receiver) = channel();
            let receiving = spawn(move || receiver.recv().is_ok());
            settle();
            receiving.cancel();
            assert!(receiving.join().unwrap_err().is_cancelled());
            assert_eq!(sender.send(tally.value(0)).unwrap_err().into_inner().number, 0);
            tally.check();
        });
    });
}

#[test]
fn what_comes_while_a_thread_is_cancelled_is_received_or_dropped() {
    const ROUNDS: usize = 300;
    limited(|| {
        runtime(2).run(|| {
            let tally = Tally::new(ROUNDS);
            for i in 0..ROUNDS {
                let (sender, mut receiver) = channel();
                let receiving = spawn(move || drop(receiver.recv_timeout(LONG)));
                (0..i % 4).for_each(|_| yield_now());
                let value = tally.value(i);
                let sending = spawn(move || drop(sender.send(value)));
                receiving.cancel();
                let _ = receiving.join();
                sending.join().unwrap();
            }
            tally.check();
        });
    });
}

#[test]
fn a_sender_that_waits_for_the_end_is_cancelled() {
    limited(|| {
        runtime(1).run(|| {
            let (mut sender, receiver) = channel::<i32>();
            let (mut other, other_receiver) = channel::<i32>();
            let waiting = spawn(move || sender.closed());
            let shielded = spawn(move || uncancellable(|| other.closed()));
            settle();
            waiting.cancel();
            shielded.cancel();
            assert!(waiting.join().unwrap_err().is_cancelled());
            assert_eq!(receiver.recv(), Err(RecvError));
            assert!(!shielded.is_finished());
            drop(other_receiver);
            shielded.join().unwrap();
        });
    });
}

#[test]
fn a_future_that_is_dropped_or_forgotten_keeps_nothing() {
    let (sender, mut receiver) = channel();
    let (wakes, waker) = Wakes::new();
    assert!(poll(pin!(receiver.recv_async()), &waker).is_pending());
    let mut forgotten = Box::pin(receiver.recv_async());
    assert!(poll(forgotten.as_mut(), &waker).is_pending());
    forget(forgotten);
    sender.send(7).unwrap();
    assert_eq!((wakes.count(), receiver.recv()), (1, Ok(7)));
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
}

#[test]
fn the_last_waker_is_woken_and_all_are_dropped() {
    let (sender, mut receiver) = channel();
    let wakers: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
    for (_, waker) in &wakers {
        assert!(poll(Pin::new(&mut receiver), waker).is_pending());
    }
    sender.send(7).unwrap();
    let counts: Vec<_> = wakers.iter().map(|(wakes, _)| wakes.count()).collect();
    assert_eq!(counts, [0, 0, 1]);
    assert_eq!(poll(Pin::new(&mut receiver), Waker::noop()), Poll::Ready(Ok(7)));
    assert_eq!(poll(Pin::new(&mut receiver), Waker::noop()), Poll::Ready(Err(RecvError)));
    for (wakes, waker) in wakers {
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 1);
    }
}

#[test]
fn wakers_that_stay_behind_are_dropped_with_the_channel() {
    let (wakes, waker) = Wakes::new();
    for order in 0..4 {
        let (mut sender, mut receiver) = channel::<i32>();
        assert!(sender.poll_closed(&mut std::task::Context::from_waker(&waker)).is_pending());
        assert!(poll(Pin::new(&mut receiver), &waker).is_pending());
        match order {
            0 => drop((sender, receiver)),
            1 => drop((receiver, sender)),
            2 => drop((sender.send(7), receiver)),
            _ => {
                receiver.close();
                assert_eq!(sender.send(7), Err(SendError(7)));
            }
        }
        assert_eq!(Arc::strong_count(&wakes), 2);
    }
}

#[test]
fn wakers_may_use_the_channel() {
    let (mut sender, receiver) = channel::<i32>();
    let receiver = Mutex::new(receiver);
    let waker = Meddler::waker(move || {
        if let Some(mut receiver) = receiver.try_lock() {
            receiver.close();
        }
    });
    let (other, mut other_receiver) = channel::<i32>();
    assert!(poll(Pin::new(&mut other_receiver), &waker).is_pending());
    assert!(poll(pin!(sender.closed_async()), &waker).is_pending());
    drop(waker);
    // It closes the channel whose sender is told of that by the same waker.
    other.send(7).unwrap();
    assert_eq!((sender.send(8), other_receiver.recv()), (Err(SendError(8)), Ok(7)));
}

#[test]
fn a_waker_that_panics_leaves_the_channel_usable() {
    let panics = || Meddler::waker(|| panic!("no waker"));
    let (sender, mut receiver) = channel();
    assert!(poll(Pin::new(&mut receiver), &panics()).is_pending());
    // It was left in the way.
    let brief = Duration::from_millis(1);
    assert!(catch_unwind(AssertUnwindSafe(|| receiver.recv_timeout(brief))).is_err());
    assert_eq!(receiver.recv_timeout(brief), Err(RecvTimeoutError::Timeout));
    assert!(sender.send(7).is_ok());
    assert_eq!(receiver.recv(), Ok(7));
}

/// A waker that panics when it is woken.
struct Alarm;

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        panic!("no waker");
    }
}

#[test]
fn a_receiver_goes_also_if_a_waker_panics() {
    #[repr(align(512))]
    struct Aligned(#[expect(dead_code, reason = "dropped")] Option<Counted>);

    const _: () = assert!(align_of::<Aligned>() == ALIGN);
    let alarm = Waker::from(Arc::new(Alarm));
    let tally = Tally::new(1);
    let (mut sender, receiver) = channel();
    assert_eq!(LIVE.load(Ordering::SeqCst), 1);
    assert!(sender.poll_closed(&mut Context::from_waker(&alarm)).is_pending());
    let _ = catch_unwind(AssertUnwindSafe(|| drop(receiver)));
    assert!(sender.send(Aligned(Some(tally.value(0)))).is_err());
    tally.check();
    assert_eq!(LIVE.load(Ordering::SeqCst), 0);
}

/// It goes with the channel, which goes with the value.
#[test]
fn a_waker_that_panics_at_its_end_lets_the_receiver_go_once() {
    let tally = Tally::new(1);
    let (mut sender, mut receiver) = channel();
    let waker = Meddler::waker(|| panic!("no end"));
    assert!(sender.poll_closed(&mut Context::from_waker(&waker)).is_pending());
    // There is another, which is left there.
    drop(waker);
    assert!(sender.send(tally.value(0)).is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| receiver.try_recv())).is_err());
    tally.check();
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Disconnected));
    drop(receiver);
    tally.check();
}

#[test]
fn a_destructor_that_panics_harms_nobody_else() {
    let tally = Tally::new(2);
    let (sender, receiver) = channel();
    assert!(sender.send(tally.bomb(0)).is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    let (sender, receiver) = channel();
    drop(receiver);
    let value = tally.bomb(1);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(sender.send(value)))).is_err());
    tally.check();
}

#[test]
fn values_of_one_thread_stay_there() {
    let (sender, receiver) = channel();
    sender.send(Rc::new(7)).unwrap();
    assert_eq!(receiver.recv(), Ok(Rc::new(7)));
}

#[test]
fn the_ends_go_where_their_values_may() {
    fn shared<T: Send + Sync + Unpin + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    shared::<Sender<std::cell::Cell<i32>>>();
    shared::<Receiver<std::cell::Cell<i32>>>();
    let (sender, receiver) = channel::<i32>();
    assert_eq!(format!("{sender:?}"), "Sender { is_closed: false }");
    assert_eq!(format!("{receiver:?}"), "Receiver { has_received: false }");
}
