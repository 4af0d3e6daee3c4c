//! Tokens: who hears of a cancel, in a tree of any shape; waits that end otherwise; futures.

mod settings;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use settings::{Count, LONG, everywhere, limited, until};
use sward_sched::primitive::Mutex;
use sward_sched::time::timeout;
use sward_sched::{CancelToken, block_on, spawn, yield_now};

const SHORT: Duration = Duration::from_millis(1);
/// As deep as a stack is not.
const DEEP: usize = 100_000;

#[test]
fn a_cancel_reaches_all_below_and_none_beside() {
    let root = CancelToken::new();
    let branches: Vec<_> = (0..3).map(|_| root.child()).collect();
    let leaves: Vec<Vec<_>> =
        branches.iter().map(|branch| (0..3).map(|_| branch.child()).collect()).collect();
    branches[1].cancel();
    assert!(!root.is_cancelled());
    for (branch, leaves) in branches.iter().zip(&leaves) {
        let is_cancelled = branch.is_cancelled();
        assert!(leaves.iter().all(|leaf| leaf.is_cancelled() == is_cancelled));
    }
    assert_eq!([0, 1, 2].map(|i| branches[i].is_cancelled()), [false, true, false]);
    root.cancel();
    assert!(leaves.iter().flatten().all(CancelToken::is_cancelled));
}

#[test]
fn clones_are_one_token() {
    let token = CancelToken::default();
    let below = token.clone().child();
    token.clone().cancel();
    assert!(token.is_cancelled() && below.is_cancelled());
    assert_eq!(format!("{token:?}"), "CancelToken { is_cancelled: true }");
}

#[test]
fn a_child_hears_from_above_when_all_between_are_dropped() {
    let root = CancelToken::new();
    let leaf = root.child().child().child();
    root.cancel();
    assert!(leaf.is_cancelled());
}

#[test]
fn a_child_of_a_cancelled_token_is_cancelled() {
    let root = CancelToken::new();
    root.cancel();
    let below = root.child();
    assert!(below.is_cancelled() && below.child().is_cancelled());
    below.wait();
}

#[test]
fn children_that_go_leave_the_others_in_place() {
    let root = CancelToken::new();
    let mut children: Vec<_> = (0..100).map(|_| root.child()).collect();
    // From both ends, and from the middle.
    for i in [99, 0, 50, 50, 20, 0] {
        children.remove(i);
    }
    children.retain({
        let mut i = 0;
        move |_| {
            i += 1;
            i % 3 != 0
        }
    });
    children.extend((0..10).map(|_| root.child()));
    assert!(children.iter().all(|child| !child.is_cancelled()));
    root.cancel();
    assert!(children.iter().all(CancelToken::is_cancelled));
}

/// On the stack of a green thread, which is a small one.
#[test]
fn a_deep_tree_is_cancelled_and_dropped_on_a_small_stack() {
    fn chain() -> Vec<CancelToken> {
        let mut tokens = vec![CancelToken::new()];
        for i in 0..DEEP {
            tokens.push(tokens[i].child());
        }
        tokens
    }
    limited(|| {
        spawn(|| {
            let tokens = chain();
            tokens[0].cancel();
            assert!(tokens.iter().all(CancelToken::is_cancelled));
            // The last goes, and with it all above, one after the other.
            let last = chain().pop().unwrap();
            assert!(!last.is_cancelled());
            drop(last);
            // The first goes last.
            chain().into_iter().rev().for_each(drop);
        })
        .join()
        .unwrap();
    });
}

#[test]
fn threads_of_all_kinds_wait_for_a_token() {
    everywhere(|rt| {
        let root = CancelToken::new();
        let waits = Count::default();
        let wait = |token: CancelToken, i: usize| {
            let waits = waits.clone();
            move || {
                waits.add();
                match i % 3 {
                    0 => token.wait(),
                    1 => assert!(token.wait_timeout(LONG)),
                    _ => assert!(token.wait_deadline(Instant::now() + LONG)),
                }
                assert!(token.is_cancelled());
            }
        };
        let green: Vec<_> = (0..6).map(|i| rt.spawn(wait(root.child(), i))).collect();
        let os: Vec<_> = (0..3).map(|i| thread::spawn(wait(root.clone(), i))).collect();
        until(|| waits.get() == 9);
        root.cancel();
        green.into_iter().for_each(|green| green.join().unwrap());
        os.into_iter().for_each(|os| os.join().unwrap());
    });
}

#[test]
fn a_wait_ends_when_its_time_is_up() {
    let token = CancelToken::new();
    for in_green in [false, true] {
        let token = token.clone();
        let waits = move || {
            let start = Instant::now();
            assert!(!token.wait_timeout(SHORT) && !token.wait_deadline(Instant::now()));
            assert!(timeout(SHORT, || token.wait()).unwrap_err().is_elapsed());
            assert!(start.elapsed() >= 2 * SHORT);
            token
        };
        let token = if in_green { spawn(waits).join().unwrap() } else { waits() };
        // Nothing is left of them.
        token.child().cancel();
    }
    token.cancel();
    assert!(token.wait_timeout(Duration::ZERO));
    assert!(timeout(Duration::ZERO, || token.wait()).is_ok());
}

#[test]
fn a_thread_that_waits_can_be_cancelled() {
    everywhere(|rt| {
        let (token, ends) = (CancelToken::new(), Count::default());
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                let token = token.clone();
                settings::begun(rt, &ends, move || token.wait())
            })
            .collect();
        waiting.iter().for_each(sward_sched::JoinHandle::cancel);
        for waiting in waiting {
            assert!(waiting.join().unwrap_err().is_cancelled());
        }
        assert!(!token.is_cancelled());
        token.cancel();
    });
}

#[test]
fn a_guard_cancels_however_it_goes() {
    let token = CancelToken::new();
    let panicked = catch_unwind(|| {
        let _guard = token.clone().drop_guard();
        resume_unwind(Box::new(()));
    });
    assert!(panicked.is_err() && token.is_cancelled());
    let token = CancelToken::new();
    drop(token.clone().drop_guard().disarm());
    assert!(!token.is_cancelled());
    drop(token.clone().drop_guard());
    assert!(token.is_cancelled());
}

/// Counts its wakes, and does something at each.
struct Bell<F: Fn() + Send + Sync>(AtomicUsize, F);

impl<F: Fn() + Send + Sync> Wake for Bell<F> {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        (self.1)();
    }
}

fn bell<F: Fn() + Send + Sync + 'static>(f: F) -> (Arc<Bell<F>>, Waker) {
    let bell = Arc::new(Bell(AtomicUsize::new(0), f));
    (bell.clone(), Waker::from(bell))
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

#[test]
fn a_future_wakes_the_task_that_polled_it_last() {
    let token = CancelToken::new();
    let mut future = Box::pin(token.wait_async());
    let nothing: fn() = || ();
    let (first, first_waker) = bell(nothing);
    let (last, last_waker) = bell(nothing);
    assert!(poll(future.as_mut(), &first_waker).is_pending());
    assert!(poll(future.as_mut(), &last_waker).is_pending());
    token.cancel();
    assert_eq!([&first, &last].map(|bell| bell.0.load(Ordering::SeqCst)), [0, 1]);
    assert!(poll(future.as_mut(), &first_waker).is_ready());
    assert!(poll(future.as_mut(), &first_waker).is_ready());
    drop(future);
    // The bells are in no other hands.
    drop((first_waker, last_waker));
    assert_eq!([&first, &last].map(Arc::strong_count), [1, 1]);
}

#[test]
fn a_future_that_is_dropped_hears_nothing() {
    let token = CancelToken::new();
    let (bell, waker) = bell(|| ());
    let mut futures: Vec<_> = (0..3).map(|_| Box::pin(token.wait_async())).collect();
    for future in &mut futures {
        assert!(poll(future.as_mut(), &waker).is_pending());
    }
    drop(futures.remove(1));
    assert_eq!(Arc::strong_count(&bell), 4);
    token.cancel();
    assert_eq!(bell.0.load(Ordering::SeqCst), 2);
    drop(futures);
}

/// The memory of the leaked future stays, where the leak sanitizer finds it.
#[test]
fn a_future_may_be_leaked_and_its_token_dropped() {
    static LEAKED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let (bell, waker) = bell(|| ());
    for is_cancelled in [false, true] {
        let token = CancelToken::new();
        let below = token.child();
        let mut future = Box::pin(below.wait_async());
        assert!(poll(future.as_mut(), &waker).is_pending());
        // SAFETY: it is not moved, and stays pinned for ever.
        let future = Box::into_raw(unsafe { Pin::into_inner_unchecked(future) });
        LEAKED.lock().push(future.expose_provenance());
        if is_cancelled {
            token.cancel();
            assert!(below.is_cancelled());
        }
        drop(below);
        drop(token);
    }
    assert_eq!(bell.0.load(Ordering::SeqCst), 1);
}

/// A waker is users' code: no lock is held while it runs.
#[test]
fn a_waker_may_do_anything_with_the_tokens() {
    limited(|| {
        let root = CancelToken::new();
        let below = root.child();
        let own = root.clone();
        let (bell, waker) = bell(move || {
            own.cancel();
            assert!(own.child().is_cancelled());
            let mut again = Box::pin(own.wait_async());
            assert!(poll(again.as_mut(), Waker::noop()).is_ready());
            yield_now();
            panic!("contained");
        });
        let mut first = Box::pin(below.wait_async());
        let mut second = Box::pin(root.wait_async());
        assert!(poll(first.as_mut(), &waker).is_pending());
        assert!(poll(second.as_mut(), &waker).is_pending());
        root.cancel();
        assert_eq!(bell.0.load(Ordering::SeqCst), 2);
        block_on(first);
        block_on(second);
    });
}

#[test]
fn a_future_may_change_threads_and_outlive_an_unwinding() {
    fn is_shareable<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: &T) {}
    let token = CancelToken::new();
    is_shareable(&token);
    is_shareable(&token.wait_async());
    let below = token.child();
    let polled = Count::default();
    let waiting = spawn({
        let polled = polled.clone();
        move || {
            let mut future = Box::pin(below.wait_async());
            assert!(poll(future.as_mut(), Waker::noop()).is_pending());
            polled.add();
            thread::scope(|s| s.spawn(|| block_on(future)).join().unwrap());
        }
    });
    until(|| polled.get() == 1);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _guard = token.drop_guard();
        resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    waiting.join().unwrap();
}

/// Children come and go, and wait, while branches and the root are cancelled.
#[test]
fn a_cancel_finds_all_that_come_and_go() {
    everywhere(|rt| {
        for round in 0..20 {
            let root = CancelToken::new();
            let branches: Vec<_> = (0..3).map(|_| root.child()).collect();
            let busy: Vec<_> = branches
                .iter()
                .map(|branch| {
                    let branch = branch.clone();
                    rt.spawn(move || {
                        let mut kept = Vec::new();
                        for i in 0.. {
                            let child = branch.child();
                            let grandchild = child.child();
                            match i % 3 {
                                0 => drop(child),
                                1 => _ = child.wait_timeout(Duration::from_micros(10)),
                                _ => kept.push(grandchild),
                            }
                            if branch.is_cancelled() {
                                break;
                            }
                            yield_now();
                        }
                        branch.wait();
                        // What was made before the cancel, or after it: it may be on its way.
                        kept.iter().for_each(CancelToken::wait);
                    })
                })
                .collect();
            let other = {
                let branch = branches[round % 3].clone();
                thread::spawn(move || branch.cancel())
            };
            if round % 2 == 0 {
                yield_now();
            }
            root.cancel();
            // Whoever else is on the way down.
            assert!(branches.iter().all(CancelToken::is_cancelled));
            busy.into_iter().for_each(|busy| busy.join().unwrap());
            other.join().unwrap();
        }
    });
}

/// Its own call has returned, so all are cancelled, whoever has done it.
#[test]
fn all_below_are_cancelled_when_a_cancel_returns_beside_another() {
    limited(|| {
        for _ in 0..200 {
            let root = CancelToken::new();
            let middle = root.child();
            let mut leaf = middle.clone();
            for _ in 0..50 {
                leaf = leaf.child();
            }
            thread::scope(|s| {
                for token in [&root, &middle] {
                    let leaf = &leaf;
                    s.spawn(move || {
                        token.cancel();
                        assert!(leaf.is_cancelled());
                    });
                }
            });
        }
    });
}
