//! Waits that end by the clock: when they do, and that they leave no trace.

#[macro_use]
mod settings;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use settings::{Setting, join_all, settle, until};
use sward_chan::{RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError, bounded};
use values::{BOUNDS, CAPACITIES, channel, full};

/// What many waits in a test take, one after the other.
const BRIEF: [Duration; 4] =
    [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(1), Duration::from_micros(30)];

in_every_setting!(
    no_time_at_all_is_no_wait,
    a_deadline_that_has_passed_is_no_wait,
    a_wait_lasts_until_its_time_is_up,
    the_longest_timeout_is_for_ever,
    no_time_is_enough_when_the_other_side_waits,
    a_thousand_timeouts_leave_no_trace,
    many_that_time_out_at_once_leave_no_trace,
    a_timeout_never_loses_or_doubles_a_value,
);

fn no_time_at_all_is_no_wait(_: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        for i in 0..capacity.unwrap_or(9) {
            assert_eq!(sender.send_timeout(i, Duration::ZERO), Ok(()));
        }
        if capacity.is_some() {
            let sent = sender.send_timeout(99, Duration::ZERO);
            assert_eq!(sent, Err(SendTimeoutError::Timeout(99)));
        }
        for i in 0..capacity.unwrap_or(9) {
            assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(i));
        }
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    }
}

fn a_deadline_that_has_passed_is_no_wait(_: &Setting) {
    let past = Instant::now();
    for capacity in BOUNDS {
        let (sender, receiver) = full(capacity);
        let sent = sender.send_deadline(99, past);
        assert_eq!(sent, Err(SendTimeoutError::Timeout(99)));
        for i in 0..capacity {
            assert_eq!(receiver.recv_deadline(past), Ok(i));
        }
        assert_eq!(receiver.recv_deadline(past), Err(RecvTimeoutError::Timeout));
        for i in 0..capacity {
            assert_eq!(sender.send_deadline(i, past), Ok(()));
        }
    }
}

fn a_wait_lasts_until_its_time_is_up(_: &Setting) {
    let (sender, receiver) = bounded::<i32>(0);
    for micros in [1, 10, 100, 999, 3000] {
        let timeout = Duration::from_micros(micros);
        let start = Instant::now();
        assert_eq!(receiver.recv_timeout(timeout), Err(RecvTimeoutError::Timeout));
        assert!(start.elapsed() >= timeout);
        let start = Instant::now();
        assert_eq!(sender.send_timeout(7, timeout), Err(SendTimeoutError::Timeout(7)));
        assert!(start.elapsed() >= timeout);
        let deadline = Instant::now() + timeout;
        assert_eq!(receiver.recv_deadline(deadline), Err(RecvTimeoutError::Timeout));
        assert!(Instant::now() >= deadline);
        let deadline = Instant::now() + timeout;
        assert_eq!(sender.send_deadline(7, deadline), Err(SendTimeoutError::Timeout(7)));
        assert!(Instant::now() >= deadline);
    }
}

fn the_longest_timeout_is_for_ever(setting: &Setting) {
    for capacity in BOUNDS {
        let (sender, receiver) = full(capacity);
        let sending = setting.spawn(move || sender.send_timeout(capacity, Duration::MAX));
        settle();
        assert!(!sending.is_finished());
        for expected in 0..=capacity {
            assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(expected));
        }
        assert_eq!(sending.join(), Ok(()));
    }
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let receiving = setting.spawn(move || receiver.recv_timeout(Duration::MAX));
        settle();
        assert!(!receiving.is_finished());
        sender.send(7).unwrap();
        assert_eq!(receiving.join(), Ok(7));
    }
}

fn no_time_is_enough_when_the_other_side_waits(setting: &Setting) {
    let (sender, receiver) = bounded(0);
    let receiving = setting.spawn({
        let receiver = receiver.clone();
        move || receiver.recv()
    });
    until(|| sender.send_timeout(7, Duration::ZERO).is_ok());
    assert_eq!(receiving.join(), Ok(7));
    let sending = setting.spawn(move || sender.send(8));
    until(|| receiver.recv_timeout(Duration::ZERO) == Ok(8));
    assert_eq!(sending.join(), Ok(()));
}

fn a_thousand_timeouts_leave_no_trace(setting: &Setting) {
    for capacity in [0, 1] {
        let (sender, receiver) = full(capacity);
        for i in 0..1000 {
            let sent = sender.send_timeout(99, BRIEF[i % BRIEF.len()]);
            assert_eq!(sent, Err(SendTimeoutError::Timeout(99)));
        }
        // No sender is taken for one that waits.
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), (0..capacity).collect::<Vec<_>>());
        for i in 0..1000 {
            let received = receiver.recv_timeout(BRIEF[i % BRIEF.len()]);
            assert_eq!(received, Err(RecvTimeoutError::Timeout));
        }
        // Nor is a receiver.
        if capacity == 0 {
            assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        }
        let sending = setting.spawn(move || sender.send(7));
        assert_eq!(receiver.recv(), Ok(7));
        assert_eq!(sending.join(), Ok(()));
    }
}

fn many_that_time_out_at_once_leave_no_trace(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel::<usize>(capacity);
        let waiting = setting.spawn_many(20, {
            let receiver = receiver.clone();
            move |i| {
                for round in 0..10 {
                    let timeout = BRIEF[(i + round) % BRIEF.len()];
                    assert_eq!(receiver.recv_timeout(timeout), Err(RecvTimeoutError::Timeout));
                }
            }
        });
        join_all(waiting);
        let receiving = setting.spawn(move || (receiver.recv(), receiver.try_recv()));
        sender.send(7).unwrap();
        let (received, more) = receiving.join();
        assert_eq!((received, more), (Ok(7), Err(TryRecvError::Empty)));
    }
}

fn a_timeout_never_loses_or_doubles_a_value(setting: &Setting) {
    const EACH: usize = 60;
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let senders_left = Arc::new(AtomicUsize::new(3));
        let sending = setting.spawn_many(3, {
            let senders_left = senders_left.clone();
            move |i| {
                let mut accepted = Vec::new();
                for round in 0..EACH {
                    let value = i * EACH + round;
                    match sender.send_timeout(value, BRIEF[round % BRIEF.len()]) {
                        Ok(()) => accepted.push(value),
                        Err(error) => assert_eq!(error, SendTimeoutError::Timeout(value)),
                    }
                }
                senders_left.fetch_sub(1, Ordering::SeqCst);
                accepted
            }
        });
        let receiving = setting.spawn_many(3, {
            let receiver = receiver.clone();
            move |i| {
                let mut received = Vec::new();
                let mut round = i;
                while senders_left.load(Ordering::SeqCst) > 0 {
                    received.extend(receiver.recv_timeout(BRIEF[round % BRIEF.len()]));
                    round += 1;
                }
                received
            }
        });
        let mut accepted = join_all(sending).concat();
        let mut received = join_all(receiving).concat();
        received.extend(receiver.try_iter());
        accepted.sort_unstable();
        received.sort_unstable();
        assert_eq!(received, accepted);
    }
}
