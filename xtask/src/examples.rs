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
    /// What must be somewhere in its stdout, or, if it fails, in its stderr.
    prints: &'static str,
}

/// Every example is here at least once, by its name in `examples/`.
const EXAMPLES: &[Example] = &[
    Example {
        name: "dining_philosophers",
        arguments: &[],
        status: 101,
        prints: "deadlock: #2 'Plato' waits for a lock of #3 'Kant'",
    },
    Example {
        name: "dining_philosophers",
        arguments: &["--polite"],
        status: 0,
        prints: "5 philosophers have eaten",
    },
    Example {
        name: "wordcount",
        arguments: &["--json", "examples"],
        status: 0,
        prints: "\"skipped\":0",
    },
    Example {
        name: "wordcount_threads",
        arguments: &["--json", "examples"],
        status: 0,
        prints: "\"skipped\":0",
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
    if is_as_told && printed.contains(example.prints) {
        println!("{:24} {:6.2} s", example.name, ended.took.as_secs_f64());
        return Ok(());
    }
    print!("{}", ended.stdout);
    eprint!("{}", ended.stderr);
    if is_as_told {
        Err(format!("its output lacks {:?}", example.prints).into())
    } else {
        Err(ended.how().into())
    }
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
