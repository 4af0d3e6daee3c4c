//! What panics in a `select!`, a value's destructor, its `clone` or the code of a case, harms
//! nobody else: the channels can be used, and every value is dropped once.

mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sward_chan::{TryRecvError, bounded, select};
use values::{BOUNDS, Tally, channel};

#[test]
fn a_destructor_that_panics_in_a_case_that_loses_leaves_the_channels_usable() {
    for capacity in BOUNDS {
        let tally = Tally::new(3);
        let (sender, receiver) = bounded(capacity);
        let (nobody, unheard) = bounded(0);
        let (fill, filled) = bounded(1);
        fill.send(tally.value(0)).ok().unwrap();
        let selecting = AssertUnwindSafe(|| {
            select! {
                recv(filled) -> value => assert_eq!(value.ok().unwrap().number, 0),
                send(nobody, tally.bomb(1)) -> _ => panic!("nobody receives"),
            }
        });
        assert!(catch_unwind(selecting).is_err());
        assert!(matches!(unheard.try_recv(), Err(TryRecvError::Empty)));
        assert!(matches!(filled.try_recv(), Err(TryRecvError::Empty)));
        // And one whose time is up.
        let selecting = AssertUnwindSafe(|| {
            select! {
                recv(filled) -> _ => panic!("it is empty"),
                send(nobody, tally.bomb(2)) -> _ => panic!("nobody receives"),
                default(Duration::from_micros(10)) => {}
            }
        });
        assert!(catch_unwind(selecting).is_err());
        tally.check();
        assert!(matches!(unheard.try_recv(), Err(TryRecvError::Empty)));
        assert!(fill.try_send(Tally::new(1).value(0)).is_ok());
        if capacity > 0 {
            sender.send(7).unwrap();
            assert_eq!(select! { recv(receiver) -> value => value }, Ok(7));
        }
    }
}

#[test]
fn a_destructor_that_panics_after_a_receive_leaves_the_channel_usable() {
    for capacity in [Some(2), None] {
        let tally = Tally::new(2);
        let (sender, receiver) = channel(capacity);
        sender.send(tally.bomb(0)).ok().unwrap();
        sender.send(tally.value(1)).ok().unwrap();
        let selecting = AssertUnwindSafe(|| select! { recv(receiver) -> value => drop(value) });
        assert!(catch_unwind(selecting).is_err());
        assert_eq!(select! { recv(receiver) -> value => value.ok().unwrap().number }, 1);
        tally.check();
    }
}

#[test]
fn a_clone_that_panics_leaves_the_channels_usable() {
    struct Uncloneable;
    impl Clone for Uncloneable {
        fn clone(&self) -> Self {
            panic!("on purpose")
        }
    }
    let (sender, receiver) = bounded(1);
    let (numbers, numbered) = bounded(1);
    let original = Uncloneable;
    for _ in 0..2 {
        let selecting = AssertUnwindSafe(|| {
            select! {
                send(numbers, 7) -> _ => {}
                send(sender, original.clone()) -> _ => {}
            }
        });
        // Before the choice.
        assert!(catch_unwind(selecting).is_err());
        assert_eq!((numbered.len(), receiver.len()), (0, 0));
    }
    assert!(select! { send(sender, original) -> sent => sent.is_ok() });
    assert!(receiver.recv().is_ok());
}

#[test]
fn a_case_that_panics_has_happened() {
    for capacity in [Some(1), None] {
        let tally = Tally::new(3);
        let (sender, receiver) = channel(capacity);
        let (nobody, _held) = bounded(0);
        let selecting = AssertUnwindSafe(|| {
            select! {
                send(sender, tally.value(0)) -> _ => panic!("after the send"),
                send(nobody, tally.value(1)) -> _ => {}
            }
        });
        assert!(catch_unwind(selecting).is_err());
        // The other value is gone, this one is queued.
        assert_eq!((tally.dropped(), receiver.len()), (1, 1));
        let selecting = AssertUnwindSafe(|| {
            select! {
                recv(receiver) -> _value => panic!("after the receive"),
                send(nobody, tally.value(2)) -> _ => {}
            }
        });
        assert!(catch_unwind(selecting).is_err());
        assert!(receiver.is_empty());
        tally.check();
    }
}
