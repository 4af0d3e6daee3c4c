//! Two routines take turns: each stops in its middle, and goes on from there when it is resumed.
//!
//! Neither calls the other. The first prints `1 2` and suspends itself, the second `x y`; then the first
//! ends with `3`, and the second with `z`:
//!
//! ```text
//! 1 2 x y 3 z
//! ```

#![forbid(unsafe_code)]

use sward::coroutine::{Coroutine, ResumeError, Yielder};

fn digits(y: &Yielder<(), ()>, (): ()) {
    print!("1 ");
    print!("2 ");
    y.suspend(());
    print!("3 ");
}

fn letters(y: &Yielder<(), ()>, (): ()) {
    print!("x ");
    print!("y ");
    y.suspend(());
    println!("z");
}

fn main() -> Result<(), ResumeError<()>> {
    let (digits, letters) = (Coroutine::new(digits), Coroutine::new(letters));
    for routine in [&digits, &letters, &digits, &letters] {
        routine.resume(())?;
    }
    Ok(())
}
