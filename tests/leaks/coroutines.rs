//! Coroutines that are forgotten, wherever they are.

use std::mem::{ManuallyDrop, forget};
use std::sync::atomic::{AtomicUsize, Ordering};

use sward::coroutine::{Coroutine, State, generator, running, scoped, wrap};
use sward::{chan, yield_now};

use crate::settings::{LONG, limited, runtime, until};

/// Counts its end. (On a stack that is forgotten there must be nothing that refers to the heap: the
/// leak sanitizer would not find it.)
struct Ends(&'static AtomicUsize);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn twice(ends: &'static AtomicUsize) -> Coroutine<(), u32, u32> {
    let captured = Ends(ends);
    Coroutine::new(move |y, ()| {
        let _captured = captured;
        let _ends = Ends(ends);
        y.suspend(1);
        y.suspend(2);
        3
    })
}

#[test]
fn a_forgotten_coroutine_stays_as_it_was_and_others_go_on() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    static OTHERS: AtomicUsize = AtomicUsize::new(0);
    let other = twice(&OTHERS);
    for turns in 0..4 {
        for _ in 0..50 {
            let forgotten = twice(&ENDED);
            for _ in 0..turns {
                forgotten.resume(()).unwrap();
            }
            forget(forgotten);
            let another = twice(&OTHERS);
            assert_eq!(another.resume(()).unwrap(), State::Yielded(1));
        }
    }
    // Those that had returned.
    assert_eq!(ENDED.load(Ordering::SeqCst), 2 * 50);
    assert_eq!(OTHERS.load(Ordering::SeqCst), 2 * 200);
    assert_eq!(other.resume(()).unwrap(), State::Yielded(1));
}

#[test]
fn forgotten_generators_functions_and_answers() {
    let mut numbers = generator(|y| (0..10).for_each(|n| y.suspend(n)));
    assert_eq!(numbers.next(), Some(0));
    forget(numbers);
    let mut count = wrap(|y, n: u32| y.suspend(n));
    assert_eq!(count(7), State::Yielded(7));
    forget(count);
    let done = Coroutine::<u32, (), ()>::new(|_, _| ());
    done.close().unwrap();
    assert!(done.resume(1).is_err());
    forget(done.throw(Box::new(())));
    assert_eq!(running(), None);
}

#[test]
fn what_a_scope_has_made_ends_with_it_though_forgotten() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    let lent = [1, 2, 3];
    for turns in 0..3 {
        scoped(|c| {
            let one = c.coroutine(|y, ()| {
                let _ends = Ends(&ENDED);
                lent.iter().for_each(|n| y.suspend(n));
            });
            assert!((0..turns).all(|_| one.resume(()).unwrap().yielded().is_some()));
            forget(one);
            let mut numbers = c.generator(|y| {
                let _ends = Ends(&ENDED);
                lent.iter().for_each(|n| y.suspend(n));
            });
            numbers.next();
            forget(numbers);
        });
    }
    assert_eq!(ENDED.load(Ordering::SeqCst), 2 + 3);
}

/// What others have borrowed from the stack of a forgotten one stays. (It is remembered in the end, for
/// the leak sanitizer, which does not look at its stack.)
#[test]
fn a_forgotten_coroutine_keeps_what_it_lends() {
    static ADDED: AtomicUsize = AtomicUsize::new(0);
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    let lending = Coroutine::<(), (), ()>::new(|y, ()| {
        let lent = AtomicUsize::new(0);
        std::thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    while OPEN.load(Ordering::SeqCst) == 0 {
                        std::thread::yield_now();
                    }
                    ADDED.fetch_add(1 + lent.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
                });
            }
            y.suspend(());
        });
    });
    lending.resume(()).unwrap();
    let forgotten = ManuallyDrop::new(lending);
    OPEN.store(1, Ordering::SeqCst);
    until(|| ADDED.load(Ordering::SeqCst) == 1 + 2 + 3);
    drop(ManuallyDrop::into_inner(forgotten));
}

#[test]
fn threads_forget_theirs_and_end() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    limited(|| {
        let rt = runtime(2);
        let threads: Vec<_> = (0..100)
            .map(|n| {
                rt.spawn(move || {
                    let (sender, receiver) = chan::bounded(1);
                    let forgotten = twice(&ENDED);
                    forgotten.resume(()).unwrap();
                    yield_now();
                    forget(forgotten);
                    sender.send(n).unwrap();
                    receiver.recv().unwrap()
                })
            })
            .collect();
        let sum: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, (0..100).sum());
        assert!(rt.shutdown(LONG));
        assert_eq!(ENDED.load(Ordering::SeqCst), 0);
    });
}
