//! Go-style channels for sward, with crossbeam-channel's names.
