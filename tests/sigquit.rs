//! A process that gets a SIGQUIT prints a dump, if it was told to, and goes on.
//!
//! A program without the usual harness: it runs itself, and sends the signals.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use sward::{Builder, runtime};

const CHILD: &str = "SWARD_SIGQUIT";

fn child() {
    // Twice: the second changes nothing.
    let _first = runtime::Builder::new().workers(1).dump_on_sigquit(true).build().unwrap();
    let rt = runtime::Builder::new().workers(1).dump_on_sigquit(true).build().unwrap();
    let waits = rt.run(|| Builder::new().name("waits").spawn(sward::park));
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    waits.thread().unpark();
    waits.join().unwrap();
}

fn quit(child: &Child) {
    let status = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

fn main() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CHILD, "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(stdout.next().unwrap().unwrap(), "ready");
    for _ in 0..3 {
        quit(&child);
        let mut until = |what: &str| stderr.find(|line| line.as_ref().unwrap().contains(what));
        assert!(until("sward: SIGQUIT: ").is_some());
        assert!(until("'waits' [park for ").is_some());
    }
    child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    assert!(child.wait().unwrap().success());
    println!("test a_process_dumps_on_sigquit_and_goes_on ... ok");
}
