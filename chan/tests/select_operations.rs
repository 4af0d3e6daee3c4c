//! What the operations of a `Select` are known by, what may be done with a `Select` besides
//! selecting, and what it panics at. A `SelectedOperation` that is dropped gives back what it
//! has: nobody waits for it in vain.

#[macro_use]
mod settings;
mod values;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use settings::{Handle, Setting, settle, until};
use sward_chan::{
    Receiver, RecvError, Select, SelectTimeoutError, SendError, Sender, TryReadyError,
    TryRecvError, TrySelectError, TrySendError, bounded, unbounded,
};
use values::{CAPACITIES, Counted, Tally, channel};

in_every_setting!(
    a_dropped_send_strands_no_receiver,
    a_dropped_receive_strands_no_sender,
    an_operation_completed_at_the_wrong_channel_strands_nobody,
);

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn indices_count_up_and_are_not_given_twice() {
    let (sender, receiver) = bounded(1);
    let mut select = Select::new();
    assert_eq!(select.send(&sender), 0);
    assert_eq!(select.recv(&receiver), 1);
    assert_eq!(select.recv(&receiver), 2);
    select.remove(1);
    select.remove(2);
    assert_eq!(select.recv(&receiver), 3);
    sender.send(7).unwrap();
    let operation = select.select();
    assert_eq!((operation.index(), operation.recv(&receiver)), (3, Ok(7)));
    select.remove(3);
    assert_eq!(select.try_ready(), Ok(0));
    select.remove(0);
    assert_eq!((select.try_ready(), select.send(&sender)), (Err(TryReadyError), 4));
}

#[test]
fn what_was_removed_is_not_selected() {
    let (sender, receiver) = unbounded();
    sender.send(7).unwrap();
    let ended = bounded::<()>(0).1;
    let mut select = Select::new();
    let index = select.recv(&ended);
    let queued = select.recv(&receiver);
    select.remove(index);
    for _ in 0..20 {
        assert_eq!((select.try_ready(), select.ready()), (Ok(queued), queued));
    }
    let operation = select.try_select().unwrap();
    assert_eq!(operation.recv(&receiver), Ok(7));
    assert!(select.try_select().is_err());
}

#[test]
fn a_clone_is_a_select_of_its_own() {
    let (sender, receiver) = unbounded();
    sender.send(7).unwrap();
    let mut select = Select::new();
    select.recv(&receiver);
    let mut clone = select.clone();
    select.remove(0);
    assert!(select.try_select().is_err());
    assert_eq!(clone.select().recv(&receiver), Ok(7));
    assert_eq!((clone.recv(&receiver), select.recv(&receiver)), (1, 1));
    let empty = Select::default();
    assert_eq!(format!("{empty:?}"), "Select { .. }");
}

#[test]
fn a_select_and_its_channels_may_be_used_between_selects() {
    let (sender, receiver) = bounded(2);
    let mut select = Select::new();
    let (send, recv) = (select.send(&sender), select.recv(&receiver));
    sender.send(1).unwrap();
    let clone = receiver.clone();
    for _ in 0..20 {
        let operation = select.select();
        if operation.index() == send {
            operation.send(&sender, 2).unwrap();
        } else {
            assert_eq!(operation.index(), recv);
            operation.recv(&receiver).unwrap();
        }
        assert!(sender.len() <= 2 && clone.len() == sender.len());
        if let Ok(value) = clone.try_recv() {
            sender.try_send(value).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_done_any_more_is_ready_and_fails() {
    let (sender, receiver) = bounded(1);
    let (unheard, ended) = (sender.clone(), bounded::<i32>(0).1);
    drop(receiver);
    let mut select = Select::new();
    let (send, recv) = (select.send(&unheard), select.recv(&ended));
    for _ in 0..20 {
        let operation = select.select();
        if operation.index() == send {
            assert_eq!(operation.send(&unheard, 7), Err(SendError(7)));
        } else {
            assert_eq!(operation.index(), recv);
            assert_eq!(operation.recv(&ended), Err(RecvError));
        }
    }
}

#[test]
fn errors_say_what_crossbeam_says() {
    let errors: [(&dyn Error, &str); 2] = [
        (&TrySelectError, "all operations in select would block"),
        (&SelectTimeoutError, "timed out waiting on select"),
    ];
    for (error, message) in errors {
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(format!("{TryReadyError:?}"), "TryReadyError");
}

#[test]
fn selects_go_from_thread_to_thread() {
    fn shared<T: Send + Sync>(_: &T) {}
    let (sender, receiver) = bounded(1);
    let mut select = Select::new();
    select.recv(&receiver);
    shared(&select);
    sender.send(7).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(select.select().recv(&receiver), Ok(7)));
    });
}

#[test]
fn it_panics_when_there_is_no_such_operation_to_remove() {
    let (_sender, receiver) = bounded::<()>(0);
    let mut select = Select::new();
    assert!(panics(|| select.clone().remove(0)));
    select.recv(&receiver);
    assert!(panics(|| select.clone().remove(1)));
    select.remove(0);
    assert!(panics(|| select.remove(0)));
}

#[test]
fn a_dropped_operation_panics_unless_the_thread_does_already() {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<i32>(capacity);
        drop(sender);
        let mut select = Select::new();
        select.recv(&receiver);
        assert!(panics(|| drop(select.select())));
        // Two panics at once would abort.
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _operation = select.select();
            resume_unwind(Box::new("first"));
        }));
        assert_eq!(*unwound.unwrap_err().downcast::<&str>().unwrap(), "first");
    }
}

#[test]
fn a_dropped_operation_gives_back_what_it_has() {
    let tally = Tally::new(3);
    let (sender, receiver) = bounded(2);
    sender.send(tally.value(0)).ok().unwrap();
    let mut select = Select::new();
    select.send(&sender);
    assert!(panics(|| drop(select.try_select().ok().unwrap())));
    // There is room again.
    assert!(sender.try_send(tally.value(1)).is_ok());
    assert!(select.try_select().is_err());
    let mut select = Select::new();
    select.recv(&receiver);
    for _ in 0..3 {
        assert!(panics(|| drop(select.try_select().ok().unwrap())));
    }
    // Nothing is lost, and the order is as it was, or the value is gone for good.
    let left: Vec<_> = receiver.try_iter().map(|value: Counted| value.number).collect();
    assert!(left == [0, 1] || tally.dropped() == 2);
    assert!(sender.try_send(tally.value(2)).is_ok());
    drop((sender, receiver));
    tally.check();
}

/// Selects, and drops what it was given: of its own accord, or because the thread unwinds.
fn select_and_drop<'a>(add: impl FnOnce(&mut Select<'a>) -> usize, unwinds: bool) {
    let mut select = Select::new();
    add(&mut select);
    assert!(panics(|| {
        let operation = select.select();
        if unwinds {
            resume_unwind(Box::new("first"));
        }
        drop(operation);
    }));
}

fn a_dropped_send_strands_no_receiver(setting: &Setting) {
    for unwinds in [true, false] {
        for capacity in [0, 1] {
            let (sender, receiver) = bounded(capacity);
            let receiving = setting.spawn(move || receiver.recv());
            select_and_drop(|select| select.send(&sender), unwinds);
            sender.send(7).unwrap();
            assert_eq!(receiving.join(), Ok(7));
        }
    }
}

fn a_dropped_receive_strands_no_sender(setting: &Setting) {
    for unwinds in [true, false] {
        for capacity in [0, 1] {
            let tally = Tally::new(capacity + 1);
            let (sender, receiver) = bounded(capacity);
            (0..capacity).for_each(|i| sender.send(tally.value(i)).ok().unwrap());
            let last = tally.value(capacity);
            let sending = setting.spawn(move || sender.send(last).is_ok());
            select_and_drop(|select| select.recv(&receiver), unwinds);
            let received = finish(&receiver, &sending);
            sending.join();
            assert!(received <= capacity + 1);
            drop(receiver);
            tally.check();
        }
    }
}

/// Receives until the sender is done, and there is nothing left.
fn finish<T>(receiver: &Receiver<Counted>, sending: &Handle<T>) -> usize {
    let mut received = 0;
    until(|| {
        received += receiver.try_iter().count();
        sending.is_finished()
    });
    received + receiver.try_iter().count()
}

fn an_operation_completed_at_the_wrong_channel_strands_nobody(setting: &Setting) {
    // A receiver waits for the operation.
    let (sender, receiver) = bounded(0);
    let (other, _other_end) = bounded(0);
    let receiving = setting.spawn(move || receiver.recv());
    let mut select = Select::new();
    select.send(&sender);
    assert!(panics(|| select.select().send(&other, 8).unwrap()));
    drop(select);
    settle();
    assert!(!receiving.is_finished());
    assert_eq!(sender.send(7), Ok(()));
    assert_eq!(receiving.join(), Ok(7));
    assert!(matches!(sender.try_send(9), Err(TrySendError::Disconnected(9))));
    // A sender does.
    let tally = Tally::new(1);
    let (sender, receiver) = bounded(0);
    let value = tally.value(0);
    let sending = setting.spawn(move || sender.send(value).is_ok());
    let (_other, other_end): (Sender<Counted>, _) = bounded(0);
    let mut select = Select::new();
    select.recv(&receiver);
    assert!(panics(|| drop(select.select().recv(&other_end))));
    assert!(finish(&receiver, &sending) <= 1);
    sending.join();
    assert!(matches!(receiver.try_recv(), Err(TryRecvError::Disconnected)));
    tally.check();
}

#[test]
fn a_select_of_nothing_is_refused_where_it_would_wait_for_ever() {
    for wait in [|| drop(Select::new().select()), || _ = Select::new().ready()] {
        let panic = std::panic::catch_unwind(wait).unwrap_err();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "no operations have been added to `Select`");
    }
    assert!(Select::new().try_select().is_err() && Select::new().try_ready().is_err());
}
