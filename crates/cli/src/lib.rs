//! What the command-line tools share. No library of the project depends on this crate, and it knows none of
//! them.

pub mod signals;
