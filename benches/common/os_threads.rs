//! Values handed between OS threads, over whoever's channels. The system places the
//! threads: a number of workers makes no difference.

use std::iter;
use std::thread;
use std::time::Duration;

use crate::measure::timed;

pub(crate) trait Channels {
    type Sender: Clone + Send;
    type Receiver: Clone + Send;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64);
    /// `None`: there are no senders left.
    fn recv(receiver: &Self::Receiver) -> Option<u64>;
}

/// So many senders and as many receivers on one channel.
pub(crate) fn hand_over<C: Channels>(threads: u64, capacity: usize, messages: u64) -> Duration {
    let each = messages.div_ceil(threads);
    let (sender, receiver) = C::bounded(capacity);
    timed(|| {
        thread::scope(move |scope| {
            let receive = |_| {
                let receiver = receiver.clone();
                scope.spawn(move || iter::from_fn(|| C::recv(&receiver)).count() as u64)
            };
            let receiving: Vec<_> = (0..threads).map(receive).collect();
            for _ in 0..threads {
                let sender = sender.clone();
                scope.spawn(move || (0..each).for_each(|i| C::send(&sender, i)));
            }
            drop(sender);
            let received: u64 = receiving.into_iter().map(|handle| handle.join().unwrap()).sum();
            assert_eq!(received, threads * each);
        });
    })
}
