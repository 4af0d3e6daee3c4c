//! Entered spans stay with their green thread (feature `tracing`).

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use sward_sched::runtime::Builder;
use sward_sched::{Runtime, current, park, spawn, time, unblock, yield_now};
use tracing::dispatcher::set_default;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{NoSubscriber, set_global_default};
use tracing::{Dispatch, Event, Metadata, Span, Subscriber, info, info_span};
use tracing_core::span::Current;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// A runtime of so many workers, and the registry below [`Probe`] as everybody's subscriber.
fn traced(workers: usize) -> Runtime {
    static SET: OnceLock<()> = OnceLock::new();
    SET.get_or_init(|| set_global_default(Registry::default().with(Probe)).unwrap());
    Builder::new().workers(workers).build().unwrap()
}

/// The name of the current span.
fn here() -> Option<&'static str> {
    Span::current().metadata().map(Metadata::name)
}

/// Gives the other threads of a sole worker a turn, and tells in which spans they found
/// themselves.
fn neighbour() -> Option<&'static str> {
    spawn(here).join().unwrap()
}

static IN_ITS_SPAN: AtomicUsize = AtomicUsize::new(0);
static IN_ANOTHER: AtomicUsize = AtomicUsize::new(0);
/// Set: to leave or enter a span named "bomb" panics.
static ARMED: AtomicBool = AtomicBool::new(false);
static BLOCKED: AtomicUsize = AtomicUsize::new(0);

/// Compares the field `owner` of an event with that of its span, and misbehaves as the names
/// of spans say.
struct Probe;

#[derive(Debug, Default, PartialEq)]
struct Owner(Option<u64>);

impl Visit for Owner {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "owner" {
            self.0 = Some(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Probe {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut owner = Owner::default();
        attributes.record(&mut owner);
        context.span(id).unwrap().extensions_mut().insert(owner);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut owner = Owner::default();
        event.record(&mut owner);
        let is_its = context
            .event_scope(event)
            .is_some_and(|mut spans| spans.all(|s| s.extensions().get() == Some(&owner)));
        let count = if is_its { &IN_ITS_SPAN } else { &IN_ANOTHER };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        misbehave(context.metadata(id).unwrap().name());
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        misbehave(context.metadata(id).unwrap().name());
    }
}

fn misbehave(name: &str) {
    static ELSEWHERE: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new().workers(1).build().unwrap());
    match name {
        "bomb" if ARMED.load(Ordering::Relaxed) => resume_unwind(Box::new("from the layer")),
        "blocks" => {
            time::sleep(Duration::from_micros(10));
            yield_now();
            assert_eq!(unblock(|| 7) + ELSEWHERE.spawn(|| 7).join().unwrap(), 14);
            current().unpark();
            park();
            BLOCKED.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    }
}

#[test]
fn a_span_is_not_the_neighbours() {
    traced(1).run(|| {
        let span = info_span!("mine");
        let guard = span.enter();
        assert_eq!(neighbour(), None);
        assert_eq!(here(), Some("mine"));
        drop(guard);
        assert_eq!((neighbour(), here()), (None, None));
    });
}

#[test]
fn a_span_lasts_through_whatever_blocks() {
    traced(1).run(|| {
        let _span = info_span!("mine").entered();
        let others = spawn(|| {
            for _ in 0..20 {
                assert_eq!(here(), None);
                let _span = info_span!("theirs").entered();
                yield_now();
                assert_eq!(here(), Some("theirs"));
            }
        });
        yield_now();
        assert_eq!(here(), Some("mine"));
        time::sleep(Duration::from_micros(100));
        assert_eq!(here(), Some("mine"));
        assert_eq!(unblock(here), None);
        assert_eq!(here(), Some("mine"));
        let me = current();
        spawn(move || me.unpark());
        park();
        assert_eq!(here(), Some("mine"));
        others.join().unwrap();
        assert_eq!(here(), Some("mine"));
    });
}

#[test]
fn a_new_thread_is_in_no_span_unless_it_is_given_one() {
    traced(1).run(|| {
        let _span = info_span!("parent").entered();
        assert_eq!(neighbour(), None);
        let parent = Span::current();
        let child = spawn(move || {
            parent.in_scope(|| {
                yield_now();
                here()
            })
        });
        assert_eq!(child.join().unwrap(), Some("parent"));
        assert_eq!(here(), Some("parent"));
    });
}

#[test]
fn nested_spans_come_back_in_their_order() {
    traced(1).run(|| {
        let spans: Vec<_> = (0..50u64).map(|owner| info_span!("nested", owner)).collect();
        let mut entered: Vec<_> = spans.iter().map(Span::enter).collect();
        while entered.pop().is_some() {
            assert_eq!(neighbour(), None);
            assert_eq!(
                Span::current().id(),
                entered.len().checked_sub(1).and_then(|i| spans[i].id())
            );
        }
    });
}

#[test]
fn a_child_made_after_coming_back_has_the_right_parents() {
    traced(1).run(|| {
        let owner = 1u64;
        let _outer = info_span!("outer", owner).entered();
        let _inner = info_span!("inner", owner).entered();
        yield_now();
        info_span!("child", owner).in_scope(|| info!(owner));
        let stranger =
            spawn(|| info_span!("stranger", owner = 2u64).in_scope(|| info!(owner = 2u64)));
        stranger.join().unwrap();
        assert_eq!(IN_ANOTHER.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_span_may_be_entered_more_than_once() {
    traced(1).run(|| {
        let (twice, between) = (info_span!("twice"), info_span!("between"));
        let first = twice.enter();
        let middle = between.enter();
        let second = twice.enter();
        // As the registry has it without us: the second entry is not the current span.
        assert_eq!(here(), Some("between"));
        assert_eq!((neighbour(), here()), (None, Some("between")));
        drop(second);
        assert_eq!((neighbour(), here()), (None, Some("between")));
        drop(middle);
        assert_eq!((neighbour(), here()), (None, Some("twice")));
        let again = twice.enter();
        assert_eq!((neighbour(), here()), (None, Some("twice")));
        drop(first);
        assert_eq!((neighbour(), here()), (None, Some("twice")));
        drop(again);
        assert_eq!((neighbour(), here()), (None, None));
    });
}

#[test]
fn events_of_many_threads_land_in_their_own_spans() {
    for workers in [1, 3] {
        let rt = traced(workers);
        let before = IN_ITS_SPAN.load(Ordering::Relaxed);
        let threads: Vec<_> = (0..100u64)
            .map(|owner| {
                rt.spawn(move || {
                    let _outer = info_span!("outer", owner).entered();
                    for round in 0..20 {
                        let _inner = (round % 3 > 0).then(|| info_span!("inner", owner).entered());
                        info!(owner);
                        match (owner + round) % 5 {
                            0 => time::sleep(Duration::from_micros(20)),
                            1 => {
                                let me = current();
                                spawn(move || me.unpark());
                                park();
                            }
                            2 if round < 4 => unblock(|| ()),
                            _ => yield_now(),
                        }
                        info!(owner);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(IN_ITS_SPAN.load(Ordering::Relaxed) - before >= 100 * 20 * 2);
    }
    assert_eq!(IN_ANOTHER.load(Ordering::Relaxed), 0);
}

#[test]
fn a_thread_that_blocks_while_it_panics_keeps_its_spans() {
    struct Blocks;
    impl Drop for Blocks {
        fn drop(&mut self) {
            for _ in 0..3 {
                assert!(std::thread::panicking());
                assert_eq!(here(), Some("in trouble"));
                yield_now();
            }
        }
    }
    let rt = traced(1);
    let ended = rt.spawn(|| {
        let _span = info_span!("in trouble").entered();
        let _blocks = Blocks;
        resume_unwind(Box::new("silent"));
    });
    rt.run(|| {
        while !ended.is_finished() {
            assert_eq!((here(), std::thread::panicking()), (None, false));
            yield_now();
        }
    });
    assert!(ended.join().unwrap_err().is_panic());
    assert_eq!(rt.run(here), None);
}

/// Both, because `ARMED` is everybody's: when a thread is well, and while it panics.
#[test]
fn a_subscriber_that_panics_at_a_switch_harms_nobody() {
    struct Blocks;
    impl Drop for Blocks {
        fn drop(&mut self) {
            ARMED.store(true, Ordering::Relaxed);
            assert_eq!(neighbour(), None);
            ARMED.store(false, Ordering::Relaxed);
            assert_eq!(here(), Some("bomb"));
        }
    }
    let rt = traced(1);
    for unwinding in [false, true] {
        let ended = rt.spawn(move || {
            let _outer = info_span!("outer").entered();
            let caught = catch_unwind(|| {
                let _bomb = info_span!("bomb").entered();
                let _blocks = Blocks;
                if unwinding {
                    resume_unwind(Box::new("the thread's own"));
                }
            });
            assert_eq!(here(), Some("outer"));
            caught.err().map(|payload| *payload.downcast::<&str>().unwrap())
        });
        assert_eq!(ended.join().unwrap(), unwinding.then_some("the thread's own"));
    }
    assert_eq!(rt.run(here), None);
}

#[test]
fn a_subscriber_that_blocks_at_a_switch_blocks_its_worker() {
    let rt = traced(1);
    let parked = rt.spawn(|| {
        let _span = info_span!("blocks").entered();
        for _ in 0..20 {
            park();
            time::sleep(Duration::from_micros(10));
            yield_now();
            assert_eq!(here(), Some("blocks"));
        }
    });
    let thread = parked.thread();
    while !parked.is_finished() {
        // Also at the moment when the span is being exited.
        thread.unpark();
        std::thread::yield_now();
    }
    parked.join().unwrap();
    // Twice at each yield, and at the beginning and the end. The others may not have to wait.
    assert!(BLOCKED.load(Ordering::Relaxed) >= 20 * 2 + 2);
}

/// A subscriber that counts, and either does not know the current span, or says that it is
/// the last one made, whatever is exited.
#[derive(Default)]
struct Simple {
    stuck: bool,
    panics: bool,
    made: OnceLock<&'static Metadata<'static>>,
    entries: AtomicUsize,
    exits: AtomicUsize,
}

impl Subscriber for Simple {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.made.get_or_init(|| attributes.metadata());
        Id::from_u64(7)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {
        self.entries.fetch_add(1, Ordering::Relaxed);
    }

    fn exit(&self, _: &Id) {
        self.exits.fetch_add(1, Ordering::Relaxed);
        if self.panics {
            resume_unwind(Box::new("from the subscriber"));
        }
    }

    fn current_span(&self) -> Current {
        match self.made.get() {
            Some(made) if self.stuck => Current::new(Id::from_u64(7), made),
            _ => NoSubscriber::default().current_span(),
        }
    }
}

/// Switches ten times in a span of `simple`, which is the default of a sole worker's OS
/// thread. Returns how often it was entered and exited.
fn switch_with(simple: Simple) -> (usize, usize) {
    let simple = Arc::new(simple);
    let dispatch = Dispatch::new(simple.clone());
    traced(1).run(|| {
        let _guard = set_default(&dispatch);
        let span = info_span!("simple").entered();
        (0..10).for_each(|_| yield_now());
        assert_eq!(catch_unwind(AssertUnwindSafe(|| drop(span))).is_err(), simple.panics);
    });
    (simple.entries.load(Ordering::Relaxed), simple.exits.load(Ordering::Relaxed))
}

#[test]
fn a_subscriber_that_does_not_track_the_current_span_is_left_alone() {
    assert_eq!(switch_with(Simple::default()), (1, 1));
}

#[test]
fn a_subscriber_whose_current_span_never_ends_holds_nobody_up() {
    let (entries, exits) = switch_with(Simple { stuck: true, ..Simple::default() });
    assert_eq!(entries, exits);
    assert!(entries > 10);
}

#[test]
fn a_subscriber_that_panics_instead_of_leaving_a_span_is_asked_once() {
    let simple = Simple { stuck: true, panics: true, ..Simple::default() };
    assert_eq!(switch_with(simple), (11, 11));
}

#[test]
fn spans_go_back_to_the_subscriber_that_they_came_from() {
    let simple = Arc::new(Simple::default());
    let dispatch = Dispatch::new(simple.clone());
    traced(1).run(|| {
        let span = info_span!("mine").entered();
        let begun = Arc::new(AtomicBool::new(false));
        let begins = begun.clone();
        let other = spawn(move || {
            let _guard = set_default(&dispatch);
            begins.store(true, Ordering::Relaxed);
            park();
        });
        while !begun.load(Ordering::Relaxed) {
            yield_now();
        }
        // The other one's default is everybody's on this worker, as it is on any OS thread.
        assert_eq!(here(), None);
        other.thread().unpark();
        other.join().unwrap();
        assert_eq!(here(), Some("mine"));
        drop(span);
        assert_eq!(here(), None);
    });
    let counts = (simple.entries.load(Ordering::Relaxed), simple.exits.load(Ordering::Relaxed));
    assert_eq!(counts, (0, 0));
}

#[test]
fn a_shutdown_unwinds_through_entered_spans() {
    let rt = traced(1);
    let parked: Vec<_> = (0..10u64)
        .map(|owner| {
            rt.spawn(move || {
                let _span = info_span!("parked", owner).entered();
                let ended = catch_unwind(AssertUnwindSafe(park));
                info!(owner);
                resume_unwind(ended.unwrap_err());
            })
        })
        .collect();
    rt.run(|| (0..100).for_each(|_| yield_now()));
    assert!(rt.shutdown(Duration::from_secs(20)));
    assert!(parked.into_iter().all(|thread| thread.join().unwrap_err().is_cancelled()));
    assert_eq!(IN_ANOTHER.load(Ordering::Relaxed), 0);
}
