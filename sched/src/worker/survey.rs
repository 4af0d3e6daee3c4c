//! Who is there: what the workers of a runtime tell those who make a [dump](crate::dump()).
//!
//! 1. Between two turns all sticky threads of a worker are off their stacks, and only that worker
//!    resumes them. So it, and nobody else, looks at what they wait for.
//! 2. It looks at those that have parked for [`WHILE`], and then goes on with its turns until the next
//!    look outside; so nobody waits for long. Threads that begin or end meanwhile may be missed.
//! 3. Threads in a deque are seen by taking each out and putting it back: all of them, so that they
//!    are in the same order after that. For an instant one is in nobody's queue; its worker is awake,
//!    and whoever takes one from the injector puts it back as any new one. (Not from that of a runtime
//!    that is there for one thread alone: its worker would find nothing, and return.)
//! 4. Migrating threads that have parked are looked at while they are *held* (`thread/state.rs`), by
//!    the worker in whose list they are; if it does not answer, by whoever asks.
//! 5. Whoever asks waits until all workers have told, or until those that have not take no turn.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::orders::Order;
use super::parked::while_held;
use super::{Shared, Worker};
use crate::dump::{State as ThreadState, ThreadInfo, Wait, WorkerInfo};
use crate::primitive::atomic::{Ordering, fence};
use crate::primitive::deque::{Injector, Steal};
use crate::primitive::{Mutant, Mutex, broken, spin};
use crate::thread::{Header, RawTask, Runnable};
use crate::wait_list::Node;
use crate::wait_queue::WaitQueue;
use crate::waiter::{Outcome, Reason, Waiter};

/// For so long a worker tells of its threads before it goes on with its turns.
const WHILE: Duration = Duration::from_millis(1);

/// So many at a time, between two looks at the clock.
const PORTION: usize = 256;

/// A queue with more threads than this is not gone through.
const QUEUED: usize = 10_000;

/// A worker that takes no turn for so long does not answer.
const PATIENCE: Duration = Duration::from_millis(100);

/// One question to the workers of a runtime, and their answers.
#[derive(Debug)]
pub(crate) struct Survey {
    state: Mutex<State>,
    /// Whoever asks.
    asker: WaitQueue,
}

#[derive(Debug)]
struct State {
    found: Found,
    /// By worker: of how many threads it has told.
    told: Box<[usize]>,
    /// And whether those were all.
    has_told: Box<[bool]>,
    /// Nobody waits for the rest.
    is_over: bool,
}

/// The threads that have been seen.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) threads: Vec<ThreadInfo>,
    /// How many more there are, of whom nothing is known.
    pub(crate) unlisted: usize,
}

impl Found {
    fn add(&mut self, thread: &Header, state: ThreadState, wait: Option<Box<Wait>>) {
        self.threads.push(ThreadInfo::of(thread, state, wait));
    }

    fn add_new(&mut self, thread: &Header) {
        self.add(thread, ThreadState::New, None);
    }

    /// One that can go on, and has not been seen among those that have parked.
    fn add_ready(&mut self, thread: &Header) {
        if thread.parked_links.are_free() {
            self.add(thread, ThreadState::Ready, None);
        }
    }

    /// Looks at the `len` threads of a queue, unless they are too many.
    fn add_queued(&mut self, len: usize, mut next: impl FnMut(&mut Self) -> bool) {
        if len > QUEUED {
            self.unlisted += len;
            return;
        }
        let _ = (0..len).all(|_| next(self));
    }

    fn append(&mut self, mut other: Self) {
        self.threads.append(&mut other.threads);
        self.unlisted += other.unlisted;
    }
}

impl Survey {
    /// A question to `workers` workers.
    pub(crate) fn new(workers: usize) -> Self {
        let state = State {
            found: Found::default(),
            told: vec![0; workers].into(),
            has_told: vec![false; workers].into(),
            is_over: false,
        };
        Self { state: Mutex::new(state), asker: WaitQueue::new() }
    }

    /// Worker `index` tells of `found`, and of no more if it is the last. `false`: nobody listens.
    pub(crate) fn tell(&self, index: usize, found: Found, is_last: bool) -> bool {
        let mut state = self.state.lock();
        if state.is_over {
            return false;
        }
        state.told[index] += found.threads.len();
        state.found.append(found);
        state.has_told[index] |= is_last;
        let is_complete = state.has_told.iter().all(|told| *told);
        drop(state);
        if is_complete && !broken(Mutant::SurveyEndsSilently) {
            let line = self.asker.lock();
            let wake = line.claim_front().map(|(_, claim)| claim.done(0));
            drop(line);
            if let Some(wake) = wake {
                wake.wake();
            }
        }
        true
    }

    fn is_complete(&self) -> bool {
        self.state.lock().has_told.iter().all(|told| *told)
    }

    /// Waits until all have told, or until then. `true`: all have.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        static DUMP: Reason = Reason::new("dump");
        let waiter = Waiter::uncancellable().about(&DUMP, self);
        let node = Node::new(&waiter, std::ptr::null_mut());
        {
            let line = self.asker.lock();
            // Whoever completes it looks into the line after that.
            if self.is_complete() && !broken(Mutant::SurveyNotRechecked) {
                return true;
            }
            // SAFETY: it stays here, and is removed below unless it was claimed.
            unsafe { line.push_back(&node) };
        }
        if let Outcome::Done(_) = waiter.wait(deadline) {
            return true;
        }
        // SAFETY: it is in this list, or in none.
        unsafe { self.asker.lock().remove(&node) };
        self.is_complete()
    }

    /// What has been told so far; of how many threads by each worker, and whether those were all.
    /// Nobody listens any more.
    fn end(&self) -> (Found, Vec<(usize, bool)>) {
        let mut state = self.state.lock();
        state.is_over = true;
        let told = state.told.iter().copied().zip(state.has_told.iter().copied()).collect();
        (std::mem::take(&mut state.found), told)
    }

    /// Who has not told all.
    fn missing(&self) -> Vec<usize> {
        let state = self.state.lock();
        (0..state.has_told.len()).filter(|index| !state.has_told[*index]).collect()
    }
}

/// Whom a worker has yet to tell of its threads, one after the other.
pub(super) struct Telling {
    askers: RefCell<VecDeque<Arc<Survey>>>,
    /// How far it has come with the first.
    stage: Cell<Stage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin,
    Sticky,
    Moving,
}

impl Telling {
    pub(super) fn new() -> Self {
        Self { askers: RefCell::new(VecDeque::new()), stage: Cell::new(Stage::Begin) }
    }
}

impl Worker {
    /// Tells `survey`, when those before it have been told.
    pub(super) fn tell(&self, survey: Arc<Survey>) {
        let mut askers = self.telling.askers.borrow_mut();
        askers.push_back(survey);
        if askers.len() == 1 {
            drop(askers);
            self.tell_on();
        }
    }

    /// Tells of some more threads. Between two turns.
    pub(super) fn tell_on(&self) {
        let Telling { askers, stage } = &self.telling;
        let Some(survey) = askers.borrow().front().cloned() else { return };
        let (mut found, start) = (Found::default(), Instant::now());
        let is_last = loop {
            match self.tell_portion(&mut found) {
                false if start.elapsed() < WHILE => {}
                is_last => break is_last,
            }
        };
        if !survey.tell(self.index, found, is_last) || is_last {
            stage.set(Stage::Begin);
            askers.borrow_mut().pop_front();
        }
        if !askers.borrow().is_empty() {
            self.remote().orders.push(Order::TellOn);
        }
    }

    /// `true`: those were the last.
    fn tell_portion(&self, found: &mut Found) -> bool {
        let (stage, remote) = (&self.telling.stage, self.remote());
        if stage.get() == Stage::Begin {
            self.parked.start_walk();
            remote.parked.lock().start_walk();
            stage.set(Stage::Sticky);
        }
        if stage.get() == Stage::Sticky {
            let is_last = self.parked.walk(PORTION, |thread| {
                // SAFETY: it is in the list, so it is unfinished; (1).
                unsafe { look_at(thread, found) };
            });
            if !is_last {
                return false;
            }
            stage.set(Stage::Moving);
        }
        let mut threads = Vec::new();
        let is_last = remote.parked.lock().walk(PORTION, |thread| threads.extend(keep(thread)));
        look_at_moving(threads, found);
        if is_last {
            self.tell_of_queues(found);
        }
        is_last
    }

    /// This worker returns: has nothing to tell any more.
    pub(super) fn refuse_orders(&self) {
        self.remote().is_over.store(true, Ordering::Relaxed);
        // Pairs with that in `notify`, as `ask` calls it.
        fence(Ordering::SeqCst);
        let told = self.telling.askers.take();
        let asked = self.remote().orders.take().into_iter().filter_map(|order| match order {
            Order::Tell(survey) => Some(survey),
            Order::Cancel(_) | Order::TellOn => None,
        });
        for survey in told.into_iter().chain(asked) {
            survey.tell(self.index, Found::default(), true);
        }
    }

    /// Those that have not parked yet, and have begun or not.
    fn tell_of_queues(&self, found: &mut Found) {
        for queue in [&self.local, &self.high, &self.low] {
            queue.for_each(|thread| match thread.home.get().is_null() {
                true => found.add_new(thread),
                false => found.add_ready(thread),
            });
        }
        // SAFETY: null, or a thread whose right to run the slot owns.
        if let Some(next) = unsafe { self.next.get().as_ref() } {
            found.add_ready(next);
        }
        let remote = self.remote();
        // Nobody else fills a slot, so it is still empty when the thread comes back (3).
        if let Some(thread) = remote.next.take() {
            found.add_ready(thread.header());
            let _empty = remote.next.replace(thread);
        }
        if let Some(thread) = remote.lone.take() {
            found.add_new(thread.header());
            let _empty = remote.lone.replace(thread);
        }
        // From one end to the other, so that they are in the same order after that.
        found.add_queued(self.fresh.len(), |found| match take(|| remote.fresh.steal()) {
            Some(thread) => {
                found.add_new(thread.header());
                self.fresh.push(thread);
                true
            }
            None => false,
        });
        found.add_queued(self.moving.len(), |found| match self.moving.pop() {
            Some(thread) => {
                found.add_ready(thread.header());
                self.moving.push(thread);
                true
            }
            None => false,
        });
        // Whoever has looked in between has seen one thread less.
        self.offer_backlog();
    }
}

/// # Safety
///
/// The thread is unfinished, off its stack, and not resumed meanwhile.
unsafe fn look_at(thread: *const Header, found: &mut Found) {
    // SAFETY: the caller's promise: so the waiter that it left, if any, is in place.
    unsafe {
        let waiter = (*thread).waiter.with(|place| *place);
        let wait = waiter.as_ref().and_then(|waiter| waiter.look()).map(Box::new);
        let state = if wait.is_some() { ThreadState::Waiting } else { ThreadState::Ready };
        found.add(&*thread, state, wait);
    }
}

/// A reference to `thread`, which is in a list.
fn keep(thread: *const Header) -> Option<RawTask> {
    let thread = NonNull::new(thread.cast_mut())?;
    // SAFETY: threads in a list are unfinished; they got there through `Runnable::as_ptr`.
    Some(unsafe { RawTask::from_header(thread) })
}

/// (4)
fn look_at_moving(threads: Vec<RawTask>, found: &mut Found) {
    for thread in threads {
        let header = thread.header();
        // SAFETY: it migrates; there is a reference to it.
        let seen = unsafe { while_held(header, || look_at(header, found)) };
        if !seen && !header.completion.is_finished() {
            // Where it is changes meanwhile.
            found.threads.push(ThreadInfo::unheld(header));
        }
    }
}

fn take(steal: impl Fn() -> Steal<Runnable>) -> Option<Runnable> {
    loop {
        match steal() {
            Steal::Success(thread) => return Some(thread),
            Steal::Retry => spin(),
            Steal::Empty => return None,
        }
    }
}

impl Shared {
    /// Asks all workers.
    pub(crate) fn ask(&self) -> Arc<Survey> {
        let survey = Arc::new(Survey::new(self.remotes.len()));
        for remote in &self.remotes {
            remote.orders.push(Order::Tell(survey.clone()));
            self.idle.notify(remote.index);
            // Either the worker sees the order, or we see that it is over: `notify` has the fence that
            // pairs with the one in `refuse_orders`.
            if remote.is_over.load(Ordering::Relaxed) && !broken(Mutant::ReturnedWorkerUnseen) {
                survey.tell(remote.index, Found::default(), true);
            }
        }
        survey
    }

    /// Waits for the workers' answers (5).
    ///
    /// # Blocking
    ///
    /// Parks the green thread, or blocks the OS thread.
    pub(crate) fn answers(self: &Arc<Self>, survey: &Survey) -> (Found, Vec<WorkerInfo>) {
        let mut turns = self.turns_of(survey);
        while !survey.wait(Some(Instant::now() + PATIENCE)) {
            let now = self.turns_of(survey);
            if now == turns {
                break;
            }
            turns = now;
        }
        let (mut found, told) = survey.end();
        for (remote, _) in self.remotes.iter().zip(&told).filter(|(_, (_, all))| !*all) {
            let mut threads = Vec::new();
            remote.parked.lock().for_each(|thread| threads.extend(keep(thread)));
            look_at_moving(threads, &mut found);
        }
        let injectors = self.ranked.injectors();
        for injector in [&self.injector].into_iter().chain(injectors) {
            match self.is_inner() {
                // (3)
                true => found.unlisted += injector.len(),
                false => self.tell_of_injected(injector, &mut found),
            }
        }
        let workers = self.remotes.iter().zip(told).map(|(remote, (told, answered))| {
            let running = remote.slice.running().read().filter(|_| !answered);
            if !answered {
                let started = remote.started.load(Ordering::Relaxed);
                found.unlisted += started.saturating_sub(told);
            }
            WorkerInfo::new(remote.index, answered, running)
        });
        let workers = workers.collect();
        (found, workers)
    }

    /// Asks workers that do answer: how many of the threads wait.
    #[cfg(sward_loom)]
    pub(crate) fn count_waiting(&self) -> usize {
        let survey = self.ask();
        assert!(survey.wait(None), "all have answered");
        let threads = survey.end().0.threads;
        threads.iter().filter(|thread| thread.state == ThreadState::Waiting).count()
    }

    /// How many turns those have taken that have not answered.
    fn turns_of(&self, survey: &Survey) -> Vec<(usize, usize)> {
        let missing = survey.missing().into_iter();
        missing.map(|index| (index, self.remotes[index].slice.turns())).collect()
    }

    fn tell_of_injected(self: &Arc<Self>, injector: &Injector<Runnable>, found: &mut Found) {
        found.add_queued(injector.len(), |found| match take(|| injector.steal()) {
            Some(thread) => {
                match thread.header().home.get().is_null() {
                    true => found.add_new(thread.header()),
                    false => found.add_ready(thread.header()),
                }
                self.inject(thread);
                true
            }
            None => false,
        });
    }
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telling").field("askers", &self.askers.borrow().len()).finish()
    }
}
