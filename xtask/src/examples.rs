//! The examples, and what each prints when it works.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::cargo::Binary;
use crate::process::capture;

/// One run of an example.
struct Example {
    name: &'static str,
    arguments: &'static [&'static str],
    /// How it ends: 101 is a panic.
    status: i32,
    /// What must be in its stdout, or, if it fails, in its stderr.
    prints: Prints,
}

enum Prints {
    /// This, and nothing else.
    Exactly(&'static str),
    /// This, somewhere.
    Among(&'static str),
    /// This, so many times.
    Times(usize, &'static str),
}
use Prints::{Among, Exactly, Times};

impl Prints {
    /// What is wrong with what it has printed.
    fn objection(&self, printed: &str) -> Option<String> {
        let (is_right, objection) = match *self {
            Exactly(all) => (printed == all, format!("its output is not {all:?}")),
            Among(part) => (printed.contains(part), format!("its output lacks {part:?}")),
            Times(times, part) => (
                printed.matches(part).count() == times,
                format!("its output does not have {part:?} {times} times"),
            ),
        };
        (!is_right).then_some(objection)
    }
}

/// Every example is here at least once, by its name in `examples/`.
const EXAMPLES: &[Example] = &[
    Example {
        name: "dining_philosophers",
        arguments: &[],
        status: 101,
        prints: Among("deadlock: #2 'Plato' waits for a lock of #3 'Kant'"),
    },
    Example {
        name: "dining_philosophers",
        arguments: &["--polite"],
        status: 0,
        prints: Among("5 philosophers have eaten"),
    },
    Example {
        name: "wordcount",
        arguments: &["--json", "examples"],
        status: 0,
        prints: Among("\"skipped\":0"),
    },
    Example {
        name: "wordcount_threads",
        arguments: &["--json", "examples"],
        status: 0,
        prints: Among("\"skipped\":0"),
    },
    Example {
        name: "producer_consumer",
        arguments: &[],
        status: 0,
        prints: Exactly(
            "[PRODUCER] Producing 1...\n\
             [CONSUMER] Consuming 1...\n\
             [PRODUCER] Consumer return: 200 OK\n\
             [PRODUCER] Producing 2...\n\
             [CONSUMER] Consuming 2...\n\
             [PRODUCER] Consumer return: 200 OK\n\
             [PRODUCER] Producing 3...\n\
             [CONSUMER] Consuming 3...\n\
             [PRODUCER] Consumer return: 200 OK\n\
             [PRODUCER] Producing 4...\n\
             [CONSUMER] Consuming 4...\n\
             [PRODUCER] Consumer return: 200 OK\n\
             [PRODUCER] Producing 5...\n\
             [CONSUMER] Consuming 5...\n\
             [PRODUCER] Consumer return: 200 OK\n",
        ),
    },
    Example { name: "interleave", arguments: &[], status: 0, prints: Exactly("1 2 x y 3 z\n") },
    Example {
        name: "received_value",
        arguments: &[],
        status: 0,
        prints: Exactly(
            "Coroutine running...\n\
             Coroutine running...\n\
             Coroutine running...\n\
             Received value: 233\n",
        ),
    },
    Example {
        name: "hello_again",
        arguments: &[],
        status: 0,
        prints: Times(1000, "Hello world!\n"),
    },
    Example {
        name: "hello_again",
        arguments: &[],
        status: 0,
        prints: Times(1000, "Hello again!\n"),
    },
    Example {
        name: "three_requests",
        arguments: &[],
        status: 0,
        prints: Times(2, ": 3 letters, \"Sward grows\", 21.5 degrees, after "),
    },
    Example {
        name: "state_machine",
        arguments: &[],
        status: 0,
        prints: Exactly(
            "1 + 2 * 3 = 7\n\
             (1 + 2) * 3 = 9\n\
             -2 * -(10 - 4 - 3) = 6\n\
             2 * (3 + 4 = ?\n    \
             line 4, column 11: expected an operator or ')', found the end of the line\n\
             8 / / 2 = ?\n    \
             line 5, column 5: expected a number, '-' or '(', found '/'\n\
             ((1 + 2) * (3 + 4) - 1) / 8 = 2.5\n\
             6 x 7 = ?\n    \
             line 7, column 3: expected an operator or the end of the line, found 'x'\n\
             5 - = ?\n    \
             line 8, column 4: expected a number, '-' or '(', found the end of the line\n\
             7 = 7\n",
        ),
    },
    Example {
        name: "same_fringe",
        arguments: &[],
        status: 0,
        prints: Exactly(
            "same leaves, other shape: the same, 2000 leaves visited\n\
             the third leaf differs: not the same, 6 leaves visited\n\
             one has a leaf more: not the same, 1999 leaves visited\n",
        ),
    },
    Example {
        name: "multicore",
        arguments: &["100000"],
        status: 0,
        prints: Among("in 100 ranges: 9592\n"),
    },
    Example {
        name: "costs",
        arguments: &["--quick"],
        status: 0,
        prints: Among("an OS thread, parked "),
    },
];

const LIMIT: Duration = Duration::from_secs(60);

/// Runs each example of the table; `binaries` are the examples as built.
pub(crate) fn run(binaries: &[Binary]) -> Result {
    check_table(&names_in(Path::new("examples"))?)?;
    for example in EXAMPLES {
        run_one(example, binaries).map_err(|error| {
            let Example { name, arguments, .. } = example;
            let arguments = arguments.join(" ");
            format!("example {name}: {error}\nrerun: cargo run --example {name} -- {arguments}")
        })?;
    }
    Ok(())
}

fn run_one(example: &Example, binaries: &[Binary]) -> Result {
    let binary = binaries.iter().find(|binary| binary.name == example.name);
    let binary = binary.ok_or("cargo built no such example")?;
    let ended = capture(Command::new(&binary.path).args(example.arguments), LIMIT)?;
    let is_as_told = ended.code() == Some(example.status);
    let printed = if example.status == 0 { &ended.stdout } else { &ended.stderr };
    let objection = if is_as_told { example.prints.objection(printed) } else { Some(ended.how()) };
    let Some(objection) = objection else {
        println!("{:24} {:6.2} s", example.name, ended.took.as_secs_f64());
        return Ok(());
    };
    print!("{}", ended.stdout);
    eprint!("{}", ended.stderr);
    Err(objection.into())
}

/// The examples that cargo finds in `folder`: `name.rs` and `name/main.rs`.
fn names_in(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in folder.read_dir().map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        let is_file = path.extension().is_some_and(|extension| extension == "rs");
        if is_file || path.join("main.rs").is_file() {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    Ok(names)
}

fn check_table(found: &BTreeSet<String>) -> Result {
    let listed: BTreeSet<String> = EXAMPLES.iter().map(|example| example.name.into()).collect();
    if let Some(name) = found.difference(&listed).next() {
        return Err(format!("examples/{name} is not in the table of xtask/src/examples.rs").into());
    }
    if let Some(name) = listed.difference(found).next() {
        return Err(format!("xtask/src/examples.rs lists {name}, which examples/ lacks").into());
    }
    Ok(())
}
