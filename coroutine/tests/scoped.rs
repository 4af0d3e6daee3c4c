//! Coroutines that borrow.

#[path = "../../sched/tests/settings/mod.rs"]
mod settings;

use std::cell::{Cell, RefCell};
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::{Rc, Weak};

use settings::panicking;
use sward_coroutine::{Builder, Coroutine, ScopedCoroutine, State, Status, scoped};

/// Notes its end.
struct Notes<'a>(&'a RefCell<Vec<u32>>, u32);

impl Drop for Notes<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[test]
fn what_is_borrowed_can_be_changed_and_is_back_afterwards() {
    let mut log = Vec::new();
    let source = vec![1, 2, 3];
    let sum: i32 = scoped(|c| {
        let values = c.generator(|y| {
            for value in &source {
                log.push(*value);
                y.suspend(value);
            }
        });
        values.copied().sum()
    });
    log.push(sum);
    assert_eq!(log, [1, 2, 3, 6]);
}

#[test]
fn those_that_are_suspended_or_forgotten_are_closed() {
    let ends = RefCell::new(Vec::new());
    scoped(|c| {
        let ends = &ends;
        for n in 0..5 {
            let one = c.coroutine(move |y, ()| {
                let _notes = Notes(ends, n);
                y.suspend(());
            });
            one.resume(()).unwrap();
            match n {
                0 => drop(one),
                1 => one.close().unwrap(),
                2 => drop(one.resume(()).unwrap()),
                _ => forget(one),
            }
        }
        assert_eq!(*ends.borrow(), [0, 1, 2]);
        let fresh = c.coroutine(|y, ()| y.suspend(()));
        forget(fresh);
    });
    // The last that was made goes first.
    assert_eq!(*ends.borrow(), [0, 1, 2, 4, 3]);
}

#[test]
fn those_that_hold_others_are_closed_with_them() {
    let ends = RefCell::new(Vec::new());
    scoped(|c| {
        let outer = c.coroutine(|y, ()| {
            let _notes = Notes(&ends, 1);
            let inner = c.coroutine(|y, ()| {
                let _notes = Notes(&ends, 2);
                y.suspend(());
            });
            inner.resume(()).unwrap();
            y.suspend(());
        });
        outer.resume(()).unwrap();
        // One that makes another while it is closed.
        let late = c.coroutine(|y, ()| {
            let _ = catch_unwind(AssertUnwindSafe(|| y.suspend(())));
            let new = c.coroutine(|y, ()| {
                let _notes = Notes(&ends, 3);
                y.suspend(());
            });
            new.resume(()).unwrap();
            forget(new);
        });
        late.resume(()).unwrap();
        forget((outer, late));
    });
    let mut ends = ends.into_inner();
    ends.sort();
    assert_eq!(ends, [1, 2, 3]);
}

#[test]
fn all_are_closed_when_it_panics_and_the_first_panic_goes_on() {
    let ends = RefCell::new(Vec::new());
    let result = catch_unwind(AssertUnwindSafe(|| {
        scoped(|c| {
            let ends = &ends;
            for n in 0..3 {
                let one = c.coroutine(move |y, ()| {
                    let _notes = Notes(ends, n);
                    let _ = catch_unwind(AssertUnwindSafe(|| y.suspend(())));
                    resume_unwind(Box::new("while it was closed"))
                });
                let _: &Coroutine<_, _, ()> = &one;
                one.resume(()).unwrap();
                forget(one);
            }
            if ends.borrow().is_empty() {
                resume_unwind(Box::new("first"));
            }
        })
    }));
    assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"first"));
    assert_eq!(*ends.borrow(), [2, 1, 0]);
    let result = catch_unwind(|| {
        scoped(|c| {
            let one = c.coroutine(|y, ()| {
                let _ = catch_unwind(AssertUnwindSafe(|| y.suspend(())));
                resume_unwind(Box::new("while it was closed"))
            });
            let _: &Coroutine<_, _, ()> = &one;
            one.resume(()).unwrap();
            forget(one);
        })
    });
    assert_eq!(result.unwrap_err().downcast_ref::<&str>(), Some(&"while it was closed"));
    assert!(!panicking());
}

#[test]
fn they_may_be_kept_in_what_lies_inside_and_transfer() {
    let seven = Cell::new(7);
    scoped(|c| {
        let b: ScopedCoroutine<'_, u32, u32, ()> = c.coroutine(|y, n| {
            y.suspend(n + seven.get());
        });
        let a = c.coroutine(move |y, n| {
            y.transfer(&b, n).unwrap();
        });
        assert_eq!(a.resume(1).unwrap().yielded(), Some(8));
        assert_eq!(a.status(), Status::Suspended);
    });
    assert_eq!(seven.get(), 7);
}

#[test]
fn scopes_nest_and_suspend() {
    let text = "a b c".to_owned();
    let words = scoped(|c| {
        let outer = c.generator(|y| {
            scoped(|c| {
                let inner = c.generator(|y| text.split(' ').for_each(|word| y.suspend(word)));
                inner.for_each(|word| y.suspend(word));
            });
        });
        outer.take(2).collect::<Vec<_>>()
    });
    assert_eq!(words, ["a", "b"]);
}

#[test]
fn their_stacks_are_used_again_when_handles_are_forgotten() {
    for _ in 0..100_000 {
        scoped(|c| {
            let one = Builder::new().build_scoped(c, |y, ()| y.suspend(())).unwrap();
            one.resume(()).unwrap();
            forget(one);
        });
    }
}

/// One that is active when it loses its handle, since it was transferred to and has resumed whoever had
/// it, is ended by its scope; and by nobody else.
#[test]
fn one_that_loses_its_handle_while_it_runs_is_ended_by_its_scope() {
    type This = Coroutine<(), (), ()>;
    let this: Rc<RefCell<Weak<This>>> = Rc::default();
    let resumed = Rc::new(This::new({
        let this = this.clone();
        move |y, ()| {
            let this = this.borrow().upgrade().unwrap();
            scoped(|c| {
                let inner = c.coroutine(|y, ()| {
                    this.resume(()).unwrap();
                    y.transfer(&this, ()).unwrap();
                });
                y.transfer(&inner, ()).unwrap();
                drop(inner);
                y.suspend(());
            });
        }
    }));
    *this.borrow_mut() = Rc::downgrade(&resumed);
    assert_eq!(resumed.resume(()).unwrap(), State::Complete(()));
    assert_eq!(resumed.status(), Status::Done);
}

#[test]
fn a_handle_that_a_closed_one_holds_may_be_of_one_that_another_has_ended() {
    let ends = RefCell::new(Vec::new());
    scoped(|c| {
        let last = Rc::new(c.coroutine(|y, ()| {
            let _notes = Notes(&ends, 1);
            y.suspend(());
        }));
        let ends_it = c.coroutine({
            let last = last.clone();
            let ends = &ends;
            move |y, ()| {
                let _notes = Notes(ends, 2);
                let _ = catch_unwind(AssertUnwindSafe(|| y.suspend(())));
                last.resume(()).unwrap();
            }
        });
        last.resume(()).unwrap();
        ends_it.resume(()).unwrap();
        forget((last, ends_it));
    });
    assert_eq!(*ends.borrow(), [1, 2]);
}
