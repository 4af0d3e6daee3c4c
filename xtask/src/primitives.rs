//! Whether the modelled crates take their atomics and OS threads from where loom can
//! replace them.
//!
//! An atomic of std's is invisible to the models: a protocol over it would pass them
//! unexamined. Clippy's `disallowed-types` watches the rest, but would have to name every
//! type and ordering here. A line that is no part of any protocol says so, on itself or
//! on the line before: `// not modelled: a plain counter`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

const MODELLED: [&str; 3] = ["sched/src", "chan/src", "sync/src"];
/// The files that name them.
const PRIMITIVES: [&str; 2] = ["sched/src/primitive/real.rs", "sched/src/primitive/model.rs"];
/// Whatever names atomics must get them from there.
const FORBIDDEN: &str = "atomic::";
const ALLOWED: [&str; 2] = ["primitive::atomic::", "self::atomic::"];
/// And these, of which loom has its own.
const FORBIDDEN_AS_WELL: [&str; 4] =
    ["std::thread::spawn", "std::thread::Builder", "std::thread_local!", "parking_lot::"];
const EXCUSE: &str = "// not modelled:";

pub(crate) fn check() -> Result {
    let mut found = Vec::new();
    for folder in MODELLED {
        for file in sources(Path::new(folder))? {
            if !PRIMITIVES.iter().any(|primitive| file == Path::new(primitive)) {
                let lines = unmodelled(&fs::read_to_string(&file)?);
                found.extend(lines.iter().map(|line| format!("{}:{line}", file.display())));
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let places = found.join("\n  ");
    Err(format!(
        "atomics or OS threads that loom does not see; use those of `primitive`, \
         or say `{EXCUSE} why`:\n  {places}"
    )
    .into())
}

/// Every `.rs` file below `folder`.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in folder.read_dir().map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The numbers of the lines that name an atomic of std's without an excuse.
fn unmodelled(source: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut line_before = "";
    for (line, number) in source.lines().zip(1..) {
        let excused = line.contains(EXCUSE) || line_before.contains(EXCUSE);
        line_before = line;
        let is_comment = line.trim_start().starts_with("//");
        let names = line.contains(FORBIDDEN) && !ALLOWED.iter().any(|path| line.contains(path))
            || FORBIDDEN_AS_WELL.iter().any(|path| line.contains(path));
        if names && !is_comment && !excused {
            found.push(number);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_found_and_comments_and_excused_lines_are_not() {
        let source = "use std::sync::atomic::AtomicU8;\n\
            /// use std::sync::atomic::AtomicU8;\n\
            use crate::primitive::atomic::AtomicU8;\n\
            // not modelled: a counter\n\
            use std::sync::atomic::AtomicU64;\n\
            let x = core::sync::atomic::AtomicU8::new(0);\n\
            use std::sync::atomic::AtomicU64; // not modelled: a counter\n\
            \n\
            use std::sync::{Arc, atomic::AtomicU8};\n\
            use parking_lot::Mutex;\n";
        assert_eq!(unmodelled(source), [1, 6, 9, 10]);
    }
}
