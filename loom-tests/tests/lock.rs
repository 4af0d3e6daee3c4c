//! The lock of channels, as it ships: one at a time, and each sees what the last has done.
#![cfg(sward_loom)]

use loom::sync::Arc;
use loom::thread;
use sward_loom_tests::check;
use sward_sched::primitive::{Mutant, ShippedLock};

#[test]
fn one_at_a_time() {
    check("one_at_a_time", &[Mutant::LockLeftRelaxed], || {
        let lock = Arc::new(ShippedLock::new(0));
        let other = lock.clone();
        let adding = thread::spawn(move || (0..2).for_each(|_| *other.lock() += 1));
        *lock.lock() += 1;
        adding.join().unwrap();
        assert_eq!(*lock.lock(), 3);
    });
}
