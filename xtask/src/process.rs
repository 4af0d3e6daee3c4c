//! Children with a time limit.
//!
//! Each runs in a process group of its own, so that beyond the limit everything it
//! started dies with it. A small shell beside it does the killing, when its end of a
//! pipe closes: that happens at the limit, and when xtask ends in whatever way, since
//! a terminal's Ctrl-C does not reach the group.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// How a child ended.
pub(crate) struct Ended {
    /// `None`: it ran past the limit and was killed.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Ended {
    /// With which number it ended, if it did by itself.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// "exit status: 1", "signal: 6", or that it took too long.
    pub(crate) fn how(&self) -> String {
        match self.status {
            Some(status) => status.to_string(),
            None => format!("killed: not done after {} s", self.took.as_secs()),
        }
    }
}

/// Runs `command` and keeps what it prints.
pub(crate) fn capture(command: &mut Command, limit: Duration) -> Result<Ended> {
    run(command.stderr(Stdio::piped()), limit, false)
}

/// Runs `command`; what it prints is both shown and, of its stdout, kept.
pub(crate) fn stream(command: &mut Command, limit: Duration) -> Result<Ended> {
    run(command, limit, true)
}

fn run(command: &mut Command, limit: Duration, show: bool) -> Result<Ended> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", shown(command)))?;
    let mut guard = Guard::new(child.id())?;

    let stdout = child.stdout.take().map(|pipe| thread::spawn(move || read(pipe, show)));
    let stderr = child.stderr.take().map(|pipe| thread::spawn(move || read(pipe, false)));
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(child.wait()));
    let status = match ended.recv_timeout(limit) {
        Ok(status) => Some(status?),
        Err(_) => {
            guard.kill_group();
            ended.recv()??;
            None
        }
    };
    let took = start.elapsed();
    drop(guard);
    let text = |reader: Option<thread::JoinHandle<Vec<u8>>>| {
        let bytes = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Ok(Ended { status, stdout: text(stdout), stderr: text(stderr), took })
}

/// Reads to the end, line by line, so that what is shown is shown at once.
fn read(pipe: impl Read, show: bool) -> Vec<u8> {
    let mut pipe = BufReader::new(pipe);
    let mut all = Vec::new();
    loop {
        let start = all.len();
        match pipe.read_until(b'\n', &mut all) {
            Ok(0) | Err(_) => return all,
            Ok(_) if show => {
                let mut out = io::stdout().lock();
                // A reader that has gone away is no reason to stop the child.
                let _ = out.write_all(&all[start..]).and_then(|()| out.flush());
            }
            Ok(_) => {}
        }
    }
}

/// The shell that kills the group unless it is dismissed.
struct Guard(Child);

impl Guard {
    fn new(group: u32) -> io::Result<Self> {
        Command::new("sh")
            .args(["-c", &format!("read -r _; kill -KILL -{group}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(Self)
    }

    fn kill_group(&mut self) {
        drop(self.0.stdin.take());
        // The group is dead when it is; there is nothing to do about an error.
        let _ = self.0.wait();
    }
}

/// The group has ended by itself.
impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let environment = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.display(), quoted(&value?.to_string_lossy())))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| quoted(&word.to_string_lossy()));
    environment.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_status_come_back() {
        let ended =
            capture(&mut shell("echo out; echo err >&2; exit 3"), Duration::from_secs(60)).unwrap();
        assert_eq!((&*ended.stdout, &*ended.stderr), ("out\n", "err\n"));
        assert!(!ended.success());
        assert_eq!(ended.how(), "exit status: 3");
    }

    #[test]
    fn beyond_the_limit_the_whole_group_dies() {
        // The inner shell holds the pipe open: `capture` returns only when it is dead.
        let start = Instant::now();
        let ended =
            capture(&mut shell("sh -c 'sleep 60' & wait"), Duration::from_millis(50)).unwrap();
        assert!(ended.status.is_none());
        assert!(start.elapsed() < Duration::from_secs(50));
    }

    #[test]
    fn commands_are_shown_as_typed() {
        let mut command = Command::new("cargo");
        command.args(["test", "it's"]).env("RUSTFLAGS", "--cfg x");
        assert_eq!(shown(&command), r"RUSTFLAGS='--cfg x' cargo test 'it'\''s'");
    }
}
