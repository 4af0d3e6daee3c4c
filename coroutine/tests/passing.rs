//! Delegation and transfer.

#[path = "../../sched/tests/settings/mod.rs"]
mod settings;

use std::cell::{OnceCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use settings::Count;
use sward_coroutine::{Coroutine, Generator, State, Status, Yielder, generator};

/// Delegates `levels` deep; the lowest yields what it hears, until it hears 0.
fn nested(levels: u32) -> Coroutine<u32, u32, u32> {
    Coroutine::new(move |y, first| {
        if levels > 0 {
            return y.delegate(&nested(levels - 1), first).unwrap() + 1;
        }
        let mut heard = first;
        while heard != 0 {
            heard = y.suspend(heard);
        }
        0
    })
}

#[test]
fn values_pass_both_ways_and_the_result_comes_back() {
    for levels in [0, 1, 2, 10] {
        let nested = nested(levels);
        for n in 1..5 {
            assert_eq!(nested.resume(n).unwrap(), State::Yielded(n));
        }
        assert_eq!(nested.resume(0).unwrap(), State::Complete(levels));
    }
}

#[test]
fn ten_thousand_levels_pass_values_and_close() {
    let deep = nested(10_000);
    assert_eq!(deep.resume(7).unwrap(), State::Yielded(7));
    assert_eq!(deep.resume(8).unwrap(), State::Yielded(8));
    assert_eq!(deep.resume(0).unwrap(), State::Complete(10_000));
    let deep = nested(10_000);
    deep.resume(7).unwrap();
    deep.close().unwrap();
    assert_eq!(deep.status(), Status::Done);
    let deep = nested(10_000);
    deep.resume(7).unwrap();
    let panic = catch_unwind(|| deep.throw(Box::new("up"))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"up"));
}

/// A generator that delegates to itself.
#[test]
fn a_generator_delegates_to_itself_ten_thousand_deep() {
    fn up_to(n: u32) -> Generator<u32> {
        generator(move |y| {
            if n > 0 {
                y.delegate(up_to(n - 1).coroutine(), ()).unwrap();
            }
            y.suspend(n);
        })
    }
    // The first is asked of the deepest, and each one passes all that are not done.
    let mut values = up_to(10_000);
    assert!((0..30).all(|n| values.next() == Some(n)));
    drop(values);
    assert!(up_to(100).eq(0..=100));
}

#[test]
fn throws_pass_to_the_lowest_which_may_catch_them() {
    let lowest = Coroutine::new(|y, mut value: &'static str| {
        loop {
            value = match catch_unwind(AssertUnwindSafe(|| y.suspend(value))) {
                Ok("end") => return "ended",
                Ok(value) => value,
                Err(payload) => *payload.downcast::<&str>().unwrap(),
            };
        }
    });
    let highest = Coroutine::new(|y, first| {
        let middle = Coroutine::new(move |y, first| y.delegate(&lowest, first).unwrap());
        y.delegate(&middle, first).unwrap()
    });
    assert_eq!(highest.resume("first").unwrap(), State::Yielded("first"));
    assert_eq!(highest.throw(Box::new("thrown")).unwrap(), State::Yielded("thrown"));
    assert_eq!(highest.resume("value").unwrap(), State::Yielded("value"));
    assert_eq!(highest.resume("end").unwrap(), State::Complete("ended"));
}

#[test]
fn a_close_ends_the_lowest_first_and_its_refusal_is_told() {
    let order = Rc::new(RefCell::new(Vec::new()));
    struct Notes(Rc<RefCell<Vec<u32>>>, u32);
    impl Drop for Notes {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1);
        }
    }
    fn level(n: u32, order: &Rc<RefCell<Vec<u32>>>) -> Coroutine<(), u32, ()> {
        let order = order.clone();
        Coroutine::new(move |y, ()| {
            let _notes = Notes(order.clone(), n);
            if n > 0 {
                y.delegate(&level(n - 1, &order), ()).unwrap();
            }
            let _ = catch_unwind(AssertUnwindSafe(|| y.suspend(n)));
            y.suspend(n + 100);
        })
    }
    let all = level(2, &order);
    assert_eq!(all.resume(()).unwrap(), State::Yielded(0));
    assert_eq!(all.close().unwrap_err().into_yielded(), Some(100));
    assert!(order.borrow().is_empty());
    all.close().unwrap();
    assert_eq!(*order.borrow(), [0, 1, 2]);
}

#[test]
fn to_delegate_to_what_cannot_be_resumed_is_an_error() {
    let done = Coroutine::new(|_: &Yielder<_, u32, _>, n: u32| n);
    done.resume(1).unwrap();
    let asks = Coroutine::new(move |y, first: u32| {
        let error = y.delegate(&done, first).unwrap_err();
        (error.is_finished(), error.into_inner())
    });
    assert_eq!(asks.resume(7).unwrap(), State::Complete((true, 7)));
}

#[test]
fn a_panic_below_goes_on_above() {
    let above = Coroutine::new(|y, ()| {
        let below = Coroutine::new(|y, ()| {
            y.suspend(1);
            resume_unwind(Box::new("below"))
        });
        let _: &Coroutine<_, _, ()> = &below;
        let panic = catch_unwind(AssertUnwindSafe(|| y.delegate(&below, ()))).unwrap_err();
        assert_eq!(below.status(), Status::Done);
        resume_unwind(panic)
    });
    let _: &Coroutine<_, _, ()> = &above;
    above.resume(()).unwrap();
    let panic = catch_unwind(|| above.resume(())).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"below"));
}

type Peer = Coroutine<u32, u32, &'static str>;
type Slot = Rc<OnceCell<Peer>>;

fn set(slot: &Slot, peer: Peer) {
    assert!(slot.set(peer).is_ok());
}

#[test]
fn symmetric_ones_take_turns_and_the_last_one_answers() {
    let slots: [Slot; 3] = Default::default();
    let path = Rc::new(RefCell::new(Vec::new()));
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        let (next, path) = (Rc::downgrade(&slots[(n + 1) % 3]), path.clone());
        set(
            &slots[n],
            Coroutine::new(move |y, mut ball| {
                loop {
                    path.borrow_mut().push(name);
                    if ball == 0 {
                        return name;
                    }
                    if ball == 5 {
                        ball = y.suspend(ball);
                        continue;
                    }
                    let next = next.upgrade().unwrap();
                    ball = y.transfer(next.get().unwrap(), ball - 1).unwrap();
                }
            }),
        );
    }
    let peer = |n: usize| slots[n].get().unwrap();
    assert_eq!(peer(0).resume(7).unwrap(), State::Yielded(5));
    assert_eq!(path.borrow().join(""), "abc");
    assert_eq!([0, 1, 2].map(|n| peer(n).status()), [Status::Suspended; 3]);
    assert_eq!(peer(2).resume(4).unwrap(), State::Complete("a"));
    assert_eq!(path.borrow().join(""), "abccabca");
    assert_eq!(
        [0, 1, 2].map(|n| peer(n).status()),
        [Status::Done, Status::Suspended, Status::Suspended]
    );
    // Nothing happens to who transfers where nobody can go.
    assert_eq!(path.borrow().len(), 8);
}

#[test]
fn a_million_transfers_take_no_stack() {
    let slots: [Slot; 2] = Default::default();
    for n in 0..2 {
        let other = Rc::downgrade(&slots[1 - n]);
        set(
            &slots[n],
            Coroutine::new(move |y, mut ball| {
                while ball > 0 {
                    ball = y.transfer(other.upgrade().unwrap().get().unwrap(), ball - 1).unwrap();
                }
                "over"
            }),
        );
    }
    assert_eq!(slots[0].get().unwrap().resume(1_000_000).unwrap(), State::Complete("over"));
}

#[test]
fn a_transfer_to_what_runs_or_is_done_gives_the_input_back() {
    let done: Slot = Rc::default();
    set(&done, Coroutine::new(|_, _| "done"));
    done.get().unwrap().resume(0).unwrap();
    let this: Slot = Rc::default();
    set(&this, {
        let (this, done) = (Rc::downgrade(&this), done.clone());
        Coroutine::new(move |y, n| {
            let error = y.transfer(done.get().unwrap(), n).unwrap_err();
            assert!(error.is_finished() && error.into_inner() == n);
            let this = this.upgrade().unwrap();
            let error = y.transfer(this.get().unwrap(), n).unwrap_err();
            assert!(error.is_running() && error.into_inner() == n);
            // Nor to one that waits for this one.
            let inner = Coroutine::new({
                let this = this.clone();
                move |y, n| {
                    assert!(y.transfer(this.get().unwrap(), n).unwrap_err().is_running());
                    "inner"
                }
            });
            let _: &Peer = &inner;
            assert_eq!(inner.resume(1).unwrap(), State::Complete("inner"));
            "this"
        })
    });
    assert_eq!(this.get().unwrap().resume(7).unwrap(), State::Complete("this"));
}

#[test]
fn panics_and_closes_after_a_transfer() {
    let (a, b): (Slot, Slot) = Default::default();
    let count = Count::default();
    set(&b, {
        let count = count.on_drop();
        Coroutine::new(move |y, n| {
            let _count = count;
            y.suspend(n + 1);
            resume_unwind(Box::new("b"))
        })
    });
    set(&a, {
        let (b, count) = (b.clone(), count.on_drop());
        Coroutine::new(move |y, n| {
            let _count = count;
            y.transfer(b.get().unwrap(), n).unwrap();
            "a"
        })
    });
    let (a, b) = (a.get().unwrap(), b.get().unwrap());
    assert_eq!(a.resume(1).unwrap(), State::Yielded(2));
    // `a` is where it has transferred, and `b` goes on by itself, with what is thrown, too.
    let panic = catch_unwind(|| b.resume(0)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"b"));
    assert_eq!((a.status(), b.status(), count.get()), (Status::Suspended, Status::Done, 1));
    a.close().unwrap();
    assert_eq!((a.status(), count.get()), (Status::Done, 2));
}

/// Who runs after a transfer may drop its own handle, with whom it came from: it ends when it
/// suspends next.
#[test]
fn one_that_loses_its_handle_while_it_runs_is_closed_when_it_suspends() {
    let count = Count::default();
    let a: Rc<RefCell<Option<Rc<Peer>>>> = Rc::default();
    let resumed = Rc::new(Coroutine::new({
        let (a, count) = (a.clone(), count.clone());
        move |y, n| {
            let counted = count.on_drop();
            let b = Coroutine::new(move |y, n| {
                let _counted = counted;
                // Its handle lies on the stack of `a`, which is closed here.
                let holder = a.borrow_mut().take().unwrap();
                holder.close().unwrap();
                y.suspend(n + 1);
                unreachable!("it has no handle by which it could be resumed");
            });
            y.transfer(&b, n).unwrap();
            "a"
        }
    }));
    *a.borrow_mut() = Some(resumed.clone());
    assert_eq!(resumed.resume(1).unwrap(), State::Yielded(2));
    assert_eq!((resumed.status(), count.get()), (Status::Done, 1));
}

#[test]
fn one_that_transfers_while_it_is_closed_is_not_closed() {
    let other: Slot = Rc::default();
    set(&other, Coroutine::new(|_, _| "other"));
    let this: Peer = Coroutine::new({
        let other = other.clone();
        move |y, n| {
            assert!(catch_unwind(|| y.suspend(n)).is_err() && y.is_closing());
            y.transfer(other.get().unwrap(), n).unwrap();
            "this"
        }
    });
    this.resume(1).unwrap();
    let error = this.close().unwrap_err();
    assert!(error.to_string().contains("transferred") && error.into_yielded().is_none());
    assert_eq!((this.status(), other.get().unwrap().status()), (Status::Suspended, Status::Done));
    this.close().unwrap();
    assert_eq!(this.status(), Status::Done);
}

#[test]
fn generators_are_fused_whoever_has_ended() {
    let other = Rc::new(Coroutine::<(), u32, ()>::new(|_, ()| ()));
    let mut values = generator(move |y| {
        y.suspend(1);
        y.transfer(&other, ()).unwrap();
        y.suspend(2);
    });
    assert_eq!([(); 4].map(|()| values.next()), [Some(1), None, None, None]);
}

#[test]
fn what_there_is_no_way_out_for_is_not_begun() {
    let inner = Rc::new(Coroutine::<(), u32, ()>::new(|y, ()| y.suspend(7)));
    let outer = Coroutine::new({
        let inner = inner.clone();
        move |y, ()| {
            let tried = || sward_sched::uncancellable(|| y.delegate(&inner, ()));
            assert!(catch_unwind(AssertUnwindSafe(tried)).is_err());
            let tried = || sward_sched::uncancellable(|| y.transfer(&inner, ()));
            assert!(catch_unwind(AssertUnwindSafe(tried)).is_err());
            y.delegate(&inner, ()).unwrap();
        }
    });
    assert_eq!(outer.resume(()).unwrap(), State::Yielded(7));
}
