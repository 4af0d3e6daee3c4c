//! Values in and out, states, and errors.

#[path = "../../sched/tests/settings/mod.rs"]
mod settings;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use settings::Count;
use sward_coroutine::{Builder, Coroutine, State, Status, generator, is_yieldable, running, wrap};

#[test]
fn values_of_all_sizes_pass_both_ways() {
    fn check<T: Clone + PartialEq + std::fmt::Debug + 'static>(values: [T; 3]) {
        let [a, b, c] = values.clone();
        let echo = Coroutine::new(|y, first: T| {
            let second = y.suspend(first);
            let third = y.suspend(second);
            (third.clone(), third)
        });
        assert_eq!(echo.resume(a.clone()).unwrap(), State::Yielded(a));
        assert_eq!(echo.resume(b.clone()).unwrap(), State::Yielded(b));
        assert_eq!(echo.resume(c.clone()).unwrap(), State::Complete((c.clone(), c)));
    }
    #[derive(Clone, Debug, PartialEq)]
    #[repr(align(128))]
    struct Aligned(u8);
    check([(), (), ()]);
    check([1u8, 2, 3]);
    check([1u64, u64::MAX, 0]);
    check([1u128, u128::MAX, 0]);
    check(["a".to_owned(), String::new(), "c".repeat(100)]);
    check([Some(Box::new(1)), None, Some(Box::new(3))]);
    check([[1u64; 100], [2; 100], [3; 100]]);
    check([Aligned(1), Aligned(2), Aligned(3)]);
}

#[test]
fn bodies_of_all_sizes_run() {
    fn check<const N: usize>() {
        let captured = [7u8; N];
        let sum = Coroutine::new(move |y, ()| {
            y.suspend(());
            captured.iter().map(|byte| u64::from(*byte)).sum::<u64>()
        });
        sum.resume(()).unwrap();
        assert_eq!(sum.resume(()).unwrap(), State::Complete(7 * N as u64));
        drop(Coroutine::<(), (), _>::new(move |_, ()| captured.len()));
    }
    check::<0>();
    check::<1>();
    check::<511>();
    check::<512>();
    check::<513>();
    check::<10_000>();

    #[repr(align(512))]
    struct Aligned(u8);
    #[repr(align(1024))]
    struct MoreAligned(u8);
    let (aligned, more) = (Aligned(7), MoreAligned(8));
    let address = Coroutine::<_, (), _>::new(move |_, ()| {
        let aligned = aligned;
        ((&raw const aligned).addr() % 512, aligned.0)
    });
    assert_eq!(address.resume(()).unwrap(), State::Complete((0, 7)));
    let address = Coroutine::<_, (), _>::new(move |_, ()| {
        let more = more;
        ((&raw const more).addr() % 1024, more.0)
    });
    assert_eq!(address.resume(()).unwrap(), State::Complete((0, 8)));
}

#[test]
fn what_is_not_resumed_is_dropped_and_nothing_twice() {
    let count = Count::default();
    {
        let counted = count.on_drop();
        let fresh = Coroutine::<(), (), _>::new(move |_, ()| drop(counted));
        assert_eq!(fresh.status(), Status::Suspended);
    }
    assert_eq!(count.get(), 1);
    let echo = Coroutine::new(|y, mut value| {
        loop {
            value = y.suspend(value);
        }
    });
    let _: &Coroutine<_, _, ()> = &echo;
    for n in 0..10 {
        let echoed = echo.resume(count.on_drop()).unwrap().yielded();
        assert_eq!(count.get(), 1 + n);
        drop(echoed);
    }
    assert_eq!(count.get(), 11);
    drop(echo);
    assert_eq!(count.get(), 11);
}

#[test]
fn a_finished_one_gives_the_input_back() {
    let done = Coroutine::<Box<u32>, (), _>::new(|_, value| *value);
    assert_eq!(done.resume(Box::new(1)).unwrap(), State::Complete(1));
    assert_eq!(done.status(), Status::Done);
    for n in 2..4 {
        let error = done.resume(Box::new(n)).unwrap_err();
        assert!(error.is_finished() && !error.is_running());
        assert_eq!(*error.into_inner(), n);
    }
    let error = done.throw(Box::new("kept")).unwrap_err();
    assert!(error.is_finished());
    assert_eq!(*error.into_inner().downcast::<&str>().unwrap(), "kept");
}

/// The four states of two coroutines, from everywhere.
#[test]
fn states_are_luas() {
    type Shared = Rc<OnceCell<Coroutine<(), (), ()>>>;
    let (outer, inner) = (Shared::default(), Shared::default());
    let states = Rc::new(RefCell::new(Vec::new()));
    let note = {
        let (outer, inner, states) = (outer.clone(), inner.clone(), states.clone());
        move |at: &'static str| {
            let status = |of: &Shared| of.get().unwrap().status();
            states.borrow_mut().push((at, status(&outer), status(&inner)));
        }
    };
    let _ = inner.set(Coroutine::new({
        let (note, outer) = (note.clone(), outer.clone());
        move |y, ()| {
            note("inner");
            assert!(outer.get().unwrap().resume(()).unwrap_err().is_running());
            assert!(outer.get().unwrap().close().unwrap_err().is_running());
            assert!(outer.get().unwrap().throw(Box::new(())).unwrap_err().is_running());
            y.suspend(());
        }
    }));
    let _ = outer.set(Coroutine::new({
        let (note, inner, outer) = (note.clone(), inner.clone(), outer.clone());
        move |y, ()| {
            note("outer, first");
            assert!(outer.get().unwrap().resume(()).unwrap_err().is_running());
            inner.get().unwrap().resume(()).unwrap();
            note("outer, after inner");
            y.suspend(());
            inner.get().unwrap().resume(()).unwrap();
            note("outer, last");
        }
    }));
    note("before");
    outer.get().unwrap().resume(()).unwrap();
    note("between");
    outer.get().unwrap().resume(()).unwrap();
    note("after");
    use Status::{Done, Normal, Running, Suspended};
    let expected = [
        ("before", Suspended, Suspended),
        ("outer, first", Running, Suspended),
        ("inner", Normal, Running),
        ("outer, after inner", Running, Suspended),
        ("between", Suspended, Suspended),
        ("outer, last", Running, Done),
        ("after", Done, Done),
    ];
    assert_eq!(*states.borrow(), expected);
}

#[test]
fn code_knows_the_innermost_that_it_runs_in() {
    assert_eq!((running(), is_yieldable()), (None, false));
    let outer = Coroutine::new(|y, ()| {
        let this = running().unwrap();
        assert!(is_yieldable());
        let inner = Coroutine::new(|y, ()| {
            y.suspend(running());
            running()
        });
        assert_eq!(inner.resume(()).unwrap(), State::Yielded(Some(inner.id())));
        assert_eq!(running(), Some(this));
        assert_eq!(inner.resume(()).unwrap(), State::Complete(Some(inner.id())));
        assert_ne!(inner.id(), this);
        y.suspend(this);
    });
    let id = outer.id();
    assert_eq!(outer.resume(()).unwrap(), State::Yielded(id));
    assert_eq!((running(), is_yieldable()), (None, false));
    outer.close().unwrap();
    assert_eq!(outer.id(), id);
}

#[test]
fn numbers_are_never_used_twice() {
    let mut ids: Vec<_> = (0..1000)
        .map(|n| {
            let of = Coroutine::new(move |y, ()| y.suspend(n));
            assert_eq!(of.resume(()).unwrap(), State::Yielded(n));
            of.id()
        })
        .collect();
    ids.extend(std::thread::scope(|s| {
        let elsewhere = || (0..1000).map(|_| Coroutine::new(|y, ()| y.suspend(())).id());
        s.spawn(move || elsewhere().collect::<Vec<_>>()).join().unwrap()
    }));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2000);
}

#[test]
fn a_wrapped_one_is_a_function_which_panics_after_the_end() {
    let mut twice = wrap(|y, n: u32| y.suspend(n * 2));
    assert_eq!(twice(4), State::Yielded(8));
    assert_eq!(twice(5), State::Complete(5));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| twice(6))).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("finished"));
}

#[test]
fn generators_are_fused_and_lazy() {
    let asked = Rc::new(Cell::new(0));
    let mut numbers = generator({
        let asked = asked.clone();
        move |y| {
            for n in 0..3 {
                asked.set(asked.get() + 1);
                y.suspend(n);
            }
        }
    });
    assert_eq!(asked.get(), 0);
    assert_eq!((numbers.next(), asked.get()), (Some(0), 1));
    assert_eq!(numbers.by_ref().collect::<Vec<_>>(), [1, 2]);
    assert_eq!((numbers.next(), numbers.next()), (None, None));
    let endless = generator(|y| (0..i32::MAX).for_each(|n| y.suspend(n)));
    assert_eq!(endless.step_by(1000).take(3).collect::<Vec<i32>>(), [0, 1000, 2000]);
}

#[test]
fn ten_thousand_at_a_time_keep_their_places() {
    let mut all: Vec<_> =
        (0..10_000u64).map(|n| generator(move |y| (0..3).for_each(|i| y.suspend(n * i)))).collect();
    for i in 0..3 {
        for (n, one) in all.iter_mut().enumerate() {
            assert_eq!(one.next(), Some(n as u64 * i));
        }
    }
    assert!(all.iter_mut().all(|one| one.next().is_none()));
}

#[test]
fn stacks_are_as_large_as_was_asked_for() {
    fn depth(n: u64) -> u64 {
        let frame = std::hint::black_box([n; 16]);
        if n == 0 { 0 } else { depth(n - 1) + std::hint::black_box(frame[3] / n) }
    }
    let deep = Builder::new().stack_size(256 << 20).build(|y, n| y.suspend(depth(n))).unwrap();
    assert_eq!(deep.resume(200_000).unwrap(), State::Yielded(200_000));
    let small = Builder::new().stack_size(1).build(|y, n| y.suspend(depth(n))).unwrap();
    assert_eq!(small.resume(50).unwrap(), State::Yielded(50));
}

#[test]
fn debug_says_what_it_does() {
    let one = Coroutine::new(|y, ()| y.suspend(format!("{y:?}")));
    assert!(format!("{one:?}").contains("Suspended"));
    assert!(one.resume(()).unwrap().yielded().unwrap().contains("Yielder"));
    let generator = generator(|y| y.suspend(1));
    assert!(format!("{generator:?}").contains("Suspended"));
    drop(one);
}
