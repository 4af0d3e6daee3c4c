//! Everything that can be done to a lock for readers and writers, at random, by green and OS
//! threads at once. `SWARD_SEED` replays a run.

#[path = "../../chan/tests/settings/mod.rs"]
mod settings;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use settings::{limited, migrating, runtime};
use sward_sched::{Runtime, time, yield_now};
use sward_sync::{
    RwLock, RwLockAsync, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
};

/// How long each setting is tried.
const TIME: Duration = Duration::from_millis(80);

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }

    fn timeout(&mut self) -> Duration {
        Duration::from_micros(self.next(60))
    }
}

/// What is behind the lock, and who says that he is inside.
#[derive(Default)]
struct Room {
    readers: AtomicIsize,
    upgradables: AtomicIsize,
    writers: AtomicIsize,
    writes: AtomicU64,
}

impl Room {
    fn check(&self) {
        let (readers, upgradables, writers) =
            (count(&self.readers), count(&self.upgradables), count(&self.writers));
        assert!(writers == 0 || (readers, upgradables, writers) == (0, 0, 1));
        assert!(upgradables <= 1);
    }
}

fn count(of: &AtomicIsize) -> isize {
    of.load(Ordering::Relaxed)
}

/// Is inside for some time, as one of those that `who` counts.
fn stay(room: &Room, who: &AtomicIsize, random: &mut Random) {
    who.fetch_add(1, Ordering::Relaxed);
    room.check();
    match random.next(16) {
        0..4 => yield_now(),
        4 => time::sleep(random.timeout()),
        _ => {}
    }
    room.check();
    who.fetch_sub(1, Ordering::Relaxed);
}

fn read(guard: RwLockReadGuard<'_, u64>, room: &Room, random: &mut Random) {
    let before = *guard;
    stay(room, &room.readers, random);
    assert_eq!(*guard, before);
    if random.next(4) == 0 {
        RwLockReadGuard::unlock_fair(guard);
    }
}

fn write(mut guard: RwLockWriteGuard<'_, u64>, room: &Room, random: &mut Random) {
    let before = *guard;
    stay(room, &room.writers, random);
    assert_eq!(*guard, before);
    *guard += 1;
    room.writes.fetch_add(1, Ordering::Relaxed);
    match random.next(5) {
        0 => RwLockWriteGuard::unlock_fair(guard),
        1 => {
            let reading = RwLockWriteGuard::downgrade(guard);
            assert_eq!(*reading, before + 1);
            read(reading, room, random);
        }
        2 => {
            let upgradable = RwLockWriteGuard::downgrade_to_upgradable(guard);
            assert_eq!(*upgradable, before + 1);
            upgradable_read(upgradable, room, random);
        }
        _ => drop(guard),
    }
}

fn upgradable_read(guard: RwLockUpgradableReadGuard<'_, u64>, room: &Room, random: &mut Random) {
    let before = *guard;
    stay(room, &room.upgradables, random);
    assert_eq!(*guard, before);
    match random.next(5) {
        0 => write(RwLockUpgradableReadGuard::upgrade(guard), room, random),
        1 => match RwLockUpgradableReadGuard::try_upgrade_for(guard, random.timeout()) {
            Ok(alone) => write(alone, room, random),
            Err(guard) => assert_eq!(*guard, before),
        },
        2 => read(RwLockUpgradableReadGuard::downgrade(guard), room, random),
        3 => RwLockUpgradableReadGuard::unlock_fair(guard),
        _ => drop(guard),
    }
}

/// Polls it a few times; then it is dropped, wherever it is.
fn poll_some<F: Future>(mut future: Pin<&mut F>, random: &mut Random) -> Option<F::Output> {
    for _ in 0..random.next(4) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
        yield_now();
    }
    None
}

fn visit(lock: &RwLock<u64>, room: &Room, random: &mut Random) {
    match random.next(12) {
        0..3 => read(lock.read(), room, random),
        3 => write(lock.write(), room, random),
        4 => upgradable_read(lock.upgradable_read(), room, random),
        5 => _ = lock.try_read_for(random.timeout()).map(|guard| read(guard, room, random)),
        6 => _ = lock.try_write_for(random.timeout()).map(|guard| write(guard, room, random)),
        7 => {
            let guard = lock.try_upgradable_read_for(random.timeout());
            guard.map(|guard| upgradable_read(guard, room, random)).unwrap_or_default();
        }
        8 => {
            let guard = poll_some(pin!(lock.read_async()), random);
            guard.map(|guard| read(guard, room, random)).unwrap_or_default();
        }
        9 => {
            let guard = poll_some(pin!(lock.write_async()), random);
            guard.map(|guard| write(guard, room, random)).unwrap_or_default();
        }
        10 => {
            let guard = poll_some(pin!(lock.upgradable_read_async()), random);
            guard.map(|guard| upgradable_read(guard, room, random)).unwrap_or_default();
        }
        _ => _ = lock.try_write().map(|guard| write(guard, room, random)),
    }
}

fn stress(rt: &Runtime, seed: u64) {
    let (lock, room) = (Arc::new(RwLock::new(0)), Arc::new(Room::default()));
    let ended = Arc::new(AtomicBool::new(false));
    let visiting = |number: u64| {
        let (lock, room, ended) = (lock.clone(), room.clone(), ended.clone());
        let mut random = Random(seed.wrapping_mul(31).wrapping_add(number));
        move || {
            while !ended.load(Ordering::Relaxed) {
                visit(&lock, &room, &mut random);
            }
        }
    };
    let green: Vec<_> = (0..2).map(|i| rt.spawn(visiting(i))).collect();
    let os: Vec<_> = (2..4).map(|i| std::thread::spawn(visiting(i))).collect();
    let start = Instant::now();
    while start.elapsed() < TIME {
        time::sleep(Duration::from_millis(5));
    }
    ended.store(true, Ordering::Relaxed);
    green.into_iter().for_each(|thread| thread.join().expect("seed is on stderr"));
    os.into_iter().for_each(|thread| thread.join().expect("seed is on stderr"));
    room.check();
    let writes = lock.try_write().expect("all have left");
    assert_eq!(*writes, room.writes.load(Ordering::Relaxed));
}

#[test]
fn readers_and_writers_exclude_each_other() {
    let seed = std::env::var("SWARD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        now.as_nanos() as u64
    });
    // Shown when the test fails.
    eprintln!("SWARD_SEED={seed}");
    limited(move || {
        for workers in [1, 2] {
            stress(&runtime(workers), seed);
            stress(&migrating(workers), seed);
        }
    });
}
