//! Panics, throws and closes, at every point where a coroutine can be.

#[path = "../../sched/tests/settings/mod.rs"]
mod settings;

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::rc::Rc;

use settings::{Count, in_child, is_child, panicking};
use sward_coroutine::{Coroutine, State, Status, Yielder, generator, scoped};

fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(f))
}

#[track_caller]
fn assert_raises<T: std::fmt::Debug>(what: &str, f: impl FnOnce() -> T) {
    let payload = caught(f).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&what));
}

/// A coroutine that suspends three times, and holds what counts its end.
fn three(count: &Count) -> Coroutine<(), u32, u32> {
    let (captured, count) = (count.on_drop(), count.clone());
    Coroutine::new(move |y, ()| {
        let _captured = captured;
        for n in 0..3 {
            let _each = count.on_drop();
            y.suspend(n);
        }
        3
    })
}

/// Where a coroutine may be: after so many turns; and what it holds there.
const POINTS: [(u32, usize); 4] = [(0, 1), (1, 2), (2, 2), (3, 2)];

#[test]
fn a_close_unwinds_from_every_point() {
    for (turns, held) in POINTS {
        for drops in [false, true] {
            let count = Count::default();
            let three = three(&count);
            (0..turns).for_each(|n| assert_eq!(three.resume(()).unwrap(), State::Yielded(n)));
            let before = count.get();
            if drops {
                drop(three);
            } else {
                three.close().unwrap();
                assert_eq!(three.status(), Status::Done);
                assert!(three.close().is_ok() && three.resume(()).unwrap_err().is_finished());
            }
            assert_eq!(count.get() - before, held, "after {turns} turns");
            assert!(!panicking());
        }
    }
}

#[test]
fn a_throw_raises_at_every_point() {
    for (turns, held) in POINTS {
        let count = Count::default();
        let three = three(&count);
        (0..turns).for_each(|n| assert_eq!(three.resume(()).unwrap(), State::Yielded(n)));
        let before = count.get();
        assert_raises("thrown", || three.throw(Box::new("thrown")));
        assert_eq!((three.status(), count.get() - before), (Status::Done, held));
        assert!(!panicking());
    }
}

#[test]
fn a_panic_at_every_point_goes_on_in_who_has_resumed() {
    for turns in 0..3 {
        let count = Count::default();
        let counted = count.on_drop();
        let panics = Coroutine::new(move |y, ()| {
            let _counted = counted;
            for n in 0..turns {
                y.suspend(n);
            }
            resume_unwind(Box::new("from inside"))
        });
        let _: &Coroutine<_, _, ()> = &panics;
        (0..turns).for_each(|n| assert_eq!(panics.resume(()).unwrap(), State::Yielded(n)));
        assert_raises("from inside", || panics.resume(()));
        assert_eq!((panics.status(), count.get()), (Status::Done, 1));
        assert!(panics.resume(()).unwrap_err().is_finished());
        assert!(!panicking());
    }
    let mut panics = generator(|y| {
        y.suspend(1);
        resume_unwind(Box::new("from inside"));
    });
    assert_eq!(panics.next(), Some(1));
    assert_raises("from inside", || panics.next());
    assert_eq!((panics.next(), panics.next()), (None, None));
}

#[test]
fn what_is_thrown_can_be_caught_and_answered() {
    let careful = Coroutine::new(|y, ()| {
        let mut heard = Vec::new();
        while heard.len() < 3 {
            match y.try_suspend(heard.len()) {
                Ok(()) => heard.push("value"),
                Err(payload) => heard.push(payload.downcast_ref::<&str>().unwrap()),
            }
        }
        heard
    });
    assert_eq!(careful.resume(()).unwrap(), State::Yielded(0));
    assert_eq!(careful.throw(Box::new("one")).unwrap(), State::Yielded(1));
    assert_eq!(careful.resume(()).unwrap(), State::Yielded(2));
    let last = careful.throw(Box::new("two")).unwrap();
    assert_eq!(last, State::Complete(vec!["one", "value", "two"]));
}

#[test]
fn a_close_that_is_caught_ends_or_is_an_error() {
    // It returns.
    let returns = Coroutine::new(|y, ()| caught(|| y.suspend(())).is_err());
    returns.resume(()).unwrap();
    returns.close().unwrap();
    assert_eq!(returns.status(), Status::Done);
    // It suspends again, and can be closed once more.
    let stubborn = Coroutine::new(|y, ()| {
        for n in 1..3 {
            let _ = caught(|| y.suspend(n));
        }
        y.suspend(3);
    });
    stubborn.resume(()).unwrap();
    assert_eq!(stubborn.close().unwrap_err().into_yielded(), Some(2));
    assert_eq!(stubborn.status(), Status::Suspended);
    assert_eq!(stubborn.resume(()).unwrap(), State::Yielded(3));
    stubborn.close().unwrap();
    // It panics with something else.
    let panics = Coroutine::new(|y, ()| {
        let _ = caught(|| y.suspend(()));
        resume_unwind(Box::new("instead"));
    });
    panics.resume(()).unwrap();
    assert_raises("instead", || panics.close());
    assert_eq!(panics.status(), Status::Done);
    // Its destructor panics: when it is dropped, too.
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            if !panicking() {
                panic_any("never");
            }
        }
    }
    let fine = Coroutine::new(|y, ()| {
        let _panics = Panics;
        y.suspend(());
    });
    fine.resume(()).unwrap();
    fine.close().unwrap();
}

#[test]
fn a_drop_goes_on_with_the_panic_of_what_it_closes() {
    let panics = || {
        let it = Coroutine::new(|y, ()| {
            let _ = caught(|| y.suspend(()));
            resume_unwind(Box::new("in the end"))
        });
        let _: &Coroutine<(), (), ()> = &it;
        it.resume(()).unwrap();
        it
    };
    assert_raises("in the end", || drop(panics()));
    // While something else unwinds, that goes on.
    assert_raises("first", || {
        let _it = panics();
        resume_unwind(Box::new("first"));
    });
    // A body that never ran, whose captured value panics.
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            resume_unwind(Box::new("captured"));
        }
    }
    let captured = Panics;
    let fresh = Coroutine::new(move |y, ()| {
        let _captured = &captured;
        y.suspend(());
    });
    assert_raises("captured", || fresh.close());
    assert!(!panicking());
}

/// Suspends in its destructor.
struct Suspends<'a>(&'a Yielder<(), &'static str>, &'static str);

impl Drop for Suspends<'_> {
    fn drop(&mut self) {
        assert!(panicking());
        self.0.suspend(self.1);
        assert!(panicking());
    }
}

#[test]
fn one_that_suspends_while_it_unwinds_takes_its_panic_along() {
    let unwinds = Coroutine::new(|y, ()| {
        let _last = Suspends(y, "last");
        let _first = Suspends(y, "first");
        y.suspend("before");
        resume_unwind(Box::new("from inside"))
    });
    assert_eq!(unwinds.resume(()).unwrap(), State::Yielded("before"));
    for at in ["first", "last"] {
        assert_eq!(unwinds.resume(()).unwrap(), State::Yielded(at));
        assert!(!panicking());
        // Nothing can be raised there.
        assert_eq!(unwinds.status(), Status::Suspended);
        assert!(unwinds.close().unwrap_err().into_yielded().is_none());
        assert!(!unwinds.throw(Box::new(())).unwrap_err().is_finished());
        // A panic here is one of its own.
        assert_raises("other", || resume_unwind(Box::new("other")));
    }
    assert_raises("from inside", || unwinds.resume(()));
    assert!(!panicking());
    // As it is closed.
    let unwinds = Coroutine::new(|y, ()| {
        let _last = Suspends(y, "last");
        y.suspend("before");
    });
    unwinds.resume(()).unwrap();
    assert_eq!(unwinds.close().unwrap_err().into_yielded(), Some("last"));
    assert!(!panicking());
    assert_raises("x", || resume_unwind(Box::new("x")));
    // It is still the close that it unwinds for, and there is no result.
    let payload = caught(|| unwinds.resume(())).unwrap_err();
    assert!(payload.downcast_ref::<&str>().unwrap().contains("it was closed") && !panicking());
    assert_eq!(unwinds.status(), Status::Done);
    let mut values = generator(|y| {
        let _last = Suspends(y, "last");
        y.suspend("before");
    });
    assert_eq!(values.next(), Some("before"));
    assert_eq!(values.coroutine().close().unwrap_err().into_yielded(), Some("last"));
    assert_eq!((values.next(), values.next()), (None, None));
}

/// Calls something in its destructor.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn one_that_is_resumed_while_its_thread_unwinds_does_not_panic() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let mut values = generator(|y| {
        loop {
            y.suspend(panicking());
            // Its own panics come and go.
            assert!(caught(|| resume_unwind(Box::new(()))).is_err());
        }
    });
    assert_raises("outer", || {
        let _asks = OnDrop(|| {
            assert!(panicking());
            seen.borrow_mut().push(values.next().unwrap());
            let made_here = Coroutine::new(|y, ()| y.suspend(panicking()));
            seen.borrow_mut().push(made_here.resume(()).unwrap().yielded().unwrap());
            assert!(panicking());
        });
        resume_unwind(Box::new("outer"));
    });
    seen.borrow_mut().push(values.next().unwrap());
    assert_eq!(*seen.borrow(), [false, false, false]);
    assert!(!panicking());
}

#[test]
fn panics_nest_through_stacks_and_are_counted_right() {
    // Outer unwinds, and in its destructor resumes inner, which suspends while it unwinds.
    let inner = Rc::new(Coroutine::new(|y, ()| {
        let _suspends = Suspends(y, "inner unwinds");
        resume_unwind(Box::new("inner"))
    }));
    let _: &Coroutine<_, _, ()> = &inner;
    let outer = Coroutine::new({
        let inner = inner.clone();
        move |y, ()| {
            let _asks = OnDrop(|| {
                let state = inner.resume(()).unwrap();
                assert!(panicking());
                y.suspend(state.yielded().unwrap());
                assert!(panicking());
            });
            resume_unwind(Box::new("outer"))
        }
    });
    let _: &Coroutine<_, _, ()> = &outer;
    assert_eq!(outer.resume(()).unwrap(), State::Yielded("inner unwinds"));
    assert!(!panicking());
    assert_raises("inner", || inner.resume(()));
    assert!(!panicking());
    assert_raises("outer", || outer.resume(()));
    assert!(!panicking());
}

#[test]
fn one_that_is_closed_by_another_that_is_closed() {
    let count = Count::default();
    let make = |n: u32, count: &Count| {
        let count = count.clone();
        fn level(n: u32, count: Count) -> Coroutine<(), u32, ()> {
            Coroutine::new(move |y, ()| {
                let _counted = count.on_drop();
                if n > 0 {
                    let below = level(n - 1, count.clone());
                    below.resume(()).unwrap();
                    y.suspend(n);
                } else {
                    y.suspend(0);
                }
            })
        }
        level(n, count)
    };
    let deep = make(100, &count);
    deep.resume(()).unwrap();
    deep.close().unwrap();
    assert_eq!(count.get(), 101);
    assert_raises("x", || {
        let deep = make(10, &count);
        deep.resume(()).unwrap();
        resume_unwind(Box::new("x"))
    });
    assert_eq!(count.get(), 112);
    assert!(!panicking());
}

#[test]
fn one_may_drop_the_last_handle_that_others_have_of_it() {
    // It has the only strong handle of itself once it has begun.
    let this: Rc<OnceCell<Coroutine<(), (), ()>>> = Rc::default();
    let seen = Rc::new(Cell::new(false));
    let _ = this.set(Coroutine::new({
        let (this, seen) = (this.clone(), seen.clone());
        move |y, ()| {
            let this = this;
            y.suspend(());
            seen.set(this.get().unwrap().status() == Status::Running);
        }
    }));
    this.get().unwrap().resume(()).unwrap();
    this.get().unwrap().resume(()).unwrap();
    assert!(seen.get());
    assert_eq!(this.get().unwrap().status(), Status::Done);
}

#[test]
fn a_suspended_one_that_will_not_end_is_leaked_with_a_word() {
    if is_child() {
        let stubborn = Coroutine::new(|y, ()| {
            loop {
                let _ = caught(|| y.suspend(()));
            }
        });
        let _: &Coroutine<_, _, ()> = &stubborn;
        stubborn.resume(()).unwrap();
        drop(stubborn);
        let unwinds = Coroutine::new(|y, ()| {
            let _suspends = Suspends(y, "here");
            resume_unwind(Box::new(()))
        });
        let _: &Coroutine<_, _, ()> = &unwinds;
        unwinds.resume(()).unwrap();
        drop(unwinds);
        assert!(!panicking());
        return;
    }
    let child = in_child("a_suspended_one_that_will_not_end_is_leaked_with_a_word");
    let stderr = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{stderr}");
    assert_eq!(stderr.matches("Its stack is leaked").count(), 2, "{stderr}");
}

#[test]
fn in_a_scope_it_ends_the_process() {
    if is_child() {
        let words = ["lent".to_owned()];
        scoped(|c| {
            let stubborn = c.coroutine(|y, ()| {
                loop {
                    let _ = caught(|| y.suspend(words[0].len()));
                }
            });
            let _: &Coroutine<_, _, ()> = &stubborn;
            stubborn.resume(()).unwrap();
            std::mem::forget(stubborn);
        });
        unreachable!("what is lent would be used after its time");
    }
    let child = in_child("in_a_scope_it_ends_the_process");
    let stderr = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success() && stderr.contains("of a scope did not end"), "{stderr}");
}

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new(self.0));
    }
}

/// Returns, or suspends with, what panics when nobody wants it.
#[test]
fn what_a_close_leaves_may_panic_when_it_is_dropped() {
    let returns = || {
        let it = Coroutine::<(), (), _>::new(|y, ()| {
            let _ = caught(|| y.suspend(()));
            Bomb("returned")
        });
        it.resume(()).ok();
        it
    };
    let suspends = || {
        let it = Coroutine::<(), _, ()>::new(|y, ()| {
            let _ = caught(|| y.suspend(Bomb("first")));
            y.suspend(Bomb("second"));
        });
        std::mem::forget(it.resume(()));
        it
    };
    let one = returns();
    assert_raises("returned", || one.close());
    assert_eq!(one.status(), Status::Done);
    assert_raises("returned", || drop(returns()));
    assert_raises("other", || {
        let _it = returns();
        resume_unwind(Box::new("other"));
    });
    assert_raises("other", || {
        let _it = suspends();
        resume_unwind(Box::new("other"));
    });
    assert!(!panicking());
    // All of them are closed nevertheless.
    let ends = Count::default();
    assert_raises("returned", || {
        scoped(|c| {
            let waits = c.coroutine(|y, ()| {
                let _end = ends.on_drop();
                y.suspend(());
            });
            waits.resume(()).unwrap();
            std::mem::forget(waits);
            for _ in 0..2 {
                let bomb = c.coroutine::<_, (), _, _>(|y, ()| {
                    let _end = ends.on_drop();
                    let _ = caught(|| y.suspend(()));
                    Bomb("returned")
                });
                bomb.resume(()).ok();
                std::mem::forget(bomb);
            }
        })
    });
    assert_eq!(ends.get(), 3);
    // And so may what the scope itself has returned, or panicked with.
    let bombs = |result: Result<Bomb, &'static str>| {
        scoped(|c| {
            let bomb = c.coroutine::<_, (), _, _>(|y, ()| {
                let _ = caught(|| y.suspend(()));
                Bomb("returned")
            });
            bomb.resume(()).ok();
            std::mem::forget(bomb);
            result.unwrap_or_else(|what| resume_unwind(Box::new(what)))
        })
    };
    assert_raises("returned", || std::mem::forget(bombs(Ok(Bomb("value")))));
    assert_raises("first", || std::mem::forget(bombs(Err("first"))));
    assert!(!panicking());
}
