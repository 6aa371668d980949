//! The `predict` binary.
fn main() {}
