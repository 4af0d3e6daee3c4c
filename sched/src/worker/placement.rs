//! On which worker a fresh thread begins, where a sticky one then stays.
//!
//! A fresh thread may be stolen, and then begins where it was stolen to. One that comes to its
//! turn on the worker it was spawned on begins there, too, unless its parent has other children
//! here that wait: a pool of threads that all block at once would have to share one core for
//! ever. So the children of one parent are dealt out, in growing runs:
//!
//! - those that *wait here* are counted, by parent, on each worker (the many that end without
//!   ever waiting are not; nor is one whose first wait is to send: it has work to give away,
//!   and whoever takes that should be near);
//! - the next one begins where its sister did, until that worker has more of them than the
//!   worker with the fewest, by more than an eighth ([`slack`]); then there.
//!
//! So two siblings part, eight end up four and four, and of a thousand about every thirtieth
//! has its neighbour elsewhere: those spawned one after the other often talk to each other.
//!
//! The counts are hints. A parent whose place in the table is taken by another is not counted.

use std::cell::Cell;
use std::ptr;

use super::{Remote, Shared, Worker};
use crate::primitive::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::primitive::{Mutant, broken};
use crate::thread::{Header, Runnable};

/// Where a green thread begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// Where there is time for it, so that threads that compute use all cores.
    #[default]
    Spread,
    /// On the worker of the thread that spawns it, however busy that is: for threads that
    /// talk to each other far more than they compute. From an OS thread that is no worker it
    /// is the same as `Spread`.
    WithParent,
}

/// Parents that each worker keeps apart.
const PARENTS: usize = 64;

/// The children of one parent that have begun here and wait, or did.
struct Children {
    parent: AtomicU64,
    count: AtomicU32,
}

/// By parent. Anybody may read it and count up; hints, so everything is `Relaxed`.
pub(super) struct ChildrenHere(Box<[Children]>);

impl ChildrenHere {
    pub(super) fn new() -> Self {
        let none = || Children { parent: AtomicU64::new(0), count: AtomicU32::new(0) };
        Self((0..PARENTS).map(|_| none()).collect())
    }

    fn of(&self, parent: u64) -> &Children {
        &self.0[parent as usize % PARENTS]
    }

    fn count(&self, parent: u64) -> u32 {
        let children = self.of(parent);
        let is_theirs = children.parent.load(Ordering::Relaxed) == parent;
        if is_theirs { children.count.load(Ordering::Relaxed) } else { 0 }
    }

    /// One more. `false`: there is no room for this parent.
    fn add(&self, parent: u64) -> bool {
        let children = self.of(parent);
        if children.parent.load(Ordering::Relaxed) != parent {
            if children.count.load(Ordering::Relaxed) != 0 {
                return false;
            }
            children.parent.store(parent, Ordering::Relaxed);
        }
        children.count.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn remove(&self, parent: u64) {
        // Two parents that come at the same moment may both have been let in: never below 0.
        let count = &self.of(parent).count;
        let _ = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
    }
}

/// Where this worker sent the last child, by parent.
pub(super) struct Dealt(Box<[Cell<(u64, usize)>]>);

impl Dealt {
    pub(super) fn new() -> Self {
        Self(vec![Cell::new((0, 0)); PARENTS].into_boxed_slice())
    }
}

/// What a thread's placement needs to know.
pub(crate) struct Origin {
    /// The number of the thread that spawned it; 0: none.
    pub(crate) parent: u64,
    /// The worker it was spawned on, until it is dealt out.
    worker: Cell<*const Remote>,
    /// Where it is counted.
    counted_at: Cell<*const Remote>,
}

impl Origin {
    /// That of a thread spawned by what runs on `worker`.
    #[inline]
    pub(crate) fn of(worker: Option<&Worker>) -> Self {
        // SAFETY: a worker's current thread is alive.
        let parent = worker.and_then(|worker| unsafe { worker.current().as_ref() });
        Self {
            parent: parent.map_or(0, |parent| parent.id.get()),
            worker: Cell::new(worker.map_or(ptr::null(), |it| ptr::from_ref(it.remote()))),
            counted_at: Cell::new(ptr::null()),
        }
    }

    /// It is to begin where it is put now.
    pub(super) fn settle(&self) {
        self.worker.set(ptr::null());
    }
}

/// By how many more than elsewhere a worker may have that has `count` of them.
fn slack(count: u32) -> u32 {
    (count / 8).min(16)
}

impl Worker {
    /// Whether `fresh`, whose turn has come, should begin elsewhere: then it is on its way.
    #[inline]
    pub(super) fn deal_out(&self, fresh: &Runnable) -> bool {
        let header = fresh.header();
        let parent = header.origin.parent;
        if !self.is_home(header.origin.worker.get())
            || header.migrates
            || self.shared.remotes.len() == 1
            || self.remote().children.count(parent) == 0
        {
            return false;
        }
        self.deal_out_to(self.choose(parent), fresh)
    }

    /// The worker on which the next child of `parent` is to begin.
    #[cold]
    fn choose(&self, parent: u64) -> &Remote {
        let remotes = &self.shared.remotes;
        let last = &self.dealt.0[parent as usize % PARENTS];
        let (dealt_parent, dealt_to) = last.get();
        let current = if dealt_parent == parent { dealt_to } else { self.index };
        let count = |worker: usize| remotes[worker].children.count(parent);
        let fewest = (0..remotes.len()).min_by_key(|&worker| count(worker)).unwrap_or(current);
        let has_enough = count(current) > count(fewest) + slack(count(current));
        let chosen = if has_enough { fewest } else { current };
        last.set((parent, chosen));
        &remotes[chosen]
    }

    fn deal_out_to(&self, target: &Remote, fresh: &Runnable) -> bool {
        if self.is_home(target) || !target.expect_one(&self.shared) {
            return false;
        }
        let origin = &fresh.header().origin;
        origin.settle();
        // Now, so that the next decision knows of it.
        if target.children.add(origin.parent) {
            origin.counted_at.set(target);
        }
        // SAFETY: the caller gives the thread up when this returns `true`.
        target.receive(unsafe { Runnable::from_raw(fresh.as_ptr()) }, &self.shared);
        true
    }
}

impl Remote {
    /// A fresh thread is about to come into the inbox: the worker does not return before it
    /// has. `false`: the runtime closes, and the worker may have returned already.
    pub(super) fn expect_one(&self, shared: &Shared) -> bool {
        self.expected.fetch_add(1, Ordering::Relaxed);
        if !broken(Mutant::DealtUnexpected) {
            // Pairs with the fence in `is_expecting`: either the worker sees the count, or we
            // that the runtime closes.
            fence(Ordering::SeqCst);
        }
        let closing = shared.is_closing();
        if closing {
            self.none_comes(shared);
        }
        !closing
    }

    /// One that was expected does not come, or not out of the inbox: the worker may sleep,
    /// and wait for nothing else.
    pub(super) fn none_comes(&self, shared: &Shared) {
        self.expected.fetch_sub(1, Ordering::Relaxed);
        if !broken(Mutant::DealtWithdrawnSilently) {
            shared.idle.notify(self.index);
        }
    }

    /// The one that was expected.
    pub(super) fn receive(&self, fresh: Runnable, shared: &Shared) {
        if self.inbox.push(fresh) {
            shared.idle.notify(self.index);
        }
    }

    /// Whether a fresh thread may be in the inbox: a hint.
    pub(super) fn may_expect(&self) -> bool {
        self.expected.load(Ordering::Relaxed) != 0
    }

    /// Whether a fresh thread is in the inbox, or on its way there. The runtime closes.
    pub(super) fn is_expecting(&self) -> bool {
        // Pairs with the fence in `expect_one`.
        fence(Ordering::SeqCst);
        // Acquire: pairs with the Release in `one_has_come`; where it has gone is seen.
        self.expected.load(Ordering::Acquire) != 0
    }

    /// One of those has been taken out of the inbox, and is in another queue.
    pub(super) fn one_has_come(&self) {
        // Release: pairs with the Acquire in `is_expecting`.
        self.expected.fetch_sub(1, Ordering::Release);
    }
}

impl Worker {
    /// `header`, a sticky thread, waits here for the first time.
    #[inline]
    pub(super) fn count_child(&self, header: &Header) {
        // SAFETY: it has just left its stack for that wait.
        let waiter = header.waiter.with(|place| unsafe { (*place).as_ref() });
        let sends = waiter.is_some_and(|waiter| waiter.sends());
        let origin = &header.origin;
        let counts = origin.parent != 0 && self.shared.remotes.len() > 1 && !sends;
        if counts && origin.counted_at.get().is_null() && self.remote().children.add(origin.parent)
        {
            origin.counted_at.set(self.remote());
        }
    }

    /// `header` is about to finish, or to begin elsewhere after all.
    #[inline]
    pub(super) fn uncount_child(header: &Header) {
        // SAFETY: null, or a worker of the same runtime, which is not over.
        if let Some(at) = unsafe { header.origin.counted_at.replace(ptr::null()).as_ref() } {
            at.children.remove(header.origin.parent);
        }
    }
}
