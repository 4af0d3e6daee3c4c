//! Values that are tied to an OS thread, on the stacks of threads that stay on theirs.

mod settings;

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use settings::{Count, LONG, limited, migrates, os_thread, runtime};
use sward_sched::{current, park, spawn, time, unblock, yield_now};

#[test]
fn nothing_on_a_stack_is_touched_by_another_os_thread_however_busy_they_all_are() {
    thread_local!(static COUNT: Rc<()> = Rc::new(()));
    limited(|| {
        let rt = runtime(4);
        let stop = Count::default();
        // Whatever keeps the workers from their turns, and what may move between them.
        let busy: Vec<_> = (0..4u64)
            .map(|i| {
                let stop = stop.clone();
                rt.run(|| {
                    migrates().spawn(move || {
                        while stop.get() == 0 {
                            (0..i * 1000).for_each(|_| std::hint::spin_loop());
                            yield_now();
                        }
                    })
                })
            })
            .collect();
        let handles: Vec<_> = (0..400)
            .map(|i| {
                rt.spawn(move || {
                    let home = os_thread();
                    let mut clones = Vec::new();
                    for round in 0..20 {
                        // A clone that another OS thread made or dropped would be miscounted.
                        clones.push(COUNT.with(Rc::clone));
                        match (i + round) % 5 {
                            0 => yield_now(),
                            1 => time::sleep(Duration::from_micros(20)),
                            2 => assert_eq!(unblock(|| 7), 7),
                            3 => assert_eq!(spawn(|| 7).join().unwrap(), 7),
                            _ => {
                                let me = current();
                                drop(spawn(move || me.unpark()));
                                park();
                            }
                        }
                        assert_eq!(os_thread(), home);
                        if round % 3 == 0 {
                            clones.pop();
                        }
                    }
                    drop(clones);
                    home
                })
            })
            .collect();
        let homes: HashSet<_> = handles.into_iter().map(|handle| handle.join().unwrap()).collect();
        stop.add();
        busy.into_iter().for_each(|thread| thread.join().unwrap());
        // Each worker's own count is what it was, on as many as took part.
        let mut seen = HashSet::new();
        while !homes.is_subset(&seen) {
            // One on each worker: none lets the others go before all have begun.
            let kept = Arc::new(Barrier::new(4));
            let others: Vec<_> = (0..4)
                .map(|_| {
                    let kept = kept.clone();
                    rt.spawn(move || {
                        kept.wait();
                        (os_thread(), COUNT.with(Rc::strong_count))
                    })
                })
                .collect();
            for (home, count) in others.into_iter().map(|other| other.join().unwrap()) {
                assert_eq!(count, 1);
                seen.insert(home);
            }
        }
        assert!(rt.shutdown(LONG));
    });
}
