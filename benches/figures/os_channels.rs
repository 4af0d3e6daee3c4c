//! Our channels between OS threads.

use sward::{chan, unblock};

use crate::Workload;
use crate::measure::Figure::Best;
use crate::os_threads::{Channels, hand_over};

// The green thread that asks for it leaves its worker alone meanwhile.
pub(crate) const ALL: &[Workload] = &[
    ("os_chan_0", 50_000, Best(|n| unblock(move || hand_over::<Sward>(1, 0, n)))),
    ("os_chan_1", 50_000, Best(|n| unblock(move || hand_over::<Sward>(1, 1, n)))),
    ("os_chan_128", 1_000_000, Best(|n| unblock(move || hand_over::<Sward>(1, 128, n)))),
    ("os_chan_4_4_0", 50_000, Best(|n| unblock(move || hand_over::<Sward>(4, 0, n)))),
    ("os_chan_4_4_128", 1_000_000, Best(|n| unblock(move || hand_over::<Sward>(4, 128, n)))),
];

struct Sward;

impl Channels for Sward {
    type Sender = chan::Sender<u64>;
    type Receiver = chan::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        chan::bounded(capacity)
    }

    fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).unwrap();
    }

    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}
