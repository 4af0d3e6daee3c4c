//! Of several cases that are ready `select!` takes each as often as the others, and at
//! random; `select_biased!` takes the first.
//!
//! When nothing is wrong chance fails these tests once in 10^6 runs of all of them, or less often.

#[macro_use]
mod settings;

use settings::Setting;
use sward_chan::{Receiver, Select, Sender, bounded, select, select_biased, unbounded};
use sward_sched::yield_now;

in_every_setting!(
    of_two_that_are_ready_each_is_taken_half_the_time,
    of_four_that_are_ready_each_is_taken_at_random,
    a_dynamic_select_takes_each_at_random,
    what_is_sent_at_random_to_one_who_receives_is_mixed,
    a_biased_select_takes_the_first_that_is_ready,
);

/// The chi-square statistic of `counts`, all of which are equally likely.
fn chi_square(counts: &[u32]) -> f64 {
    let expected = counts.iter().sum::<u32>() as f64 / counts.len() as f64;
    counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum()
}

/// Fails unless 100 000 draws of 0 to 3 are even, and no draw tells of the next.
fn check_random(mut draw: impl FnMut() -> usize) {
    let mut singles = [0; 4];
    let mut pairs = [0; 16];
    for _ in 0..50_000 {
        let (first, second) = (draw(), draw());
        singles[first] += 1;
        singles[second] += 1;
        pairs[4 * first + second] += 1;
    }
    // Of 3 degrees of freedom, so that chance exceeds it once in 9 * 10^7 times.
    assert!(chi_square(&singles) < 40.0, "{singles:?}");
    // Of 15 degrees of freedom: once in 2 * 10^8 times.
    assert!(chi_square(&pairs) < 70.0, "{pairs:?}");
}

fn of_two_that_are_ready_each_is_taken_half_the_time(_: &Setting) {
    const DRAWS: usize = 10_000;
    let (fill_first, first) = bounded(1);
    let (fill_second, second) = unbounded();
    fill_first.send(0).unwrap();
    fill_second.send(1).unwrap();
    let mut firsts = 0_usize;
    for _ in 0..DRAWS {
        select! {
            recv(first) -> value => {
                fill_first.send(value.unwrap()).unwrap();
                firsts += 1;
            }
            recv(second) -> value => fill_second.send(value.unwrap()).unwrap(),
        }
    }
    // Seven standard deviations, of 50: chance exceeds them once in 4 * 10^11 times.
    assert!(firsts.abs_diff(DRAWS / 2) < 350, "{firsts}");
}

/// Four of different kinds: something queued, room for more, no sender, no receiver.
struct Four {
    refill: Sender<()>,
    queued: Receiver<()>,
    room: Sender<()>,
    make_room: Receiver<()>,
    ended: Receiver<()>,
    unheard: Sender<()>,
}

fn ends(failed: bool, case: usize) -> usize {
    assert!(failed);
    case
}

impl Four {
    fn new() -> Self {
        let ((refill, queued), (room, make_room)) = (bounded(1), bounded(1));
        let (ended, unheard) = (bounded(0).1, bounded(0).0);
        refill.send(()).unwrap();
        Self { refill, queued, room, make_room, ended, unheard }
    }

    fn draw(&self) -> usize {
        select! {
            recv(self.queued) -> value => self.took_queued(value.is_ok()),
            send(self.room, ()) -> sent => self.took_room(sent.is_ok()),
            recv(self.ended) -> end => ends(end.is_err(), 2),
            send(self.unheard, ()) -> sent => ends(sent.is_err(), 3),
        }
    }

    fn took_queued(&self, taken: bool) -> usize {
        assert!(taken);
        self.refill.send(()).unwrap();
        0
    }

    fn took_room(&self, taken: bool) -> usize {
        assert!(taken);
        self.make_room.recv().unwrap();
        1
    }
}

fn of_four_that_are_ready_each_is_taken_at_random(_: &Setting) {
    let four = Four::new();
    check_random(|| four.draw());
}

fn a_dynamic_select_takes_each_at_random(_: &Setting) {
    let four = Four::new();
    let mut select = Select::new();
    select.recv(&four.queued);
    select.send(&four.room);
    select.recv(&four.ended);
    select.send(&four.unheard);
    check_random(|| {
        let operation = select.select();
        match operation.index() {
            0 => four.took_queued(operation.recv(&four.queued).is_ok()),
            1 => four.took_room(operation.send(&four.room, ()).is_ok()),
            2 => ends(operation.recv(&four.ended).is_err(), 2),
            _ => ends(operation.send(&four.unheard, ()).is_err(), 3),
        }
    });
    check_random(|| select.ready());
}

fn what_is_sent_at_random_to_one_who_receives_is_mixed(setting: &Setting) {
    const VALUES: usize = 500;
    for capacity in [0, VALUES] {
        let (sender, receiver) = bounded(capacity);
        let receiving = setting.spawn(move || {
            let mut ones = 0;
            for _ in 0..VALUES {
                // So that it is the sender that waits, now and then.
                yield_now();
                ones += receiver.recv().unwrap();
            }
            ones
        });
        for _ in 0..VALUES {
            select! {
                send(sender, 0) -> sent => sent,
                send(sender, 1) -> sent => sent,
            }
            .unwrap();
        }
        let ones = receiving.join();
        assert!((VALUES / 10..VALUES * 9 / 10).contains(&ones), "{ones} of {VALUES}");
    }
}

fn a_biased_select_takes_the_first_that_is_ready(_: &Setting) {
    let four = Four::new();
    let (_open, never_ready) = bounded::<()>(0);
    for _ in 0..100 {
        let first = select_biased! {
            recv(never_ready) -> _ => 9,
            recv(four.ended) -> _ => 1,
            recv(four.queued) -> _ => 2,
            send(four.room, ()) -> _ => 3,
        };
        assert_eq!(first, 1);
        let mut select = Select::new_biased();
        select.recv(&never_ready);
        assert_eq!(select.send(&four.unheard), 1);
        select.recv(&four.queued);
        assert_eq!((select.ready(), select.try_ready()), (1, Ok(1)));
        let operation = select.select();
        assert_eq!(operation.index(), 1);
        assert!(operation.send(&four.unheard, ()).is_err());
    }
    assert_eq!((four.queued.len(), four.room.len()), (1, 0));
}
