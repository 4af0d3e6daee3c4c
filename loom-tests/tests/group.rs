//! A group (`sched/src/group/`): its results against its owner, its places against those that wait
//! for one, and its end against all of them. Its children are threads of the model.
#![cfg(sward_loom)]

use loom::thread::{self, JoinHandle};
use sward_loom_tests::{check, check_up_to};
use sward_sched::internal::model::Ready;
use sward_sched::internal::{ModelChild, ModelGroup};
use sward_sched::primitive::Mutant;

/// A child of the group, which outlives it.
fn child<T: 'static>(
    group: &ModelGroup,
    run: impl FnOnce(ModelChild) -> T + 'static,
) -> JoinHandle<T> {
    let child = enter(group);
    thread::spawn(move || run(child))
}

fn enter(group: &ModelGroup) -> ModelChild {
    group.enter(false).expect("it has not ended")
}

/// A child fails while another starts one more: that is told to end, or does not begin; and the owner
/// returns.
#[test]
fn group_failure_against_spawn() {
    check("group_failure_against_spawn", &[Mutant::MemberAddedUncancelled], || {
        let group = Box::new(ModelGroup::new(usize::MAX));
        let (fails, starts) = (enter(&group), enter(&group));
        let fails = thread::spawn(move || fails.fail(7));
        let starts = thread::spawn(move || {
            let child = starts;
            let other = child.enter();
            let handle = other.as_ref().map(|_| {
                let (handle, ready) = Ready::new(|| ());
                child.add(&handle);
                ready.run();
                handle
            });
            child.end();
            other.into_iter().for_each(ModelChild::end);
            handle
        });
        assert_eq!(group.wait_for_all(), Some(7));
        drop(group);
        fails.join().unwrap();
        let other = starts.join().unwrap();
        assert!(other.is_none_or(|handle| ModelGroup::is_told(&handle)));
    });
}

/// The owner takes what two children return, and misses nothing.
#[test]
fn group_results_against_next() {
    let mutants = [Mutant::TakerNotWoken, Mutant::DoneRelaxed];
    check("group_results_against_next", &mutants, || {
        let group = Box::new(ModelGroup::new(usize::MAX));
        let children = [1, 2].map(|value| child(&group, move |child| child.finish(value)));
        let taken = [(); 2].map(|()| group.next().unwrap().unwrap());
        assert_eq!(taken.iter().sum::<u32>(), 3);
        assert_eq!(group.next(), Ok(None));
        assert_eq!(group.wait_for_all(), None);
        drop(group);
        children.into_iter().for_each(|child| child.join().unwrap());
    });
}

/// There is one place: a child lends it to another, and the owner waits for it, too.
#[test]
fn group_places_against_those_that_wait() {
    let mutants = [Mutant::PlaceKept];
    check_up_to(2, "group_places_against_those_that_wait", &mutants, || {
        let group = Box::new(ModelGroup::new(1));
        let lends = child(&group, |child| {
            let other = child.enter().expect("it has not ended");
            let has_lent = other.has_lent();
            let borrows = thread::spawn(move || other.finish(1));
            child.regain_from(has_lent);
            child.finish(2);
            borrows
        });
        enter(&group).finish(3);
        let taken = [(); 3].map(|()| group.next().unwrap().unwrap());
        assert_eq!(taken.iter().sum::<u32>(), 6);
        assert_eq!(group.wait_for_all(), None);
        assert_eq!(group.taken(), 0);
        drop(group);
        lends.join().unwrap().join().unwrap();
    });
}

/// The only child fails while the owner waits for its place, and for its result.
#[test]
fn group_failure_against_its_owner() {
    check("group_failure_against_its_owner", &[Mutant::GroupEndUnseen], || {
        let group = Box::new(ModelGroup::new(1));
        let fails = child(&group, |child| child.fail(7));
        assert!(group.enter(false).is_none());
        assert_eq!(group.next(), Err(()));
        assert_eq!(group.wait_for_all(), Some(7));
        drop(group);
        fails.join().unwrap();
    });
}

/// It fails while a child waits for the place that it has lent to the one that fails, and the owner
/// for a result.
#[test]
fn group_failure_against_a_lender() {
    check("group_failure_against_a_lender", &[Mutant::GroupEndUnseen], || {
        let group = Box::new(ModelGroup::new(1));
        let lends = child(&group, |child| {
            let other = child.enter().expect("it has not ended");
            let has_lent = other.has_lent();
            let fails = thread::spawn(move || other.fail(7));
            child.regain_from(has_lent);
            child.end();
            fails
        });
        assert_eq!(group.next(), Err(()));
        assert_eq!(group.wait_for_all(), Some(7));
        drop(group);
        lends.join().unwrap().join().unwrap();
    });
}
