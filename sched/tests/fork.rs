//! A forked child has no workers: using sward there is a panic that says so, not a hang.
//!
//! Children use nothing but sward, pipes and `_exit`: another thread may have held any lock when
//! they were made. The panic hook prints nothing for the same reason.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

mod settings;

use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};

use settings::{limited, migrating, runtime};
use sward_sched::internal::identity;
use sward_sched::runtime::Builder;
use sward_sched::{park, run, spawn, time, unblock};

/// One test at a time: a runtime that lives is what matters, also another test's.
static ALONE: Mutex<()> = Mutex::new(());

fn alone(test: fn()) {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    limited(move || {
        let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        test();
    });
}

/// What `f` ends with in a forked child: its panic's message, or nothing.
#[inline(never)]
fn in_fork(f: impl FnOnce()) -> (i32, String) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    // SAFETY: the child calls `f`, `write` and `_exit`, as the head of this file says.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: as above. Ends a child that hangs.
        unsafe { libc::alarm(20) };
        let message = catch_unwind(AssertUnwindSafe(f)).map_or_else(
            |payload| payload.downcast::<String>().map_or("?".to_owned(), |it| *it),
            |()| String::new(),
        );
        // SAFETY: as above.
        unsafe {
            libc::write(writer.as_raw_fd(), message.as_ptr().cast(), message.len());
            libc::_exit(0);
        }
    }
    drop(writer);
    let message = std::io::read_to_string(&mut reader).unwrap();
    let mut status = 0;
    // SAFETY: it is our child.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    (status, message)
}

#[track_caller]
fn assert_refused(f: impl FnOnce()) {
    let (status, message) = in_fork(f);
    assert_eq!(status, 0, "it ended by itself");
    assert!(message.contains("forked"), "{message:?}");
}

fn assert_all_refused() {
    assert_refused(|| drop(spawn(|| ())));
    assert_refused(|| run(|| ()));
    assert_refused(|| time::sleep(std::time::Duration::from_secs(1)));
    assert_refused(|| drop(Builder::new().workers(1).build()));
}

#[test]
fn every_entry_from_outside_is_refused() {
    alone(|| {
        for rt in [runtime(2), migrating(2)] {
            let parked = rt.spawn(park);
            run(|| ());
            assert_all_refused();
            assert_refused(|| drop(rt.spawn(|| ())));
            assert_refused(|| rt.run(|| ()));
            let (status, message) = {
                let (taken, unparks) = (std::ptr::from_ref(&parked), parked.thread());
                in_fork(move || {
                    unparks.unpark();
                    // SAFETY: the child's copy; the parent's is not touched.
                    drop(unsafe { taken.read() }.join());
                })
            };
            assert!(status == 0 && message.contains("forked"), "{message:?}");
            // SAFETY: as above.
            let copy = || unsafe { std::ptr::from_ref(&rt).read() };
            assert_refused(|| assert!(copy().shutdown(std::time::Duration::MAX)));
            // To drop it is no use of it.
            assert_eq!(in_fork(|| drop(copy())), (0, String::new()));
            // An OS thread's closure is called where it is.
            assert_eq!(in_fork(|| assert_eq!(unblock(|| 7), 7)), (0, String::new()));
            drop(rt);
            assert!(parked.join().unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn so_is_every_call_of_a_green_thread_that_forked() {
    alone(|| {
        for rt in [runtime(1), migrating(2)] {
            rt.run(|| {
                assert_all_refused();
                assert_refused(park);
                let handle = spawn(park);
                let thread = handle.thread();
                assert_refused(move || drop(handle.join()));
                thread.unpark();
            });
            // The parent goes on as if nothing had been.
            assert_eq!(rt.run(|| spawn(|| 7).join().unwrap()), 7);
        }
    });
}

/// Whoever has locked something before it forked has locked it in the child, and nobody else has.
#[test]
fn an_os_thread_keeps_its_number_in_the_child() {
    alone(|| {
        let before = identity();
        assert_eq!(in_fork(|| assert_eq!(identity(), before)), (0, String::new()));
        runtime(1).run(|| {
            let green = identity();
            assert_ne!(green, before);
            // There it is no green thread any more.
            assert_eq!(
                in_fork(|| assert!(![green, before].contains(&identity()))),
                (0, String::new())
            );
            assert_eq!(identity(), green);
        });
    });
}

/// The child's end of a fork, for threads that return in it.
fn fork_and_return() -> bool {
    // SAFETY: the child returns from its green thread, which ends it.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above.
        unsafe { libc::alarm(20) };
        return true;
    }
    let mut status = 0;
    // SAFETY: it is our child.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 101, "{status}");
    false
}

#[test]
fn a_thread_that_returns_in_the_child_ends_it() {
    alone(|| {
        let rt = runtime(2);
        assert!(!rt.run(fork_and_return));
        assert!(!rt.run(|| unblock(fork_and_return)));
        let panics = rt.spawn(|| assert!(!fork_and_return()));
        panics.join().unwrap();
    });
}

#[test]
fn without_a_runtime_a_fork_is_no_matter() {
    // In a process of its own: others' runtimes live on for a moment.
    if settings::is_child() {
        drop(runtime(1));
        // Its OS threads may still hold it.
        while std::fs::read_dir("/proc/self/task").unwrap().count() > 2 {
            std::thread::yield_now();
        }
        let ran = in_fork(|| assert_eq!(runtime(2).run(|| spawn(|| 7).join().unwrap()), 7));
        assert_eq!(ran, (0, String::new()));
    } else {
        let ended = settings::in_child("without_a_runtime_a_fork_is_no_matter");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}
