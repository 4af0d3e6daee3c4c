//! A wait group: waiting ends when all other clones are gone, however they go.

#[macro_use]
#[path = "../../chan/tests/settings/mod.rs"]
mod settings;
mod polling;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use polling::{block_on, poll_once};
use settings::{Handle, LONG, Setting, join_all, limited, runtime, settle, until};
use sward_sched::{park, yield_now};
use sward_sync::WaitGroup;

in_every_setting!(
    a_group_of_one_does_not_wait,
    waiting_ends_when_all_others_have_left,
    several_may_wait,
    members_make_members,
    members_that_have_left_are_not_waited_for,
    a_panic_leaves_the_group,
    a_group_is_passed_along,
    groups_one_after_the_other,
    threads_and_tasks_wait,
    a_future_has_left_the_group_when_it_is_made,
    a_dropped_future_leaves_the_others_waiting,
);

fn a_group_of_one_does_not_wait(_: &Setting) {
    WaitGroup::new().wait();
    WaitGroup::default().wait();
    let group = WaitGroup::new();
    drop([group.clone(), group.clone()]);
    group.wait();
}

fn waiting_ends_when_all_others_have_left(setting: &Setting) {
    let group = WaitGroup::new();
    let left = Arc::new(AtomicUsize::new(0));
    let members = setting.spawn_many(10, {
        let (group, left) = (group.clone(), left.clone());
        move |i| {
            (0..i).for_each(|_| yield_now());
            left.fetch_add(1, Ordering::Relaxed);
            drop(group);
        }
    });
    group.wait();
    assert_eq!(left.load(Ordering::Relaxed), 10);
    join_all(members);
}

fn several_may_wait(setting: &Setting) {
    let group = WaitGroup::new();
    let waiting = setting.spawn_many(6, {
        let group = group.clone();
        move |_| group.wait()
    });
    settle();
    assert!(waiting.iter().all(|handle| !handle.is_finished()));
    drop(group);
    join_all(waiting);
}

fn members_make_members(setting: &Setting) {
    fn grow(group: WaitGroup, grown: Arc<AtomicUsize>, depth: usize) {
        grown.fetch_add(1, Ordering::Relaxed);
        if depth > 0 {
            for _ in 0..2 {
                let (group, grown) = (group.clone(), grown.clone());
                sward_sched::spawn(move || grow(group, grown, depth - 1));
            }
        }
    }
    let group = WaitGroup::new();
    let grown = Arc::new(AtomicUsize::new(0));
    let root = setting.spawn({
        let (group, grown) = (group.clone(), grown.clone());
        move || grow(group, grown, 5)
    });
    group.wait();
    assert_eq!(grown.load(Ordering::Relaxed), 63);
    root.join();
}

fn members_that_have_left_are_not_waited_for(setting: &Setting) {
    let group = WaitGroup::new();
    for _ in 0..3 {
        let member = group.clone();
        setting.spawn(move || drop(member)).join();
    }
    assert!(format!("{group:?}").contains("count: 1"));
    group.wait();
}

fn a_panic_leaves_the_group(setting: &Setting) {
    let group = WaitGroup::new();
    let panicking: Vec<Handle<()>> = setting.spawn_many(4, {
        let group = group.clone();
        move |_| {
            let _member = group;
            // Without the hook's message.
            resume_unwind(Box::new("on purpose"));
        }
    });
    group.wait();
    panicking.into_iter().for_each(|handle| assert!(handle.outcome().is_err()));
}

/// A member that goes from thread to thread is the same member.
fn a_group_is_passed_along(setting: &Setting) {
    let group = WaitGroup::new();
    let mut member = Some(group.clone());
    for _ in 0..5 {
        let passed = member.take();
        member = setting.spawn(move || passed).join();
    }
    let waiting = setting.spawn(move || group.wait());
    settle();
    assert!(!waiting.is_finished());
    drop(member);
    waiting.join();
}

fn groups_one_after_the_other(setting: &Setting) {
    for size in 0..20 {
        let group = WaitGroup::new();
        let members = setting.spawn_many(size % 5, {
            let group = group.clone();
            move |_| drop(group)
        });
        group.wait();
        join_all(members);
    }
}

fn threads_and_tasks_wait(setting: &Setting) {
    for round in 0..20 {
        let group = WaitGroup::new();
        let left = Arc::new(AtomicUsize::new(0));
        let members = setting.spawn_many(6, {
            let (group, left) = (group.clone(), left.clone());
            move |i| {
                (0..(i + round) % 4).for_each(|_| yield_now());
                left.fetch_add(1, Ordering::Relaxed);
                match i % 3 {
                    0 => drop(group),
                    1 => group.wait(),
                    _ => block_on(group.wait_async()),
                }
                left.load(Ordering::Relaxed)
            }
        });
        block_on(group.wait_async());
        assert_eq!(left.load(Ordering::Relaxed), 6);
        let seen = join_all(members);
        assert!(seen.into_iter().enumerate().all(|(i, seen)| i % 3 == 0 || seen == 6));
    }
}

fn a_future_has_left_the_group_when_it_is_made(setting: &Setting) {
    let group = WaitGroup::new();
    let future = group.clone().wait_async();
    let waiting = setting.spawn(move || group.wait());
    waiting.join();
    block_on(future);
}

fn a_dropped_future_leaves_the_others_waiting(setting: &Setting) {
    let group = WaitGroup::new();
    let member = group.clone();
    let mut dropped: Vec<_> = (0..3).map(|_| Box::pin(group.clone().wait_async())).collect();
    dropped[..2].iter_mut().for_each(|it| assert!(poll_once(it.as_mut()).is_pending()));
    let waiting = setting.spawn(move || group.wait());
    settle();
    dropped.truncate(1);
    assert!(!waiting.is_finished());
    drop(member);
    waiting.join();
    // The last that has to do with it.
    drop(dropped);
}

#[test]
fn a_shutdown_unwinds_those_that_wait_and_those_that_are_waited_for() {
    limited(|| {
        for workers in [1, 2] {
            let group = WaitGroup::new();
            let (here, there) = (runtime(workers), runtime(workers));
            let wait = |_| {
                let group = group.clone();
                here.spawn(move || group.wait())
            };
            let waiting: Vec<_> = (0..5).map(wait).collect();
            let hold = |_| {
                let member = group.clone();
                there.spawn(move || {
                    let _member = member;
                    park();
                })
            };
            let holding: Vec<_> = (0..5).map(hold).collect();
            settle();
            assert!(here.shutdown(LONG));
            for handle in waiting {
                assert!(handle.join().unwrap_err().is_cancelled());
            }
            // Waits for those over there, and for nobody here.
            let outside = std::thread::spawn(move || group.wait());
            settle();
            assert!(!outside.is_finished());
            assert!(there.shutdown(LONG));
            until(|| outside.is_finished());
            outside.join().unwrap();
            for handle in holding {
                assert!(handle.join().unwrap_err().is_cancelled());
            }
        }
    });
}
