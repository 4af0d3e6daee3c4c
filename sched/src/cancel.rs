//! Unwinding a green thread from its blocking call.
//!
//! Only the shutdown of a runtime asks for it so far. The thread is resumed with
//! [`Outcome::Cancelled`](crate::waiter::Outcome) and raises a private payload
//! itself, so its destructors run on its own stack; the payload passes through
//! `catch_unwind` in the task, which turns it into a
//! [`JoinError`](crate::JoinError) that `is_cancelled`. It is never raised in a
//! thread that is already unwinding: `Waiter::wait` does not let it be cancelled.

use std::any::Any;
use std::panic::resume_unwind;

struct Cancel;

/// Unwinds this green thread. For blocking calls that were told to, after they have
/// put things in order.
#[cold]
pub fn raise() -> ! {
    // `resume_unwind`, because the panic hook has nothing to say about it.
    resume_unwind(Box::new(Cancel))
}

/// Whether a caught payload is ours.
pub(crate) fn is_cancel(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Cancel>()
}
