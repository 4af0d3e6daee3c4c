//! Scopes: what is borrowed outlives everybody, however they end.

mod settings;

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use settings::{Count, LONG, limited, migrating, runtime, until};
use sward_sched::primitive::Mutex;
use sward_sched::time::{sleep, timeout};
use sward_sched::{Builder, Scope, park, scope, uncancellable, yield_now};

const ALL: Ordering = Ordering::SeqCst;

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

/// Only where there is a thread to cancel.
fn in_green_threads(test: fn()) {
    limited(move || {
        for rt in [runtime(1), runtime(2), migrating(2)] {
            rt.run(test);
            assert!(rt.shutdown(LONG));
        }
    });
}

/// Forgets a value. Its memory stays, where the leak sanitizer finds it.
fn forget<T>(value: T) {
    static FORGOTTEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let place = Box::into_raw(Box::new(ManuallyDrop::new(value)));
    FORGOTTEN.lock().push(place.addr());
}

/// The message of a panic.
fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("no panic") };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
    }
}

#[test]
fn it_waits_for_all_and_gives_back_what_it_lent() {
    everywhere(|| {
        let mut words = ["a", "b", "c"].map(str::to_owned);
        let seen = AtomicUsize::new(0);
        let lengths = scope(|s| {
            let handles = words.each_mut().map(|word| {
                s.spawn(|| {
                    yield_now();
                    word.push('!');
                    word.len()
                })
            });
            for _ in 0..20 {
                s.spawn(|| {
                    sleep(Duration::from_millis(1));
                    seen.fetch_add(1, ALL)
                });
            }
            handles.map(|handle| handle.join().unwrap())
        });
        assert_eq!(lengths, [2; 3]);
        assert_eq!(words, ["a!", "b!", "c!"]);
        assert_eq!(seen.into_inner(), 20);
    });
}

#[test]
fn members_start_members() {
    fn tree<'scope>(s: &'scope Scope<'scope, '_>, depth: usize, leaves: &'scope AtomicUsize) {
        match depth {
            0 => _ = leaves.fetch_add(1, ALL),
            _ => (0..3).for_each(|_| drop(s.spawn(move || tree(s, depth - 1, leaves)))),
        }
    }
    everywhere(|| {
        let leaves = AtomicUsize::new(0);
        scope(|s| tree(s, 6, &leaves));
        assert_eq!(leaves.into_inner(), 729);
    });
}

#[test]
fn scopes_nest() {
    everywhere(|| {
        let mut rows = vec![vec![1; 10]; 10];
        scope(|outer| {
            for row in &mut rows {
                outer.spawn(move || {
                    scope(|inner| row.iter_mut().for_each(|cell| drop(inner.spawn(|| *cell += 1))));
                });
            }
        });
        assert_eq!(rows, vec![vec![2; 10]; 10]);
    });
}

#[test]
fn results_are_dropped_before_it_returns() {
    everywhere(|| {
        let dropped = Count::default();
        scope(|s| {
            for i in 0..30 {
                let result = dropped.on_drop();
                let handle = s.spawn(move || {
                    sleep(Duration::from_micros(i * 40));
                    result
                });
                match i % 3 {
                    // Before it has finished, as a rule, and after.
                    0 => drop(handle),
                    1 => {
                        until(|| handle.is_finished());
                        drop(handle);
                    }
                    _ => drop(s.spawn(|| handle.join().unwrap())),
                }
            }
        });
        assert_eq!(dropped.get(), 30);
    });
}

#[test]
fn a_panic_of_the_closure_waits_for_all() {
    everywhere(|| {
        let seen = AtomicUsize::new(0);
        let message = panic_of(|| {
            scope(|s| {
                for _ in 0..10 {
                    s.spawn(|| {
                        sleep(Duration::from_millis(2));
                        seen.fetch_add(1, ALL);
                        assert!(seen.load(ALL) < 5, "of a member");
                    });
                }
                panic!("of the closure");
            })
        });
        assert_eq!(message, "of the closure");
        assert_eq!(seen.into_inner(), 10);
    });
}

#[test]
fn a_panic_of_a_member_is_the_joiners_or_the_scopes() {
    everywhere(|| {
        // Dropped before and after.
        for wait in [false, true] {
            let message = panic_of(|| {
                scope(|s| {
                    let handle = s.spawn(|| panic!("of a member"));
                    until(|| !wait || handle.is_finished());
                    drop(handle);
                    let joined = s.spawn(|| panic!("of another"));
                    assert!(joined.join().unwrap_err().is_panic());
                })
            });
            assert_eq!(message, "of a member");
        }
        scope(|s| assert!(s.spawn(|| panic!("joined")).join().is_err()));
        // The first of several, all of which are waited for.
        let ended = AtomicUsize::new(0);
        let message = panic_of(|| {
            scope(|s| {
                for i in 0..5 {
                    let ended = &ended;
                    s.spawn(move || {
                        sleep(Duration::from_millis(5 * i));
                        ended.fetch_add(1, ALL);
                        panic!("of {i}");
                    });
                }
            })
        });
        assert!(message.starts_with("of "), "{message}");
        assert_eq!(ended.into_inner(), 5);
    });
}

/// Whose payload nobody wants, and cannot be dropped either.
#[test]
fn payloads_that_panic_do_no_harm() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the payload");
        }
    }
    everywhere(|| {
        let message = panic_of(|| {
            scope(|s| {
                (0..3).for_each(|_| drop(s.spawn(|| panic_any(Bomb))));
                panic!("of the closure");
            })
        });
        assert_eq!(message, "of the closure");
    });
}

#[test]
fn leaked_handles_keep_nobody_waiting() {
    everywhere(|| {
        let dropped = Count::default();
        scope(|s| {
            let result = dropped.on_drop();
            forget(s.spawn(move || result));
        });
        assert_eq!(dropped.get(), 0);
        let message = panic_of(|| scope(|s| forget(s.spawn(|| panic!("unheard of")))));
        assert!(message.contains("leaked"), "{message}");
    });
}

#[test]
fn a_member_that_cannot_start_is_no_secret() {
    everywhere(|| {
        let builder = || Builder::new().name("vast").stack_size(1 << 50);
        let error = scope(|s| builder().spawn_scoped(s, || ()).join().unwrap_err());
        assert!(error.is_no_stack());
        let message = panic_of(|| scope(|s| drop(builder().spawn_scoped(s, || ()))));
        assert!(message.contains("'vast'") && message.contains("stack"), "{message}");
    });
}

#[test]
fn who_is_cancelled_while_it_waits_cancels_all() {
    in_green_threads(|| {
        let ended = Count::default();
        let begun = Count::default();
        let (theirs, started) = (ended.clone(), begun.clone());
        let owner = sward_sched::spawn(move || {
            let lent = theirs;
            scope(|s| {
                for _ in 0..100 {
                    s.spawn(|| {
                        let _ends = lent.on_drop();
                        started.add();
                        park();
                    });
                }
            });
            unreachable!("it was cancelled");
        });
        until(|| begun.get() == 100);
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
        assert_eq!(ended.get(), 100);
    });
}

#[test]
fn who_is_cancelled_inside_cancels_all() {
    in_green_threads(|| {
        let ended = Count::default();
        let theirs = ended.clone();
        let begun = Count::default();
        let started = begun.clone();
        let owner = sward_sched::spawn(move || {
            scope(|s| {
                for _ in 0..10 {
                    s.spawn(|| {
                        let _ends = theirs.on_drop();
                        started.add();
                        park();
                    });
                }
                park();
            });
        });
        until(|| begun.get() == 10);
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
        assert_eq!(ended.get(), 10);
    });
}

#[test]
fn a_timeout_ends_all() {
    everywhere(|| {
        let ended = Count::default();
        for in_closure in [false, true] {
            let late = timeout(Duration::from_millis(5), || {
                scope(|s| {
                    for _ in 0..10 {
                        s.spawn(|| {
                            let _ends = ended.on_drop();
                            park();
                        });
                    }
                    if in_closure {
                        park();
                    }
                });
            });
            assert!(late.unwrap_err().is_elapsed());
        }
        // Some never began.
        assert!(ended.get() <= 20);
        assert_eq!(timeout(LONG, || scope(|s| s.spawn(|| 7).join().unwrap())), Ok(7));
    });
}

/// Wherever the owner waits.
#[test]
fn a_panic_counts_more_than_a_timeout() {
    everywhere(|| {
        for in_closure in [false, true] {
            let message = panic_of(|| {
                timeout(Duration::from_millis(5), || {
                    scope(|s| {
                        let fails = s.spawn(|| panic!("of a member"));
                        until(|| fails.is_finished());
                        drop(fails);
                        s.spawn(park);
                        if in_closure {
                            park();
                        }
                    })
                })
            });
            assert_eq!(message, "of a member");
        }
    });
}

/// Who goes on when the runtime of its members has shut down is told that they did not.
#[test]
fn members_that_were_shut_down_are_no_secret() {
    limited(|| {
        for rt in [runtime(1), migrating(2)] {
            // Of those two that ran, one has been heard of.
            let message = panic_of(|| {
                scope(|s| {
                    let members = rt.run(|| [s.spawn(park), s.spawn(park)]);
                    assert!(rt.shutdown(LONG));
                    let [first, _] = members;
                    let error = first.join().unwrap_err();
                    assert!(error.is_cancelled() && error.to_string().contains("shut down"));
                })
            });
            assert!(message.starts_with("1 of"), "{message}");
        }
        // One that was cancelled has ended as it was asked to.
        let rt = runtime(1);
        scope(|s| rt.run(|| s.spawn(park)).cancel());
        // In a thread that must not unwind.
        let (told, begun) = (Count::default(), Count::default());
        let (theirs, started) = (told.clone(), begun.clone());
        drop(rt.spawn(move || {
            uncancellable(|| {
                let message = panic_of(|| {
                    scope(|s| {
                        started.add();
                        s.spawn(park);
                    })
                });
                assert!(message.contains("shut down"), "{message}");
                theirs.add();
            });
        }));
        until(|| begun.get() == 1);
        assert!(rt.shutdown(LONG));
        assert_eq!(told.get(), 1);
    });
}

#[test]
fn panics_may_be_caught_inside() {
    everywhere(|| {
        let seen = AtomicUsize::new(0);
        scope(|s| {
            let caught = catch_unwind(|| {
                s.spawn(|| seen.fetch_add(1, ALL));
                panic!("caught");
            });
            assert!(caught.is_err());
        });
        assert_eq!(seen.into_inner(), 1);
    });
}

#[test]
fn members_that_come_after_the_cancel_are_cancelled() {
    in_green_threads(|| {
        let (begun, told) = (Count::default(), Count::default());
        let (started, later) = (begun.clone(), told.clone());
        let owner = sward_sched::spawn(move || {
            let goes_on = AtomicBool::new(false);
            scope(|s| {
                s.spawn(|| {
                    started.add();
                    // The owner is told, and then the other members.
                    uncancellable(|| until(|| goes_on.load(ALL)));
                    (0..100).for_each(|_| {
                        s.spawn(|| {
                            let _told = later.on_drop();
                            park();
                        });
                    });
                });
                s.spawn(|| {
                    struct Last<'a>(&'a AtomicBool);
                    impl Drop for Last<'_> {
                        fn drop(&mut self) {
                            self.0.store(true, ALL);
                        }
                    }
                    let _last = Last(&goes_on);
                    started.add();
                    park();
                });
            });
        });
        until(|| begun.get() == 2);
        owner.cancel();
        assert!(owner.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn it_waits_while_it_unwinds() {
    in_green_threads(|| {
        struct Waits(Count);
        impl Drop for Waits {
            fn drop(&mut self) {
                scope(|s| {
                    for _ in 0..10 {
                        s.spawn(|| {
                            sleep(Duration::from_millis(1));
                            self.0.add();
                        });
                    }
                });
            }
        }
        let count = Count::default();
        let waits = Waits(count.clone());
        let cancelled = sward_sched::spawn(move || {
            let _waits = waits;
            park();
        });
        cancelled.cancel();
        assert!(cancelled.join().unwrap_err().is_cancelled());
        assert_eq!(count.get(), 10);
    });
}

#[test]
fn a_shutdown_ends_scopes_with_all_that_they_lent() {
    limited(|| {
        for round in 0..30 {
            let rt = if round % 3 == 0 { migrating(2) } else { runtime(1 + round % 2) };
            let (lent, used, begun) = (Count::default(), Count::default(), Count::default());
            for _ in 0..10 {
                let (lent, used, begun) = (lent.on_drop(), used.clone(), begun.clone());
                drop(rt.spawn(move || {
                    // Dropped after everybody that borrows it.
                    let lent = (AtomicUsize::new(0), lent);
                    scope(|s| {
                        for _ in 0..20 {
                            s.spawn(|| {
                                struct Uses<'a>(&'a AtomicUsize, &'a Count);
                                impl Drop for Uses<'_> {
                                    fn drop(&mut self) {
                                        self.0.fetch_add(1, ALL);
                                        self.1.add();
                                    }
                                }
                                let _uses = Uses(&lent.0, &used);
                                begun.add();
                                park();
                            });
                        }
                    });
                }));
            }
            if round % 2 == 0 {
                until(|| begun.get() > 100);
            }
            assert!(rt.shutdown(LONG));
            assert_eq!((lent.get(), used.get()), (10, begun.get()));
        }
    });
}

#[test]
fn many_come_and_go() {
    everywhere(|| {
        let sum = AtomicUsize::new(0);
        scope(|s| {
            for i in 0..20_000 {
                let handle = s.spawn(|| sum.fetch_add(1, ALL));
                if i % 2 == 0 {
                    handle.join().unwrap();
                }
            }
        });
        assert_eq!(sum.into_inner(), 20_000);
    });
}
