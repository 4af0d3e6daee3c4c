//! Once a channel exists nothing is allocated for what is done with it, whoever waits. (A queue
//! without bounds grows, of course, and a `Select` has a list of its operations.)

#[macro_use]
mod settings;
mod values;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use settings::{LONG, Setting, until};
use sward_chan::{Receiver, Select, Sender, bounded, never, select, tick};
use values::{BOUNDS, CAPACITIES, channel};

macro_rules! on_one_worker_and_on_os_threads {
    ($($scenario:ident),+ $(,)?) => {
        in_setting!(one_worker: $($scenario),+);
        in_setting!(os_threads: $($scenario),+);
    };
}

on_one_worker_and_on_os_threads!(
    sending_and_receiving,
    waiting_for_an_answer,
    timeouts_that_are_up,
    timeouts_that_are_not,
    selects_that_wait_to_receive,
    selects_that_wait_to_send,
    selects_that_meet,
    selects_that_run_out_of_time,
    a_select_of_four_operations,
    ticks,
    what_does_not_wait,
    a_hundred_thousand_selects_do_not_grow_memory,
);

/// Enough that whatever grows has to.
const ROUNDS: usize = 100;

/// Counts what is allocated on each OS thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: it is the system's, which does all.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get() + layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

/// How many allocations there have been on this OS thread, and how many bytes they hold.
#[inline(never)]
fn allocated() -> (usize, isize) {
    (ALLOCATIONS.get(), BYTES.get())
}

/// What is allocated on the OS thread of `f` while it does so many rounds, once as many have
/// been done before. All parties do theirs at the same time: they may share that OS thread.
fn measured(parties: &AtomicUsize, rounds: usize, mut f: impl FnMut(usize)) -> (usize, isize) {
    (0..rounds).for_each(&mut f);
    parties.fetch_sub(1, Ordering::AcqRel);
    until(|| parties.load(Ordering::Acquire) == 0);
    let (allocations, bytes) = allocated();
    (rounds..2 * rounds).for_each(&mut f);
    let (now, bytes_now) = allocated();
    (now - allocations, bytes_now - bytes)
}

/// Fails unless two threads that do this allocate nothing.
fn two_do(
    setting: &Setting,
    one: impl FnMut(usize) + Send + 'static,
    other: impl FnMut(usize) + Send + 'static,
) {
    let parties = Arc::new(AtomicUsize::new(2));
    let theirs = parties.clone();
    let first = setting.spawn(move || measured(&theirs, ROUNDS, one).0);
    let second = setting.spawn(move || measured(&parties, ROUNDS, other).0);
    assert_eq!((first.join(), second.join()), (0, 0));
}

/// Fails unless a thread that does this allocates nothing.
fn one_does(setting: &Setting, one: impl FnMut(usize) + Send + 'static) {
    let parties = AtomicUsize::new(1);
    assert_eq!(setting.spawn(move || measured(&parties, ROUNDS, one).0).join(), 0);
}

fn sending_and_receiving(setting: &Setting) {
    for capacity in BOUNDS {
        let (sender, receiver) = bounded(capacity);
        two_do(
            setting,
            move |i| sender.send(i).unwrap(),
            move |i| assert_eq!(receiver.recv(), Ok(i)),
        );
    }
}

fn waiting_for_an_answer(setting: &Setting) {
    for capacity in CAPACITIES {
        let ((ask, asked), (answer, answered)) = (channel(capacity), channel(capacity));
        two_do(
            setting,
            move |i| {
                ask.send(i).unwrap();
                assert_eq!(answered.recv(), Ok(i + 1));
            },
            move |i| {
                assert_eq!(asked.iter().next(), Some(i));
                answer.send(i + 1).unwrap();
            },
        );
    }
}

fn timeouts_that_are_up(setting: &Setting) {
    let (sender, receiver) = bounded(0);
    one_does(setting, move |i| {
        let timeout = Duration::from_micros(i as u64 % 3 * 5);
        assert!(receiver.recv_timeout(timeout).is_err());
        assert!(sender.send_timeout(i, timeout).is_err());
    });
}

fn timeouts_that_are_not(setting: &Setting) {
    for capacity in BOUNDS {
        let (sender, receiver) = bounded(capacity);
        two_do(
            setting,
            move |i| sender.send_timeout(i, LONG).unwrap(),
            move |i| assert_eq!(receiver.recv_timeout(LONG), Ok(i)),
        );
    }
}

/// Channels at which nothing happens.
fn idle() -> (Sender<usize>, Receiver<usize>) {
    bounded(0)
}

fn selects_that_wait_to_receive(setting: &Setting) {
    for capacity in CAPACITIES {
        // The answer bounds the queue.
        let ((sender, receiver), (answer, answered)) = (channel(capacity), bounded(0));
        let (idle_sender, idle_receiver) = idle();
        two_do(
            setting,
            move |i| {
                sender.send(i).unwrap();
                answered.recv().unwrap();
            },
            move |i| {
                select! {
                    recv(idle_receiver) -> _ => panic!("nobody sends"),
                    recv(receiver) -> value => assert_eq!(value, Ok(i)),
                    send(idle_sender, i) -> _ => panic!("nobody receives"),
                    recv(receiver) -> value => assert_eq!(value, Ok(i)),
                }
                answer.send(()).unwrap();
            },
        );
    }
}

fn selects_that_wait_to_send(setting: &Setting) {
    for capacity in BOUNDS {
        let (sender, receiver) = bounded(capacity);
        let (idle_sender, idle_receiver) = idle();
        two_do(
            setting,
            move |i| {
                select! {
                    recv(idle_receiver) -> _ => panic!("nobody sends"),
                    send(sender, i) -> sent => sent.unwrap(),
                    send(idle_sender, i) -> _ => panic!("nobody receives"),
                    default(LONG) => panic!("it comes later"),
                }
            },
            move |i| assert_eq!(receiver.recv(), Ok(i)),
        );
    }
}

fn selects_that_meet(setting: &Setting) {
    let ((to_one, one), (to_other, other)) = (bounded(0), bounded(0));
    let trade = |sender: Sender<usize>, receiver: Receiver<usize>| {
        move |i| {
            select! {
                send(sender, i) -> sent => sent.unwrap(),
                recv(receiver) -> value => assert_eq!(value, Ok(i)),
            }
        }
    };
    two_do(setting, trade(to_one, other), trade(to_other, one));
}

fn selects_that_run_out_of_time(setting: &Setting) {
    let (sender, receiver) = idle();
    one_does(setting, move |i| {
        select! {
            recv(receiver) -> _ => panic!("nobody sends"),
            send(sender, i) -> _ => panic!("nobody receives"),
            default(Duration::from_micros(i as u64 % 3 * 5)) => {}
        }
        select! {
            recv(receiver) -> _ => panic!("nobody sends"),
            send(sender, i) -> _ => panic!("nobody receives"),
            default => {}
        }
    });
}

fn a_select_of_four_operations(setting: &Setting) {
    for capacity in BOUNDS {
        let (sender, receiver) = bounded(capacity);
        let parties = Arc::new(AtomicUsize::new(2));
        let theirs = parties.clone();
        let sending = setting.spawn(move || measured(&theirs, ROUNDS, |i| sender.send(i).unwrap()));
        let receiving = setting.spawn(move || {
            let ((nobody_hears, _held), (_open, nothing)) = (idle(), idle());
            let mut select = Select::new();
            select.recv(&nothing);
            select.send(&nobody_hears);
            select.recv(&receiver);
            select.recv(&receiver);
            measured(&parties, ROUNDS, |i| {
                assert!(select.ready() >= 2);
                let operation = match select.try_select() {
                    Ok(operation) => operation,
                    // At a rendezvous the sender may not wait yet.
                    Err(_) => select.select_timeout(LONG).unwrap(),
                };
                assert_eq!(operation.recv(&receiver), Ok(i));
            })
        });
        assert_eq!((sending.join().0, receiving.join().0), (0, 0));
    }
}

fn ticks(setting: &Setting) {
    let (ticks, nothing) = (tick(Duration::from_micros(5)), never::<()>());
    one_does(setting, move |i| {
        if i % 2 == 0 {
            ticks.recv().unwrap();
        } else {
            select! {
                recv(ticks) -> moment => assert!(moment.is_ok()),
                recv(nothing) -> _ => panic!("nobody sends"),
            }
        }
    });
}

fn what_does_not_wait(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        one_does(setting, move |i| {
            let sent = sender.clone().try_send(i).is_ok();
            assert_eq!((sent, sender.len()), (capacity != Some(0), sent.into()));
            assert_eq!(receiver.clone().try_recv().is_ok(), sent);
            assert_eq!(receiver.try_iter().next(), None);
            assert!(receiver.same_channel(&receiver) && receiver.capacity() == capacity);
        });
    }
}

fn a_hundred_thousand_selects_do_not_grow_memory(setting: &Setting) {
    let (sender, receiver) = bounded(1);
    let ((nobody_hears, _held), (_open, nothing)) = (idle(), idle());
    let selecting = setting.spawn(move || {
        measured(&AtomicUsize::new(1), 50_000, |i| {
            // It is full, empty, or neither in turns: the others are left without a trace.
            select! {
                send(nobody_hears, i) -> _ => panic!("nobody receives"),
                recv(nothing) -> _ => panic!("nobody sends"),
                send(sender, i) -> sent => sent.unwrap(),
                default => assert_eq!(receiver.recv(), Ok(i - 1)),
            }
        })
    });
    let (_, bytes) = selecting.join();
    assert!(bytes < 1000, "{bytes} bytes more than before");
}

#[test]
fn both_ends_of_a_channel_are_one_pointer() {
    const POINTER: usize = size_of::<usize>();
    assert_eq!((size_of::<Sender<u8>>(), size_of::<Receiver<u8>>()), (POINTER, POINTER));
    assert_eq!(size_of::<Sender<[u64; 100]>>(), POINTER);
    assert_eq!(size_of::<Receiver<[u64; 100]>>(), POINTER);
    // Also where there may be none.
    assert_eq!(size_of::<Option<Sender<String>>>(), POINTER);
    assert_eq!(size_of::<Option<Receiver<String>>>(), POINTER);
}

#[test]
fn the_counts_count() {
    let before = allocated();
    let kept = std::hint::black_box(Box::new([0_u8; 100]));
    let after = allocated();
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 100));
    drop(kept);
    assert_eq!(allocated().1, before.1);
}
