//! `#[sward::main]` and `#[sward::test]`: the body runs on the runtime, and what it
//! returns is what the function returns.

use std::process::{ExitCode, Termination};

use sward::go;

#[sward::main]
fn unit() {
    go!(move || ());
}

/// Keeps docs, attributes and visibility.
#[sward::main]
#[must_use]
pub(crate) fn number() -> u32 {
    if go!(move || true).join().unwrap() {
        return 1;
    }
    2
}

#[sward::main(workers = 1 + 1)]
fn fallible() -> Result<u32, std::num::ParseIntError> {
    let bad: u32 = "x".parse()?;
    Ok(bad + 1)
}

#[sward::main(unsafe(migrate))]
fn migrating() -> u32 {
    go!(priority = sward::Priority::High, placement = sward::Placement::WithParent; move || 4)
        .join()
        .unwrap()
}

#[sward::main(workers = 1, unsafe(migrate))]
fn migrating_on_one() -> u32 {
    go!(move || 5).join().unwrap()
}

#[sward::main]
fn exit_code() -> ExitCode {
    ExitCode::from(3)
}

#[sward::main]
fn opaque() -> impl Termination {
    ExitCode::SUCCESS
}

#[sward::main]
fn never() -> ! {
    panic!("never returns")
}

#[sward::main]
fn inner_attribute() -> u32 {
    #![allow(unused_variables)]
    let unused = 1;
    2
}

#[test]
fn the_value_of_the_body_comes_back() {
    unit();
    assert_eq!(number(), 1);
    assert!(fallible().is_err());
    assert_eq!(migrating() + migrating_on_one(), 9);
    assert_eq!(exit_code(), ExitCode::from(3));
    assert_eq!(opaque().report(), ExitCode::SUCCESS);
    assert_eq!(inner_attribute(), 2);
}

#[test]
#[should_panic(expected = "never returns")]
fn a_panic_of_the_body_comes_back() {
    never();
}

#[sward::test]
fn a_test_runs_on_the_runtime() {
    assert_eq!(go!(move || 1).join().unwrap(), 1);
}

#[sward::test(workers = 1)]
fn a_test_may_choose_its_workers() -> Result<(), sward::JoinError> {
    let one = go!(move || 1).join()?;
    assert_eq!(one, 1);
    Ok(())
}

#[sward::test]
#[should_panic(expected = "as it should")]
fn a_test_may_panic() {
    panic!("as it should");
}

#[sward::test]
#[ignore = "it would fail"]
fn a_test_may_be_ignored() {
    unreachable!();
}
