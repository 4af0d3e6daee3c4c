//! No OS thread is to be had: an error of the builder or of the thread, or a slower pool, but
//! nothing is lost.
//!
//! This program's own `pthread_create` stands before the C library's, so that the standard
//! library's calls come here, and from a certain one on fail as at a limit. One test alone, since
//! the harness starts OS threads, too.

mod settings;

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI64, Ordering};

use settings::{Count, LONG, in_child, is_child, runtime, until};
use sward_sched::runtime::Builder;
use sward_sched::{Runtime, park, spawn, unblock, yield_now};

/// How many more can be started.
static LEFT: AtomicI64 = AtomicI64::new(i64::MAX);

type Start = extern "C" fn(*mut c_void) -> *mut c_void;
type Create = unsafe extern "C" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    Start,
    *mut c_void,
) -> c_int;

/// # Safety
///
/// As for the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    if LEFT.fetch_sub(1, Ordering::Relaxed) <= 0 {
        return libc::EAGAIN;
    }
    // SAFETY: the next of this name is the C library's, of this type; the caller's promise.
    unsafe {
        let real = libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr());
        let real = std::mem::transmute::<*mut c_void, Option<Create>>(real);
        real.expect("the C library has it")(thread, attributes, start, argument)
    }
}

/// Calls `f` while no more than so many OS threads can be started.
fn with_only<T>(count: i64, f: impl FnOnce() -> T) -> T {
    LEFT.store(count, Ordering::Relaxed);
    let value = f();
    LEFT.store(i64::MAX, Ordering::Relaxed);
    value
}

fn os_threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn without_os_threads_nothing_is_lost() {
    if !is_child() {
        let ended = in_child("without_os_threads_nothing_is_lost");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{stderr}");
        // Once for each pool that had none.
        let warnings = stderr.matches("for `unblock` could not be started").count();
        assert!((4..=20).contains(&warnings), "{warnings}: {stderr}");
        return;
    }
    a_runtime_of_too_many_workers_is_an_error();
    a_dedicated_thread_is_an_error_of_its_own();
    unblock_calls_what_it_cannot_delegate();
    threads_that_never_started_end_nevertheless();
    a_runtime_ends_although_nobody_can_watch_it();
}

/// The first, the middle, the last worker, and the monitor.
fn a_runtime_of_too_many_workers_is_an_error() {
    let outer = runtime(1);
    let before = os_threads();
    for started in 0..4 {
        let (began, stopped) = (Count::default(), Count::default());
        let (begins, stops) = (began.clone(), stopped.clone());
        let builder = Builder::new()
            .workers(3)
            .on_worker_start(move |_| {
                begins.add();
            })
            .on_worker_stop(move |_| {
                stops.add();
            });
        let check = |error: std::io::Error| {
            assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
            let what = match started {
                3 => "monitor".to_owned(),
                _ => format!("worker {} of 3", started + 1),
            };
            assert!(error.to_string().contains(&what), "{error}");
        };
        check(with_only(started, || builder.build().unwrap_err()));
        assert_eq!((began.get(), stopped.get()), (started as usize, started as usize));
        // Those that did start have ended; also where the shutdown itself has no OS thread.
        check(with_only(started, || outer.run(|| builder.build().unwrap_err())));
        while os_threads() > before {
            std::thread::yield_now();
        }
        assert_eq!(began.get(), stopped.get());
    }
    let global = with_only(0, || std::panic::catch_unwind(|| spawn(|| ())));
    let payload = global.unwrap_err().downcast::<String>().unwrap();
    assert!(payload.contains("global runtime did not start"), "{payload}");
    // The next one who asks for it gets it.
    assert_eq!(spawn(|| 7).join().unwrap(), 7);
}

fn a_dedicated_thread_is_an_error_of_its_own() {
    for rt in [runtime(1), runtime(2)] {
        let dropped = Count::default();
        let errors: Vec<_> = with_only(0, || {
            let spawn_one = |_| {
                let counted = dropped.on_drop();
                sward_sched::Builder::new().dedicated().spawn(move || drop(counted))
            };
            rt.run(|| (0..10).map(spawn_one).map(|it| it.join().unwrap_err()).collect())
        });
        assert!(errors.iter().all(|error| error.to_string().contains("its own OS thread")));
        assert!(errors.iter().all(|error| !error.is_cancelled() && !error.is_panic()));
        assert_eq!(dropped.get(), 10);
        assert!(rt.shutdown(LONG));
    }
}

fn unblock_calls_what_it_cannot_delegate() {
    for workers in [1, 2] {
        for started in [0, 1, 3] {
            let rt = runtime(workers);
            let calls = Count::default();
            with_only(started, || {
                let spawn_one = |i: usize| {
                    let calls = calls.clone();
                    rt.spawn(move || {
                        unblock(move || {
                            calls.add();
                            i
                        })
                    })
                };
                let threads: Vec<_> = (0..100).map(spawn_one).collect();
                let sum: usize = threads.into_iter().map(|it| it.join().unwrap()).sum();
                assert_eq!(sum, 99 * 50);
            });
            assert_eq!(calls.get(), 100);
            // It recovers.
            assert_ne!(rt.run(|| unblock(settings::os_thread)), rt.run(settings::os_thread));
            assert!(rt.shutdown(LONG));
        }
    }
}

/// Ended by the shutdown, wherever they lie: there is no OS thread to drop them on.
fn threads_that_never_started_end_nevertheless() {
    for (workers, started) in [(1, 0), (2, 0), (2, 1)] {
        let rt = runtime(workers);
        let dropped = Count::default();
        let counts = dropped.clone();
        let (begun, closing) = (Count::default(), Count::default());
        let (begins, closes) = (begun.clone(), closing.clone());
        let spawning = rt.spawn(move || {
            let spawn_one = |_| {
                let counted = counts.on_drop();
                spawn(move || drop(counted))
            };
            let handles: Vec<_> = (0..1000).map(spawn_one).collect();
            begins.add();
            settings::hog_until(|| closes.get() == 1);
            handles
        });
        until(|| begun.get() == 1);
        let outside: Vec<_> = (0..1000)
            .map(|_| {
                let counted = dropped.on_drop();
                rt.spawn(move || drop(counted))
            })
            .collect();
        let ending = std::thread::spawn(move || {
            with_only(started, || {
                closing.add();
                assert!(rt.shutdown(LONG));
            });
        });
        ending.join().unwrap();
        assert!(outside.into_iter().all(|it| it.is_finished()));
        if let Ok(handles) = spawning.join() {
            assert!(handles.into_iter().all(|it| it.is_finished()));
        }
        assert_eq!(dropped.get(), 2000);
    }
}

fn a_runtime_ends_although_nobody_can_watch_it() {
    let before = os_threads();
    let rt = runtime(1);
    let (give, take) = std::sync::mpsc::channel::<Runtime>();
    let parked = rt.spawn(park);
    let dropping = rt.spawn(move || {
        yield_now();
        with_only(0, || drop(take.recv().unwrap()));
    });
    give.send(rt).unwrap();
    dropping.join().unwrap();
    assert!(parked.join().unwrap_err().is_cancelled());
    while os_threads() > before {
        std::thread::yield_now();
    }
}
