//! A thousand green threads say hello, sleep for a second, and say hello again.
//!
//! Each is written as if it were alone. While one sleeps its worker runs the others, so all are done in
//! about a second, not in a thousand: that time is the last line.
//!
//! ```text
//! Hello world!
//! ..
//! Hello again!
//! 1.0 s
//! ```

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use sward::scope;
use sward::time::sleep;

fn hello() {
    println!("Hello world!");
    sleep(Duration::from_secs(1));
    println!("Hello again!");
}

#[sward::main]
fn main() {
    let start = Instant::now();
    scope(|s| {
        for _ in 0..1000 {
            s.spawn(hello);
        }
    });
    println!("{:.1} s", start.elapsed().as_secs_f32());
}
