//! The `validate` binary.
fn main() {}
