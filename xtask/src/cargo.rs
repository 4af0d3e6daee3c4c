//! Cargo: its command lines, and where it put what it built.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Result;
use crate::process::shown;

/// Cargo with these words.
pub(crate) fn cargo<'a>(words: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("cargo");
    command.args(words);
    command
}

/// Runs a command to its end, its output to ours.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = command.status().map_err(|error| format!("cannot run it: {error}"))?;
    if status.success() { Ok(()) } else { Err(status.to_string().into()) }
}

/// A binary that cargo built.
pub(crate) struct Binary {
    /// The target's: of an example, a test file, a library.
    pub(crate) name: String,
    /// `lib`, `test`, `bench`, `example`, ..
    pub(crate) kind: String,
    pub(crate) path: PathBuf,
    /// The folder of its package, where cargo runs tests.
    pub(crate) package: PathBuf,
}

/// Runs a building command and returns the binaries that it built or found fresh.
pub(crate) fn binaries(command: &mut Command) -> Result<Vec<Binary>> {
    command.arg("--message-format=json-render-diagnostics");
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", shown(command)))?;
    if !output.status.success() {
        return Err(output.status.to_string().into());
    }
    let mut binaries = Vec::new();
    for line in output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        binaries.extend(binary(&serde_json::from_slice(line)?));
    }
    Ok(binaries)
}

/// The binary that a `compiler-artifact` message tells of, if it does.
fn binary(message: &Value) -> Option<Binary> {
    let target = &message["target"];
    let manifest = PathBuf::from(message["manifest_path"].as_str()?);
    Some(Binary {
        path: message["executable"].as_str()?.into(),
        name: target["name"].as_str()?.to_owned(),
        kind: target["kind"][0].as_str()?.to_owned(),
        package: manifest.parent()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_executables_are_binaries() {
        let mut message = json!({
            "reason": "compiler-artifact",
            "manifest_path": "/repo/chan/Cargo.toml",
            "target": { "name": "close", "kind": ["test"] },
            "executable": "/repo/target/debug/deps/close-1",
        });
        let found = binary(&message).unwrap();
        assert_eq!((&*found.name, &*found.kind), ("close", "test"));
        assert_eq!(found.package, PathBuf::from("/repo/chan"));
        message["executable"] = Value::Null;
        assert!(binary(&message).is_none());
        assert!(binary(&json!({ "reason": "build-finished", "success": true })).is_none());
    }
}
