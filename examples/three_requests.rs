//! Three slow requests: first one after the other, then at the same time.
//!
//! The second time each is a green thread of its own. All three wait at once, so the results are there
//! when the slowest one is. The requests themselves are the same functions, which know nothing of that.
//!
//! ```text
//! one after the other: 3 letters, "Sward grows", 21.5 degrees, after 0.6 s
//! at the same time: 3 letters, "Sward grows", 21.5 degrees, after 0.3 s
//! ```

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use sward::join;
use sward::time::sleep;

fn count_mail() -> u32 {
    sleep(Duration::from_millis(300));
    3
}

fn headline() -> &'static str {
    sleep(Duration::from_millis(200));
    "Sward grows"
}

fn temperature() -> f32 {
    sleep(Duration::from_millis(100));
    21.5
}

fn report(how: &str, ask: impl FnOnce() -> (u32, &'static str, f32)) {
    let start = Instant::now();
    let (letters, headline, degrees) = ask();
    let seconds = start.elapsed().as_secs_f32();
    println!("{how}: {letters} letters, {headline:?}, {degrees} degrees, after {seconds:.1} s");
}

#[sward::main]
fn main() {
    report("one after the other", || (count_mail(), headline(), temperature()));
    report("at the same time", || join!(count_mail(), headline(), temperature()));
}
