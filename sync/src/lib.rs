//! Locks for sward's green threads, with parking_lot's names.
