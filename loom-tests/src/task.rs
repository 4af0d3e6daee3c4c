//! Futures that are polled by loom's threads.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use sward_sched::primitive::{Condvar, Mutex};

/// Whether the one that polls has been told to.
#[derive(Debug)]
struct Bell {
    has_rung: Mutex<bool>,
    rings: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.has_rung.lock() = true;
        self.rings.notify_one();
    }
}

/// Polls a future each time that it asks for it, to its end.
pub fn block_on<F: Future>(future: F) -> F::Output {
    finish(pin!(future))
}

/// As [`block_on`], of one that may have been polled before.
pub fn finish<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    let bell = Arc::new(Bell { has_rung: Mutex::new(false), rings: Condvar::new() });
    let waker = Waker::from(bell.clone());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut has_rung = bell.has_rung.lock();
        while !std::mem::take(&mut *has_rung) {
            bell.rings.wait(&mut has_rung);
        }
    }
}

/// Polls a future once, and will not be told when to poll it again.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
