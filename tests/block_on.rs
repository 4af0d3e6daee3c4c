//! Async computations in green threads and OS threads: their own, tokio's and those of futures.

use std::cell::Cell;
use std::future::{Future, IntoFuture, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use sward::time::{sleep, timeout};
use sward::{JoinFuture, Runtime, block_on, chan, current, park, runtime, spawn, yield_now};

const LONG: Duration = Duration::from_secs(20);
const ALL: Ordering = Ordering::SeqCst;

/// In an OS thread, and in green threads of each kind of runtime. A test that hangs fails.
fn everywhere(test: fn()) {
    let (ended, watch) = mpsc::channel();
    let body = thread::spawn(move || {
        test();
        in_green_threads(test);
        ended.send(()).unwrap();
    });
    if watch.recv_timeout(LONG) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("the test hangs");
    }
    body.join().unwrap();
}

fn in_green_threads(test: fn()) {
    for workers in [1, 2] {
        let rt = of(workers);
        rt.run(test);
        assert!(rt.shutdown(LONG));
    }
}

fn of(workers: usize) -> Runtime {
    runtime::Builder::new().workers(workers).build().unwrap()
}

/// Becomes ready when somebody says so; keeps the waker of the last poll.
#[derive(Clone, Default)]
struct Gate(Arc<(AtomicBool, Mutex<Option<Waker>>)>);

impl Gate {
    fn open(&self) -> Option<Waker> {
        self.0.0.store(true, ALL);
        let waker = self.0.1.lock().unwrap().clone();
        waker.iter().for_each(Waker::wake_by_ref);
        waker
    }
}

impl Future for Gate {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        *self.0.1.lock().unwrap() = Some(context.waker().clone());
        if self.0.0.load(ALL) { Poll::Ready(7) } else { Poll::Pending }
    }
}

/// Counts one when it is dropped.
struct Counts(Arc<AtomicUsize>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, ALL);
    }
}

#[test]
fn what_is_ready_is_returned_at_once() {
    everywhere(|| {
        assert_eq!(block_on(ready(7)), 7);
        // Neither `Send` nor `'static`.
        let (shared, text) = (Rc::new(Cell::new(1)), String::from("lent"));
        let length = block_on(async {
            shared.set(2);
            ready(()).await;
            text.len()
        });
        assert_eq!((shared.get(), length), (2, 4));
    });
}

#[test]
fn it_is_woken_from_anywhere_at_any_time_and_after_the_end() {
    everywhere(|| {
        for late in [false, true] {
            let gate = Gate::default();
            let theirs = gate.clone();
            let green = spawn(move || {
                if late {
                    sleep(Duration::from_millis(2));
                }
                theirs.open()
            });
            assert_eq!(block_on(gate.clone()), 7);
            green.join().unwrap().into_iter().for_each(Waker::wake);
            let gate = Gate::default();
            let theirs = gate.clone();
            let os = thread::spawn(move || {
                if late {
                    thread::sleep(Duration::from_millis(2));
                }
                theirs.open()
            });
            assert_eq!(block_on(gate), 7);
            os.join().unwrap().into_iter().for_each(Waker::wake);
        }
    });
}

#[test]
fn no_wake_is_lost_among_many() {
    everywhere(|| {
        const EACH: usize = 2000;
        let (count, waker) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(None::<Waker>)));
        let tick = |count: Arc<AtomicUsize>, waker: Arc<Mutex<Option<Waker>>>| {
            move || {
                for i in 0..EACH {
                    count.fetch_add(1, ALL);
                    let waker = waker.lock().unwrap().clone();
                    waker.into_iter().for_each(Waker::wake);
                    if i % 64 == 0 {
                        yield_now();
                    }
                }
            }
        };
        let green = spawn(tick(count.clone(), waker.clone()));
        let os = thread::spawn(tick(count.clone(), waker.clone()));
        block_on(poll_fn(|context| {
            *waker.lock().unwrap() = Some(context.waker().clone());
            if count.load(ALL) == 2 * EACH { Poll::Ready(()) } else { Poll::Pending }
        }));
        green.join().unwrap();
        os.join().unwrap();
    });
}

#[test]
fn one_that_wakes_itself_lets_others_run() {
    let rt = of(1);
    rt.run(|| {
        let other_ran = Arc::new(AtomicBool::new(false));
        let theirs = other_ran.clone();
        let other = spawn(move || theirs.store(true, ALL));
        block_on(poll_fn(|context| {
            context.waker().wake_by_ref();
            if other_ran.load(ALL) { Poll::Ready(()) } else { Poll::Pending }
        }));
        other.join().unwrap();
    });
}

#[test]
fn they_nest() {
    everywhere(|| {
        let gate = Gate::default();
        let inner = gate.clone();
        let opener = spawn(move || {
            yield_now();
            gate.open();
        });
        assert_eq!(block_on(async { block_on(inner.clone()) + inner.await }), 14);
        opener.join().unwrap();
    });
}

#[test]
fn blocking_calls_inside_park_the_thread() {
    everywhere(|| {
        let (sender, receiver) = chan::bounded(0);
        let sending = spawn(move || (0..10).for_each(|i| sender.send(i).unwrap()));
        let sum = block_on(async {
            let mut sum = 0;
            for _ in 0..5 {
                sum += receiver.recv().unwrap() + receiver.recv_async().await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 45);
        sending.join().unwrap();
    });
}

#[test]
fn a_cancelled_thread_drops_the_future() {
    for workers in [1, 2] {
        let rt = of(workers);
        let (dropped, begun) = (Arc::new(AtomicUsize::new(0)), Gate::default());
        let (counts, gate) = (Counts(dropped.clone()), begun.clone());
        let cancelled = rt.spawn(move || {
            block_on(async move {
                let _counts = counts;
                gate.open();
                std::future::pending::<()>().await;
            });
        });
        block_on(begun.clone());
        cancelled.cancel();
        assert!(cancelled.join().unwrap_err().is_cancelled());
        assert_eq!(dropped.load(ALL), 1);
        // And nothing is left of it that a waker could find.
        begun.open().into_iter().for_each(Waker::wake);
    }
}

#[test]
fn a_timeout_ends_it() {
    everywhere(|| {
        let gate = Gate::default();
        let late = timeout(Duration::from_millis(2), || block_on(gate.clone()));
        assert!(late.unwrap_err().is_elapsed());
        gate.open().into_iter().for_each(Waker::wake);
        assert_eq!(timeout(LONG, || block_on(gate)), Ok(7));
    });
}

#[test]
fn a_panic_of_the_future_is_the_callers() {
    everywhere(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let counts = Counts(dropped.clone());
        let poll = || {
            block_on(async move {
                let _counts = counts;
                panic!("no luck");
            })
        };
        let payload = catch_unwind(AssertUnwindSafe(poll)).unwrap_err();
        assert_eq!(*payload.downcast::<&str>().unwrap(), "no luck");
        assert_eq!(dropped.load(ALL), 1);
    });
}

#[test]
fn a_task_awaits_a_thread() {
    everywhere(|| {
        let late = || {
            sleep(Duration::from_millis(1));
            7
        };
        assert_eq!(block_on(async { spawn(late).await.unwrap() + spawn(|| 1).await.unwrap() }), 8);
        let error = block_on(spawn(|| panic!("no luck"))).map(drop).unwrap_err();
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "no luck");
        let parked = spawn(park).into_future();
        parked.cancel();
        assert!(block_on(parked).unwrap_err().is_cancelled());
    });
}

#[test]
fn a_thread_is_left_by_a_task_or_changes_tasks() {
    everywhere(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        for i in 0..200 {
            let counts = Counts(dropped.clone());
            let handle = spawn(move || {
                (0..i % 7).for_each(|_| yield_now());
                counts
            });
            let mut joining = Box::pin(handle.into_future());
            let ready = poll(joining.as_mut(), Waker::noop());
            match i % 3 {
                _ if ready => {}
                // Left while it runs, or has just ended.
                0 => drop(joining),
                // Waited for by another than has asked first.
                _ => drop(block_on(joining).unwrap()),
            }
        }
        while dropped.load(ALL) < 200 {
            yield_now();
        }
    });
}

/// Polls once; drops what comes.
fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> bool {
    future.poll(&mut Context::from_waker(waker)).is_ready()
}

/// A waker that panics when it is called, or dropped, ends nothing of the thread's that calls it.
#[test]
fn a_waker_that_panics_harms_nobody() {
    /// With some room: a pointer past the end of what was allocated is not one to the leak sanitizer.
    struct Panics(#[expect(dead_code, reason = "room")] u8);
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker");
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("a waker's end");
            }
        }
    }
    everywhere(|| {
        let gate = Gate::default();
        let theirs = gate.clone();
        let handle = spawn(move || block_on(theirs));
        let mut joining = Box::pin(handle.into_future());
        let waker = Waker::from(Arc::new(Panics(0)));
        assert!(!poll(joining.as_mut(), &waker));
        // Never dropped, and where the leak sanitizer finds it.
        static FORGOTTEN: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
        FORGOTTEN.lock().unwrap().push(waker);
        gate.open();
        assert_eq!(block_on(joining).unwrap(), 7);
    });
}

/// The thread that ends calls the waker, which blocks, in the middle of everything: here of an
/// executor whose queue is a channel of capacity 0.
#[test]
fn a_waker_may_block_the_thread_that_ends() {
    type Job = Pin<Box<dyn Future<Output = ()> + Send>>;
    struct Task {
        job: Mutex<Option<Job>>,
        queue: chan::Sender<Arc<Task>>,
    }
    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            let queue = self.queue.clone();
            drop(queue.send(self));
        }
    }
    in_green_threads(|| {
        let (queue, tasks) = chan::bounded::<Arc<Task>>(0);
        let executor = spawn(move || {
            for task in tasks {
                let waker = Waker::from(task.clone());
                let mut job = task.job.lock().unwrap();
                if job.as_mut().is_some_and(|job| poll(job.as_mut(), &waker)) {
                    *job = None;
                }
            }
        });
        for i in 0..300 {
            let job = async move {
                spawn(move || (0..i % 5).for_each(|_| yield_now())).await.unwrap();
            };
            let job: Mutex<Option<Job>> = Mutex::new(Some(Box::pin(job)));
            queue.send(Arc::new(Task { job, queue: queue.clone() })).unwrap();
        }
        drop(queue);
        executor.join().unwrap();
    });
}

/// It may even drop the future, and with that all that was known of the thread but to itself.
#[test]
fn a_waker_may_drop_the_last_handle_of_the_thread_that_ends() {
    struct Drops(Mutex<Option<Pin<Box<JoinFuture<()>>>>>, fn());
    impl Wake for Drops {
        fn wake(self: Arc<Self>) {
            let this = current().id();
            drop(self.0.lock().unwrap().take());
            // What would take the place of its task, were that gone.
            let others: Vec<_> = (0..4).map(|_| spawn(yield_now)).collect();
            (self.1)();
            assert_eq!(current().id(), this);
            others.into_iter().for_each(|other| other.join().unwrap());
        }
    }
    for and_then in [|| (), yield_now, || sleep(Duration::from_millis(1))] {
        for workers in [1, 2] {
            let rt = of(workers);
            rt.run(move || {
                let mut joining = Box::pin(spawn(|| sleep(Duration::from_millis(1))).into_future());
                let waking = Arc::new(Drops(Mutex::new(None), and_then));
                assert!(!poll(joining.as_mut(), &Waker::from(waking.clone())));
                *waking.0.lock().unwrap() = Some(joining);
                while Arc::strong_count(&waking) > 1 {
                    yield_now();
                }
            });
            assert!(rt.shutdown(LONG));
        }
    }
}

/// A thread that is cancelled calls a waker that waits.
#[test]
fn a_wake_is_not_cut_short() {
    struct Sends(chan::Sender<u32>);
    impl Wake for Sends {
        fn wake(self: Arc<Self>) {
            self.0.send(7).unwrap();
        }
    }
    in_green_threads(|| {
        // It ends ..
        let (sender, receiver) = chan::bounded(0);
        let waker = Waker::from(Arc::new(Sends(sender)));
        let mut joining = Box::pin(spawn(park).into_future());
        assert!(!poll(joining.as_mut(), &waker));
        joining.cancel();
        // The waker waits, as long as nobody does here.
        sleep(Duration::from_millis(2));
        assert_eq!(receiver.recv_timeout(LONG), Ok(7));
        // .. or sends to a task.
        let (other, tasks) = chan::unbounded();
        let mut receiving = Box::pin(tasks.recv_async());
        assert!(!poll(receiving.as_mut(), &waker));
        let begun = Gate::default();
        let gate = begun.clone();
        let cancelled = spawn(move || {
            gate.open();
            sward::uncancellable(park);
            other.send(1).unwrap();
            park();
        });
        block_on(begun);
        cancelled.cancel();
        cancelled.thread().unpark();
        sleep(Duration::from_millis(2));
        assert_eq!(receiver.recv_timeout(LONG), Ok(7));
        assert!(cancelled.join().unwrap_err().is_cancelled());
    });
}

#[test]
fn with_tokio_on_either_side() {
    everywhere(|| {
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        // A task is waited for by a thread ..
        let slept = tokio.spawn(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            6
        });
        assert_eq!(block_on(slept).unwrap(), 6);
        // .. threads and tasks meet at channels of either kind ..
        let (ask, mut asked) = tokio::sync::mpsc::channel::<chan::Sender<u32>>(1);
        let answering = tokio.spawn(async move {
            let mut answered = 0;
            while let Some(reply) = asked.recv().await {
                reply.send_async(answered).await.unwrap();
                answered += 1;
            }
            answered
        });
        let (reply, replies) = chan::bounded(0);
        for i in 0..100 {
            block_on(ask.send(reply.clone())).unwrap();
            assert_eq!(replies.recv(), Ok(i));
        }
        drop(ask);
        assert_eq!(block_on(answering).unwrap(), 100);
        // .. a task waits for a thread ..
        let threads =
            tokio.spawn(async { spawn(|| 6).await.unwrap() * spawn(|| 7).await.unwrap() });
        assert_eq!(block_on(threads).unwrap(), 42);
        // .. and a thread of tokio's blocks on a thread of ours.
        let joined = tokio.spawn_blocking(|| spawn(|| 7).join().unwrap());
        assert_eq!(block_on(joined).unwrap(), 7);
    });
}

#[test]
fn with_futures() {
    use futures::SinkExt;
    use futures::channel::{mpsc, oneshot};
    use futures::future::{Either, join, select};
    use futures::stream::{FuturesUnordered, StreamExt};

    everywhere(|| {
        let (mut sink, stream) = mpsc::channel(1);
        let sending = spawn(move || {
            block_on(async {
                for i in 0..50 {
                    sink.send(i).await.unwrap();
                }
            });
        });
        assert_eq!(block_on(stream.fold(0, |sum, i| ready(sum + i))), 1225);
        sending.join().unwrap();

        let (ask, asked) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let answering = spawn(move || tell.send(block_on(asked).unwrap() + 1).unwrap());
        let both = block_on(join(async { ask.send(6) }, told));
        assert_eq!(both, (Ok(()), Ok(7)));
        answering.join().unwrap();

        // The loser is dropped, and its waker called nevertheless.
        let (gate, other) = (Gate::default(), Gate::default());
        let opening = [gate.clone(), other.clone()].map(|gate| spawn(move || drop(gate.open())));
        let first = block_on(select(gate, other));
        assert!(matches!(first, Either::Left((7, _)) | Either::Right((7, _))));
        opening.into_iter().for_each(|opening| opening.join().unwrap());

        let gates: Vec<_> = (0..100).map(|_| Gate::default()).collect();
        let mut all: FuturesUnordered<_> = gates.iter().cloned().collect();
        let opening = spawn(move || gates.iter().for_each(|gate| drop(gate.open())));
        let sum = block_on(async {
            let mut sum = 0;
            while let Some(value) = all.next().await {
                sum += value;
            }
            sum
        });
        assert_eq!(sum, 700);
        opening.join().unwrap();
    });
}
