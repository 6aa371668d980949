//! The `shard` binary.
fn main() {}
