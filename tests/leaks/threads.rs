//! Handles of threads, the futures that they become, timers, runtimes.

use std::future::{IntoFuture, poll_fn};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use sward::time::{Timer, interval, sleep, timeout};
use sward::{Runtime, block_on, chan, park, runtime, spawn, spawn_local, unblock, yield_now};

use crate::settings::{LONG, limited, until};
use crate::tasks::{Wakes, forget, poll};
use crate::{Drops, SHORT};

fn of(workers: usize) -> Runtime {
    runtime::Builder::new().workers(workers).build().unwrap()
}

/// What takes the place of tasks and stacks that were given back by mistake.
fn reuse_memory() {
    let others: Vec<_> = (0..200).map(|i| spawn(move || vec![i; 10])).collect();
    for (i, other) in others.into_iter().enumerate() {
        assert_eq!(other.join().unwrap(), [i; 10]);
    }
}

#[test]
fn a_forgotten_handle_keeps_the_result_and_the_thread_goes_on() {
    limited(|| {
        for workers in [1, 2] {
            let rt = of(workers);
            let (results, captured) = (Drops::default(), Drops::default());
            let mut threads = Vec::new();
            // Forgotten before the thread begins, while it waits, after its end; cancelled first.
            for case in 0..4 {
                let (result, capture) = (results.counted(), captured.counted());
                let (begins, begun) = chan::unbounded();
                let handle = rt.spawn(move || {
                    let _capture = capture;
                    let _ = begins.send(());
                    if case > 0 {
                        park();
                    }
                    result
                });
                let thread = handle.thread();
                match case {
                    0 => {}
                    1 => begun.recv().unwrap(),
                    2 => {
                        thread.unpark();
                        until(|| handle.is_finished());
                    }
                    _ => {
                        begun.recv().unwrap();
                        handle.cancel();
                    }
                }
                forget(handle);
                if case == 1 {
                    thread.unpark();
                }
                threads.push(thread);
            }
            until(|| captured.get() == 4);
            rt.run(reuse_memory);
            assert!(rt.shutdown(LONG));
            // Who was cancelled has dropped what it was to return.
            assert_eq!(results.get(), 1);
            // And who they were is known as long as somebody asks.
            threads.iter().for_each(|thread| thread.unpark());
            assert_eq!(threads[0].id(), threads[0].clone().id());
            assert_ne!(threads[0].id(), threads[1].id());
        }
    });
}

#[test]
fn a_forgotten_local_handle_keeps_its_result_where_it_is() {
    limited(|| {
        for workers in [1, 2] {
            let rt = of(workers);
            let results = Drops::default();
            let parked = rt.run(|| {
                let result = Rc::new(results.counted());
                let (one, other) = (result.clone(), result.clone());
                let finished = spawn_local(move || one);
                until(|| finished.is_finished());
                forget(finished);
                let parked = spawn_local(move || {
                    park();
                    other
                });
                let thread = parked.thread();
                forget(parked);
                yield_now();
                reuse_memory();
                // That of the finished one is never touched again: it is the only one of another
                // OS thread that there would be.
                assert!(Rc::strong_count(&result) >= 2);
                thread
            });
            parked.unpark();
            assert!(rt.shutdown(LONG));
            parked.unpark();
            assert_eq!(results.get(), 0);
        }
    });
}

#[test]
fn a_forgotten_join_future_is_woken_and_keeps_nobody() {
    limited(|| {
        for workers in [1, 2] {
            let rt = of(workers);
            let results = Drops::default();
            let start = || {
                let result = results.counted();
                rt.spawn(move || {
                    park();
                    result
                })
            };
            let (wakes, waker) = Wakes::new();
            // Not polled; polled; told, and not polled again; cancelled by the future itself.
            let handles = [start(), start(), start(), start()];
            let threads: Vec<_> = handles.iter().map(|handle| handle.thread()).collect();
            let [unpolled, polled, told, cancelled] = handles;
            forget(unpolled.into_future());
            let mut futures = [polled, told, cancelled].map(|it| Box::pin(it.into_future()));
            for future in &mut futures {
                assert!(poll(future.as_mut(), &waker).is_pending());
            }
            let [polled, told, cancelled] = futures;
            forget(polled);
            threads[2].unpark();
            until(|| wakes.count() == 1);
            forget(told);
            cancelled.cancel();
            forget(cancelled);
            until(|| wakes.count() == 2);
            threads.iter().for_each(|thread| thread.unpark());
            until(|| wakes.count() == 3);
            rt.run(reuse_memory);
            assert!(rt.shutdown(LONG));
            assert_eq!(results.get(), 1);
            drop(waker);
            assert_eq!(Arc::strong_count(&wakes), 1);
        }
    });
}

#[test]
fn a_forgotten_timer_or_interval_rings_for_nobody() {
    fn test() {
        let mut ticks = interval(SHORT);
        ticks.tick();
        forget(ticks);
        let mut timer = Timer::after(LONG);
        let handle = timer.handle();
        forget(handle.clone());
        forget(Timer::after(SHORT));
        let waiting = spawn(move || {
            timer.wait();
            forget(timer);
        });
        handle.reset(SHORT);
        waiting.join().unwrap();
        // What is left of it may be set and stopped as before.
        handle.reset(SHORT);
        until(|| handle.is_elapsed());
        handle.stop();
        sleep(SHORT);
    }
    limited(|| {
        for workers in [1, 2] {
            let rt = of(workers);
            rt.run(test);
            assert!(rt.shutdown(LONG));
        }
        test();
    });
}

#[test]
fn a_forgotten_runtime_goes_on() {
    limited(|| {
        for workers in [1, 2] {
            let rt = of(workers);
            let (ask, asked) = chan::bounded::<chan::Sender<u32>>(0);
            let answering = rt.spawn(move || {
                let parked = spawn(park);
                for reply in asked {
                    sleep(SHORT);
                    reply.send(spawn(|| unblock(|| 7)).join().unwrap()).unwrap();
                }
                parked.cancel();
                parked.join().unwrap_err().is_cancelled()
            });
            forget(rt);
            for _ in 0..3 {
                let (reply, replies) = chan::bounded(0);
                ask.send(reply).unwrap();
                assert_eq!(replies.recv(), Ok(7));
            }
            drop(ask);
            assert!(answering.join().unwrap());
        }
    });
}

#[test]
fn a_forgotten_waker_rings_after_the_end() {
    limited(|| {
        for workers in [1, 2] {
            let rt = of(workers);
            let kept = Arc::new(Mutex::new(Vec::<Waker>::new()));
            let theirs = kept.clone();
            let polls = rt.spawn(move || {
                let mut left = 3;
                block_on(poll_fn(|context| {
                    forget(context.waker().clone());
                    theirs.lock().unwrap().push(context.waker().clone());
                    context.waker().wake_by_ref();
                    left -= 1;
                    if left == 0 { Poll::Ready(7) } else { Poll::Pending }
                }))
            });
            assert_eq!(polls.join().unwrap(), 7);
            rt.run(reuse_memory);
            kept.lock().unwrap().iter().for_each(Waker::wake_by_ref);
            assert!(rt.shutdown(LONG));
            kept.lock().unwrap().drain(..).for_each(Waker::wake);
        }
    });
}

/// Left in the middle by a thread that was waiting for it, and kept by nobody.
#[test]
fn a_forgotten_future_of_a_thread_that_is_gone_is_woken() {
    limited(|| {
        for workers in [1, 2] {
            let rt = of(workers);
            rt.run(|| {
                let (sender, receiver) = chan::bounded(0);
                let late = {
                    let receiver = receiver.clone();
                    spawn(move || {
                        let mut receiving = Box::pin(async move { receiver.recv().map(drop) });
                        let mut other = Box::pin(std::future::pending::<()>());
                        let late = timeout(SHORT, || block_on(receiving.as_mut()));
                        let never = timeout(SHORT, || block_on(other.as_mut()));
                        forget((receiving, other));
                        late.is_err() && never.is_err()
                    })
                };
                assert!(late.join().unwrap());
                let left = {
                    let receiver: &'static _ = Box::leak(Box::new(receiver.clone()));
                    spawn(move || {
                        let receiver: &'static chan::Receiver<u32> = receiver;
                        let mut receiving = Box::pin(receiver.recv_async());
                        let late = timeout(SHORT, || block_on(receiving.as_mut()));
                        forget(receiving);
                        late.is_err()
                    })
                };
                assert!(left.join().unwrap());
                reuse_memory();
                // It stands in line, is told, and passed by.
                sender.send(7).unwrap();
                assert_eq!(spawn(move || receiver.recv()).join().unwrap(), Ok(7));
            });
            assert!(rt.shutdown(LONG));
        }
    });
}
