//! Programs that wait for a tenth of a second, again and again, and then go on: `run` must not take
//! one of them for a deadlock. And now and then one that does wait for ever, of which it must.
//!
//! `cargo xtask stress deadlock` runs it. A run is a series of rounds, each with a seed, by which it is
//! determined who waits for what: the seed after that of the round before.

#[path = "../random.rs"]
mod random;

use std::hash::{BuildHasher, RandomState};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use clap::Parser;
use random::Random;
use sward_chan::{Receiver, Sender, bounded};
use sward_sched::{Builder, Runtime, block_on, runtime, scope, spawn, time, unblock};
use sward_sync::{Mutex, Semaphore};

#[derive(Parser)]
#[command(about = "Threads that all wait, but not for ever")]
struct Arguments {
    /// The seed of the first round; without it another one each time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// So many rounds at most
    #[arg(long, value_name = "R")]
    rounds: Option<u64>,
    /// For so many minutes; one if the number of rounds is not given either
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// Each round so often in a row
    #[arg(long, default_value_t = 1, value_name = "T")]
    repeat: u64,
    /// Prints what the first round waits for, and does nothing
    #[arg(long)]
    show: bool,
}

/// What ends a wait.
#[derive(Clone, Copy, Debug)]
enum Source {
    Sleep,
    Timeout,
    Unblock,
    BlockedWorker,
    Dedicated,
    OtherRuntime,
    OsThread,
    Waker,
    Chain,
    Permits,
    Scope,
}

const SOURCES: [Source; 11] = [
    Source::Sleep,
    Source::Timeout,
    Source::Unblock,
    Source::BlockedWorker,
    Source::Dedicated,
    Source::OtherRuntime,
    Source::OsThread,
    Source::Waker,
    Source::Chain,
    Source::Permits,
    Source::Scope,
];

/// It is asked after 100 ms, and the workers are then woken and looked at.
const DELAYS: [u64; 10] = [0, 1, 40, 95, 99, 100, 101, 103, 110, 220];

#[derive(Debug)]
struct Round {
    migrates: bool,
    workers: usize,
    /// One after the other, on each of so many threads.
    waits: Vec<Vec<(Source, Duration)>>,
    /// In the end all wait for ever.
    is_deadlock: bool,
}

impl Round {
    fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (migrates, workers) = (random.percent(50), random.between(1, 3));
        let threads = random.between(1, 3);
        let mut draw = || {
            let source = random.one_of(&SOURCES);
            (source, Duration::from_millis(random.one_of(&DELAYS)))
        };
        let waits = (0..threads).map(|_| (0..3).map(|_| draw()).collect()).collect();
        Self { migrates, workers, waits, is_deadlock: random.percent(10) }
    }

    fn run(&self) -> Result<(), String> {
        let runtime = runtime_of(self.workers, self.migrates);
        let waits = self.waits.clone();
        let is_deadlock = self.is_deadlock;
        let ended = catch_unwind(|| {
            let runtime = runtime;
            runtime.run(move || {
                let threads = waits.into_iter().map(|waits| {
                    spawn(move || waits.into_iter().for_each(|(source, delay)| wait(source, delay)))
                });
                let threads: Vec<_> = threads.collect();
                threads.into_iter().for_each(|thread| thread.join().unwrap());
                if is_deadlock {
                    let (_sender, receiver) = bounded::<()>(0);
                    let _ = receiver.recv();
                }
            });
        });
        let said = ended.err().map(|panic| match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(_) => "no text".to_owned(),
        });
        match (said, self.is_deadlock) {
            (None, false) => Ok(()),
            (Some(text), true) if text.starts_with("deadlock: ") => Ok(()),
            (None, true) => Err("it returned".to_owned()),
            (Some(text), _) => Err(text),
        }
    }
}

fn runtime_of(workers: usize, migrates: bool) -> Runtime {
    let builder = runtime::Builder::new().workers(workers);
    let builder = match migrates {
        // SAFETY: nothing that is tied to an OS thread is held across a blocking call here.
        true => unsafe { builder.allow_migration() },
        false => builder,
    };
    builder.build().expect("a runtime")
}

/// Waits for so long, for a thing of that kind.
fn wait(source: Source, delay: Duration) {
    let sleep = move || std::thread::sleep(delay);
    match source {
        Source::Sleep => time::sleep(delay),
        Source::Timeout => drop(time::timeout(delay, sward_sched::park)),
        Source::Unblock => unblock(sleep),
        Source::BlockedWorker => spawn(sleep).join().unwrap(),
        Source::Dedicated => Builder::new().dedicated().spawn(sleep).join().unwrap(),
        Source::OtherRuntime => {
            let other = runtime_of(1, false);
            other.spawn(move || time::sleep(delay)).join().unwrap();
        }
        Source::OsThread => {
            let (sender, receiver) = bounded(0);
            let sends = std::thread::spawn(move || {
                sleep();
                sender.send(()).unwrap();
            });
            receiver.recv().unwrap();
            unblock(|| sends.join().unwrap());
        }
        Source::Waker => wait_for_waker(sleep),
        Source::Chain => {
            let (first, end): (Sender<u32>, Receiver<u32>) = bounded(0);
            let last = (0..10).fold(end, |before, _| {
                let (sender, receiver) = bounded(0);
                spawn(move || sender.send(before.recv().unwrap()).unwrap());
                receiver
            });
            spawn(move || {
                time::sleep(delay);
                first.send(7).unwrap();
            });
            assert_eq!(last.recv(), Ok(7));
        }
        Source::Permits => {
            let permits = Arc::new(Semaphore::new(0));
            let theirs = permits.clone();
            let adds = spawn(move || {
                unblock(sleep);
                theirs.add_permits(1);
            });
            permits.acquire().unwrap().forget();
            adds.join().unwrap();
        }
        Source::Scope => {
            let lock = Mutex::new(());
            scope(|scope| {
                let guard = lock.lock();
                scope.spawn(|| drop(lock.lock()));
                time::sleep(delay);
                drop(guard);
            });
        }
    }
}

/// Waits for a future whose waker an OS thread has.
fn wait_for_waker(sleep: impl FnOnce() + Send + 'static) {
    let shared: Arc<Mutex<(bool, Option<Waker>)>> = Arc::default();
    let theirs = shared.clone();
    let wakes = std::thread::spawn(move || {
        sleep();
        let mut shared = theirs.lock();
        shared.0 = true;
        if let Some(waker) = shared.1.take() {
            waker.wake();
        }
    });
    block_on(std::future::poll_fn(|context| {
        let mut shared = shared.lock();
        shared.1 = Some(context.waker().clone());
        if shared.0 { Poll::Ready(()) } else { Poll::Pending }
    }));
    unblock(|| wakes.join().unwrap());
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let first = arguments.seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    if arguments.show {
        println!("{:#?}", Round::draw(first));
        return ExitCode::SUCCESS;
    }
    let minutes = match (arguments.minutes, arguments.rounds) {
        (None, None) => Some(1.0),
        (minutes, _) => minutes,
    };
    let limit = minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    // It prints what is expected, too.
    std::panic::set_hook(Box::new(|_| ()));
    let start = Instant::now();
    let (mut rounds, mut deadlocks) = (0, 0);
    for number in 0..arguments.rounds.unwrap_or(u64::MAX) {
        let seed = first.wrapping_add(number);
        let round = Round::draw(seed);
        for _ in 0..arguments.repeat {
            if limit.is_some_and(|limit| start.elapsed() >= limit) {
                return report(rounds, deadlocks, start);
            }
            if let Err(failure) = round.run() {
                eprintln!(
                    "stress: round {seed} failed: {failure}\nreplay: --seed {seed} --rounds 1"
                );
                return ExitCode::FAILURE;
            }
            rounds += 1;
            deadlocks += u64::from(round.is_deadlock);
        }
    }
    report(rounds, deadlocks, start)
}

fn report(rounds: u64, deadlocks: u64, start: Instant) -> ExitCode {
    let seconds = start.elapsed().as_secs_f64();
    println!("{rounds} rounds in {seconds:.1} s, of which {deadlocks} were to end in a deadlock");
    ExitCode::SUCCESS
}
