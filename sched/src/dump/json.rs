//! A dump for programs.
//!
//! Rejected: serde. It would be the largest dependency of every program that uses sward, for one flat
//! record; a test parses what is written here.

use std::fmt::{self, Display, Write};

use super::{Dump, State, ThreadInfo, Wait};
use crate::worker::Priority;

impl Dump {
    /// As JSON, in one line. The format is stable: nothing that is named here goes away or changes its
    /// meaning while `version` is 1, but there may be more.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let json = sward::run(|| sward::dump().to_json());
    /// assert!(json.starts_with(r#"{"version":1,"#));
    /// ```
    ///
    /// The fields are those of [`Dump`], [`RuntimeInfo`](super::RuntimeInfo),
    /// [`WorkerInfo`](super::WorkerInfo), [`ThreadInfo`] and [`Wait`]; what there is not is `null`:
    ///
    /// ```json
    /// {
    ///   "version": 1,
    ///   "runtimes": [{"name": "sward", "workers": [
    ///     {"index": 0, "answered": true, "running": null},
    ///     {"index": 1, "answered": false, "running": {"id": 9, "spawned_at": "src/main.rs:7:5"}}
    ///   ]}],
    ///   "threads": [{
    ///     "id": 4, "name": "left", "state": "waiting",
    ///     "wait": {
    ///       "kind": "mutex", "object": "0x7f5c10000b20", "for_ms": 1200, "deadline": false,
    ///       "thread": 5, "wakers": null, "len": null, "capacity": null, "senders": null, "receivers": null, "arms": []
    ///     },
    ///     "parent": 1, "spawned_at": "src/main.rs:30:9", "runtime": 0, "worker": 0,
    ///     "priority": "normal", "migrates": false, "cancelled": false
    ///   }],
    ///   "cycles": [[4, 5]],
    ///   "unlisted": 0
    /// }
    /// ```
    ///
    /// `state` is `new`, `ready`, `running` or `waiting`; `priority` is `high`, `normal` or `low`.
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        // To a `String` it cannot fail.
        let _ = write!(json, "{}", Object(self));
        json
    }
}

/// A value as JSON.
struct Object<'a, T: ?Sized>(&'a T);

/// A list of values.
struct List<'a, T>(&'a [T]);

/// A value, or `null`.
struct Maybe<T>(Option<T>);

/// A string, of whatever is in it.
struct Text<T>(T);

impl<'a, T> Display for List<'a, T>
where
    Object<'a, T>: Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (index, item) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char(',')?;
            }
            Object(item).fmt(f)?;
        }
        f.write_char(']')
    }
}

impl<T: Display> Display for Maybe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        }
    }
}

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escaped<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl Write for Escaped<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                text.chars().try_for_each(|char| match char {
                    '"' | '\\' => write!(self.0, "\\{char}"),
                    '\0'..='\x1f' => write!(self.0, "\\u{:04x}", u32::from(char)),
                    char => self.0.write_char(char),
                })
            }
        }
        f.write_char('"')?;
        write!(Escaped(f), "{}", self.0)?;
        f.write_char('"')
    }
}

impl Display for Object<'_, Dump> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dump { runtimes, threads, cycles, unlisted } = self.0;
        let (runtimes, threads, cycles) = (List(runtimes), List(threads), List(cycles));
        write!(
            f,
            r#"{{"version":1,"runtimes":{runtimes},"threads":{threads},"cycles":{cycles},"unlisted":{unlisted}}}"#
        )
    }
}

impl Display for Object<'_, super::RuntimeInfo> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, workers) = (Text(&self.0.name), List(&self.0.workers));
        write!(f, r#"{{"name":{name},"workers":{workers}}}"#)
    }
}

impl Display for Object<'_, super::WorkerInfo> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, answered) = (Maybe(self.0.index), self.0.answered);
        write!(f, r#"{{"index":{index},"answered":{answered},"running":"#)?;
        match self.0.running {
            Some((id, location)) => {
                write!(f, r#"{{"id":{id},"spawned_at":{}}}}}"#, Text(location))
            }
            None => f.write_str("null}"),
        }
    }
}

impl Display for Object<'_, ThreadInfo> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = self.0;
        let (name, wait) = (thread.name.as_ref().map(Text), thread.wait.as_deref().map(Object));
        let state = match thread.state {
            State::New => "new",
            State::Ready => "ready",
            State::Running => "running",
            State::Waiting => "waiting",
        };
        let priority = match thread.priority {
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        };
        write!(f, r#"{{"id":{},"name":{},"state":"{state}""#, thread.id, Maybe(name))?;
        write!(f, r#","wait":{},"parent":{}"#, Maybe(wait), Maybe(thread.parent))?;
        write!(f, r#","spawned_at":{},"runtime":{}"#, Text(thread.location), thread.runtime)?;
        write!(f, r#","worker":{},"priority":"{priority}""#, Maybe(thread.worker))?;
        write!(f, r#","migrates":{},"cancelled":{}}}"#, thread.migrates, thread.is_cancelled)
    }
}

impl Display for Object<'_, Wait> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wait = self.0;
        let object = Some(wait.object).filter(|object| *object != 0);
        let object = object.map(|object| Text(format!("{object:#x}")));
        let since = wait.since.map(|since| since.elapsed().as_millis());
        write!(f, r#"{{"kind":"{}","object":{}"#, wait.kind, Maybe(object))?;
        write!(f, r#","for_ms":{},"deadline":{}"#, Maybe(since), wait.has_deadline)?;
        write!(f, r#","thread":{},"wakers":{}"#, Maybe(wait.thread), Maybe(wait.wakers))?;
        write!(f, r#","len":{},"capacity":{}"#, Maybe(wait.len), Maybe(wait.capacity))?;
        write!(f, r#","senders":{},"receivers":{}"#, Maybe(wait.senders), Maybe(wait.receivers))?;
        write!(f, r#","arms":{}}}"#, List(&wait.arms))
    }
}

impl Display for Object<'_, Vec<u64>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        List(self.0).fmt(f)
    }
}

impl Display for Object<'_, u64> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
