//! The loader as a whole, on shards that the tests make, and the ring by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ends;
mod faults;
mod fixture;
mod mixing;
mod order;
mod ring;
mod ring_model;
mod views;
