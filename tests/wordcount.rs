//! The example programs `wordcount` and `wordcount_threads`, run as a user runs them and
//! compared with a count that is as simple as can be.
//!
//! The unit tests of `text.rs` and `counts.rs` run here too: with `test = true` in its
//! manifest entry cargo would build the example as a test, and not as the program that is
//! needed here.

#[path = "../examples/wordcount/counts.rs"]
mod counts;
#[path = "../examples/wordcount/text.rs"]
mod text;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use unicode_segmentation::UnicodeSegmentation;

/// An example program, which cargo puts beside the folder of this test program.
fn example(name: &str) -> Command {
    let this = std::env::current_exe().expect("the path of this program");
    let profile = this.ancestors().nth(2).expect("target/PROFILE/deps/THIS");
    let program = profile.join("examples").join(name);
    assert!(
        program.exists(),
        "{} is not built: run `cargo build --examples` with the same profile first",
        program.display()
    );
    Command::new(program)
}

fn run(name: &str, args: &[&dyn AsRef<OsStr>]) -> Output {
    let mut command = example(name);
    for arg in args {
        command.arg(arg);
    }
    command.output().expect("the program starts")
}

fn wordcount(args: &[&dyn AsRef<OsStr>]) -> Output {
    run("wordcount", args)
}

/// What the program says, without what sward may have to say of a machine that is short of CPUs.
fn stderr(output: &Output) -> String {
    let all = str::from_utf8(&output.stderr).expect("messages are UTF-8");
    let remark = |line: &&str| line.starts_with("sward: ") && line.contains("has kept worker");
    all.lines().filter(|line| !remark(line)).map(|line| format!("{line}\n")).collect()
}

/// The JSON without `seconds`, which is checked to be there.
fn json(output: &Output) -> Value {
    let mut value: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let seconds = value.as_object_mut().and_then(|object| object.remove("seconds"));
    assert!(seconds.is_some_and(|seconds| seconds.is_f64()), "{value}");
    value
}

/// What the programs should print: every file read whole, one after the other.
fn naive(path: &Path) -> Value {
    let (mut files, mut skipped, mut bytes) = (0, 0, 0);
    let mut counts = BTreeMap::<String, u64>::new();
    for entry in ignore::WalkBuilder::new(path).require_git(false).build() {
        let entry = entry.expect("the tree can be walked");
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let content = fs::read(entry.path()).expect("the file can be read");
        match String::from_utf8(content) {
            Ok(text) if !text.contains('\0') => {
                files += 1;
                bytes += text.len();
                for word in text.unicode_words() {
                    *counts.entry(word.to_lowercase()).or_default() += 1;
                }
            }
            _ => skipped += 1,
        }
    }
    let mut top: Vec<_> = counts.iter().collect();
    top.sort_by_key(|&(word, count)| (u64::MAX - count, word));
    let entry = |(word, count)| serde_json::json!({ "word": word, "count": count });
    serde_json::json!({
        "files": files,
        "skipped": skipped,
        "bytes": bytes,
        "words": counts.values().sum::<u64>(),
        "distinct": counts.len(),
        "top": top.into_iter().map(entry).collect::<Vec<_>>(),
    })
}

/// Counts `path` with both programs and several numbers of workers.
fn assert_counts_as_naive(path: &Path) -> Value {
    let expected = naive(path);
    for (name, workers) in [("wordcount", "1"), ("wordcount", "4"), ("wordcount_threads", "2")] {
        let output = run(name, &[&path, &"--json", &"--top=1000000", &"--workers", &workers]);
        assert_eq!(stderr(&output), "", "{name}, {workers} workers");
        assert_eq!(output.status.code(), Some(0), "{name}, {workers} workers");
        // Not assert_eq: the difference would fill many screens.
        let counted = json(&output);
        for key in ["files", "skipped", "bytes", "words", "distinct"] {
            assert_eq!(counted[key], expected[key], "{key}: {name}, {workers} workers");
        }
        assert!(counted == expected, "top: {name}, {workers} workers");
    }
    expected
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a scratch folder")
}

/// Puts `content` into a new file.
fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("the file can be written");
    path
}

#[test]
fn this_repository_counts_as_naively() {
    assert_counts_as_naive(Path::new(env!("CARGO_MANIFEST_DIR")));
}

#[test]
fn generated_files_count_as_naively() {
    let folder = folder();
    for (name, size, files) in
        [("small", "600K", "150"), ("big", "1500000", "1"), ("both", "1200K", "3")]
    {
        let tree = folder.path().join(name);
        let made = wordcount(&[&"--generate", &tree, &"--size", &size, &"--files", &files]);
        assert!(made.status.success(), "{}", stderr(&made));
        let counted = assert_counts_as_naive(&tree);
        assert_eq!(counted["files"].to_string(), files);
    }
    assert_counts_as_naive(folder.path());
}

#[test]
fn hard_to_cut_files_count_as_naively() {
    let folder = folder();
    file(&folder, "empty", "");
    file(&folder, "giant word", "x".repeat(1 << 20));
    file(&folder, "no spaces", "漢字かな交じり文👩‍👩‍👧‍👦🇩🇪🇫🇷e\u{301}'a3.14ภาษาไทย".repeat(6_000));
    file(&folder, "one line", "can't 3.14 צה\"ל Straße ΟΔΥΣΣΕΥΣ ".repeat(12_000));
    file(&folder, "a job exactly", &"word ".repeat(52_429)[..256 << 10]);
    file(&folder, "a job and a byte", &"word ".repeat(52_429)[..(256 << 10) + 1]);
    file(&folder, "crlf", "one\r\ntwo\r\n".repeat(40_000));
    assert_counts_as_naive(folder.path());
}

#[test]
fn what_is_no_text_is_skipped_whole() {
    let folder = folder();
    let late = "many words ".repeat(280_000);
    file(&folder, "good", "good words");
    file(&folder, "nul", "a\0b");
    file(&folder, "latin1", b"caf\xe9 ");
    file(&folder, "cut off", b"caf\xc3");
    file(&folder, "late", [late.as_bytes(), b"\xff"].concat());
    file(&folder, "late nul", [late.as_bytes(), b"\0"].concat());
    let counted = assert_counts_as_naive(folder.path());
    assert_eq!((&counted["files"], &counted["skipped"]), (&1.into(), &5.into()));
}

#[test]
fn missing_path_is_named_and_the_others_count() {
    let folder = folder();
    let (here, missing) = (file(&folder, "here", "one two"), folder.path().join("missing"));
    let output = wordcount(&[&missing, &here, &"--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    assert!(stderr(&output).contains(missing.to_str().expect("UTF-8")), "{}", stderr(&output));
    assert_eq!(json(&output)["words"], 2);
}

#[test]
fn unreadable_file_is_a_warning_and_the_others_count() {
    let folder = folder();
    let here = file(&folder, "here", "one two");
    // Can be opened and not be read, by root either: nothing is mapped at its start.
    let output = wordcount(&[&"/proc/self/mem", &here, &"--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("warning: /proc/self/mem: "), "{}", stderr(&output));
    let counted = json(&output);
    assert_eq!(
        (&counted["files"], &counted["skipped"], &counted["words"]),
        (&1.into(), &0.into(), &2.into())
    );
}

#[test]
fn special_files_are_not_waited_for() {
    let folder = folder();
    file(&folder, "here", "one two");
    let fifo = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    let output = wordcount(&[&folder.path(), &"--json"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let output = wordcount(&[&folder.path(), &fifo, &"/dev/zero", &"--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output).lines().count(), 2, "{}", stderr(&output));
    assert_eq!(json(&output)["words"], 2);
}

#[test]
fn a_file_may_be_named_and_named_twice() {
    let folder = folder();
    let path = file(&folder, ".hidden", "One two ONE");
    let output = wordcount(&[&path, &path, &"--json", &"--top=1"]);
    let counted = json(&output);
    assert_eq!((&counted["files"], &counted["words"]), (&2.into(), &6.into()));
    assert_eq!(counted["top"], serde_json::json!([{ "word": "one", "count": 4 }]));
    let output = wordcount(&[&path]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.starts_with(
        "2  66.67 %  one\n1  33.33 %  two\n\n1 files, 0 skipped, 11 bytes, 3 words, 2 distinct"
    ));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = folder();
    let many: String = (0..40_000).map(|number| format!("word{number} ")).collect();
    let path = file(&folder, "many", many);
    for format in ["--json", "--workers=2"] {
        let mut command = example("wordcount");
        command.arg(&path).args([format, "--top=100000"]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        // More is to come than a pipe holds, so the program finds it closed.
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    }
}

#[test]
fn wrong_arguments_are_explained() {
    let folder = folder();
    let wrong: &[(&str, &[&str])] = &[
        ("--workers <N>", &["--workers", "0"]),
        ("--workers <N>", &["--workers", "100000"]),
        ("--top <N>", &["--top", "x"]),
        ("--generate <DIR>", &["--size", "1M"]),
        ("--size <BYTES>", &["--generate", "x", "--size", "1X"]),
        ("--files <N>", &["--generate", "x", "--files", "0"]),
        ("--json", &["--generate", "x", "--json"]),
        ("--nonsense", &["--nonsense"]),
    ];
    for (named, args) in wrong {
        let output =
            example("wordcount").args(*args).current_dir(&folder).output().expect("starts");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(named), "{args:?}: {}", stderr(&output));
        assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 0, "{args:?}");
    }
}

#[test]
fn test_data_is_the_same_each_time_and_overwrites_nothing() {
    let folder = folder();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    for tree in [&one, &two] {
        let output = wordcount(&[&"--generate", tree, &"--size", &"100001"]);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let (left, right) = (naive(&one), naive(&two));
    assert!(left == right);
    assert_eq!((&left["files"], &left["bytes"]), (&13.into(), &100_001.into()));

    let output = wordcount(&[&"--generate", &one]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("not empty"), "{}", stderr(&output));
}
