//! A plan from a seed.

use std::time::Duration;

use super::{
    Arm, CHANNELS, ChannelPlan, Keeps, Kind, Limit, Op, Plan, Polls, Side, Then, ThreadPlan,
    ValuePlan, Wait,
};
use crate::random::Random;
use crate::select::SHAPES;
use crate::value::MOST;

/// Operations of one thread.
const LONGEST: usize = 80;
/// Threads of one round.
const THREADS: (usize, usize) = (4, 40);
/// What the keeper may send on one channel to keep a round going.
const STOCK: usize = 40;

impl Plan {
    pub(crate) fn draw(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let channels: Vec<_> = (0..CHANNELS).map(|at| channel(at, random)).collect();
        let count = match random.percent(50) {
            true => random.between(THREADS.0, 10),
            false => random.between(THREADS.0, THREADS.1),
        };
        let executors: Vec<_> = (0..random.between(1, 2))
            .map(|_| random.one_of(&[Kind::Green, Kind::Migrating, Kind::Os]))
            .collect();
        let kinds = kinds(executors.len(), random);
        let kinds: Vec<_> = (0..count).map(|_| random.one_of(&kinds)).collect();
        // Few channels among many threads, or many among few.
        let used = random.between(1, CHANNELS);
        let longest = random.between(5, LONGEST);
        let mut drawing =
            Drawing { channels: &channels, kinds: &kinds, values: Vec::new(), random };
        let threads = (0..count).map(|at| drawing.thread(at, used, longest)).collect();
        let stock = (0..CHANNELS).map(|channel| drawing.stock(channel)).collect();
        let values = drawing.values;
        assert!(values.len() <= MOST, "a round has room for its values");
        Self {
            workers: random.between(1, 4),
            migrating_workers: random.between(1, 4),
            executors,
            threads,
            values,
            stock,
            patience: if random.percent(30) { random.below(4) } else { random.between(4, 50) },
            channels,
        }
    }
}

fn channel(at: usize, random: &mut Random) -> ChannelPlan {
    let capacity = match at {
        0..3 => Some(0),
        3..5 => Some(1),
        5..7 => Some(random.between(2, 8)),
        7 => Some(random.between(20, 60)),
        _ => None,
    };
    let keeps = match random.below(10) {
        0 => Keeps::Sender,
        1 => Keeps::Receiver,
        _ => Keeps::Both,
    };
    ChannelPlan { capacity, keeps, forgets: random.percent(15) }
}

/// What kinds of thread a round has.
fn kinds(executors: usize, random: &mut Random) -> Vec<Kind> {
    let tasks = (0..executors).map(Kind::Task);
    let all: Vec<_> = [Kind::Green, Kind::Migrating, Kind::Os].into_iter().chain(tasks).collect();
    let mut kinds: Vec<_> = all.iter().copied().filter(|_| random.percent(60)).collect();
    if random.percent(10) {
        kinds.push(Kind::Dedicated);
    }
    if kinds.is_empty() { all } else { kinds }
}

fn micros(random: &mut Random) -> Duration {
    Duration::from_micros(match random.below(10) {
        0 => 0,
        1 => random.between(300, 2000),
        _ => random.between(1, 300),
    } as u64)
}

fn wait(random: &mut Random) -> Wait {
    match random.below(20) {
        0..5 => Wait::Never,
        5..12 => Wait::Forever,
        12..17 => Wait::For(micros(random)),
        _ => Wait::Until(micros(random)),
    }
}

struct Drawing<'a> {
    channels: &'a [ChannelPlan],
    kinds: &'a [Kind],
    values: Vec<ValuePlan>,
    random: &'a mut Random,
}

/// What the thread that is being drawn is and has.
struct Has {
    me: usize,
    senders: Vec<usize>,
    receivers: Vec<usize>,
    /// The next of each channel.
    sequences: [u32; CHANNELS],
}

impl Drawing<'_> {
    fn thread(&mut self, me: usize, used: usize, longest: usize) -> ThreadPlan {
        let mut has =
            Has { me, senders: Vec::new(), receivers: Vec::new(), sequences: [0; CHANNELS] };
        for _ in 0..self.random.between(1, 5) {
            let channel = (me + self.random.below(used)) % CHANNELS;
            let ends = self.random.below(4);
            if ends != 0 && !has.senders.contains(&channel) {
                has.senders.push(channel);
            }
            if ends != 1 && !has.receivers.contains(&channel) {
                has.receivers.push(channel);
            }
        }
        let count = self.random.between(1, longest);
        let is_task = matches!(self.kinds[me], Kind::Task(_));
        let operations = (0..count).map(|at| {
            let is_late = at * 10 > count * 8;
            loop {
                let op = match self.random.below(100) {
                    0..4 => self.rare(&has, is_late),
                    4..8 => Some(Op::Yield),
                    8..50 if is_task => self.asynchronous(&mut has),
                    8..25 => self.asynchronous(&mut has),
                    _ => self.waiting(&mut has, is_task),
                };
                if let Some(op) = op {
                    break op;
                }
            }
        });
        let operations = operations.collect();
        let Has { senders, receivers, .. } = has;
        ThreadPlan { kind: self.kinds[me], senders, receivers, operations }
    }

    fn rare(&mut self, has: &Has, is_late: bool) -> Option<Op> {
        let (channel, side) = match self.random.percent(50) {
            true => (self.sender(has)?, Side::Sender),
            false => (self.receiver(has)?, Side::Receiver),
        };
        Some(match self.random.below(10) {
            0..4 => Op::Renew { channel, side },
            4..6 => Op::LetGo { channel, side },
            6..8 => {
                let thread = self.random.below(self.kinds.len());
                let is_other = self.kinds[thread].is_cancellable() && thread != has.me;
                is_other.then_some(Op::Cancel { thread })?
            }
            _ if is_late && self.random.percent(30) => Op::Close { channel, side },
            _ => return None,
        })
    }

    fn asynchronous(&mut self, has: &mut Has) -> Option<Op> {
        let sends = self.random.percent(50);
        let channel = if sends { self.sender(has)? } else { self.receiver(has)? };
        let polls = match self.random.below(10) {
            0..4 => Polls::ToTheEnd,
            4..6 => Polls::WithTwoWakers,
            9 if self.channels[channel].forgets => Polls::ThenForget(self.random.between(1, 2)),
            _ => Polls::ThenDrop(self.random.between(0, 3)),
        };
        Some(match (sends, self.random.below(5)) {
            (true, 0) => {
                Op::SendBoth { channel, values: [(); 2].map(|()| self.value(has, channel)) }
            }
            (true, _) => Op::SendAsync { channel, value: self.value(has, channel), polls },
            (false, 0) => Op::Stream { channel, count: self.random.between(1, 4) },
            (false, _) => Op::RecvAsync { channel, polls },
        })
    }

    /// Those of threads that may wait; of tasks only what does not.
    fn waiting(&mut self, has: &mut Has, is_task: bool) -> Option<Op> {
        let mut wait = wait(self.random);
        if is_task {
            wait = Wait::Never;
        }
        let is_biased = self.random.percent(30);
        let op = match self.random.below(20) {
            0..5 => {
                let channel = self.sender(has)?;
                Op::Send { channel, value: self.value(has, channel), wait }
            }
            5..10 => Op::Recv { channel: self.receiver(has)?, wait },
            10 if is_task => return None,
            10 => Op::Iter { channel: self.receiver(has)?, count: self.random.between(1, 3) },
            11 => Op::TryIter { channel: self.receiver(has)?, count: self.random.between(1, 5) },
            12..16 => {
                let (sends, receives) = self.random.one_of(&SHAPES);
                let arms = self.arms(has, sends, receives)?;
                let limit = if is_task { Limit::Default } else { self.limit() };
                Op::Select { arms, limit, is_biased }
            }
            16..19 => {
                let sends = self.random.below(4);
                let receives = self.random.between(usize::from(sends == 0), 4 - sends);
                let mut arms = self.arms(has, sends, receives)?;
                let turn = self.random.below(arms.len());
                arms.rotate_left(turn);
                let then = match self.random.below(10) {
                    0 => Then::Unwind,
                    1..4 if !is_task => Then::YieldAndComplete,
                    _ => Then::Complete,
                };
                Op::Dynamic { arms, wait, is_biased, then }
            }
            _ => {
                let sends = self.random.below(3);
                let arms = self.arms(has, sends, 2)?;
                Op::Ready { arms, wait }
            }
        };
        if !is_task && self.random.percent(10) {
            return Some(Op::Within { limit: micros(self.random), op: Box::new(op) });
        }
        Some(op)
    }

    fn limit(&mut self) -> Limit {
        match self.random.below(10) {
            0..3 => Limit::Default,
            3..5 => Limit::DefaultIn(micros(self.random)),
            5 => Limit::After(micros(self.random)),
            6 => Limit::Timer(micros(self.random)),
            _ => Limit::None,
        }
    }

    /// Sends first. The same channel may be there twice, and in both directions.
    fn arms(&mut self, has: &mut Has, sends: usize, receives: usize) -> Option<Vec<Arm>> {
        let mut arms = Vec::new();
        if sends > 0 && has.senders.is_empty() {
            return None;
        }
        for _ in 0..receives {
            arms.push(Arm { channel: self.receiver(has)?, value: None });
        }
        for _ in 0..sends {
            let channel = self.sender(has)?;
            arms.insert(0, Arm { channel, value: Some(self.value(has, channel)) });
        }
        Some(arms)
    }

    fn sender(&mut self, has: &Has) -> Option<usize> {
        (!has.senders.is_empty()).then(|| self.random.one_of(&has.senders))
    }

    fn receiver(&mut self, has: &Has) -> Option<usize> {
        (!has.receivers.is_empty()).then(|| self.random.one_of(&has.receivers))
    }

    fn value(&mut self, has: &mut Has, channel: usize) -> u32 {
        let sequence = has.sequences[channel];
        has.sequences[channel] += 1;
        self.values.push(ValuePlan { sender: has.me, channel, sequence });
        self.values.len() as u32 - 1
    }

    /// The keeper's values for a channel: some to help, and some to fill it with.
    fn stock(&mut self, channel: usize) -> (u32, u32) {
        let first = self.values.len();
        let count = STOCK + self.channels[channel].capacity.unwrap_or(0) + 1;
        let sender = self.kinds.len();
        let sequences = 0..count as u32;
        self.values.extend(sequences.map(|sequence| ValuePlan { sender, channel, sequence }));
        (first as u32, self.values.len() as u32)
    }
}
