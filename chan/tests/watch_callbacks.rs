//! Users' code in the middle of a change of a watched value: closures, clones, destructors and
//! wakers may panic there, and may use the watch themselves.

mod settings;
mod tasks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use settings::limited;
use sward_chan::watch::{Sender, channel};
use tasks::{Meddler, poll};

/// A waker that runs code when it is woken.
struct WakesOnly<F>(F);

impl<F: Fn() + Send + Sync + 'static> WakesOnly<F> {
    fn waker(f: F) -> Waker {
        Waker::from(Arc::new(Self(f)))
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for WakesOnly<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// Its clone panics if it is told to, or calls what it is told to.
struct Wild(Box<dyn Fn() + Send + Sync>, Box<dyn Fn() + Send + Sync>);

impl Clone for Wild {
    fn clone(&self) -> Self {
        (self.0)();
        Self(Box::new(|| {}), Box::new(|| {}))
    }
}

impl Drop for Wild {
    fn drop(&mut self) {
        (self.1)();
    }
}

#[test]
fn a_panic_leaves_the_value_as_it_was() {
    let (sender, receiver) = channel(1);
    let changed = catch_unwind(AssertUnwindSafe(|| {
        sender.send_modify(|value| {
            *value = 2;
            panic!("in the middle of it");
        });
    }));
    assert!(changed.is_err());
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
    sender.send_modify(|value| *value += 1);
    assert_eq!(*receiver.borrow(), 2);

    let (sender, receiver) = channel(Wild(Box::new(|| panic!("no clone")), Box::new(|| {})));
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send_modify(|_| {}))).is_err());
    // What goes panics when the new value is there already.
    let last = || Wild(Box::new(|| {}), Box::new(|| panic!("no end")));
    let changes: [&dyn Fn(); 2] = [&|| sender.send_modify(|_| {}), &|| drop(sender.send(last()))];
    for change in changes {
        assert!(sender.send(last()).is_ok());
        let before = sender.borrow();
        change();
        assert!(!std::ptr::eq(&*before, &*sender.borrow()));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(before))).is_err());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send_modify(|_| {}))).is_err());
    sender.send_modify(|_| {});
    drop((sender, receiver));
}

#[test]
fn clones_and_destructors_and_wakers_may_use_the_channel() {
    limited(|| {
        let (sender, mut receiver) = channel(Wild(Box::new(|| {}), Box::new(|| {})));
        let uses = Arc::new(AtomicUsize::new(0));
        let meddling = {
            let (sender, uses) = (sender.clone(), uses.clone());
            move || {
                drop((sender.borrow(), sender.subscribe(), sender.clone()));
                if uses.fetch_add(1, Ordering::SeqCst) < 10 {
                    drop(sender.send(Wild(Box::new(|| {}), Box::new(|| {}))));
                }
            }
        };
        let changing = {
            let (sender, uses) = (sender.clone(), uses.clone());
            move || {
                if uses.fetch_add(1, Ordering::SeqCst) < 10 {
                    sender.send_modify(|_| {});
                }
            }
        };
        let mut waiting = pin!(receiver.changed_async());
        let waker = Meddler::waker(meddling.clone());
        assert!(poll(waiting.as_mut(), &waker).is_pending());
        drop(waker);
        // The waker sends.
        assert!(sender.send(Wild(Box::new(meddling.clone()), Box::new(changing.clone()))).is_ok());
        assert!(uses.load(Ordering::SeqCst) >= 2);
        // A clone sends, and a destructor takes a turn.
        assert!(sender.send(Wild(Box::new(meddling), Box::new(changing))).is_ok());
        sender.send_modify(|_| {});
        drop(sender.send_replace(Wild(Box::new(|| {}), Box::new(|| {}))));
        assert!(poll(waiting, Waker::noop()).is_ready());
        assert!(uses.load(Ordering::SeqCst) >= 4);
    });
}

/// Each waits for a turn, which those have that wake them.
#[test]
fn wakers_may_change_the_value() {
    let changes: [fn(&Sender<i32>); 3] = [
        |sender| sender.send(1).unwrap(),
        |sender| sender.send_modify(|value| *value += 1),
        |sender| {
            sender.send_replace(1);
        },
    ];
    for change in changes {
        limited(move || {
            let (sender, mut receiver) = channel(0);
            let mut waiting = pin!(receiver.changed_async());
            let waker = WakesOnly::waker({
                let sender = sender.clone();
                move || {
                    sender.send_modify(|value| *value += 10);
                    sender.send_replace(*sender.borrow() + 100);
                }
            });
            assert!(poll(waiting.as_mut(), &waker).is_pending());
            change(&sender);
            assert_eq!(*sender.borrow(), 111);
            assert!(poll(waiting, Waker::noop()).is_ready());
        });
    }
}

/// What a destructor does to the value that it was.
#[test]
fn after_a_panic_destructors_may_change_the_value() {
    fn value(
        clone: impl Fn() + Send + Sync + 'static,
        end: impl Fn() + Send + Sync + 'static,
    ) -> Wild {
        Wild(Box::new(clone), Box::new(end))
    }
    limited(|| {
        let (sender, receiver) = channel(value(|| {}, || {}));
        let ends = Arc::new(AtomicUsize::new(0));
        let end = || {
            let (sender, ends) = (sender.clone(), ends.clone());
            move || {
                ends.fetch_add(1, Ordering::SeqCst);
                sender.send_modify(|_| {});
            }
        };
        let panics = |change: &dyn Fn()| catch_unwind(AssertUnwindSafe(change)).is_err();
        // The clone, when the closure panics.
        assert!(panics(&|| sender.send_modify(|value| {
            value.1 = Box::new(end());
            panic!("no change")
        })));
        assert_eq!(ends.load(Ordering::SeqCst), 1);
        // What was there, and is no more, and what the closure has, when `clone` panics.
        let clone = {
            let sender = sender.clone();
            move || {
                drop(sender.send(value(|| {}, || {})));
                panic!("no clone")
            }
        };
        assert!(sender.send(value(clone, end())).is_ok());
        let has = value(|| {}, end());
        let change = std::cell::Cell::new(Some(move |_: &mut Wild| drop(has)));
        assert!(panics(&|| sender.send_modify(change.take().unwrap())));
        assert_eq!(ends.load(Ordering::SeqCst), 3);
        // What was there, when a waker panics.
        let changes: [&dyn Fn(); 2] =
            [&|| sender.send_modify(|_| {}), &|| drop(sender.send_replace(value(|| {}, || {})))];
        for (i, change) in changes.into_iter().enumerate() {
            assert!(sender.send(value(|| {}, end())).is_ok());
            let mut receiver = receiver.clone();
            receiver.borrow_and_update();
            let mut waiting = pin!(receiver.changed_async());
            assert!(poll(waiting.as_mut(), &WakesOnly::waker(|| panic!("no waker"))).is_pending());
            panics(change);
            assert_eq!(ends.load(Ordering::SeqCst), 4 + i);
        }
        sender.send_modify(|_| {});
    });
}
