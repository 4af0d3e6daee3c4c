//! What becomes of a thread that runs off its stack, and of faults that are none of ours. Each
//! case runs in a process of its own.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::arch::asm;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use sward_sched::runtime::Builder as RuntimeBuilder;
use sward_sched::{Builder, MIN_STACK_SIZE, run, spawn};

const CASE: &str = "SWARD_TEST_CASE";

const CASES: &[(&str, fn())] = &[
    ("recursion", || overflow(recurse)),
    ("c_frame", || overflow(large_frames)),
    ("fallback_recursion", || overflow_above_ranges(recurse)),
    ("fallback_c_frame", || overflow_above_ranges(large_frames)),
    ("locked_memory", overflow_in_locked_memory),
    ("dedicated", || drop(Builder::new().name("deep").dedicated().spawn(recurse).join())),
    ("with_parent", overflow_on_a_used_stack),
    ("size", || drop(Builder::new().stack_size(1).spawn(recurse).join())),
    ("os_thread", overflow_of_an_os_thread),
    ("null", || drop(spawn(read_null).join())),
    ("null_on_main", || {
        run(|| ());
        read_null();
    }),
    ("killed", killed),
    ("before_other", || before(read_null)),
    ("before_overflow", || before(recurse)),
    ("before_mends", before_mends),
    ("after_other", || after(read_null)),
    ("after_overflow", || after(recurse)),
    ("after_passes_on", after_passes_on),
];

/// Does nothing unless it is started by one of the tests below.
#[test]
fn child() {
    let Ok(name) = std::env::var(CASE) else { return };
    // SAFETY: no core files from what is meant to crash.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 }) };
    CASES.iter().find(|(known, _)| *known == name).expect("a case").1();
}

fn outcome(case: &str) -> (Output, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, stderr)
}

/// The overflow was told, and the process aborted.
#[track_caller]
fn assert_told(case: &str, whose: &str, bytes: usize) {
    let (output, stderr) = outcome(case);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{case}: {stderr}");
    let size = format!("overflowed its stack of {bytes} bytes");
    for part in [whose, &size, "stack_size"] {
        assert!(stderr.contains(part), "{case}: {stderr}");
    }
}

/// It was a fault like any other.
#[track_caller]
fn assert_not_told(case: &str, signal: Option<i32>, code: Option<i32>, said: &str) {
    let (output, stderr) = outcome(case);
    assert_eq!((output.status.signal(), output.status.code()), (signal, code), "{case}: {stderr}");
    assert!(!stderr.contains("sward:"), "{case}: {stderr}");
    assert!(stderr.contains(said), "{case}: {stderr}");
}

const DEFAULT: usize = sward_sched::DEFAULT_STACK_SIZE;

#[test]
fn recursion_is_told_and_aborts() {
    assert_told("recursion", "green thread 'deep' (#", DEFAULT);
    assert_told("dedicated", "green thread 'deep' (#", DEFAULT);
    assert_told("with_parent", "green thread 'second' (#", DEFAULT);
    assert_told("size", "green thread #", MIN_STACK_SIZE);
}

#[test]
fn large_frames_that_do_not_probe_are_told() {
    assert_told("c_frame", "green thread 'deep'", DEFAULT);
}

#[test]
fn guards_of_old_kernels_are_told() {
    assert_told("fallback_recursion", "green thread 'deep'", DEFAULT);
    assert_told("fallback_c_frame", "green thread 'deep'", DEFAULT);
}

#[test]
fn guards_under_mlockall_are_told() {
    let (output, stderr) = outcome("locked_memory");
    if output.status.code() != Some(0) {
        assert_told("locked_memory", "green thread 'deep'", DEFAULT);
    } else {
        assert!(stderr.contains("not permitted"), "{stderr}");
    }
}

#[test]
fn os_threads_are_std_s() {
    let (output, stderr) = outcome("os_thread");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{stderr}");
    assert!(stderr.contains("'plain'") && stderr.contains("has overflowed its stack"), "{stderr}");
    assert!(!stderr.contains("sward:"), "{stderr}");
}

#[test]
fn other_faults_and_signals_end_the_process_as_ever() {
    assert_not_told("null", Some(libc::SIGSEGV), None, "");
    assert_not_told("null_on_main", Some(libc::SIGSEGV), None, "");
    assert_not_told("killed", Some(libc::SIGSEGV), None, "");
}

#[test]
fn a_handler_that_was_there_before_gets_what_is_not_ours() {
    assert_not_told("before_other", None, Some(FOREIGN), "foreign");
    assert_not_told("before_mends", None, Some(0), "went on");
    assert_told("before_overflow", "green thread 'deep'", DEFAULT);
}

#[test]
fn a_handler_that_came_later_passes_overflows_on() {
    assert_not_told("after_other", None, Some(FOREIGN), "foreign");
    assert_told("after_overflow", "green thread 'deep'", DEFAULT);
    assert_not_told("after_passes_on", Some(libc::SIGSEGV), None, "");
}

fn overflow(how: fn()) {
    drop(Builder::new().name("deep").spawn(how).join());
}

fn overflow_above_ranges(how: fn()) {
    sward_sched::internal::refuse_guard_marks();
    overflow(how);
}

fn overflow_in_locked_memory() {
    // SAFETY: it changes how memory is mapped from here on.
    if unsafe { libc::mlockall(libc::MCL_FUTURE | libc::MCL_ONFAULT) } != 0 {
        eprintln!("mlockall is not permitted");
        return;
    }
    overflow(recurse);
}

/// On the stack of a thread that is over, which its runner goes on to without a switch.
fn overflow_on_a_used_stack() {
    let rt = RuntimeBuilder::new().workers(1).build().unwrap();
    rt.run(|| {
        let first = Builder::new().name("first").spawn(|| ());
        let second = Builder::new().name("second").spawn(recurse);
        drop((first.join(), second.join()));
    });
}

fn overflow_of_an_os_thread() {
    run(|| ());
    let plain = std::thread::Builder::new().name("plain".to_owned());
    drop(plain.spawn(recurse).unwrap().join());
}

#[allow(unconditional_recursion)]
fn recurse() {
    let frame = black_box([0u8; 100]);
    recurse();
    black_box(frame);
}

/// What a C compiler makes of functions with 64 KiB of locals each that call each other.
fn large_frames() {
    // SAFETY: it ends in the guard.
    unsafe {
        asm!("2:", "sub rsp, 65536", "mov qword ptr [rsp], 0", "jmp 2b", options(noreturn));
    }
}

fn read_null() {
    // SAFETY: none: it is to crash. (8: std has its own word for null in debug builds.)
    unsafe { asm!("mov {0}, qword ptr [8]", out(reg) _) };
}

/// Signals that somebody sends are not faults, wherever their sender's number points to.
fn killed() {
    spawn(|| {
        // SAFETY: to ourselves; as often as it takes: std's handler ignores the first.
        unsafe {
            libc::raise(libc::SIGSEGV);
            libc::raise(libc::SIGSEGV);
        }
    })
    .join()
    .unwrap();
}

const FOREIGN: i32 = 77;

type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);

fn handle_with(handler: Handler) -> libc::sigaction {
    // SAFETY: room for both; the handler is of the kind that the flag says.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let mut before = std::mem::zeroed();
        assert_eq!(libc::sigaction(libc::SIGSEGV, &action, &mut before), 0);
        before
    }
}

extern "C" fn end(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: async-signal-safe, both.
    unsafe {
        libc::write(2, c"foreign\n".as_ptr().cast(), 8);
        libc::_exit(FOREIGN);
    }
}

fn before(how: fn()) {
    handle_with(end);
    overflow(how);
}

/// A page that nobody may touch until the handler says so.
static PAGE: AtomicUsize = AtomicUsize::new(0);

fn before_mends() {
    extern "C" fn mend(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: a page of our own.
        unsafe {
            assert_eq!((*info).si_addr() as usize, PAGE.load(Ordering::Relaxed));
            libc::mprotect((*info).si_addr(), 4096, libc::PROT_READ | libc::PROT_WRITE);
        }
    }
    handle_with(mend);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping.
    let page = unsafe { libc::mmap(ptr::null_mut(), 4096, libc::PROT_NONE, flags, -1, 0) };
    PAGE.store(page as usize, Ordering::Relaxed);
    let value = spawn(|| {
        // SAFETY: the handler makes it so.
        unsafe { (PAGE.load(Ordering::Relaxed) as *mut u8).write_volatile(7) };
        7
    });
    assert_eq!(value.join().unwrap(), 7);
    eprintln!("went on");
}

/// The handler that was there before: that of sward.
static BEFORE: AtomicUsize = AtomicUsize::new(0);

fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: of this kind, as `SA_SIGINFO` says.
    let handler: Handler = unsafe { std::mem::transmute(BEFORE.load(Ordering::Relaxed)) };
    handler(signal, info, context);
}

/// A handler for faults near null that passes others on.
fn after(how: fn()) {
    extern "C" fn filter(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: the kernel's.
        if (unsafe { (*info).si_addr() } as usize) < 4096 {
            end(signal, info, context);
        }
        pass_on(signal, info, context);
    }
    run(|| ());
    let before = handle_with(filter);
    assert!(before.sa_flags & libc::SA_SIGINFO != 0);
    BEFORE.store(before.sa_sigaction, Ordering::Relaxed);
    overflow(how);
}

fn after_passes_on() {
    extern "C" fn pass(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        pass_on(signal, info, context);
    }
    run(|| ());
    BEFORE.store(handle_with(pass).sa_sigaction, Ordering::Relaxed);
    overflow(read_null);
}
