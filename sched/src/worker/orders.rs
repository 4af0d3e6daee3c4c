//! What others want of a worker that only it can do, between two turns: end the wait of a thread that
//! they have cancelled, say who is here.
//!
//! 1. The flag is set after the order is there, and taken back by the worker before it looks: so one
//!    that it does not find is told of again. A worker that sleeps is notified as of a thread in its
//!    inbox (README.md).

use std::fmt;
use std::sync::Arc;

use super::survey::Survey;
use super::{Remote, Worker};
use crate::primitive::atomic::{AtomicBool, Ordering};
use crate::primitive::{Mutant, Mutex, broken};
use crate::thread::RawTask;

/// One of them.
pub(super) enum Order {
    /// This thread, a sticky one that has waited here, has been cancelled.
    Cancel(RawTask),
    /// Somebody wants to know who is here.
    Tell(Arc<Survey>),
    /// It has not told all yet.
    TellOn,
}

/// Those for one worker.
pub(super) struct Orders {
    orders: Mutex<Vec<Order>>,
    /// Whether there may be any.
    any: AtomicBool,
}

impl Orders {
    pub(super) fn new() -> Self {
        Self { orders: Mutex::new(Vec::new()), any: AtomicBool::new(false) }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // Relaxed: a hint, or ordered by the fence in `Idle::sleep`.
        !self.any.load(Ordering::Relaxed)
    }

    /// Adds one. From another OS thread than its worker's `Remote::order` is the way.
    pub(super) fn push(&self, order: Order) {
        self.orders.lock().push(order);
        self.any.store(true, Ordering::Relaxed);
    }

    /// All that are there.
    pub(super) fn take(&self) -> Vec<Order> {
        self.any.store(false, Ordering::Relaxed);
        // Whoever sets the flag after this comes again.
        std::mem::take(&mut self.orders.lock())
    }
}

impl fmt::Debug for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orders").field("is_empty", &self.is_empty()).finish()
    }
}

impl Worker {
    /// Does what others want. Between two turns.
    #[cold]
    pub(super) fn carry_out_orders(&self) {
        for order in self.remote().orders.take() {
            match order {
                Order::Cancel(task) => self.cancel_asked(&task),
                Order::Tell(survey) => self.tell(survey),
                Order::TellOn => self.tell_on(),
            }
        }
    }
}

impl Remote {
    /// `task`, a sticky thread that has waited here and is unfinished until `unlock` is called,
    /// is cancelled.
    pub(crate) fn cancel(&self, task: RawTask, unlock: impl FnOnce()) {
        let shared = self.shared().expect("a worker outlives its threads");
        self.orders.push(Order::Cancel(task));
        unlock();
        if !broken(Mutant::CancelMessageSilent) {
            shared.idle.notify(self.index);
        }
    }
}
