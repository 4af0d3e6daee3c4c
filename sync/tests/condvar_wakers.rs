//! Users' wakers that run in the middle of a wait for a condition.

#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::future::Future;
use std::mem::ManuallyDrop;
use std::ptr::null;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use settings::{limited, migrating, runtime, until};
use sward_sched::yield_now;
use sward_sync::{Condvar, Mutex, MutexAsync};

#[derive(Default)]
struct Shared {
    mutex: Mutex<()>,
    condvar: Condvar,
    /// Kept by the test, and wanted by the waker.
    gate: Mutex<()>,
    step: AtomicUsize,
}

const HAS_MUTEX: usize = 1;
const TASK_IN_LINE: usize = 2;
const IN_WAKER: usize = 3;
const NOTIFIED: usize = 4;
const WAKER_IS_OVER: usize = 5;

/// Blocks: it wants the gate, and gives way.
struct Blocks(Arc<Shared>);

impl Wake for Blocks {
    fn wake(self: Arc<Self>) {
        self.0.step.store(IN_WAKER, SeqCst);
        while self.0.step.load(SeqCst) == IN_WAKER {
            yield_now();
        }
        drop(self.0.gate.lock());
        self.0.step.store(WAKER_IS_OVER, SeqCst);
    }
}

/// A thread that waits for a condition unlocks the mutex to a task, whose waker blocks, and is
/// notified meanwhile.
#[test]
fn a_waker_that_blocks_is_let_finish_though_its_thread_is_notified() {
    limited(|| {
        for rt in [runtime(1), runtime(2), migrating(2)] {
            let shared = Arc::<Shared>::default();
            let inner = shared.clone();
            let waiting = rt.spawn(move || {
                let mut guard = inner.mutex.lock();
                inner.step.store(HAS_MUTEX, SeqCst);
                while inner.step.load(SeqCst) == HAS_MUTEX {
                    yield_now();
                }
                inner.condvar.wait(&mut guard);
                // Whoever was woken twice, or out of another wait, would not get this far.
                (0..20).for_each(|_| yield_now());
                inner.step.load(SeqCst)
            });
            until(|| shared.step.load(SeqCst) == HAS_MUTEX);
            let waker = Waker::from(Arc::new(Blocks(shared.clone())));
            let mut locking = Box::pin(shared.mutex.lock_async());
            let mut context = Context::from_waker(&waker);
            assert!(locking.as_mut().poll(&mut context).is_pending());
            let gate = shared.gate.lock();
            shared.step.store(TASK_IN_LINE, SeqCst);
            until(|| shared.step.load(SeqCst) == IN_WAKER);
            assert!(shared.condvar.notify_one());
            shared.step.store(NOTIFIED, SeqCst);
            assert!(!waiting.is_finished());
            drop(gate);
            until(|| shared.step.load(SeqCst) == WAKER_IS_OVER);
            drop(locking);
            assert_eq!(waiting.join().unwrap(), WAKER_IS_OVER);
        }
    });
}

/// A waker that panics when it is dropped.
fn fragile() -> ManuallyDrop<Waker> {
    const VTABLE: RawWakerVTable = RawWakerVTable::new(
        |_| RawWaker::new(null(), &VTABLE),
        |_| (),
        |_| (),
        |_| panic!("a waker is dropped"),
    );
    // SAFETY: there is no data.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(null(), &VTABLE)) })
}

#[test]
fn a_waker_whose_destructor_panics_loses_no_lock() {
    let mutex = Mutex::new(());
    let held = mutex.lock();
    let mut locking = Box::pin(mutex.lock_async());
    assert!(locking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    lock_api::MutexGuard::unlock_fair(held);
    let Poll::Ready(guard) = locking.as_mut().poll(&mut Context::from_waker(&fragile())) else {
        panic!("it was handed over")
    };
    drop(guard);
    assert!(!mutex.is_locked());
}
