//! `join!`, `try_join!` and `race`: several expressions at a time, none of which outlives the call.

mod settings;

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use settings::{Count, LONG, forever, limited, migrating, runtime, until};
use sward_sched::time::{sleep, timeout};
use sward_sched::{join, race, try_join, uncancellable};

/// In an OS thread, and in green threads of each kind of runtime.
fn everywhere(test: fn()) {
    limited(move || {
        test();
        for rt in [runtime(1), runtime(2), migrating(2)] {
            rt.run(test);
            assert!(rt.shutdown(LONG));
        }
    });
}

/// The message of a panic.
fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("no panic") };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
    }
}

/// Waits for ever; counts when it begins, and when it ends.
fn waits<T>(begun: &Count, ended: &Count) -> T {
    let _ended = ended.on_drop();
    begun.add();
    forever();
    unreachable!("it waits for ever")
}

#[test]
fn joined_expressions_run_at_once() {
    everywhere(|| {
        let (left, right) = (Count::default(), Count::default());
        let meet = |mine: &Count, other: &Count| {
            mine.add();
            until(|| other.get() == 1);
        };
        let ((), (), seven) = join!(meet(&left, &right), meet(&right, &left), 7);
        assert_eq!(seven, 7);
    });
}

#[test]
fn joined_expressions_borrow_move_and_change() {
    everywhere(|| {
        let (mut list, moved) = (vec![1], String::from("moved"));
        let (text, mut count) = (String::from("lent"), 0);
        let (length, (), moved, again) = join!(
            text.len(),
            {
                list.push(2);
                count += 1;
            },
            moved,
            text.as_str(),
        );
        assert_eq!((length, moved.as_str(), again), (4, "moved", "lent"));
        assert_eq!((list, count), (vec![1, 2], 1));
    });
}

#[test]
fn one_is_enough_and_twelve_are_not_too_many() {
    everywhere(|| {
        assert_eq!(join!(1), (1,));
        assert_eq!(try_join!(Ok::<_, ()>(1)), Ok((1,)));
        assert_eq!(race!(1), 1);
        let many = join!(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        assert_eq!(many, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
        let many: Result<_, ()> = try_join!(
            Ok(0),
            Ok(1),
            Ok(2),
            Ok(3),
            Ok(4),
            Ok(5),
            Ok(6),
            Ok(7),
            Ok(8),
            Ok(9),
            Ok(10),
            Ok("11"),
        );
        assert_eq!(many, Ok((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "11")));
    });
}

/// Names of the caller's that the macros have, too, and `?` and `return` in an expression.
#[test]
fn macros_keep_to_themselves() {
    everywhere(|| {
        let (thread, scope, group, value, result) = (1, 2, 3, 4, 5);
        assert_eq!(join!(thread, scope, group, value, result), (1, 2, 3, 4, 5));
        let all: Result<_, Infallible> =
            try_join!(Ok(thread + scope), Ok(group), Ok(value + result));
        assert_eq!(all, Ok((3, 3, 9)));
        assert_eq!(race!(group + value), 7);
        fn half(n: u32) -> Option<u32> {
            n.is_multiple_of(2).then_some(n / 2)
        }
        let (quarter, other) = join!(half(half(8)?), {
            if value == 4 {
                return "returned";
            }
            "not"
        });
        assert_eq!((quarter, other), (Some(2), "returned"));
        let failed: Result<((), u32), std::num::ParseIntError> = try_join!(Ok(()), {
            let n: u32 = "x".parse()?;
            Ok(n)
        });
        assert!(failed.is_err());
    });
}

#[test]
fn a_panic_of_a_joined_expression_waits_for_all() {
    everywhere(|| {
        let ended = Count::default();
        let message = panic_of(|| {
            join!(panic!("the first"), {
                sleep(Duration::from_millis(1));
                ended.add();
                panic!("the second");
            })
        });
        assert_eq!((message.as_str(), ended.get()), ("the first", 1));
    });
}

#[test]
fn the_first_error_ends_the_others() {
    everywhere(|| {
        let (begun, ended) = (Count::default(), Count::default());
        let failed: Result<((), (), u32), &str> = try_join!(
            {
                until(|| begun.get() == 1);
                Err("no luck")
            },
            waits(&begun, &ended),
            Ok(7),
        );
        assert_eq!(failed, Err("no luck"));
        assert_eq!(ended.get(), 1);
        let message = panic_of(|| {
            let (begun, ended) = (&begun, &ended);
            try_join!(waits::<Result<(), ()>>(begun, ended), {
                until(|| begun.get() == 2);
                if begun.get() == 2 {
                    panic!("of one");
                }
                Ok(())
            })
        });
        assert_eq!((message.as_str(), ended.get()), ("of one", 2));
    });
}

/// Those that are there when another fails, and those that nobody asks for.
#[test]
fn no_value_is_lost() {
    everywhere(|| {
        let dropped = Count::default();
        let done = Count::default();
        let make = || {
            done.add();
            dropped.on_drop()
        };
        let failed: Result<_, ()> = try_join!(Ok(make()), Ok(make()), {
            until(|| done.get() == 2);
            Err::<(), ()>(())
        });
        assert!(failed.is_err());
        assert_eq!(dropped.get(), 2);
        let winner = race!(make(), make(), make());
        let made = done.get();
        assert_eq!(dropped.get(), made - 1);
        drop(winner);
        assert_eq!(dropped.get(), made);
    });
}

#[test]
fn the_first_wins_when_the_others_have_ended() {
    everywhere(|| {
        let (begun, ended) = (Count::default(), Count::default());
        let text = String::from("first");
        let first = race!(
            waits(&begun, &ended),
            {
                until(|| begun.get() == 2);
                text.as_str()
            },
            waits(&begun, &ended),
        );
        assert_eq!((first, ended.get()), ("first", 2));
        let (begun, ended) = (Count::default(), Count::default());
        let first = race((0..10).map(|n| {
            let (begun, ended) = (&begun, &ended);
            move || {
                if n != 5 {
                    waits(begun, ended)
                }
                until(|| begun.get() == 9);
                n
            }
        }));
        assert_eq!((first, ended.get()), (5, 9));
    });
}

/// What does not let itself be cancelled is waited for, and has not won.
#[test]
fn who_comes_later_has_not_won() {
    everywhere(|| {
        let (begun, ended) = (Count::default(), Count::default());
        let first = race!(
            uncancellable(|| {
                begun.add();
                sleep(Duration::from_millis(2));
                ended.add();
                "late"
            }),
            {
                until(|| begun.get() == 1);
                "first"
            },
        );
        // Unless it was the first after all, on a machine with much to do.
        assert!(ended.get() == 1 && (first == "first" || first == "late"));
    });
}

#[test]
fn a_panic_in_a_race_goes_on() {
    everywhere(|| {
        let (begun, ended) = (Count::default(), Count::default());
        let message = panic_of(|| {
            race!(waits(&begun, &ended), {
                until(|| begun.get() == 1);
                panic!("of one")
            })
        });
        assert_eq!((message.as_str(), ended.get()), ("of one", 1));
        let nobody: [fn() -> u32; 0] = [];
        assert_eq!(panic_of(|| race(nobody)), "a race of none has no winner");
    });
}

#[test]
fn a_timeout_ends_all_expressions() {
    everywhere(|| {
        let (begun, ended) = (Count::default(), Count::default());
        let soon = Duration::from_millis(2);
        let late = timeout(soon, || join!(waits::<()>(&begun, &ended), 7));
        assert!(late.unwrap_err().is_elapsed());
        let late = timeout(soon, || try_join!(waits::<Result<(), ()>>(&begun, &ended), Ok(7)));
        assert!(late.unwrap_err().is_elapsed());
        let late = timeout(soon, || race!(waits::<()>(&begun, &ended), forever()));
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!(ended.get(), begun.get());
    });
}
