//! sward at work, for `cargo xtask sanitize`: a plain program, since libtest and std's own
//! locks are built without a sanitizer and would be accused of races.
//!
//! `sward-sanitizer-tests SCENARIO`, or `--list`. What the scenarios hand around is plain
//! memory, so that a missing happens-before shows. The canaries are wrong on purpose: a run in
//! which they are not found out has proved nothing.

mod channels;
mod locks;
mod scopes;
mod structure;

use std::cell::Cell;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sward_chan as chan;
use sward_sched::runtime::Builder;
use sward_sched::{JoinHandle, Runtime, block_in_place, spawn, time, unblock, yield_now};
use sward_sync::Mutex;

const SCENARIOS: &[(&str, fn())] = &[
    ("joins", || in_both_modes(joins)),
    ("channels", || in_both_modes(channels::channels)),
    ("selects", || in_both_modes(channels::selects)),
    ("tasks", || in_both_modes(channels::tasks)),
    ("crews", channels::crews),
    ("mutexes", || in_both_modes(locks::mutexes)),
    ("readers", || in_both_modes(locks::readers)),
    ("signals", || in_both_modes(locks::signals)),
    ("onces", || in_both_modes(locks::onces)),
    ("scopes", || in_both_modes(scopes::scopes)),
    ("futures", || in_both_modes(scopes::futures)),
    ("stacks", || in_both_modes(stacks)),
    ("panics", || in_both_modes(panics)),
    ("cancels", || in_both_modes(cancels)),
    ("os_threads", || in_both_modes(os_threads)),
    ("locals", locals),
    ("shutdowns", shutdowns),
    ("dumps", || in_both_modes(structure::dumps)),
    ("groups", || in_both_modes(structure::groups)),
    ("canary_race", canary_race),
    ("canary_free", canary_free),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    if name == "--list" {
        SCENARIOS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    let Some((_, scenario)) = SCENARIOS.iter().find(|(it, _)| *it == name) else {
        eprintln!("no scenario '{name}': --list names them");
        return ExitCode::FAILURE;
    };
    // What unwinds on purpose need not be said.
    std::panic::set_hook(Box::new(|_| {}));
    scenario();
    ExitCode::SUCCESS
}

fn runtime() -> Runtime {
    Builder::new().workers(4).build().unwrap()
}

fn migrating() -> Runtime {
    let builder = Builder::new().workers(4);
    // SAFETY: but for `locals`, which does not come here, nothing on the stacks belongs to an
    // OS thread.
    unsafe { builder.allow_migration() }.build().unwrap()
}

fn in_both_modes(scenario: fn(&Runtime)) {
    for runtime in [runtime(), migrating()] {
        scenario(&runtime);
        assert!(runtime.shutdown(Duration::from_secs(60)));
    }
}

fn join_all<T>(handles: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    handles.into_iter().map(|handle| handle.join().unwrap()).collect()
}

/// Results and captures of many sizes, joined here and there.
fn joins(rt: &Runtime) {
    fn tree(depth: u32) -> Vec<u32> {
        if depth == 0 {
            return vec![1];
        }
        let halves = [depth - 1; 2].map(|depth| spawn(move || tree(depth)));
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    }
    assert_eq!(rt.run(|| tree(11)).len(), 1 << 11);
    let mut big = [0u8; 3000];
    for round in 0..100 {
        big[round] = 1;
        big = rt.spawn(move || big).join().unwrap();
    }
    // Given up before, while and after they run.
    rt.run(|| (0..1000).for_each(|i| drop(spawn(move || vec![i; 10]))));
}
/// What lies on a stack is the same wherever it goes on.
fn stacks(rt: &Runtime) {
    let threads = (0..100).map(|i: u64| {
        rt.spawn(move || {
            let mut numbers = [i; 64];
            for round in 0..50 {
                numbers.iter_mut().for_each(|it| *it += 1);
                match (i + round) % 8 {
                    0 => time::sleep(Duration::from_micros(i)),
                    1 => numbers[0] = unblock(move || i + round + 1),
                    2 => block_in_place(std::thread::yield_now),
                    3 => drop(spawn(move || numbers)),
                    _ => yield_now(),
                }
            }
            assert!(numbers.iter().all(|it| *it == i + 50));
        })
    });
    join_all(threads.collect::<Vec<_>>());
}

fn panics(rt: &Runtime) {
    struct Yields(Box<u32>);
    impl Drop for Yields {
        fn drop(&mut self) {
            *self.0 += 1;
            yield_now();
        }
    }
    let threads = (0..100).map(|i| {
        rt.spawn(move || {
            let _yields = Yields(Box::new(i));
            yield_now();
            std::panic::resume_unwind(Box::new(vec![i; 5]));
        })
    });
    for (i, thread) in threads.collect::<Vec<JoinHandle<()>>>().into_iter().enumerate() {
        let payload = thread.join().unwrap_err().into_panic();
        assert_eq!(*payload.downcast::<Vec<u32>>().unwrap(), [i as u32; 5]);
    }
}

/// Threads that are ended from outside, by others and by deadlines, while they hand things on.
fn cancels(rt: &Runtime) {
    rt.run(|| {
        let (sender, receiver) = chan::bounded::<Box<u64>>(1);
        let threads = (0..60u64).map(|i| {
            let (sender, receiver) = (sender.clone(), receiver.clone());
            spawn(move || {
                let mut kept = [i; 8];
                loop {
                    let late = Duration::from_micros(i * 7);
                    if let Ok(Ok(it)) = time::timeout(late, || receiver.recv()) {
                        kept[*it as usize % 8] += 1;
                    }
                    let given = Box::new(kept[0]);
                    let _ = time::timeout(late, || sender.send(given));
                    assert!(kept.iter().all(|it| *it >= i));
                    yield_now();
                }
            })
        });
        let threads: Vec<JoinHandle<()>> = threads.collect();
        time::sleep(Duration::from_millis(20));
        for thread in threads {
            thread.cancel();
            assert!(thread.join().unwrap_err().is_cancelled());
        }
    });
}

/// OS threads and green ones at the two ends of channels and locks.
fn os_threads(rt: &Runtime) {
    let (there, arriving) = chan::bounded::<Vec<u32>>(0);
    let (back, returning) = chan::bounded(0);
    let count = Arc::new(Mutex::new(0));
    let echo = rt.spawn({
        let count = count.clone();
        move || {
            for mut it in arriving {
                it.push(1);
                *count.lock() += 1;
                back.send(it).unwrap();
            }
        }
    });
    let ends = (0..3).map(|_| {
        let (there, returning, count) = (there.clone(), returning.clone(), count.clone());
        std::thread::spawn(move || {
            for _ in 0..200 {
                there.send(Vec::new()).unwrap();
                *count.lock() += 1;
                assert_eq!(returning.recv().unwrap(), [1]);
            }
        })
    });
    ends.collect::<Vec<_>>().into_iter().for_each(|end| end.join().unwrap());
    drop(there);
    echo.join().unwrap();
    assert_eq!(*count.lock(), 2 * 3 * 200);
}

/// A thread-local that is neither `Send` nor `Sync`, held across every kind of switch.
fn locals() {
    thread_local!(static COUNT: Rc<Cell<u64>> = Rc::default());
    let rt = runtime();
    let threads = (0..200).map(|i: u64| {
        rt.spawn(move || {
            let mine = COUNT.with(Rc::clone);
            for round in 0..50 {
                mine.set(mine.get() + 1);
                let again = mine.clone();
                match (i + round) % 6 {
                    0 => time::sleep(Duration::from_micros(i)),
                    1 => unblock(|| {}),
                    2 => spawn(|| {}).join().unwrap(),
                    3 => block_in_place(std::thread::yield_now),
                    _ => yield_now(),
                }
                again.set(again.get() + 1);
            }
        })
    });
    join_all(threads.collect::<Vec<_>>());
}

/// Runtimes that end while their threads spawn, wait and unwind.
fn shutdowns() {
    for round in 0..40 {
        let rt = if round % 2 == 0 { runtime() } else { migrating() };
        let (sender, receiver) = chan::bounded::<Box<u32>>(1);
        for i in 0..50 {
            let (sender, receiver) = (sender.clone(), receiver.clone());
            let waiting = move || {
                let kept = Box::new(i);
                let _next = spawn(move || while sender.send(Box::new(i)).is_ok() {});
                while let Ok(it) = receiver.recv() {
                    assert!(*it < 50 && *kept == i);
                    time::sleep(Duration::from_micros(u64::from(i)));
                }
            };
            drop(rt.spawn(waiting));
        }
        assert!(rt.shutdown(Duration::from_secs(60)));
    }
}

/// Two OS threads at one plain number.
fn canary_race() {
    struct Shared(Cell<u64>);
    // SAFETY: none: this is the mistake that must be found.
    unsafe impl Sync for Shared {}
    static SHARED: Shared = Shared(Cell::new(0));
    let (rt, begun) = (runtime(), Arc::new(AtomicUsize::new(0)));
    let threads = [(); 2].map(|()| {
        let begun = begun.clone();
        rt.spawn(move || {
            // Relaxed: it orders nothing, but shows that two workers run.
            begun.fetch_add(1, Ordering::Relaxed);
            while begun.load(Ordering::Relaxed) < 2 {
                std::hint::spin_loop();
            }
            let number = &SHARED;
            (0..1000).for_each(|_| number.0.set(number.0.get() + 1));
        })
    });
    join_all(threads);
}

/// A green thread reads what has been freed.
fn canary_free() {
    let read = runtime().run(|| {
        let freed = Box::into_raw(Box::new(7u64));
        // SAFETY: the first is right, and the second the mistake that must be found.
        unsafe {
            drop(Box::from_raw(freed));
            yield_now();
            freed.read_volatile()
        }
    });
    println!("read {read} from freed memory");
}
