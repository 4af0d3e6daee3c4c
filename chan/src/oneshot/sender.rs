//! [`Sender`]: the end that gives the value.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::task::{Context, Poll};

use sward_sched::checkpoint;
use sward_sched::internal::{Outcome, Reason, Waiter, charge, raise_cancel};

use super::state::{End, Party, Shared};
use crate::error::SendError;

/// Sends one value. If it is dropped instead, the receiver is told.
///
/// ```
/// # use sward_chan as chan;
/// let (sender, receiver) = chan::oneshot::channel::<i32>();
/// drop(sender);
/// assert_eq!(receiver.recv(), Err(chan::RecvError));
/// ```
#[must_use = "a sender that is dropped tells the receiver that nothing will come"]
pub struct Sender<T> {
    /// Alive, and the sender has not ended.
    shared: NonNull<Shared<T>>,
}

// SAFETY: the protocol is made for ends in two threads; a `T` goes from one to the other.
unsafe impl<T: Send> Send for Sender<T> {}
// SAFETY: a shared reference only asks whether it is closed.
unsafe impl<T: Send> Sync for Sender<T> {}
impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> Sender<T> {
    pub(super) fn new(shared: NonNull<Shared<T>>) -> Self {
        Self { shared }
    }

    fn shared(&self) -> &Shared<T> {
        // SAFETY: it is alive until the sender has ended.
        unsafe { self.shared.as_ref() }
    }

    /// Sends `value`.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, mut receiver) = chan::oneshot::channel();
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// ```
    ///
    /// That it was sent does not mean that it will be received: the receiver may be dropped, and
    /// the value with it.
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// The value comes back when the receiver is closed or gone.
    pub fn send(self, value: T) -> Result<(), SendError<T>> {
        charge();
        let this = ManuallyDrop::new(self);
        // SAFETY: this is the sender, and if the value was sent nobody uses it any more.
        unsafe { Shared::send(this.shared, value) }.map_err(|value| {
            drop(ManuallyDrop::into_inner(this));
            SendError(value)
        })
    }

    /// Whether the receiver is closed or gone, so that a value would come back.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (sender, receiver) = chan::oneshot::channel::<i32>();
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared().is_closed()
    }

    /// Waits until the receiver is closed or gone: nobody wants the value any more.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// let (mut sender, receiver) = chan::oneshot::channel::<i32>();
    /// sward_sched::spawn(move || drop(receiver));
    /// sender.closed();
    /// assert!(sender.send(7).is_err());
    /// ```
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    ///
    /// # Cancellation
    ///
    /// Unwinds the thread as [`park`](sward_sched::park) does.
    pub fn closed(&mut self) {
        checkpoint();
        while !self.is_closed() {
            static CLOSED: Reason = Reason::new("oneshot");
            let waiter = Waiter::new().about(&CLOSED, self.shared());
            // SAFETY: this is the sender; the waiter stays in place until the wait is over and, if
            // it was not claimed, `unlisten` has returned.
            unsafe {
                if !self.shared().listen(End::Sender, Party::Thread(NonNull::from(&waiter))) {
                    return;
                }
                let outcome = waiter.wait(None);
                if !matches!(outcome, Outcome::Done(_)) {
                    self.shared().unlisten(End::Sender);
                }
                if outcome == Outcome::Cancelled {
                    raise_cancel();
                }
            }
        }
    }

    /// As [`closed`](Self::closed), in async code of any runtime.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// let (mut sender, receiver) = chan::oneshot::channel::<i32>();
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert!(pin!(sender.closed_async()).poll(&mut context).is_pending());
    /// drop(receiver);
    /// assert!(pin!(sender.closed_async()).poll(&mut context).is_ready());
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped, or forgotten, at any time.
    pub fn closed_async(&mut self) -> impl Future<Output = ()> + Send + Unpin
    where
        T: Send,
    {
        poll_fn(|context| self.poll_closed(context))
    }

    /// What [`closed_async`](Self::closed_async) is made of.
    ///
    /// ```
    /// # use sward_chan as chan;
    /// # use std::task::{Context, Waker};
    /// let (mut sender, receiver) = chan::oneshot::channel::<i32>();
    /// drop(receiver);
    /// assert!(sender.poll_closed(&mut Context::from_waker(Waker::noop())).is_ready());
    /// ```
    pub fn poll_closed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_closed() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        // SAFETY: this is the sender.
        match unsafe { self.shared().listen(End::Sender, Party::Task(waker)) } {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // SAFETY: this is the sender, which has not ended.
        unsafe { Shared::drop_sender(self.shared) };
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish()
    }
}
