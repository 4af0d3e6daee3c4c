//! sward
#![forbid(unsafe_code)]
