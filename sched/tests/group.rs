//! Groups: what children return is the owner's, the first that fails ends all, and nobody outlives
//! the group.

mod settings;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use settings::{Count, Counted, LONG, forever, limited, migrating, runtime, until};
use sward_sched::primitive::Mutex;
use sward_sched::time::{sleep, timeout};
use sward_sched::{Builder, Group, GroupError, TaskGroup, park, scope, uncancellable, yield_now};

const ALL: Ordering = Ordering::SeqCst;
const SOON: Duration = Duration::from_millis(5);

/// In an OS thread, and in green threads of each kind of runtime.
fn everywhere(test: fn()) {
    limited(move || {
        test();
        green(test);
    });
}

/// Only where there is a thread to cancel.
fn in_green_threads(test: fn()) {
    limited(move || green(test));
}

fn green(test: fn()) {
    for rt in [runtime(1), runtime(2), migrating(2)] {
        rt.run(test);
        assert!(rt.shutdown(LONG));
    }
}

/// The message of a panic.
fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("no panic") };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
    }
}

/// What a child does that ends only when it is told to.
fn waits<T, E>() -> Result<T, E> {
    forever();
    unreachable!("it waits for ever")
}

/// A value whose destructor waits, and then panics.
struct Bomb(Count);

impl Bomb {
    fn new(made: &Count, dropped: &Count) -> Self {
        made.add();
        Self(dropped.clone())
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.add();
        sleep(Duration::from_micros(50));
        panic!("a value's destructor");
    }
}

#[test]
fn results_are_collected_in_the_order_of_spawning() {
    everywhere(|| {
        let words = ["a", "bc", "def"].map(str::to_owned);
        let last = AtomicBool::new(false);
        let collected = TaskGroup::new().collect(|group| {
            group.spawn(|| {
                until(|| last.load(ALL));
                Ok::<_, ()>(words[0].as_str())
            });
            group.spawn(|| Ok(words[1].as_str()));
            group.spawn(|| {
                last.store(true, ALL);
                Ok(words[2].as_str())
            });
        });
        assert_eq!(collected.unwrap(), ["a", "bc", "def"]);
        let many = TaskGroup::new()
            .collect(|group| (0..2000).for_each(|n| group.spawn(move || Ok::<_, ()>(n))));
        assert_eq!(many.unwrap(), Vec::from_iter(0..2000));
    });
}

#[test]
fn results_are_taken_as_they_come() {
    everywhere(|| {
        let turn = AtomicUsize::new(3);
        let taken = TaskGroup::new().run(|group| {
            for n in [2, 3, 1] {
                let turn = &turn;
                group.spawn(move || {
                    until(|| turn.load(ALL) == n);
                    Ok::<_, ()>(n)
                });
            }
            let mut taken = Vec::new();
            while let Some(n) = group.next() {
                taken.push(n);
                turn.store(n - 1, ALL);
            }
            assert_eq!(group.next(), None);
            // There may be more after that.
            group.spawn(|| Ok(0));
            taken.extend(group.next());
            taken
        });
        assert_eq!(taken.unwrap(), [3, 2, 1, 0]);
    });
}

#[test]
fn what_is_taken_is_not_collected() {
    everywhere(|| {
        let mut taken = None;
        let rest = TaskGroup::new().collect(|group| {
            (0..10).for_each(|n| group.spawn(move || Ok::<_, ()>(n)));
            taken = group.next();
        });
        let (rest, taken) = (rest.unwrap(), taken.unwrap());
        assert_eq!(rest, Vec::from_iter((0..10).filter(|n| *n != taken)));
    });
}

#[test]
fn an_empty_group_is_done() {
    everywhere(|| {
        assert_eq!(TaskGroup::new().collect::<u32, (), _>(|_| ()).unwrap(), []);
        let nothing =
            TaskGroup::new().limit(1).timeout(LONG).run(|group: &Group<'_, '_, u32, ()>| {
                assert_eq!(group.next(), None);
                7
            });
        assert_eq!(nothing.unwrap(), 7);
    });
}

#[test]
fn the_limit_is_reached_and_kept() {
    const LIMIT: usize = 4;
    everywhere(|| {
        let (now, most, ended) = (AtomicUsize::new(0), AtomicUsize::new(0), Count::default());
        let done = TaskGroup::new().limit(LIMIT).run(|group| {
            for _ in 0..50 {
                group.spawn(|| {
                    most.fetch_max(now.fetch_add(1, ALL) + 1, ALL);
                    until(|| most.load(ALL) == LIMIT);
                    sleep(Duration::from_micros(10));
                    now.fetch_sub(1, ALL);
                    ended.add();
                    Ok::<(), ()>(())
                });
            }
        });
        done.unwrap();
        assert_eq!((most.into_inner(), ended.get()), (LIMIT, 50));
    });
}

/// A tree of children in a group that is full all the time.
#[test]
fn children_start_children_whatever_the_limit() {
    fn tree<'scope>(
        group: &'scope Group<'scope, '_, usize, ()>,
        depth: usize,
        count: &'scope [AtomicUsize; 2],
    ) {
        let [now, most] = count;
        most.fetch_max(now.fetch_add(1, ALL) + 1, ALL);
        yield_now();
        for _ in 0..3 * depth.min(1) {
            // It does not count while it waits there.
            now.fetch_sub(1, ALL);
            group.spawn(move || {
                tree(group, depth - 1, count);
                Ok(1)
            });
            most.fetch_max(now.fetch_add(1, ALL) + 1, ALL);
        }
        now.fetch_sub(1, ALL);
    }
    everywhere(|| {
        for limit in [1, 2, 7, 10_000] {
            let count = [0, 0].map(AtomicUsize::new);
            let ended = TaskGroup::new().limit(limit).collect(|group| {
                let count = &count;
                group.spawn(move || {
                    tree(group, 6, count);
                    Ok(1)
                });
            });
            assert_eq!(ended.unwrap().len(), 1093);
            let [now, most] = count.map(AtomicUsize::into_inner);
            assert!(now == 0 && most <= limit, "{most} of {limit}");
        }
    });
}

/// It waits for room that there is only when the owner goes on: the owner is in line like others.
#[test]
fn threads_of_a_scope_in_a_child_wait_for_room() {
    everywhere(|| {
        let sum = TaskGroup::new().limit(2).collect(|group| {
            group.spawn(move || {
                scope(|s| {
                    (0..10).for_each(|_| drop(s.spawn(move || group.spawn(|| Ok::<u32, ()>(1)))));
                });
                Ok(10)
            });
        });
        assert_eq!(sum.unwrap().iter().sum::<u32>(), 20);
    });
}

#[test]
fn the_first_error_ends_all() {
    everywhere(|| {
        let ended = Count::default();
        let (begun, late) = (Count::default(), Count::default());
        let failed = TaskGroup::new().run(|group| {
            for _ in 0..20 {
                group.spawn(|| {
                    let _ended = ended.on_drop();
                    begun.add();
                    // Told to end, this fails, too, and nobody hears of it.
                    let _ = catch_unwind(park);
                    Err((1, late.on_drop()))
                });
            }
            until(|| begun.get() == 20);
            group.spawn(|| Err::<(), _>((0, late.on_drop())));
        });
        assert_eq!(failed.unwrap_err().into_failure().0, 0);
        assert_eq!((ended.get(), late.get()), (20, 21));
    });
}

/// In whichever call it waits.
#[test]
fn the_closure_of_a_failed_group_goes_no_further() {
    everywhere(|| {
        let left = Count::default();
        let failed = TaskGroup::new().run(|group| {
            let _left = left.on_drop();
            group.spawn(waits::<(), _>);
            group.spawn(|| Err("for next"));
            group.next();
            unreachable!("nobody returns anything else");
        });
        assert_eq!(failed.map_err(GroupError::into_failure), Err::<(), _>("for next"));
        let failed = TaskGroup::new().limit(2).run(|group| {
            let _left = left.on_drop();
            group.spawn(waits::<(), _>);
            group.spawn(|| {
                yield_now();
                Err("for want of room")
            });
            group.spawn(|| unreachable!("there was no room"));
            unreachable!("there was no room");
        });
        assert_eq!(failed.map_err(GroupError::into_failure), Err::<(), _>("for want of room"));
        // It need not wait.
        let failed = TaskGroup::new().run(|group| {
            let _left = left.on_drop();
            loop {
                group.spawn(|| Err::<(), _>("for no reason"));
                yield_now();
            }
        });
        assert_eq!(failed.map_err(GroupError::into_failure), Err::<(), _>("for no reason"));
        assert_eq!(left.get(), 3);
        // Not through what is between.
        let failed = TaskGroup::new().run(|group| {
            group.spawn(|| Err::<(), _>("deep inside"));
            let inside = timeout(LONG, || {
                scope(|s| {
                    s.spawn(forever);
                    while group.next().is_some() {}
                })
            });
            unreachable!("{inside:?}");
        });
        assert_eq!(failed.map_err(GroupError::into_failure), Err::<(), _>("deep inside"));
    });
}

#[test]
fn nothing_is_raised_where_nothing_may_be() {
    everywhere(|| {
        struct Asks<'scope, 'env>(&'scope Group<'scope, 'env, u32, u32>, &'env Count);
        impl Drop for Asks<'_, '_> {
            fn drop(&mut self) {
                assert_eq!(self.0.next(), None);
                self.0.spawn(|| unreachable!("it has ended"));
                self.1.add();
            }
        }
        let told = Count::default();
        let failed = TaskGroup::new().run(|group| {
            group.spawn(|| Err(7));
            let _asks = Asks(group, &told);
            uncancellable(|| {
                assert_eq!(group.next(), None);
                group.spawn(|| unreachable!("it has ended"));
                told.add();
            });
            group.next();
            unreachable!("it has ended");
        });
        assert_eq!(failed.map_err(GroupError::into_failure), Err::<(), _>(7));
        assert_eq!(told.get(), 2);
    });
}

#[test]
fn a_panic_of_a_child_ends_all_and_is_the_owners() {
    everywhere(|| {
        let ended = Count::default();
        let message = panic_of(|| {
            TaskGroup::new().collect(|group| {
                let begun = Count::default();
                for _ in 0..10 {
                    let (begun, ended) = (begun.clone(), ended.clone());
                    group.spawn(move || {
                        let _ended = ended.on_drop();
                        begun.add();
                        forever();
                        Ok::<(), ()>(())
                    });
                }
                until(|| begun.get() == 10);
                group.spawn(|| panic!("of a child"));
                while group.next().is_some() {}
                unreachable!("it has failed");
            })
        });
        assert_eq!((message.as_str(), ended.get()), ("of a child", 10));
    });
}

/// Whichever comes first.
#[test]
fn a_panic_counts_more_than_an_error() {
    everywhere(|| {
        struct Fails;
        impl Drop for Fails {
            fn drop(&mut self) {
                panic!("of a child");
            }
        }
        let dropped = Count::default();
        // The error comes first, and the panic because of it.
        let message = panic_of(|| {
            TaskGroup::new().run(|group| {
                let begun = Count::default();
                let started = begun.clone();
                group.spawn(move || {
                    started.add();
                    let _ = catch_unwind(park);
                    drop(Fails);
                    Ok(())
                });
                until(|| begun.get() == 1);
                group.spawn(|| Err(dropped.on_drop()));
            })
        });
        assert_eq!((message.as_str(), dropped.get()), ("of a child", 1));
        let message = panic_of(|| {
            TaskGroup::new().run(|group| {
                group.spawn(|| Ok::<(), ()>(()));
                group.spawn(|| panic!("of a child"));
                scope(|s| drop(s.spawn(|| ())));
                let late = timeout(SOON, forever);
                panic!("of the closure: {late:?}");
            })
        });
        assert!(message.starts_with("of the closure"), "{message}");
    });
}

#[test]
fn a_panic_of_the_closure_ends_all() {
    everywhere(|| {
        let (begun, ended) = (Count::default(), Count::default());
        let message = panic_of(|| {
            TaskGroup::new().run(|group| {
                for _ in 0..10 {
                    group.spawn(|| {
                        let _ended = ended.on_drop();
                        begun.add();
                        waits::<(), ()>()
                    });
                }
                until(|| begun.get() == 10);
                panic!("of the closure");
            })
        });
        assert_eq!((message.as_str(), ended.get()), ("of the closure", 10));
    });
}

#[test]
fn a_deadline_ends_all() {
    everywhere(|| {
        let ended = Count::default();
        for (round, place) in ["in the end", "in next", "for room", "elsewhere"].iter().enumerate()
        {
            let begun = Count::default();
            let late = TaskGroup::new().limit(10).timeout(SOON).run(|group| {
                for _ in 0..10 {
                    group.spawn(|| {
                        let _ended = ended.on_drop();
                        begun.add();
                        waits::<(), ()>()
                    });
                }
                until(|| begun.get() == 10);
                match round {
                    0 => {}
                    1 => _ = group.next(),
                    2 => group.spawn(|| unreachable!("there was no room")),
                    _ => forever(),
                }
            });
            assert!(late.unwrap_err().is_elapsed(), "{place}");
            assert_eq!(ended.get(), 10 * (round + 1), "{place}");
        }
        let early = TaskGroup::new().timeout(LONG).deadline(Instant::now());
        let late = early.collect(|group| group.spawn(waits::<(), ()>));
        assert!(late.unwrap_err().is_elapsed());
        let late = TaskGroup::new().timeout(LONG).deadline(Instant::now() + LONG);
        assert_eq!(late.collect(|group| group.spawn(|| Ok::<_, ()>(7))).unwrap(), [7]);
    });
}

#[test]
fn what_failed_before_the_time_was_up_counts() {
    everywhere(|| {
        let (made, dropped) = (Count::default(), Count::default());
        let in_time = AtomicUsize::new(0);
        for in_closure in [false, true] {
            let fails = || {
                let deadline = Instant::now() + 4 * SOON;
                let failed = TaskGroup::new().deadline(deadline).run(|group| {
                    let begun = Count::default();
                    let started = begun.clone();
                    group.spawn(move || {
                        started.add();
                        // It does not end before the time is up.
                        uncancellable(|| sleep(8 * SOON));
                        Ok(())
                    });
                    until(|| begun.get() == 1);
                    group.spawn(|| {
                        made.add();
                        Err::<(), _>(dropped.on_drop())
                    });
                    uncancellable(|| group.next());
                    in_time.store(usize::from(Instant::now() < deadline), ALL);
                    if in_closure {
                        forever();
                    }
                });
                failed.unwrap_err()
            };
            let error = fails();
            assert!(error.is_failure() || in_time.load(ALL) == 0);
            drop(error);
            if in_closure {
                // The caller's own time counts more.
                let late = timeout(SOON, fails);
                assert!(late.unwrap_err().is_elapsed());
            }
        }
        assert_eq!(dropped.get(), made.get());
    });
}

#[test]
fn groups_in_groups_end_with_them() {
    fn nested(depth: usize, ended: &Count, begun: &Count) -> Result<usize, GroupError<()>> {
        let group = TaskGroup::new().limit(2).timeout(LONG);
        let sums = group.collect(|group| {
            for _ in 0..2 {
                group.spawn(move || {
                    let _ended = ended.on_drop();
                    begun.add();
                    if depth == 0 {
                        forever();
                    }
                    nested(depth - 1, ended, begun).map_err(drop)
                });
            }
        });
        Ok(sums?.iter().sum())
    }
    everywhere(|| {
        let (ended, begun) = (Count::default(), Count::default());
        let late = TaskGroup::new().timeout(SOON).collect(|group| {
            group.spawn(|| nested(3, &ended, &begun));
        });
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!(ended.get(), begun.get());
        // An inner one that fails is what the outer makes of it.
        let failed = TaskGroup::new().run(|group| {
            group.spawn(waits);
            group.spawn(|| {
                let inner = TaskGroup::new().timeout(SOON);
                inner.run(|group| group.spawn(waits::<(), ()>))
            });
        });
        assert!(failed.unwrap_err().into_failure().is_elapsed());
    });
}

#[test]
fn who_is_cancelled_cancels_all() {
    in_green_threads(|| {
        for round in 0..4 {
            let (begun, ended) = (Count::default(), Count::default());
            let (started, theirs) = (begun.clone(), ended.clone());
            let owner = sward_sched::spawn(move || {
                let ended = TaskGroup::new().limit(50).run(|group| {
                    for _ in 0..50 {
                        group.spawn(|| {
                            let _ended = theirs.on_drop();
                            started.add();
                            waits::<(), ()>()
                        });
                    }
                    match round {
                        0 => {}
                        1 => _ = group.next(),
                        2 => group.spawn(|| unreachable!("there was no room")),
                        _ => forever(),
                    }
                });
                unreachable!("{ended:?}");
            });
            until(|| begun.get() == 50);
            owner.cancel();
            assert!(owner.join().unwrap_err().is_cancelled());
            assert_eq!(ended.get(), 50);
        }
    });
}

#[test]
fn a_timeout_around_it_ends_all() {
    everywhere(|| {
        let (begun, ended) = (Count::default(), Count::default());
        let late = timeout(SOON, || {
            TaskGroup::new().timeout(LONG).collect(|group| {
                for _ in 0..10 {
                    group.spawn(|| {
                        let _ended = ended.on_drop();
                        begun.add();
                        waits::<(), ()>()
                    });
                }
            })
        });
        assert!(late.unwrap_err().is_elapsed());
        assert_eq!(ended.get(), begun.get());
    });
}

/// As an OS thread sees it, whose children's runtime ends.
#[test]
fn children_that_are_shut_down_fail() {
    limited(|| {
        for round in 0..30 {
            let rt = if round % 2 == 0 { runtime(1) } else { migrating(2) };
            let (begun, ended) = (Count::default(), Count::default());
            let failed = TaskGroup::new().run(|group| {
                rt.run(|| {
                    for _ in 0..20 {
                        group.spawn(|| {
                            let _ended = ended.on_drop();
                            begun.add();
                            waits::<(), ()>()
                        });
                    }
                });
                until(|| begun.get() > round % 3);
                assert!(rt.shutdown(LONG));
                group.next();
                unreachable!("nobody returns anything");
            });
            let error = failed.unwrap_err();
            let error = error.join_error().unwrap();
            assert!(error.is_cancelled() && error.to_string().contains("shut down"), "{error}");
            assert_eq!(ended.get(), begun.get());
        }
    });
}

#[test]
fn a_shutdown_ends_groups_with_all_that_they_lent() {
    limited(|| {
        for round in 0..30 {
            let rt = if round % 3 == 0 { migrating(2) } else { runtime(1 + round % 2) };
            let (lent, begun, used) = (Count::default(), Count::default(), Count::default());
            for _ in 0..10 {
                let (lent, begun, used) = (lent.on_drop(), begun.clone(), used.clone());
                drop(rt.spawn(move || {
                    let lent = (AtomicUsize::new(0), lent);
                    let _ = TaskGroup::new().limit(5).run(|group| {
                        for n in 0..20 {
                            let (lent, begun, used) = (&lent.0, &begun, &used);
                            group.spawn(move || {
                                #[expect(dead_code, reason = "dropped")]
                                struct Uses<'a>(&'a AtomicUsize, Counted);
                                impl Drop for Uses<'_> {
                                    fn drop(&mut self) {
                                        self.0.fetch_add(1, ALL);
                                    }
                                }
                                let _uses = Uses(lent, used.on_drop());
                                begun.add();
                                if n % 2 == 0 {
                                    group.spawn(waits::<(), ()>);
                                }
                                forever();
                                Ok(())
                            });
                        }
                    });
                }));
            }
            if round % 2 == 0 {
                until(|| begun.get() > 20);
            }
            assert!(rt.shutdown(LONG));
            assert_eq!((lent.get(), used.get()), (10, begun.get()));
        }
    });
}

#[test]
fn a_child_that_cannot_start_fails() {
    everywhere(|| {
        let (begun, ended) = (Count::default(), Count::default());
        let failed = TaskGroup::new().run(|group| {
            group.spawn(|| {
                let _ended = ended.on_drop();
                begun.add();
                waits::<(), String>()
            });
            until(|| begun.get() == 1);
            let vast = Builder::new().name("vast").stack_size(1 << 50);
            vast.spawn_grouped(group, || unreachable!("there is no stack"));
        });
        let error = failed.unwrap_err();
        assert!(error.join_error().unwrap().is_no_stack());
        assert!(error.to_string().contains("'vast'"), "{error}");
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn to_cancel_it_is_no_failure() {
    everywhere(|| {
        let (begun, ended, dropped) = (Count::default(), Count::default(), Count::default());
        let collected = TaskGroup::new().collect(|group| {
            group.spawn(|| Ok(dropped.on_drop()));
            group.spawn(|| {
                begun.add();
                let _ = catch_unwind(park);
                Ok(dropped.on_drop())
            });
            group.spawn(|| {
                begun.add();
                let _ = catch_unwind(park);
                Err(dropped.on_drop())
            });
            group.spawn(|| {
                let _ended = ended.on_drop();
                begun.add();
                forever();
                Ok(dropped.on_drop())
            });
            until(|| begun.get() == 3);
            let first = group.next();
            group.cancel();
            group.cancel();
            group.spawn(|| unreachable!("it has ended"));
            assert!(group.next().is_some());
            assert!(group.next().is_none());
            drop(first);
        });
        assert!(collected.unwrap().is_empty());
        assert_eq!((ended.get(), dropped.get()), (1, 3));
        // A child may, too. A panic is no secret.
        let first = TaskGroup::new().run(|group| {
            group.spawn(|| {
                forever();
                Ok::<u32, ()>(1)
            });
            group.spawn(move || {
                group.cancel();
                Ok(7)
            });
            group.next()
        });
        assert_eq!(first.unwrap(), Some(7));
        let message = panic_of(|| {
            TaskGroup::new().run(|group| {
                group.cancel();
                panic_any("of the closure");
                #[expect(unreachable_code, reason = "says what it is")]
                group.spawn(|| Ok::<(), ()>(()));
            })
        });
        assert_eq!(message, "of the closure");
    });
}

#[test]
fn results_are_taken_or_dropped_once() {
    everywhere(|| {
        for fails in [false, true] {
            for takes in [0, 1, 30, 100] {
                let (made, dropped) = (Count::default(), Count::default());
                let taken = Count::default();
                let result = TaskGroup::new().limit(1 + takes).run(|group| {
                    for n in 0..100 {
                        let (made, dropped) = (&made, &dropped);
                        group.spawn(move || {
                            if n % 7 == 0 {
                                yield_now();
                            }
                            if fails && n == 60 {
                                return Err(());
                            }
                            made.add();
                            Ok(dropped.on_drop())
                        });
                    }
                    for _ in 0..takes {
                        if group.next().is_some() {
                            taken.add();
                        }
                    }
                });
                assert_eq!(result.is_err(), fails);
                assert_eq!(dropped.get(), made.get());
                assert!(fails || taken.get() == takes);
            }
        }
    });
}

#[test]
fn values_whose_destructors_wait_and_panic_do_no_harm() {
    everywhere(|| {
        let (made, dropped) = (Count::default(), Count::default());
        let bomb = || Bomb::new(&made, &dropped);
        // Never taken.
        let done =
            TaskGroup::new().run(|group| (0..10).for_each(|_| group.spawn(|| Ok::<_, ()>(bomb()))));
        assert!(done.is_ok());
        assert_eq!((made.get(), dropped.get()), (10, 10));
        // Those that came before the failure and after it, and errors, too.
        let failed = TaskGroup::new().run(|group| {
            group.spawn(|| Ok(bomb()));
            let begun = Count::default();
            for n in 0..10 {
                let (begun, bomb) = (begun.clone(), &bomb);
                group.spawn(move || {
                    begun.add();
                    let _ = catch_unwind(park);
                    if n % 2 == 0 { Ok(bomb()) } else { Err(bomb()) }
                });
            }
            until(|| begun.get() == 10 && made.get() == 11);
            group.spawn(|| Err(bomb()));
        });
        // The first error is the caller's.
        assert_eq!((made.get(), dropped.get()), (22, 21));
        let first = failed.unwrap_err().into_failure();
        // While the owner unwinds, for whatever reason.
        let message = panic_of(|| {
            TaskGroup::new().run(|group| {
                group.spawn(|| Ok(bomb()));
                group.spawn(|| {
                    until(|| made.get() == 23);
                    Err(bomb())
                });
                until(|| made.get() == 24);
                panic!("of the closure");
            })
        });
        assert_eq!(message, "of the closure");
        assert_eq!(dropped.get(), 23);
        let late = timeout(SOON, || {
            TaskGroup::new().run(|group| {
                group.spawn(|| Err::<(), _>(bomb()));
                forever();
            })
        });
        assert!(late.err().unwrap().is_elapsed());
        assert_eq!(dropped.get(), made.get() - 1);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(first))).is_err());
        assert_eq!(dropped.get(), made.get());
    });
}

#[test]
fn results_are_for_the_owner() {
    everywhere(|| {
        let message = panic_of(|| {
            TaskGroup::new().run(|group| {
                group.spawn(move || {
                    let other: Option<u32> = group.next();
                    other.ok_or(())
                });
            })
        });
        assert!(message.contains("for the thread that runs it"), "{message}");
    });
}

#[test]
#[should_panic = "a limit of 0"]
fn a_limit_of_0_is_refused() {
    let _ = TaskGroup::new().limit(0);
}

/// In a destructor, while its thread unwinds, no second panic is raised.
#[test]
fn it_works_while_its_owner_unwinds() {
    in_green_threads(|| {
        struct Works(Count);
        impl Drop for Works {
            fn drop(&mut self) {
                let sum = TaskGroup::new().limit(2).timeout(LONG).collect(|group| {
                    for n in 0..5 {
                        group.spawn(move || {
                            sleep(Duration::from_micros(100));
                            Ok::<_, ()>(n)
                        });
                    }
                });
                assert_eq!(sum.unwrap(), [0, 1, 2, 3, 4]);
                let failed = TaskGroup::new().run(|group| {
                    group.spawn(waits::<(), ()>);
                    group.spawn(|| panic!("of a child"));
                    group.next()
                });
                assert!(failed.unwrap_err().join_error().unwrap().is_panic());
                self.0.add();
            }
        }
        let count = Count::default();
        let works = Works(count.clone());
        let cancelled = sward_sched::spawn(move || {
            let _works = works;
            park();
        });
        cancelled.cancel();
        assert!(cancelled.join().unwrap_err().is_cancelled());
        assert!(count.get() <= 1);
        let works = Works(count.clone());
        let panicked = sward_sched::spawn(move || {
            let _works = works;
            panic!("of the owner");
        });
        assert!(panicked.join().unwrap_err().is_panic());
        assert!(count.get() >= 1);
    });
}

#[test]
fn many_come_and_go() {
    everywhere(|| {
        let sum: usize = TaskGroup::new()
            .collect(|group| (0..100_000).for_each(|n| group.spawn(move || Ok::<_, ()>(n))))
            .unwrap()
            .into_iter()
            .enumerate()
            .map(|(place, n)| {
                assert_eq!(place, n);
                n
            })
            .sum();
        assert_eq!(sum, 4_999_950_000);
        let seen = TaskGroup::new().limit(100).run(|group| {
            let mut seen = HashSet::new();
            for n in 0..100_000 {
                group.spawn(move || Ok::<u32, ()>(n));
                // So the results that wait are few.
                if n >= 100 {
                    seen.extend(group.next());
                }
            }
            while let Some(n) = group.next() {
                assert!(seen.insert(n));
            }
            seen.len()
        });
        assert_eq!(seen.unwrap(), 100_000);
    });
}

/// Of many children at once, started from several sides, while one of them fails.
#[test]
fn a_failure_meets_those_that_start_others() {
    everywhere(|| {
        let log = Mutex::new(());
        for round in 0..200 {
            let (made, dropped) = (Count::default(), Count::default());
            // Where there is room for all, some wait for ever.
            let (limit, waits) = if round % 2 == 0 { (1 + round % 9, false) } else { (33, true) };
            let failed = TaskGroup::new().limit(limit).run(|group| {
                for _ in 0..3 {
                    group.spawn(|| {
                        for n in 0..10 {
                            let (made, dropped, log) = (&made, &dropped, &log);
                            group.spawn(move || {
                                drop(log.lock());
                                made.add();
                                let _dropped = dropped.on_drop();
                                (0..n % 3).for_each(|_| yield_now());
                                if n == round % 10 {
                                    return Err(n);
                                }
                                if waits {
                                    forever();
                                }
                                Ok(())
                            });
                        }
                        Ok(())
                    });
                }
                while group.next().is_some() {}
            });
            assert_eq!(failed.unwrap_err().into_failure(), round % 10);
            assert_eq!(made.get(), dropped.get());
        }
    });
}

/// Values that live as long as they like do not keep what children borrow from others.
#[test]
fn what_is_borrowed_need_not_outlive_results() {
    everywhere(|| {
        let words = ["a", "bc"].map(str::to_owned);
        let longest = {
            let mut seen = [false; 2];
            let found = TaskGroup::new().collect(|group| {
                for (word, seen) in words.iter().zip(&mut seen) {
                    group.spawn(move || {
                        *seen = true;
                        if word.is_empty() { Err(word) } else { Ok(word) }
                    });
                }
            });
            assert_eq!(seen, [true; 2]);
            found.unwrap().into_iter().max_by_key(|word| word.len())
        };
        assert_eq!(longest.unwrap(), "bc");
    });
}
