//! The operations of async code, and how futures are polled: to the end, a few times, by an
//! executor of two dozen lines.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream;
use sward_chan::{Receiver, Sender};
use sward_sched::{Thread, park};
use sward_sync::Mutex;

use crate::actor::Actor;
use crate::plan::{Op, Polls};
use crate::round::Round;
use crate::value::{Fate, Value, note};

impl Op {
    pub(crate) fn is_asynchronous(&self) -> bool {
        use Op::{RecvAsync, SendAsync, SendBoth, Stream};
        matches!(self, SendAsync { .. } | SendBoth { .. } | RecvAsync { .. } | Stream { .. })
    }
}

impl Actor {
    pub(crate) async fn perform_async(&self, op: &Op) {
        match *op {
            Op::SendAsync { channel, value, polls } => {
                self.send_async(channel, value, polls).await;
            }
            Op::SendBoth { channel, values } => self.send_both(channel, values).await,
            Op::RecvAsync { channel, polls } => {
                let Some(receiver) = &self.receivers[channel] else { return };
                match drive(Box::pin(receiver.recv_async()), polls).await {
                    Some(Ok(value)) => self.received(channel, value),
                    Some(Err(_)) => self.check_closed(channel),
                    None => {}
                }
            }
            Op::Stream { channel, count } => {
                let Some(receiver) = &self.receivers[channel] else { return };
                let mut values = pin!(receiver.stream());
                for _ in 0..count {
                    match poll_fn(|context| values.as_mut().poll_next(context)).await {
                        Some(value) => self.received(channel, value),
                        None => return self.check_closed(channel),
                    }
                }
            }
            _ => unreachable!("only these are asynchronous"),
        }
    }

    async fn send_async(&self, channel: usize, id: u32, polls: Polls) {
        let Some(sender) = &self.senders[channel] else { return };
        // Until it is known better: it may be unwound, or dropped with its task.
        note(id, Fate::GivenUp);
        let future = Box::pin(sender.send_async(Value::new(id)));
        match (drive(future, polls).await, polls) {
            (Some(result), _) => self.sent(channel, id, result),
            (None, Polls::ThenForget(_)) => note(id, Fate::Forgotten),
            (None, _) => {}
        }
    }

    /// The first is in line before the second.
    async fn send_both(&self, channel: usize, ids: [u32; 2]) {
        let Some(sender) = &self.senders[channel] else { return };
        let mut sends = ids.map(|id| {
            note(id, Fate::GivenUp);
            Some((id, Box::pin(sender.send_async(Value::new(id)))))
        });
        poll_fn(|context| {
            for send in &mut sends {
                if let Some((id, future)) = send
                    && let Poll::Ready(result) = future.as_mut().poll(context)
                {
                    self.sent(channel, *id, result);
                    *send = None;
                }
            }
            if sends.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// `None`: it was given up.
async fn drive<F: Future>(mut future: Pin<Box<F>>, polls: Polls) -> Option<F::Output> {
    let times = match polls {
        Polls::ToTheEnd => return Some(future.await),
        Polls::WithTwoWakers => {
            let first = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            return match first {
                Poll::Ready(result) => Some(result),
                Poll::Pending => Some(future.await),
            };
        }
        Polls::ThenDrop(times) | Polls::ThenForget(times) => times,
    };
    for _ in 0..times {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(result) = polled {
            return Some(result);
        }
        yield_once().await;
    }
    if let Polls::ThenForget(_) = polls {
        std::mem::forget(future);
    }
    None
}

/// Lets other tasks run.
pub(crate) async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future in a thread of whatever kind.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(sward_sched::current())));
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        park();
    }
}

/// A task, which is polled when its turn comes in the executor's queue.
pub(crate) struct Task {
    /// sward's lock: it is held while a poll waits for whoever is to complete a selected send.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    queue: Sender<Arc<Task>>,
    is_queued: AtomicBool,
    is_aborted: AtomicBool,
}

impl Task {
    pub(crate) fn spawn(queue: &Sender<Arc<Self>>, actor: Actor) -> Arc<Self> {
        let task = Arc::new(Self {
            future: Mutex::new(Some(Box::pin(actor.run_as_task()))),
            queue: queue.clone(),
            is_queued: AtomicBool::new(false),
            is_aborted: AtomicBool::new(false),
        });
        task.wake_by_ref();
        task
    }

    /// Its future is dropped where it is.
    pub(crate) fn abort(self: Arc<Self>) {
        // Relaxed: ordered by `is_queued`.
        self.is_aborted.store(true, Ordering::Relaxed);
        self.wake();
    }

    fn poll(self: Arc<Self>, round: &Round) {
        // AcqRel: what was done before a wake that finds it queued is seen by this poll.
        self.is_queued.swap(false, Ordering::AcqRel);
        let waker = Waker::from(self.clone());
        let mut future = self.future.lock();
        if self.is_aborted.load(Ordering::Relaxed) {
            *future = None;
        }
        let Some(polled) = &mut *future else { return };
        let mut context = Context::from_waker(&waker);
        match catch_unwind(AssertUnwindSafe(|| polled.as_mut().poll(&mut context))) {
            Ok(Poll::Pending) => return,
            Ok(Poll::Ready(())) => {}
            Err(_) => round.fail("a task panicked".to_owned()),
        }
        *future = None;
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // AcqRel: pairs with the swap in `poll`.
        if !self.is_queued.swap(true, Ordering::AcqRel) {
            // Refused when the round is over.
            let _ = self.queue.send(self.clone());
        }
    }
}

/// Polls the tasks of a queue until it is closed.
pub(crate) fn execute(queue: &Receiver<Arc<Task>>, round: &Round) {
    queue.iter().for_each(|task| task.poll(round));
}
