//! `select!` and `select_biased!` as macros: what they accept, what they evaluate and drop when,
//! and what they leave alone. How they wait is in `select.rs`.

#![forbid(unsafe_code)]
#![deny(warnings)]

use std::cell::RefCell;

mod arms;
mod bodies;
mod grammar;
mod hygiene;
mod operands;

thread_local! {
    static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Notes that it is evaluated.
fn log<T>(what: &'static str, value: T) -> T {
    LOG.with_borrow_mut(|log| log.push(what));
    value
}

/// What has been noted since the last call.
fn logged() -> Vec<&'static str> {
    LOG.take()
}

/// Notes that it is dropped.
#[derive(Debug)]
struct Loud(&'static str);

impl Drop for Loud {
    fn drop(&mut self) {
        log(self.0, ());
    }
}
