//! Guards and permits.

use std::sync::Arc;

use sward::sync::{
    Mutex, MutexGuard, RecursiveRwLock, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, Semaphore, WaitGroup,
};
use sward::time::timeout;

use crate::SHORT;
use crate::settings::{LONG, Setting, settle};
use crate::tasks::{forget, run};

in_every_setting!(
    a_forgotten_guard_keeps_a_mutex_locked_and_its_owner_its_value,
    a_forgotten_reader_keeps_writers_out_alone,
    a_forgotten_writer_keeps_all_out,
    a_forgotten_upgradable_reader_keeps_its_like_and_writers_out,
    forgotten_permits_never_come_back,
    a_forgotten_member_keeps_a_group_waiting,
);

type Pair = (u32, u32);
type Forgets<Lock> = fn(&Arc<Lock>);

fn a_forgotten_guard_keeps_a_mutex_locked_and_its_owner_its_value(setting: &Setting) {
    let forgets: [Forgets<Mutex<Pair>>; 3] = [
        |mutex| forget(mutex.lock()),
        |mutex| forget(MutexGuard::map(mutex.lock(), |pair| &mut pair.1)),
        |mutex| forget(mutex.lock_arc()),
    ];
    for (i, forgets) in forgets.into_iter().enumerate() {
        let mutex = Arc::new(Mutex::new((1, 2)));
        let inner = mutex.clone();
        setting.spawn(move || forgets(&inner)).join();
        assert!(mutex.is_locked() && mutex.try_lock().is_none());
        // Whoever waits gives up when its time has come.
        let waiting = setting.spawn_many(4, {
            let mutex = mutex.clone();
            move |_| mutex.try_lock_for(SHORT).is_none()
        });
        assert!(waiting.into_iter().all(|it| it.join()));
        match Arc::try_unwrap(mutex) {
            Ok(mut mutex) => {
                mutex.get_mut().0 += 1;
                assert_eq!(mutex.into_inner(), (2, 2));
            }
            // That guard has a share of it.
            Err(shared) => assert!(i == 2 && Arc::strong_count(&shared) == 2),
        }
    }
}

fn a_forgotten_reader_keeps_writers_out_alone(setting: &Setting) {
    let lock = Arc::new(RwLock::new((1, 2)));
    let inner = lock.clone();
    setting
        .spawn(move || {
            forget(inner.read());
            forget(RwLockReadGuard::map(inner.read(), |pair| &pair.1));
            forget(inner.read_arc());
        })
        .join();
    let inner = lock.clone();
    let writing = setting.spawn(move || inner.try_write_for(SHORT).is_some());
    assert!(!writing.join());
    let inner = lock.clone();
    assert_eq!(setting.spawn(move || inner.try_read_for(LONG).map(|it| it.0)).join(), Some(1));
    drop(lock.upgradable_read());
    assert!(lock.try_write().is_none());

    // Those of the kind that lets readers pass.
    let lock = Arc::new(RecursiveRwLock::new(1));
    forget(lock.read());
    let inner = lock.clone();
    let writing = setting.spawn(move || inner.try_write_for(SHORT).is_some());
    let again = lock.read();
    assert!(!writing.join());
    drop(again);
    assert!(lock.is_locked() && !lock.is_locked_exclusive());
}

fn a_forgotten_writer_keeps_all_out(setting: &Setting) {
    let forgets: [Forgets<RwLock<Pair>>; 4] = [
        |lock| forget(lock.write()),
        |lock| forget(RwLockWriteGuard::map(lock.write(), |pair| &mut pair.1)),
        |lock| forget(lock.write_arc()),
        |lock| forget(RwLockUpgradableReadGuard::upgrade(lock.upgradable_read())),
    ];
    for forgets in forgets {
        let lock = Arc::new(RwLock::new((1, 2)));
        let inner = lock.clone();
        setting.spawn(move || forgets(&inner)).join();
        let others = setting.spawn_many(3, {
            let lock = lock.clone();
            move |i| match i {
                0 => lock.try_read_for(SHORT).is_some(),
                1 => lock.try_write_for(SHORT).is_some(),
                _ => lock.try_upgradable_read_for(SHORT).is_some(),
            }
        });
        assert!(!others.into_iter().any(|it| it.join()));
        assert!(lock.is_locked_exclusive());
        if let Ok(lock) = Arc::try_unwrap(lock) {
            assert_eq!(lock.into_inner(), (1, 2));
        }
    }
}

fn a_forgotten_upgradable_reader_keeps_its_like_and_writers_out(setting: &Setting) {
    let lock = Arc::new(RwLock::new(1));
    let inner = lock.clone();
    setting.spawn(move || forget(inner.upgradable_read())).join();
    let others = setting.spawn_many(3, {
        let lock = lock.clone();
        move |i| match i {
            0 => lock.try_read_for(LONG).is_some(),
            1 => lock.try_write_for(SHORT).is_none(),
            _ => lock.try_upgradable_read_for(SHORT).is_none(),
        }
    });
    assert!(others.into_iter().all(|it| it.join()));
}

fn forgotten_permits_never_come_back(setting: &Setting) {
    let semaphore = Arc::new(Semaphore::new(4));
    let inner = semaphore.clone();
    setting
        .spawn(move || {
            forget(inner.acquire_many(2).unwrap());
            let mut permit = inner.clone().acquire_many_owned(2).unwrap();
            forget(permit.split(1));
            // The other one does.
            drop(permit);
        })
        .join();
    assert_eq!(semaphore.available_permits(), 1);
    let inner = semaphore.clone();
    let waiting = setting.spawn(move || inner.acquire_many(2).unwrap().num_permits());
    settle();
    semaphore.add_permits(1);
    assert_eq!(waiting.join(), 2);
    assert_eq!(semaphore.available_permits(), 2);
}

fn a_forgotten_member_keeps_a_group_waiting(setting: &Setting) {
    let group = WaitGroup::new();
    forget(group.clone());
    let member = group.clone();
    let waiting = setting.spawn(move || timeout(SHORT, || member.wait()).is_err());
    assert!(waiting.join());
    // Who waits is no member: to forget that keeps nobody waiting.
    let group = WaitGroup::new();
    let (member, other) = (group.clone(), group.clone());
    forget(group.wait_async());
    let mut polled = Box::pin(other.wait_async());
    assert!(crate::tasks::poll(polled.as_mut(), std::task::Waker::noop()).is_pending());
    let last = member.clone();
    let waiting = setting.spawn(move || last.wait());
    let also = member.clone().wait_async();
    settle();
    drop(member);
    run(also);
    waiting.join();
    forget(polled);
}
