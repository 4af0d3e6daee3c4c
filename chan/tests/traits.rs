//! What the types can do: auto traits, clones, and the errors' messages, conversions
//! and questions, which are crossbeam-channel's.

use std::cell::Cell;
use std::error::Error;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use sward_chan::{
    IntoIter, Iter, Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender,
    TryIter, TryRecvError, TrySendError, bounded, unbounded,
};

/// Sent through a channel in these tests because it can do nothing.
struct Plain;

fn shared<T: Send + Sync>() {}
fn unwinds<T: UnwindSafe + RefUnwindSafe>() {}

/// Two of these apply to a type that is `Send`, and then `is` does not compile.
trait Sendable<Marker> {
    fn is_not() {}
}
struct Yes;
impl<T> Sendable<()> for T {}
impl<T: Send> Sendable<Yes> for T {}

#[test]
fn handles_of_sendable_values_are_shared_among_threads() {
    shared::<Sender<Plain>>();
    shared::<Receiver<Plain>>();
    // The values are moved, never shared.
    shared::<Sender<Cell<i32>>>();
    shared::<Receiver<Cell<i32>>>();
    shared::<Iter<'_, Plain>>();
    shared::<TryIter<'_, Plain>>();
    shared::<IntoIter<Plain>>();
}

#[test]
fn handles_of_values_of_one_thread_stay_there() {
    <Sender<Rc<i32>> as Sendable<_>>::is_not();
    <Receiver<Rc<i32>> as Sendable<_>>::is_not();
    <IntoIter<Rc<i32>> as Sendable<_>>::is_not();
    // But there they can be used.
    let (sender, receiver) = unbounded();
    sender.send(Rc::new(7)).unwrap();
    assert_eq!(receiver.recv(), Ok(Rc::new(7)));
}

#[test]
fn a_panic_leaves_handles_usable() {
    unwinds::<Sender<Cell<i32>>>();
    unwinds::<Receiver<Cell<i32>>>();
    unwinds::<Sender<Box<dyn FnOnce() + Send>>>();
    unwinds::<Receiver<Box<dyn FnOnce() + Send>>>();
}

#[test]
fn values_may_borrow() {
    let text = String::from("borrowed");
    let (sender, receiver) = bounded(1);
    sender.send(text.as_str()).unwrap();
    assert_eq!(receiver.recv(), Ok("borrowed"));
}

#[test]
fn clones_are_of_the_same_channel() {
    let (sender, receiver) = bounded::<Plain>(1);
    let (other_sender, other_receiver) = bounded::<Plain>(1);
    assert!(sender.same_channel(&sender.clone()));
    assert!(receiver.same_channel(&receiver.clone()));
    assert!(!sender.same_channel(&other_sender));
    assert!(!receiver.same_channel(&other_receiver));
}

#[test]
fn ends_show_the_channel_and_nothing_of_the_values() {
    let (sender, receiver) = bounded(1);
    sender.send(Plain).unwrap();
    let shown = "{ len: 1, capacity: Some(1), senders: 2, receivers: 1, is_closed: false }";
    let _other = sender.clone();
    assert_eq!(format!("{sender:?}"), format!("Sender {shown}"));
    assert_eq!(format!("{receiver:?}"), format!("Receiver {shown}"));
    assert_eq!(format!("{:?}", receiver.iter()), "Iter { .. }");
    assert_eq!(format!("{:?}", receiver.try_iter()), "TryIter { .. }");
    assert_eq!(format!("{:?}", receiver.into_iter()), "IntoIter { .. }");
    assert_eq!(format!("{:?}", SendError(Plain)), "SendError(..)");
    assert_eq!(format!("{:?}", TrySendError::Full(Plain)), "Full(..)");
    assert_eq!(format!("{:?}", TrySendError::Disconnected(Plain)), "Disconnected(..)");
    let _ = format!("{:?} {:?}", SendTimeoutError::Timeout(Plain), RecvError);
}

#[test]
fn errors_say_what_crossbeam_says() {
    let messages: [(&dyn Error, &str); 10] = [
        (&SendError(1), "sending on a disconnected channel"),
        (&TrySendError::Full(1), "sending on a full channel"),
        (&TrySendError::Disconnected(1), "sending on a disconnected channel"),
        (&SendTimeoutError::Timeout(1), "timed out waiting on send operation"),
        (&SendTimeoutError::Disconnected(1), "sending on a disconnected channel"),
        (&RecvError, "receiving on an empty and disconnected channel"),
        (&TryRecvError::Empty, "receiving on an empty channel"),
        (&TryRecvError::Disconnected, "receiving on an empty and disconnected channel"),
        (&RecvTimeoutError::Timeout, "timed out waiting on receive operation"),
        (&RecvTimeoutError::Disconnected, "channel is empty and disconnected"),
    ];
    for (error, message) in messages {
        assert_eq!(error.to_string(), message);
        assert!(error.source().is_none());
    }
}

#[test]
fn plain_errors_turn_into_the_others() {
    assert_eq!(TrySendError::from(SendError(7)), TrySendError::Disconnected(7));
    assert_eq!(SendTimeoutError::from(SendError(7)), SendTimeoutError::Disconnected(7));
    assert_eq!(TryRecvError::from(RecvError), TryRecvError::Disconnected);
    assert_eq!(RecvTimeoutError::from(RecvError), RecvTimeoutError::Disconnected);
}

#[test]
fn errors_answer_questions_and_give_the_value_back() {
    assert_eq!(SendError("back").into_inner(), "back");
    let (full, gone) = (TrySendError::Full(1), TrySendError::Disconnected(2));
    assert!(full.is_full() && !full.is_disconnected());
    assert!(!gone.is_full() && gone.is_disconnected());
    assert_eq!((full.into_inner(), gone.into_inner()), (1, 2));
    let (late, gone) = (SendTimeoutError::Timeout(1), SendTimeoutError::Disconnected(2));
    assert!(late.is_timeout() && !late.is_disconnected());
    assert!(!gone.is_timeout() && gone.is_disconnected());
    assert_eq!((late.into_inner(), gone.into_inner()), (1, 2));
    assert!(TryRecvError::Empty.is_empty() && !TryRecvError::Empty.is_disconnected());
    assert!(!TryRecvError::Disconnected.is_empty() && TryRecvError::Disconnected.is_disconnected());
    assert!(RecvTimeoutError::Timeout.is_timeout());
    assert!(!RecvTimeoutError::Timeout.is_disconnected());
    assert!(RecvTimeoutError::Disconnected.is_disconnected());
}

#[test]
fn errors_pass_through_the_question_mark() {
    fn exchange() -> Result<i32, Box<dyn Error + Send + Sync>> {
        let (sender, receiver) = bounded(1);
        sender.try_send(7)?;
        let value = receiver.recv()?;
        sender.close();
        sender.send(value)?;
        Ok(value)
    }
    assert_eq!(exchange().unwrap_err().to_string(), "sending on a disconnected channel");
}
