//! For the models: a group whose children are a model's threads.

#![expect(missing_docs, reason = "they are named after what they stand for")]

use std::ptr::NonNull;

use super::children::Group;
use super::state::{End, Entry, Taken};
use crate::join::JoinHandle;
use crate::scope::Members;

/// Results are numbers, and so are errors.
#[derive(Debug)]
pub struct ModelGroup(Group<'static, 'static, u32, u32>);

/// One that has a seat, and leaves by one of these.
#[derive(Debug)]
#[must_use = "a child that does not end is waited for"]
pub struct ModelChild {
    group: *const ModelGroup,
    number: u64,
    has_lent: bool,
}

// SAFETY: the group is there until the child has left.
unsafe impl Send for ModelChild {}

impl ModelGroup {
    pub fn new(limit: usize) -> Self {
        Self(Group::new(limit))
    }

    /// A child more, as `spawn` makes it, by a child or by somebody else.
    pub fn enter(&self, is_child: bool) -> Option<ModelChild> {
        let (number, has_lent) = match self.0.state.enter(|| is_child) {
            Entry::Place(number) => (number, false),
            Entry::Lent(number) => (number, true),
            Entry::Ended | Entry::Told => return None,
        };
        self.0.members.enter();
        Some(ModelChild { group: self, number, has_lent })
    }

    pub fn add<T>(&self, thread: &JoinHandle<T>) {
        self.0.members.add(thread.task().clone());
    }

    pub fn is_told<T>(thread: &JoinHandle<T>) -> bool {
        thread.task().header().is_cancel_asked()
    }

    /// `Err`: it has failed.
    #[expect(clippy::result_unit_err, reason = "nobody asks for more")]
    pub fn next(&self) -> Result<Option<u32>, ()> {
        match self.0.state.take() {
            Taken::Result(value) => Ok(Some(value)),
            Taken::Nothing => Ok(None),
            Taken::Ended | Taken::Told => Err(()),
        }
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.0.state.taken()
    }

    /// The end of it: the error.
    pub fn wait_for_all(&self) -> Option<u32> {
        assert!(!self.0.wait_for_all());
        match self.0.remains().end {
            Some(End::Failed(error)) => Some(error),
            _ => None,
        }
    }
}

impl ModelChild {
    fn group(&self) -> &ModelGroup {
        // SAFETY: it is there until this has left.
        unsafe { &*self.group }
    }

    /// This child starts another.
    pub fn enter(&self) -> Option<Self> {
        self.group().enter(true)
    }

    /// It has started `other`, and goes on when it has a place again.
    pub fn regain_from(&self, other_has_lent: bool) {
        if other_has_lent {
            self.group().0.state.regain();
        }
    }

    /// Whether it has the place of whoever started it.
    pub fn has_lent(&self) -> bool {
        self.has_lent
    }

    pub fn add<T>(&self, thread: &JoinHandle<T>) {
        self.group().add(thread);
    }

    pub fn finish(self, value: u32) {
        assert_eq!(self.group().0.state.settle(Some((self.number, value))), None);
        self.leave();
    }

    pub fn fail(self, error: u32) {
        self.group().0.end(End::Failed(error));
        self.group().0.state.settle(None);
        self.leave();
    }

    /// It was cancelled.
    pub fn end(self) {
        self.group().0.state.settle(None);
        self.leave();
    }

    fn leave(self) {
        // SAFETY: it was counted, and the group is there until now.
        unsafe { Members::leave(NonNull::from(&(*self.group).0.members)) };
    }
}
