//! What happens to a channel of any flavour: two at one of its ends, one at the other, and its
//! end.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::Instant;

use loom::thread;
use sward_chan::internal::{Case, Wait, choose, left};
use sward_chan::{Receiver, SelectedOperation, Sender, bounded, unbounded};
use sward_sched::internal::model::Stage;

use crate::{Tally, Value};

/// How many values it holds; `None`: any number.
pub type Capacity = Option<usize>;

/// One that says whether it could do it.
pub type Running = thread::JoinHandle<bool>;

/// A channel of that capacity.
pub fn channel(capacity: Capacity) -> (Sender<Value>, Receiver<Value>) {
    capacity.map_or_else(unbounded, bounded)
}

/// # Panics
///
/// When anybody is still in line, or has been promised something, or if there are not so many
/// values in the channel.
pub fn check_left<T>(receiver: &Receiver<T>, queued: usize) {
    let left = left(receiver);
    assert!(!left.in_line, "somebody waits");
    assert_eq!((left.queued, left.promised), (queued, 0));
}

/// Does one of the cases, and says which.
///
/// # Panics
///
/// When it has not waited for one.
pub fn select(cases: &mut [&mut dyn Case]) -> usize {
    choose(cases, Wait::Forever).expect("it waits until there is one")
}

/// Drops an operation that was selected, which panics when it has given back what it held.
///
/// # Panics
///
/// If that does not panic.
pub fn abandon(operation: SelectedOperation<'_>) {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let message = info.payload().downcast_ref::<&str>();
            if !message.is_some_and(|message| message.contains("`SelectedOperation`")) {
                others(info);
            }
        }));
    });
    assert!(panic::catch_unwind(AssertUnwindSafe(|| drop(operation))).is_err());
}

/// Two that each do the same: how many of them succeeded.
struct Two([Running; 2]);

impl Two {
    fn senders(
        tally: &Tally,
        sender: Sender<Value>,
        send: fn(&Sender<Value>, Value) -> bool,
    ) -> Self {
        let (other, tallies) = (sender.clone(), [tally.clone(), tally.clone()]);
        let [first, second] = tallies;
        Self([
            thread::spawn(move || send(&other, first.value(0))),
            thread::spawn(move || send(&sender, second.value(1))),
        ])
    }

    fn receivers(receiver: Receiver<Value>, recv: fn(&Receiver<Value>) -> bool) -> Self {
        let other = receiver.clone();
        Self([thread::spawn(move || recv(&other)), thread::spawn(move || recv(&receiver))])
    }

    fn join(self) -> usize {
        self.0.map(|thread| thread.join().unwrap()).into_iter().filter(|success| *success).count()
    }
}

/// A thread that sends this value of the tally, and says whether it could.
pub fn sending(sender: &Sender<Value>, tally: &Tally, number: usize) -> Running {
    let (sender, tally) = (sender.clone(), tally.clone());
    thread::spawn(move || send(&sender, tally.value(number)))
}

/// A thread that receives a value, and says whether it could.
pub fn receiving(receiver: &Receiver<Value>) -> Running {
    let receiver = receiver.clone();
    thread::spawn(move || recv(&receiver))
}

fn send(sender: &Sender<Value>, value: Value) -> bool {
    sender.send(value).is_ok()
}

fn recv(receiver: &Receiver<Value>) -> bool {
    receiver.recv().is_ok()
}

/// Two send; all is received, and the last of them to go ends it.
pub fn two_senders_go(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let senders = Two::senders(&tally, sender, send);
    assert_eq!(receiver.iter().count(), 2);
    assert_eq!(senders.join(), 2);
    check_left(&receiver, 0);
    tally.check();
}

/// Two send; the channel is closed after one value has been received.
pub fn two_senders_against_close(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let senders = Two::senders(&tally, sender, send);
    assert!(recv(&receiver));
    receiver.close();
    let sent = senders.join();
    let received = 1 + receiver.iter().count();
    assert_eq!(sent, received);
    check_left(&receiver, 0);
    tally.check();
}

/// Two send; the only receiver goes after one value.
pub fn two_senders_against_last_receiver(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let senders = Two::senders(&tally, sender, send);
    assert!(recv(&receiver));
    drop(receiver);
    let sent = senders.join();
    assert!(sent == 1 || sent == 2 && capacity != Some(0));
    tally.check();
}

/// One sends twice; the channel is closed.
pub fn one_sender_against_close(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let own = tally.clone();
    let sending = thread::spawn(move || (0..2).filter(|i| send(&sender, own.value(*i))).count());
    receiver.close();
    let sent = sending.join().unwrap();
    check_left(&receiver, sent);
    assert_eq!(receiver.iter().count(), sent);
    tally.check();
}

/// Two send, and give up as soon as they would have to wait.
pub fn two_senders_against_timeout(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    let senders = Two::senders(&tally, sender, |sender, value| {
        sender.send_deadline(value, Instant::now()).is_ok()
    });
    let received = receiver.iter().count();
    assert_eq!(senders.join(), received);
    check_left(&receiver, 0);
    tally.check();
}

/// One value for two that receive, and then the only sender goes, or closes the channel.
pub fn two_receivers_against_last_sender(capacity: Capacity, closes: bool) {
    let tally = Tally::new(1);
    let (sender, receiver) = channel(capacity);
    let receivers = Two::receivers(receiver.clone(), recv);
    assert!(send(&sender, tally.value(0)));
    if closes {
        sender.close();
    } else {
        drop(sender);
    }
    assert_eq!(receivers.join(), 1);
    check_left(&receiver, 0);
    tally.check();
}

/// Two receive a value each and go; what is sent beyond that comes back, or is dropped.
pub fn two_receivers_go(capacity: Capacity) {
    let tally = Tally::new(3);
    let (sender, receiver) = channel(capacity);
    let receivers = Two::receivers(receiver, recv);
    let sent = (0..3).filter(|number| send(&sender, tally.value(*number))).count();
    assert!(sent == 2 || sent == 3 && capacity != Some(0));
    assert_eq!(receivers.join(), 2);
    tally.check();
}

/// Two receive, and give up as soon as they would have to wait; so does the sender.
pub fn two_receivers_against_timeout(capacity: Capacity) {
    let tally = Tally::new(1);
    let (sender, receiver) = channel(capacity);
    let receivers =
        Two::receivers(receiver.clone(), |receiver| receiver.recv_deadline(Instant::now()).is_ok());
    let sent = usize::from(sender.send_deadline(tally.value(0), Instant::now()).is_ok());
    let received = receivers.join();
    check_left(&receiver, sent - received);
    drop(receiver);
    tally.check();
}

/// A green thread does something while its runtime ends and another comes: which of the two
/// succeeded.
///
/// # Panics
///
/// When the thread ends as it should not.
pub fn against_cancel(
    waits: impl FnOnce() -> bool + Send + 'static,
    comes: impl FnOnce() -> bool,
) -> [bool; 2] {
    let stage = Stage::new(false);
    let (waiting, thread) = stage.thread(waits);
    stage.inject(thread);
    // From here on its worker may end it.
    stage.close();
    let came = comes();
    stage.wait();
    let waited = waiting.join().unwrap_or_else(|error| {
        assert!(error.is_cancelled());
        false
    });
    [waited, came]
}

/// A green thread that receives is ended by a shutdown while somebody sends.
pub fn recv_against_cancel(capacity: Capacity) {
    let tally = Tally::new(1);
    let (sender, receiver) = channel(capacity);
    let own = receiver.clone();
    let ended = against_cancel(move || recv(&own), || sender.try_send(tally.value(0)).is_ok());
    let [received, sent] = ended.map(usize::from);
    check_left(&receiver, sent - received);
    drop(receiver);
    tally.check();
}

/// A green thread that sends to a full channel is ended by a shutdown while somebody receives.
pub fn send_against_cancel(capacity: Capacity) {
    let tally = Tally::new(2);
    let (sender, receiver) = channel(capacity);
    // Into the channel, or back.
    let queued = usize::from(sender.try_send(tally.value(0)).is_ok());
    let value = tally.value(1);
    let own = sender.clone();
    let ended = against_cancel(move || send(&own, value), || receiver.try_recv().is_ok());
    let [sent, received] = ended.map(usize::from);
    check_left(&receiver, queued + sent - received);
    drop(receiver);
    tally.check();
}
