//! What the two ends share, in one allocation: a word, the value, and for each end the place in
//! which it says how it waits for the other.
//!
//! ```text
//!   bit 0  SENT            the value is in its place; nothing else will come
//!   bit 1  UNSENT          nothing will come
//!   bit 2  SENDER_GONE     the sender does not touch the allocation any more
//!   bit 3  CLOSED          the receiver takes nothing any more but what has been sent
//!   bit 4  RECEIVER_GONE   the receiver does not touch the allocation any more
//!   bit 5  RECEIVER_WAITS  in its place the receiver has said whom to tell of bit 0 or 1
//!   bit 6  SENDER_WAITS    in its place the sender has said whom to tell of bit 3
//! ```
//!
//! 1. The sender sets one of `SENT` and `UNSENT`, once, and the receiver sets `CLOSED`: each of
//!    the three is an *event* for the other end. `SENT` is never set after `CLOSED`.
//! 2. The value's place is the sender's before `SENT`, and the receiver's after it. The receiver
//!    moves the value out before it goes: whoever frees the allocation finds none.
//! 3. An end's place is its own while its `WAITS` is clear. It sets that bit, and takes it back,
//!    only if the event is not there yet. Over `WAITS` the event makes the place, and the waiter
//!    that is named in it, the other end's, which clears the bit when it is through with both.
//!    So a thread whose wait has ended otherwise stays until the bit is clear.
//! 4. An end's `GONE` is its last touch; who sets the second of them frees. Where nobody is to be
//!    told it comes with the event, in one atomic operation.
//!
//! A stray waker of a future that is no more may lie in a place, under `WAITS`. It is woken by the
//! event, to no effect, or replaced.
//!
//! After async-task's and tokio's oneshot, of which (3) is not: there the count of an `Arc` keeps
//! the place. Rejected: an `Arc` (two more atomic operations), and the list and lock of the other
//! channels, which a single partner does not need.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::task::Waker;

use sward_sched::internal::Waiter;
use sward_sched::primitive::UnsafeCell;
use sward_sched::primitive::atomic::AtomicU32;

pub(super) const SENT: u32 = 1;
pub(super) const UNSENT: u32 = 2;
pub(super) const SENDER_GONE: u32 = 4;
pub(super) const CLOSED: u32 = 8;
pub(super) const RECEIVER_GONE: u32 = 16;
pub(super) const RECEIVER_WAITS: u32 = 32;
pub(super) const SENDER_WAITS: u32 = 64;

/// One of the two ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    Sender,
    Receiver,
}

/// Who waits.
pub(super) enum Party {
    /// In place until (3) lets it go.
    Thread(NonNull<Waiter>),
    Task(Waker),
}

impl End {
    pub(super) fn waits(self) -> u32 {
        match self {
            Self::Sender => SENDER_WAITS,
            Self::Receiver => RECEIVER_WAITS,
        }
    }

    /// The events that it waits for.
    pub(super) fn events(self) -> u32 {
        match self {
            Self::Sender => CLOSED,
            Self::Receiver => SENT | UNSENT,
        }
    }
}

/// What the two ends share.
pub(super) struct Shared<T> {
    pub(super) state: AtomicU32,
    pub(super) value: UnsafeCell<MaybeUninit<T>>,
    pub(super) receiver: UnsafeCell<Option<Party>>,
    pub(super) sender: UnsafeCell<Option<Party>>,
}

impl<T> Shared<T> {
    pub(super) fn new() -> NonNull<Self> {
        let shared = Box::new(Self {
            state: AtomicU32::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
            receiver: UnsafeCell::new(None),
            sender: UnsafeCell::new(None),
        });
        NonNull::from(Box::leak(shared))
    }

    pub(super) fn place(&self, end: End) -> &UnsafeCell<Option<Party>> {
        match end {
            End::Sender => &self.sender,
            End::Receiver => &self.receiver,
        }
    }

    /// # Safety
    ///
    /// Both ends are gone.
    pub(super) unsafe fn free(this: NonNull<Self>) {
        // SAFETY: it was made by `new`, and nobody else is left.
        let shared = unsafe { Box::from_raw(this.as_ptr()) };
        // SAFETY: as above.
        let strays = [&shared.sender, &shared.receiver]
            .map(|place| place.with_mut(|place| unsafe { (*place).take() }));
        // Users' code comes last: it may panic.
        drop(shared);
        drop(strays);
    }
}
