//! When an operation waits, when it does not, and what comes of it: every form of send and
//! receive, plain and in a select, in every state of a channel.

#[macro_use]
mod settings;
mod values;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use settings::{Handle, LONG, Setting, join_all, settle};
use sward_chan::{
    Receiver, RecvTimeoutError, Select, SelectedOperation, SendTimeoutError, Sender, TryRecvError,
    TrySendError, bounded, never, select, select_biased, unbounded,
};
use values::{CAPACITIES, channel, full};

in_every_setting!(every_form_waits_or_does_not_as_the_state_of_the_channel_says);

/// What comes of a receive.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Came {
    Value(usize),
    Ended,
    /// It would wait.
    Not,
}

/// What comes of a send.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Went {
    In,
    /// The value comes back.
    Back,
    /// It would wait.
    Not,
}

type Ends = (Option<Sender<usize>>, Option<Receiver<usize>>);

type Case = (&'static str, fn() -> Ends, Came, Went);

/// The states of a channel, what comes of a receive there, and what of a send.
const STATES: &[Case] = &[
    ("rendezvous", || both(bounded(0)), Came::Not, Went::Not),
    ("bounded, empty", || both(bounded(2)), Came::Not, Went::In),
    ("bounded, some", || both(with_one(bounded(2))), Came::Value(0), Went::In),
    ("bounded, full", || both(full(2)), Came::Value(0), Went::Not),
    ("unbounded, empty", || both(unbounded()), Came::Not, Went::In),
    ("unbounded, some", || both(with_one(unbounded())), Came::Value(0), Went::In),
    ("rendezvous, closed", || closed(bounded(0)), Came::Ended, Went::Back),
    ("bounded, empty, closed", || closed(bounded(2)), Came::Ended, Went::Back),
    ("bounded, some, closed", || closed(with_one(bounded(2))), Came::Value(0), Went::Back),
    ("bounded, full, closed", || closed(full(2)), Came::Value(0), Went::Back),
    ("unbounded, empty, closed", || closed(unbounded()), Came::Ended, Went::Back),
    ("unbounded, some, closed", || closed(with_one(unbounded())), Came::Value(0), Went::Back),
    ("rendezvous, other gone", || (None, Some(bounded(0).1)), Came::Ended, Went::Back),
    ("bounded, empty, other gone", || (None, Some(bounded(2).1)), Came::Ended, Went::Back),
    ("bounded, full, other gone", || (None, Some(full(2).1)), Came::Value(0), Went::Back),
    ("unbounded, other gone", || (None, Some(with_one(unbounded()).1)), Came::Value(0), Went::Back),
    ("rendezvous, unheard", || (Some(bounded(0).0), None), Came::Ended, Went::Back),
    ("bounded, unheard", || (Some(bounded(2).0), None), Came::Ended, Went::Back),
    ("unbounded, unheard", || (Some(unbounded().0), None), Came::Ended, Went::Back),
];

fn both((sender, receiver): (Sender<usize>, Receiver<usize>)) -> Ends {
    (Some(sender), Some(receiver))
}

fn with_one(ends: (Sender<usize>, Receiver<usize>)) -> (Sender<usize>, Receiver<usize>) {
    ends.0.send(0).unwrap();
    ends
}

fn closed(ends: (Sender<usize>, Receiver<usize>)) -> Ends {
    assert!(ends.0.close());
    both(ends)
}

fn came<E>(received: Result<usize, E>) -> Came {
    received.map_or(Came::Ended, Came::Value)
}

fn went<E>(sent: Result<(), E>) -> Went {
    sent.map_or(Went::Back, |()| Went::In)
}

fn came_at_once(received: Result<usize, TryRecvError>) -> Came {
    if received == Err(TryRecvError::Empty) { Came::Not } else { came(received) }
}

fn came_in_time(received: Result<usize, RecvTimeoutError>) -> Came {
    if received == Err(RecvTimeoutError::Timeout) { Came::Not } else { came(received) }
}

fn went_at_once(sent: Result<(), TrySendError<usize>>) -> Went {
    if sent == Err(TrySendError::Full(7)) { Went::Not } else { went(sent) }
}

fn went_in_time(sent: Result<(), SendTimeoutError<usize>>) -> Went {
    if sent == Err(SendTimeoutError::Timeout(7)) { Went::Not } else { went(sent) }
}

fn late() -> Instant {
    Instant::now() + LONG
}

type Chosen<'a> = Option<SelectedOperation<'a>>;

fn selected<'a>(from: &'a Receiver<usize>, choose: fn(&mut Select<'a>) -> Chosen<'a>) -> Came {
    let mut select = Select::new();
    select.recv(from);
    choose(&mut select).map_or(Came::Not, |operation| came(operation.recv(from)))
}

fn found_ready<'a>(from: &'a Receiver<usize>, ready: fn(&mut Select<'a>) -> Option<usize>) -> Came {
    let mut select = Select::new_biased();
    select.recv(from);
    ready(&mut select).map_or(Came::Not, |_| came_at_once(from.try_recv()))
}

fn sent_selected<'a>(to: &'a Sender<usize>, choose: fn(&mut Select<'a>) -> Chosen<'a>) -> Went {
    let mut select = Select::new();
    select.send(to);
    choose(&mut select).map_or(Went::Not, |operation| went(operation.send(to, 7)))
}

fn sent_ready<'a>(to: &'a Sender<usize>, ready: fn(&mut Select<'a>) -> Option<usize>) -> Went {
    let mut select = Select::new_biased();
    select.send(to);
    ready(&mut select).map_or(Went::Not, |_| went_at_once(to.try_send(7)))
}

const RECEIVES_AT_ONCE: &[fn(&Receiver<usize>) -> Came] = &[
    |it| came_at_once(it.try_recv()),
    |it| it.try_iter().next().map_or_else(|| came_at_once(it.try_recv()), Came::Value),
    |it| came_in_time(it.recv_timeout(Duration::ZERO)),
    |it| came_in_time(it.recv_deadline(Instant::now())),
    |it| select! { recv(it) -> value => came(value), default => Came::Not },
    |it| select! { recv(it) -> value => came(value), default(Duration::ZERO) => Came::Not },
    |it| select_biased! { recv(it) -> value => came(value), default => Came::Not },
    |it| selected(it, |select| select.try_select().ok()),
    |it| found_ready(it, |select| select.try_ready().ok()),
];

const RECEIVES_THAT_WAIT: &[fn(&Receiver<usize>) -> Came] = &[
    |it| came(it.recv()),
    |it| came_in_time(it.recv_timeout(LONG)),
    |it| came_in_time(it.recv_timeout(Duration::MAX)),
    |it| came_in_time(it.recv_deadline(late())),
    |it| it.iter().next().map_or(Came::Ended, Came::Value),
    |it| it.clone().into_iter().next().map_or(Came::Ended, Came::Value),
    |it| select! { recv(it) -> value => came(value) },
    |it| select! { recv(it) -> value => came(value), default(LONG) => Came::Not },
    |it| select! { recv(it) -> value => came(value), recv(never()) -> none => came(none) },
    |it| select_biased! { recv(it) -> value => came(value), recv(it) -> value => came(value) },
    |it| selected(it, |select| Some(select.select())),
    |it| selected(it, |select| select.select_timeout(LONG).ok()),
    |it| selected(it, |select| select.select_deadline(late()).ok()),
    |it| found_ready(it, |select| Some(select.ready())),
    |it| found_ready(it, |select| select.ready_timeout(LONG).ok()),
    |it| found_ready(it, |select| select.ready_deadline(late()).ok()),
];

const SENDS_AT_ONCE: &[fn(&Sender<usize>) -> Went] = &[
    |it| went_at_once(it.try_send(7)),
    |it| went_in_time(it.send_timeout(7, Duration::ZERO)),
    |it| went_in_time(it.send_deadline(7, Instant::now())),
    |it| select! { send(it, 7) -> sent => went(sent), default => Went::Not },
    |it| select! { send(it, 7) -> sent => went(sent), default(Duration::ZERO) => Went::Not },
    |it| select_biased! { send(it, 7) -> sent => went(sent), default => Went::Not },
    |it| sent_selected(it, |select| select.try_select().ok()),
    |it| sent_ready(it, |select| select.try_ready().ok()),
];

const SENDS_THAT_WAIT: &[fn(&Sender<usize>) -> Went] = &[
    |it| went(it.send(7)),
    |it| went_in_time(it.send_timeout(7, LONG)),
    |it| went_in_time(it.send_timeout(7, Duration::MAX)),
    |it| went_in_time(it.send_deadline(7, late())),
    |it| select! { send(it, 7) -> sent => went(sent) },
    |it| select! { send(it, 7) -> sent => went(sent), default(LONG) => Went::Not },
    |it| select! { send(it, 7) -> sent => went(sent), recv(never::<()>()) -> _ => Went::Not },
    |it| select_biased! { send(it, 7) -> sent => went(sent), send(it, 7) -> sent => went(sent) },
    |it| sent_selected(it, |select| Some(select.select())),
    |it| sent_selected(it, |select| select.select_timeout(LONG).ok()),
    |it| sent_selected(it, |select| select.select_deadline(late()).ok()),
    |it| sent_ready(it, |select| Some(select.ready())),
    |it| sent_ready(it, |select| select.ready_timeout(LONG).ok()),
    |it| sent_ready(it, |select| select.ready_deadline(late()).ok()),
];

fn every_form_waits_or_does_not_as_the_state_of_the_channel_says(setting: &Setting) {
    // With what ends each wait.
    let (mut receiving, mut sending) = (Vec::new(), Vec::new());
    for &(state, ends, comes, goes) in STATES {
        for (form, receive) in RECEIVES_AT_ONCE.iter().enumerate() {
            let (_sender, Some(receiver)) = ends() else { continue };
            assert_eq!(receive(&receiver), comes, "receive {form} at once: {state}");
        }
        for (form, send) in SENDS_AT_ONCE.iter().enumerate() {
            let (Some(sender), _receiver) = ends() else { continue };
            assert_eq!(send(&sender), goes, "send {form} at once: {state}");
        }
        for (form, receive) in RECEIVES_THAT_WAIT.iter().enumerate() {
            let (sender, Some(receiver)) = ends() else { continue };
            if comes == Came::Not {
                receiving.push((setting.spawn(move || receive(&receiver)), sender));
            } else {
                assert_eq!(receive(&receiver), comes, "receive {form}: {state}");
            }
        }
        for (form, send) in SENDS_THAT_WAIT.iter().enumerate() {
            let (Some(sender), receiver) = ends() else { continue };
            if goes == Went::Not {
                sending.push((setting.spawn(move || send(&sender)), receiver));
            } else {
                assert_eq!(send(&sender), goes, "send {form}: {state}");
            }
        }
    }
    settle();
    let (receiving, senders): (Vec<_>, Vec<_>) = receiving.into_iter().unzip();
    let (sending, receivers): (Vec<_>, Vec<_>) = sending.into_iter().unzip();
    assert!(!receiving.iter().any(Handle::is_finished));
    assert!(!sending.iter().any(Handle::is_finished));
    drop((senders, receivers));
    assert!(join_all(receiving).into_iter().all(|end| end == Came::Ended));
    assert!(join_all(sending).into_iter().all(|end| end == Went::Back));
}

#[test]
fn receives_by_futures_are_told_of_a_close_at_once() {
    let mut context = Context::from_waker(Waker::noop());
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        if capacity != Some(0) {
            sender.send(7).unwrap();
        }
        sender.close();
        if capacity != Some(0) {
            assert_eq!(pin!(receiver.recv_async()).poll(&mut context), Poll::Ready(Ok(7)));
        }
        assert!(matches!(pin!(receiver.recv_async()).poll(&mut context), Poll::Ready(Err(_))));
    }
}
