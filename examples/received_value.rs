//! A coroutine that is resumed with nothing three times, and then with a value.
//!
//! It says each time that it runs, suspends itself, and ends when it gets the value. What it is resumed
//! with is an `Option`: Python's `next(c)` is `c.resume(None)`, and `c.send(233)` is
//! `c.resume(Some(233))`. There is no first `send(None)` to get it going: the first input is an argument
//! of the body. It prints
//!
//! ```text
//! Coroutine running...
//! Coroutine running...
//! Coroutine running...
//! Received value: 233
//! ```

#![forbid(unsafe_code)]

use sward::coroutine::{Coroutine, ResumeError, Status, Yielder};

fn run(y: &Yielder<Option<u32>, ()>, mut sent: Option<u32>) {
    let value = loop {
        match sent {
            Some(value) => break value,
            None => println!("Coroutine running..."),
        }
        sent = y.suspend(());
    };
    println!("Received value: {value}");
}

fn main() -> Result<(), ResumeError<Option<u32>>> {
    let coroutine = Coroutine::new(run);
    for sent in [None, None, None, Some(233)] {
        coroutine.resume(sent)?;
    }
    assert_eq!(coroutine.status(), Status::Done);
    Ok(())
}
