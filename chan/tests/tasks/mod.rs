//! Async tasks without a runtime: an executor for one future, and wakers that count.

// Each test program uses its part of it.
#![allow(dead_code)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use sward_sched::primitive::Mutex;

use crate::settings::until;

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (wakes.clone(), Waker::from(wakes))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A waker that runs code when it is woken, and when it is dropped. (It takes some room: a pointer to
/// nothing, past the end of what was allocated, is not one to the leak sanitizer.)
pub(crate) struct Meddler<F: Fn() + Send + Sync>(F, #[expect(dead_code, reason = "room")] u8);

impl<F: Fn() + Send + Sync + 'static> Meddler<F> {
    pub(crate) fn waker(f: F) -> Waker {
        Waker::from(Arc::new(Self(f, 0)))
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for Meddler<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

impl<F: Fn() + Send + Sync> Drop for Meddler<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Runs a future, on whatever thread this is.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let (wakes, waker) = Wakes::new();
    let mut seen = 0;
    loop {
        if let Poll::Ready(output) = poll(future.as_mut(), &waker) {
            return output;
        }
        until(|| wakes.count() > seen);
        seen = wakes.count();
    }
}

/// Polls once.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Forgets a value. Its memory stays, where the leak sanitizer finds it.
pub(crate) fn forget<T>(value: T) {
    static FORGOTTEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let place = Box::into_raw(Box::new(std::mem::ManuallyDrop::new(value)));
    FORGOTTEN.lock().push(place.addr());
}
