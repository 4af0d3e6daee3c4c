//! What else than a channel ends a select: the end of a thread, a timer that is set anew, a token, a
//! clock (`sched/src/arms.rs`, `chan/src/flavor/timer.rs`). loom has no time: deadlines that count are
//! long past, or are fired early by a worker that the model plays, and then looked at again.
#![cfg(sward_loom)]

use std::time::{Duration, Instant};

use loom::thread;
use sward_chan::internal::{
    Case, JoinArm, TokenArm, Wait, WaitArm, choose, choose_biased, recv_case,
};
use sward_chan::{RecvError, Select, after, at};
use sward_loom_tests::channel::{Capacity, abandon, channel, check_left, select};
use sward_loom_tests::{Tally, check, check_up_to};
use sward_sched::CancelToken;
use sward_sched::internal::model::{Ready, Stage};
use sward_sched::primitive::Mutant;
use sward_sched::time::Timer;

const RENDEZVOUS: Capacity = Some(0);
const HOUR: Duration = Duration::from_secs(3600);

/// Selects by `ends` between an arm of the caller's and a value that is sent meanwhile, until it
/// says that the arm was chosen. Whichever comes first, the other is still to be had.
fn beside_a_value(mut ends: impl FnMut(&mut dyn Case) -> bool) {
    let tally = Tally::new(1);
    let (sender, receiver) = channel(RENDEZVOUS);
    let own = tally.clone();
    let sending = thread::spawn(move || (sender.try_send(own.value(0)).is_ok(), sender));
    let mut received = false;
    loop {
        let mut receives = recv_case(&receiver);
        if ends(&mut receives) {
            break;
        }
        received = receives.finish().is_ok();
    }
    let (sent, sender) = sending.join().unwrap();
    assert_eq!(sent, received);
    check_left(&receiver, 0);
    drop(sender);
    tally.check();
}

#[test]
fn the_end_of_a_thread_against_a_value() {
    let mutants = [Mutant::FinishSkipsJoiner, Mutant::JoinerNotServed, Mutant::LoserStaysInLine];
    check("the_end_of_a_thread_against_a_value", &mutants, || {
        let tally = Tally::new(1);
        let own = tally.clone();
        let (mut handle, ready) = Ready::new(move || own.value(0));
        let running = thread::spawn(move || ready.run());
        beside_a_value(|receives| {
            let mut joins = handle.__join_case();
            let is_over = select(&mut [&mut joins, receives]) == 0;
            if is_over {
                drop(joins.finish().unwrap());
            }
            is_over
        });
        tally.check();
        drop(handle);
        running.join().unwrap();
    });
}

/// A timer is set anew, to a moment that has come.
#[test]
fn a_timer_set_anew_against_a_value() {
    let mutants = [
        Mutant::TimerSetSilently,
        Mutant::TimerEnlistedBetween,
        Mutant::LoserStaysInLine,
        Mutant::ClaimTwice,
    ];
    check("a_timer_set_anew_against_a_value", &mutants, || {
        let mut timer = Timer::after(HOUR);
        let setter = timer.handle();
        let setting = thread::spawn(move || setter.reset_at(Instant::now()));
        beside_a_value(|receives| {
            select(&mut [&mut timer.__timer_or_cancel_token(), receives]) == 0
        });
        assert!(timer.is_elapsed());
        setting.join().unwrap();
    });
}

/// A token is cancelled, from above; it stands in two arms.
#[test]
fn a_token_that_is_cancelled_against_a_value() {
    let mutants = [Mutant::CancelledTokenWaitedFor, Mutant::LoserStaysInLine];
    check("a_token_that_is_cancelled_against_a_value", &mutants, || {
        let token = CancelToken::new();
        let below = token.child();
        let cancelling = thread::spawn(move || token.cancel());
        beside_a_value(|receives| {
            let mut arms = [(); 2].map(|()| below.__timer_or_cancel_token());
            let [one, other] = &mut arms;
            select(&mut [one, other, receives]) < 2
        });
        assert!(below.is_cancelled());
        cancelling.join().unwrap();
    });
}

/// A clock's value is given back while it is wanted by a select whose time is up: either that
/// has it, or the clock.
#[test]
fn a_clock_against_a_select_that_times_out() {
    let mutants = [Mutant::WithdrawOverwrites, Mutant::ClaimTwice, Mutant::LoserStaysInLine];
    check("a_clock_against_a_select_that_times_out", &mutants, || {
        let clock = at(Instant::now());
        let (sender, receiver) = channel(RENDEZVOUS);
        let mut select = Select::new();
        select.recv(&clock);
        let operation = select.try_select().expect("its time has come");
        let (own, other) = (clock.clone(), receiver.clone());
        let selecting = thread::spawn(move || {
            let (mut ticks, mut receives) = (recv_case(&own), recv_case(&other));
            let wait = Wait::Until(Instant::now());
            match choose_biased(&mut [&mut ticks, &mut receives], wait) {
                Some(0) => ticks.finish().is_ok(),
                Some(_) => panic!("nobody has sent"),
                None => false,
            }
        });
        abandon(operation);
        let ticked = selecting.join().unwrap();
        check_left(&clock, usize::from(!ticked));
        check_left(&receiver, 0);
        drop(sender);
    });
}

/// The deadline of a select is fired, too early, by another worker while somebody sets the timer
/// that it waits for anew.
#[test]
fn help_against_a_timer_set_anew() {
    let mutants = [Mutant::TimerSetSilently, Mutant::TimerNotRemoved];
    // Three threads and a whole worker.
    check_up_to(1, "help_against_a_timer_set_anew", &mutants, || {
        let stage = Stage::new(true);
        let mut timer = Timer::after(HOUR);
        let setter = timer.handle();
        let (selecting, thread) = stage.thread(move || {
            let mut waits = timer.__timer_or_cancel_token();
            select(&mut [&mut waits])
        });
        stage.inject(thread);
        let helping = {
            let stage = stage.clone();
            thread::spawn(move || stage.fire_timers())
        };
        setter.reset_at(Instant::now());
        assert_eq!(selecting.join().unwrap(), 0);
        helping.join().unwrap();
        stage.close();
        stage.wait();
    });
}

/// The same with a clock, which is closed.
#[test]
fn help_against_a_clock_that_is_closed() {
    let mutants =
        [Mutant::CloseSkipsReceivers, Mutant::EnlistNotRechecked, Mutant::TimerNotRemoved];
    // Three threads and a whole worker.
    check_up_to(2, "help_against_a_clock_that_is_closed", &mutants, || {
        let stage = Stage::new(true);
        let clock = after(HOUR);
        let own = clock.clone();
        let (selecting, thread) = stage.thread(move || {
            let mut ticks = recv_case(&own);
            let chosen = choose(&mut [&mut ticks], Wait::Until(Instant::now() + HOUR));
            chosen.map(|_| ticks.finish())
        });
        stage.inject(thread);
        let helping = {
            let stage = stage.clone();
            thread::spawn(move || stage.fire_timers())
        };
        assert!(clock.close());
        assert_eq!(selecting.join().unwrap(), Some(Err(RecvError)));
        helping.join().unwrap();
        stage.close();
        stage.wait();
        check_left(&clock, 0);
    });
}
