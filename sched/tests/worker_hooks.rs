//! What a runtime's builder is told of its OS threads: names, hooks, cores.
#![expect(clippy::disallowed_types, reason = "tests are not modelled")]

mod settings;

use std::collections::HashSet;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use settings::{Count, LONG, in_child, is_child, limited, os_thread};
use sward_sched::runtime::Builder;
use sward_sched::{park, spawn, unblock};

type Seen = Arc<Mutex<Vec<(usize, ThreadId)>>>;

fn noting(seen: &Seen) -> impl Fn(usize) + Send + Sync + 'static {
    let seen = seen.clone();
    move |index| seen.lock().unwrap().push((index, os_thread()))
}

#[test]
fn hooks_are_called_once_on_each_worker() {
    limited(|| {
        let (started, stopped) = (Seen::default(), Seen::default());
        let builder = Builder::new()
            .workers(3)
            .on_worker_start(noting(&started))
            .on_worker_stop(noting(&stopped));
        for _ in 0..3 {
            started.lock().unwrap().clear();
            stopped.lock().unwrap().clear();
            let rt = builder.build().unwrap();
            let mut began = started.lock().unwrap().clone();
            began.sort_by_key(|&(index, _)| index);
            assert_eq!(began.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 1, 2]);
            // They are the workers'.
            let workers: HashSet<_> = began.iter().map(|it| it.1).collect();
            assert_eq!(workers.len(), 3);
            assert!(workers.contains(&rt.run(os_thread)));
            let others = rt.run(|| {
                let dedicated = sward_sched::Builder::new().dedicated().spawn(os_thread);
                [unblock(os_thread), dedicated.join().unwrap()]
            });
            assert!(others.iter().all(|other| !workers.contains(other)));
            drop(rt.spawn(park));
            assert!(stopped.lock().unwrap().is_empty());
            assert!(rt.shutdown(LONG));
            let mut ended = stopped.lock().unwrap().clone();
            ended.sort_by_key(|&(index, _)| index);
            assert_eq!(ended, began);
        }
    });
}

#[test]
fn a_panic_in_the_start_hook_is_an_error_of_build() {
    limited(|| {
        for failing in 0..3 {
            let (stopped, dropped) = (Seen::default(), Count::default());
            let counted = dropped.on_drop();
            let builder = Builder::new()
                .workers(3)
                .on_worker_start(move |index| {
                    let _ = &counted;
                    assert!(index != failing, "no luck with {index}");
                })
                .on_worker_stop(noting(&stopped));
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Other);
            let text = error.to_string();
            assert!(text.contains("no luck") && text.contains(&format!("worker {failing}")));
            // Those that had begun have been stopped.
            let ended: HashSet<_> = stopped.lock().unwrap().iter().map(|it| it.0).collect();
            assert_eq!(ended, (0..3).filter(|&index| index != failing).collect());
            drop(builder);
            settings::until(|| dropped.get() == 1);
        }
    });
}

#[test]
fn a_panic_in_the_stop_hook_is_reported_and_loses_nothing() {
    if is_child() {
        let rt = Builder::new().workers(2).on_worker_stop(|_| panic!("no luck")).build().unwrap();
        let parked = rt.spawn(park);
        assert_eq!(rt.run(|| spawn(|| 7).join().unwrap()), 7);
        assert!(rt.shutdown(LONG));
        assert!(parked.join().unwrap_err().is_cancelled());
        return;
    }
    let ended = in_child("a_panic_in_the_stop_hook_is_reported_and_loses_nothing");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{stderr}");
    assert_eq!(stderr.matches("in the stop hook of worker").count(), 2, "{stderr}");
}

#[test]
fn a_runtime_with_hooks_is_built_in_a_green_thread() {
    limited(|| {
        let rt = Builder::new().workers(1).build().unwrap();
        rt.run(|| {
            // The hook ends only if this worker goes on meanwhile.
            let (tell, told) = mpsc::channel();
            let told = Mutex::new(told);
            let other = spawn(move || tell.send(()).unwrap());
            let inner = Builder::new()
                .workers(1)
                .on_worker_start(move |_| told.lock().unwrap().recv().unwrap())
                .build()
                .unwrap();
            other.join().unwrap();
            assert_eq!(inner.run(|| 7), 7);
        });
    });
}

#[test]
fn a_stop_hook_that_blocks_keeps_the_shutdown() {
    limited(|| {
        let (tell, told) = mpsc::channel::<()>();
        let told = Mutex::new(told);
        let hook = move |_| {
            let _ = told.lock().unwrap().recv();
        };
        let rt = Builder::new().workers(1).on_worker_stop(hook).build().unwrap();
        assert!(!rt.shutdown(Duration::from_millis(10)));
        drop(tell);
    });
}

#[test]
fn os_threads_are_called_as_asked() {
    limited(|| {
        let name = || thread::current().name().map(str::to_owned).unwrap();
        for (builder, prefix) in
            [(Builder::new(), "sward"), (Builder::new().thread_name("db"), "db")]
        {
            let rt = builder.workers(1).build().unwrap();
            assert_eq!(rt.run(name), format!("{prefix}-worker-0"));
            assert_eq!(rt.run(move || unblock(name)), format!("{prefix}-unblock"));
            let dedicated = rt.run(|| sward_sched::Builder::new().dedicated().spawn(name));
            assert_eq!(dedicated.join().unwrap(), format!("{prefix}-dedicated"));
            let named = rt.run(|| sward_sched::Builder::new().dedicated().name("x").spawn(name));
            assert_eq!(named.join().unwrap(), "x");
        }
        let error = Builder::new().thread_name("a\0b").build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

/// The cores that the calling OS thread may run on, as the system says.
fn cores() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.unwrap().trim().to_owned()
}

fn first_core() -> usize {
    let digits = |c: char| c.is_ascii_digit();
    let all = cores();
    let end = all.find(|c| !digits(c)).unwrap_or(all.len());
    all[..end].parse().unwrap()
}

#[test]
fn workers_keep_to_their_cores_and_others_do_not() {
    limited(|| {
        let (all, first) = (cores(), first_core());
        let rt = Builder::new().workers(2).worker_affinity(move |_| [first]).build().unwrap();
        assert_eq!(rt.run(cores), first.to_string());
        assert_eq!(rt.run(|| unblock(cores)), all);
        let dedicated = rt.run(|| sward_sched::Builder::new().dedicated().spawn(cores));
        assert_eq!(dedicated.join().unwrap(), all);
        assert!(rt.shutdown(LONG));
        assert_eq!(cores(), all);
    });
}

#[test]
fn cores_that_are_not_there_are_an_error() {
    limited(|| {
        let first = first_core();
        let wrong: [fn(usize) -> Vec<usize>; 4] =
            [|_| vec![], |first| vec![first, 8000], |_| vec![usize::MAX], |_| panic!("no luck")];
        for cores in wrong {
            let given = move |index| if index == 0 { vec![first] } else { cores(first) };
            let error = Builder::new().workers(2).worker_affinity(given).build().unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Other));
            assert!(error.to_string().contains("worker 1"), "{error}");
        }
    });
}
