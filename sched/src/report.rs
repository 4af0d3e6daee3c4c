//! Lines on stderr. Unlike `eprintln!` they do not panic when nobody reads them: they
//! come from places where nobody could catch it.

use std::fmt::Arguments;
use std::io::{Write, stderr};

/// Prints a line, or does not.
pub fn report(line: Arguments<'_>) {
    let _ = writeln!(stderr(), "{line}");
}
