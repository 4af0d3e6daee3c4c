//! Stacks for coroutines that are no green threads (the crate `coroutine`): each OS thread keeps some,
//! as they were left, last in, first out, so that the next one is still in the cache.
//!
//! (Green threads do not take a stack, but a runner: `worker/pool.rs`.)

use std::cell::{Cell, RefCell};
use std::fmt;
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;

use super::{AltStack, Class, Extent, NoStack, Stack, Top};
use crate::current;
use crate::worker::reserve_ids;

/// Stacks of the usual size kept by an OS thread,
const KEPT: usize = 32;

/// and of others, up to a size: what has been used of them stays in memory.
const KEPT_OTHERS: usize = 8;
const LARGEST_KEPT: usize = 4 << 20;

/// Numbers of coroutines taken at a time.
const IDS: u64 = 256;

/// What an OS thread has for its coroutines.
pub(crate) struct StackPool {
    /// Of the usual size.
    stacks: RefCell<Vec<Stack>>,
    others: RefCell<Vec<Stack>>,
    /// The next number, and how many more there are.
    ids: Cell<(u64, u64)>,
    /// A worker has one already.
    _alt_stack: Option<AltStack>,
}

impl StackPool {
    pub(crate) fn new() -> Self {
        Self {
            stacks: RefCell::new(Vec::new()),
            others: RefCell::new(Vec::new()),
            ids: Cell::new((0, 0)),
            _alt_stack: current::worker().is_null().then(AltStack::enter).flatten(),
        }
    }

    /// The lowest address of a stack of the usual size, made ready for a coroutine. `None`: there is none.
    // (A word: what is larger goes through memory, and to wait for that takes more than all the rest.)
    #[inline]
    fn take_usual(&self) -> Option<NonZeroUsize> {
        let stack = ManuallyDrop::new(self.stacks.borrow_mut().pop()?);
        stack.begin(self.next_id());
        NonZeroUsize::new(stack.0.low)
    }

    fn take(&self, class: Class) -> Result<(Stack, u64), NoStack> {
        let stacks = if class == Class::USUAL { &self.stacks } else { &self.others };
        let mut stacks = stacks.borrow_mut();
        let stack = match stacks.iter().rposition(|stack| stack.0.class() == class) {
            Some(index) => stacks.remove(index),
            None => Stack::of_class(class)?,
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

    /// Keeps the stack of the usual size that has this lowest address. `false`: there is no room.
    #[inline]
    fn put_usual(&self, low: usize) -> bool {
        let mut stacks = self.stacks.borrow_mut();
        let is_room = stacks.len() < KEPT;
        if is_room {
            stacks.push(Stack(Extent { low, class: Class::USUAL }));
        }
        is_room
    }

    /// In the place of the one that nobody has needed for the longest time.
    fn put_other(&self, stack: Stack) -> Option<Stack> {
        if stack.0.class().bytes() > LARGEST_KEPT {
            return Some(stack);
        }
        let mut others = self.others.borrow_mut();
        others.push(stack);
        (others.len() > KEPT_OTHERS).then(|| others.remove(0))
    }
}

impl Drop for StackPool {
    fn drop(&mut self) {
        Stack::drop_all(self.stacks.take());
        Stack::drop_all(self.others.take());
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
            None => current::with_stacks(StackPool::take_usual).flatten(),
            Some(_) => None,
        };
        match pooled {
            Some(low) => Ok(Self(Extent { low: low.get(), class: Class::USUAL })),
            None => Self::for_coroutine_of(usable),
        }
    }

    #[cold]
    fn for_coroutine_of(usable: Option<usize>) -> Result<Self, NoStack> {
        let class = usable.map_or(Ok(Class::USUAL), Class::of)?;
        // Once the OS thread's own values are dropped there is no pool.
        let (stack, id) = current::with_stacks(|pool| pool.take(class))
            .unwrap_or_else(|| Ok((Self::of_class(class)?, reserve_ids(1).get())))?;
        stack.begin(id);
        Ok(stack)
    }

    /// It becomes that of the coroutine with this number.
    #[inline]
    fn begin(&self, id: u64) {
        self.top().begin(id, self.0.usable_low());
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
        let this = ManuallyDrop::new(self);
        let Extent { low, class } = this.0;
        let is_kept =
            class == Class::USUAL && current::with_stacks(|pool| pool.put_usual(low)) == Some(true);
        if !is_kept {
            ManuallyDrop::into_inner(this).put_elsewhere();
        }
    }

    #[cold]
    fn put_elsewhere(self) {
        let mut rest = Some(self);
        if rest.as_ref().is_some_and(|stack| stack.0.class() != Class::USUAL) {
            current::with_stacks(|pool| rest = rest.take().and_then(|stack| pool.put_other(stack)));
        }
        drop(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_of_a_size_are_used_again_and_the_largest_are_not_kept() {
        for (usable, is_kept) in
            [(None, true), (Some(100), true), (Some(1 << 20), true), (Some(8 << 20), false)]
        {
            let stack = Stack::for_coroutine(usable).unwrap();
            let (extent, id) = (stack.extent(), stack.top().id());
            assert!(id != 0);
            // In use all the while, so that no slab is empty.
            let neighbour = Stack::for_coroutine(usable).unwrap();
            stack.put();
            assert_eq!(neighbour.top().id(), id + 1);
            let kept = current::with_stacks(|pool| {
                let has = |stacks: &RefCell<Vec<Stack>>| {
                    stacks.borrow().iter().any(|stack| stack.extent() == extent)
                };
                has(&pool.stacks) || has(&pool.others)
            });
            assert_eq!(kept, Some(is_kept), "{usable:?}");
            if is_kept {
                let again = Stack::for_coroutine(usable).unwrap();
                assert_eq!(again.extent(), extent);
                again.put();
            }
            neighbour.put();
        }
    }

    #[test]
    fn no_more_than_some_are_kept() {
        let all: Vec<_> =
            (0..100).map(|n| Stack::for_coroutine((n % 2 == 0).then_some(1)).unwrap()).collect();
        all.into_iter().for_each(Stack::put);
        let kept =
            current::with_stacks(|pool| (pool.stacks.borrow().len(), pool.others.borrow().len()));
        assert_eq!(kept, Some((KEPT, KEPT_OTHERS)));
    }
}
