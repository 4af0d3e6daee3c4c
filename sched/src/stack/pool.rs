//! Stacks for coroutines that are no green threads (the crate `coroutine`): each OS thread keeps some
//! of the usual size, as they were left, last in, first out, so that the next one is still in the cache.
//!
//! (Green threads do not take a stack, but a runner: `worker/pool.rs`.)

use std::cell::{Cell, RefCell};
use std::fmt;

use super::{AltStack, Class, DEFAULT_STACK_SIZE, NoStack, Stack, Top};
use crate::current;
use crate::worker::reserve_ids;

/// Stacks kept by an OS thread.
const KEPT: usize = 64;

/// Numbers of coroutines taken at a time.
const IDS: u64 = 256;

/// What an OS thread has for its coroutines.
pub(crate) struct StackPool {
    stacks: RefCell<Vec<Stack>>,
    usual: Class,
    /// The next number, and how many more there are.
    ids: Cell<(u64, u64)>,
    /// A worker has one already.
    _alt_stack: Option<AltStack>,
}

impl StackPool {
    pub(crate) fn new() -> Self {
        Self {
            stacks: RefCell::new(Vec::new()),
            usual: Class::of(DEFAULT_STACK_SIZE).expect("it is possible"),
            ids: Cell::new((0, 0)),
            _alt_stack: current::worker().is_null().then(AltStack::enter).flatten(),
        }
    }

    #[inline]
    fn take(&self) -> Result<(Stack, u64), NoStack> {
        let stack = match self.stacks.borrow_mut().pop() {
            Some(stack) => stack,
            None => Stack::of_class(self.usual)?,
        };
        Ok((stack, self.next_id()))
    }

    #[inline]
    fn next_id(&self) -> u64 {
        let (next, left) = match self.ids.get() {
            (_, 0) => (reserve_ids(IDS).get(), IDS),
            ids => ids,
        };
        self.ids.set((next + 1, left - 1));
        next
    }

    /// `Some`: there is no room for it.
    #[inline]
    fn put(&self, stack: Stack) -> Option<Stack> {
        let mut stacks = self.stacks.borrow_mut();
        if stacks.len() == KEPT || stack.0.class() != self.usual {
            return Some(stack);
        }
        stacks.push(stack);
        None
    }
}

impl Drop for StackPool {
    fn drop(&mut self) {
        Stack::drop_all(self.stacks.take());
    }
}

impl fmt::Debug for StackPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StackPool").field(&self.stacks.borrow().len()).finish()
    }
}

impl Stack {
    /// A stack for a coroutine of this OS thread's, with `usable` bytes (the usual, if `None`). Its
    /// [`Top`] has a number that no other coroutine or thread of the process has.
    #[inline]
    pub fn for_coroutine(usable: Option<usize>) -> Result<Self, NoStack> {
        let pooled = match usable {
            None => current::with_stacks(StackPool::take),
            Some(usable) => current::with_stacks(|pool| Ok((Self::new(usable)?, pool.next_id()))),
        };
        // Once the OS thread's own values are dropped there is no pool.
        let (stack, id) = pooled.unwrap_or_else(|| {
            let stack = Self::new(usable.unwrap_or(DEFAULT_STACK_SIZE))?;
            Ok((stack, reserve_ids(1).get()))
        })?;
        stack.top().begin(id, stack.0.usable_low());
        Ok(stack)
    }

    /// What lies above it.
    #[inline]
    pub fn top(&self) -> &Top {
        // SAFETY: memory of the stack's, of which nothing else makes use (top.rs, 1).
        unsafe { &*self.0.top_record() }
    }

    /// Keeps it for the next coroutine: the one that had it is over.
    #[inline]
    pub fn put(self) {
        self.top().end();
        let mut stack = Some(self);
        current::with_stacks(|pool| stack = stack.take().and_then(|stack| pool.put(stack)));
    }
}
