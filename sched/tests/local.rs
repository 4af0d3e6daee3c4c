//! Locals: whose they are, how they begin, who inherits them, and how they end, however their thread
//! does.

mod settings;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use settings::{Count, Counted, LONG, everywhere, in_child, is_child, limited, panicking, until};
use sward_sched::primitive::Mutex;
use sward_sched::runtime::{Builder, Runtime};
use sward_sched::time::{sleep, timeout};
use sward_sched::{
    AccessError, JoinError, JoinHandle, TaskGroup, block_in_place, local, park, run, scope, spawn,
    spawn_local, unblock, yield_now,
};

const SHORT: Duration = Duration::from_millis(1);

/// Does something when it is dropped.
struct Ends(Option<Box<dyn FnOnce() + Send>>);

impl Ends {
    fn by(f: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(f)))
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

local! {
    static NUMBER: Cell<u32> = Cell::new(1);
    static TEXT: RefCell<String> = RefCell::new("text".to_owned());
    /// Dropped at the end of the thread.
    static END: RefCell<Vec<Ends>> = RefCell::default();
    static OTHER_END: RefCell<Vec<Ends>> = RefCell::default();
    inherit static REQUEST: Cell<u32> = Cell::new(0);
}

fn at_the_end(f: impl FnOnce() + Send + 'static) {
    END.with_borrow_mut(|ends| ends.push(Ends::by(f)));
}

fn message(error: JoinError) -> String {
    let payload = error.into_panic();
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn each_thread_has_its_own_and_keeps_it_wherever_it_goes() {
    everywhere(|rt| {
        NUMBER.set(7);
        let threads: Vec<_> = (0..100)
            .map(|i| {
                rt.spawn(move || {
                    assert_eq!(NUMBER.get(), 1);
                    NUMBER.set(i);
                    for round in 0..10 {
                        match (i + round) % 4 {
                            0 => yield_now(),
                            1 => sleep(Duration::from_micros(20)),
                            2 => assert_eq!(spawn(|| NUMBER.get()).join().unwrap(), 1),
                            _ => block_in_place(|| assert_eq!(NUMBER.get(), i + round)),
                        }
                        assert_eq!(NUMBER.replace(i + round + 1), i + round);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(NUMBER.get(), 7);
        thread::spawn(|| assert_eq!(NUMBER.get(), 1)).join().unwrap();
    });
}

#[test]
fn cells_are_used_as_if_they_were_there() {
    run(|| {
        assert_eq!((NUMBER.get(), NUMBER.take(), NUMBER.replace(3), NUMBER.get()), (1, 1, 0, 3));
        TEXT.with_borrow_mut(|text| text.push('!'));
        assert_eq!(TEXT.with_borrow(String::clone), "text!");
        assert_eq!(TEXT.take(), "text!");
        TEXT.set("set".to_owned());
        assert_eq!(TEXT.replace(String::new()), "set");
        assert_eq!(TEXT.with(|text| text.borrow().len()), 0);
        assert!(format!("{TEXT:?}").contains("local::TEXT"));
    });
}

#[test]
fn a_reference_stays_in_place_while_others_come() {
    macro_rules! many {
        ($($name:ident)*) => {
            local! { $(static $name: Vec<u32> = vec![7; 7];)* }
            fn all() -> u32 {
                0 $(+ $name.with(|values| values.iter().sum::<u32>()))*
            }
        };
    }
    many!(A B C D E F G H I J K L M N O P Q R S T U V W X Y Z);
    run(|| {
        NUMBER.with(|number| {
            number.set(5);
            assert_eq!(all(), 26 * 49);
            assert_eq!(number.get(), 5);
        });
    });
}

#[test]
fn an_initialiser_may_block_and_ask_for_others() {
    local! {
        static LENGTH: usize = {
            sleep(SHORT);
            let other = spawn(|| TEXT.with_borrow(String::len)).join().unwrap();
            yield_now();
            other + TEXT.with_borrow(String::len)
        };
    }
    everywhere(|rt| {
        let threads: Vec<_> = (0..10).map(|_| rt.spawn(|| LENGTH.with(|length| *length))).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 8);
        }
        assert_eq!(thread::spawn(|| LENGTH.with(|length| *length)).join().unwrap(), 8);
    });
}

#[test]
fn an_initialiser_that_unwinds_is_run_again() {
    local! {
        static TRIES: Cell<u32> = Cell::new(0);
        static THIRD: u32 = {
            TRIES.set(TRIES.get() + 1);
            match TRIES.get() {
                1 => resume_unwind(Box::new(())),
                2 => sleep(LONG),
                _ => {}
            }
            TRIES.get()
        };
    }
    run(|| {
        assert!(catch_unwind(|| THIRD.with(|_| ())).is_err());
        assert!(timeout(SHORT, || THIRD.with(|_| ())).unwrap_err().is_elapsed());
        assert_eq!(THIRD.with(|third| *third), 3);
        assert_eq!(TRIES.get(), 3);
    });
}

#[test]
fn an_initialiser_that_needs_itself_panics_with_its_name() {
    local! {
        static CHICKEN: u32 = EGG.with(|egg| egg + 1);
        static EGG: u32 = CHICKEN.with(|chicken| chicken + 1);
    }
    let message = message(spawn(|| CHICKEN.with(|_| ())).join().unwrap_err());
    assert!(message.contains("the initialiser of the local `local::CHICKEN` asks"), "{message}");
}

#[test]
fn a_child_inherits_what_its_parent_has_at_the_spawn() {
    fn check(expected: u32) {
        assert_eq!(REQUEST.get(), expected);
        assert_eq!(NUMBER.get(), 1);
    }
    fn spawns_all(rt: &Runtime) {
        let own = REQUEST.get();
        let expected = own;
        let mut handles = vec![
            spawn(move || check(expected)),
            rt.spawn(move || check(expected)),
            sward_sched::Builder::new().name("named").spawn(move || check(expected)),
            sward_sched::Builder::new().dedicated().spawn(move || check(expected)),
        ];
        scope(|s| {
            s.spawn(|| check(own));
            sward_sched::Builder::new().stack_size(1 << 20).spawn_scoped(s, || check(own));
        });
        let children = TaskGroup::new().run(|group| {
            let child = || {
                check(own);
                Ok::<_, ()>(())
            };
            group.spawn(child);
            sward_sched::Builder::new().dedicated().spawn_grouped(group, child);
        });
        children.unwrap();
        sward_sched::race!(check(own), check(own));
        sward_sched::join!(check(own), check(own));
        rt.run(|| {
            check(own);
            spawn_local(move || check(own)).join().unwrap();
            // And so on.
            REQUEST.set(own + 1);
            handles.push(spawn(move || check(own + 1)));
        });
        run(|| check(own));
        // It is too late for those.
        REQUEST.set(own + 10);
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    }
    everywhere(|rt| {
        REQUEST.set(5);
        // An OS thread.
        spawns_all(rt);
        assert_eq!(REQUEST.get(), 15);
        rt.run(|| {
            NUMBER.set(3);
            spawns_all(rt);
        });
        assert_eq!(REQUEST.get(), 15);
    });
}

#[test]
fn what_nobody_has_asked_for_is_not_inherited() {
    local! {
        static MADE: Cell<u32> = Cell::new(0);
        inherit static LAZY: u32 = {
            MADE.set(MADE.get() + 1);
            7
        };
    }
    run(|| {
        let made = || spawn(|| (LAZY.with(|lazy| *lazy), MADE.get())).join().unwrap();
        assert_eq!(made(), (7, 1));
        assert_eq!(MADE.get(), 0);
        LAZY.with(|_| ());
        assert_eq!(made(), (7, 0));
        assert_eq!(unblock(|| MADE.get()), 0);
    });
}

/// Counts its clones and its ends, and clones as it is told to.
struct Cloned {
    clones: Count,
    ends: Count,
    _end: Counted,
    clone: fn(),
}

impl Cloned {
    fn new(clone: fn()) -> Self {
        let ends = Count::default();
        Self { clones: Count::default(), _end: ends.on_drop(), ends, clone }
    }
}

impl Clone for Cloned {
    fn clone(&self) -> Self {
        (self.clone)();
        self.clones.add();
        let Self { clones, ends, clone, .. } = self;
        Self { clones: clones.clone(), _end: ends.on_drop(), ends: ends.clone(), clone: *clone }
    }
}

local! {
    inherit static FIRST: RefCell<Option<Cloned>> = RefCell::new(None);
    inherit static SECOND: RefCell<Option<Cloned>> = RefCell::new(None);
}

#[test]
fn clones_are_made_by_the_one_that_spawns() {
    everywhere(|rt| {
        rt.run(|| {
            let first = Cloned::new(|| {
                yield_now();
                NUMBER.set(NUMBER.get() + 1);
                // It spawns in its turn, and the locals change meanwhile.
                assert_eq!(spawn(|| 7).join().unwrap_or(7), 7);
                OTHER_END.with_borrow(|_| ());
            });
            let (clones, ends) = (first.clones.clone(), first.ends.clone());
            // While it clones nobody else does.
            FIRST.with(|_| ());
            let kept = Arc::new(Mutex::new(Some(first)));
            local! { inherit static SHARED: RefCell<Option<Shared>> = RefCell::new(None); }
            struct Shared(Arc<Mutex<Option<Cloned>>>);
            impl Clone for Shared {
                fn clone(&self) -> Self {
                    let cloned = self.0.lock().take();
                    let copy = cloned.clone();
                    *self.0.lock() = cloned;
                    Self(Arc::new(Mutex::new(copy)))
                }
            }
            SHARED.set(Some(Shared(kept)));
            let child = spawn(|| {
                assert!(SHARED.with_borrow(|shared| shared.as_ref().unwrap().0.lock().is_some()));
            });
            assert_eq!((clones.get(), NUMBER.get()), (1, 2));
            child.join().unwrap();
            assert_eq!((clones.get(), ends.get()), (1, 1));
            drop(SHARED.take());
            assert_eq!(ends.get(), 2);
        });
    });
}

#[test]
fn a_clone_that_panics_stops_the_spawn_and_nothing_else() {
    everywhere(|rt| {
        rt.run(|| {
            let first = Cloned::new(|| ());
            let second = Cloned::new(|| resume_unwind(Box::new("no clone")));
            let ends = first.ends.clone();
            let clones = first.clones.clone();
            FIRST.set(Some(first));
            SECOND.set(Some(second));
            let dropped = Count::default();
            let run_at_all = Count::default();
            let fails = |spawn: &dyn Fn(Counted, Count)| {
                let spawns = || spawn(dropped.on_drop(), run_at_all.clone());
                let payload = catch_unwind(AssertUnwindSafe(spawns)).unwrap_err();
                assert!(payload.is::<&str>());
            };
            fails(&|counted, ran| drop(spawn(move || (drop(counted), ran.add()))));
            fails(&|counted, ran| drop(spawn_local(move || (drop(counted), ran.add()))));
            fails(&|counted, ran| scope(|s| drop(s.spawn(move || (drop(counted), ran.add())))));
            fails(&|counted, ran| _ = run(move || (drop(counted), ran.add())));
            fails(&|counted, ran| drop(rt.spawn(move || (drop(counted), ran.add()))));
            assert_eq!((dropped.get(), run_at_all.get()), (5, 0));
            // Those that went before it are gone, and what was cloned is as it was.
            assert_eq!(clones.get(), ends.get());
            assert!(FIRST.with_borrow(Option::is_some));
            drop(SECOND.take());
            spawn(|| assert!(FIRST.with_borrow(Option::is_some))).join().unwrap();
            drop(FIRST.take());
            assert_eq!(ends.get(), clones.get() + 1);
        });
    });
}

/// Ends a thread in each way: with a value, a panic, a cancel; and says how it was told to.
fn end_in_each_way(rt: &Runtime, begin: impl Fn() -> Box<dyn FnOnce() + Send>) {
    let value = begin();
    rt.spawn(value).join().unwrap();
    let panics = begin();
    let error = rt.spawn(move || {
        panics();
        resume_unwind(Box::new(()));
    });
    assert!(error.join().unwrap_err().is_panic());
    let (waits, begun) = (begin(), Count::default());
    let waiting = rt.spawn({
        let begun = begun.clone();
        move || {
            waits();
            begun.add();
            park();
        }
    });
    until(|| begun.get() == 1);
    waiting.cancel();
    assert!(waiting.join().unwrap_err().is_cancelled());
}

#[test]
fn values_are_dropped_in_their_thread_before_anybody_hears_of_its_end() {
    everywhere(|rt| {
        let ends = Count::default();
        let times = Count::default();
        end_in_each_way(rt, || {
            assert_eq!(ends.get(), times.get());
            times.add();
            let ends = ends.clone();
            Box::new(move || {
                let id = sward_sched::current().id();
                at_the_end(move || {
                    assert_eq!(sward_sched::current().id(), id);
                    assert!(!panicking());
                    // It blocks, and nothing cancels that.
                    sleep(SHORT);
                    yield_now();
                    assert!(spawn(|| true).join().unwrap());
                    assert!(scope(|s| s.spawn(|| true).join().unwrap()));
                    assert!(!panicking());
                    ends.add();
                });
            })
        });
        assert_eq!((times.get(), ends.get()), (3, 3));
        scope(|s| {
            let ends = ends.clone();
            drop(s.spawn(move || {
                at_the_end(move || {
                    sleep(SHORT);
                    ends.add();
                });
            }));
        });
        assert_eq!(ends.get(), 4);
    });
}

#[test]
fn a_shutdown_waits_for_destructors_that_block() {
    limited(|| {
        for workers in [1, 2] {
            let rt = settings::runtime(workers);
            let (begun, ends) = (Count::default(), Count::default());
            let parked: Vec<_> = (0..4)
                .map(|_| {
                    let (begun, ends) = (begun.clone(), ends.clone());
                    rt.spawn(move || {
                        at_the_end(move || {
                            sleep(SHORT);
                            ends.add();
                        });
                        begun.add();
                        park();
                    })
                })
                .collect();
            until(|| begun.get() == 4);
            assert!(rt.shutdown(LONG));
            assert_eq!(ends.get(), 4);
            assert!(parked.into_iter().all(|parked| parked.join().unwrap_err().is_cancelled()));
        }
    });
}

#[test]
fn destructors_use_other_locals_and_not_those_that_are_gone() {
    everywhere(|rt| {
        let ends = Count::default();
        end_in_each_way(rt, || {
            let ends = ends.clone();
            Box::new(move || {
                let (one, other) = (ends.clone(), ends.clone());
                at_the_end(move || {
                    // Its own.
                    assert_eq!(END.try_with(|_| ()), Err(AccessError));
                    assert!(catch_unwind(|| END.with(|_| ())).is_err());
                    // Made in the end; or there before, or gone.
                    assert_eq!(NUMBER.try_with(Cell::get), Ok(1));
                    NUMBER.set(2);
                    assert!(OTHER_END.try_with(|_| ()).is_ok() != (one.get() % 2 == 1));
                    one.add();
                });
                OTHER_END.with_borrow_mut(|ends| {
                    ends.push(Ends::by(move || {
                        assert_eq!(OTHER_END.try_with(|_| ()), Err(AccessError));
                        assert!(END.try_with(|_| ()).is_ok() != (other.get() % 2 == 1));
                        other.add();
                    }));
                });
            })
        });
        assert_eq!(ends.get(), 6);
    });
}

/// And what destructors put in place is dropped, too.
#[test]
fn destructors_make_other_locals() {
    local! { static LATE: RefCell<Option<Counted>> = RefCell::new(None); }
    everywhere(|rt| {
        let ends = Count::default();
        end_in_each_way(rt, || {
            let late = ends.on_drop();
            Box::new(move || at_the_end(move || LATE.set(Some(late))))
        });
        assert_eq!(ends.get(), 3);
    });
}

#[test]
fn a_result_that_nobody_wants_may_use_locals() {
    everywhere(|rt| {
        let ends = Count::default();
        let (own, told) = (ends.clone(), Count::default());
        let telling = told.on_drop();
        let let_go = Count::default();
        let is_let_go = let_go.clone();
        drop(rt.spawn(move || {
            NUMBER.set(5);
            until(|| is_let_go.get() == 1);
            Ends::by(move || {
                assert_eq!(NUMBER.get(), 1);
                at_the_end(move || {
                    own.add();
                    drop(telling);
                });
            })
        }));
        let_go.add();
        until(|| told.get() == 1);
        assert_eq!(ends.get(), 1);
    });
}

#[test]
fn a_stack_that_is_used_again_has_no_locals() {
    limited(|| {
        let rt = Builder::new().workers(1).build().unwrap();
        rt.run(|| {
            for round in 0..100 {
                let threads: Vec<_> = (0..10)
                    .map(|i| {
                        spawn(move || {
                            assert_eq!(NUMBER.get(), 1);
                            assert!(END.with_borrow(Vec::is_empty));
                            assert_eq!(REQUEST.get(), 0);
                            NUMBER.set(i + 2);
                            REQUEST.set(i + 2);
                            at_the_end(|| ());
                            if (i + round) % 3 == 0 {
                                yield_now();
                            }
                        })
                    })
                    .collect();
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            }
        });
    });
}

#[test]
fn a_destructor_that_panics_keeps_no_other_from_running() {
    everywhere(|rt| {
        let ends = Count::default();
        let (one, other) = (ends.on_drop(), ends.on_drop());
        let result = rt.spawn(move || {
            END.with_borrow_mut(|ends| {
                ends.push(Ends::by(move || {
                    let _one = one;
                    resume_unwind(Box::new(Ends::by(|| resume_unwind(Box::new(())))));
                }))
            });
            OTHER_END.with_borrow_mut(|ends| {
                ends.push(Ends::by(move || {
                    let _other = other;
                    resume_unwind(Box::new(()));
                }))
            });
            7
        });
        assert_eq!(result.join().unwrap(), 7);
        assert_eq!(ends.get(), 2);
    });
}

#[test]
fn the_report_of_a_destructor_that_panics_names_its_thread() {
    const TEST: &str = "the_report_of_a_destructor_that_panics_names_its_thread";
    if is_child() {
        let dying = sward_sched::Builder::new().name("dying").spawn(|| {
            at_the_end(|| panic!("last words"));
            7
        });
        assert_eq!(dying.join().unwrap(), 7);
        return;
    }
    let output = in_child(TEST);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    let at = text.find("last words").expect("the hook has printed it");
    let named = text[at..].find("  in a local's destructor, of green thread 'dying' (#");
    assert!(named.is_some(), "{text}");
}

#[test]
fn what_a_thread_has_inherited_that_never_runs_is_dropped_where_it_may_block() {
    everywhere(|rt| {
        // Of threads that are cancelled before they begin, and of those whose runtime has ended.
        let first = Cloned::new(|| ());
        let (clones, ends) = (first.clones.clone(), first.ends.clone());
        let inner = Builder::new().workers(1).build().unwrap();
        rt.run(|| {
            FIRST.set(Some(first));
            SECOND.set(None);
            let handles = Arc::new(Mutex::new(Vec::<JoinHandle<()>>::new()));
            let (own, begun) = (handles.clone(), Count::default());
            let hogging = inner.spawn({
                let begun = begun.clone();
                move || {
                    own.lock().extend((0..3).map(|_| spawn(|| ())));
                    begun.add();
                    park();
                }
            });
            until(|| begun.get() == 1);
            let cancelled: Vec<_> = (0..3).map(|_| spawn_local(|| ())).collect();
            cancelled.iter().for_each(|cancelled| cancelled.cancel());
            for cancelled in cancelled {
                assert!(cancelled.join().unwrap_err().is_cancelled());
            }
            assert!(inner.shutdown(LONG));
            assert!(hogging.join().unwrap_err().is_cancelled());
            for late in std::mem::take(&mut *handles.lock()) {
                let _ = late.join();
            }
            assert_eq!((clones.get(), ends.get()), (7, 7));
            drop(FIRST.take());
            assert_eq!(ends.get(), 8);
        });
    });
}

#[test]
fn refused_threads_drop_what_they_inherited_where_it_may_block() {
    limited(|| {
        let rt = Builder::new().workers(1).build().unwrap();
        // No stack is so large.
        let huge = || sward_sched::Builder::new().stack_size(usize::MAX / 4);
        let ends = Count::default();
        let own = ends.clone();
        local! { inherit static BLOCKS: Blocks = Blocks(Count::default(), false); }
        struct Blocks(Count, bool);
        impl Clone for Blocks {
            fn clone(&self) -> Self {
                Self(self.0.clone(), true)
            }
        }
        impl Drop for Blocks {
            fn drop(&mut self) {
                if self.1 {
                    sleep(SHORT);
                    self.0.add();
                    resume_unwind(Box::new(()));
                }
            }
        }
        rt.run(move || {
            let count = BLOCKS.with(|blocks| blocks.0.clone());
            for round in 1..10 {
                assert!(huge().spawn(|| ()).join().unwrap_err().is_no_stack());
                assert_eq!(count.get(), round);
            }
            own.add();
        });
        assert_eq!(ends.get(), 1);
    });
}

#[test]
fn os_threads_drop_theirs_when_they_end() {
    thread_local! {
        static BEFORE: RefCell<Option<Ends>> = const { RefCell::new(None) };
        static AFTER: RefCell<Option<Ends>> = const { RefCell::new(None) };
    }
    let (ends, missed) = (Count::default(), Count::default());
    let (own, theirs) = (ends.clone(), missed.clone());
    let looks = move || {
        let missed = theirs.clone();
        Some(Ends::by(move || {
            if NUMBER.try_with(|_| ()) == Err(AccessError) {
                missed.add();
            }
        }))
    };
    thread::spawn(move || {
        BEFORE.set(looks());
        NUMBER.set(2);
        AFTER.set(looks());
        let other = own.clone();
        at_the_end(move || {
            assert_eq!(NUMBER.try_with(Cell::get).unwrap_or(2), 2);
            assert_eq!(END.try_with(|_| ()), Err(AccessError));
            other.add();
            resume_unwind(Box::new(()));
        });
        OTHER_END.with_borrow_mut(|ends| ends.push(Ends::by(move || _ = own.add())));
    })
    .join()
    .unwrap();
    assert_eq!(ends.get(), 2);
    // In whatever order std drops its own: one of the two comes after ours.
    assert_eq!(missed.get(), 1);
}

/// Code that a coroutine of another library runs.
mod coroutines {
    use corosensei::stack::DefaultStack;
    pub(crate) use corosensei::{Coroutine, CoroutineResult};

    pub(crate) type Body = Coroutine<(), (), (), DefaultStack>;
}

/// A coroutine borrows a local of one thread, and goes on in another when that is over.
#[test]
fn a_coroutine_that_is_suspended_within_a_local_keeps_it() {
    use coroutines::{Body, Coroutine, CoroutineResult};
    thread_local!(static KEPT: RefCell<Vec<Body>> = const { RefCell::new(Vec::new()) });
    limited(|| {
        let rt = Builder::new().workers(1).build().unwrap();
        let (ends, looks) = (Count::default(), Count::default());
        for _ in 0..10 {
            let (end, own) = (ends.on_drop(), looks.clone());
            rt.run(|| {
                TEXT.set("a text of some length, on the heap".to_owned());
                drop(OTHER_END.replace(vec![Ends::by(move || drop(end))]));
                let mut body: Body = Coroutine::new(move |yielder, ()| {
                    TEXT.with_borrow(|text| {
                        NUMBER.with(|number| {
                            yielder.suspend(());
                            assert_eq!(text, "a text of some length, on the heap");
                            // This is another thread's, and so is what is asked for now.
                            number.set(number.get() + 1);
                            assert_eq!(NUMBER.get(), 77);
                            own.add();
                        });
                    });
                });
                assert!(matches!(body.resume(()), CoroutineResult::Yield(())));
                KEPT.with_borrow_mut(|kept| kept.push(body));
            });
            // Others come and go on that stack.
            rt.run(|| assert!(TEXT.with_borrow(|text| text == "text")));
            let counted = ends.on_drop();
            rt.run(|| {
                NUMBER.set(77);
                let mut body = KEPT.with_borrow_mut(Vec::pop).unwrap();
                assert!(matches!(body.resume(()), CoroutineResult::Return(())));
                assert_eq!(NUMBER.get(), 77);
                // The count of this thread is right: its own are dropped.
                at_the_end(move || drop(counted));
            });
        }
        assert_eq!((looks.get(), ends.get()), (10, 10));
    });
}

/// The same with a coroutine that is suspended in an initialiser, or comes to an end by unwinding.
#[test]
fn a_coroutine_that_is_suspended_within_an_initialiser_may_go_on() {
    use coroutines::{Body, Coroutine, CoroutineResult};
    thread_local!(static KEPT: RefCell<Vec<Body>> = const { RefCell::new(Vec::new()) });
    thread_local!(static PAUSE: Cell<*const ()> = const { Cell::new(std::ptr::null()) });
    local! {
        static SLOW: String = {
            let yielder = PAUSE.get().cast::<corosensei::Yielder<(), ()>>();
            // SAFETY: the coroutine that runs this has put it there.
            if let Some(yielder) = unsafe { yielder.as_ref() } {
                yielder.suspend(());
            }
            "slow".to_owned()
        };
    }
    limited(|| {
        let rt = Builder::new().workers(1).build().unwrap();
        for is_resumed in [true, false] {
            rt.run(|| {
                let mut body: Body = Coroutine::new(|yielder, ()| {
                    PAUSE.set(std::ptr::from_ref(yielder).cast());
                    assert_eq!(SLOW.with(String::clone), "slow");
                });
                assert!(matches!(body.resume(()), CoroutineResult::Yield(())));
                PAUSE.set(std::ptr::null());
                KEPT.with_borrow_mut(|kept| kept.push(body));
                // It has begun, in this very thread.
                assert!(catch_unwind(|| SLOW.with(|_| ())).is_err());
            });
            rt.run(|| {
                assert_eq!(SLOW.with(String::clone), "slow");
                let mut body = KEPT.with_borrow_mut(Vec::pop).unwrap();
                if is_resumed {
                    assert!(matches!(body.resume(()), CoroutineResult::Return(())));
                }
                drop(body);
                assert_eq!(SLOW.with(String::clone), "slow");
            });
        }
    });
}
