//! `dump()`: each thread is there, and says what it waits for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use sward::dump::{Dump, State, ThreadInfo};
use sward::sync::{
    Barrier, Condvar, Mutex, MutexGuard, Notify, Once, OnceState, ReentrantMutex, RwLock,
    Semaphore, WaitGroup,
};
use sward::{Builder, Priority, Runtime, chan, dump, runtime};

fn runtime_of(workers: usize) -> Runtime {
    runtime::Builder::new().workers(workers).build().unwrap()
}

fn find<'a>(dump: &'a Dump, name: &str) -> Option<&'a ThreadInfo> {
    dump.threads.iter().find(|thread| thread.name.as_deref() == Some(name))
}

/// The first dump in which the thread of that name waits.
fn until_waiting(name: &str) -> (Dump, ThreadInfo) {
    loop {
        let dump = dump();
        if let Some(thread) = find(&dump, name).filter(|it| it.state == State::Waiting) {
            let thread = thread.clone();
            return (dump, thread);
        }
        std::thread::yield_now();
    }
}

/// Runs `f` as a thread of `runtime` that waits, and then `release`. What it waited for.
fn seen<T: Send + 'static>(
    runtime: &Runtime,
    name: &str,
    f: impl FnOnce() -> T + Send + 'static,
    release: impl FnOnce(),
) -> ThreadInfo {
    let named = name.to_owned();
    let thread = runtime.run(move || Builder::new().name(named).spawn(f));
    let (_, info) = until_waiting(name);
    release();
    thread.join().unwrap();
    info
}

fn kind_of(info: &ThreadInfo) -> &'static str {
    info.wait.as_ref().unwrap().kind
}

#[test]
fn a_receiver_names_its_channel() {
    let runtime = runtime_of(1);
    let (sender, receiver) = chan::bounded::<i32>(3);
    let others = (sender.clone(), receiver.clone());
    let info = seen(&runtime, "receives", move || receiver.recv(), || sender.send(7).unwrap());
    let wait = info.wait.unwrap();
    assert_eq!(wait.kind, "receive");
    assert_eq!((wait.len, wait.capacity), (Some(0), Some(3)));
    assert_eq!((wait.senders, wait.receivers), (Some(2), Some(2)));
    assert_ne!(wait.object, 0);
    drop(others);
}

#[test]
fn both_ends_name_the_same_channel() {
    let runtime = runtime_of(2);
    let (sender, receiver) = chan::bounded(1);
    sender.send(0).unwrap();
    let (first, again) = (sender.clone(), receiver.clone());
    let sent = seen(
        &runtime,
        "sends 1",
        move || first.send(1).unwrap(),
        || {
            assert_eq!(again.recv(), Ok(0));
        },
    );
    assert_eq!(kind_of(&sent), "send");
    assert_eq!(sent.wait.as_ref().unwrap().len, Some(1));
    assert_eq!(again.recv(), Ok(1));
    let received = seen(&runtime, "receives 2", move || again.recv(), || sender.send(2).unwrap());
    assert_eq!(received.wait.unwrap().object, sent.wait.unwrap().object);
}

#[test]
fn a_select_names_its_arms() {
    let runtime = runtime_of(1);
    let (sender, receiver) = chan::bounded::<i32>(0);
    let (full, taker) = chan::bounded::<i32>(1);
    full.send(0).unwrap();
    let parked = runtime.run(|| Builder::new().name("for the select").spawn(sward::park));
    let thread = parked.thread();
    let info = seen(
        &runtime,
        "selects",
        move || {
            let (mut parked, mut timer) =
                (parked, sward::time::Timer::after(Duration::from_secs(3600)));
            sward::select! {
                recv(receiver) -> value => _ = value,
                send(full, 1) -> sent => _ = sent,
                join(parked) -> ended => drop(ended),
                wait(timer) => {}
            }
        },
        || thread.unpark(),
    );
    let wait = info.wait.unwrap();
    assert_eq!(wait.kind, "select");
    let arms: HashMap<_, _> = wait.arms.iter().map(|arm| (arm.kind, arm)).collect();
    assert_eq!(arms["receive"].capacity, Some(0));
    assert_eq!(arms["send"].len, Some(1));
    assert!(arms["join"].thread.is_some());
    assert!(arms.contains_key("timer"));
    drop((sender, taker));
}

#[test]
fn the_dynamic_select_names_its_operations() {
    let runtime = runtime_of(1);
    let (sender, receiver) = chan::bounded::<i32>(0);
    let select = move || {
        let mut select = chan::Select::new();
        select.recv(&receiver);
        let chosen = select.select();
        chosen.recv(&receiver).unwrap()
    };
    let info = seen(&runtime, "selects later", select, || sender.send(7).unwrap());
    let wait = info.wait.unwrap();
    assert_eq!((wait.kind, wait.arms[0].kind), ("select", "receive"));
}

#[test]
fn a_lock_names_its_owner() {
    let runtime = runtime_of(1);
    let mutex = Arc::new(Mutex::new(()));
    let (held, let_go) = (mutex.clone(), Arc::new(AtomicBool::new(false)));
    let go = let_go.clone();
    let owner = runtime.run(move || {
        Builder::new().name("owner").spawn(move || {
            let _guard = held.lock();
            while !go.load(Ordering::Acquire) {
                sward::time::sleep(Duration::from_millis(1));
            }
        })
    });
    until_waiting("owner");
    let waits = move || drop(mutex.lock());
    let info = seen(&runtime, "locks", waits, || let_go.store(true, Ordering::Release));
    assert_eq!(kind_of(&info), "mutex");
    let number = info.wait.unwrap().thread.unwrap();
    assert_eq!(format!("{:?}", owner.thread().id()), format!("ThreadId(green {number})"));
    owner.join().unwrap();
}

#[test]
fn readers_and_writers_name_the_writer() {
    let runtime = runtime_of(1);
    let lock = Arc::new(RwLock::new(()));
    for (name, enter) in [
        ("read", (|lock: &RwLock<()>| drop(lock.read())) as fn(&RwLock<()>)),
        ("write", |lock| drop(lock.write())),
        ("upgradable_read", |lock| drop(lock.upgradable_read())),
    ] {
        let (ready, go) = (mpsc::channel(), chan::bounded::<()>(0));
        let (writes, theirs) = (lock.clone(), lock.clone());
        let writer = runtime.spawn(move || {
            let _guard = writes.write();
            ready.0.send(number()).unwrap();
            go.1.recv().unwrap();
        });
        let number = ready.1.recv().unwrap();
        let info = seen(&runtime, name, move || enter(&theirs), || go.0.send(()).unwrap());
        assert_eq!(kind_of(&info), name);
        assert_eq!(info.wait.unwrap().thread, Some(number));
        writer.join().unwrap();
    }
    let (reads, upgrades) = (lock.clone(), lock);
    let guard = reads.read();
    let upgrade = move || {
        drop(sward::sync::RwLockUpgradableReadGuard::upgrade(upgrades.upgradable_read()));
    };
    let info = seen(&runtime, "upgrades", upgrade, || drop(guard));
    assert_eq!(kind_of(&info), "upgrade");
}

/// The number of the thread that calls it.
fn number() -> u64 {
    let shown = format!("{:?}", sward::current().id());
    shown.trim_start_matches("ThreadId(green ").trim_end_matches(')').parse().unwrap()
}

#[test]
fn every_other_wait_has_a_kind() {
    let runtime = runtime_of(1);
    let see = |kind: &str, f: Box<dyn FnOnce() + Send>, release: Box<dyn FnOnce()>| {
        assert_eq!(kind_of(&seen(&runtime, kind, f, release)), kind);
    };
    {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = pair.clone();
        let wait = move || theirs.1.wait_while(&mut theirs.0.lock(), |is_set| !*is_set);
        let release = move || {
            *pair.0.lock() = true;
            pair.1.notify_all();
        };
        see("condvar", Box::new(wait), Box::new(release));
    }
    {
        let permits = Arc::new(Semaphore::new(0));
        let theirs = permits.clone();
        let wait = move || drop(theirs.acquire());
        see("semaphore", Box::new(wait), Box::new(move || permits.add_permits(1)));
    }
    {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = barrier.clone();
        let wait = move || _ = theirs.wait();
        see("barrier", Box::new(wait), Box::new(move || _ = barrier.wait()));
    }
    {
        let group = WaitGroup::new();
        let theirs = group.clone();
        see("wait_group", Box::new(move || theirs.wait()), Box::new(move || drop(group)));
    }
    {
        let notify = Arc::new(Notify::new());
        let theirs = notify.clone();
        see("notify", Box::new(move || theirs.notified()), Box::new(move || notify.notify_one()));
    }
    {
        let mutex = Arc::new(ReentrantMutex::new(()));
        let (theirs, ours) = (mutex.clone(), mutex);
        let guard = ours.lock_arc();
        see("mutex", Box::new(move || drop(theirs.lock())), Box::new(move || drop(guard)));
    }
    {
        let (sender, receiver) = chan::oneshot::channel::<()>();
        let wait = move || _ = receiver.recv();
        see("oneshot", Box::new(wait), Box::new(move || drop(sender)));
    }
    {
        let (sender, mut receiver) = chan::broadcast::channel::<()>(1);
        let wait = move || _ = receiver.recv();
        see("broadcast", Box::new(wait), Box::new(move || drop(sender)));
    }
    {
        let (sender, mut receiver) = chan::watch::channel(0);
        let wait = move || _ = receiver.changed();
        see("watch", Box::new(wait), Box::new(move || drop(sender)));
    }
    let until = |flag: &Arc<AtomicBool>| {
        let flag = flag.clone();
        move || {
            while !flag.load(Ordering::Acquire) {
                sward::time::sleep(Duration::from_millis(1));
            }
        }
    };
    let set = |flag: Arc<AtomicBool>| move || flag.store(true, Ordering::Release);
    {
        let flag = Arc::new(AtomicBool::new(false));
        see("sleep", Box::new(until(&flag)), Box::new(set(flag)));
    }
    {
        let (blocks, ends) = mpsc::channel::<()>();
        let wait = move || _ = sward::unblock(move || ends.recv());
        see("unblock", Box::new(wait), Box::new(move || drop(blocks)));
    }
    {
        let flag = Arc::new(AtomicBool::new(false));
        let scoped = until(&flag);
        let wait = move || sward::scope(|scope| drop(scope.spawn(scoped)));
        see("scope", Box::new(wait), Box::new(set(flag)));
    }
    {
        let flag = Arc::new(AtomicBool::new(false));
        let child = until(&flag);
        let wait = move || {
            let taken = sward::TaskGroup::new().run(|group| {
                group.spawn(move || {
                    child();
                    Ok::<_, ()>(())
                });
                group.next().is_some()
            });
            assert!(taken.unwrap());
        };
        see("group", Box::new(wait), Box::new(set(flag)));
    }
    {
        let token = sward::CancelToken::new();
        let theirs = token.clone();
        see("cancel_token", Box::new(move || theirs.wait()), Box::new(move || token.cancel()));
    }
    {
        let flag = Arc::new(AtomicBool::new(false));
        let joined = until(&flag);
        let wait = move || sward::spawn(joined).join().unwrap();
        see("join", Box::new(wait), Box::new(set(flag)));
    }
    {
        let flag = Arc::new(AtomicBool::new(false));
        let (calls, once) = (until(&flag), Arc::new(Once::new()));
        let first = once.clone();
        let caller = runtime.spawn(move || first.call_once(calls));
        while !matches!(once.state(), OnceState::InProgress) {
            std::thread::yield_now();
        }
        let wait = move || once.call_once(|| unreachable!());
        see("once", Box::new(wait), Box::new(set(flag)));
        caller.join().unwrap();
    }
    {
        let (sender, receiver) = chan::bounded::<()>(0);
        let wait = move || _ = sward::block_on(receiver.recv_async());
        see("future", Box::new(wait), Box::new(move || drop(sender)));
    }
    {
        let mut timer = sward::time::Timer::after(Duration::from_secs(3600));
        let handle = timer.handle();
        let release = move || handle.reset(Duration::ZERO);
        see("timer", Box::new(move || timer.wait()), Box::new(release));
    }
}

#[test]
fn a_thread_says_whose_child_it_is_and_what_it_was_given() {
    let runtime = runtime_of(1);
    let (parent, child) = runtime.run(|| {
        let child = Builder::new().name("child").priority(Priority::High).spawn(sward::park);
        (number(), child)
    });
    let (dump, info) = until_waiting("child");
    assert_eq!((info.parent, info.priority), (Some(parent), Priority::High));
    assert_eq!((info.worker, info.migrates, info.is_cancelled), (Some(0), false, false));
    assert!(info.location.file().ends_with("dump.rs"));
    let text = dump.to_string();
    assert!(text.contains("'child' [park for "), "{text}");
    child.thread().unpark();
    child.join().unwrap();
}

#[test]
fn a_cancellation_that_must_wait_is_told() {
    let runtime = runtime_of(1);
    let shielded =
        runtime.run(|| Builder::new().name("shielded").spawn(|| sward::uncancellable(sward::park)));
    until_waiting("shielded");
    shielded.cancel();
    assert!(until_waiting("shielded").1.is_cancelled);
    shielded.thread().unpark();
    shielded.join().unwrap();
}

#[test]
fn a_worker_that_does_not_answer_is_named_with_its_thread() {
    let runtime = runtime_of(1);
    let stop = Arc::new(AtomicBool::new(false));
    let stops = stop.clone();
    let (begun, has_begun) = mpsc::channel();
    let hog = runtime.run(move || {
        let waits = Builder::new().name("behind the hog").spawn(sward::park);
        let hog = Builder::new().name("hog").spawn(move || {
            begun.send(()).unwrap();
            while !stops.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
        });
        (waits, hog)
    });
    has_begun.recv().unwrap();
    let dump = dump();
    let worker = |dump: &Dump| {
        let workers = dump.runtimes.iter().flat_map(|runtime| &runtime.workers);
        workers.filter(|worker| !worker.answered).count()
    };
    let info = find(&dump, "hog").unwrap();
    assert_eq!(info.state, State::Running);
    assert!(worker(&dump) >= 1);
    let text = dump.to_string();
    assert!(text.contains("does not answer") && text.contains("'hog'"), "{text}");
    stop.store(true, Ordering::Release);
    hog.1.join().unwrap();
    hog.0.thread().unpark();
    hog.0.join().unwrap();
}

#[test]
fn threads_that_have_not_started_are_told_of() {
    let runtime = runtime_of(1);
    let (fresh, dump) = runtime.run(|| {
        let spawn = |i| Builder::new().name(format!("fresh {i}")).spawn(|| ());
        let fresh: Vec<_> = (0..20).map(spawn).collect();
        (fresh, dump())
    });
    let seen: Vec<_> = (0..20).filter_map(|i| find(&dump, &format!("fresh {i}"))).collect();
    // The worker tells of its threads before it goes on to fresh ones, but for one now and then.
    assert!(seen.len() >= 10, "{dump}");
    assert!(seen.iter().all(|thread| thread.state == State::New && thread.worker.is_none()));
    fresh.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn threads_that_no_worker_has_are_told_of() {
    let runtime = runtime_of(1);
    let (stop, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (stops, begins) = (stop.clone(), begun.clone());
    let hog = runtime.spawn(move || {
        begins.store(true, Ordering::Release);
        while !stops.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
    });
    while !begun.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    let injected: Vec<_> = (0..20).map(|i| runtime.spawn(move || i)).collect();
    let dump = dump();
    let new = dump.threads.iter().filter(|thread| thread.state == State::New);
    assert!(new.count() >= 20, "{dump}");
    stop.store(true, Ordering::Release);
    hog.join().unwrap();
    for (i, thread) in injected.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), i);
    }
}

#[test]
fn migrating_threads_are_told_of() {
    // SAFETY: nothing that is tied to an OS thread is held across a blocking call here.
    let builder = unsafe { runtime::Builder::new().workers(2).allow_migration() };
    let runtime = builder.build().unwrap();
    let threads: Vec<_> = (0..2000)
        .map(|i| runtime.run(move || Builder::new().name(format!("moving {i}")).spawn(sward::park)))
        .collect();
    for i in (0..2000).step_by(500) {
        let (_, info) = until_waiting(&format!("moving {i}"));
        assert!(info.migrates && kind_of(&info) == "park");
    }
    threads.iter().for_each(|thread| thread.thread().unpark());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_thread_with_an_os_thread_of_its_own_is_told_of() {
    let runtime = runtime_of(1);
    let dedicated = runtime.run(|| Builder::new().name("apart").dedicated().spawn(sward::park));
    let (_, info) = until_waiting("apart");
    assert_eq!((info.worker, kind_of(&info)), (None, "park"));
    dedicated.thread().unpark();
    dedicated.join().unwrap();
}

/// Two that have one lock each and want the other's: once, since they never end.
fn embrace(name: &'static str) -> (Runtime, [sward::JoinHandle<()>; 2]) {
    // Not on the heap, where what only they could free would count as leaked.
    static LOCKS: [Mutex<()>; 2] = [const { Mutex::new(()) }; 2];
    static HAVE_ONE: AtomicUsize = AtomicUsize::new(0);
    let runtime = runtime_of(2);
    let threads = [0, 1].map(|own| {
        let name = format!("{name} {own}");
        runtime.run(move || {
            Builder::new().name(name).spawn(move || {
                let _own: MutexGuard<'_, ()> = LOCKS[own].lock();
                HAVE_ONE.fetch_add(1, Ordering::Relaxed);
                while HAVE_ONE.load(Ordering::Relaxed) < 2 {
                    sward::yield_now();
                }
                drop(LOCKS[1 - own].lock());
            })
        })
    });
    (runtime, threads)
}

#[test]
fn a_ring_of_locks_is_named() {
    let (runtime, threads) = embrace("ring");
    let numbers: Vec<u64> = loop {
        let dump = dump();
        let of = |i| Some(find(&dump, &format!("ring {i}"))?.id);
        if let (Some(first), Some(second)) = (of(0), of(1)) {
            let mut both = [first, second];
            both.sort_unstable();
            let is_ours = |ring: &&Vec<u64>| ring.iter().all(|thread| both.contains(thread));
            if let Some(ring) = dump.cycles.iter().find(is_ours) {
                let text = dump.to_string();
                assert!(text.contains("deadlock: ") && text.contains("'ring 0'"), "{text}");
                break ring.clone();
            }
        }
        std::thread::yield_now();
    };
    assert_eq!(numbers.len(), 2);
    // Leaked: they never end.
    std::mem::forget(threads);
    std::mem::forget(runtime);
}

#[test]
fn two_that_wait_for_each_other_until_a_deadline_are_no_ring() {
    let runtime = runtime_of(1);
    let locks = Arc::new([Mutex::new(()), Mutex::new(())]);
    let both_have_one = Arc::new(Barrier::new(2));
    let (stop, stops) = chan::bounded::<()>(0);
    let threads = [0, 1].map(|own| {
        let (locks, barrier, stops) = (locks.clone(), both_have_one.clone(), stops.clone());
        let name = format!("patient {own}");
        runtime.run(move || {
            Builder::new().name(name).spawn(move || {
                let _own = locks[own].lock();
                barrier.wait();
                let lock = || locks[1 - own].try_lock_for(Duration::from_secs(60));
                sward::time::timeout(Duration::from_secs(3600), || {
                    // The other one lets go first.
                    if own == 0 { drop(lock()) } else { _ = stops.recv() }
                })
                .unwrap();
            })
        })
    });
    let (dump, info) = until_waiting("patient 0");
    if kind_of(&info) == "mutex" {
        let wait = info.wait.unwrap();
        assert!(wait.has_deadline && wait.thread.is_some());
        assert!(dump.cycles.iter().all(|ring| !ring.contains(&info.id)));
        assert!(dump.to_string().contains("until a deadline"));
    }
    drop(stop);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_lock_that_is_handed_over_names_its_new_owner() {
    let runtime = runtime_of(1);
    let mutex = Arc::new(Mutex::new(()));
    let (go, goes) = chan::bounded::<()>(0);
    let spawn = |name: &'static str| {
        let (mutex, goes) = (mutex.clone(), goes.clone());
        runtime.run(move || {
            Builder::new().name(name).spawn(move || {
                let guard = mutex.lock();
                _ = goes.recv();
                MutexGuard::unlock_fair(guard);
            })
        })
    };
    let first = spawn("first in line");
    until_waiting("first in line");
    let second = spawn("second in line");
    until_waiting("second in line");
    let third = spawn("third in line");
    let (_, before) = until_waiting("third in line");
    assert_eq!(before.wait.unwrap().thread, Some(until_waiting("first in line").1.id));
    go.send(()).unwrap();
    first.join().unwrap();
    // It has the lock, and waits for the word.
    let owner = loop {
        let (_, second) = until_waiting("second in line");
        if kind_of(&second) == "receive" {
            break second.id;
        }
    };
    assert_eq!(until_waiting("third in line").1.wait.unwrap().thread, Some(owner));
    drop(go);
    second.join().unwrap();
    third.join().unwrap();
}

#[test]
fn selects_of_different_channels_are_shown_apart() {
    let runtime = runtime_of(1);
    let channels: Vec<_> = (0..3).map(|_| chan::bounded::<()>(0)).collect();
    let threads: Vec<_> = channels
        .iter()
        .map(|(_, receiver)| {
            let receiver = receiver.clone();
            runtime.run(move || {
                Builder::new().name("selects apart").spawn(move || {
                    sward::select! { recv(receiver) -> _ => () }
                })
            })
        })
        .collect();
    let dump = loop {
        let dump = dump();
        let ours = dump.threads.iter().filter(|it| it.name.as_deref() == Some("selects apart"));
        if ours.filter(|it| it.state == State::Waiting).count() == 3 {
            break dump;
        }
    };
    assert_eq!(dump.to_string().matches("'selects apart' [select").count(), 3, "{dump}");
    drop(channels);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn the_json_is_what_the_docs_say() {
    let runtime = runtime_of(1);
    let name = "a \"name\"\n\\ \u{7} ü";
    let (sender, receiver) = chan::unbounded::<i32>();
    let thread = runtime.run(move || Builder::new().name(name).spawn(move || receiver.recv()));
    let (dump, info) = until_waiting(name);
    let json: serde_json::Value = serde_json::from_str(&dump.to_json()).unwrap();
    assert_eq!(json["version"], 1);
    let threads = json["threads"].as_array().unwrap();
    let thread_json = threads.iter().find(|thread| thread["id"] == info.id).unwrap();
    assert_eq!(thread_json["name"], name);
    assert_eq!(thread_json["state"], "waiting");
    assert_eq!(thread_json["wait"]["kind"], "receive");
    assert_eq!(thread_json["wait"]["len"], 0);
    assert!(thread_json["wait"]["capacity"].is_null());
    assert_eq!(thread_json["priority"], "normal");
    assert_eq!(thread_json["cancelled"], false);
    assert!(thread_json["spawned_at"].as_str().unwrap().contains("dump.rs:"));
    let runtime_json = &json["runtimes"][thread_json["runtime"].as_u64().unwrap() as usize];
    assert_eq!(runtime_json["workers"][0]["index"], 0);
    sender.send(1).unwrap();
    assert_eq!(thread.join().unwrap(), Ok(1));
}

#[test]
fn dumps_are_made_while_threads_come_and_go() {
    let runtime = runtime_of(2);
    let stop = Arc::new(AtomicBool::new(false));
    let stops = stop.clone();
    let busy = runtime.spawn(move || {
        let mut rounds = 0;
        while !stops.load(Ordering::Acquire) {
            let (sender, receiver) = chan::bounded(0);
            let threads: Vec<_> = (0..100)
                .map(|i| {
                    let (sender, receiver) = (sender.clone(), receiver.clone());
                    sward::spawn(move || {
                        if i % 2 == 0 { sender.send(i).unwrap() } else { _ = receiver.recv() }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            rounds += 1;
        }
        rounds
    });
    for _ in 0..100 {
        assert!(!dump().threads.is_empty());
        runtime.run(|| assert!(!dump().threads.is_empty()));
    }
    stop.store(true, Ordering::Release);
    assert!(busy.join().unwrap() > 0);
}

#[test]
fn several_may_dump_at_once() {
    let runtime = runtime_of(2);
    let parked: Vec<_> = (0..2000)
        .map(|_| runtime.run(|| Builder::new().name("crowd").spawn(sward::park)))
        .collect();
    let count = || {
        let dump = dump();
        dump.threads.iter().filter(|thread| thread.name.as_deref() == Some("crowd")).count()
    };
    std::thread::scope(|scope| {
        let counts: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
        counts.into_iter().for_each(|it| assert_eq!(it.join().unwrap(), 2000));
    });
    parked.iter().for_each(|thread| thread.thread().unpark());
    parked.into_iter().for_each(|thread| thread.join().unwrap());
}
