//! `after`, `at`, `tick` and `never`: when their values come, how many, and to whom.

#[macro_use]
mod settings;

use std::time::{Duration, Instant};

use settings::{LONG, Setting, join_all, settle, until};
use sward_chan::{
    Receiver, RecvError, RecvTimeoutError, Select, TryRecvError, after, at, bounded, never, select,
    tick, unbounded,
};
use sward_sched::time::sleep_until;

in_every_setting!(
    after_and_at_give_their_moment_once_it_has_come,
    what_is_due_is_there_at_once,
    a_moment_that_has_come_is_in_the_channel,
    of_several_receivers_one_gets_the_value,
    of_several_selects_one_gets_the_value,
    ticks_come_at_least_their_period_apart,
    ticks_that_were_missed_are_not_made_up_for,
    ticks_are_shared_among_their_receivers,
    never_and_times_beyond_the_clock_give_nothing,
    the_earliest_of_several_ends_a_select,
    a_timer_limits_a_loop_of_selects,
    select_and_ready_wait_for_timers,
    a_timer_that_is_closed_ends_waits,
);

const BRIEF: Duration = Duration::from_millis(2);

fn after_and_at_give_their_moment_once_it_has_come(_: &Setting) {
    let start = Instant::now();
    let receiver = after(BRIEF);
    let made = Instant::now();
    let moment = receiver.recv().unwrap();
    assert!(Instant::now() >= moment && moment >= start + BRIEF && moment <= made + BRIEF);
    let due = Instant::now() + BRIEF;
    let receiver = at(due);
    assert_eq!(receiver.recv(), Ok(due));
    assert!(Instant::now() >= due);
    // And never again.
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let again = receiver.recv_timeout(Duration::from_micros(50));
    assert_eq!(again, Err(RecvTimeoutError::Timeout));
}

fn what_is_due_is_there_at_once(_: &Setting) {
    let past = Instant::now();
    let deadline = past;
    assert_eq!(at(past).try_recv(), Ok(past));
    assert_eq!(at(past).recv(), Ok(past));
    assert_eq!(at(past).recv_timeout(Duration::ZERO), Ok(past));
    assert_eq!(at(past).recv_deadline(deadline), Ok(past));
    assert_eq!(at(past).try_iter().collect::<Vec<_>>(), [past]);
    assert_eq!(select! { recv(at(past)) -> moment => moment, default => Err(RecvError) }, Ok(past));
    assert!(after(Duration::ZERO).try_recv().is_ok());
    let ticks = tick(Duration::ZERO);
    let values: Vec<_> = ticks.iter().take(3).collect();
    assert!(values.is_sorted() && values[0] >= past);
}

fn a_moment_that_has_come_is_in_the_channel(_: &Setting) {
    let holds = |receiver: &Receiver<Instant>, values: usize| {
        receiver.len() == values
            && receiver.is_empty() == (values == 0)
            && receiver.is_full() == (values == 1)
            && receiver.capacity() == Some(1)
    };
    assert!(
        holds(&after(LONG), 0) && holds(&at(Instant::now() + LONG), 0) && holds(&tick(LONG), 0)
    );
    for receiver in [after(BRIEF), at(Instant::now() + BRIEF), tick(BRIEF)] {
        until(|| receiver.len() == 1);
        assert!(holds(&receiver, 1));
        assert!(receiver.try_recv().is_ok());
    }
    let received = at(Instant::now());
    received.recv().unwrap();
    assert!(holds(&received, 0));
}

fn of_several_receivers_one_gets_the_value(setting: &Setting) {
    let due = Instant::now() + BRIEF;
    let receiver = at(due);
    let receiving = setting.spawn_many(6, {
        let receiver = receiver.clone();
        move |i| match i % 3 {
            0 => receiver.recv_timeout(3 * BRIEF).ok(),
            1 => receiver.recv_deadline(due + 2 * BRIEF).ok(),
            _ => {
                until(|| Instant::now() > due + BRIEF);
                receiver.try_recv().ok()
            }
        }
    });
    let moments: Vec<_> = join_all(receiving).into_iter().flatten().collect();
    assert_eq!(moments, [due]);
    assert!(receiver.is_empty());
}

fn of_several_selects_one_gets_the_value(setting: &Setting) {
    let due = Instant::now() + BRIEF;
    let receiver = at(due);
    let (sender, values) = unbounded();
    let selecting = setting.spawn_many(5, move |i| {
        let mut dynamic = Select::new();
        dynamic.recv(&receiver);
        dynamic.recv(&values);
        match i {
            0 => {
                let operation = dynamic.select();
                match operation.index() {
                    0 => operation.recv(&receiver).map(Some),
                    _ => operation.recv(&values).map(|()| None),
                }
            }
            _ => select! {
                recv(receiver) -> moment => moment.map(Some),
                recv(values) -> value => value.map(|()| None),
            },
        }
    });
    until(|| selecting.iter().any(|thread| thread.is_finished()));
    assert!(Instant::now() >= due);
    settle();
    // The others wait on, for something else.
    assert_eq!(selecting.iter().filter(|thread| thread.is_finished()).count(), 1);
    (0..4).for_each(|_| sender.send(()).unwrap());
    let ends: Vec<_> = join_all(selecting).into_iter().map(Result::unwrap).collect();
    assert_eq!(ends.into_iter().flatten().collect::<Vec<_>>(), [due]);
}

fn ticks_come_at_least_their_period_apart(_: &Setting) {
    let period = Duration::from_micros(300);
    let start = Instant::now();
    let ticks = tick(period);
    let mut last = start;
    for moment in ticks.iter().take(5) {
        assert!(Instant::now() >= moment && moment >= last + period);
        last = moment;
    }
    let next = ticks.recv_timeout(LONG).unwrap();
    assert!(next >= last + period);
    let next_again = select! { recv(ticks) -> moment => moment.unwrap() };
    assert!(next_again >= next + period);
}

fn ticks_that_were_missed_are_not_made_up_for(_: &Setting) {
    let start = Instant::now();
    let ticks = tick(BRIEF);
    sleep_until(start + 5 * BRIEF);
    assert_eq!(ticks.len(), 1);
    let before = Instant::now();
    assert!(ticks.try_recv().unwrap() >= start + BRIEF);
    let next = ticks.recv().unwrap();
    assert!(next >= before + BRIEF);
    assert!(ticks.recv().unwrap() >= next + BRIEF);
}

fn ticks_are_shared_among_their_receivers(setting: &Setting) {
    let period = Duration::from_micros(200);
    let start = Instant::now();
    let ticks = tick(period);
    let receiving = setting.spawn_many(3, move |i| match i {
        0 => ticks.iter().take(5).collect::<Vec<_>>(),
        1 => (0..5).map(|_| ticks.recv_timeout(LONG).unwrap()).collect(),
        _ => (0..5).map(|_| select! { recv(ticks) -> moment => moment.unwrap() }).collect(),
    });
    let mut moments = join_all(receiving).concat();
    moments.sort_unstable();
    assert!(moments[0] >= start + period);
    assert!(moments.windows(2).all(|two| two[1] >= two[0] + period));
}

fn never_and_times_beyond_the_clock_give_nothing(_: &Setting) {
    let nothing = never::<i32>();
    let shape = (nothing.len(), nothing.is_empty(), nothing.is_full(), nothing.capacity());
    assert_eq!(shape, (0, true, true, Some(0)));
    for receiver in [never(), after(Duration::MAX), tick(Duration::MAX), after(LONG), tick(LONG)] {
        let start = Instant::now();
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        let late = receiver.recv_timeout(Duration::from_micros(100));
        assert_eq!(late, Err(RecvTimeoutError::Timeout));
        let late = receiver.recv_deadline(Instant::now() + Duration::from_micros(100));
        assert_eq!(late, Err(RecvTimeoutError::Timeout));
        select! {
            recv(receiver) -> _ => panic!("it gives nothing"),
            default => {}
        }
        select! {
            recv(receiver) -> _ => panic!("it gives nothing"),
            default(Duration::from_micros(100)) => {}
        }
        assert_eq!(receiver.try_iter().next(), None);
        assert!(start.elapsed() >= Duration::from_micros(300));
    }
}

fn the_earliest_of_several_ends_a_select(_: &Setting) {
    let start = Instant::now();
    let (_open, nothing) = bounded::<()>(0);
    select! {
        recv(nothing) -> _ => panic!("nobody sends"),
        recv(after(LONG)) -> _ => panic!("it comes later"),
        recv(at(start + BRIEF)) -> moment => assert_eq!(moment, Ok(start + BRIEF)),
        recv(tick(LONG)) -> _ => panic!("it comes later"),
        default(LONG) => panic!("it comes later"),
    }
    assert!(Instant::now() >= start + BRIEF);
    let start = Instant::now();
    select! {
        recv(after(LONG)) -> _ => panic!("it comes later"),
        default(BRIEF) => assert!(start.elapsed() >= BRIEF),
    }
    // A value that comes is not held up by a timer.
    let (sender, receiver) = bounded(1);
    sender.send(7).unwrap();
    select! {
        recv(after(LONG)) -> _ => panic!("it comes later"),
        recv(receiver) -> value => assert_eq!(value, Ok(7)),
    }
}

fn a_timer_limits_a_loop_of_selects(setting: &Setting) {
    let (sender, receiver) = bounded(0);
    let sending = setting.spawn(move || (0..).take_while(|i| sender.send(*i).is_ok()).count());
    let start = Instant::now();
    let (limit, ticks) = (after(3 * BRIEF), tick(BRIEF));
    let (mut received, mut ticked) = (0, 0);
    loop {
        select! {
            recv(receiver) -> value => {
                assert_eq!(value, Ok(received));
                received += 1;
            }
            recv(ticks) -> _ => ticked += 1,
            recv(limit) -> moment => {
                assert!(moment.unwrap() >= start + 3 * BRIEF);
                break;
            }
        }
    }
    // It has lasted for no more periods than that.
    assert!(ticked <= start.elapsed().as_micros() / BRIEF.as_micros());
    drop(receiver);
    assert_eq!(sending.join(), received as usize);
}

fn select_and_ready_wait_for_timers(_: &Setting) {
    let (due, ticks) = (Instant::now() + BRIEF, tick(BRIEF));
    let timer = at(due);
    let mut select = Select::new();
    let index = select.recv(&timer);
    assert!(select.try_ready().is_err() || Instant::now() >= due);
    assert_eq!(select.ready(), index);
    assert!(Instant::now() >= due);
    // Which takes nothing.
    assert_eq!((select.try_ready(), timer.len()), (Ok(index), 1));
    assert_eq!(select.select().recv(&timer), Ok(due));
    assert!(select.select_timeout(Duration::from_micros(50)).is_err());
    assert!(select.ready_timeout(Duration::from_micros(50)).is_err());
    let ticking = select.recv(&ticks);
    for _ in 0..3 {
        let operation = select.select_timeout(LONG).unwrap();
        assert_eq!(operation.index(), ticking);
        assert!(operation.recv(&ticks).unwrap() > due - BRIEF);
    }
}

fn a_timer_that_is_closed_ends_waits(setting: &Setting) {
    for receiver in [never(), after(LONG), tick(LONG), after(Duration::MAX)] {
        let waiting = setting.spawn_many(2, {
            let receiver = receiver.clone();
            move |i| match i {
                0 => receiver.recv(),
                _ => select! { recv(receiver) -> moment => moment },
            }
        });
        settle();
        assert!(!receiver.is_closed() && !receiver.is_disconnected());
        assert!(receiver.close() && receiver.is_closed());
        assert_eq!(join_all(waiting), [Err(RecvError); 2]);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    }
}

#[test]
fn clones_are_of_the_same_timer() {
    for (one, other) in [(after(LONG), after(LONG)), (tick(LONG), tick(LONG))] {
        assert!(one.same_channel(&one.clone()));
        assert!(!one.same_channel(&other));
    }
    let nothing = never::<()>();
    assert!(nothing.same_channel(&nothing.clone()));
}

#[test]
fn timers_that_nobody_waits_for_are_no_trouble() {
    for _ in 0..1000 {
        drop((after(LONG), at(Instant::now() + LONG), tick(Duration::ZERO), never::<()>()));
    }
}

#[test]
fn a_moment_that_is_given_back_is_the_same() {
    let due = Instant::now();
    let receiver = at(due);
    let select = || {
        let mut select = Select::new();
        select.recv(&receiver);
        drop(select.select());
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(select)).is_err());
    assert_eq!(receiver.try_recv(), Ok(due));
}
