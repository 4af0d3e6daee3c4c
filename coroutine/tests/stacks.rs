//! What becomes of coroutines when there is not enough stack.

#[path = "../../sched/tests/settings/mod.rs"]
mod settings;

use std::panic::catch_unwind;

use settings::{in_child, is_child, panicking};
use sward_coroutine::{Builder, Coroutine, State};

/// Delegates `levels` deep.
fn nested(levels: u32) -> Coroutine<u32, u32, ()> {
    Coroutine::new(move |y, first| {
        if levels > 0 {
            return y.delegate(&nested(levels - 1), first).unwrap();
        }
        y.suspend(first);
    })
}

#[test]
fn when_stacks_run_out_the_error_says_which_limit_and_what_to_do() {
    if is_child() {
        // SAFETY: it changes this process alone, which ends soon.
        unsafe {
            let limit = libc::rlimit { rlim_cur: 1 << 30, rlim_max: 1 << 30 };
            assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &limit), 0);
        }
        let mut all = Vec::new();
        let error = loop {
            match Builder::new().build(|y, ()| y.suspend(())) {
                Ok(one) => {
                    one.resume(()).unwrap();
                    all.push(one);
                }
                Err(error) => break error,
            }
        };
        eprintln!("{error}");
        let panic = catch_unwind(|| Coroutine::new(|y, ()| y.suspend(()))).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains("no stack for a coroutine"));
        // A part of a chain: all that it was delegated to ends in order.
        all.truncate(100);
        let panic = catch_unwind(|| nested(10_000).resume(7)).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains("RLIMIT_AS"));
        assert!(!panicking() && all.len() == 100);
        drop(all);
        assert_eq!(nested(100).resume(1).unwrap(), State::Yielded(1));
        return;
    }
    let child = in_child("when_stacks_run_out_the_error_says_which_limit_and_what_to_do");
    let stderr = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{stderr}");
    assert!(stderr.contains("RLIMIT_AS") && stderr.contains("ulimit -v"), "{stderr}");
}

#[test]
fn an_overflow_is_told() {
    #[expect(unconditional_recursion, reason = "until the stack ends")]
    fn recurse(n: u64) -> u64 {
        let frame = std::hint::black_box([n; 64]);
        recurse(n + 1) + frame[std::hint::black_box(0)]
    }
    fn overflow() {
        let deep = Coroutine::new(|y, n| y.suspend(recurse(n)));
        let _ = deep.resume(0);
    }
    let name = "an_overflow_is_told";
    match std::env::var("SWARD_TEST_CASE").as_deref() {
        Ok("os") if is_child() => return overflow(),
        Ok(_) if is_child() => {
            let thread = sward_sched::Builder::new().name("deep");
            return thread.spawn(overflow).join().unwrap();
        }
        _ => {}
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return;
    }
    for (case, whose) in
        [("os", "a coroutine has"), ("green", "a coroutine in green thread 'deep'")]
    {
        // SAFETY: only this test looks at it.
        unsafe { std::env::set_var("SWARD_TEST_CASE", case) };
        let child = in_child(name);
        let stderr = String::from_utf8_lossy(&child.stderr);
        assert!(!child.status.success(), "{stderr}");
        for part in
            [whose, "overflowed its stack of 196608 bytes", "coroutine::Builder::stack_size"]
        {
            assert!(stderr.contains(part), "{case}: {stderr}");
        }
    }
}
