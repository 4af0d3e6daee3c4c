//! When all green threads wait for ever `run` says so, and never otherwise.
//!
//! A program without the usual harness, since that has OS threads of its own, which might wake
//! anybody: run without `SWARD_DEADLOCK` it runs itself once for each case.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use sward::sync::Mutex;
use sward::{Builder, Runtime, chan, runtime, time};

const CASE: &str = "SWARD_DEADLOCK";

/// Longer than all must have slept before it is asked.
const LONG: Duration = Duration::from_millis(400);

/// What a case comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It goes on and returns.
    Well,
    /// `run` panics, and names this.
    Panics(&'static str),
    /// The process is aborted, and names this.
    Aborts(&'static str),
}

use End::{Aborts, Panics, Well};

fn runtime_of(workers: usize) -> Runtime {
    runtime::Builder::new().workers(workers).build().unwrap()
}

const CASES: &[(&str, End, fn())] = &[
    ("main_parks", Panics("[park for"), || sward::run(sward::park)),
    ("main_receives_from_itself", Panics("1 senders, 1 receivers"), || {
        let (_sender, receiver) = chan::bounded::<()>(0);
        sward::run(|| assert!(receiver.recv().is_err()));
    }),
    ("one_joins_one_that_waits", Panics("[join for"), || {
        sward::run(|| drop(sward::spawn(sward::park).join()));
    }),
    ("threads_have_each_others_locks", Panics("deadlock: #"), || {
        sward::run(|| {
            let threads = embrace().map(sward::spawn);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }),
    ("they_migrate", Panics("deadlock: #"), || {
        // SAFETY: nothing that is tied to an OS thread is held across a blocking call here.
        let builder = unsafe { runtime::Builder::new().workers(2).allow_migration() };
        builder.build().unwrap().run(|| {
            let threads = embrace().map(sward::spawn);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }),
    ("they_have_os_threads_of_their_own", Panics("deadlock: #"), || {
        sward::run(|| {
            let threads = embrace().map(|f| Builder::new().dedicated().spawn(f));
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }),
    // Nobody can be unwound from a lock, so neither can the scope.
    ("they_are_a_scopes", Aborts("cannot be unwound"), || {
        sward::run(|| {
            sward::scope(|scope| embrace().map(|f| drop(scope.spawn(f))));
        });
    }),
    ("two_runtimes_wait_for_each_other", Panics("deadlock"), || {
        let (one, other) = (runtime_of(1), runtime_of(1));
        let waits = other.spawn(sward::park);
        one.run(|| drop(waits.join()));
    }),
    ("a_dedicated_thread_slept_before", Panics("deadlock"), || {
        sward::run(|| {
            let apart = Builder::new().dedicated().spawn(|| {
                time::sleep(LONG);
                sward::park();
            });
            apart.join().unwrap();
        });
    }),
    ("a_timer_was_cancelled_elsewhere", Panics("deadlock"), || {
        // SAFETY: nothing that is tied to an OS thread is held across a blocking call here.
        let builder = unsafe { runtime::Builder::new().workers(2).allow_migration() };
        builder.build().unwrap().run(|| {
            let (sender, receiver) = chan::bounded(0);
            let waits = sward::spawn(move || {
                assert_eq!(receiver.recv_timeout(2 * LONG), Ok(7));
                sward::park();
            });
            std::thread::sleep(LONG / 8);
            sender.send(7).unwrap();
            waits.join().unwrap();
        });
    }),
    ("one_was_notified_and_waits_for_the_lock", Panics("deadlock"), || {
        sward::run(|| {
            let shared = Arc::new((Mutex::new(()), sward::sync::Condvar::new()));
            let theirs = shared.clone();
            let waits = sward::spawn(move || theirs.1.wait(&mut theirs.0.lock()));
            sward::yield_now();
            let _lock = shared.0.lock();
            shared.1.notify_one();
            waits.join().unwrap();
        });
    }),
    ("nobody_has_a_waker", Panics("(0 wakers)"), || {
        sward::run(|| sward::block_on(std::future::pending::<()>()));
    }),
    ("it_can_be_caught", Well, || {
        let dropped = AtomicBool::new(false);
        struct Sets<'a>(&'a AtomicBool);
        impl Drop for Sets<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let waits = || {
            let _sets = Sets(&dropped);
            sward::park();
        };
        for _ in 0..2 {
            let panic = catch_unwind(AssertUnwindSafe(|| sward::run(waits))).unwrap_err();
            assert!(panic.downcast_ref::<String>().unwrap().starts_with("deadlock: "));
            assert!(dropped.swap(false, Ordering::Relaxed), "it has been unwound");
        }
        assert_eq!(sward::run(|| 7), 7);
    }),
    ("the_report_comes_before_the_unwinding", Panics("deadlock: "), || {
        struct Polls;
        impl Drop for Polls {
            fn drop(&mut self) {
                time::sleep(LONG);
                eprintln!("unwound");
            }
        }
        sward::run(|| {
            let _polls = Polls;
            sward::park();
        });
    }),
    ("some_sleep", Well, || sward::run(|| time::sleep(LONG))),
    ("one_of_two_runtimes_sleeps", Well, || {
        let (one, other) = (runtime_of(1), runtime_of(1));
        let sleeps = other.spawn(|| time::sleep(LONG));
        one.run(|| sleeps.join().unwrap());
    }),
    ("a_deadline_ends_it", Well, || {
        sward::run(|| assert!(time::timeout(LONG, sward::park).is_err()));
    }),
    ("a_migrating_thread_sleeps", Well, || {
        // SAFETY: nothing that is tied to an OS thread is held across a blocking call here.
        let builder = unsafe { runtime::Builder::new().workers(2).allow_migration() };
        builder.build().unwrap().run(|| time::sleep(LONG));
    }),
    ("a_closure_blocks_in_unblock", Well, || {
        sward::run(|| sward::unblock(|| std::thread::sleep(LONG)));
    }),
    ("a_worker_is_blocked", Well, || {
        sward::run(|| {
            let blocks = sward::spawn(|| std::thread::sleep(LONG));
            blocks.join().unwrap();
        });
    }),
    ("a_dedicated_thread_is_blocked", Well, || {
        sward::run(|| {
            let blocks = Builder::new().dedicated().spawn(|| std::thread::sleep(LONG));
            blocks.join().unwrap();
        });
    }),
    ("an_os_thread_wakes_it", Well, || {
        let (sender, receiver) = chan::bounded(0);
        let sends = std::thread::spawn(move || {
            std::thread::sleep(LONG);
            sender.send(7).unwrap();
        });
        assert_eq!(sward::run(|| receiver.recv()), Ok(7));
        sends.join().unwrap();
    }),
    ("somebody_has_a_waker", Well, || {
        // Nobody will use it, but who can tell? Another waits for the time when it would have been
        // reported.
        let kept: Arc<Mutex<Option<Waker>>> = Arc::default();
        let keeps = kept.clone();
        let waits = sward::spawn(move || {
            sward::block_on(std::future::poll_fn(move |context| {
                *keeps.lock() = Some(context.waker().clone());
                Poll::<()>::Pending
            }));
        });
        let wakes = std::thread::spawn(move || {
            std::thread::sleep(LONG);
            exit(0);
        });
        sward::run(|| drop(waits.join()));
        wakes.join().unwrap();
    }),
];

/// Two that have one lock each and want the other's.
fn embrace() -> [impl FnOnce() + Send; 2] {
    let locks = Arc::new([Mutex::new(()), Mutex::new(())]);
    let both_have_one = Arc::new(sward::sync::Barrier::new(2));
    [0, 1].map(|own| {
        let (locks, barrier) = (locks.clone(), both_have_one.clone());
        move || {
            let _own = locks[own].lock();
            barrier.wait();
            drop(locks[1 - own].lock());
        }
    })
}

fn main() {
    if let Ok(name) = std::env::var(CASE) {
        let (_, _, case) = CASES.iter().find(|(case, ..)| *case == name).expect("a case");
        return case();
    }
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let mut failed = 0;
    for (name, end, _) in CASES {
        if filter.as_ref().is_some_and(|filter| !name.contains(filter.as_str())) {
            continue;
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.env(CASE, name).env("RUST_BACKTRACE", "0").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let is_right = match *end {
            Well => output.status.success() && !stderr.contains("aborted"),
            Panics(what) => output.status.code() == Some(101) && stderr.contains(what),
            Aborts(what) => output.status.code().is_none() && stderr.contains(what),
        };
        println!("test {name} ... {}", if is_right { "ok" } else { "FAILED" });
        if !is_right {
            println!("{:?}, not {end:?}:\n{stderr}", output.status);
            failed += 1;
        }
    }
    exit(i32::from(failed > 0));
}
