//! Watches the workers of a runtime from an OS thread of its own: ends time slices, and sees
//! to what lies behind a green thread that does not end its turn.
//!
//! Every [`SLICE`] it looks at each worker's count of turns. One that is the same as last
//! time has been in one turn for a slice at least. Then
//!
//! - that thread is asked to yield at its next [`checkpoint`](crate::checkpoint), channel or
//!   lock operation, so that workers need not read the clock;
//! - other workers are woken for what they can take over, and the timers of the worker's
//!   migrating threads are fired on its behalf;
//! - once for each such turn it is counted and, in a debug build, if it goes on, reported.
//!
//! When all of them sleep it asks once whether that is for ever (deadlock.rs).
//!
//! Every [`TRIM`] it gives memory back that the workers have not needed meanwhile.
//!
//! 1. While every worker sleeps, and there is nothing left to give back, the monitor sleeps,
//!    too, without a timeout. Whoever leaves its sleep with work wakes it
//!    ([`Monitor::look_up`]).
//!
//! The faster part of the same task, down to microseconds, is with the workers that have
//! nothing else to do (`worker/search.rs`); the monitor is what remains when all are busy.

use std::collections::HashMap;
use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::deadlock;
use crate::os_parker::OsParker;
use crate::primitive::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};
use crate::primitive::{Mutant, Mutex, broken};
use crate::report::report;
use crate::thread::Header;
use crate::worker::{Idle, Shared, Surplus};

/// How long a thread may go on before it is asked to yield; up to twice that, since the
/// monitor looks from time to time only.
pub(crate) const SLICE: Duration = Duration::from_millis(10);

/// How long memory stays unused before it is given back: of stacks their lower pages, and half
/// of what else there is.
const TRIM: Duration = Duration::from_secs(1);

/// The monitor of one runtime, as its workers see it.
#[derive(Debug)]
pub(crate) struct Monitor {
    asleep: AtomicBool,
    parker: OsParker,
}

impl Monitor {
    pub(crate) fn new() -> Self {
        Self { asleep: AtomicBool::new(false), parker: OsParker::new() }
    }

    /// A worker has left its sleep and goes to work.
    #[inline]
    pub(crate) fn look_up(&self) {
        if !broken(Mutant::MonitorLookUpNoFence) {
            // Pairs with the fence in `sleep`: either it sees that worker awake, or we see it
            // asleep.
            fence(Ordering::SeqCst);
        }
        if self.asleep.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if self.asleep.swap(false, Ordering::Relaxed) {
            self.stop();
        }
    }

    /// Ends whatever it waits for: the runtime closes.
    pub(crate) fn stop(&self) {
        // SAFETY: the parker is in place: `self` is.
        unsafe { self.parker.unparker().unpark() };
    }

    /// Sleeps until `look_up` or the deadline, unless some worker is awake by now.
    pub(crate) fn sleep(&self, idle: &Idle, deadline: Option<Instant>) {
        self.asleep.store(true, Ordering::Relaxed);
        if !broken(Mutant::MonitorSleepNoFence) {
            // Pairs with the fence in `look_up`. (A `stop` leaves a token.)
            fence(Ordering::SeqCst);
        }
        let stay_awake = !broken(Mutant::MonitorSleepNoRecheck) && idle.is_anyone_awake();
        if stay_awake && self.asleep.swap(false, Ordering::Relaxed) {
            return;
        }
        // Nobody is awake, or somebody has taken the flag and owes an unpark.
        if !self.parker.park(deadline) && !self.asleep.swap(false, Ordering::Relaxed) {
            self.parker.park(None);
        }
    }

    /// Watches the workers of `shared` until it closes.
    pub(crate) fn run(shared: &Arc<Shared>) {
        let mut seen: Box<[_]> = shared.remotes.iter().map(|_| Seen::default()).collect();
        let (mut trim, mut deadlock) = (Trim::new(), deadlock::Watch::default());
        while !shared.is_closing() {
            trim.look_at(shared);
            if !shared.idle.is_anyone_awake() {
                deadlock.look_at(shared);
                let deadline = trim.deadline().into_iter().chain(deadlock.deadline()).min();
                shared.monitor.sleep(&shared.idle, deadline);
                // Unless it was the deadline: somebody has been awake.
                trim.restart();
                continue;
            }
            trim.restart();
            shared.monitor.parker.park(Some(Instant::now() + SLICE));
            for (index, seen) in seen.iter_mut().enumerate() {
                seen.look_at(shared, index);
            }
        }
    }
}

/// When memory is given back next.
struct Trim {
    /// The next round.
    due: Instant,
    /// The next portion of this one.
    next: Instant,
    is_needed: bool,
}

impl Trim {
    fn new() -> Self {
        let due = Instant::now() + TRIM;
        Self { due, next: due, is_needed: true }
    }

    /// There may be something to give back.
    fn restart(&mut self) {
        self.is_needed = true;
    }

    fn look_at(&mut self, shared: &Shared) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let is_due = now >= self.due;
        let mut is_needed = false;
        if is_due {
            is_needed = shared.spare_blocks.trim();
            self.due = now + TRIM;
        }
        let surplus = shared.spare_runners.trim(is_due);
        self.is_needed = is_needed || surplus != Surplus::None || !is_due;
        self.next = match surplus {
            Surplus::Now => (Instant::now() + SLICE).min(self.due),
            Surplus::None | Surplus::Later => self.due,
        };
    }

    /// `None`: nothing is left to do.
    fn deadline(&self) -> Option<Instant> {
        self.is_needed.then_some(self.next)
    }
}

/// What the monitor remembers of a worker.
#[derive(Default)]
struct Seen {
    turns: usize,
    /// Looks at the same turn, one slice apart, after the first.
    slices: u32,
}

/// A turn is counted when it has gone on for so many slices: on a machine that is short of CPUs
/// one more passes easily.
const OVERRUN: u32 = 2;

/// And reported when it has gone on for so many.
const REPORTED: u32 = 10;

impl Seen {
    fn look_at(&mut self, shared: &Arc<Shared>, index: usize) {
        let remote = &shared.remotes[index];
        let turns = remote.slice.turns();
        let running = remote.slice.running().read();
        let stays = turns == self.turns && !shared.idle.is_asleep(index);
        let (Some(running), true) = (running, stays) else {
            *self = Self { turns, slices: 0 };
            return;
        };
        self.slices += 1;
        remote.slice.ask_to_yield();
        shared.help(remote);
        match self.slices {
            OVERRUN => remote.count_overrun(),
            REPORTED if !remote.slice.is_blocking() => {
                complain(&running, index, SLICE * REPORTED, &shared.names);
            }
            _ => {}
        }
    }
}

/// Says who keeps a worker, on stderr, for those who are about to find out why a program hangs.
fn complain(running: &Running, worker: usize, elapsed: Duration, names: &Names) {
    if !cfg!(debug_assertions) {
        return;
    }
    let name = names.get(running.id);
    let name = name.as_deref().map(|name| format!(" '{name}'")).unwrap_or_default();
    report(format_args!(
        "sward: green thread{name} (#{}, spawned at {}) has kept worker {worker} for more than {} ms: others \
         on it wait. (A long loop should call `sward::checkpoint`; what blocks its OS thread belongs \
         into `sward::unblock`.)",
        running.id,
        running.location,
        elapsed.as_millis(),
    ));
}

/// Which thread a worker runs, or has run last, for others to read at any time.
#[derive(Debug)]
pub(crate) struct RunningNow {
    /// 0: none.
    id: AtomicU64,
    location: AtomicPtr<Location<'static>>,
}

/// The names of the started threads that have one: so that another OS thread can tell whom it
/// sees in [`RunningNow`], who may be gone by then.
#[derive(Debug)]
pub(crate) struct Names(Mutex<HashMap<u64, String>>);

impl Names {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// `thread` has started.
    #[inline]
    pub(crate) fn enter(&self, thread: &Header) {
        if let Some(name) = thread.name() {
            self.0.lock().insert(thread.id.get(), name.to_owned());
        }
    }

    /// `thread` is about to finish.
    #[inline]
    pub(crate) fn leave(&self, thread: &Header) {
        if thread.name().is_some() {
            self.0.lock().remove(&thread.id.get());
        }
    }

    pub(crate) fn get(&self, id: u64) -> Option<String> {
        self.0.lock().get(&id).cloned()
    }
}

/// What [`RunningNow`] said.
pub(crate) struct Running {
    pub(crate) id: u64,
    pub(crate) location: &'static Location<'static>,
}

impl RunningNow {
    pub(crate) fn new() -> Self {
        Self { id: AtomicU64::new(0), location: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Owner only.
    #[inline]
    pub(crate) fn set(&self, thread: &Header) {
        // Relaxed: whoever reads it late, or half of it, reports the wrong thread once.
        self.location.store(ptr::from_ref(thread.location).cast_mut(), Ordering::Relaxed);
        self.id.store(thread.id.get(), Ordering::Relaxed);
    }

    /// The number of that thread.
    #[inline]
    pub(crate) fn id(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self) -> Option<Running> {
        let id = self.id.load(Ordering::Relaxed);
        // SAFETY: null, or from a `&'static`.
        let location = unsafe { self.location.load(Ordering::Relaxed).as_ref() };
        location.filter(|_| id != 0).map(|location| Running { id, location })
    }
}
