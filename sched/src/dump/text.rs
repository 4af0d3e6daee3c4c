//! A dump for people.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::{Dump, State, ThreadInfo, Wait};

/// Of a group so many numbers are shown.
const SHOWN: usize = 5;

impl Wait {
    fn what(&self) -> (&'static str, usize) {
        (self.kind, self.object)
    }
}

/// What threads of one group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Alike<'a> {
    state: &'static str,
    name: Option<&'a str>,
    wait: Option<(&'static str, usize, Option<u64>)>,
    arms: Vec<(&'static str, usize)>,
    location: &'a Location<'static>,
    parent: Option<u64>,
    runtime: usize,
    is_cancelled: bool,
}

impl<'a> Alike<'a> {
    fn of(thread: &'a ThreadInfo) -> Self {
        Self {
            state: state_of(thread),
            name: thread.name.as_deref(),
            wait: thread.wait.as_ref().map(|wait| (wait.kind, wait.object, wait.thread)),
            arms: thread.wait.iter().flat_map(|wait| &wait.arms).map(Wait::what).collect(),
            location: thread.location,
            parent: thread.parent,
            runtime: thread.runtime,
            is_cancelled: thread.is_cancelled,
        }
    }
}

fn state_of(thread: &ThreadInfo) -> &'static str {
    match (thread.state, &thread.wait) {
        (_, Some(wait)) => wait.kind,
        (State::New, _) => "not started",
        (State::Ready, _) => "ready",
        (State::Running, _) => "running",
        (State::Waiting, _) => "waiting",
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |state| self.threads.iter().filter(|thread| thread.state == state).count();
        write!(f, "{} green threads:", self.threads.len() + self.unlisted)?;
        write!(f, " {} waiting, {} ready,", count(State::Waiting), count(State::Ready))?;
        writeln!(f, " {} running, {} not started", count(State::Running), count(State::New))?;
        let known: HashMap<_, _> = self.threads.iter().map(|thread| (thread.id, thread)).collect();
        for cycle in &self.cycles {
            show_cycle(cycle, &known, f)?;
        }
        self.show_silent_workers(&known, f)?;
        for group in groups(&self.threads) {
            self.show_group(&group, &known, f)?;
        }
        Ok(())
    }
}

/// Threads that are alike, in the order of the first of each.
fn groups(threads: &[ThreadInfo]) -> Vec<Vec<&ThreadInfo>> {
    let mut groups: Vec<Vec<&ThreadInfo>> = Vec::new();
    let mut places = HashMap::new();
    for thread in threads {
        let place = *places.entry(Alike::of(thread)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(thread);
    }
    groups
}

type Known<'a> = HashMap<u64, &'a ThreadInfo>;

/// A thread by number, and name if it has one.
struct Who<'a>(u64, &'a Known<'a>);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)?;
        match self.1.get(&self.0).and_then(|thread| thread.name.as_ref()) {
            Some(name) => write!(f, " '{name}'"),
            None => Ok(()),
        }
    }
}

fn show_cycle(cycle: &[u64], known: &Known<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "deadlock:")?;
    for (place, thread) in cycle.iter().enumerate() {
        let next = cycle[(place + 1) % cycle.len()];
        let kind = known.get(thread).map_or("unknown", |thread| state_of(thread));
        let verb = if kind == "join" { "joins" } else { "waits for a lock of" };
        let and = if place == 0 { "" } else { "," };
        write!(f, "{and} {} {verb} {}", Who(*thread, known), Who(next, known))?;
    }
    writeln!(f)
}

impl Dump {
    fn show_silent_workers(&self, known: &Known<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for runtime in &self.runtimes {
            for worker in runtime.workers.iter().filter(|worker| !worker.answered) {
                match worker.index {
                    Some(index) => write!(f, "worker {index} of '{}'", runtime.name)?,
                    None => write!(f, "an OS thread of '{}'", runtime.name)?,
                }
                write!(f, " does not answer: ")?;
                match worker.running {
                    Some((id, location)) => {
                        let who = Who(id, known);
                        writeln!(f, "{who} (spawned at {location}) does not end its turn")?;
                    }
                    None => writeln!(f, "it has not begun, or is over")?,
                }
            }
        }
        match self.unlisted {
            0 => Ok(()),
            count => writeln!(f, "not listed: {count} threads"),
        }
    }

    fn show_group(
        &self,
        group: &[&ThreadInfo],
        known: &Known<'_>,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let first = group[0];
        writeln!(f)?;
        for (place, thread) in group.iter().take(SHOWN).enumerate() {
            write!(f, "{}#{}", if place == 0 { "" } else { ", " }, thread.id)?;
        }
        if group.len() > 1 {
            write!(
                f,
                "{} ({} threads)",
                if group.len() > SHOWN { ", .." } else { "" },
                group.len()
            )?;
        }
        if let Some(name) = &first.name {
            write!(f, " '{name}'")?;
        }
        write!(f, " [{}", state_of(first))?;
        if first.wait.is_some() {
            show_times(group, f)?;
        }
        write!(f, "]")?;
        if let Some(wait) = &first.wait {
            show_object(wait, known, f)?;
            for arm in &wait.arms {
                write!(f, "\n    arm [{}]", arm.kind)?;
                show_object(arm, known, f)?;
            }
        }
        write!(f, "\n    spawned at {}", first.location)?;
        if let Some(parent) = first.parent {
            write!(f, " by {}", Who(parent, known))?;
        }
        self.show_place(group, f)?;
        if first.is_cancelled {
            write!(f, ", cancelled")?;
        }
        writeln!(f)
    }

    fn show_place(&self, group: &[&ThreadInfo], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = group[0];
        if self.runtimes.len() > 1 {
            write!(f, ", in '{}'", self.runtimes[first.runtime].name)?;
        }
        match first.worker.filter(|worker| group.iter().all(|it| it.worker == Some(*worker))) {
            Some(worker) => write!(f, ", on worker {worker}"),
            None => Ok(()),
        }
    }
}

/// For how long those of a group have waited.
fn show_times(group: &[&ThreadInfo], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let times = group.iter().filter_map(|thread| Some(thread.wait.as_ref()?.elapsed()));
    let (mut least, mut most) = (Duration::MAX, Duration::ZERO);
    times.for_each(|time| (least, most) = (least.min(time), most.max(time)));
    let (least, most) = (least.min(most).as_secs_f64(), most.as_secs_f64());
    match group.len() {
        1 => write!(f, " for {most:.3} s"),
        _ => write!(f, " for {least:.3} to {most:.3} s"),
    }?;
    let has_deadline =
        |thread: &&ThreadInfo| thread.wait.as_ref().is_some_and(|it| it.has_deadline);
    if group.iter().all(has_deadline) { write!(f, ", until a deadline") } else { Ok(()) }
}

fn show_object(wait: &Wait, known: &Known<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if wait.object != 0 {
        write!(f, " {:#x}", wait.object)?;
    }
    if let Some(thread) = wait.thread {
        let of = if wait.kind == "join" { "of" } else { "held by" };
        write!(f, " {of} {}", Who(thread, known))?;
    }
    if wait.kind == "future" {
        write!(f, " ({} wakers)", wait.wakers.unwrap_or(0))?;
    }
    if let Some(len) = wait.len {
        match wait.capacity {
            Some(capacity) => write!(f, " ({len} of {capacity} values")?,
            None => write!(f, " ({len} values")?,
        }
        let (senders, receivers) = (wait.senders.unwrap_or(0), wait.receivers.unwrap_or(0));
        write!(f, ", {senders} senders, {receivers} receivers)")?;
    }
    Ok(())
}
