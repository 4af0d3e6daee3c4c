//! Ends of channels, what iterates over them, and the futures that wait at them.

use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use futures::StreamExt;
use sward::chan::{
    self, Receiver, RecvError, RecvTimeoutError, SendError, Sender, TryRecvError, broadcast,
    oneshot, watch,
};

use crate::settings::{LONG, Setting, settle, until};
use crate::tasks::{Wakes, forget, poll};
use crate::{Drops, SHORT};

in_every_setting!(
    a_forgotten_end_keeps_the_channel_connected,
    futures_that_are_forgotten_stay_behind_when_the_channel_goes,
    a_forgotten_future_of_a_clock_is_woken,
    a_forgotten_end_of_a_oneshot_leaves_the_other_waiting,
    a_forgotten_end_of_a_broadcast_holds_nobody_up,
    a_forgotten_end_of_a_watch_holds_nobody_up,
);

/// Each of the kinds that hold values.
fn channels<T>() -> [(Sender<T>, Receiver<T>); 4] {
    [chan::bounded(0), chan::bounded(1), chan::bounded(3), chan::unbounded()]
}

fn a_forgotten_end_keeps_the_channel_connected(setting: &Setting) {
    for (sender, receiver) in channels() {
        forget(sender.clone());
        let inner = receiver.clone();
        let receiving = setting.spawn(move || [inner.recv(), inner.recv()]);
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        assert_eq!(receiving.join(), [Ok(1), Ok(2)]);
        drop(sender);
        // As if there were one: but a close ends that.
        assert_eq!(receiver.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
        receiver.close();
        assert_eq!(receiver.recv(), Err(RecvError));
    }
    for (sender, receiver) in channels() {
        forget(receiver.iter());
        forget(receiver.try_iter());
        forget(receiver.stream());
        forget(receiver.clone().into_iter());
        drop(receiver);
        // What is left takes what there is room for.
        let room = sender.capacity().unwrap_or(10);
        (0..room).for_each(|i| sender.send(i).unwrap());
        if sender.capacity().is_some() {
            assert!(sender.send_timeout(room, SHORT).unwrap_err().is_timeout());
        }
        sender.close();
        assert_eq!(sender.send(7), Err(SendError(7)));
    }
}

fn futures_that_are_forgotten_stay_behind_when_the_channel_goes(setting: &Setting) {
    for receiver_first in [false, true] {
        for (sender, receiver) in channels() {
            let values = Drops::default();
            let (wakes, waker) = Wakes::new();
            forget(receiver.recv_async());
            let mut told = Box::pin(receiver.recv_async());
            let mut receiving = Box::pin(receiver.recv_async());
            let mut stream = Box::pin(receiver.stream());
            assert!(poll(told.as_mut(), &waker).is_pending());
            assert!(poll(receiving.as_mut(), &waker).is_pending());
            assert!(stream.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
            // The first of them hears of it, and does not come.
            let (inner, value) = (sender.clone(), values.counted());
            let sending = setting.spawn(move || inner.send(value).is_ok());
            until(|| wakes.count() > 0);
            forget((told, receiving, stream));
            drop(receiver.recv_timeout(LONG).expect("nobody else takes it"));
            assert!(sending.join());
            assert_eq!(values.get(), 1);
            // And one that sends, which has its value as long as nobody takes that.
            forget(sender.send_async(values.counted()));
            // (Each of those who wait to receive has room for one, before it is known to be gone.)
            let mut queued = 0;
            while sender.capacity().is_some() {
                let mut sending = Box::pin(sender.send_async(values.counted()));
                queued += 1;
                if poll(sending.as_mut(), &waker).is_pending() {
                    forget(sending);
                    break;
                }
            }
            // What is queued is dropped or received; what the last one sends stays with it.
            if receiver_first {
                drop(receiver);
                drop(sender);
            } else {
                drop(sender);
                while receiver.try_recv().is_ok() {}
                assert_eq!(receiver.try_recv().map(drop), Err(TryRecvError::Disconnected));
            }
            assert_eq!(values.get(), queued.max(1));
        }
    }
}

fn a_forgotten_future_of_a_clock_is_woken(setting: &Setting) {
    // Time enough to get in line.
    const LATER: Duration = Duration::from_millis(50);
    let clocks: [fn() -> Receiver<Instant>; 3] =
        [|| chan::after(LATER), || chan::tick(LATER), chan::never];
    for (i, clock) in clocks.into_iter().enumerate() {
        let (wakes, waker) = Wakes::new();
        let ticks = clock();
        forget(ticks.recv_async());
        let mut receiving = Box::pin(ticks.recv_async());
        assert!(poll(receiving.as_mut(), &waker).is_pending());
        forget(receiving);
        let inner = ticks.clone();
        if i == 2 {
            assert!(setting.spawn(move || inner.recv_timeout(SHORT)).join().is_err());
            continue;
        }
        // It is not kept from whoever comes for it.
        assert!(setting.spawn(move || inner.recv_timeout(LONG)).join().is_ok());
        until(|| wakes.count() > 0);
    }
}

fn a_forgotten_end_of_a_oneshot_leaves_the_other_waiting(setting: &Setting) {
    let (sender, mut receiver) = oneshot::channel::<u32>();
    forget(sender);
    let waiting = setting.spawn(move || {
        assert_eq!(receiver.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
        receiver.close();
        receiver.try_recv()
    });
    assert!(waiting.join().is_err());

    let values = Drops::default();
    let (mut sender, receiver) = oneshot::channel();
    forget(receiver);
    let mut closed = Box::pin(sender.closed_async());
    assert!(poll(closed.as_mut(), Waker::noop()).is_pending());
    forget(closed);
    assert!(!sender.is_closed());
    assert!(sender.send(values.counted()).is_ok());
    assert_eq!(values.get(), 0);

    // A future in line of either side, and then the ends go.
    for receiver_first in [false, true] {
        let (mut sender, mut receiver) = oneshot::channel::<u32>();
        let (told, waker) = Wakes::new();
        let mut closed = Box::pin(sender.closed_async());
        assert!(poll(closed.as_mut(), &waker).is_pending());
        forget(closed);
        let mut receiving = Box::pin(receiver.recv_async());
        assert!(poll(receiving.as_mut(), Waker::noop()).is_pending());
        forget(receiving);
        if receiver_first {
            setting.spawn(move || drop(receiver)).join();
            assert_eq!((told.count(), sender.send(7)), (1, Err(SendError(7))));
        } else {
            setting.spawn(move || sender.send(7)).join().unwrap();
            assert_eq!(receiver.recv(), Ok(7));
        }
    }
}

fn a_forgotten_end_of_a_broadcast_holds_nobody_up(setting: &Setting) {
    let (sender, mut receiver) = broadcast::channel(4);
    forget(receiver.resubscribe());
    for i in 0..20 {
        assert_eq!(sender.send(i), Ok(2));
        assert_eq!(receiver.recv(), Ok(i));
    }
    drop(receiver);
    // It is one that has gone to sleep, for all that is known.
    assert_eq!(sender.send(20), Ok(1));
    let mut late = sender.subscribe();
    forget(sender.clone());
    drop(sender);
    let waiting = setting.spawn(move || late.recv_timeout(SHORT));
    assert_eq!(waiting.join(), Err(broadcast::RecvTimeoutError::Timeout));
}

fn a_forgotten_end_of_a_watch_holds_nobody_up(setting: &Setting) {
    let values = Drops::default();
    let (sender, mut receiver) = watch::channel(values.counted());
    // A look at a value keeps that value, and stops nobody.
    forget(receiver.borrow());
    forget(sender.borrow());
    assert!(sender.send(values.counted()).is_ok());
    assert_eq!(receiver.changed(), Ok(()));
    assert!(sender.send(values.counted()).is_ok());
    assert_eq!(values.get(), 1);
    let mut other = receiver.clone();
    let mut waiting = Box::pin(other.wait_for_async(|_| false));
    assert!(poll(waiting.as_mut(), Waker::noop()).is_pending());
    forget(waiting);
    forget(other);
    let inner = setting.spawn(move || {
        receiver.changed().unwrap();
        receiver.changed()
    });
    // The forgotten one is a receiver as long as the channel lasts.
    settle();
    assert!(sender.send(values.counted()).is_ok());
    drop(sender);
    assert!(inner.join().is_ok() || values.get() > 0);

    let (sender, mut receiver) = watch::channel(0);
    assert_eq!(sender.receiver_count(), 1);
    forget(sender);
    let late = setting.spawn(move || receiver.changed_timeout(SHORT));
    assert_eq!(late.join(), Err(RecvTimeoutError::Timeout));
}
