//! Stacks at the limits of the system, and memory that comes back. Each case runs in a process
//! of its own.
#![cfg(target_os = "linux")]

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sward_sched::runtime::Builder as RuntimeBuilder;
use sward_sched::{Builder, JoinError, JoinHandle, Runtime, park, spawn, stack_usage};

const LONG: Duration = Duration::from_secs(60);

const CASE: &str = "SWARD_TEST_CASE";

const CASES: &[(&str, fn())] = &[
    ("address_space", address_space),
    ("map_count", map_count),
    ("cycles", cycles),
    ("burst", burst),
    ("classes", classes),
];

/// Does nothing unless it is started by one of the tests below.
#[test]
fn child() {
    let Ok(name) = std::env::var(CASE) else { return };
    CASES.iter().find(|(known, _)| *known == name).expect("a case").1();
}

#[track_caller]
fn assert_passes(case: &str) {
    assert_passes_with(case, &[]);
}

#[track_caller]
fn assert_passes_with(case: &str, environment: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {}\n{stderr}", output.status);
}

#[test]
fn a_thread_without_address_space_ends_and_later_ones_run() {
    // One more arena would take 64 MiB of what is left; and an OS thread that gets none takes a
    // page for each allocation.
    assert_passes_with("address_space", &[("MALLOC_ARENA_MAX", "1")]);
}

#[test]
fn a_thread_without_room_for_its_guard_ends_and_later_ones_run() {
    assert_passes("map_count");
}

#[test]
fn runtimes_that_come_and_go_leave_no_mapping_thread_or_descriptor() {
    assert_passes("cycles");
}

#[test]
fn the_memory_of_a_burst_of_deep_threads_comes_back() {
    assert_passes("burst");
}

#[test]
fn stacks_of_other_sizes_are_used_again() {
    assert_passes("classes");
}

#[test]
fn the_usage_of_a_stack_is_its_own_threads() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    let measured = |first: fn()| {
        let measure = move || {
            first();
            stack_usage().unwrap()
        };
        Builder::new().measure_stack(true).spawn(measure).join().unwrap()
    };
    rt.run(|| {
        for _ in 0..3 {
            // Whoever was there before.
            spawn(deep).join().unwrap();
            assert!(measured(|| ()) < 16 << 10);
            assert!((128 << 10..192 << 10).contains(&measured(deep)));
            assert_eq!(spawn(stack_usage).join().unwrap(), None);
        }
    });
    assert_eq!(stack_usage(), None);
}

fn runtime() -> Runtime {
    RuntimeBuilder::new().workers(2).build().unwrap()
}

/// A line of /proc/self/status.
fn status(key: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("a known key");
    line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().unwrap()
}

fn rss_mib() -> usize {
    status("VmRSS") / 1024
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Green threads that wait after they have begun, and have done something first.
struct Crowd {
    handles: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// So many; returns when each has begun, or ended without.
    fn of(count: usize, rt: &Runtime, first: fn()) -> Self {
        let begun = Arc::new(AtomicUsize::new(0));
        let body = |begun: Arc<AtomicUsize>| {
            move || {
                first();
                begun.fetch_add(1, Ordering::Relaxed);
                park();
            }
        };
        let handles: Vec<_> = (0..count).map(|_| rt.spawn(body(begun.clone()))).collect();
        let ended = || handles.iter().filter(|handle| handle.is_finished()).count();
        until(|| {
            begun.load(Ordering::Relaxed) == count
                || begun.load(Ordering::Relaxed) + ended() == count
        });
        Self { handles }
    }

    /// Lets them go. Returns what those died of that had no stack.
    fn end(self) -> Vec<JoinError> {
        self.handles.iter().for_each(|handle| handle.thread().unpark());
        self.handles.into_iter().filter_map(|handle| handle.join().err()).collect()
    }
}

fn until(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LONG, "it does not come");
        thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn assert_refused(errors: &[JoinError], why: &str) {
    assert!(!errors.is_empty(), "nobody was refused");
    for error in errors {
        assert!(error.is_no_stack() && !error.is_panic() && !error.is_cancelled(), "{error}");
        assert_eq!(error.no_stack_errno(), Some(libc::ENOMEM));
        assert!(error.to_string().contains(why), "{error}");
    }
}

fn limit_address_space(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: it reads the limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

fn address_space() {
    const THREADS: usize = 2000;
    let rt = runtime();
    rt.run(|| ());
    limit_address_space((status("VmSize") as u64 + 100 * 1024) * 1024);
    for _ in 0..2 {
        let errors = Crowd::of(THREADS, &rt, || ()).end();
        assert!(errors.len() < THREADS - 100, "few ran: {}", THREADS - errors.len());
        assert_refused(&errors, "`ulimit -v`");
        assert_eq!(rt.run(|| spawn(|| 7).join().unwrap()), 7);
    }
    limit_address_space(libc::RLIM_INFINITY);
    assert!(Crowd::of(THREADS, &rt, || ()).end().is_empty());
}

fn map_count() {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    if limit > 100_000 {
        return eprintln!("vm.max_map_count is {limit}: this would take long");
    }
    sward_sched::internal::refuse_guard_marks();
    let rt = runtime();
    for _ in 0..2 {
        let errors = Crowd::of(limit / 2 + 1000, &rt, || ()).end();
        assert_refused(&errors, "`vm.max_map_count`");
        assert_eq!(rt.run(|| spawn(|| 7).join().unwrap()), 7);
    }
}

fn cycles() {
    let cycle = |i: usize| {
        let rt = runtime();
        let crowd = Crowd::of(50, &rt, || ());
        let sizes = (0..10).map(|size| Builder::new().stack_size(size << 18));
        rt.run(|| sizes.for_each(|builder| builder.spawn(|| ()).join().unwrap()));
        if i.is_multiple_of(2) {
            crowd.end();
        }
    };
    let counts = || (mappings(), fs::read_dir("/proc/self/fd").unwrap().count());
    (0..20).for_each(cycle);
    until(|| status("Threads") <= 2);
    let before = counts();
    (0..200).for_each(cycle);
    until(|| status("Threads") <= 2);
    let after = counts();
    // The allocator's come and go.
    assert!(after.0 <= before.0 + 8 && after.1 <= before.1, "{before:?} {after:?}");
}

#[inline(never)]
fn deep() {
    let frame = [black_box(1u8); 128 * 1024];
    black_box(&frame);
}

fn burst() {
    const THREADS: usize = 4000;
    let rt = runtime();
    assert!(Crowd::of(10, &rt, || ()).end().is_empty());
    let before = rss_mib();
    let crowd = Crowd::of(THREADS, &rt, deep);
    let peak = rss_mib();
    assert!(peak - before > THREADS / 8, "{before} {peak}");
    assert!(crowd.end().is_empty());
    until(|| rss_mib() < before + 40);
    // Then there is nothing left to do for the monitor.
    let wakes = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        let status = |task: std::path::PathBuf| fs::read_to_string(task.join("status")).unwrap();
        let monitor = tasks.map(status).find(|it| it.starts_with("Name:\tsward-monitor\n"));
        let status = monitor.expect("there is a monitor");
        status.lines().filter(|line| line.contains("ctxt_switches")).collect::<String>()
    };
    let mut since = (wakes(), Instant::now());
    until(|| {
        let now = wakes();
        if now != since.0 {
            since = (now, Instant::now());
        }
        since.1.elapsed() > Duration::from_millis(2500)
    });
    // And what is left of the stacks can be used.
    assert!(Crowd::of(THREADS, &rt, deep).end().is_empty());
}

fn classes() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    let page_of_a_local = |bytes| {
        rt.run(move || {
            let local = || {
                let byte = black_box(0u8);
                (&raw const byte).addr() >> 12
            };
            Builder::new().stack_size(bytes).spawn(local).join().unwrap()
        })
    };
    let first = page_of_a_local(1 << 20);
    let mappings_before = mappings();
    (0..100).for_each(|i| assert_eq!(page_of_a_local((1 << 20) + i), first));
    assert_ne!(page_of_a_local(4 << 20), first);
    assert!(mappings() <= mappings_before + 8);
}
