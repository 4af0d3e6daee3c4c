//! Permits: counted, merged, split, forgotten, and never more than there may be.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sward_sync::{Semaphore, SemaphorePermit};

fn panics<T>(f: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn there_are_no_more_than_the_most() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    assert!(panics(|| semaphore.add_permits(1)));
    assert!(panics(|| semaphore.add_permits(usize::MAX)));
    assert!(panics(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)));
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    let permit = semaphore.acquire().unwrap();
    semaphore.add_permits(1);
    assert!(panics(|| drop(permit)));
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
}

#[test]
fn forgotten_permits_are_gone() {
    let semaphore = Arc::new(Semaphore::new(6));
    semaphore.acquire_many(2).unwrap().forget();
    semaphore.clone().acquire_owned().unwrap().forget();
    assert_eq!(semaphore.available_permits(), 3);
    assert_eq!(semaphore.forget_permits(0), 0);
    assert_eq!(semaphore.forget_permits(2), 2);
    assert_eq!(semaphore.forget_permits(usize::MAX), 1);
    assert_eq!(semaphore.forget_permits(1), 0);
    assert!(semaphore.try_acquire().is_err());
}

#[test]
fn permits_are_merged_and_split() {
    let semaphore = Semaphore::new(10);
    let mut permit = semaphore.acquire_many(4).unwrap();
    permit.merge(semaphore.acquire_many(3).unwrap());
    let part = permit.split(5).unwrap();
    assert_eq!((permit.num_permits(), part.num_permits()), (2, 5));
    assert!(permit.split(3).is_none());
    assert!(permit.split(usize::MAX).is_none());
    assert_eq!(permit.split(0).unwrap().num_permits(), 0);
    assert_eq!(semaphore.available_permits(), 3);
    drop(part);
    assert_eq!(semaphore.available_permits(), 8);
    drop(permit);
    assert_eq!(semaphore.available_permits(), 10);
}

#[test]
fn permits_of_two_semaphores_are_not_merged() {
    let (one, other) = (Semaphore::new(1), Semaphore::new(1));
    let mut permit = one.acquire().unwrap();
    assert!(panics(|| permit.merge(other.acquire().unwrap())));
    drop(permit);
    assert_eq!((one.available_permits(), other.available_permits()), (1, 1));
}

#[test]
fn owned_permits_keep_the_semaphore_alive() {
    let semaphore = Arc::new(Semaphore::new(3));
    let mut permit = semaphore.clone().try_acquire_many_owned(3).unwrap();
    let part = permit.split(1).unwrap();
    let weak = Arc::downgrade(&semaphore);
    drop(semaphore);
    drop(permit);
    assert_eq!(part.semaphore().available_permits(), 2);
    drop(part);
    assert!(weak.upgrade().is_none());
}

#[test]
fn all_may_be_sent_and_shared() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let semaphore = Arc::new(Semaphore::new(1));
    is_send_and_sync(&semaphore.acquire_many_async(1));
    is_send_and_sync(&semaphore.clone().acquire_owned_async());
    let permit: SemaphorePermit<'_> = semaphore.acquire().unwrap();
    is_send_and_sync(&permit);
    assert_eq!(format!("{permit:?}"), "SemaphorePermit { permits: 1 }");
    assert!(format!("{semaphore:?}").contains("available_permits: 0"));
}
