//! A producer hands its numbers to a consumer, one at a time, and gets an answer to each (after Liao
//! Xuefeng's Python tutorial).
//!
//! The consumer is a coroutine: it is sent a number, suspends itself with its answer, and goes on from
//! there with the next number. The producer resumes it, and closes it in the end, since by itself it
//! would wait for numbers for ever. The two take turns in one OS thread, so they need no lock, no queue
//! and no runtime. It prints this, and so on to 5:
//!
//! ```text
//! [PRODUCER] Producing 1...
//! [CONSUMER] Consuming 1...
//! [PRODUCER] Consumer return: 200 OK
//! ```

#![forbid(unsafe_code)]

use std::error::Error;

use sward::coroutine::{Coroutine, State, Yielder};

fn consume(y: &Yielder<u32, &'static str>, mut n: u32) {
    loop {
        println!("[CONSUMER] Consuming {n}...");
        n = y.suspend("200 OK");
    }
}

fn produce(consumer: Coroutine<u32, &'static str, ()>) -> Result<(), Box<dyn Error>> {
    for n in 1..=5 {
        println!("[PRODUCER] Producing {n}...");
        if let State::Yielded(answer) = consumer.resume(n)? {
            println!("[PRODUCER] Consumer return: {answer}");
        }
    }
    consumer.close()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    produce(Coroutine::new(consume))
}
