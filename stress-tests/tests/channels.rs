//! The stress for a moment: what works passes, and each mistake is noticed.

use std::process::Command;

fn run(words: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sward-stress-tests"));
    let output = command.args(words.split(' ')).output().expect("it can be run");
    let text = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    (output.status.success(), text.concat())
}

#[test]
fn channels_that_work_pass() {
    let (passes, text) = run("--seed 1 --rounds 100");
    assert!(passes && text.contains("100 rounds"), "{text}");
}

/// The mistake is made in each round, but not in each can it be seen.
fn is_noticed(mistake: &str, said: &str) {
    let (passes, text) = run(&format!("--seed 1 --rounds 100 {mistake}"));
    assert!(!passes && text.contains(said), "{text}");
    assert!(text.contains("cargo xtask stress channels --seed 0x"), "{text}");
}

#[test]
fn a_value_that_is_lost_is_noticed() {
    is_noticed("--sabotage lose", "was lost");
}

#[test]
fn a_value_that_comes_twice_is_noticed() {
    is_noticed("--sabotage double", "came twice");
}

#[test]
fn a_wrong_order_is_noticed() {
    is_noticed("--sabotage swap", "wrong order");
}

#[test]
fn room_that_leaks_is_noticed() {
    is_noticed("--sabotage leak", "when all have ended");
}

#[test]
fn a_thread_that_hangs_is_noticed() {
    is_noticed("--sabotage hang --limit 1", "is at operation");
}
