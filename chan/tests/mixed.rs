//! Green threads, OS threads and several runtimes at one channel.

mod settings;
mod values;

use std::thread;

use settings::{LONG, limited, runtime, settle, until};
use sward_chan::{RecvError, bounded, unbounded};
use sward_sched::unblock;
use values::{CAPACITIES, channel};

const COUNT: usize = 200;

fn expected_sum() -> usize {
    (0..COUNT).sum()
}

#[test]
fn an_os_thread_sends_to_a_green_one() {
    limited(|| {
        for capacity in CAPACITIES {
            let rt = runtime(1);
            let (sender, receiver) = channel(capacity);
            let receiving = rt.spawn(move || receiver.iter().sum::<usize>());
            (0..COUNT).for_each(|i| sender.send(i).unwrap());
            drop(sender);
            assert_eq!(receiving.join().unwrap(), expected_sum());
        }
    });
}

#[test]
fn a_green_thread_sends_to_an_os_one() {
    limited(|| {
        for capacity in CAPACITIES {
            let rt = runtime(1);
            let (sender, receiver) = channel(capacity);
            rt.spawn(move || (0..COUNT).for_each(|i| sender.send(i).unwrap()));
            assert_eq!(receiver.iter().sum::<usize>(), expected_sum());
        }
    });
}

#[test]
fn two_runtimes_talk_through_channels() {
    limited(|| {
        for capacity in CAPACITIES {
            let (here, there) = (runtime(2), runtime(1));
            let (ask, asked) = channel::<usize>(capacity);
            let (reply, replied) = channel(capacity);
            let serving: Vec<_> = (0..3)
                .map(|_| {
                    let (asked, reply) = (asked.clone(), reply.clone());
                    there.spawn(move || asked.iter().for_each(|n| reply.send(2 * n).unwrap()))
                })
                .collect();
            drop((asked, reply));
            let asking = here.spawn(move || (0..COUNT).for_each(|n| ask.send(n).unwrap()));
            let total = here.run(|| replied.iter().sum::<usize>());
            assert_eq!(total, 2 * expected_sum());
            asking.join().unwrap();
            serving.into_iter().for_each(|handle| handle.join().unwrap());
            assert!(here.shutdown(LONG) && there.shutdown(LONG));
        }
    });
}

#[test]
fn waiting_in_one_line_from_everywhere() {
    limited(|| {
        for capacity in CAPACITIES {
            let runtimes = [runtime(1), runtime(2)];
            let (sender, receiver) = channel(capacity);
            let mut green = Vec::new();
            let mut os = Vec::new();
            for _ in 0..3 {
                for rt in &runtimes {
                    let receiver = receiver.clone();
                    green.push(rt.spawn(move || receiver.iter().collect::<Vec<_>>()));
                }
                let receiver = receiver.clone();
                os.push(thread::spawn(move || receiver.iter().collect::<Vec<_>>()));
            }
            settle();
            (0..COUNT).for_each(|i| sender.send(i).unwrap());
            drop(sender);
            let mut values: Vec<_> = green.into_iter().flat_map(|h| h.join().unwrap()).collect();
            values.extend(os.into_iter().flat_map(|h| h.join().unwrap()));
            values.sort_unstable();
            assert_eq!(values, (0..COUNT).collect::<Vec<_>>());
        }
    });
}

#[test]
fn the_end_of_a_runtime_disconnects_the_other_side() {
    limited(|| {
        for capacity in CAPACITIES {
            let (here, there) = (runtime(1), runtime(2));
            let (sender, receiver) = channel::<usize>(capacity);
            let (never_sent, nothing) = unbounded::<()>();
            // Waits, and holds the only sender.
            let holding = there.spawn(move || (nothing.recv(), sender));
            let waiting = here.spawn(move || receiver.recv());
            settle();
            assert!(!waiting.is_finished());
            assert!(there.shutdown(LONG));
            assert!(holding.join().unwrap_err().is_cancelled());
            assert_eq!(waiting.join().unwrap(), Err(RecvError));
            assert!(never_sent.send(()).is_err());
        }
    });
}

#[test]
fn a_shutdown_leaves_waiters_of_other_runtimes_in_line() {
    limited(|| {
        let (here, there) = (runtime(1), runtime(1));
        let (sender, receiver) = bounded(0);
        let mut lines: Vec<Vec<_>> = vec![Vec::new(), Vec::new()];
        for _ in 0..5 {
            for (rt, line) in [&here, &there].into_iter().zip(&mut lines) {
                let receiver = receiver.clone();
                line.push(rt.spawn(move || receiver.recv()));
            }
        }
        settle();
        assert!(there.shutdown(LONG));
        (0..5).for_each(|i| sender.send(i).unwrap());
        let stays = lines.swap_remove(0).into_iter();
        let mut values: Vec<_> = stays.map(|handle| handle.join().unwrap().unwrap()).collect();
        values.sort_unstable();
        assert_eq!(values, [0, 1, 2, 3, 4]);
        for handle in lines.swap_remove(0) {
            assert!(handle.join().unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn unblocked_code_talks_to_its_own_worker() {
    limited(|| {
        for capacity in CAPACITIES {
            let rt = runtime(1);
            let (sender, receiver) = channel(capacity);
            let receiving = rt.spawn(move || receiver.iter().sum::<usize>());
            rt.run(|| unblock(move || (0..COUNT).for_each(|i| sender.send(i).unwrap())));
            assert_eq!(receiving.join().unwrap(), expected_sum());
        }
    });
}

#[test]
fn a_worker_goes_on_while_its_threads_wait_for_os_threads() {
    limited(|| {
        let rt = runtime(1);
        let (sender, receiver) = bounded::<usize>(0);
        let waiting = rt.spawn(move || receiver.recv());
        // A hundred threads come and go on the worker meanwhile.
        let neighbours: Vec<_> = (0..100).map(|i| rt.spawn(move || i)).collect();
        for (i, handle) in neighbours.into_iter().enumerate() {
            assert_eq!(handle.join().unwrap(), i);
        }
        assert!(!waiting.is_finished());
        thread::spawn(move || until(|| sender.try_send(7).is_ok())).join().unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(7));
    });
}
