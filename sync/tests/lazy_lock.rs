//! A value that is made when it is first used, by an initialiser that may block, and fail.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
#[path = "../../chan/tests/tasks/mod.rs"]
mod tasks;

use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use settings::{Setting, join_all, limited, on_every_runtime, one_worker, settle, until};
use sward_sched::time::{sleep, timeout};
use sward_sched::{park, spawn, yield_now};
use sward_sync::LazyLock;
use tasks::{Wakes, poll, run};

in_every_setting!(
    all_get_the_value_of_one,
    threads_and_tasks_need_it_together,
    an_initialiser_that_panics_is_run_again,
);

/// Counts how often its value was made, by an initialiser that blocks.
fn counting(makes: &Arc<AtomicUsize>) -> impl Fn() -> usize + Send + use<> {
    let makes = makes.clone();
    move || {
        sleep(Duration::from_micros(100));
        makes.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn all_get_the_value_of_one(setting: &Setting) {
    let makes = Arc::default();
    let lazy = Arc::new(LazyLock::new(counting(&makes)));
    assert_eq!(LazyLock::get(&lazy), None);
    let using = setting.spawn_many(20, {
        let lazy = lazy.clone();
        move |_| **lazy
    });
    assert_eq!(join_all(using), [1; 20]);
    assert_eq!(LazyLock::get(&lazy), Some(&1));
    assert_eq!(makes.load(Ordering::Relaxed), 1);
}

fn threads_and_tasks_need_it_together(setting: &Setting) {
    let makes = Arc::default();
    let lazy = Arc::new(LazyLock::new(counting(&makes)));
    let using = setting.spawn_many(20, move |i| match i % 2 {
        0 => *LazyLock::force(&lazy),
        _ => *run(LazyLock::force_async(&lazy)),
    });
    assert_eq!(join_all(using), [1; 20]);
}

fn an_initialiser_that_panics_is_run_again(setting: &Setting) {
    let tries = AtomicUsize::new(0);
    let lazy = Arc::new(LazyLock::new(move || {
        yield_now();
        match tries.fetch_add(1, Ordering::Relaxed) {
            // Without the hook's message.
            0..3 => resume_unwind(Box::new("on purpose")),
            number => number,
        }
    }));
    let using = setting.spawn_many(6, move |_| **lazy);
    let got: Vec<_> = using.into_iter().filter_map(|handle| handle.outcome().ok()).collect();
    assert_eq!(got, [3; 3]);
}

/// Here std's would keep its worker from ever running the thread that it waits for.
#[test]
fn on_one_worker_an_initialiser_may_wait_for_its_neighbour() {
    one_worker(|setting| {
        let lazy = Arc::new(LazyLock::new(|| {
            let neighbour = spawn(|| {
                yield_now();
                7
            });
            neighbour.join().unwrap()
        }));
        let using = setting.spawn_many(10, move |_| **lazy);
        assert_eq!(join_all(using), [7; 10]);
    });
}

#[test]
fn an_initialiser_that_is_cancelled_is_run_again() {
    on_every_runtime(|rt| {
        let tries = Arc::new(AtomicUsize::new(0));
        let counted = tries.clone();
        let lazy = Arc::new(LazyLock::new(move || {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            if number == 0 {
                park();
            }
            number
        }));
        let inner = lazy.clone();
        let first = rt.spawn(move || **inner);
        until(|| tries.load(Ordering::Relaxed) == 1);
        let inner = lazy.clone();
        let second = rt.spawn(move || **inner);
        settle();
        assert!(!second.is_finished());
        first.cancel();
        assert!(first.join().unwrap_err().is_cancelled());
        assert_eq!(second.join().unwrap(), 1);
    });
}

#[test]
fn one_that_takes_too_long_is_run_again() {
    limited(|| {
        let times = Cell::new(60_000);
        let lazy = LazyLock::new(move || {
            let time = times.replace(0);
            sleep(Duration::from_millis(time));
            time
        });
        assert!(timeout(Duration::from_millis(1), || *lazy).unwrap_err().is_elapsed());
        assert_eq!(*lazy, 0);
    });
}

#[test]
fn a_task_pends_while_a_thread_makes_the_value() {
    on_every_runtime(|rt| {
        let has_begun = Arc::new(AtomicBool::new(false));
        let begin = has_begun.clone();
        let lazy = Arc::new(LazyLock::new(move || {
            begin.store(true, Ordering::Relaxed);
            park();
            7
        }));
        let inner = lazy.clone();
        let making = rt.spawn(move || **inner);
        until(|| has_begun.load(Ordering::Relaxed));
        let (told, waker) = Wakes::new();
        let mut forcing = pin!(LazyLock::force_async(&lazy));
        assert_eq!(poll(forcing.as_mut(), &waker), Poll::Pending);
        making.thread().unpark();
        assert_eq!(making.join().unwrap(), 7);
        assert_eq!(told.count(), 1);
        assert_eq!(poll(forcing, &waker), Poll::Ready(&7));
    });
}

#[test]
fn a_lock_that_uses_itself_panics() {
    static ITSELF: LazyLock<i32> = LazyLock::new(|| *ITSELF + 1);
    limited(|| assert!(catch_unwind(|| *ITSELF).is_err()));
    on_every_runtime(|rt| rt.run(|| assert!(catch_unwind(|| *ITSELF).is_err())));
    assert_eq!(LazyLock::get(&ITSELF), None);
}

#[test]
fn it_may_be_changed_by_who_owns_it() {
    let mut lazy = LazyLock::new(|| 1);
    assert_eq!(LazyLock::get_mut(&mut lazy), None);
    *lazy += 1;
    *LazyLock::force_mut(&mut lazy) += 1;
    *LazyLock::get_mut(&mut lazy).unwrap() += 1;
    assert_eq!(*lazy, 4);
}

#[test]
fn the_traits_are_those_of_std() {
    fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe>(_: &T) {}
    let lazy = LazyLock::<String>::default();
    shared(&lazy);
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    assert!(lazy.is_empty());
    assert_eq!(format!("{lazy:?}"), "LazyLock(\"\")");
    // An initialiser need not be `Sync`: only one at a time runs it.
    let times = Cell::new(0);
    let lazy = LazyLock::new(move || times.replace(1));
    fn is_shared<T: Sync>(_: &T) {}
    is_shared(&lazy);
    fn sent<T: Send>(_: T) {}
    sent(LazyLock::force_async(&lazy));
    assert_eq!(run(LazyLock::force_async(&lazy)), &0);
}

#[test]
fn a_static_serves_several_runtimes() {
    static LAZY: LazyLock<Vec<i32>> = LazyLock::new(|| {
        sleep(Duration::from_millis(1));
        vec![1, 2, 3]
    });
    on_every_runtime(|rt| {
        let using: Vec<_> = (0..4).map(|_| rt.spawn(|| LAZY.len())).collect();
        using.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), 3));
        until(|| LAZY.contains(&2));
    });
}
