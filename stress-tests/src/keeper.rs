//! The keeper of a round, on the main thread. It holds ends of all channels; when no thread has
//! begun anything for a while it receives a little, and sends a little; when that has been too
//! often it closes all channels, which ends all waits. So no round hangs by its plan.
//!
//! When all have ended, whoever has waited must have left no trace: it probes each channel that
//! is still open for its whole capacity, and for nobody in line.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use sward_chan::{Receiver, Select, Sender};

use crate::actor::Actor;
use crate::plan::{CHANNELS, Keeps, Wait};
use crate::round::Round;
use crate::sabotage::Sabotage;
use crate::value::{Fate, Value, note};

const LOOK: Duration = Duration::from_micros(50);
/// So many looks without anything new, and it helps.
const STILL: u32 = 3;

pub(crate) struct Keeper(Actor);

impl Keeper {
    pub(crate) fn new(round: &Arc<Round>, ends: Vec<(Sender<Value>, Receiver<Value>)>) -> Self {
        let mut actor = Actor::new(round.clone(), round.plan.threads.len());
        for (channel, (sender, receiver)) in ends.into_iter().enumerate() {
            let keeps = round.plan.channels[channel].keeps;
            actor.senders[channel] = (keeps != Keeps::Receiver).then_some(sender);
            actor.receivers[channel] = (keeps != Keeps::Sender).then_some(receiver);
        }
        Self(actor)
    }

    /// Until all threads have ended.
    pub(crate) fn keep_going(&self) {
        let round = &self.0.round;
        let (mut before, mut still, mut helped) = (0, 0, 0);
        let mut stock = round.plan.stock.clone();
        // Acquire is not needed: they are joined after this.
        while round.running.load(Ordering::Relaxed) > 1 {
            sleep(LOOK);
            let begun = round.begun();
            still = if begun == before { still + 1 } else { 0 };
            before = begun;
            if still < STILL || helped > round.plan.patience {
                continue;
            }
            still = 0;
            helped += 1;
            if helped > round.plan.patience {
                self.close_all();
            }
            for (channel, (next, end)) in stock.iter_mut().enumerate() {
                self.0.recv(channel, Wait::Never);
                // What it takes to fill the channel is for the probe.
                if *next < *end - round.plan.reserve(channel) {
                    self.0.send(channel, *next, Wait::Never);
                    *next += 1;
                }
            }
        }
    }

    /// Closes them by whichever end it has.
    pub(crate) fn close_all(&self) {
        for channel in 0..CHANNELS {
            self.0.senders[channel].as_ref().map(Sender::close);
            self.0.receivers[channel].as_ref().map(Receiver::close);
        }
    }

    /// All have ended: looks whether the channels are as if nobody had ever waited.
    pub(crate) fn probe(&self) {
        let round = &self.0.round;
        for (channel, plan) in round.plan.channels.iter().enumerate() {
            let (Some(sender), Some(receiver)) =
                (&self.0.senders[channel], &self.0.receivers[channel])
            else {
                continue;
            };
            // Of forgotten futures it is not known.
            let Some(capacity) = plan.capacity.filter(|_| !plan.forgets && !sender.is_closed())
            else {
                continue;
            };
            receiver.try_iter().for_each(|value| self.0.received(channel, value));
            self.leak(sender, capacity);
            let first = round.plan.stock[channel].1 - round.plan.reserve(channel);
            let fills = |id: &u32| {
                let is_sent = sender.try_send(Value::new(*id)).is_ok();
                note(*id, if is_sent { Fate::Sent } else { Fate::Returned });
                is_sent
            };
            let room = (first..=first + capacity as u32).take_while(fills).count();
            if room != capacity {
                self.0.fail(format!(
                    "channel {channel} of capacity {capacity} takes {room} when all have ended: \
                     {sender:?}"
                ));
            }
        }
    }

    fn leak(&self, sender: &Sender<Value>, capacity: usize) {
        if capacity > 0 && self.0.round.takes(Sabotage::Leak) {
            let mut select = Select::new();
            select.send(sender);
            select.try_select().map_or_else(|_| (), std::mem::forget);
        }
    }

    /// Receives what is left in the channels, which are closed.
    pub(crate) fn empty_all(&self) {
        for (channel, plan) in self.0.round.plan.channels.iter().enumerate() {
            let (sender, receiver) = (&self.0.senders[channel], &self.0.receivers[channel]);
            if let Some(receiver) = receiver {
                receiver.iter().for_each(|value| self.0.received(channel, value));
            }
            let ends = (usize::from(sender.is_some()), usize::from(receiver.is_some()));
            let expected = format!(
                "len: 0, capacity: {:?}, senders: {}, receivers: {}, is_closed: true",
                plan.capacity, ends.0, ends.1
            );
            for shown in sender.iter().map(|it| format!("{it:?}")) {
                self.expect(channel, &shown, &expected);
            }
            for shown in receiver.iter().map(|it| format!("{it:?}")) {
                self.expect(channel, &shown, &expected);
            }
        }
    }

    fn expect(&self, channel: usize, shown: &str, expected: &str) {
        if !shown.contains(expected) {
            self.0.fail(format!("channel {channel} ends as {shown}, not with {expected}"));
        }
    }
}
