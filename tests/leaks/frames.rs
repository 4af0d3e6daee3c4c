//! Frames that are forgotten: on the stacks of coroutines that are none of sward's. And what members
//! of a scope forget of what they borrow.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use sward::sync::{Condvar, Mutex, MutexAsync, RwLock, RwLockAsync, Semaphore};
use sward::time::timeout;
use sward::{chan, scope, spawn_local, yield_now};

use crate::settings::{LONG, limited, runtime, until};
use crate::tasks::{forget, poll};
use crate::{Drops, SHORT};

type Frame = Coroutine<(), (), (), HeapStack>;

/// From the heap, where the leak sanitizer looks for what the frames on it refer to.
struct HeapStack(Box<[MaybeUninit<u128>]>);

// SAFETY: it lies in one place as long as it lives, aligned to 16 bytes. There is no guard: the frames
// of these tests are small.
unsafe impl Stack for HeapStack {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.0.as_ptr_range().end.addr()).expect("it is somewhere")
    }

    fn limit(&self) -> StackPointer {
        StackPointer::new(self.0.as_ptr().addr()).expect("it is somewhere")
    }
}

fn frame(body: impl FnOnce(&Yielder<(), ()>) + 'static) -> Frame {
    let stack = HeapStack(Box::new_uninit_slice(16 << 10));
    Coroutine::with_stack(stack, move |yielder, ()| body(yielder))
}

/// The members of its scope borrow from a stack that is never unwound, and stays.
#[test]
fn a_forgotten_frame_with_a_scope_keeps_what_it_lends() {
    limited(|| {
        for workers in [1, 2] {
            let rt = runtime(workers);
            let ended = Drops::default();
            rt.run(|| {
                let (open, gate) = chan::bounded::<()>(0);
                let ends = ended.clone();
                let mut lending = frame(move |yielder| {
                    let lent = AtomicUsize::new(0);
                    scope(|s| {
                        for _ in 0..10 {
                            s.spawn(|| {
                                let _ends = ends.counted();
                                lent.fetch_add(1, Ordering::SeqCst);
                                assert!(gate.recv().is_err());
                                lent.fetch_sub(1, Ordering::SeqCst);
                            });
                        }
                        until(|| lent.load(Ordering::SeqCst) == 10);
                        yielder.suspend(());
                    });
                });
                assert_eq!(lending.resume(()), CoroutineResult::Yield(()));
                forget(lending);
                drop(open);
                until(|| ended.get() == 10);
            });
            assert!(rt.shutdown(LONG));
        }
    });
}

/// Begun in one thread, which ends, and gone on with in another.
#[test]
fn a_frame_with_a_scope_may_end_in_another_thread_or_be_dropped_there() {
    limited(|| {
        for workers in [1, 2] {
            for drops in [false, true] {
                let rt = runtime(workers);
                let ended = Drops::default();
                let ends = ended.clone();
                rt.run(move || {
                    let (open, gate) = chan::bounded::<()>(0);
                    let handed = Rc::new(Cell::new(None));
                    let theirs = handed.clone();
                    let begins = spawn_local(move || {
                        let mut lending = frame(move |yielder| {
                            let lent = AtomicUsize::new(0);
                            scope(|s| {
                                s.spawn(|| {
                                    let _ends = ends.counted();
                                    lent.fetch_add(1, Ordering::SeqCst);
                                    assert!(gate.recv().is_err());
                                    lent.fetch_sub(1, Ordering::SeqCst);
                                });
                                until(|| lent.load(Ordering::SeqCst) == 1);
                                yielder.suspend(());
                            });
                            assert_eq!(lent.into_inner(), 0);
                        });
                        assert_eq!(lending.resume(()), CoroutineResult::Yield(()));
                        theirs.set(Some(lending));
                    });
                    begins.join().unwrap();
                    let mut lending = handed.take().unwrap();
                    let opens = spawn_local(move || {
                        yield_now();
                        drop(open);
                    });
                    if !drops {
                        assert_eq!(lending.resume(()), CoroutineResult::Return(()));
                    }
                    // Waits for the member, while it unwinds.
                    drop(lending);
                    opens.join().unwrap();
                });
                assert_eq!(ended.get(), 1);
                assert!(rt.shutdown(LONG));
            }
        }
    });
}

/// What stands in a line, or is held, when the thing itself goes away with its owner's stack.
#[test]
fn what_members_forget_does_not_outlive_what_they_borrow() {
    fn test() {
        for round in 0..20 {
            let text = String::from("lent, and put into the channel");
            let mutex = Mutex::new(String::from("a"));
            let rwlock = RwLock::new(String::from("b"));
            let condvar = Condvar::new();
            let semaphore = Semaphore::new(0);
            let (sender, receiver) = chan::bounded(round % 3);
            scope(|s| {
                s.spawn(|| {
                    let mut waiting = Box::pin(condvar.wait_async(mutex.lock()));
                    assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
                    forget(waiting);
                    forget(mutex.lock());
                    let mut locking = Box::pin(mutex.lock_async());
                    assert!(poll(locking.as_mut(), Waker::noop()).is_pending());
                    forget(locking);
                });
                s.spawn(|| {
                    forget(rwlock.read());
                    let mut writing = Box::pin(rwlock.write_async());
                    assert!(poll(writing.as_mut(), Waker::noop()).is_pending());
                    forget(writing);
                });
                s.spawn(|| {
                    let mut acquiring = Box::pin(semaphore.acquire_async());
                    assert!(poll(acquiring.as_mut(), Waker::noop()).is_pending());
                    forget(acquiring);
                });
                s.spawn(|| {
                    let mut receiving = Box::pin(receiver.recv_async());
                    assert!(poll(receiving.as_mut(), Waker::noop()).is_pending());
                    forget(receiving);
                    while sender.try_send(text.as_str()).is_ok() {}
                    let mut sending = Box::pin(sender.send_async(text.as_str()));
                    assert!(poll(sending.as_mut(), Waker::noop()).is_pending());
                    forget(sending);
                });
            });
            // All that a `forget` cannot take away from who owns it; and nobody is touched by it who
            // has gone before.
            let mutex = Box::new(mutex);
            assert!(mutex.is_locked());
            assert_eq!(mutex.into_inner(), "a");
            condvar.notify_all();
            assert_eq!(rwlock.into_inner(), "b");
            semaphore.add_permits(1);
            assert!(timeout(SHORT, || semaphore.acquire().map(drop)).is_err());
        }
    }
    limited(|| {
        for workers in [1, 2] {
            let rt = runtime(workers);
            rt.run(test);
            assert!(rt.shutdown(LONG));
        }
        test();
    });
}

/// It was under a deadline when its frame was forgotten: it may keep that, and no worse.
#[test]
fn a_forgotten_timeout_leaves_its_deadline_and_no_more() {
    limited(|| {
        let rt = runtime(1);
        rt.run(|| {
            let mut under = frame(|yielder| {
                let _ = timeout(LONG, || yielder.suspend(()));
            });
            assert_eq!(under.resume(()), CoroutineResult::Yield(()));
            forget(under);
            let mut waiting = pin!(std::future::pending::<()>());
            assert!(timeout(SHORT, || sward::block_on(waiting.as_mut())).is_err());
            assert_eq!(sward::spawn(|| 7).join().unwrap(), 7);
        });
        assert!(rt.shutdown(LONG));
    });
}
